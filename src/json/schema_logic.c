/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords that apply other schemas to the same value: allOf, anyOf, oneOf, not, if, then, else
 * (JSON Schema core, section 10.2).
 *
 * Marks of a schema that fails must not remain: where the failure of one does not fail the whole,
 * it gets marks of its own, which are merged when it succeeds.
 */
#include "json/schema_impl.h"

struct logic_keyword {
    struct keyword keyword;
    const struct schema_node **nodes; /* if: three, some of them NULL */
    size_t n;
};

static int compile_list(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                        const yyjson_val *value, struct keyword **out)
{
    struct logic_keyword *k = schema_keyword_new(c, sizeof(*k), out);

    (void)siblings;
    return schema_compile_nodes(c, node, value, &k->nodes, &k->n);
}

static int compile_all(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                       const yyjson_val *value, struct keyword **out)
{
    int rc = compile_list(c, node, siblings, value, out);

    if (rc == 0) {
        (*out)->always = ((struct logic_keyword *)*out)->nodes;
        (*out)->n_always = ((struct logic_keyword *)*out)->n;
    }
    return rc;
}

/* As one alternative, whose marks count only when it succeeds. Why it fails is not asked. */
static int check_branch(struct check *c, const struct schema_node *node, const yyjson_val *instance,
                        struct marks *marks)
{
    struct marks own;
    int rc;

    if (!marks) {
        return schema_check_quietly(c, node, instance, NULL);
    }
    marks_init(&own, instance);
    rc = schema_work(c, own.n / 64);
    if (rc == 0) {
        rc = schema_check_quietly(c, node, instance, &own);
    }
    if (rc == SCHEMA_VALID) {
        marks_merge(marks, &own);
    }
    marks_fini(&own);
    return rc;
}

/* ---- allOf and anyOf ---- */

static int check_all(struct check *c, const struct keyword *k, const yyjson_val *instance,
                     struct marks *marks)
{
    const struct logic_keyword *all = (const struct logic_keyword *)k;
    int rc = SCHEMA_VALID;

    for (size_t i = 0; i < all->n && rc == SCHEMA_VALID; i++) {
        rc = schema_check_node(c, all->nodes[i], instance, marks);
    }
    return rc;
}

static unsigned depth_of(const struct check *c)
{
    return c->path ? c->path->depth : 0;
}

/* None of them fits: finds out which one comes nearest. */
static int explain_alternatives(struct check *c, const struct logic_keyword *k,
                                const yyjson_val *instance)
{
    struct finding *best = mem_zalloc(
        sizeof(*best)); /* too large for a stack that is deep already */
    int rc = SCHEMA_MISMATCH;

    for (size_t i = 0; i < k->n && rc == SCHEMA_MISMATCH; i++) {
        rc = schema_check_node(c, k->nodes[i], instance, NULL);
        if (rc == SCHEMA_MISMATCH) {
            schema_choose_finding(best, &c->finding, depth_of(c));
        }
    }
    if (rc == SCHEMA_MISMATCH) {
        c->finding = *best;
    }
    mem_free(best);
    return rc;
}

static int check_any(struct check *c, const struct keyword *k, const yyjson_val *instance,
                     struct marks *marks)
{
    const struct logic_keyword *any = (const struct logic_keyword *)k;
    int result = SCHEMA_MISMATCH;

    for (size_t i = 0; i < any->n; i++) {
        int rc = check_branch(c, any->nodes[i], instance, marks);

        if (rc < 0) {
            return rc;
        }
        if (rc == SCHEMA_VALID) {
            result = SCHEMA_VALID;
            if (!marks) {
                break;
            }
        }
    }
    return result == SCHEMA_MISMATCH && c->is_explaining ? explain_alternatives(c, any, instance)
                                                         : result;
}

/* ---- oneOf and not ---- */

static int check_one(struct check *c, const struct keyword *k, const yyjson_val *instance,
                     struct marks *marks)
{
    const struct logic_keyword *one = (const struct logic_keyword *)k;
    size_t first = one->n;

