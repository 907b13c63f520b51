/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that are put at one end and taken from the other.
 */
#ifndef SERVER_FIFO_H
#define SERVER_FIFO_H

#include "base/buf.h"

struct fifo {
    struct buf buf;
    size_t at; /* so many of its bytes were taken */
};

static inline void fifo_init(struct fifo *f)
{
    buf_init(&f->buf, SIZE_MAX / 2);
    f->at = 0;
}

static inline void fifo_fini(struct fifo *f)
{
    buf_fini(&f->buf);
    f->at = 0;
}

static inline struct str fifo_rest(const struct fifo *f)
{
    return str_make(buf_str(&f->buf).p + f->at, f->buf.len - f->at);
}

/* Room is made when half of it is worth that: each byte is moved once at most, about. */
static inline void fifo_take(struct fifo *f, size_t n)
{
    f->at += n;
    if (f->at == f->buf.len && f->buf.cap > 64 * 1024) {
        buf_fini(&f->buf); /* one big message must not stay in memory */
        buf_init(&f->buf, SIZE_MAX / 2);
        f->at = 0;
    } else if (f->at > f->buf.len / 2) {
        buf_consume(&f->buf, f->at);
        f->at = 0;
    }
}

#endif
