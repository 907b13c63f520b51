/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking into a document: members and scalars by type. See json.h.
 */
#include <math.h>

#include "json/json.h"
#include "json/number.h"

yyjson_val *json_get(const yyjson_val *obj, const char *key)
{
    return yyjson_obj_get((yyjson_val *)obj, key);
}

struct str json_str(const yyjson_val *v)
{
    yyjson_val *val = (yyjson_val *)v;

    return yyjson_is_str(val) ? str_make(yyjson_get_str(val), yyjson_get_len(val)) : STR_NONE;
}

struct str json_get_str(const yyjson_val *obj, const char *key)
{
    return json_str(json_get(obj, key));
}

bool json_is_number(const yyjson_val *v)
{
    return yyjson_is_num((yyjson_val *)v) || yyjson_is_raw((yyjson_val *)v);
}

/* Sign and magnitude of an integer up to 64 bits, however it was written. */
static int to_integer(const yyjson_val *v, bool *is_negative_out, uint64_t *magnitude_out)
{
    char text[NUMBER_TEXT_BYTES];
    struct decimal d;
    uint64_t magnitude = 0;

    if (!json_is_number(v)) {
        return DMCP_E_INVALID;
    }
    if (yyjson_is_uint((yyjson_val *)v)) { /* the usual case */
        *is_negative_out = false;
        *magnitude_out = yyjson_get_uint((yyjson_val *)v);
        return 0;
    }
    decimal_of(v, text, &d);
    if (!decimal_is_integer(&d)) {
        return DMCP_E_INVALID;
    }
    if (d.n_digits > 0 && d.exponent > 20) {
        return DMCP_E_TOOBIG;
    }
    for (size_t i = 0; d.n_digits > 0 && i < (size_t)d.exponent; i++) {
        uint64_t digit = (uint64_t)decimal_digit(&d, i);

        if (magnitude > (UINT64_MAX - digit) / 10) {
            return DMCP_E_TOOBIG;
        }
        magnitude = magnitude * 10 + digit;
    }
    *is_negative_out = d.is_negative && magnitude > 0;
    *magnitude_out = magnitude;
    return 0;
}

int json_to_int(const yyjson_val *v, int64_t *value_out)
{
    uint64_t magnitude;
    bool is_negative;
    int rc = to_integer(v, &is_negative, &magnitude);
    if (rc) {
        return rc;
    }
    if (magnitude > (uint64_t)INT64_MAX + (is_negative ? 1 : 0)) {
        return DMCP_E_TOOBIG;
    }
    *value_out = (int64_t)(is_negative ? 0 - magnitude : magnitude);
    return 0;
}

int json_to_uint(const yyjson_val *v, uint64_t *value_out)
{
    uint64_t magnitude;
    bool is_negative;
    int rc = to_integer(v, &is_negative, &magnitude);
    if (rc) {
        return rc;
    }
    if (is_negative) {
        return DMCP_E_TOOBIG;
    }
    *value_out = magnitude;
    return 0;
}

int json_to_double(const yyjson_val *v, double *value_out)
{
    yyjson_val *val = (yyjson_val *)v, number;

    if (yyjson_is_num(val)) {
        *value_out = yyjson_get_num(val);
        return 0;
    }
    if (!yyjson_is_raw(val)) {
        return DMCP_E_INVALID;
    }
    if (yyjson_read_number(yyjson_get_raw(val), &number, 0, NULL, NULL)) {
        *value_out = yyjson_get_num(&number);
    } else {
        *value_out = yyjson_get_raw(val)[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    }
    return 0;
}

/* A member's error: a number out of range is a bad argument like any other. */
static int member_error(const yyjson_val *v, int rc)
{
    return !v ? DMCP_E_NOTFOUND : rc ? DMCP_E_INVALID : 0;
}

int json_get_int(const yyjson_val *obj, const char *key, int64_t *value_out)
{
    yyjson_val *v = json_get(obj, key);

    return member_error(v, json_to_int(v, value_out));
}

int json_get_uint(const yyjson_val *obj, const char *key, uint64_t *value_out)
{
    yyjson_val *v = json_get(obj, key);

    return member_error(v, json_to_uint(v, value_out));
}

int json_get_double(const yyjson_val *obj, const char *key, double *value_out)
{
    yyjson_val *v = json_get(obj, key);

    return member_error(v, json_to_double(v, value_out));
}

int json_get_bool(const yyjson_val *obj, const char *key, bool *value_out)
{
    yyjson_val *v = json_get(obj, key);

    if (!yyjson_is_bool(v)) {
        return member_error(v, DMCP_E_INVALID);
    }
    *value_out = yyjson_get_bool(v);
    return 0;
}
