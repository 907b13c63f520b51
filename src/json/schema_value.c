/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords for any value: type, enum, const (JSON Schema validation, section 6.1).
 */
#include "json/equal.h"
#include "json/number.h"
#include "json/schema_impl.h"

/* ---- type ---- */

#define TYPE_INTEGER 64u /* numbers of integral value only */

struct type_keyword {
    struct keyword keyword;
    unsigned types;
    struct str names; /* "string or null" */
};

static unsigned type_by_name(struct str name)
{
    static const struct {
        const char *name;
        unsigned type;
    } types[] = {
        { "null", TYPE_NULL },       { "boolean", TYPE_BOOLEAN }, { "number", TYPE_NUMBER },
        { "string", TYPE_STRING },   { "array", TYPE_ARRAY },     { "object", TYPE_OBJECT },
        { "integer", TYPE_INTEGER },
    };

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (str_eqz(name, types[i].name)) {
            return types[i].type;
        }
    }
    return 0;
}

static int add_type(struct compiler *c, struct type_keyword *k, struct buf *names,
                    const yyjson_val *value)
{
    unsigned type = type_by_name(json_str(value));

    if (!type) {
        return schema_refuse(c, value, "this is no name of a type");
    }
    if (names->len) {
        buf_addz(names, " or ");
    }
    buf_add_str(names, json_str(value));
    k->types |= type;
    return 0;
}

static int compile_type(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                        const yyjson_val *value, struct keyword **out)
{
    struct type_keyword *k = schema_keyword_new(c, sizeof(*k), out);
    yyjson_arr_iter iter = yyjson_arr_iter_with((yyjson_val *)value);
    struct buf names;
    yyjson_val *item;
    int rc = 0;

    (void)node;
    (void)siblings;
    buf_init(&names, LIMIT_SCHEMA_BYTES);
    if (!yyjson_is_arr((yyjson_val *)value)) {
        rc = add_type(c, k, &names, value);
    } else if (iter.max == 0) {
        rc = schema_refuse(c, value, "this names no type");
    }
    while (rc == 0 && (item = yyjson_arr_iter_next(&iter))) {
        rc = add_type(c, k, &names, item);
    }
    k->names = str_make(arena_dup(&c->schema->arena, names.data, names.len), names.len);
    buf_fini(&names);
    return rc;
}

static bool is_integer(const yyjson_val *v)
{
    char text[NUMBER_TEXT_BYTES];
    struct decimal d;

    if (yyjson_is_int((yyjson_val *)v)) {
        return true;
    }
    decimal_of(v, text, &d);
    return decimal_is_integer(&d);
}

static int check_type(struct check *c, const struct keyword *k, const yyjson_val *instance,
                      struct marks *marks)
{
    const struct type_keyword *t = (const struct type_keyword *)k;
    enum value_type type = schema_type_of(instance);

    (void)marks;
    if (t->types & type) {
        return SCHEMA_VALID;
    }
    if ((t->types & TYPE_INTEGER) && type == TYPE_NUMBER) {
        int rc = schema_work(c, yyjson_get_len((yyjson_val *)instance) / 64);

        if (rc || is_integer(instance)) {
            return rc;
        }
    }
    return schema_fail_expected(c, FINDING_TYPE, instance, "%.*s", STR_FMT(t->names));
}

/* ---- enum and const ---- */

struct constant_keyword {
    struct keyword keyword;
    const yyjson_val *value;
};

static int compile_const(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                         const yyjson_val *value, struct keyword **out)
{
    struct constant_keyword *k = schema_keyword_new(c, sizeof(*k), out);

    (void)node;
    (void)siblings;
    k->value = value;
    return 0;
}

static int compile_enum(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                        const yyjson_val *value, struct keyword **out)
{
    if (!yyjson_is_arr((yyjson_val *)value)) {
        return schema_refuse(c, value, "enum is not an array");
    }
    return compile_const(c, node, siblings, value, out);
}

