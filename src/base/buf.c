/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The growable byte buffer. See buf.h.
 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

void buf_fini(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){ .max = b->max };
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data) {
        b->data[0] = '\0';
    }
}

void buf_fail(struct buf *b)
{
    buf_fini(b);
    b->failed = true;
}

char *buf_reserve(struct buf *b, size_t n)
{
    size_t cap;

    if (b->failed) {
        return NULL;
    }
    if (n > b->max || b->len > b->max - n) {
        buf_fail(b);
        return NULL;
    }
    if (b->cap < b->len + n + 1) {
        cap = b->cap ? b->cap * 2 : 128;
        if (cap < b->len + n + 1) {
            cap = b->len + n + 1;
        }
        b->data = mem_realloc(b->data, cap);
        b->cap = cap;
    }
    return b->data + b->len;
}

void buf_advance(struct buf *b, size_t n)
{
    assert(b->cap - b->len > n);
    b->len += n;
    b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    char *to = buf_reserve(b, n);

    if (to) {
        if (n) {
            memcpy(to, p, n);
        }
        buf_advance(b, n);
    }
}

void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.len);
}

void buf_addz(struct buf *b, const char *z)
{
    buf_add(b, z, strlen(z));
}

void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;
    char *to;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    to = buf_reserve(b, (size_t)n);
    if (to) {
        va_start(ap, fmt);
        vsnprintf(to, (size_t)n + 1, fmt, ap);
        va_end(ap);
        buf_advance(b, (size_t)n);
    }
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0) {
        return;
    }
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    b->data[b->len] = '\0';
}

char *buf_take(struct buf *b, size_t *len_out)
{
    char *p = b->data;

    assert(!b->failed);
    if (!p) {
        p = mem_dup("", 0);
    }
    if (len_out) {
        *len_out = b->len;
    }
    *b = (struct buf){ .max = b->max };
    return p;
}
