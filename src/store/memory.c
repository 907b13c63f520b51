/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in memory: the model that the other backends are compared with, and the disk of the
 * simulation tests.
 *
 * All of it rests on versions.h. A cursor reads at the position at which it was opened: that is
 * the snapshot. A power loss forgets what was written behind the last synced position. The floor is
 * the smaller of the last synced position and the oldest cursor's.
 *
 * One lock guards everything. A cursor hands out pointers into versions without copying: the floor
 * does not pass it while it is open.
 */
#include "store/memory.h"

#include <assert.h>

#include "base/list.h"
#include "store/versions.h"

#define NEVER UINT64_MAX

struct memory {
    struct store store;
    pthread_mutex_t lock;
    struct versions versions;
    struct list cursors; /* oldest first, and so in order of position */
    uint64_t written, synced;
    uint64_t writes_left, syncs_left; /* until the planned failure, or NEVER */
    int write_code, sync_code;
};

struct memory_cursor {
    struct cursor cursor;
    struct memory *memory;
    struct link link;
    uint64_t position;
    char *from, *to; /* the bounds of the range; NULL when absent */
    struct range range;
    struct node *at; /* NULL before the first and behind the last */
    bool is_at_end;
};

static struct memory *memory_of(struct store *s)
{
    return CONTAINER_OF(s, struct memory, store);
}

static void trim(struct memory *m)
{
    struct link *oldest = list_first(&m->cursors);
    uint64_t floor = m->synced;

    if (oldest) {
        uint64_t position = CONTAINER_OF(oldest, struct memory_cursor, link)->position;

        floor = position < floor ? position : floor;
    }
    versions_trim(&m->versions, floor);
}

static void memory_close(struct store *s)
{
    struct memory *m = memory_of(s);

    assert(list_empty(&m->cursors));
    versions_fini(&m->versions);
    pthread_mutex_destroy(&m->lock);
    store_fini(&m->store);
    mem_free(m);
}

static int memory_get(struct store *s, struct str key, struct buf *value, struct err *e)
{
    struct memory *m = memory_of(s);
    struct str found;
    bool is_found;

    pthread_mutex_lock(&m->lock);
    is_found = versions_get(&m->versions, key, m->written, &found);
    if (is_found) {
        buf_add_str(value, found);
    }
    pthread_mutex_unlock(&m->lock);
    return store_got(is_found, value, e);
}

/* ---- writing ---- */

static int planned_failure(uint64_t *left, int code, const char *what, struct err *e)
{
    if (*left == 0) {
        return err_set(e, code, "%s: planned failure", what);
    }
    *left -= *left != NEVER;
    return DMCP_OK;
}

static void apply(struct memory *m, const struct batch *b)
{
    struct batch_op op;
    size_t offset = 0;

    while (batch_next(b, &offset, &op)) {
        switch (op.kind) {
        case BATCH_PUT:
            versions_put(&m->versions, m->written, op.key, op.value);
            break;
        case BATCH_DEL:
            versions_del(&m->versions, m->written, op.key);
            break;
        case BATCH_DEL_RANGE:
            versions_del_range(&m->versions, m->written, op.key, op.value);
            break;
        }
    }
}

static int memory_write(struct store *s, const struct batch *b, uint64_t *position_out,
                        struct err *e)
{
    struct memory *m = memory_of(s);
    int rc;

    pthread_mutex_lock(&m->lock);
    rc = planned_failure(&m->writes_left, m->write_code, "write", e);
    if (!rc) {
        m->written += b->n > 0;
        apply(m, b);
        *position_out = m->written;
    }
    pthread_mutex_unlock(&m->lock);
    return rc;
}

static int memory_sync(struct store *s, uint64_t position, struct err *e)
{
    struct memory *m = memory_of(s);
    int rc;

    pthread_mutex_lock(&m->lock);
    rc = planned_failure(&m->syncs_left, m->sync_code, "sync", e);
    if (!rc && position > m->synced) {
        assert(position <= m->written);
        m->synced = position;
        trim(m);
    }
    pthread_mutex_unlock(&m->lock);
    return rc;
}

