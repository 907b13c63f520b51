/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords for objects that are about all members or their names (JSON Schema core, section
 * 10.3.2, and validation, section 6.5). Those about certain members are in schema_required.c.
 */
#include <stdlib.h>

#include "json/schema_impl.h"
#include "json/schema_pattern.h"

/* ---- properties, patternProperties and additionalProperties ---- */

struct property {
    struct str name;
    const struct schema_node *node;
};

struct pattern_property {
    const struct pattern *pattern;
    const struct schema_node *node;
};

struct members_keyword {
    struct keyword keyword;
    const yyjson_val *names;     /* the object in the schema, or NULL */
    struct property *properties; /* the same, sorted */
    size_t n_properties;
    struct pattern_property *patterns;
    size_t n_patterns;
    const struct schema_node *additional; /* NULL when there is no such keyword */
};

static int compare_names(struct str a, struct str b)
{
    if (a.len != b.len) {
        return a.len < b.len ? -1 : 1;
    }
    return a.len ? memcmp(a.p, b.p, a.len) : 0;
}

static int compare_properties(const void *a, const void *b)
{
    return compare_names(((const struct property *)a)->name, ((const struct property *)b)->name);
}

static int compile_properties(struct compiler *c, struct schema_node *node, yyjson_val *value,
                              struct members_keyword *k)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with(value);
    yyjson_val *key;
    int rc = 0;

    if (!yyjson_is_obj(value)) {
        return schema_refuse(c, value, "properties is not an object");
    }
    k->names = value;
    k->properties = schema_alloc(c, iter.max * sizeof(*k->properties));
    while (rc == 0 && (key = yyjson_obj_iter_next(&iter))) {
        struct property *p = &k->properties[k->n_properties++];

        p->name = json_str(key);
        rc = schema_compile_child(c, node, yyjson_obj_iter_get_val(key), &p->node);
    }
    qsort(k->properties, k->n_properties, sizeof(*k->properties), compare_properties);
    return rc;
}

static int compile_patterns(struct compiler *c, struct schema_node *node, yyjson_val *value,
                            struct members_keyword *k)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with(value);
    yyjson_val *key;
    int rc = 0;

    if (!yyjson_is_obj(value)) {
        return schema_refuse(c, value, "patternProperties is not an object");
    }
    k->patterns = schema_alloc(c, iter.max * sizeof(*k->patterns));
    while (rc == 0 && (key = yyjson_obj_iter_next(&iter))) {
        struct pattern_property *p = &k->patterns[k->n_patterns++];
        yyjson_val *schema = yyjson_obj_iter_get_val(key);

        rc = pattern_compile(c, schema, json_str(key), &p->pattern);
        if (rc == 0) {
            rc = schema_compile_child(c, node, schema, &p->node);
        }
    }
    return rc;
}

/* Called for all three keywords; the first that is there compiles all. */
static int compile_members(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                           const yyjson_val *value, struct keyword **out)
{
    yyjson_val *properties = json_get(siblings, "properties");
    yyjson_val *patterns = json_get(siblings, "patternProperties");
    yyjson_val *additional = json_get(siblings, "additionalProperties");
    struct members_keyword *k;
    int rc = 0;

    if (value != (properties ? properties : patterns ? patterns : additional)) {
        return 0;
    }
    k = schema_keyword_new(c, sizeof(*k), out);
    if (properties) {
        rc = compile_properties(c, node, properties, k);
    }
    if (rc == 0 && patterns) {
        rc = compile_patterns(c, node, patterns, k);
    }
    if (rc == 0 && additional) {
        rc = schema_compile_child(c, node, additional, &k->additional);
    }
    return rc;
}

