/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords for numbers (JSON Schema validation, section 6.2), on exact decimals.
 */
#include "json/number.h"
#include "json/schema_impl.h"

struct number_keyword {
    struct keyword keyword;
    struct str text; /* of the limit, as it is written */
    struct decimal limit;
    uint64_t divisor; /* multipleOf: the digits of the limit as an integer */
};

static int compile_number(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                          const yyjson_val *value, struct keyword **out)
{
    struct number_keyword *k = schema_keyword_new(c, sizeof(*k), out);
    char text[NUMBER_TEXT_BYTES];
    struct str s;

    (void)node;
    (void)siblings;
    if (!json_is_number(value)) {
        return schema_refuse(c, value, "this is not a number");
    }
    s = number_text(value, text);
    k->text = str_make(arena_dup(&c->schema->arena, s.p, s.len), s.len);
    decimal_of_text(k->text, &k->limit);
    return 0;
}

static int compile_divisor(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                           const yyjson_val *value, struct keyword **out)
{
    struct number_keyword *k;
    int rc = compile_number(c, node, siblings, value, out);

    if (rc) {
        return rc;
    }
    k = (struct number_keyword *)*out;
    if (k->limit.is_negative || k->limit.n_digits == 0) {
        return schema_refuse(c, value, "multipleOf is not greater than 0");
    }
    if (k->limit.n_digits > 19) {
        return schema_refuse_as(c, DMCP_E_TOOBIG, value, "multipleOf has more than 19 digits");
    }
    for (size_t i = 0; i < k->limit.n_digits; i++) {
        k->divisor = k->divisor * 10 + (uint64_t)decimal_digit(&k->limit, i);
    }
    return 0;
}

/* Below 0 when the instance is the smaller one. Numbers that are kept as text may be long. */
static int compare(struct check *c, const struct keyword *k, const yyjson_val *instance,
                   int *order_out)
{
    char text[NUMBER_TEXT_BYTES];
    struct decimal d;

    decimal_of(instance, text, &d);
    *order_out = decimal_cmp(&d, &((const struct number_keyword *)k)->limit);
    return schema_work(c, yyjson_get_len((yyjson_val *)instance) / 64);
}

static int fail(struct check *c, const struct keyword *k, const yyjson_val *instance,
                const char *relation)
{
    struct str limit = ((const struct number_keyword *)k)->text;

    return schema_fail_expected(c, FINDING_OTHER, instance, "%s %.*s", relation, STR_FMT(limit));
}

static int check_maximum(struct check *c, const struct keyword *k, const yyjson_val *instance,
                         struct marks *marks)
{
    int order, rc = compare(c, k, instance, &order);

    (void)marks;
    return rc || order <= 0 ? rc : fail(c, k, instance, "at most");
}

static int check_exclusive_maximum(struct check *c, const struct keyword *k,
                                   const yyjson_val *instance, struct marks *marks)
{
    int order, rc = compare(c, k, instance, &order);

    (void)marks;
    return rc || order < 0 ? rc : fail(c, k, instance, "less than");
}

static int check_minimum(struct check *c, const struct keyword *k, const yyjson_val *instance,
                         struct marks *marks)
{
    int order, rc = compare(c, k, instance, &order);

    (void)marks;
    return rc || order >= 0 ? rc : fail(c, k, instance, "at least");
}

static int check_exclusive_minimum(struct check *c, const struct keyword *k,
                                   const yyjson_val *instance, struct marks *marks)
{
    int order, rc = compare(c, k, instance, &order);

    (void)marks;
    return rc || order > 0 ? rc : fail(c, k, instance, "more than");
}

static uint64_t multiply(uint64_t a, uint64_t b, uint64_t modulus)
{
    return (uint64_t)((unsigned __int128)a * b % modulus);
}

static uint64_t power_of_ten(uint64_t exponent, uint64_t modulus)
{
    uint64_t result = 1 % modulus, base = 10 % modulus;

    for (; exponent > 0; exponent /= 2) {
        if (exponent % 2) {
            result = multiply(result, base, modulus);
        }
        base = multiply(base, base, modulus);
    }
    return result;
}

/* With a and b the digits as integers, neither ending in 0, the question is whether
 * a * 10^shift / b is an integer. With a negative shift it cannot be. */
static bool is_multiple(const struct decimal *d, const struct number_keyword *k)
{
    const char *digit = d->digits;
    int64_t shift;
    uint64_t rest = 0;

    if (d->n_digits == 0) {
        return true;
    }
    shift = (d->exponent - (int64_t)d->n_digits) - (k->limit.exponent - (int64_t)k->limit.n_digits);
    if (shift < 0) {
        return false;
    }
    for (size_t i = 0; i < d->n_digits; i++) {
        rest = (uint64_t)(((unsigned __int128)rest * 10 + (unsigned)(*digit - '0')) % k->divisor);
        if (i + 1 < d->n_digits) {
            digit = decimal_next(digit);
        }
    }
    return multiply(rest, power_of_ten((uint64_t)shift, k->divisor), k->divisor) == 0;
}

static int check_multiple(struct check *c, const struct keyword *k, const yyjson_val *instance,
                          struct marks *marks)
{
    const struct number_keyword *n = (const struct number_keyword *)k;
    char text[NUMBER_TEXT_BYTES];
    struct decimal d;
    int rc;

    (void)marks;
    decimal_of(instance, text, &d);
    rc = schema_work(c, d.n_digits / 8);
    if (rc || is_multiple(&d, n)) {
        return rc;
    }
    return fail(c, k, instance, "a multiple of");
}

const struct keyword_kind schema_number_keywords[] = {
    { "maximum", VOCABULARY_VALIDATION, TYPE_NUMBER, compile_number, check_maximum },
    { "exclusiveMaximum", VOCABULARY_VALIDATION, TYPE_NUMBER, compile_number,
      check_exclusive_maximum },
    { "minimum", VOCABULARY_VALIDATION, TYPE_NUMBER, compile_number, check_minimum },
    { "exclusiveMinimum", VOCABULARY_VALIDATION, TYPE_NUMBER, compile_number,
      check_exclusive_minimum },
    { "multipleOf", VOCABULARY_VALIDATION, TYPE_NUMBER, compile_divisor, check_multiple },
    { NULL, 0, 0, NULL, NULL },
};
