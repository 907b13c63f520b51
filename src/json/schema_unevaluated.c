/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unevaluatedItems and unevaluatedProperties (JSON Schema core, section 11): about what no other
 * keyword of the same schema, or of the schemas it applies in place, has evaluated.
 */
#include <assert.h>

#include "json/schema_impl.h"

struct unevaluated_keyword {
    struct keyword keyword;
    const struct schema_node *node;
};

static int compile_unevaluated(struct compiler *c, struct schema_node *node,
                               const yyjson_val *siblings, const yyjson_val *value,
                               struct keyword **out)
{
    struct unevaluated_keyword *k = schema_keyword_new(c, sizeof(*k), out);

    (void)siblings;
    node->has_unevaluated = true;
    return schema_compile_child(c, node, value, &k->node);
}

static int check_items(struct check *c, const struct keyword *k, const yyjson_val *instance,
                       struct marks *marks)
{
    const struct schema_node *node = ((const struct unevaluated_keyword *)k)->node;
    yyjson_arr_iter iter = yyjson_arr_iter_with((yyjson_val *)instance);
    yyjson_val *item;
    int rc = schema_work(c, iter.max / 16);

    assert(marks);
    while (rc == SCHEMA_VALID && (item = yyjson_arr_iter_next(&iter))) {
        size_t i = iter.idx - 1;

        if (marks_has(marks, i)) {
            continue;
        }
        rc = node->kind == NODE_FALSE ? schema_fail(c, "unexpected item %zu", i)
                                      : schema_check_item(c, node, i, item);
        marks_set(marks, i);
    }
    return rc;
}

static int check_properties(struct check *c, const struct keyword *k, const yyjson_val *instance,
                            struct marks *marks)
{
    const struct schema_node *node = ((const struct unevaluated_keyword *)k)->node;
    yyjson_obj_iter iter = yyjson_obj_iter_with((yyjson_val *)instance);
    yyjson_val *key;
    int rc = schema_work(c, iter.max / 16);

    assert(marks);
    while (rc == SCHEMA_VALID && (key = yyjson_obj_iter_next(&iter))) {
        size_t i = iter.idx - 1;

        if (marks_has(marks, i)) {
            continue;
        }
        rc = node->kind == NODE_FALSE
                 ? schema_fail_unexpected(c, key)
                 : schema_check_member(c, node, key, yyjson_obj_iter_get_val(key));
        marks_set(marks, i);
    }
    return rc;
}

const struct keyword_kind schema_unevaluated_keywords[] = {
    { "unevaluatedItems", VOCABULARY_UNEVALUATED, TYPE_ARRAY, compile_unevaluated, check_items },
    { "unevaluatedProperties", VOCABULARY_UNEVALUATED, TYPE_OBJECT, compile_unevaluated,
      check_properties },
    { NULL, 0, 0, NULL, NULL },
};
