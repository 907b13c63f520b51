/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordered key-value store with atomic batches: what every backend offers, and no more.
 *
 * Order is memcmp order of the keys. `write` makes a batch visible at once and all of it or
 * nothing; `sync` makes everything up to a position durable. Between the two a crash of the
 * process keeps the batch (it is in the operating system's hands), a power loss may lose it, but
 * never a part of it, and never an earlier batch while a later one is kept.
 *
 * Thread: get and cursors from any thread, write from one thread, sync from one thread (another
 * one, at the same time), close when nothing else runs and no cursor is open.
 *
 * Failure: once a write or a sync has failed, nobody knows what the disk holds of it. The store is
 * poisoned: every later write and sync gives the same error without touching the backend. Close,
 * and open anew (a full disk is waited out first, by the caller); what was synced is there then.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/err.h"

/* ---- batches ---- */

/* Operations apply in the order in which they were added. Keys and values are copied. */
struct batch {
    struct buf ops; /* encoded, see batch.c */
    size_t n;
};

void batch_init(struct batch *b);
void batch_fini(struct batch *b);
void batch_reset(struct batch *b);
void batch_put(struct batch *b, struct str key, struct str value);
void batch_del(struct batch *b, struct str key);                       /* absent is fine */
void batch_del_range(struct batch *b, struct str from, struct str to); /* [from, to) */

enum batch_kind { BATCH_PUT, BATCH_DEL, BATCH_DEL_RANGE };
struct batch_op {
    enum batch_kind kind;
    struct str key, value; /* BATCH_DEL_RANGE: from, to */
};

/* Walk the operations in order: start with *offset 0; false at the end. */
bool batch_next(const struct batch *b, size_t *offset, struct batch_op *op_out);

/* ---- the store ---- */

struct store;
struct cursor;

struct range {
    struct str from; /* inclusive; absent = from the first key */
    struct str to;   /* exclusive; absent = to the last key */
    bool is_reverse; /* from the last key of the range to its first */
};

/* What a backend provides; others call the functions below. */
struct store_ops {
    void (*close)(struct store *s);
    int (*get)(struct store *s, struct str key, struct buf *value, struct err *e);
    struct cursor *(*scan)(struct store *s, const struct range *r);
    int (*write)(struct store *s, const struct batch *b, uint64_t *position_out, struct err *e);
    int (*sync)(struct store *s, uint64_t position, struct err *e);
};

struct cursor_ops {
    int (*next)(struct cursor *c, struct str *key_out, struct str *value_out, struct err *e);
    void (*close)(struct cursor *c);
};

/* Backends embed these as their first member. */
struct store {
    const struct store_ops *ops;
    atomic_bool is_writing;
    atomic_uint_fast64_t written, synced; /* positions */
    atomic_int failed; /* the code of the write or sync that failed, and its text */
    pthread_mutex_t failure_lock;
    struct err failure;
};
struct cursor {
    const struct cursor_ops *ops;
};

/* Opens the store that `name` names: "memory:", or a directory (created when it is not there).
 * Checks the format version (keys.h) and writes it to an empty store. One process at a time.
 * DMCP_E_LOCKED: another process has it. DMCP_E_VERSION: written by a newer version, or not a
 * store of ours. DMCP_E_STORE / DMCP_E_FULL / DMCP_E_CORRUPT / DMCP_E_INVALID: the text tells. */
int store_open(const char *name, struct store **store_out, struct err *e) MUST_CHECK;

/* The backends, without the version check. */
struct store *store_memory_new(void);
int store_rocksdb_open(const char *dir, struct store **store_out, struct err *e) MUST_CHECK;

static inline void store_close(struct store *s)
{
    s->ops->close(s);
}

/* Appends the value to *value (which is left alone when the key is absent: DMCP_E_NOTFOUND; and
 * failed when it has no room for it: DMCP_E_TOOBIG). */
MUST_CHECK static inline int store_get(struct store *s, struct str key, struct buf *value,
                                       struct err *e)
{
    return s->ops->get(s, key, value, e);
}

/* A cursor sees the store as it was when it was opened. It must be closed. It belongs to one
 * thread, any. The range is copied. */
static inline struct cursor *store_scan(struct store *s, const struct range *r)
{
    return s->ops->scan(s, r);
}

/* DMCP_E_NOTFOUND at the end. Key and value are valid until the next call on this cursor. */
MUST_CHECK static inline int cursor_next(struct cursor *c, struct str *key_out,
                                         struct str *value_out, struct err *e)
{
    return c->ops->next(c, key_out, value_out, e);
}

/* What FAULT_ERROR says, as the error of a read; a reader that is tested asks before it reads. */
int store_injected(int errno_value, struct err *e) MUST_CHECK;

static inline void cursor_close(struct cursor *c)
{
    c->ops->close(c);
}

/* Positions grow with each write; an empty batch gets the position of the one before it.
 * DMCP_E_FULL when there is no space left, DMCP_E_TOOBIG for a batch that passed its limit (the
 * only error that does not poison), else DMCP_E_STORE or DMCP_E_CORRUPT.
 * Crash: of the process before it returns: all of the batch or nothing of it is there. */
int store_write(struct store *s, const struct batch *b, uint64_t *position_out,
                struct err *e) MUST_CHECK;

/* Makes everything up to the position durable, and perhaps more. */
int store_sync(struct store *s, uint64_t position, struct err *e) MUST_CHECK;

/* Whether all that was read before is durable. Any thread; while somebody writes, the answer may be
 * no without need. */
bool store_is_synced(struct store *s);

/* ---- for backends ---- */

void store_init(struct store *s, const struct store_ops *ops);
void store_fini(struct store *s);
int store_errno_code(int errno_value); /* DMCP_E_FULL or DMCP_E_STORE */
int store_got(bool is_found, const struct buf *value, struct err *e); /* the answer of a get */
void store_heal(struct store *s); /* takes the poison away: for a simulated restart only */

#endif
