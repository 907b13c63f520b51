/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of JSON text as exact decimals.
 *
 * A decimal is sign, digits and a power of ten, pointing into the text it came from; nothing is
 * rounded. It is what decides whether a double may stand for a number (json.h), and what the
 * schema compares when doubles and integers cannot tell.
 */
#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include <yyjson.h>

#include "base/str.h"

/* value = (-1)^is_negative * 0.d1 d2 ... dn * 10^exponent, with d1 and dn not zero; for zero
 * n_digits is 0. The digits are those of the text, with perhaps a point between them. */
struct decimal {
    bool is_negative;
    const char *digits;
    size_t n_digits;
    int64_t exponent; /* held within +-DECIMAL_EXPONENT_MAX */
};

/* Larger than any text that is read has digits, far from overflow when added up. */
#define DECIMAL_EXPONENT_MAX (INT64_C(1) << 40)

#define NUMBER_TEXT_BYTES 40 /* holds the text of any number but a raw one */

/* The text must be a number as JSON writes them. */
void decimal_of_text(struct str text, struct decimal *d_out);

/* Of a value for which json_is_number holds. `text` keeps what the decimal points to, unless it
 * is a raw number: then that is in the document. */
void decimal_of(const yyjson_val *v, char text[NUMBER_TEXT_BYTES], struct decimal *d_out);

int decimal_cmp(const struct decimal *a, const struct decimal *b); /* <0, 0, >0 */
bool decimal_is_integer(const struct decimal *d);
int decimal_digit(const struct decimal *d, size_t i); /* the i-th from 0; 0 behind the last */
const char *decimal_next(const char *digit); /* from any digit but the last to the one behind it */

/* The text of a number, as it would be written. The span points into `text` or the document. */
struct str number_text(const yyjson_val *v, char text[NUMBER_TEXT_BYTES]);

/* A number that was read as raw text becomes a 64-bit integer or, when it has a fraction or an
 * exponent, a double, if that is the same decimal; else it stays as it is. */
void number_settle(yyjson_val *v);

#endif