/* Comparing costs what the smaller of the two has in it. */
static int compare(struct check *c, const yyjson_val *a, const yyjson_val *b, bool *is_equal_out)
{
    size_t n_a = (size_t)(unsafe_yyjson_get_next((yyjson_val *)a) - a);
    size_t n_b = (size_t)(unsafe_yyjson_get_next((yyjson_val *)b) - b);
    int rc = schema_work(c, (n_a < n_b ? n_a : n_b) / 4);

    if (rc == 0) {
        *is_equal_out = n_a == n_b && json_equal(a, b);
    }
    return rc;
}

/* Whether its text is too long for a sentence; found out without writing it. */
static bool is_long(const yyjson_val *value)
{
    yyjson_val *v = (yyjson_val *)value, *end = unsafe_yyjson_get_next(v);
    size_t n = 0;

    for (; v < end && n <= 60; v++) {
        n += 3 + (yyjson_is_ctn(v) ? 0 : yyjson_get_len(v));
    }
    return n > 60;
}

/* A value as it is written, if that is short. */
static void add_short(struct buf *b, const yyjson_val *v)
{
    char text[64];

    if (json_str(v).p) {
        json_quote(json_str(v), text, sizeof(text));
        buf_addz(b, text);
    } else if (is_long(v)) {
        json_describe(v, text, sizeof(text));
        buf_addf(b, "a certain %s", text);
    } else {
        json_write(b, v);
    }
}

static int check_const(struct check *c, const struct keyword *k, const yyjson_val *instance,
                       struct marks *marks)
{
    const yyjson_val *value = ((const struct constant_keyword *)k)->value;
    bool is_equal = false;
    struct buf text;
    int rc = compare(c, value, instance, &is_equal);

    (void)marks;
    if (rc || is_equal) {
        return rc;
    }
    if (!c->is_explaining) {
        return SCHEMA_MISMATCH;
    }
    buf_init(&text, KIB);
    add_short(&text, value);
    rc = schema_fail_expected(c, FINDING_CONSTANT, instance, "%s", text.data);
    buf_fini(&text);
    return rc;
}

static int fail_enum(struct check *c, const yyjson_val *values, const yyjson_val *instance)
{
    yyjson_arr_iter iter = yyjson_arr_iter_with((yyjson_val *)values);
    struct buf text;
    yyjson_val *value;
    int rc;

    if (!c->is_explaining) {
        return SCHEMA_MISMATCH;
    }
    buf_init(&text, KIB);
    while ((value = yyjson_arr_iter_next(&iter)) && text.len < 100) {
        if (text.len > 0) {
            buf_addz(&text, iter.idx == iter.max ? " or " : ", ");
        }
        add_short(&text, value);
    }
    if (value) {
        buf_addz(&text, ", ...");
    }
    rc = schema_fail_expected(c, FINDING_CONSTANT, instance, "%s",
                              text.data ? text.data : "nothing");
    buf_fini(&text);
    return rc;
}

static int check_enum(struct check *c, const struct keyword *k, const yyjson_val *instance,
                      struct marks *marks)
{
    const yyjson_val *values = ((const struct constant_keyword *)k)->value;
    yyjson_arr_iter iter = yyjson_arr_iter_with((yyjson_val *)values);
    yyjson_val *value;
    int rc = schema_work(c, iter.max / 8);

    (void)marks;
    while (rc == 0 && (value = yyjson_arr_iter_next(&iter))) {
        bool is_equal = false;

        rc = compare(c, value, instance, &is_equal);
        if (is_equal) {
            return SCHEMA_VALID;
        }
    }
    return rc ? rc : fail_enum(c, values, instance);
}

const struct keyword_kind schema_value_keywords[] = {
    { "type", VOCABULARY_VALIDATION, TYPE_ANY, compile_type, check_type },
    { "const", VOCABULARY_VALIDATION, TYPE_ANY, compile_const, check_const },
    { "enum", VOCABULARY_VALIDATION, TYPE_ANY, compile_enum, check_enum },
    { NULL, 0, 0, NULL, NULL },
};
