/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From ECMA-262 regular expressions in Unicode mode (ECMA-262 section 22.2.1) to PCRE2's. See
 * schema_pattern.h.
 *
 * Laxer than ECMA-262 in three places, because schemas in use are: any punctuation may be escaped,
 * brackets and braces that close nothing stand for themselves, and so does a hyphen beside a class
 * as in [\w-.].
 */
#include "json/pattern_translate.h"
#include "json/schema_pattern.h"

/* What ECMA-262 takes for white space: Zs, the line terminators, and some more. */
#define SPACES "\\p{Zs}\\t-\\r\\x{2028}\\x{2029}\\x{feff}"
#define LINE_ENDS "\\n\\r\\x{2028}\\x{2029}"

/* ---- Escapes ---- */

static int take_escape(struct translation *t, char *c_out)
{
    translation_skip(t, 1);
    if (t->rest.len == 0) {
        return translation_refuse(t, "it ends in a backslash");
    }
    *c_out = t->rest.p[0];
    translation_skip(t, 1);
    return 0;
}

static int write_backreference(struct translation *t, char first)
{
    uint32_t number = (uint32_t)(first - '0');

    while (translation_peek(t) >= '0' && translation_peek(t) <= '9' && number < 10000) {
        number = number * 10 + (uint32_t)(translation_peek(t) - '0');
        translation_skip(t, 1);
    }
    buf_addf(t->out, "\\g{%u}", number);
    return 0;
}

static int translate_escape(struct translation *t)
{
    char c;
    int rc = take_escape(t, &c);

    if (rc) {
        return rc;
    }
    t->is_quantifiable = c != 'b' && c != 'B';
    switch (c) {
    case 'b':
    case 'B':
        buf_addf(t->out, "\\%c", c);
        return 0;
    case 's':
        buf_addz(t->out, "[" SPACES "]");
        return 0;
    case 'S':
        buf_addz(t->out, "[^" SPACES "]");
        return 0;
    case 'k':
        if (translation_peek(t) != '<') {
            return translation_refuse(t, "\\k wants a name");
        }
        buf_addz(t->out, "\\k");
        return 0; /* the name follows as it is */
    default:
        return c >= '1' && c <= '9' ? write_backreference(t, c) : translation_write_escape(t, c);
    }
}

static int translate_class_escape(struct translation *t)
{
    char c;
    int rc = take_escape(t, &c);

    if (rc) {
        return rc;
    }
    switch (c) {
    case 'b':
        buf_addz(t->out, "\\b");
        return 0;
    case 's':
        buf_addz(t->out, SPACES);
        return 0;
    case 'S':
        buf_addz(t->out, "\\P{Xsp}");
        return 0;
    default:
        return translation_write_escape(t, c);
    }
}

/* ---- The rest ---- */

/* \d and its like: nothing that a range could begin or end with. */
static bool is_class_escape(struct str s)
{
    return s.len > 1 && s.p[0] == '\\' && strchr("dDsSwWpP", s.p[1]) && s.p[1] != '\0';
}

/* One character or escape in brackets, with the hyphen behind a class. */
static int translate_class_atom(struct translation *t)
{
    bool is_class = is_class_escape(t->rest);
    char c = translation_peek(t);
    int rc;

    if (c == '\\') {
        rc = translate_class_escape(t);
        if (rc == 0 && is_class && translation_take(t, STR("-"))) {
            buf_addz(t->out, "\\-");
        }
        return rc;
    }
    translation_skip(t, 1);
    if (c == '[' || (c == '-' && is_class_escape(t->rest))) {
        buf_addc(t->out, '\\'); /* in PCRE2 a bracket could begin [:alpha:] */
    }
    buf_addc(t->out, c);
    return 0;
}

static int translate_class(struct translation *t)
{
    int rc = 0;

    translation_skip(t, 1);
    buf_addz(t->out, translation_take(t, STR("^")) ? "[^" : "[");
    while (rc == 0 && t->rest.len > 0) {
        if (translation_take(t, STR("]"))) {
            buf_addc(t->out, ']');
            t->is_quantifiable = true;
            return 0;
        }
        rc = translate_class_atom(t);
    }
    return rc ? rc : translation_refuse(t, "a bracket is not closed");
}

static int translate_group(struct translation *t)
{
    static const struct str forms[] = {
        { "(?:", 3 }, { "(?=", 3 }, { "(?!", 3 }, { "(?<=", 4 }, { "(?<!", 4 }, { "(?<", 3 },
    };

    t->is_quantifiable = false;
    if (str_starts(t->rest, STR("(?"))) {
        for (size_t i = 0; i < COUNT_OF(forms); i++) {
            if (translation_take(t, forms[i])) {
                buf_add_str(t->out, forms[i]);
                return 0;
            }
        }
        return translation_refuse(t, "there is no such group");
    }
    buf_addc(t->out, '(');
    translation_skip(t, 1);
    return 0;
}

/* {n}, {n,} or {n,m}; its length, or 0 for a brace that stands for itself. */
static size_t quantifier_length(struct str s)
{
    size_t i = 1, n_digits = 0;

    for (; i < s.len && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
        n_digits++;
    }
    if (n_digits == 0) {
        return 0;
    }
    if (i < s.len && s.p[i] == ',') {
        i++;
        while (i < s.len && s.p[i] >= '0' && s.p[i] <= '9') {
            i++;
        }
    }
    return i < s.len && s.p[i] == '}' ? i + 1 : 0;
}

static int translate_quantifier(struct translation *t, size_t n)
{
    if (!t->is_quantifiable) {
        return translation_refuse(t, "there is nothing to repeat");
    }
    buf_add(t->out, t->rest.p, n);
    translation_skip(t, n);
    if (translation_take(t, STR("?"))) {
        buf_addc(t->out, '?');
    }
    t->is_quantifiable = false; /* a++ is possessive in PCRE2 and nothing in ECMA-262 */
    return 0;
}

static int translate_next(struct translation *t)
{
    char c = translation_peek(t);
    size_t n = c == '{' ? quantifier_length(t->rest) : 0;

    if (c == '\\') {
        return translate_escape(t);
    }
    if (c == '[') {
        return translate_class(t);
    }
    if (c == '(') {
        return translate_group(t);
    }
    if (c == '*' || c == '+' || c == '?' || n > 0) {
        return translate_quantifier(t, n > 0 ? n : 1);
    }
    t->is_quantifiable = c != '|' && c != '^' && c != '$';
    if (c == '.') {
        buf_addz(t->out, "[^" LINE_ENDS "]");
    } else {
        if (c == '{') { /* newer PCRE2 has quantifiers that ECMA-262 does not */
            buf_addc(t->out, '\\');
        }
        buf_addc(t->out, c);
    }
    translation_skip(t, 1);
    return 0;
}

int pattern_translate(struct buf *out, struct str source, const char **what_out)
{
    struct translation t = { .rest = source, .out = out };
    int rc = 0;

    while (rc == 0 && t.rest.len > 0) {
        rc = translate_next(&t);
    }
    if (rc) {
        *what_out = t.what;
    }
    return rc;
}
