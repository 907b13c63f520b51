/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store on this machine's disk: RocksDB through its C API. Opening it, and its options, are
 * in rocksdb_open.c.
 *
 * A write goes to RocksDB's log without a sync, so it is in the kernel's hands when it returns; a
 * sync makes the log durable. RocksDB allows both at once. A position is RocksDB's sequence
 * number, which counts operations.
 *
 * Two families of keys. Most rows are written once and stay for days. A few kinds are deleted
 * moments after they were put (what is unfinished, timers, open questions, what is watched), and a
 * restart reads what is left of them. In a tree shared with the others, their tombstones sink slowly and a scan
 * has to pass them all: with 1,000,000 finished calls it took 16 to 200 ms, with 4,000,000 up to
 * 390 ms, whatever the options that make RocksDB compact deletions earlier. In a small tree of
 * their own it does not grow: see FAMILY_SHORT's options. One batch may write to both; the log is
 * one.
 *
 * A full disk is noticed before RocksDB runs into it. Once an append to its log has failed, a sync
 * that was on its way to that log from the other thread makes RocksDB 7 abort where its assertions
 * are compiled in, as Debian does.
 *
 * A range is deleted key by key when it holds few: every tombstone of a range costs each later
 * read of that tree, and a janitor writes thousands.
 */
#include "store/rocksdb.h"

#include <assert.h>
#include <stdlib.h>

#include "base/list.h"
#include "store/keys.h"

#define RANGE_KEYS 256 /* a range with more is deleted by one tombstone */

struct rocks_cursor {
    struct cursor cursor;
    struct rocks *rocks;
    rocksdb_readoptions_t *read;
    const rocksdb_snapshot_t *snapshot; /* holds two iterators to one moment; else NULL */
    rocksdb_iterator_t *its[FAMILY_COUNT];
    size_t n, i_current; /* its[i_current] gave the last row */
    char *from, *to;     /* RocksDB borrows the bounds */
    bool is_reverse, is_started;
};

static struct rocks *rocks_of(struct store *s)
{
    return CONTAINER_OF(s, struct rocks, store);
}

/* RocksDB's C API gives errors as text alone; its beginning is their kind. */
int rocks_fail(struct err *e, const char *what, char *text)
{
    int code = DMCP_E_STORE;

    if (strstr(text, "No space left on device") || strstr(text, "Disk quota exceeded")) {
        code = DMCP_E_FULL;
    } else if (str_starts(str_of(text), STR("Corruption"))) {
        code = DMCP_E_CORRUPT;
    }
    err_set(e, code, "%s: %s", what, text);
    rocksdb_free(text);
    return code;
}

void rocks_free(struct rocks *r)
{
    for (size_t i = 0; r->db && i < FAMILY_COUNT; i++) {
        rocksdb_column_family_handle_destroy(r->families[i]);
    }
    if (r->db) {
        rocksdb_close(r->db);
    }
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        rocksdb_options_destroy(r->options[i]);
    }
    rocksdb_writeoptions_destroy(r->write);
    rocksdb_readoptions_destroy(r->read);
    dir_close(&r->dir);
    store_fini(&r->store);
    mem_free(r);
}

static void rocks_close(struct store *s)
{
    rocks_free(rocks_of(s));
}

/* ---- families ---- */

/* Part of the format: a kind must not move. */
static enum family family_of_kind(unsigned kind)
{
    switch (kind) {
    case KEY_UNFINISHED:
    case KEY_TIMER:
    case KEY_INPUT:
    case KEY_WATCH:
    case KEY_WATCHING:
        return FAMILY_SHORT;
    default:
        return FAMILY_LONG;
    }
}

static unsigned kind_of(struct str key)
{
    return key.len ? (unsigned char)key.p[0] : 0;
}

static rocksdb_column_family_handle_t *family_of(struct rocks *r, struct str key)
{
    return r->families[family_of_kind(kind_of(key))];
}

/* Which families the keys of a range may be in. */
static void families_of_range(struct str from, struct str to, bool is_in_out[FAMILY_COUNT])
{
    unsigned last = to.p ? kind_of(to) : UINT8_MAX;

    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        is_in_out[i] = false;
    }
    last -= to.p && to.len == 1 && last > 0; /* "06" as the end excludes all keys of kind 6 */
    for (unsigned kind = kind_of(from); kind <= last; kind++) {
        is_in_out[family_of_kind(kind)] = true;
    }
}

/* ---- reading ---- */

static int rocks_get(struct store *s, struct str key, struct buf *value, struct err *e)
{
    struct rocks *r = rocks_of(s);
    rocksdb_pinnableslice_t *found;
    char *error = NULL;
    const char *p;
    size_t n;

    found = rocksdb_get_pinned_cf(r->db, r->read, family_of(r, key), key.p, key.len, &error);
    if (error) {
        return rocks_fail(e, "get", error);
    }
    if (found) {
        p = rocksdb_pinnableslice_value(found, &n);
        buf_add(value, p, n);
        rocksdb_pinnableslice_destroy(found);
    }
    return store_got(found != NULL, value, e);
}

