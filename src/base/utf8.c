/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 decoding, checking, counting and cutting. See utf8.h.
 */
#include "base/utf8.h"

#include <assert.h>

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

size_t utf8_decode(struct str s, uint32_t *code_point_out)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first;
    uint32_t cp;
    size_t n;

    assert(s.len > 0);
    first = (unsigned char)s.p[0];
    *code_point_out = UTF8_INVALID;
    if (first < 0x80) {
        *code_point_out = first;
        return 1;
    }
    n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || n > s.len) {
        return 1;
    }
    cp = first & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (!is_continuation(s.p[i])) {
            return 1;
        }
        cp = cp << 6 | ((unsigned char)s.p[i] & 0x3Fu);
    }
    if (cp < smallest[n] || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF)) {
        return 1;
    }
    *code_point_out = cp;
    return n;
}

bool utf8_is_valid(struct str s)
{
    uint32_t cp;

    for (size_t at = 0; at < s.len;) {
        at += utf8_decode(str_make(s.p + at, s.len - at), &cp);
        if (cp == UTF8_INVALID) {
            return false;
        }
    }
    return true;
}

size_t utf8_count(struct str s)
{
    size_t n = 0;
    uint32_t cp;

    for (size_t at = 0; at < s.len; n++) {
        at += utf8_decode(str_make(s.p + at, s.len - at), &cp);
    }
    return n;
}

struct str utf8_cut(struct str s, size_t max_bytes)
{
    size_t n = max_bytes;

    if (s.len <= max_bytes) {
        return s;
    }
    /* At most three steps: a longer run of continuation bytes is no character anyway. */
    for (int back = 0; n > 0 && back < 3 && is_continuation(s.p[n]); back++) {
        n--;
    }
    return str_make(s.p, n);
}
