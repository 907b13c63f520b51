/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoding and decoding of record bytes. See codec.h.
 */
#include "base/codec.h"

#include <assert.h>

static void enc_be(struct buf *b, uint64_t v, int n_bytes)
{
    char bytes[8];

    for (int i = n_bytes - 1; i >= 0; i--) {
        bytes[i] = (char)(v & 0xff);
        v >>= 8;
    }
    buf_add(b, bytes, (size_t)n_bytes);
}

void enc_u8(struct buf *b, uint8_t v)
{
    enc_be(b, v, 1);
}

void enc_u32(struct buf *b, uint32_t v)
{
    enc_be(b, v, 4);
}

void enc_u64(struct buf *b, uint64_t v)
{
    enc_be(b, v, 8);
}

void enc_id(struct buf *b, struct id id)
{
    buf_add(b, id.b, sizeof(id.b));
}

void enc_str(struct buf *b, struct str s)
{
    assert(s.len <= UINT32_MAX);
    enc_u32(b, (uint32_t)s.len);
    buf_add_str(b, s);
}

static const char *take(struct decoder *d, size_t n)
{
    const char *p = d->rest.p;

    if (d->failed || d->rest.len < n) {
        d->failed = true;
        return NULL;
    }
    d->rest = str_make(p + n, d->rest.len - n);
    return p;
}

static uint64_t dec_be(struct decoder *d, size_t n_bytes)
{
    const char *p = take(d, n_bytes);
    uint64_t v = 0;

    for (size_t i = 0; p && i < n_bytes; i++) {
        v = v << 8 | (uint8_t)p[i];
    }
    return v;
}

uint8_t dec_u8(struct decoder *d)
{
    return (uint8_t)dec_be(d, 1);
}

uint32_t dec_u32(struct decoder *d)
{
    return (uint32_t)dec_be(d, 4);
}

uint64_t dec_u64(struct decoder *d)
{
    return dec_be(d, 8);
}

struct id dec_id(struct decoder *d)
{
    struct id id = { { 0 } };
    const char *p = take(d, sizeof(id.b));

    if (p) {
        memcpy(id.b, p, sizeof(id.b));
    }
    return id;
}

struct str dec_str(struct decoder *d)
{
    size_t n = dec_u32(d);
    const char *p = take(d, n);

    return p ? str_make(p, n) : STR_NONE;
}

int dec_end(const struct decoder *d)
{
    return d->failed || d->rest.len ? DMCP_E_CORRUPT : DMCP_OK;
}
