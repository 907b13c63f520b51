/* SPDX-License-Identifier: Apache-2.0 */
/*
 * String escapes, and values cut down for error texts. See escape.h and json.h.
 */
#include "json/escape.h"

#include <assert.h>
#include <stdio.h>

#include "base/utf8.h"
#include "json/json.h"
#include "json/number.h"

#define ESCAPE_BYTES 8

/* The first character of a span that is not empty, escaped; returns the bytes it takes. */
static size_t escape_one(struct str s, char escaped_out[ESCAPE_BYTES])
{
    static const char hex[] = "0123456789ABCDEF", with_letter[] = "\"\\\b\f\n\r\t",
                      letters[] = "\"\\bfnrt";
    uint32_t cp;
    size_t n = utf8_decode(s, &cp);
    const char *found;

    if (cp == UTF8_INVALID) {
        memcpy(escaped_out, UTF8_REPLACEMENT, sizeof(UTF8_REPLACEMENT));
        return n;
    }
    found = cp > 0 && cp < 128 ? strchr(with_letter, (int)cp) : NULL;
    if (found) {
        memcpy(escaped_out, (char[]){ '\\', letters[found - with_letter], 0 }, 3);
    } else if (cp < 0x20) {
        memcpy(escaped_out, (char[]){ '\\', 'u', '0', '0', hex[cp >> 4], hex[cp & 15], 0 }, 7);
    } else {
        memcpy(escaped_out, s.p, n);
        escaped_out[n] = '\0';
    }
    return n;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

void escape_string(struct buf *out, struct str s)
{
    char escaped[ESCAPE_BYTES];
    size_t at = 0;

    buf_addc(out, '"');
    while (at < s.len) {
        size_t from = at;

        while (at < s.len && is_plain(s.p[at])) {
            at++;
        }
        buf_add(out, s.p + from, at - from);
        if (at < s.len) {
            at += escape_one(str_make(s.p + at, s.len - at), escaped);
            buf_addz(out, escaped);
        }
    }
    buf_addc(out, '"');
}

void json_quote(struct str s, char *out, size_t size)
{
    static const char cut_mark[] = "...\"";
    char escaped[ESCAPE_BYTES];
    size_t n = 1, n_with_mark = 1; /* written; and how much of it may stay in front of the mark */

    assert(size >= 16);
    out[0] = '"';
    for (size_t at = 0; at < s.len;) {
        size_t n_escaped;

        at += escape_one(str_make(s.p + at, s.len - at), escaped);
        n_escaped = strlen(escaped);
        if (n + n_escaped + 2 > size) {
            memcpy(out + n_with_mark, cut_mark, sizeof(cut_mark));
            return;
        }
        memcpy(out + n, escaped, n_escaped);
        n += n_escaped;
        if (n + sizeof(cut_mark) <= size) {
            n_with_mark = n;
        }
    }
    memcpy(out + n, "\"", 2);
}

static void describe_number(const yyjson_val *v, char *out, size_t size)
{
    char text[NUMBER_TEXT_BYTES];
    struct str s = number_text(v, text);
    struct decimal d;
    bool is_cut;

    decimal_of_text(s, &d);
    is_cut = s.len > size - 16;
    if (is_cut) {
        s.len = size - 16;
    }
    snprintf(out, size, "%s %.*s%s", decimal_is_integer(&d) ? "integer" : "number", STR_FMT(s),
             is_cut ? "..." : "");
}

void json_describe(const yyjson_val *v, char *out, size_t size)
{
    yyjson_val *val = (yyjson_val *)v;
    size_t n = yyjson_get_len(val);

    assert(size >= 48);
    switch (yyjson_get_type(val)) {
    case YYJSON_TYPE_STR:
        memcpy(out, "string ", 7);
        json_quote(json_str(v), out + 7, size - 7);
        break;
    case YYJSON_TYPE_RAW:
    case YYJSON_TYPE_NUM:
        describe_number(v, out, size);
        break;
    case YYJSON_TYPE_BOOL:
        snprintf(out, size, "boolean %s", yyjson_get_bool(val) ? "true" : "false");
        break;
    case YYJSON_TYPE_ARR:
        snprintf(out, size, "array with %zu item%s", n, n == 1 ? "" : "s");
        break;
    case YYJSON_TYPE_OBJ:
        snprintf(out, size, "object with %zu member%s", n, n == 1 ? "" : "s");
        break;
    default:
        snprintf(out, size, "null");
        break;
    }
}
