/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords for arrays (JSON Schema core, section 10.3.1, and validation, section 6.4).
 */
#include "json/equal.h"
#include "json/schema_impl.h"

/* ---- prefixItems and items ---- */

struct items_keyword {
    struct keyword keyword;
    const struct schema_node **prefix;
    size_t n_prefix;
    const struct schema_node *rest; /* NULL when there is no such keyword */
};

/* Called for both keywords; whichever comes first compiles both. */
static int compile_items(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                         const yyjson_val *value, struct keyword **out)
{
    yyjson_val *prefix = json_get(siblings, "prefixItems"), *rest = json_get(siblings, "items");
    struct items_keyword *k;
    int rc = 0;

    if (value == rest && prefix) {
        return 0;
    }
    k = schema_keyword_new(c, sizeof(*k), out);
    if (prefix) {
        rc = schema_compile_nodes(c, node, prefix, &k->prefix, &k->n_prefix);
    }
    if (rc == 0 && rest) {
        rc = schema_compile_child(c, node, rest, &k->rest);
    }
    return rc;
}

static int check_items(struct check *c, const struct keyword *k, const yyjson_val *instance,
                       struct marks *marks)
{
    const struct items_keyword *items = (const struct items_keyword *)k;
    yyjson_arr_iter iter = yyjson_arr_iter_with((yyjson_val *)instance);
    size_t n = iter.max, n_checked = !items->rest && items->n_prefix < n ? items->n_prefix : n;
    int rc = SCHEMA_VALID;

    if (items->rest && items->rest->kind == NODE_FALSE && n > items->n_prefix) {
        return schema_fail(c, "expected at most %zu item%s, got %zu", items->n_prefix,
                           items->n_prefix == 1 ? "" : "s", n);
    }
    for (size_t i = 0; i < n_checked && rc == SCHEMA_VALID; i++) {
        yyjson_val *item = yyjson_arr_iter_next(&iter);

        rc = schema_check_item(c, i < items->n_prefix ? items->prefix[i] : items->rest, i, item);
        marks_set(marks, i);
    }
    return rc;
}

/* ---- contains ---- */

struct contains_keyword {
    struct keyword keyword;
    const struct schema_node *node;
    size_t min, max;
};

static int compile_contains(struct compiler *c, struct schema_node *node,
                            const yyjson_val *siblings, const yyjson_val *value,
                            struct keyword **out)
{
    struct contains_keyword *k = schema_keyword_new(c, sizeof(*k), out);
    yyjson_val *min = json_get(siblings, "minContains"), *max = json_get(siblings, "maxContains");
    bool has_validation = node->resource->vocabularies & VOCABULARY_VALIDATION;
    int rc = schema_compile_child(c, node, value, &k->node);

    k->min = 1;
    k->max = SIZE_MAX;
    if (rc == 0 && min && has_validation) {
        rc = schema_read_count(c, min, &k->min);
    }
    if (rc == 0 && max && has_validation) {
        rc = schema_read_count(c, max, &k->max);
    }
    return rc;
}

/* Says nothing without contains, which has read it; but it must be a number all the same. */
static int compile_bound(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                         const yyjson_val *value, struct keyword **out)
{
    size_t bound;

    (void)node;
    (void)siblings;
    (void)out;
    return schema_read_count(c, value, &bound);
}

static int check_contains(struct check *c, const struct keyword *k, const yyjson_val *instance,
                          struct marks *marks)
{
    const struct contains_keyword *contains = (const struct contains_keyword *)k;
    yyjson_arr_iter iter = yyjson_arr_iter_with((yyjson_val *)instance);
    size_t n_found = 0;
    yyjson_val *item;

    /* All are looked at only where it matters which ones fit. */
    while ((marks || n_found < contains->min || contains->max < iter.max) &&
           (item = yyjson_arr_iter_next(&iter))) {
        int rc = schema_check_quietly(c, contains->node, item, NULL);

        if (rc < 0) {
            return rc;
        }
        if (rc == SCHEMA_VALID) {
            n_found++;
            marks_set(marks, iter.idx - 1);
        }
    }
    if (n_found < contains->min) {
        return schema_fail(c,
                           "expected at least %zu item%s that fit%s what the array must contain,"
                           " got %zu",
                           contains->min, contains->min == 1 ? "" : "s",
                           contains->min == 1 ? "s" : "", n_found);
    }
    if (n_found > contains->max) {
        return schema_fail(c,
                           "expected at most %zu item%s that fit%s what the array may contain,"
                           " got %zu",
                           contains->max, contains->max == 1 ? "" : "s",
                           contains->max == 1 ? "s" : "", n_found);
    }
    return SCHEMA_VALID;
}

