/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking into values. A dmcp_value is a value of the call's one JSON document; here is its
 * reading side, make.c and pack.c are the writing one.
 *
 * Numbers count by value, however they were written (json/json.h): 3.0 is an integer, and a
 * number that needs more than 64 bits is a number.
 */
#include "call/internal.h"

/* ---- types ---- */

/* A scalar as json.h's readers take it: a mutable value begins with what an immutable one is. */
static yyjson_val scalar_of(const yyjson_mut_val *v)
{
    return (yyjson_val){ .tag = v->tag, .uni = v->uni };
}

dmcp_type dmcp_value_type(const dmcp_value *value)
{
    yyjson_mut_val *v = value_mut(value);
    yyjson_val number;
    int64_t integer;

    switch (yyjson_mut_get_type(v)) {
    case YYJSON_TYPE_BOOL:
        return DMCP_BOOLEAN;
    case YYJSON_TYPE_NUM:
    case YYJSON_TYPE_RAW:
        number = scalar_of(v);
        return json_to_int(&number, &integer) == DMCP_OK ? DMCP_INTEGER : DMCP_NUMBER;
    case YYJSON_TYPE_STR:
        return DMCP_STRING;
    case YYJSON_TYPE_ARR:
        return DMCP_ARRAY;
    case YYJSON_TYPE_OBJ:
        return DMCP_OBJECT;
    default:
        return DMCP_NULL;
    }
}

const char *value_type_name(dmcp_type type)
{
    switch (type) {
    case DMCP_ANY:
        return "any";
    case DMCP_NULL:
        return "null";
    case DMCP_BOOLEAN:
        return "boolean";
    case DMCP_INTEGER:
        return "integer";
    case DMCP_NUMBER:
        return "number";
    case DMCP_STRING:
        return "string";
    case DMCP_ARRAY:
        return "array";
    case DMCP_OBJECT:
        return "object";
    }
    return "unknown";
}

bool value_has_type(const dmcp_value *value, dmcp_type type)
{
    dmcp_type is = dmcp_value_type(value);

    return type == DMCP_ANY || is == type || (type == DMCP_NUMBER && is == DMCP_INTEGER);
}

/* ---- scalars ---- */

const char *dmcp_str(const dmcp_value *value)
{
    const char *s = yyjson_mut_get_str(value_mut(value));

    return s ? s : "";
}

size_t dmcp_str_size(const dmcp_value *value)
{
    yyjson_mut_val *v = value_mut(value);

    return yyjson_mut_is_str(v) ? yyjson_mut_get_len(v) : 0;
}

static bool is_number(yyjson_mut_val *v)
{
    return yyjson_mut_is_num(v) || yyjson_mut_is_raw(v);
}

int64_t dmcp_int(const dmcp_value *value)
{
    yyjson_mut_val *v = value_mut(value);
    yyjson_val number;
    int64_t integer;

    if (!is_number(v)) {
        return 0;
    }
    number = scalar_of(v);
    return json_to_int(&number, &integer) == DMCP_OK ? integer : 0;
}

double dmcp_num(const dmcp_value *value)
{
    yyjson_mut_val *v = value_mut(value);
    yyjson_val number;
    double d;

    if (!is_number(v)) {
        return 0;
    }
    number = scalar_of(v);
    return json_to_double(&number, &d) == DMCP_OK ? d : 0;
}

bool dmcp_bool(const dmcp_value *value)
{
    return yyjson_mut_get_bool(value_mut(value));
}

/* ---- containers ---- */

size_t dmcp_count(const dmcp_value *value)
{
    yyjson_mut_val *v = value_mut(value);

    return yyjson_mut_is_ctn(v) ? yyjson_mut_get_len(v) : 0;
}

const dmcp_value *dmcp_get(const dmcp_value *object, const char *name)
{
    return value_of(yyjson_mut_obj_get(value_mut(object), name));
}

/* Containers are lists, so the i-th part is found by counting. Where the last look into a
 * container ended is remembered, so that a loop over its indexes is linear. */
struct place {
    const yyjson_mut_val *of; /* a container of the call that this thread runs, or NULL */
    size_t index;
    yyjson_mut_val *part; /* an element, or a member's key */
};

#define N_PLACES 16 /* for loops in loops */
static _Thread_local struct place places[N_PLACES];

static struct place *place_of(const yyjson_mut_val *v)
{
    return &places[((uintptr_t)v / sizeof(*v)) % N_PLACES];
}

void value_forget_places(const yyjson_mut_val *v)
{
    if (!v) {
        memset(places, 0, sizeof(places));
    } else if (place_of(v)->of == v) {
        place_of(v)->of = NULL;
    }
}

/* An element, or a member's key; NULL when there are not so many. */
static yyjson_mut_val *part_at(const dmcp_value *value, size_t index)
{
    yyjson_mut_val *v = value_mut(value), *last;
    bool is_object = yyjson_mut_is_obj(v);
    struct place *place = place_of(v);

    if (index >= dmcp_count(value)) {
        return NULL;
    }
    if (place->of != v || place->index > index) {
        last = v->uni.ptr; /* the list is a circle; an object's holds keys and values in turn */
        *place = (struct place){ v, 0, is_object ? last->next->next : last->next };
    }
    for (; place->index < index; place->index++) {
        place->part = is_object ? place->part->next->next : place->part->next;
    }
    return place->part;
}

const dmcp_value *dmcp_at(const dmcp_value *value, size_t index)
{
    yyjson_mut_val *part = part_at(value, index);

    return value_of(part && yyjson_mut_is_obj(value_mut(value)) ? part->next : part);
}

const char *dmcp_key(const dmcp_value *object, size_t index)
{
    yyjson_mut_val *part = part_at(object, index);

    return part && yyjson_mut_is_obj(value_mut(object)) ? yyjson_mut_get_str(part) : NULL;
}

unsigned value_depth(const yyjson_mut_val *v)
{
    yyjson_mut_val *container = (yyjson_mut_val *)v, *part;
    bool is_object = yyjson_mut_is_obj(container);
    size_t n = yyjson_mut_is_ctn(container) ? yyjson_mut_get_len(container) : 0;
    unsigned deepest = 0;

    if (!yyjson_mut_is_ctn(container)) {
        return 0;
    }
    part = n ? container->uni.ptr : NULL;
    for (size_t i = 0; i < n; i++) {
        unsigned depth;

        part = is_object ? part->next->next : part->next;
        depth = value_depth(is_object ? part->next : part);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}
