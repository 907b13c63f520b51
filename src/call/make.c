/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making values. Kept for all of them: strings are UTF-8, numbers finite, keys of an object
 * different, containers at most LIMIT_JSON_DEPTH deep. So what a call makes can be written as
 * JSON, and read back when it is needed again.
 */
#include <math.h>

#include "base/utf8.h"
#include "call/internal.h"

/* ---- scalars ---- */

struct str value_clean(dmcp_call *call, struct str s)
{
    struct str cleaned;
    struct buf b;

    if (utf8_is_valid(s)) {
        return s;
    }
    buf_init(&b, SIZE_MAX / 2);
    while (s.len > 0) {
        uint32_t code_point;
        size_t n = utf8_decode(s, &code_point);

        if (code_point == UTF8_INVALID) {
            buf_addz(&b, UTF8_REPLACEMENT);
        } else {
            buf_add(&b, s.p, n);
        }
        s = str_make(s.p + n, s.len - n);
    }
    cleaned = call_dup(call, buf_str(&b));
    buf_fini(&b);
    return cleaned;
}

yyjson_mut_val *value_string(dmcp_call *call, struct str s)
{
    struct str clean = value_clean(call, s);

    return yyjson_mut_strncpy(call->doc, clean.p ? clean.p : "", clean.len);
}

yyjson_mut_val *value_integer(dmcp_call *call, int64_t number)
{
    return number < 0 ? yyjson_mut_sint(call->doc, number)
                      : yyjson_mut_uint(call->doc, (uint64_t)number);
}

yyjson_mut_val *value_number(dmcp_call *call, double number)
{
    return isfinite(number) ? yyjson_mut_real(call->doc, number) : yyjson_mut_null(call->doc);
}

dmcp_value *dmcp_string(dmcp_call *call, const char *text)
{
    return value_of(text ? value_string(call, str_of(text)) : yyjson_mut_null(call->doc));
}

dmcp_value *dmcp_stringf(dmcp_call *call, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = arena_vprintf(&call->arena, fmt, ap);
    va_end(ap);
    return value_of(value_string(call, str_of(text)));
}

dmcp_value *dmcp_integer(dmcp_call *call, int64_t number)
{
    return value_of(value_integer(call, number));
}

dmcp_value *dmcp_number(dmcp_call *call, double number)
{
    return value_of(value_number(call, number));
}

dmcp_value *dmcp_boolean(dmcp_call *call, bool truth)
{
    return value_of(yyjson_mut_bool(call->doc, truth));
}

/* ---- containers ---- */

yyjson_mut_val *value_copy(dmcp_call *call, const dmcp_value *value)
{
    return value ? yyjson_mut_val_mut_copy(call->doc, value_mut(value))
                 : yyjson_mut_null(call->doc);
}

void value_put(yyjson_mut_val *object, yyjson_mut_val *key, yyjson_mut_val *v)
{
    value_forget_places(object); /* yyjson may move a member that it replaces */
    yyjson_mut_obj_put(object, key, v);
}

static int check_part(dmcp_call *call, const char *function, const dmcp_value *container,
                      bool is_right, const char *wanted, const dmcp_value *part)
{
    if (!is_right) {
        return call_fail(call, DMCP_E_TYPE, "%s wants an %s, and got a value of type %s", function,
                         wanted, value_type_name(dmcp_value_type(container)));
    }
    if (value_depth(value_mut(part)) + 1 > LIMIT_JSON_DEPTH) {
        return call_fail(call, DMCP_E_TOOBIG, "%s: the value would be nested more than %d deep",
                         function, LIMIT_JSON_DEPTH);
    }
    return DMCP_OK;
}

int dmcp_object_set(dmcp_call *call, dmcp_value *object, const char *name, const dmcp_value *part)
{
    yyjson_mut_val *o = value_mut(object);
    int rc = check_part(call, "dmcp_object_set", object, yyjson_mut_is_obj(o), "object", part);

    if (rc == DMCP_OK) {
        value_put(o, value_string(call, str_of(name)), value_copy(call, part));
    }
    return rc;
}

int dmcp_array_add(dmcp_call *call, dmcp_value *array, const dmcp_value *part)
{
    yyjson_mut_val *a = value_mut(array);
    int rc = check_part(call, "dmcp_array_add", array, yyjson_mut_is_arr(a), "array", part);

    if (rc == DMCP_OK) {
        yyjson_mut_arr_append(a, value_copy(call, part));
    }
    return rc;
}

/* ---- text ---- */

int value_parse(dmcp_call *call, struct str text, yyjson_mut_val **v_out)
{
    yyjson_doc *doc;
    struct err e;
    int rc = json_read(text, &doc, &e);

    if (rc != DMCP_OK) {
        return call_fail(call, rc, "JSON: %s", e.text);
    }
    *v_out = yyjson_val_mut_copy(call->doc, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return DMCP_OK;
}

dmcp_value *dmcp_json_parse(dmcp_call *call, const char *text, size_t size)
{
    yyjson_mut_val *v;

    return value_parse(call, str_make(text, size), &v) == DMCP_OK ? value_of(v) : NULL;
}

const char *dmcp_json_text(dmcp_call *call, const dmcp_value *value)
{
    struct buf b;
    struct str text;

    if (!value) {
        return "null";
    }
    buf_init(&b, SIZE_MAX / 2);
    json_write_mut(&b, value_mut(value));
    text = call_dup(call, buf_str(&b));
    buf_fini(&b);
    return text.p;
}
