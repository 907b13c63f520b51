/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords for objects that are about certain members: required, dependentRequired and
 * dependentSchemas (JSON Schema validation, section 6.5, and core, section 10.2.2.4).
 */
#include "json/schema_impl.h"

struct name_list {
    const struct str *names;
    size_t n;
};

/* Looking for a member goes through the others. */
static int find_member(struct check *c, const yyjson_val *instance, struct str name,
                       bool *is_there_out)
{
    int rc = schema_work(c, yyjson_obj_size((yyjson_val *)instance) / 16);

    if (rc == 0) {
        *is_there_out = yyjson_obj_getn((yyjson_val *)instance, name.p, name.len) != NULL;
    }
    return rc;
}

/* All that are missing, so that one correction is enough. */
static int fail_missing(struct check *c, const yyjson_val *instance, const struct name_list *list,
                        const char *because)
{
    size_t n_missing = 0;
    struct buf names;
    char quoted[80];
    int rc;

    if (!c->is_explaining) {
        return SCHEMA_MISMATCH;
    }
    buf_init(&names, KIB);
    for (size_t i = 0; i < list->n; i++) {
        bool is_there = false;

        rc = find_member(c, instance, list->names[i], &is_there);
        if (rc) {
            buf_fini(&names);
            return rc;
        }
        if (!is_there && ++n_missing <= 3) {
            json_quote(list->names[i], quoted, sizeof(quoted));
            buf_addf(&names, "%s%s", n_missing > 1 ? ", " : "", quoted);
        }
    }
    if (n_missing > 3) {
        buf_addf(&names, " and %zu more", n_missing - 3);
    }
    rc = schema_fail(c, "missing required propert%s %s%s", n_missing == 1 ? "y" : "ies", names.data,
                     because);
    buf_fini(&names);
    return rc;
}

static int check_names(struct check *c, const yyjson_val *instance, const struct name_list *list,
                       const char *because)
{
    for (size_t i = 0; i < list->n; i++) {
        bool is_there = false;
        int rc = find_member(c, instance, list->names[i], &is_there);

        if (rc) {
            return rc;
        }
        if (!is_there) {
            return fail_missing(c, instance, list, because);
        }
    }
    return SCHEMA_VALID;
}

/* ---- required ---- */

struct required_keyword {
    struct keyword keyword;
    struct name_list list;
};

static int compile_required(struct compiler *c, struct schema_node *node,
                            const yyjson_val *siblings, const yyjson_val *value,
                            struct keyword **out)
{
    struct required_keyword *k = schema_keyword_new(c, sizeof(*k), out);

    (void)node;
    (void)siblings;
    return schema_read_names(c, value, &k->list.names, &k->list.n);
}

static int check_required(struct check *c, const struct keyword *k, const yyjson_val *instance,
                          struct marks *marks)
{
    (void)marks;
    return check_names(c, instance, &((const struct required_keyword *)k)->list, "");
}

/* ---- dependentRequired and dependentSchemas ---- */

struct dependency {
    struct str name;
    struct name_list required;
    const struct schema_node *node;
};

struct dependent_keyword {
    struct keyword keyword;
    struct dependency *dependencies;
    size_t n;
};

static int compile_dependent_required(struct compiler *c, struct schema_node *node,
                                      const yyjson_val *siblings, const yyjson_val *value,
                                      struct keyword **out)
{
    struct dependent_keyword *k = schema_keyword_new(c, sizeof(*k), out);
    yyjson_obj_iter iter = yyjson_obj_iter_with((yyjson_val *)value);
    yyjson_val *key;
    int rc = 0;

    (void)node;
    (void)siblings;
    if (!yyjson_is_obj((yyjson_val *)value)) {
        return schema_refuse(c, value, "dependentRequired is not an object");
    }
    k->dependencies = schema_alloc(c, iter.max * sizeof(*k->dependencies));
    while (rc == 0 && (key = yyjson_obj_iter_next(&iter))) {
        struct dependency *d = &k->dependencies[k->n++];

        d->name = json_str(key);
        rc = schema_read_names(c, yyjson_obj_iter_get_val(key), &d->required.names, &d->required.n);
    }
    return rc;
}

static int check_dependent_required(struct check *c, const struct keyword *k,
                                    const yyjson_val *instance, struct marks *marks)
{
    const struct dependent_keyword *dependent = (const struct dependent_keyword *)k;
    char quoted[80], because[120];
    int rc = SCHEMA_VALID;

    (void)marks;
    for (size_t i = 0; i < dependent->n && rc == SCHEMA_VALID; i++) {
        const struct dependency *d = &dependent->dependencies[i];
        bool is_there = false;

        rc = find_member(c, instance, d->name, &is_there);
        if (rc == SCHEMA_VALID && is_there) {
            because[0] = '\0';
            if (c->is_explaining) {
                json_quote(d->name, quoted, sizeof(quoted));
                snprintf(because, sizeof(because), ", because there is %s", quoted);
            }
            rc = check_names(c, instance, &d->required, because);
        }
    }
    return rc;
}

static int compile_dependent_schemas(struct compiler *c, struct schema_node *node,
                                     const yyjson_val *siblings, const yyjson_val *value,
                                     struct keyword **out)
{
    struct dependent_keyword *k = schema_keyword_new(c, sizeof(*k), out);
    yyjson_obj_iter iter = yyjson_obj_iter_with((yyjson_val *)value);
    yyjson_val *key;
    int rc = 0;

    (void)siblings;
    if (!yyjson_is_obj((yyjson_val *)value)) {
        return schema_refuse(c, value, "dependentSchemas is not an object");
    }
    k->dependencies = schema_alloc(c, iter.max * sizeof(*k->dependencies));
    while (rc == 0 && (key = yyjson_obj_iter_next(&iter))) {
        struct dependency *d = &k->dependencies[k->n++];

        d->name = json_str(key);
        rc = schema_compile_child(c, node, yyjson_obj_iter_get_val(key), &d->node);
    }
    return rc;
}

static int check_dependent_schemas(struct check *c, const struct keyword *k,
                                   const yyjson_val *instance, struct marks *marks)
{
    const struct dependent_keyword *dependent = (const struct dependent_keyword *)k;
    int rc = SCHEMA_VALID;

    for (size_t i = 0; i < dependent->n && rc == SCHEMA_VALID; i++) {
        const struct dependency *d = &dependent->dependencies[i];
        bool is_there = false;

        rc = find_member(c, instance, d->name, &is_there);
        if (rc == SCHEMA_VALID && is_there) {
            rc = schema_check_node(c, d->node, instance, marks);
        }
    }
    return rc;
}

const struct keyword_kind schema_required_keywords[] = {
    { "required", VOCABULARY_VALIDATION, TYPE_OBJECT, compile_required, check_required },
    { "dependentRequired", VOCABULARY_VALIDATION, TYPE_OBJECT, compile_dependent_required,
      check_dependent_required },
    { "dependentSchemas", VOCABULARY_APPLICATOR, TYPE_OBJECT, compile_dependent_schemas,
      check_dependent_schemas },
    { NULL, 0, 0, NULL, NULL },
};
