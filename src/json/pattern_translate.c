/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From ECMA-262 regular expressions in Unicode mode (ECMA-262 section 22.2.1) to PCRE2's. See
 * schema_pattern.h.
 *
 * Laxer than ECMA-262 in two places, because schemas in use are: any punctuation may be escaped,
 * and brackets and braces that close nothing stand for themselves.
 */
#include "base/utf8.h"
#include "json/schema_pattern.h"

struct translation {
    struct str rest; /* of the source */
    struct buf *out;
    const char *what; /* why it is refused */
    bool is_quantifiable;
};

/* What ECMA-262 takes for white space: Zs, the line terminators, and some more. It begins and ends
 * with a class, so that a hyphen beside it in brackets makes no range. */
#define SPACES "\\p{Zs}\\t-\\r\\x{2028}\\x{2029}\\x{feff}\\p{Zs}"
#define LINE_ENDS "\\n\\r\\x{2028}\\x{2029}"

static int refuse(struct translation *t, const char *what)
{
    t->what = what;
    return DMCP_E_INVALID;
}

static char peek(const struct translation *t)
{
    return t->rest.len > 0 ? t->rest.p[0] : '\0';
}

static void skip(struct translation *t, size_t n)
{
    t->rest = str_make(t->rest.p + n, t->rest.len - n);
}

static bool take(struct translation *t, struct str token)
{
    if (!str_starts(t->rest, token)) {
        return false;
    }
    skip(t, token.len);
    return true;
}

/* ---- Characters by number ---- */

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *found;

    c = c >= 'A' && c <= 'F' ? (char)(c + 32) : c;
    found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

static bool take_hex(struct translation *t, size_t n, uint32_t *value_out)
{
    uint32_t value = 0;

    if (t->rest.len < n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        int digit = hex_digit(t->rest.p[i]);

        if (digit < 0) {
            return false;
        }
        value = value << 4 | (uint32_t)digit;
    }
    skip(t, n);
    *value_out = value;
    return true;
}

/* Behind \u: four digits, two such escapes that are a surrogate pair, or {digits}. */
static bool take_unicode(struct translation *t, uint32_t *value_out)
{
    struct translation before;
    uint32_t value = 0, low;

    if (take(t, STR("{"))) {
        size_t n = 0;

        while (hex_digit(peek(t)) >= 0 && value <= 0x10FFFF) {
            value = value << 4 | (uint32_t)hex_digit(peek(t));
            skip(t, 1);
            n++;
        }
        *value_out = value;
        return n > 0 && take(t, STR("}"));
    }
    if (!take_hex(t, 4, &value)) {
        return false;
    }
    before = *t;
    if (value >= 0xD800 && value <= 0xDBFF && take(t, STR("\\u"))) {
        if (take_hex(t, 4, &low) && low >= 0xDC00 && low <= 0xDFFF) {
            value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
        } else {
            *t = before;
        }
    }
    *value_out = value;
    return true;
}

static int write_number(struct translation *t, uint32_t value)
{
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        return refuse(t, "an escape is no Unicode character");
    }
    buf_addf(t->out, "\\x{%x}", value);
    return 0;
}

/* ---- Properties ---- */

/* Names of general categories that ECMA-262 has in full and PCRE2 by their initials only. */
static const char *const categories[][2] = {
    { "Cased_Letter", "L&" },
    { "Close_Punctuation", "Pe" },
    { "Connector_Punctuation", "Pc" },
    { "Control", "Cc" },
    { "Currency_Symbol", "Sc" },
    { "Dash_Punctuation", "Pd" },
    { "Decimal_Number", "Nd" },
    { "Enclosing_Mark", "Me" },
    { "Final_Punctuation", "Pf" },
    { "Format", "Cf" },
    { "Initial_Punctuation", "Pi" },
    { "Letter", "L" },
    { "Letter_Number", "Nl" },
    { "Line_Separator", "Zl" },
    { "Lowercase_Letter", "Ll" },
    { "Mark", "M" },
    { "Math_Symbol", "Sm" },
    { "Modifier_Letter", "Lm" },
    { "Modifier_Symbol", "Sk" },
    { "Nonspacing_Mark", "Mn" },
    { "Number", "N" },
    { "Open_Punctuation", "Ps" },
    { "Other", "C" },
    { "Other_Letter", "Lo" },
    { "Other_Number", "No" },
    { "Other_Punctuation", "Po" },
    { "Other_Symbol", "So" },
    { "Paragraph_Separator", "Zp" },
    { "Private_Use", "Co" },
    { "Punctuation", "P" },
    { "Separator", "Z" },
    { "Space_Separator", "Zs" },
    { "Spacing_Mark", "Mc" },
    { "Surrogate", "Cs" },
    { "Symbol", "S" },
    { "Titlecase_Letter", "Lt" },
    { "Unassigned", "Cn" },
    { "Uppercase_Letter", "Lu" },
    { "digit", "Nd" },
    { "punct", "P" },
};

