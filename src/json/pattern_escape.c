/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The escapes of ECMA-262 regular expressions in PCRE2's words. See pattern_translate.h.
 */
#include "json/pattern_translate.h"

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
    translation_skip(t, n);
    *value_out = value;
    return true;
}

/* Behind \u: four digits, two such escapes that are a surrogate pair, or {digits}. */
static bool take_unicode(struct translation *t, uint32_t *value_out)
{
    struct translation before;
    uint32_t value = 0, low;

    if (translation_take(t, STR("{"))) {
        size_t n = 0;

        while (hex_digit(translation_peek(t)) >= 0 && value <= 0x10FFFF) {
            value = value << 4 | (uint32_t)hex_digit(translation_peek(t));
            translation_skip(t, 1);
            n++;
        }
        *value_out = value;
        return n > 0 && translation_take(t, STR("}"));
    }
    if (!take_hex(t, 4, &value)) {
        return false;
    }
    before = *t;
    if (value >= 0xD800 && value <= 0xDBFF && translation_take(t, STR("\\u"))) {
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
        return translation_refuse(t, "an escape is no Unicode character");
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

    if (!translation_take(t, STR("{"))) {
        return translation_refuse(t, "\\p wants a name in braces");
    }
    while (n < t->rest.len && t->rest.p[n] != '}') {
        n++;
    }
    if (n == t->rest.len || n == 0 || t->rest.p[0] == '^') {
        return translation_refuse(t, "\\p wants a name in braces");
    }
    name = str_make(t->rest.p, n);
    translation_skip(t, n + 1);
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

/* ---- All ---- */

int translation_write_escape(struct translation *t, char c)
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
        if (translation_peek(t) >= '0' && translation_peek(t) <= '9') {
            return translation_refuse(t, "octal escapes are not allowed");
        }
        return write_number(t, 0);
    case 'c':
        value = (unsigned char)translation_peek(t) | 0x20u;
        if (value < 'a' || value > 'z') {
            return translation_refuse(t, "\\c wants a letter");
        }
        translation_skip(t, 1);
        return write_number(t, value & 31);
    case 'x':
        return take_hex(t, 2, &value) ? write_number(t, value)
                                      : translation_refuse(t, "\\x wants two hexadecimal digits");
    case 'u':
        return take_unicode(t, &value) ? write_number(t, value)
                                       : translation_refuse(t, "\\u wants four hexadecimal digits");
    case 'p':
    case 'P':
        return write_property(t, c);
    default:
        if ((unsigned char)c <= 0x20 || (unsigned char)c >= 0x7f || c == '_' ||
            (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
            return translation_refuse(t, "there is no such escape");
        }
        buf_addf(t->out, "\\%c", c);
        return 0;
    }
}
