/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans of bytes. See str.h.
 */
#include "base/str.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.p[i]) != lower(b.p[i])) {
            return false;
        }
    }
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_make(s.p, prefix.len), prefix);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.p[s.len - 1])) {
        s.len--;
    }
    return s;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.p, b.p, n) : 0;

    if (c != 0) {
        return c;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

int str_to_u64(struct str s, uint64_t max, uint64_t *value_out)
{
    uint64_t value = 0;

    if (s.len == 0) {
        return DMCP_E_INVALID;
    }
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)s.p[i] - '0';

        if (s.p[i] < '0' || s.p[i] > '9') {
            return DMCP_E_INVALID;
        }
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return DMCP_E_TOOBIG;
        }
    }
    if (value > max) {
        return DMCP_E_TOOBIG;
    }
    *value_out = value;
    return DMCP_OK;
}

bool str_next_element(struct str *list, struct str *element_out)
{
    const char *comma;

    if (!list->p) {
        return false;
    }
    comma = list->len ? memchr(list->p, ',', list->len) : NULL;
    if (comma) {
        size_t n = (size_t)(comma - list->p);

        *element_out = str_trim(str_make(list->p, n));
        *list = str_make(comma + 1, list->len - n - 1);
    } else {
        *element_out = str_trim(*list);
        *list = STR_NONE;
    }
    return true;
}
