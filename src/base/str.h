/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A borrowed span of bytes. It owns nothing and need not end in NUL.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

struct str {
    const char *p; /* NULL means "absent"; an empty span has p set and len 0 */
    size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE ((struct str){ NULL, 0 })
#define STR_FMT(s) (int)(s).len, (s).p /* for "%.*s" */

static inline struct str str_of(const char *z)
{
    return (struct str){ z, z ? strlen(z) : 0 };
}

static inline struct str str_make(const void *p, size_t len)
{
    return (struct str){ p, len };
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool str_eqz(struct str a, const char *z)
{
    return str_eq(a, str_of(z));
}

bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
bool str_starts(struct str s, struct str prefix);
struct str str_trim(struct str s); /* without blanks and tabs at both ends */

/* Byte order, the shorter of two equal prefixes first. */
int str_cmp(struct str a, struct str b);

/* A decimal number without sign, blanks or leading plus. DMCP_E_INVALID, or DMCP_E_TOOBIG when
 * it is over max. */
int str_to_u64(struct str s, uint64_t max, uint64_t *value_out) MUST_CHECK;

/* The next comma-separated element of *list, trimmed; false at its end. */
bool str_next_element(struct str *list, struct str *element_out);

#endif