/* ---- cursors ---- */

static int memory_next(struct cursor *cursor, struct str *key_out, struct str *value_out,
                       struct err *e)
{
    struct memory_cursor *c = CONTAINER_OF(cursor, struct memory_cursor, cursor);

    if (!c->is_at_end) {
        pthread_mutex_lock(&c->memory->lock);
        c->at = versions_next(&c->memory->versions, &c->range, c->position, c->at);
        if (c->at) {
            versions_entry(c->at, c->position, key_out, value_out);
        } else {
            c->is_at_end = true;
        }
        pthread_mutex_unlock(&c->memory->lock);
    }
    return c->is_at_end ? err_set(e, DMCP_E_NOTFOUND, "scan: at its end") : DMCP_OK;
}

static void memory_cursor_close(struct cursor *cursor)
{
    struct memory_cursor *c = CONTAINER_OF(cursor, struct memory_cursor, cursor);
    struct memory *m = c->memory;

    pthread_mutex_lock(&m->lock);
    list_remove(&m->cursors, &c->link);
    trim(m);
    pthread_mutex_unlock(&m->lock);
    mem_free(c->from);
    mem_free(c->to);
    mem_free(c);
}

static const struct cursor_ops memory_cursor_ops = { memory_next, memory_cursor_close };

static struct cursor *memory_scan(struct store *s, const struct range *r)
{
    struct memory *m = memory_of(s);
    struct memory_cursor *c = mem_zalloc(sizeof(*c));

    c->cursor.ops = &memory_cursor_ops;
    c->memory = m;
    c->range = *r;
    if (r->from.p) {
        c->from = mem_dup(r->from.p, r->from.len);
        c->range.from.p = c->from;
    }
    if (r->to.p) {
        c->to = mem_dup(r->to.p, r->to.len);
        c->range.to.p = c->to;
    }
    pthread_mutex_lock(&m->lock);
    c->position = m->written;
    list_append(&m->cursors, &c->link);
    pthread_mutex_unlock(&m->lock);
    return &c->cursor;
}

static const struct store_ops memory_ops = {
    memory_close, memory_get, memory_scan, memory_write, memory_sync,
};

struct store *store_memory_new(void)
{
    struct memory *m = mem_zalloc(sizeof(*m));

    store_init(&m->store, &memory_ops);
    pthread_mutex_init(&m->lock, NULL);
    versions_init(&m->versions);
    list_init(&m->cursors);
    m->writes_left = m->syncs_left = NEVER;
    return &m->store;
}

/* ---- for tests ---- */

struct store *store_memory_crash_keep(struct store *s, size_t n_batches_to_keep)
{
    struct memory *m = memory_of(s);

    assert(list_empty(&m->cursors));
    if (m->written - m->synced > n_batches_to_keep) {
        m->written = m->synced + n_batches_to_keep;
    }
    m->synced = m->written;
    versions_rollback(&m->versions, m->written);
    m->writes_left = m->syncs_left = NEVER;
    store_heal(s);
    return s;
}

struct store *store_memory_crash(struct store *s)
{
    return store_memory_crash_keep(s, 0);
}

size_t store_memory_unsynced(struct store *s)
{
    return (size_t)(memory_of(s)->written - memory_of(s)->synced);
}

size_t store_memory_keys(struct store *s)
{
    return memory_of(s)->versions.n_keys;
}

void store_memory_fail(struct store *s, uint64_t after_n_writes, int code)
{
    memory_of(s)->writes_left = after_n_writes;
    memory_of(s)->write_code = code;
}

void store_memory_fail_sync(struct store *s, uint64_t after_n_syncs, int code)
{
    memory_of(s)->syncs_left = after_n_syncs;
    memory_of(s)->sync_code = code;
}
