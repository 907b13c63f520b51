/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for a write to a map. See watch.c.
 *
 * A map that nobody ever watched costs a write nothing: one byte per hash of a map's name tells. A
 * write that many wait for wakes a part of them at once; a timer that is due at once has the rest.
 */
#include "base/codec.h"
#include "engine/internal.h"

#define WAKE_AT_ONCE 512 /* calls per command, so that others get their turn */

static const struct id no_id;

bool *watch_mark(struct engine *e, struct str map)
{
    return &e->is_watched[hmap_hash(map) % COUNT_OF(e->is_watched)];
}

void watchers_init(struct watchers *w)
{
    buf_init(&w->calls, SIZE_MAX / 2);
    buf_init(&w->rest, SIZE_MAX / 2);
}

void watchers_fini(struct watchers *w)
{
    buf_fini(&w->calls);
    buf_fini(&w->rest);
}

static int has_in_ranges(struct str value, const struct batch_op *op, bool *has_out)
{
    struct watch_record r;
    struct str from, to;
    int rc = watch_record_dec(value, &r);

    *has_out = false;
    while (rc == DMCP_OK && !*has_out &&
           (rc = watch_range_next(&r.ranges, &from, &to)) == DMCP_OK) {
        *has_out = str_cmp(from, op->key) <= 0 && str_cmp(op->key, to) < 0;
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

/* Whether this watch row is for what is written: any operation of the batch from here on that is
 * in its map; all that a range takes away. */
static int is_for(struct str value, struct str map, const struct batch *rows, size_t offset,
                  bool *is_out)
{
    struct str op_map, key;
    struct batch_op op;
    int rc = DMCP_OK;

    *is_out = value.len == 0;
    while (rc == DMCP_OK && !*is_out && batch_next(rows, &offset, &op)) {
        rc = key_map_parts(op.key, &op_map, &key);
        if (rc == DMCP_OK && str_eq(op_map, map)) {
            rc = op.kind == BATCH_DEL_RANGE ? DMCP_OK : has_in_ranges(value, &op, is_out);
            *is_out = *is_out || op.kind == BATCH_DEL_RANGE;
        }
    }
    return rc;
}

/* Read back now, so that waking it later reads nothing. */
static int find(struct engine *e, struct id id, struct watchers *w)
{
    struct call *call;
    int rc = call_load(e, id, &call);

    if (rc == DMCP_OK && call->flags & UNFINISHED_WATCHING) {
        buf_add_str(&w->calls, id_bytes(&id));
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

/* The rows from `from` on that begin with `prefix`. Without `rows` all of them count. */
static int scan(struct engine *e, struct str from, struct str prefix, const struct batch *rows,
                size_t offset, struct watchers *w)
{
    struct key to = key_prefix_end(prefix);
    struct range range = { .from = from, .to = key_str(&to) };
    struct cursor *cursor = store_scan(e->store, &range);
    struct str key, value, map, map_key;
    struct id id = no_id;
    bool counts = true;
    int rc;

    while ((rc = cursor_next(cursor, &key, &value, e->err)) == DMCP_OK) {
        rc = key_watch_parts(key, &map, &map_key, &id);
        if (rc == DMCP_OK && rows) {
            rc = is_for(value, map, rows, offset, &counts);
        }
        if (rc != DMCP_OK) {
            rc = engine_corrupt(e, "what is watched by call", id);
            break;
        }
        if (counts && w->calls.len >= WAKE_AT_ONCE * sizeof(id)) {
            enc_str(&w->rest, key);
            break;
        }
        rc = counts ? find(e, id, w) : DMCP_OK;
        if (rc != DMCP_OK) {
            break;
        }
    }
    cursor_close(cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

static int scan_prefix(struct engine *e, struct key prefix, const struct batch *rows, size_t offset,
                       struct watchers *w)
{
    return scan(e, key_str(&prefix), key_str(&prefix), rows, offset, w);
}

int watch_find(struct engine *e, const struct batch *rows, struct watchers *w)
{
    struct str map, key, last_map = STR_NONE;
    size_t offset = 0, at;
    struct batch_op op;
    int rc = DMCP_OK;

    for (at = 0; rc == DMCP_OK && batch_next(rows, &offset, &op); at = offset) {
        if (key_map_parts(op.key, &map, &key) != DMCP_OK || !*watch_mark(e, map)) {
            continue;
        }
        if (e->has_unwritten_watch) {
            return ENGINE_WRITE_FIRST;
        }
        if (op.kind == BATCH_DEL_RANGE) {
            rc = scan_prefix(e, key_watch_map(map), NULL, 0, w);
        } else {
            rc = scan_prefix(e, key_watch_prefix(map, key), NULL, 0, w);
        }
        if (rc == DMCP_OK && !str_eq(map, last_map)) {
            rc = scan_prefix(e, key_watch_prefix(map, STR("")), rows, at, w);
            last_map = map;
        }
    }
    return rc;
}

void watch_wake(struct engine *e, const struct watchers *w)
{
    struct decoder rest = { .rest = buf_str(&w->rest) };
    struct buf alias;
    struct id id;

    for (size_t at = 0; at < w->calls.len; at += sizeof(id)) {
        struct call *call;

        memcpy(id.b, w->calls.data + at, sizeof(id.b));
        call = call_find(e, id);
        if (call) {
            call_wake(e, call);
        }
    }
    while (rest.rest.len > 0) {
        buf_init(&alias, SIZE_MAX / 2);
        buf_addz(&alias, TIMER_WATCH);
        buf_add_str(&alias, dec_str(&rest));
        timer_put(e, no_id, buf_str(&alias), 0);
        buf_fini(&alias);
    }
}

int watch_go_on(struct engine *e, struct str watch_key)
{
    struct str map, map_key;
    struct watchers w;
    struct id id = no_id;
    int rc;

    if (key_watch_parts(watch_key, &map, &map_key, &id) != DMCP_OK) {
        return engine_corrupt(e, "the timer of watching call", id);
    }
    watchers_init(&w);
    rc = scan(e, watch_key, str_make(watch_key.p, watch_key.len - 1 - sizeof(id.b)), NULL, 0, &w);
    if (rc == DMCP_OK) {
        watch_wake(e, &w);
    }
    watchers_fini(&w);
    return rc;
}

/* ---- recovery ---- */

/* From map to map, whatever the number of calls that watch each. */
int watch_load(struct engine *e)
{
    struct key from = key_kind_start(KEY_WATCH), to = key_prefix_end(key_str(&from));
    struct str key, value, map, map_key;
    struct id id = no_id;
    int rc = DMCP_OK;

    while (rc == DMCP_OK) {
        struct range range = { .from = key_str(&from), .to = key_str(&to) };
        struct cursor *cursor = store_scan(e->store, &range);

        rc = cursor_next(cursor, &key, &value, e->err);
        if (rc == DMCP_OK && key_watch_parts(key, &map, &map_key, &id) != DMCP_OK) {
            rc = engine_corrupt(e, "what is watched by call", id);
        }
        if (rc == DMCP_OK) {
            *watch_mark(e, map) = true;
            from = key_watch_map(map);
            from = key_prefix_end(key_str(&from));
        }
        cursor_close(cursor);
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}
