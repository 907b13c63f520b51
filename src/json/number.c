/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact decimals, and the choice of a number's representation. See number.h.
 */
#include "json/number.h"

#include <assert.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The exponent as written; held at the bound, where it is past every comparison anyway. */
static int64_t parse_exponent(struct str text)
{
    size_t i = 0;
    bool is_negative = text.len > 0 && text.p[0] == '-';
    int64_t value = 0;

    if (text.len > 0 && (text.p[0] == '-' || text.p[0] == '+')) {
        i++;
    }
    for (; i < text.len && value < DECIMAL_EXPONENT_MAX / 16; i++) {
        value = value * 10 + (text.p[i] - '0');
    }
    return is_negative ? -value : value;
}

void decimal_of_text(struct str text, struct decimal *d_out)
{
    struct decimal d = { 0 };
    const char *p = text.p, *end = text.p + text.len, *first = NULL, *last = NULL;
    int64_t point = 0; /* digits before it, less the zeros in front of the first digit */
    bool is_fraction = false;

    assert(text.len > 0);
    if (*p == '-') {
        d.is_negative = true;
        p++;
    }
    for (; p < end && (is_digit(*p) || *p == '.'); p++) {
        if (*p == '.') {
            is_fraction = true;
            continue;
        }
        if (*p != '0' && !first) {
            first = p;
        }
        if (*p != '0') {
            last = p;
        }
        if (first && !is_fraction) {
            point++;
        } else if (!first && is_fraction) {
            point--;
        }
    }
    if (first) {
        const char *dot = memchr(first, '.', (size_t)(last - first));

        d.digits = first;
        d.n_digits = (size_t)(last - first) + 1 - (dot ? 1 : 0);
        d.exponent = point;
        if (p < end) {
            d.exponent += parse_exponent(str_make(p + 1, (size_t)(end - p - 1)));
        }
    }
    *d_out = d;
}

void decimal_of(const yyjson_val *v, char text[NUMBER_TEXT_BYTES], struct decimal *d_out)
{
    decimal_of_text(number_text(v, text), d_out);
}

const char *decimal_next(const char *digit)
{
    return digit[1] == '.' ? digit + 2 : digit + 1;
}

int decimal_cmp(const struct decimal *a, const struct decimal *b)
{
    int sign = a->is_negative ? -1 : 1, order = 0;
    const char *p = a->digits, *q = b->digits;
    size_t n = a->n_digits < b->n_digits ? a->n_digits : b->n_digits;

    if (a->n_digits == 0 || b->n_digits == 0) { /* zero has no sign */
        if (a->n_digits == b->n_digits) {
            return 0;
        }
        return a->n_digits ? sign : b->is_negative ? 1 : -1;
    }
    if (a->is_negative != b->is_negative) {
        return sign;
    }
    if (a->exponent != b->exponent) {
        return a->exponent > b->exponent ? sign : -sign;
    }
    for (size_t i = 0; i < n && order == 0; i++) {
        order = *p - *q;
        if (i + 1 < n) {
            p = decimal_next(p);
            q = decimal_next(q);
        }
    }
    if (order == 0 && a->n_digits != b->n_digits) {
        order = a->n_digits > b->n_digits ? 1 : -1;
    }
    return order > 0 ? sign : order < 0 ? -sign : 0;
}

bool decimal_is_integer(const struct decimal *d)
{
    return d->n_digits == 0 || (d->exponent > 0 && (uint64_t)d->exponent >= d->n_digits);
}

int decimal_digit(const struct decimal *d, size_t i)
{
    const char *dot;

    if (i >= d->n_digits) {
        return 0;
    }
    /* Within the first i + 1 characters a point moves the digit one place on. */
    dot = memchr(d->digits, '.', i + 1);
    return d->digits[dot ? i + 1 : i] - '0';
}

/* ---- Values and their texts ---- */

static size_t write_uint(uint64_t value, char *text)
{
    char reversed[20];
    size_t n = 0;

    do {
        reversed[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < n; i++) {
        text[i] = reversed[n - 1 - i];
    }
    return n;
}

static size_t write_real(const yyjson_val *v, char *text)
{
    char memory[2048]; /* what yyjson wants as workspace for one number */
    yyjson_alc alc;
    bool has_pool = yyjson_alc_pool_init(&alc, memory, sizeof(memory));
    size_t n = 0;
    char *written;

    assert(has_pool);
    written = yyjson_val_write_opts(v, YYJSON_WRITE_INF_AND_NAN_AS_NULL, &alc, &n, NULL);
    assert(written && n < NUMBER_TEXT_BYTES);
    memcpy(text, written, n);
    return n;
}

struct str number_text(const yyjson_val *v, char text[NUMBER_TEXT_BYTES])
{
    yyjson_val *val = (yyjson_val *)v;

    if (yyjson_is_raw(val)) {
        return str_make(yyjson_get_raw(val), yyjson_get_len(val));
    }
    if (yyjson_is_uint(val)) {
        return str_make(text, write_uint(yyjson_get_uint(val), text));
    }
    if (yyjson_is_sint(val)) {
        text[0] = '-';
        return str_make(text, 1 + write_uint(0 - (uint64_t)yyjson_get_sint(val), text + 1));
    }
    assert(yyjson_is_real(val));
    return str_make(text, write_real(val, text));
}

/* ---- Settling ---- */

/* True when the text is written as an integer; such a one never becomes a double, which would be
 * written back with a fraction and so as another type in most languages. */
static bool settle_integer(yyjson_val *v, struct str text)
{
    bool is_negative = text.p[0] == '-';
    uint64_t value = 0;
    bool fits = true;

    for (size_t i = is_negative; i < text.len; i++) {
        uint64_t digit = (uint64_t)(text.p[i] - '0');

        if (!is_digit(text.p[i])) {
            return false;
        }
        fits = fits && value <= (UINT64_MAX - digit) / 10;
        value = value * 10 + digit;
    }
    if (fits && !is_negative) {
        yyjson_set_uint(v, value);
    } else if (fits && value > 0 && value <= (uint64_t)INT64_MAX + 1) { /* -0 stays as it is */
        yyjson_set_sint(v, (int64_t)(0 - value));
    }
    return true;
}

static bool is_same_decimal(const yyjson_val *real, const struct decimal *d)
{
    char text[NUMBER_TEXT_BYTES];
    struct decimal other;

    decimal_of(real, text, &other);
    return decimal_cmp(d, &other) == 0;
}

void number_settle(yyjson_val *v)
{
    struct str text = str_make(yyjson_get_raw(v), yyjson_get_len(v));
    struct decimal d;
    yyjson_val real = { 0 };

    if (settle_integer(v, text)) {
        return;
    }
    decimal_of_text(text, &d);
    if (d.n_digits == 0) {
        yyjson_set_real(v, d.is_negative ? -0.0 : 0.0);
        return;
    }
    if (d.n_digits > 17 || d.exponent < -330 || d.exponent > 310) {
        return;
    }
    if (!yyjson_read_number(text.p, &real, 0, NULL, NULL) || !yyjson_is_real(&real)) {
        return;
    }
    /* Up to 15 digits and away from the ends of the range every decimal has its own double, so the
     * comparison can be saved. */
    if ((d.n_digits <= 15 && d.exponent > -290 && d.exponent < 290) || is_same_decimal(&real, &d)) {
        yyjson_set_real(v, yyjson_get_real(&real));
    }
}
