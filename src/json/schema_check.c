/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking a value: the walk over nodes and values, and its limits. See schema_impl.h.
 *
 * A check runs once without words. Only when that fails it runs again to explain why, so that what
 * fits, which is nearly everything, pays nothing for error texts.
 */
#include <assert.h>
#include <stdio.h>

#include "json/schema_impl.h"
#include "json/schema_pattern.h"

int schema_give_up(struct check *c, const char *fmt, ...)
{
    va_list ap;

    c->finding.is_set = true;
    c->finding.error.path[0] = '\0';
    va_start(ap, fmt);
    vsnprintf(c->finding.error.text, sizeof(c->finding.error.text), fmt, ap);
    va_end(ap);
    return DMCP_E_TOOBIG;
}

int schema_work(struct check *c, size_t units)
{
    if (units > c->work_left) {
        return schema_give_up(c, "checking this against its schema takes too much work");
    }
    c->work_left -= units;
    return 0;
}

enum value_type schema_type_of(const yyjson_val *v)
{
    switch (yyjson_get_type((yyjson_val *)v)) {
    case YYJSON_TYPE_NULL:
        return TYPE_NULL;
    case YYJSON_TYPE_BOOL:
        return TYPE_BOOLEAN;
    case YYJSON_TYPE_STR:
        return TYPE_STRING;
    case YYJSON_TYPE_ARR:
        return TYPE_ARRAY;
    case YYJSON_TYPE_OBJ:
        return TYPE_OBJECT;
    default: /* a number that fits, or the text of one that does not */
        assert(json_is_number(v));
        return TYPE_NUMBER;
    }
}

static int check_keywords(struct check *c, const struct schema_node *node,
                          const yyjson_val *instance, struct marks *marks)
{
    enum value_type type = schema_type_of(instance);
    const struct keyword *k;
    int rc = SCHEMA_VALID;

    for (k = node->keywords; k && rc == SCHEMA_VALID; k = k->next) {
        if (k->kind->types & type) {
            rc = k->kind->check(c, k, instance, marks);
        }
    }
    return rc;
}

/* A node that asks what was evaluated sees only the marks of its own keywords; what it marked goes
 * on to the nodes around it. */
static int check_with_own_marks(struct check *c, const struct schema_node *node,
                                const yyjson_val *instance, struct marks *marks)
{
    struct marks own;
    int rc;

    marks_init(&own, instance);
    rc = schema_work(c, own.n / 64);
    if (rc == 0) {
        rc = check_keywords(c, node, instance, &own);
    }
    if (rc == SCHEMA_VALID) {
        marks_merge(marks, &own);
    }
    marks_fini(&own);
    return rc;
}

int schema_check_node(struct check *c, const struct schema_node *node, const yyjson_val *instance,
                      struct marks *marks)
{
    struct scope scope = { c->scope, node->resource };
    const struct scope *up = c->scope;
    int rc;

    if (node->kind == NODE_TRUE) {
        return SCHEMA_VALID;
    }
    if (node->kind == NODE_FALSE) {
        return schema_fail(c, "no value is allowed here");
    }
    rc = schema_work(c, 1);
    if (rc) {
        return rc;
    }
    if (c->depth == LIMIT_SCHEMA_DEPTH) {
        return schema_give_up(c,
                              "the schema refers to itself without end, or nests more than %d deep",
                              LIMIT_SCHEMA_DEPTH);
    }
    c->depth++;
    if (!up || up->resource != node->resource) {
        c->scope = &scope;
    }
    rc = node->has_unevaluated ? check_with_own_marks(c, node, instance, marks)
                               : check_keywords(c, node, instance, marks);
    c->scope = up;
    c->depth--;
    return rc;
}

int schema_check_quietly(struct check *c, const struct schema_node *node,
                         const yyjson_val *instance, struct marks *marks)
{
    bool was_explaining = c->is_explaining;
    int rc;

    c->is_explaining = false;
    rc = schema_check_node(c, node, instance, marks);
    c->is_explaining = was_explaining;
    return rc;
}

static int check_below(struct check *c, const struct schema_node *node, struct str key,
                       size_t index, const yyjson_val *value)
{
    const struct path *up = c->path;
    struct path path = { up, key, index, up ? up->depth + 1 : 1 };
    int rc;

    c->path = &path;
    rc = schema_check_node(c, node, value, NULL);
    c->path = up;
    return rc;
}

int schema_check_member(struct check *c, const struct schema_node *node, const yyjson_val *key,
                        const yyjson_val *value)
{
    return check_below(c, node, json_str(key), 0, value);
}

int schema_check_item(struct check *c, const struct schema_node *node, size_t index,
                      const yyjson_val *value)
{
    return check_below(c, node, STR_NONE, index, value);
}

static int run(struct check *c, const struct schema *s, const yyjson_val *instance)
{
    size_t n_values = (size_t)(unsafe_yyjson_get_next((yyjson_val *)instance) - instance);

    c->work_left = LIMIT_SCHEMA_WORK + n_values * LIMIT_SCHEMA_WORK_PER_VALUE;
    return schema_check_node(c, s->root, instance, NULL);
}

int schema_check(const struct schema *s, const yyjson_val *instance, struct schema_error *error_out)
{
    struct check c = { 0 };
    int rc = run(&c, s, instance);

    if (rc == SCHEMA_MISMATCH && error_out) {
        int explained;

        c.is_explaining = true;
        explained = run(&c, s, instance);
        assert(explained != SCHEMA_VALID);
        if (explained != SCHEMA_MISMATCH) { /* to say why takes some more work than to see that */
            (void)schema_give_up(&c, "this does not fit its schema");
        }
    }
    matcher_free(c.matcher);
    if (rc != SCHEMA_VALID && error_out) {
        *error_out = c.finding.error;
    }
    return rc == SCHEMA_MISMATCH ? DMCP_E_INVALID : rc;
}
