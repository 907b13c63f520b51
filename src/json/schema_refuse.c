/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors in schemas: the place, as a JSON Pointer, and what is wrong there. The place is looked
 * for only when it is needed.
 */
#include <stdio.h>

#include "json/schema_impl.h"

static bool contains(yyjson_val *outer, const yyjson_val *v)
{
    return v >= outer && v < unsafe_yyjson_get_next(outer);
}

static void add_token(struct buf *out, struct str token)
{
    buf_addc(out, '/');
    for (size_t i = 0; i < token.len; i++) {
        char c = token.p[i];

        if (c == '~' || c == '/') {
            buf_addz(out, c == '~' ? "~0" : "~1");
        } else {
            buf_addc(out, (unsigned char)c < 0x20 ? '?' : c);
        }
    }
}

/* The child that has the value in it, or is it. */
static yyjson_val *step_towards(yyjson_val *container, const yyjson_val *v, struct buf *out)
{
    bool is_object = yyjson_is_obj(container);
    size_t n = yyjson_get_len(container);
    yyjson_val *child = unsafe_yyjson_get_first(container);

    for (size_t i = 0; i < n; i++) {
        yyjson_val *value = is_object ? child + 1 : child;

        if (contains(value, v)) {
            if (is_object) {
                add_token(out, json_str(child));
            } else {
                buf_addf(out, "/%zu", i);
            }
            return value;
        }
        child = unsafe_yyjson_get_next(value);
    }
    return NULL;
}

static void locate(struct compiler *c, const yyjson_val *v, struct buf *out)
{
    struct schema_document *d = c->schema->documents;
    yyjson_val *at;

    while (d && !contains(d->doc->root, v)) {
        d = d->next;
    }
    at = d ? d->doc->root : NULL;
    while (at && at != v) {
        at = step_towards(at, v, out);
    }
}

static int refuse(struct compiler *c, int code, const yyjson_val *value, const char *fmt,
                  va_list ap)
{
    char text[sizeof(c->err->text)];
    struct buf place;

    vsnprintf(text, sizeof(text), fmt, ap);
    buf_init(&place, LIMIT_SCHEMA_BYTES);
    locate(c, value, &place);
    if (!buf_ok(&place) || place.len > 120) {
        buf_reset(&place);
        buf_addz(&place, "/...");
    }
    if (place.len == 0) {
        err_set(c->err, code, "%s", text);
    } else {
        err_set(c->err, code, "at %s: %s", place.data, text);
    }
    buf_fini(&place);
    return code;
}

int schema_refuse(struct compiler *c, const yyjson_val *value, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)refuse(c, DMCP_E_INVALID, value, fmt, ap);
    va_end(ap);
    return DMCP_E_INVALID;
}

int schema_refuse_as(struct compiler *c, int code, const yyjson_val *value, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)refuse(c, code, value, fmt, ap);
    va_end(ap);
    return code;
}
