/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Accept field: what a client takes, and what it would rather have.
 * Source: RFC 9110, section 12.5.1.
 */
#include "mcp/internal.h"

#define WEIGHT_MAX 1000

/* What an Accept field says about a media type. */
struct opinion {
    int weight; /* in thousandths; 0: not acceptable */
    int place;  /* of the element that says so, from 1; 0: none does */
    int match;  /* how exactly it names the type: 1 all, 2 its main type, 3 itself */
};

/* "0.25" is 250. What is no weight is the greatest, as if it were not there. */
static int weight_of(struct str text)
{
    int weight = 0, unit = WEIGHT_MAX;

    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '.' && i == 1) {
            continue;
        }
        if (text.p[i] < '0' || text.p[i] > '9' || unit == 0) {
            return WEIGHT_MAX;
        }
        weight += (text.p[i] - '0') * unit;
        unit /= 10;
    }
    return text.len > 0 && weight < WEIGHT_MAX ? weight : WEIGHT_MAX;
}

/* Of ";charset=utf-8;q=0.5". */
static int weight_in(struct str parameters)
{
    while (parameters.len > 0) {
        const char *next = memchr(parameters.p + 1, ';', parameters.len - 1);
        size_t n = next ? (size_t)(next - parameters.p) : parameters.len;
        struct str one = str_trim(str_make(parameters.p + 1, n - 1));

        if (one.len > 2 && (one.p[0] == 'q' || one.p[0] == 'Q') && one.p[1] == '=') {
            return weight_of(str_make(one.p + 2, one.len - 2));
        }
        parameters = str_make(parameters.p + n, parameters.len - n);
    }
    return WEIGHT_MAX;
}

static int match(struct str range, struct str type)
{
    size_t n_main = (size_t)((const char *)memchr(type.p, '/', type.len) - type.p) + 1;

    if (str_eq_nocase(range, type)) {
        return 3;
    }
    if (range.len == n_main + 1 && range.p[n_main] == '*' &&
        str_eq_nocase(str_make(range.p, n_main), str_make(type.p, n_main))) {
        return 2;
    }
    return str_eq(range, STR("*/*")) ? 1 : 0;
}

/* The element that names the type most exactly counts. */
static struct opinion opinion_of(struct str accept, struct str type)
{
    struct opinion o = { .weight = 0 };
    struct str element;

    for (int place = 1; str_next_element(&accept, &element); place++) {
        const char *semicolon = element.len ? memchr(element.p, ';', element.len) : NULL;
        size_t n = semicolon ? (size_t)(semicolon - element.p) : element.len;
        int exact = match(str_trim(str_make(element.p, n)), type);

        if (exact > o.match) {
            o.match = exact;
            o.place = place;
            o.weight = weight_in(str_make(element.p + n, element.len - n));
        }
    }
    return o;
}

bool accept_has(struct str accept, const char *type)
{
    return opinion_of(accept, str_of(type)).weight > 0;
}

bool accept_prefers_stream(struct str accept)
{
    struct opinion stream = opinion_of(accept, STR("text/event-stream"));
    struct opinion json = opinion_of(accept, STR("application/json"));

    return stream.weight > json.weight ||
           (stream.weight == json.weight && stream.place < json.place);
}
