/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store on this machine's disk: RocksDB through its C API.
 */
#include <assert.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "store/dir.h"
#include "store/store.h"

enum recovery { RECOVER_ALL = 1, RECOVER_TO_FIRST_DAMAGE = 2 }; /* RocksDB's numbers */

struct rocks {
    struct store store;
    struct store_dir dir;
    rocksdb_options_t *options;
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write;
    rocksdb_t *db;
    atomic_uint_fast64_t written; /* RocksDB's sequence number is the position */
};

struct rocks_cursor {
    struct cursor cursor;
    rocksdb_readoptions_t *read;
    rocksdb_iterator_t *it; /* NULL for an empty range */
    char *from, *to;        /* RocksDB borrows the bounds */
    bool is_reverse, is_started;
};

static struct rocks *rocks_of(struct store *s)
{
    return CONTAINER_OF(s, struct rocks, store);
}

/* RocksDB tells the kind of an error by the beginning of its text alone. Takes `text`. */
static int fail(struct err *e, const char *what, char *text)
{
    int code = DMCP_E_STORE;

    if (strstr(text, "No space left on device") || strstr(text, "Disk quota exceeded")) {
        code = DMCP_E_FULL;
    } else if (strncmp(text, "Corruption", 10) == 0) {
        code = DMCP_E_CORRUPT;
    } else if (strstr(text, "lock") && strncmp(text, "IO error", 8) == 0) {
        code = DMCP_E_LOCKED;
    }
    err_set(e, code, "%s: %s", what, text);
    rocksdb_free(text);
    return code;
}

static void rocks_free(struct rocks *r)
{
    if (r->db) {
        rocksdb_close(r->db);
    }
    rocksdb_writeoptions_destroy(r->write);
    rocksdb_readoptions_destroy(r->read);
    rocksdb_options_destroy(r->options);
    dir_close(&r->dir);
    store_fini(&r->store);
    mem_free(r);
}

static void rocks_close(struct store *s)
{
    rocks_free(rocks_of(s));
}

static int rocks_get(struct store *s, struct str key, struct buf *value, struct err *e)
{
    struct rocks *r = rocks_of(s);
    rocksdb_pinnableslice_t *found;
    char *error = NULL;
    const char *p;
    size_t n;

    found = rocksdb_get_pinned(r->db, r->read, key.p, key.len, &error);
    if (error) {
        return fail(e, "get", error);
    }
    if (found) {
        p = rocksdb_pinnableslice_value(found, &n);
        buf_add(value, p, n);
        rocksdb_pinnableslice_destroy(found);
    }
    return store_got(found != NULL, value, e);
}

/* ---- writing ---- */

static int rocks_write(struct store *s, const struct batch *b, uint64_t *position_out,
                       struct err *e)
{
    struct rocks *r = rocks_of(s);
    rocksdb_writebatch_t *wb = rocksdb_writebatch_create();
    struct batch_op op;
    size_t offset = 0;
    char *error = NULL;
    uint64_t position;

    while (batch_next(b, &offset, &op)) {
        switch (op.kind) {
        case BATCH_PUT:
            rocksdb_writebatch_put(wb, op.key.p, op.key.len, op.value.p, op.value.len);
            break;
        case BATCH_DEL:
            rocksdb_writebatch_delete(wb, op.key.p, op.key.len);
            break;
        case BATCH_DEL_RANGE:
            rocksdb_writebatch_delete_range(wb, op.key.p, op.key.len, op.value.p, op.value.len);
            break;
        }
    }
    rocksdb_write(r->db, r->write, wb, &error);
    rocksdb_writebatch_destroy(wb);
    if (error) {
        return fail(e, "write", error);
    }
    position = rocksdb_get_latest_sequence_number(r->db);
    atomic_store(&r->written, position);
    *position_out = position;
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
        return fail(e, "sync", error);
    }
    dir_set_mark(&r->dir, written);
    return DMCP_OK;
}

/* ---- cursors ---- */

static void rocks_cursor_close(struct cursor *cursor)
{
    struct rocks_cursor *c = CONTAINER_OF(cursor, struct rocks_cursor, cursor);

    if (c->it) {
        rocksdb_iter_destroy(c->it);
    }
    rocksdb_readoptions_destroy(c->read);
    mem_free(c->from);
    mem_free(c->to);
    mem_free(c);
}

static void step(struct rocks_cursor *c)
{
    if (c->is_started) {
        (c->is_reverse ? rocksdb_iter_prev : rocksdb_iter_next)(c->it);
    } else {
        (c->is_reverse ? rocksdb_iter_seek_to_last : rocksdb_iter_seek_to_first)(c->it);
        c->is_started = true;
    }
}

static int rocks_next(struct cursor *cursor, struct str *key_out, struct str *value_out,
                      struct err *e)
{
    struct rocks_cursor *c = CONTAINER_OF(cursor, struct rocks_cursor, cursor);
    char *error = NULL;

    if (c->it && (!c->is_started || rocksdb_iter_valid(c->it))) {
        step(c);
        if (rocksdb_iter_valid(c->it)) {
            key_out->p = rocksdb_iter_key(c->it, &key_out->len);
            value_out->p = rocksdb_iter_value(c->it, &value_out->len);
            return DMCP_OK;
        }
        rocksdb_iter_get_error(c->it, &error);
        if (error) {
            return fail(e, "scan", error);
        }
    }
    return err_set(e, DMCP_E_NOTFOUND, "scan: at its end");
}

