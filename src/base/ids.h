/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 16-byte identifiers, their texts, UUIDv7, random bytes and digests.
 */
#ifndef BASE_IDS_H
#define BASE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct id {
    uint8_t b[16];
};

#define ID_HEX_BYTES 32
#define UUID_TEXT_BYTES 36

static inline bool id_eq(struct id a, struct id b)
{
    return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

static inline struct str id_bytes(const struct id *id)
{
    return str_make(id->b, sizeof(id->b));
}

/* 32 lower-case hexadecimal digits and a NUL. */
void id_to_hex(struct id id, char hex_out[ID_HEX_BYTES + 1]);
int id_from_hex(struct str hex, struct id *id_out) MUST_CHECK; /* DMCP_E_INVALID */

/* The 8-4-4-4-12 form, lower case. Parsing takes either case. */
void id_to_uuid(struct id id, char text_out[UUID_TEXT_BYTES + 1]);
int id_from_uuid(struct str text, struct id *id_out) MUST_CHECK; /* DMCP_E_INVALID */

void random_bytes(void *p, size_t n); /* from the kernel, fit for secrets */
struct id id_random(void);

/* UUIDv7 (RFC 9562 section 5.7): 48 bits of milliseconds, then a 12-bit counter (section 6.2
 * method 1) and 62 random bits. Ids from one generator strictly increase, also within a
 * millisecond, when the counter overflows and when the clock steps back. */
struct uuid7 {
    uint64_t ms;
    uint16_t counter;
};

struct id uuid7_next(struct uuid7 *generator, uint64_t now_ms, const uint8_t random[10]);

/* The smallest UUIDv7 of a millisecond: a lower bound for range queries by time. */
struct id uuid7_from_ms(uint64_t ms);
uint64_t uuid7_ms(struct id id);
bool uuid7_is(struct id id);

/* SHA-256. */
#define DIGEST_BYTES 32
void digest(struct str data, uint8_t out[DIGEST_BYTES]);
struct id digest_id(struct str data); /* its first 16 bytes */

#endif