    for (size_t i = 0; i < one->n; i++) {
        int rc = check_branch(c, one->nodes[i], instance, marks);

        if (rc < 0) {
            return rc;
        }
        if (rc == SCHEMA_VALID && first < one->n) {
            return schema_fail(c,
                               "expected to fit exactly one of %zu alternatives, but fits number "
                               "%zu and number %zu",
                               one->n, first + 1, i + 1);
        }
        if (rc == SCHEMA_VALID) {
            first = i;
        }
    }
    if (first < one->n) {
        return SCHEMA_VALID;
    }
    return c->is_explaining ? explain_alternatives(c, one, instance) : SCHEMA_MISMATCH;
}

static int compile_not(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                       const yyjson_val *value, struct keyword **out)
{
    struct logic_keyword *k = schema_keyword_new(c, sizeof(*k), out);

    (void)siblings;
    k->nodes = schema_alloc(c, sizeof(*k->nodes));
    k->n = 1;
    return schema_compile_child(c, node, value, &k->nodes[0]);
}

static int check_not(struct check *c, const struct keyword *k, const yyjson_val *instance,
                     struct marks *marks)
{
    const struct logic_keyword *not = (const struct logic_keyword *)k;
    char described[100];
    int rc = check_branch(c, not ->nodes[0], instance, NULL);

    (void)marks;
    if (rc == SCHEMA_MISMATCH) {
        return SCHEMA_VALID;
    }
    if (rc < 0 || !c->is_explaining) {
        return rc < 0 ? rc : SCHEMA_MISMATCH;
    }
    json_describe(instance, described, sizeof(described));
    return schema_fail(c, "%s fits what is not allowed here", described);
}

/* ---- if, then and else ---- */

enum { IF, THEN, ELSE };

static int compile_if(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                      const yyjson_val *value, struct keyword **out)
{
    static const char *const names[] = { "if", "then", "else" };
    struct logic_keyword *k = schema_keyword_new(c, sizeof(*k), out);
    int rc = 0;

    (void)value;
    k->nodes = schema_alloc(c, COUNT_OF(names) * sizeof(*k->nodes));
    for (size_t i = 0; i < COUNT_OF(names) && rc == 0; i++) {
        yyjson_val *schema = json_get(siblings, names[i]);

        if (schema) {
            rc = schema_compile_child(c, node, schema, &k->nodes[i]);
        }
    }
    return rc;
}

/* Without an if it says nothing, but it is a schema, and may be referred to. */
static int compile_alone(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                         const yyjson_val *value, struct keyword **out)
{
    const struct schema_node *unused;

    (void)siblings;
    (void)out;
    return schema_compile_child(c, node, value, &unused);
}

static int check_if(struct check *c, const struct keyword *k, const yyjson_val *instance,
                    struct marks *marks)
{
    const struct logic_keyword *condition = (const struct logic_keyword *)k;
    const struct schema_node *next;
    int rc;

    if (!condition->nodes[THEN] && !condition->nodes[ELSE] && !marks) {
        return SCHEMA_VALID;
    }
    rc = check_branch(c, condition->nodes[IF], instance, marks);
    if (rc < 0) {
        return rc;
    }
    next = condition->nodes[rc == SCHEMA_VALID ? THEN : ELSE];
    return next ? schema_check_node(c, next, instance, marks) : SCHEMA_VALID;
}

const struct keyword_kind schema_logic_keywords[] = {
    { "allOf", VOCABULARY_APPLICATOR, TYPE_ANY, compile_all, check_all },
    { "anyOf", VOCABULARY_APPLICATOR, TYPE_ANY, compile_list, check_any },
    { "oneOf", VOCABULARY_APPLICATOR, TYPE_ANY, compile_list, check_one },
    { "not", VOCABULARY_APPLICATOR, TYPE_ANY, compile_not, check_not },
    { "if", VOCABULARY_APPLICATOR, TYPE_ANY, compile_if, check_if },
    { "then", VOCABULARY_APPLICATOR, TYPE_ANY, compile_alone, NULL },
    { "else", VOCABULARY_APPLICATOR, TYPE_ANY, compile_alone, NULL },
    { NULL, 0, 0, NULL, NULL },
};