static void rocks_cursor_close(struct cursor *cursor)
{
    struct rocks_cursor *c = CONTAINER_OF(cursor, struct rocks_cursor, cursor);

    for (size_t i = 0; i < c->n; i++) {
        rocksdb_iter_destroy(c->its[i]);
    }
    rocksdb_readoptions_destroy(c->read);
    if (c->snapshot) {
        rocksdb_release_snapshot(c->rocks->db, c->snapshot);
    }
    mem_free(c->from);
    mem_free(c->to);
    mem_free(c);
}

static void step(struct rocks_cursor *c)
{
    if (c->is_started) {
        (c->is_reverse ? rocksdb_iter_prev : rocksdb_iter_next)(c->its[c->i_current]);
        return;
    }
    for (size_t i = 0; i < c->n; i++) {
        (c->is_reverse ? rocksdb_iter_seek_to_last : rocksdb_iter_seek_to_first)(c->its[i]);
    }
    c->is_started = true;
}

static struct str iter_key(const rocksdb_iterator_t *it)
{
    struct str key;

    key.p = rocksdb_iter_key(it, &key.len);
    return key;
}

/* The iterator whose key comes first; c->n when all are at their end. */
static int choose(struct rocks_cursor *c, size_t *i_out, struct err *e)
{
    size_t best = c->n;
    char *error = NULL;

    for (size_t i = 0; i < c->n; i++) {
        if (!rocksdb_iter_valid(c->its[i])) {
            rocksdb_iter_get_error(c->its[i], &error);
            if (error) {
                return rocks_fail(e, "scan", error);
            }
        } else if (best == c->n ||
                   (str_cmp(iter_key(c->its[i]), iter_key(c->its[best])) < 0) != c->is_reverse) {
            best = i;
        }
    }
    *i_out = best;
    return DMCP_OK;
}

static int rocks_next(struct cursor *cursor, struct str *key_out, struct str *value_out,
                      struct err *e)
{
    struct rocks_cursor *c = CONTAINER_OF(cursor, struct rocks_cursor, cursor);
    int rc;

    if (c->i_current < c->n) {
        step(c);
        rc = choose(c, &c->i_current, e);
        if (rc) {
            c->i_current = c->n;
            return rc;
        }
    }
    if (c->i_current == c->n) {
        return err_set(e, DMCP_E_NOTFOUND, "scan: at its end");
    }
    *key_out = iter_key(c->its[c->i_current]);
    value_out->p = rocksdb_iter_value(c->its[c->i_current], &value_out->len);
    return DMCP_OK;
}

static const struct cursor_ops rocks_cursor_ops = { rocks_next, rocks_cursor_close };

static void create_iterators(struct rocks_cursor *c, const struct range *range)
{
    bool is_in[FAMILY_COUNT];

    families_of_range(range->from, range->to, is_in);
    if (is_in[FAMILY_LONG] && is_in[FAMILY_SHORT]) {
        c->snapshot = rocksdb_create_snapshot(c->rocks->db);
        rocksdb_readoptions_set_snapshot(c->read, c->snapshot);
    }
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        if (is_in[i]) {
            c->its[c->n++] = rocksdb_create_iterator_cf(c->rocks->db, c->read,
                                                        c->rocks->families[i]);
        }
    }
}

static struct cursor *rocks_scan(struct store *s, const struct range *range)
{
    struct rocks_cursor *c = mem_zalloc(sizeof(*c));

    c->cursor.ops = &rocks_cursor_ops;
    c->rocks = rocks_of(s);
    c->is_reverse = range->is_reverse;
    c->read = rocksdb_readoptions_create();
    if (range->from.p) {
        c->from = mem_dup(range->from.p, range->from.len);
        rocksdb_readoptions_set_iterate_lower_bound(c->read, c->from, range->from.len);
    }
    if (range->to.p) {
        c->to = mem_dup(range->to.p, range->to.len);
        rocksdb_readoptions_set_iterate_upper_bound(c->read, c->to, range->to.len);
    }
    if (!range->to.p || str_cmp(range->from, range->to) < 0) { /* else there is nothing in it */
        create_iterators(c, range);
    }
    return &c->cursor;
}

/* ---- writing ---- */

struct placed {
    struct batch_op op;
    size_t place; /* in the batch */
};

/* A batch on its way into RocksDB's, and the span of the keys that it put so far. */
struct transfer {
    struct rocks *rocks;
    rocksdb_writebatch_t *to;
    struct placed *sorting; /* puts and deletions not handed over yet */
    size_t n_sorting;
    struct str put_min, put_max; /* absent before the first put */
};