static const struct cursor_ops rocks_cursor_ops = { rocks_next, rocks_cursor_close };

static struct cursor *rocks_scan(struct store *s, const struct range *r)
{
    struct rocks_cursor *c = mem_zalloc(sizeof(*c));

    c->cursor.ops = &rocks_cursor_ops;
    c->is_reverse = r->is_reverse;
    c->read = rocksdb_readoptions_create();
    if (r->from.p) {
        c->from = mem_dup(r->from.p, r->from.len);
        rocksdb_readoptions_set_iterate_lower_bound(c->read, c->from, r->from.len);
    }
    if (r->to.p) {
        c->to = mem_dup(r->to.p, r->to.len);
        rocksdb_readoptions_set_iterate_upper_bound(c->read, c->to, r->to.len);
    }
    if (!r->to.p || str_cmp(r->from, r->to) < 0) {
        c->it = rocksdb_create_iterator(rocks_of(s)->db, c->read);
    }
    return &c->cursor;
}

static const struct store_ops rocks_ops = {
    rocks_close, rocks_get, rocks_scan, rocks_write, rocks_sync,
};

/* ---- opening ---- */

static rocksdb_options_t *make_options(void)
{
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_cache_t *cache = rocksdb_cache_create_lru(8 * MIB);

    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom(10));
    rocksdb_options_set_block_based_table_factory(o, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_cache_destroy(cache);

    rocksdb_options_set_write_buffer_size(o, 8 * MIB);
    rocksdb_options_set_max_background_jobs(o, 2);
    rocksdb_options_set_max_open_files(o, 256);
    rocksdb_options_set_compression(o, rocksdb_lz4_compression);

    rocksdb_options_set_info_log_level(o, 2);
    rocksdb_options_set_max_log_file_size(o, 1 * MIB);
    rocksdb_options_set_keep_log_file_num(o, 2);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_stats_persist_period_sec(o, 0);
    return o;
}

static int check_mark(uint64_t recovered, uint64_t mark, struct err *e)
{
    if (recovered < mark) {
        return err_set(e, DMCP_E_CORRUPT,
                       "its log is damaged: synced up to %llu, readable up to %llu; restore a "
                       "backup, or delete the file \"synced\" in it to go on without the rest",
                       (unsigned long long)mark, (unsigned long long)recovered);
    }
    return DMCP_OK;
}

/* The log ends in damage. That is a batch that was being written when the power went, or it is
 * damage to what was synced; the mark tells. Looks without changing anything. */
static int check_damage(struct rocks *r, const char *path, uint64_t mark, struct err *e)
{
    char *error = NULL;
    rocksdb_t *db;
    int rc;

    rocksdb_options_set_wal_recovery_mode(r->options, RECOVER_TO_FIRST_DAMAGE);
    db = rocksdb_open_for_read_only(r->options, path, 0, &error);
    if (error) {
        return fail(e, "open", error);
    }
    rc = check_mark(rocksdb_get_latest_sequence_number(db), mark, e);
    rocksdb_close(db);
    return rc;
}

static int open_db(struct rocks *r, const char *path, struct err *e)
{
    uint64_t mark = dir_mark(&r->dir);
    char *error = NULL;
    int rc;

    /* With a mark there must be something: RocksDB would start anew over the rest of a store. */
    rocksdb_options_set_create_if_missing(r->options, mark == 0);
    rocksdb_options_set_wal_recovery_mode(r->options, RECOVER_ALL);
    r->db = rocksdb_open(r->options, path, &error);
    if (error && strstr(error, "not linked")) {
        rocksdb_free(error);
        error = NULL;
        rocksdb_options_set_compression(r->options, rocksdb_no_compression);
        r->db = rocksdb_open(r->options, path, &error);
    }
    if (error && strncmp(error, "Corruption", 10) == 0) {
        rocksdb_free(error);
        error = NULL;
        rc = check_damage(r, path, mark, e);
        if (rc) {
            return rc;
        }
        log_warning("store: the last batch in the log is torn, as by a power loss; it was not "
                    "synced and is dropped");
        r->db = rocksdb_open(r->options, path, &error);
    }
    if (error) {
        return fail(e, "open", error);
    }
    atomic_store(&r->written, rocksdb_get_latest_sequence_number(r->db));
    return check_mark(atomic_load(&r->written), mark, e);
}

int store_rocksdb_open(const char *dir, struct store **store_out, struct err *e)
{
    struct rocks *r;
    struct store_dir d;
    struct buf path;
    int rc;

    rc = dir_open(dir, &d, e);
    if (rc) {
        return rc;
    }
    r = mem_zalloc(sizeof(*r));
    store_init(&r->store, &rocks_ops);
    r->dir = d;
    r->options = make_options();
    r->read = rocksdb_readoptions_create();
    r->write = rocksdb_writeoptions_create();
    buf_init(&path, 64 * KIB);
    buf_addf(&path, "%s/rocksdb", dir);
    rc = open_db(r, path.data, e);
    buf_fini(&path);
    if (rc) {
        rocks_free(r);
        return rc;
    }
    *store_out = &r->store;
    return DMCP_OK;
}