static int write_property(struct translation *t, char letter)
{
    struct str name;
    size_t n = 0;

    if (!take(t, STR("{"))) {
        return refuse(t, "\\p wants a name in braces");
    }
    while (n < t->rest.len && t->rest.p[n] != '}') {
        n++;
    }
    if (n == t->rest.len || n == 0 || t->rest.p[0] == '^') {
        return refuse(t, "\\p wants a name in braces");
    }
    name = str_make(t->rest.p, n);
    skip(t, n + 1);
    if (str_starts(name, STR("General_Category="))) {
        name = str_make(name.p + 17, name.len - 17);
    } else if (str_starts(name, STR("gc="))) {
        name = str_make(name.p + 3, name.len - 3);
    }
    for (size_t i = 0; i < COUNT_OF(categories); i++) {
        if (str_eqz(name, categories[i][0])) {
            name = str_of(categories[i][1]);
        }
    }
    buf_addf(t->out, "\\%c{%.*s}", letter, STR_FMT(name));
    return 0;
}

/* ---- Escapes ---- */

/* Those that mean the same inside and outside of brackets. */
static int write_escape(struct translation *t, char c)
{
    uint32_t value;

    switch (c) {
    case 'd':
    case 'D':
    case 'w':
    case 'W':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        buf_addf(t->out, "\\%c", c);
        return 0;
    case 'v': /* a vertical tab here, a class in PCRE2 */
        return write_number(t, 0x0b);
    case '0':
        if (peek(t) >= '0' && peek(t) <= '9') {
            return refuse(t, "octal escapes are not allowed");
        }
        return write_number(t, 0);
    case 'c':
        value = (unsigned char)peek(t) | 0x20u;
        if (value < 'a' || value > 'z') {
            return refuse(t, "\\c wants a letter");
        }
        skip(t, 1);
        return write_number(t, value & 31);
    case 'x':
        return take_hex(t, 2, &value) ? write_number(t, value)
                                      : refuse(t, "\\x wants two hexadecimal digits");
    case 'u':
        return take_unicode(t, &value) ? write_number(t, value)
                                       : refuse(t, "\\u wants four hexadecimal digits");
    case 'p':
    case 'P':
        return write_property(t, c);
    default:
        if ((unsigned char)c <= 0x20 || (unsigned char)c >= 0x7f || c == '_' ||
            (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
            return refuse(t, "there is no such escape");
        }
        buf_addf(t->out, "\\%c", c);
        return 0;
    }
}

static int take_escape(struct translation *t, char *c_out)
{
    skip(t, 1);
    if (t->rest.len == 0) {
        return refuse(t, "it ends in a backslash");
    }
    *c_out = t->rest.p[0];
    skip(t, 1);
    return 0;
}

static int write_backreference(struct translation *t, char first)
{
    uint32_t number = (uint32_t)(first - '0');

    while (peek(t) >= '0' && peek(t) <= '9' && number < 10000) {
        number = number * 10 + (uint32_t)(peek(t) - '0');
        skip(t, 1);
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
        if (peek(t) != '<') {
            return refuse(t, "\\k wants a name");
        }
        buf_addz(t->out, "\\k");
        return 0; /* the name follows as it is */
    default:
        return c >= '1' && c <= '9' ? write_backreference(t, c) : write_escape(t, c);
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
        return write_escape(t, c);
    }
}

/* ---- The rest ---- */

static int translate_class(struct translation *t)
{
    int rc;

    skip(t, 1);
    buf_addz(t->out, take(t, STR("^")) ? "[^" : "[");
    while (t->rest.len > 0) {
        char c = peek(t);

        if (c == ']') {
            skip(t, 1);
            buf_addc(t->out, ']');
            t->is_quantifiable = true;
            return 0;
        }
        if (c == '\\') {
            rc = translate_class_escape(t);
            if (rc) {
                return rc;
            }
            continue;
        }
        if (c == '[') { /* in PCRE2 it could begin [:alpha:] */
            buf_addc(t->out, '\\');
        }
        buf_addc(t->out, c);
        skip(t, 1);
    }
    return refuse(t, "a bracket is not closed");
}

static int translate_group(struct translation *t)
{
    static const struct str forms[] = {
        { "(?:", 3 }, { "(?=", 3 }, { "(?!", 3 }, { "(?<=", 4 }, { "(?<!", 4 }, { "(?<", 3 },
    };

    t->is_quantifiable = false;
    if (str_starts(t->rest, STR("(?"))) {
        for (size_t i = 0; i < COUNT_OF(forms); i++) {
            if (take(t, forms[i])) {
                buf_add_str(t->out, forms[i]);
                return 0;
            }
        }
        return refuse(t, "there is no such group");
    }
    buf_addc(t->out, '(');
    skip(t, 1);
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
        return refuse(t, "there is nothing to repeat");
    }
    buf_add(t->out, t->rest.p, n);
    skip(t, n);
    if (take(t, STR("?"))) {
        buf_addc(t->out, '?');
    }
    t->is_quantifiable = false; /* a++ is possessive in PCRE2 and nothing in ECMA-262 */
    return 0;
}

static int translate_next(struct translation *t)
{
    char c = peek(t);
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
    skip(t, 1);
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
