/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one growable byte buffer of the tree. It has a maximum, given when it is made.
 *
 * Appending past the maximum, or to a buffer that failed before, leaves it failed and empty; the
 * error is sticky, so a run of appends needs one check at its end (buf_ok). The content always
 * has a NUL behind it that is not counted.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>

#include "base/mem.h"
#include "base/str.h"

struct buf {
    char *data; /* NULL until the first append */
    size_t len, cap, max;
    bool failed;
};

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);  /* may be used again after buf_init */
void buf_reset(struct buf *b); /* empty and not failed; keeps its memory */

void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_str(struct buf *b, struct str s);
void buf_addz(struct buf *b, const char *z);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_consume(struct buf *b, size_t n); /* drop the first n bytes */
void buf_fail(struct buf *b); /* as if an append had passed the maximum */

/* Room for n more bytes behind the content, to be filled and then counted by buf_advance.
 * NULL when that would pass the maximum. */
char *buf_reserve(struct buf *b, size_t n);
void buf_advance(struct buf *b, size_t n);

static inline bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

static inline struct str buf_str(const struct buf *b)
{
    return str_make(b->data ? b->data : "", b->len);
}

/* The content, NUL behind it; the caller frees it with mem_free. The buffer is empty then. */
char *buf_take(struct buf *b, size_t *len_out);

#endif
