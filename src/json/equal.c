/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Equality and hashes of values. See equal.h. Recursive, which json_read bounds.
 */
#include "json/equal.h"

#include <stdlib.h>

#include "base/hmap.h"
#include "json/json.h"
#include "json/number.h"

static bool equal_numbers(const yyjson_val *a, const yyjson_val *b)
{
    char text_a[NUMBER_TEXT_BYTES], text_b[NUMBER_TEXT_BYTES];
    struct decimal x, y;

    if (yyjson_is_int((yyjson_val *)a) && yyjson_is_int((yyjson_val *)b)) {
        return yyjson_equals((yyjson_val *)a, (yyjson_val *)b);
    }
    decimal_of(a, text_a, &x);
    decimal_of(b, text_b, &y);
    return decimal_cmp(&x, &y) == 0;
}

static bool equal_arrays(const yyjson_val *a, const yyjson_val *b)
{
    yyjson_arr_iter x = yyjson_arr_iter_with((yyjson_val *)a);
    yyjson_arr_iter y = yyjson_arr_iter_with((yyjson_val *)b);
    yyjson_val *item;

    if (x.max != y.max) {
        return false;
    }
    while ((item = yyjson_arr_iter_next(&x))) {
        if (!json_equal(item, yyjson_arr_iter_next(&y))) {
            return false;
        }
    }
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    return str_cmp(json_str(*(yyjson_val *const *)a), json_str(*(yyjson_val *const *)b));
}

static yyjson_val **sorted_keys(const yyjson_val *obj, size_t n)
{
    yyjson_val **keys = mem_zalloc_n(n, sizeof(*keys)), *key;
    yyjson_obj_iter iter = yyjson_obj_iter_with((yyjson_val *)obj);
    size_t i = 0;

    while ((key = yyjson_obj_iter_next(&iter))) {
        keys[i++] = key;
    }
    qsort(keys, n, sizeof(*keys), compare_keys);
    return keys;
}

static bool equal_objects(const yyjson_val *a, const yyjson_val *b)
{
    size_t n = yyjson_obj_size((yyjson_val *)a);
    yyjson_val **x, **y;
    bool is_equal = true;

    if (yyjson_obj_size((yyjson_val *)b) != n) {
        return false;
    }
    x = sorted_keys(a, n);
    y = sorted_keys(b, n);
    for (size_t i = 0; i < n && is_equal; i++) {
        is_equal = str_eq(json_str(x[i]), json_str(y[i])) &&
                   json_equal(yyjson_obj_iter_get_val(x[i]), yyjson_obj_iter_get_val(y[i]));
    }
    mem_free(x);
    mem_free(y);
    return is_equal;
}

bool json_equal(const yyjson_val *a, const yyjson_val *b)
{
    yyjson_val *x = (yyjson_val *)a, *y = (yyjson_val *)b;

    if (json_is_number(a) && json_is_number(b)) {
        return equal_numbers(a, b);
    }
    if (yyjson_get_type(x) != yyjson_get_type(y)) {
        return false;
    }
    switch (yyjson_get_type(x)) {
    case YYJSON_TYPE_STR:
        return str_eq(json_str(a), json_str(b));
    case YYJSON_TYPE_BOOL:
        return yyjson_get_bool(x) == yyjson_get_bool(y);
    case YYJSON_TYPE_ARR:
        return equal_arrays(a, b);
    case YYJSON_TYPE_OBJ:
        return equal_objects(a, b);
    default:
        return true;
    }
}

/* ---- Hashes ---- */

static uint64_t mix(uint64_t tag, uint64_t a, uint64_t b)
{
    uint64_t words[3] = { tag, a, b };

    return hmap_hash(str_make(words, sizeof(words)));
}

/* From what all ways to write a number have in common. */
static uint64_t hash_number(const yyjson_val *v)
{
    char text[NUMBER_TEXT_BYTES];
    struct decimal d;
    uint64_t digits = 0;

    decimal_of(v, text, &d);
    if (d.n_digits == 0) {
        return mix('0', 0, 0);
    }
    for (size_t i = 0; i < d.n_digits && i < 32; i++) {
        digits = digits * 10 + (uint64_t)decimal_digit(&d, i);
    }
    return mix(d.is_negative ? '-' : '+', (uint64_t)d.exponent, digits);
}

static uint64_t hash_array(const yyjson_val *v)
{
    yyjson_arr_iter iter = yyjson_arr_iter_with((yyjson_val *)v);
    yyjson_val *item;
    uint64_t hash = 0;

    while ((item = yyjson_arr_iter_next(&iter))) {
        hash = mix('[', hash, json_hash(item));
    }
    return mix(']', hash, iter.max);
}

static uint64_t hash_object(const yyjson_val *v)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with((yyjson_val *)v);
    yyjson_val *key;
    uint64_t sum = 0;

    while ((key = yyjson_obj_iter_next(&iter))) {
        sum += mix('{', json_hash(key), json_hash(yyjson_obj_iter_get_val(key)));
    }
    return mix('}', sum, iter.max);
}

uint64_t json_hash(const yyjson_val *v)
{
    switch (yyjson_get_type((yyjson_val *)v)) {
    case YYJSON_TYPE_STR:
        return mix('"', hmap_hash(json_str(v)), 0);
    case YYJSON_TYPE_BOOL:
        return mix('b', yyjson_get_bool((yyjson_val *)v), 0);
    case YYJSON_TYPE_ARR:
        return hash_array(v);
    case YYJSON_TYPE_OBJ:
        return hash_object(v);
    case YYJSON_TYPE_NULL:
        return mix('n', 0, 0);
    default:
        return hash_number(v);
    }
}
