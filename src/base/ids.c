/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identifiers. See ids.h.
 */
#include "base/ids.h"

#include <assert.h>
#include <openssl/sha.h>
#include <sys/random.h>

static const char hex_digits[] = "0123456789abcdef";

void id_to_hex(struct id id, char hex_out[ID_HEX_BYTES + 1])
{
    for (size_t i = 0; i < sizeof(id.b); i++) {
        hex_out[2 * i] = hex_digits[id.b[i] >> 4];
        hex_out[2 * i + 1] = hex_digits[id.b[i] & 15];
    }
    hex_out[ID_HEX_BYTES] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

int id_from_hex(struct str hex, struct id *id_out)
{
    struct id id;

    if (hex.len != ID_HEX_BYTES) {
        return DMCP_E_INVALID;
    }
    for (size_t i = 0; i < sizeof(id.b); i++) {
        int hi = hex_value(hex.p[2 * i]), lo = hex_value(hex.p[2 * i + 1]);

        if (hi < 0 || lo < 0) {
            return DMCP_E_INVALID;
        }
        id.b[i] = (uint8_t)(hi << 4 | lo);
    }
    *id_out = id;
    return DMCP_OK;
}

static bool is_dash_place(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

void id_to_uuid(struct id id, char text_out[UUID_TEXT_BYTES + 1])
{
    char hex[ID_HEX_BYTES + 1];
    size_t from = 0;

    id_to_hex(id, hex);
    for (size_t i = 0; i < UUID_TEXT_BYTES; i++) {
        text_out[i] = is_dash_place(i) ? '-' : hex[from++];
    }
    text_out[UUID_TEXT_BYTES] = '\0';
}

int id_from_uuid(struct str text, struct id *id_out)
{
    char hex[ID_HEX_BYTES];
    size_t n = 0;

    if (text.len != UUID_TEXT_BYTES) {
        return DMCP_E_INVALID;
    }
    for (size_t i = 0; i < UUID_TEXT_BYTES; i++) {
        char c = text.p[i];

        if (is_dash_place(i)) {
            if (c != '-') {
                return DMCP_E_INVALID;
            }
        } else {
            hex[n++] = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
        }
    }
    return id_from_hex(str_make(hex, sizeof(hex)), id_out);
}

void random_bytes(void *p, size_t n)
{
    char *at = p;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);

        if (got < 0) {
            continue; /* EINTR: the only failure with these arguments */
        }
        at += got;
        n -= (size_t)got;
    }
}

struct id id_random(void)
{
    struct id id;

    random_bytes(id.b, sizeof(id.b));
    return id;
}

static void put_ms(struct id *id, uint64_t ms)
{
    for (int i = 5; i >= 0; i--) {
        id->b[i] = (uint8_t)(ms & 0xff);
        ms >>= 8;
    }
}

struct id uuid7_next(struct uuid7 *g, uint64_t now_ms, const uint8_t random[10])
{
    struct id id;

    if (now_ms > g->ms) {
        g->ms = now_ms;
        /* Half the counter's range is left for the rest of the millisecond. */
        g->counter = (uint16_t)((random[8] << 8 | random[9]) & 0x7ff);
    } else if (g->counter < 0xfff) {
        g->counter++;
    } else {
        g->ms++; /* borrow from the next millisecond rather than wait for it */
        g->counter = 0;
    }
    put_ms(&id, g->ms);
    id.b[6] = (uint8_t)(0x70 | g->counter >> 8);
    id.b[7] = (uint8_t)(g->counter & 0xff);
    memcpy(id.b + 8, random, 8);
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
    return id;
}

struct id uuid7_from_ms(uint64_t ms)
{
    struct id id = { { 0 } };

    put_ms(&id, ms);
    id.b[6] = 0x70;
    id.b[8] = 0x80;
    return id;
}

uint64_t uuid7_ms(struct id id)
{
    uint64_t ms = 0;

    for (int i = 0; i < 6; i++) {
        ms = ms << 8 | id.b[i];
    }
    return ms;
}

bool uuid7_is(struct id id)
{
    return id.b[6] >> 4 == 7 && id.b[8] >> 6 == 2;
}

void digest(struct str data, uint8_t out[DIGEST_BYTES])
{
    SHA256((const unsigned char *)(data.p ? data.p : ""), data.len, out);
}

struct id digest_id(struct str data)
{
    uint8_t full[DIGEST_BYTES];
    struct id id;

    digest(data, full);
    memcpy(id.b, full, sizeof(id.b));
    return id;
}