/* ---- minItems and maxItems ---- */

static int check_max_items(struct check *c, const struct keyword *k, const yyjson_val *instance,
                           struct marks *marks)
{
    size_t limit = ((const struct count_keyword *)k)->limit;
    size_t n = yyjson_arr_size((yyjson_val *)instance);

    (void)marks;
    return n <= limit ? SCHEMA_VALID
                      : schema_fail(c, "expected at most %zu item%s, got %zu", limit,
                                    limit == 1 ? "" : "s", n);
}

static int check_min_items(struct check *c, const struct keyword *k, const yyjson_val *instance,
                           struct marks *marks)
{
    size_t limit = ((const struct count_keyword *)k)->limit;
    size_t n = yyjson_arr_size((yyjson_val *)instance);

    (void)marks;
    return n >= limit ? SCHEMA_VALID
                      : schema_fail(c, "expected at least %zu item%s, got %zu", limit,
                                    limit == 1 ? "" : "s", n);
}

/* ---- uniqueItems ---- */

static int compile_unique(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                          const yyjson_val *value, struct keyword **out)
{
    (void)node;
    (void)siblings;
    if (!yyjson_is_bool((yyjson_val *)value)) {
        return schema_refuse(c, value, "uniqueItems is not a boolean");
    }
    if (yyjson_get_bool((yyjson_val *)value)) {
        schema_keyword_new(c, sizeof(struct keyword), out);
    }
    return 0;
}

struct slot {
    const yyjson_val *item; /* NULL when free */
    uint64_t hash;
    size_t index;
};

/* Puts an item into the table, unless an equal one is there: that one is returned. */
static const struct slot *add_unique(struct slot *slots, size_t n_slots, struct slot new)
{
    size_t i = new.hash &(n_slots - 1);

    while (slots[i].item) {
        if (slots[i].hash == new.hash && json_equal(slots[i].item, new.item)) {
            return &slots[i];
        }
        i = (i + 1) & (n_slots - 1);
    }
    slots[i] = new;
    return NULL;
}

/* What hashing and comparing the whole array costs. */
static size_t size_of(const yyjson_val *instance)
{
    yyjson_val *v = (yyjson_val *)instance, *end = unsafe_yyjson_get_next(v);
    size_t size = 0;

    for (; v < end; v++) {
        size += 1 + (yyjson_is_ctn(v) ? 0 : yyjson_get_len(v) / 32);
    }
    return size;
}

static int check_unique(struct check *c, const struct keyword *k, const yyjson_val *instance,
                        struct marks *marks)
{
    yyjson_arr_iter iter = yyjson_arr_iter_with((yyjson_val *)instance);
    const struct slot *equal = NULL;
    size_t n_slots = 2;
    struct slot *slots;
    yyjson_val *item;
    int rc;

    (void)k;
    (void)marks;
    if (iter.max < 2) {
        return SCHEMA_VALID;
    }
    rc = schema_work(c, size_of(instance));
    if (rc) {
        return rc;
    }
    while (n_slots < 2 * iter.max) {
        n_slots *= 2;
    }
    slots = mem_zalloc_n(n_slots, sizeof(*slots));
    while (!equal && (item = yyjson_arr_iter_next(&iter))) {
        equal = add_unique(slots, n_slots, (struct slot){ item, json_hash(item), iter.idx - 1 });
    }
    if (equal) {
        rc = schema_fail(c, "expected items that all differ, but %zu and %zu are equal",
                         equal->index, iter.idx - 1);
    }
    mem_free(slots);
    return rc;
}

const struct keyword_kind schema_array_keywords[] = {
    { "maxItems", VOCABULARY_VALIDATION, TYPE_ARRAY, schema_compile_count, check_max_items },
    { "minItems", VOCABULARY_VALIDATION, TYPE_ARRAY, schema_compile_count, check_min_items },
    { "prefixItems", VOCABULARY_APPLICATOR, TYPE_ARRAY, compile_items, check_items },
    { "items", VOCABULARY_APPLICATOR, TYPE_ARRAY, compile_items, check_items },
    { "contains", VOCABULARY_APPLICATOR, TYPE_ARRAY, compile_contains, check_contains },
    { "minContains", VOCABULARY_VALIDATION, TYPE_ARRAY, compile_bound, NULL },
    { "maxContains", VOCABULARY_VALIDATION, TYPE_ARRAY, compile_bound, NULL },
    { "uniqueItems", VOCABULARY_VALIDATION, TYPE_ARRAY, compile_unique, check_unique },
    { NULL, 0, 0, NULL, NULL },
};
