/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all backends share: the poison that a failed write or sync leaves, and the fault points
 * around both.
 *
 * Why poison: after a failed fsync the kernel may have dropped the dirty pages and report success
 * next time, and RocksDB may abort when it is used after a failure. So the first error is kept, and
 * given again to whoever asks, from either of the two threads.
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/fault.h"

void store_init(struct store *s, const struct store_ops *ops)
{
    s->ops = ops;
    atomic_init(&s->is_writing, false);
    atomic_init(&s->written, 0);
    atomic_init(&s->synced, 0);
    atomic_init(&s->failed, DMCP_OK);
    pthread_mutex_init(&s->failure_lock, NULL);
    s->failure = (struct err){ 0 };
}

void store_fini(struct store *s)
{
    pthread_mutex_destroy(&s->failure_lock);
}

int store_errno_code(int errno_value)
{
    return errno_value == ENOSPC || errno_value == EDQUOT ? DMCP_E_FULL : DMCP_E_STORE;
}

int store_got(bool is_found, const struct buf *value, struct err *e)
{
    if (!is_found) {
        return err_set(e, DMCP_E_NOTFOUND, "get: no such key");
    }
    if (!buf_ok(value)) {
        return err_set(e, DMCP_E_TOOBIG, "get: the value passes its limit of %zu bytes",
                       value->max);
    }
    return DMCP_OK;
}

void store_heal(struct store *s)
{
    pthread_mutex_lock(&s->failure_lock);
    s->failure = (struct err){ 0 };
    atomic_store(&s->is_writing, false);
    atomic_store(&s->written, atomic_load(&s->synced));
    atomic_store(&s->failed, DMCP_OK);
    pthread_mutex_unlock(&s->failure_lock);
}

/* Keeps the first failure and gives it back. */
static int poison(struct store *s, const struct err *first, struct err *e)
{
    pthread_mutex_lock(&s->failure_lock);
    if (s->failure.code == DMCP_OK) {
        s->failure = *first;
        atomic_store(&s->failed, first->code);
    }
    if (e) {
        *e = s->failure;
    }
    pthread_mutex_unlock(&s->failure_lock);
    return atomic_load(&s->failed);
}

static int injected(int errno_value, const char *what, struct err *e)
{
    return err_set(e, store_errno_code(errno_value), "%s: %s (injected)", what,
                   strerror(errno_value));
}

/* A reader may see the rows before the position is known: until then `is_writing` says so. */
static int write_counted(struct store *s, const struct batch *b, uint64_t *position_out,
                         struct err *e)
{
    int rc;

    atomic_store(&s->is_writing, true);
    rc = s->ops->write(s, b, position_out, e);
    if (rc == DMCP_OK) {
        atomic_store(&s->written, *position_out);
        atomic_store(&s->is_writing, false);
    }
    return rc; /* what failed may have been seen, and will not be synced */
}

int store_injected(int errno_value, struct err *e)
{
    return errno_value ? injected(errno_value, "get", e) : DMCP_OK;
}

int store_write(struct store *s, const struct batch *b, uint64_t *position_out, struct err *e)
{
    struct err failure = { 0 };
    int rc;

    if (!buf_ok(&b->ops)) {
        return err_set(e, DMCP_E_TOOBIG, "write: the batch is over its limit of %zu bytes",
                       b->ops.max);
    }
    if (atomic_load(&s->failed)) {
        return poison(s, &failure, e);
    }
    FAULT_POINT("store.write.before");
    rc = FAULT_ERROR("store.write");
    if (rc) {
        rc = injected(rc, "write", &failure);
    } else {
        rc = write_counted(s, b, position_out, &failure);
    }
    if (rc) {
        assert(failure.code == rc);
        return poison(s, &failure, e);
    }
    FAULT_POINT("store.write.after");
    return DMCP_OK;
}

int store_sync(struct store *s, uint64_t position, struct err *e)
{
    struct err failure = { 0 };
    int rc;

    if (atomic_load(&s->failed)) {
        return poison(s, &failure, e);
    }
    FAULT_POINT("store.sync.before");
    rc = FAULT_ERROR("store.sync");
    if (rc) {
        rc = injected(rc, "sync", &failure);
    } else {
        rc = s->ops->sync(s, position, &failure);
    }
    if (rc) {
        assert(failure.code == rc);
        return poison(s, &failure, e);
    }
    if (position > atomic_load(&s->synced)) { /* one thread at a time syncs */
        atomic_store(&s->synced, position);
    }
    FAULT_POINT("store.sync.after");
    return DMCP_OK;
}

bool store_is_synced(struct store *s)
{
    return !atomic_load(&s->is_writing) && atomic_load(&s->synced) >= atomic_load(&s->written);
}