static const struct property *find_property(const struct members_keyword *k, struct str name)
{
    size_t low = 0, high = k->n_properties;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_names(name, k->properties[middle].name);

        if (order == 0) {
            return &k->properties[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

int schema_fail_unexpected(struct check *c, const yyjson_val *key)
{
    char quoted[80];

    if (!c->is_explaining) {
        return SCHEMA_MISMATCH;
    }
    json_quote(json_str(key), quoted, sizeof(quoted));
    return schema_fail(c, "unexpected property %s", quoted);
}

/* With the names that would have been allowed: the wrong one is often a misspelling. */
static int fail_additional(struct check *c, const struct members_keyword *k, const yyjson_val *key)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with((yyjson_val *)k->names);
    yyjson_val *name;
    struct buf names;
    char quoted[80];
    int rc;

    if (!c->is_explaining || iter.max == 0) {
        return schema_fail_unexpected(c, key);
    }
    buf_init(&names, KIB);
    while ((name = yyjson_obj_iter_next(&iter)) && names.len < 200) {
        json_quote(json_str(name), quoted, sizeof(quoted));
        buf_addf(&names, "%s%s", names.len ? ", " : "", quoted);
    }
    json_quote(json_str(key), quoted, sizeof(quoted));
    rc = schema_fail(c, "unexpected property %s; allowed are %s%s", quoted, names.data,
                     name ? ", ..." : "");
    buf_fini(&names);
    return rc;
}

static int check_value(struct check *c, const struct schema_node *node, const yyjson_val *key)
{
    return node->kind == NODE_FALSE
               ? schema_fail_unexpected(c, key)
               : schema_check_member(c, node, key, yyjson_obj_iter_get_val((yyjson_val *)key));
}

static int check_member(struct check *c, const struct members_keyword *k, const yyjson_val *key,
                        bool *is_evaluated_out)
{
    const struct property *property = find_property(k, json_str(key));
    int rc = property ? check_value(c, property->node, key) : SCHEMA_VALID;

    *is_evaluated_out = property;
    for (size_t i = 0; i < k->n_patterns && rc == SCHEMA_VALID; i++) {
        rc = pattern_check(c, k->patterns[i].pattern, json_str(key));
        if (rc == SCHEMA_VALID) {
            *is_evaluated_out = true;
            rc = check_value(c, k->patterns[i].node, key);
        } else if (rc == SCHEMA_MISMATCH) {
            rc = SCHEMA_VALID;
        }
    }
    if (rc != SCHEMA_VALID || *is_evaluated_out || !k->additional) {
        return rc;
    }
    *is_evaluated_out = true;
    return k->additional->kind == NODE_FALSE ? fail_additional(c, k, key)
                                             : check_value(c, k->additional, key);
}

static int check_members(struct check *c, const struct keyword *k, const yyjson_val *instance,
                         struct marks *marks)
{
    const struct members_keyword *members = (const struct members_keyword *)k;
    yyjson_obj_iter iter = yyjson_obj_iter_with((yyjson_val *)instance);
    yyjson_val *key;
    int rc = schema_work(c, iter.max / 4);

    while (rc == SCHEMA_VALID && (key = yyjson_obj_iter_next(&iter))) {
        bool is_evaluated;

        rc = check_member(c, members, key, &is_evaluated);
        if (is_evaluated) {
            marks_set(marks, iter.idx - 1);
        }
    }
    return rc;
}

/* ---- propertyNames ---- */

struct names_keyword {
    struct keyword keyword;
    const struct schema_node *node;
};

static int compile_names(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                         const yyjson_val *value, struct keyword **out)
{
    struct names_keyword *k = schema_keyword_new(c, sizeof(*k), out);

    (void)siblings;
    return schema_compile_child(c, node, value, &k->node);
}

/* What is wrong with a name is said of the object that has it. */
static int fail_name(struct check *c, const yyjson_val *key)
{
    struct schema_error error = c->finding.error;
    char quoted[80];

    json_quote(json_str(key), quoted, sizeof(quoted));
    return schema_fail(c, "property name %s: %s", quoted, error.text);
}

static int check_names(struct check *c, const struct keyword *k, const yyjson_val *instance,
                       struct marks *marks)
{
    const struct schema_node *node = ((const struct names_keyword *)k)->node;
    yyjson_obj_iter iter = yyjson_obj_iter_with((yyjson_val *)instance);
    yyjson_val *key;
    int rc = SCHEMA_VALID;

    (void)marks;
    while (rc == SCHEMA_VALID && (key = yyjson_obj_iter_next(&iter))) {
        rc = schema_check_node(c, node, key, NULL);
        if (rc == SCHEMA_MISMATCH && c->is_explaining) {
            rc = fail_name(c, key);
        }
    }
    return rc;
}

/* ---- minProperties and maxProperties ---- */

static const char *noun(size_t n)
{
    return n == 1 ? "property" : "properties";
}

static int check_max_properties(struct check *c, const struct keyword *k,
                                const yyjson_val *instance, struct marks *marks)
{
    size_t limit = ((const struct count_keyword *)k)->limit;
    size_t n = yyjson_obj_size((yyjson_val *)instance);

    (void)marks;
    return n <= limit ? SCHEMA_VALID
                      : schema_fail(c, "expected at most %zu %s, got %zu", limit, noun(limit), n);
}

static int check_min_properties(struct check *c, const struct keyword *k,
                                const yyjson_val *instance, struct marks *marks)
{
    size_t limit = ((const struct count_keyword *)k)->limit;
    size_t n = yyjson_obj_size((yyjson_val *)instance);

    (void)marks;
    return n >= limit ? SCHEMA_VALID
                      : schema_fail(c, "expected at least %zu %s, got %zu", limit, noun(limit), n);
}

const struct keyword_kind schema_object_keywords[] = {
    { "properties", VOCABULARY_APPLICATOR, TYPE_OBJECT, compile_members, check_members },
    { "patternProperties", VOCABULARY_APPLICATOR, TYPE_OBJECT, compile_members, check_members },
    { "additionalProperties", VOCABULARY_APPLICATOR, TYPE_OBJECT, compile_members, check_members },
    { "propertyNames", VOCABULARY_APPLICATOR, TYPE_OBJECT, compile_names, check_names },
    { "maxProperties", VOCABULARY_VALIDATION, TYPE_OBJECT, schema_compile_count, check_max_properties },
    { "minProperties", VOCABULARY_VALIDATION, TYPE_OBJECT, schema_compile_count, check_min_properties },
    { NULL, 0, 0, NULL, NULL },
};