static void note_put(struct transfer *t, struct str key)
{
    if (!t->put_min.p || str_cmp(key, t->put_min) < 0) {
        t->put_min = key;
    }
    if (!t->put_max.p || str_cmp(key, t->put_max) > 0) {
        t->put_max = key;
    }
}

/* Adds a deletion for each key of the range; false, with nothing added, when there are too many.
 * The cursor sees what earlier batches wrote. */
static bool delete_keys(struct transfer *t, struct str from, struct str to)
{
    struct cursor *c = rocks_scan(&t->rocks->store, &(struct range){ .from = from, .to = to });
    struct str key, value;
    size_t n = 0;
    int rc;

    rocksdb_writebatch_set_save_point(t->to);
    while ((rc = rocks_next(c, &key, &value, NULL)) == DMCP_OK && n < RANGE_KEYS) {
        rocksdb_writebatch_delete_cf(t->to, family_of(t->rocks, key), key.p, key.len);
        n++;
    }
    rocks_cursor_close(c);
    if (rc != DMCP_E_NOTFOUND) {
        char *error = NULL;

        rocksdb_writebatch_rollback_to_save_point(t->to, &error);
        assert(!error);
        return false;
    }
    rocksdb_writebatch_pop_save_point(t->to, &(char *){ NULL });
    return true;
}

static void delete_range(struct transfer *t, struct str from, struct str to)
{
    bool is_in[FAMILY_COUNT];
    bool has_own_puts = t->put_min.p && str_cmp(t->put_min, to) < 0 &&
                        str_cmp(t->put_max, from) >= 0;

    if (!has_own_puts && delete_keys(t, from, to)) {
        return;
    }
    families_of_range(from, to, is_in);
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        if (is_in[i]) {
            rocksdb_writebatch_delete_range_cf(t->to, t->rocks->families[i], from.p, from.len, to.p,
                                               to.len);
        }
    }
}

static int compare_placed(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    int by_key = str_cmp(x->op.key, y->op.key);

    return by_key ? by_key : (x->place > y->place) - (x->place < y->place);
}

/* In the order of their keys, which RocksDB inserts in half the time: it looks beside the last key
 * first. Operations on one key keep their order, and on different keys the order makes no
 * difference. */
static void hand_over(struct transfer *t)
{
    qsort(t->sorting, t->n_sorting, sizeof(*t->sorting), compare_placed);
    for (size_t i = 0; i < t->n_sorting; i++) {
        const struct batch_op *op = &t->sorting[i].op;

        if (op->kind == BATCH_PUT) {
            note_put(t, op->key);
            rocksdb_writebatch_put_cf(t->to, family_of(t->rocks, op->key), op->key.p, op->key.len,
                                      op->value.p, op->value.len);
        } else {
            rocksdb_writebatch_delete_cf(t->to, family_of(t->rocks, op->key), op->key.p,
                                         op->key.len);
        }
    }
    t->n_sorting = 0;
}

static void transfer(struct transfer *t, const struct batch *b)
{
    struct batch_op op;
    size_t offset = 0;

    t->sorting = mem_zalloc_n(b->n, sizeof(*t->sorting));
    while (batch_next(b, &offset, &op)) {
        if (op.kind == BATCH_DEL_RANGE) {
            hand_over(t);
            delete_range(t, op.key, op.value);
        } else {
            t->sorting[t->n_sorting] = (struct placed){ op, t->n_sorting };
            t->n_sorting++;
        }
    }
    hand_over(t);
    mem_free(t->sorting);
}

static int rocks_write(struct store *s, const struct batch *b, uint64_t *position_out,
                       struct err *e)
{
    struct rocks *r = rocks_of(s);
    struct transfer t = { .rocks = r };
    char *error = NULL;
    int rc;

    rc = dir_check_space(&r->dir, b->ops.len, e);
    if (rc) {
        return err_wrap(e, rc, "write");
    }
    t.to = rocksdb_writebatch_create();
    rocksdb_set_perf_level(rocksdb_disable); /* of this thread: it counts every comparison */
    transfer(&t, b);
    rocksdb_write(r->db, r->write, t.to, &error);
    rocksdb_writebatch_destroy(t.to);
    if (error) {
        return rocks_fail(e, "write", error);
    }
    atomic_store(&r->written, rocksdb_get_latest_sequence_number(r->db));
    *position_out = atomic_load(&r->written);
    return DMCP_OK;
}

static int rocks_sync(struct store *s, uint64_t position, struct err *e)
{
    struct rocks *r = rocks_of(s);
    uint64_t written = atomic_load(&r->written);
    char *error = NULL;

    assert(position <= written);
    rocksdb_flush_wal(r->db, 1, &error);
    if (error) {
        return rocks_fail(e, "sync", error);
    }
    dir_set_mark(&r->dir, written);
    return DMCP_OK;
}

const struct store_ops rocks_ops = {
    rocks_close, rocks_get, rocks_scan, rocks_write, rocks_sync,
};
