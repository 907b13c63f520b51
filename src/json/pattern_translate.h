/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of the translation of patterns share: pattern_translate.c knows the
 * structure, pattern_escape.c what stands behind a backslash.
 */
#ifndef JSON_PATTERN_TRANSLATE_H
#define JSON_PATTERN_TRANSLATE_H

#include "base/buf.h"

struct translation {
    struct str rest; /* of the source */
    struct buf *out;
    const char *what; /* why it is refused */
    bool is_quantifiable;
};

static inline int translation_refuse(struct translation *t, const char *what)
{
    t->what = what;
    return DMCP_E_INVALID;
}

static inline char translation_peek(const struct translation *t)
{
    return t->rest.len > 0 ? t->rest.p[0] : '\0';
}

static inline void translation_skip(struct translation *t, size_t n)
{
    t->rest = str_make(t->rest.p + n, t->rest.len - n);
}

static inline bool translation_take(struct translation *t, struct str token)
{
    if (!str_starts(t->rest, token)) {
        return false;
    }
    translation_skip(t, token.len);
    return true;
}

/* An escape whose backslash and first character, `c`, are taken, and which means the same inside
 * and outside of brackets. */
int translation_write_escape(struct translation *t, char c) MUST_CHECK;

#endif
