/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8: decoding with validation, counting and cutting (RFC 3629: no surrogates, no overlong
 * forms, nothing above U+10FFFF).
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

#define UTF8_INVALID UINT32_MAX
#define UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* The first code point of a span that is not empty; returns the bytes it takes. For a malformed
 * one the code point is UTF8_INVALID and one byte is taken. */
size_t utf8_decode(struct str s, uint32_t *code_point_out);

bool utf8_is_valid(struct str s);
size_t utf8_count(struct str s); /* code points; a malformed byte counts as one */
struct str utf8_cut(struct str s,
                    size_t max_bytes); /* its beginning, never cut inside a character */

#endif
