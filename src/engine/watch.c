/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watching maps: calls that wait for a condition on maps, and the writes that wake them.
 *
 * A call that waits has its ranges of map keys in one `watching` row, so that they can be taken
 * back, and in an index by map and key, so that a write finds who waits for it without looking at
 * anybody else: one `watch` row for each single entry, and one per map for all wider ranges of it.
 *
 *     CMD_WATCH: other ranges than before -> rows, and DMCP_E_AGAIN: look again
 *                the same ranges          -> DMCP_OK: nothing was written since you looked, or
 *                                            you will be woken for it
 *
 * No write is missed. One that was applied before CMD_WATCH put the rows is visible when the
 * handler looks again; one that comes later finds the rows, and wakes the call, or notes that it
 * is woken already while it still runs. What wakes a call stands in the same write as the map's
 * rows, so neither is there without the other after a crash.
 *
 * Whom a write wakes is in watchers.c.
 */
#include "engine/internal.h"

/* ---- the index ---- */

/* From a key to the first one behind it. */
static bool is_entry(struct str from, struct str to)
{
    return to.len == from.len + 1 && to.p[from.len] == '\0' && memcmp(from.p, to.p, from.len) == 0;
}

struct index {
    struct engine *e;
    struct id call;
    bool is_put;       /* else the rows are deleted */
    struct str map;    /* whose ranges are gathered; absent at the beginning */
    struct buf ranges; /* the wider ones of that map */
};

static void index_row(struct index *x, struct key k, struct str value)
{
    if (x->is_put) {
        batch_put(x->e->rows, key_str(&k), value);
        *watch_mark(x->e, x->map) = true;
        x->e->has_unwritten_watch = true;
    } else {
        batch_del(x->e->rows, key_str(&k));
    }
}

static void index_gathered(struct index *x)
{
    struct watch_record r = { .ranges = buf_str(&x->ranges) };
    struct buf value;

    if (x->ranges.len > 0) {
        buf_init(&value, SIZE_MAX / 2);
        watch_record_enc(&value, &r);
        index_row(x, key_watch(x->map, STR(""), x->call), buf_str(&value));
        buf_fini(&value);
        buf_reset(&x->ranges);
    }
}

/* Puts or deletes all rows of these ranges, which are in the order of their keys. */
static int index_ranges(struct engine *e, struct id call, struct str ranges, bool is_put)
{
    struct index x = { .e = e, .call = call, .is_put = is_put };
    struct str from, to, map, key;
    int rc;

    buf_init(&x.ranges, SIZE_MAX / 2);
    while ((rc = watch_range_next(&ranges, &from, &to)) == DMCP_OK) {
        rc = key_map_parts(from, &map, &key);
        if (rc != DMCP_OK) {
            break;
        }
        if (!str_eq(map, x.map)) {
            index_gathered(&x);
            x.map = map;
        }
        if (key.len > 0 && is_entry(from, to)) {
            index_row(&x, key_watch(map, key, call), STR(""));
        } else {
            watch_range_add(&x.ranges, from, to);
        }
    }
    index_gathered(&x);
    buf_fini(&x.ranges);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : engine_corrupt(e, "what is watched by call", call);
}

/* ---- beginning and ending ---- */

/* The ranges that the call watches, borrowed from *value; none is not an error. */
static int read_watching(struct engine *e, const struct call *call, struct buf *value,
                         struct str *ranges_out)
{
    struct key k = key_of_id(KEY_WATCHING, call->id);
    struct watch_record r;
    int rc;

    *ranges_out = STR_NONE;
    if (!(call->flags & UNFINISHED_WATCHING)) {
        return DMCP_OK;
    }
    rc = engine_read(e, &k, value);
    if (rc == DMCP_OK && watch_record_dec(buf_str(value), &r) != DMCP_OK) {
        return engine_corrupt(e, "what is watched by call", call->id);
    }
    if (rc == DMCP_OK) {
        *ranges_out = r.ranges;
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

static int watch(struct engine *e, struct call *call, struct str old, struct str ranges)
{
    struct watch_record r = { .ranges = ranges };
    struct key k = key_of_id(KEY_WATCHING, call->id);
    struct buf value;
    int rc = index_ranges(e, call->id, old, false);

    if (rc == DMCP_OK) {
        rc = index_ranges(e, call->id, ranges, true);
    }
    if (rc == DMCP_OK) {
        buf_init(&value, SIZE_MAX / 2);
        watch_record_enc(&value, &r);
        engine_put(e, &k, buf_str(&value));
        buf_fini(&value);
        call->flags |= UNFINISHED_WATCHING;
        call_put_unfinished(e, call);
    }
    return rc;
}

int watch_end(struct engine *e, struct call *call)
{
    struct key k = key_of_id(KEY_WATCHING, call->id);
    struct str ranges;
    struct buf value;
    int rc;

    if (!(call->flags & UNFINISHED_WATCHING)) {
        return DMCP_OK;
    }
    buf_init(&value, SIZE_MAX / 2);
    rc = read_watching(e, call, &value, &ranges);
    if (rc == DMCP_OK) {
        rc = index_ranges(e, call->id, ranges, false);
    }
    if (rc == DMCP_OK) {
        engine_del(e, &k);
        call->flags &= (uint8_t)~UNFINISHED_WATCHING;
    }
    buf_fini(&value);
    return rc;
}

static void put_waiting(struct engine *e, struct call *call, const struct command *c)
{
    struct journal_record r = { .guard = GUARD_UNTIL,
                                .state = STEP_STARTED,
                                .attempt = call->attempt,
                                .at_ms = e->now.wall_ms,
                                .label = c->watch.label,
                                .body = STR("") };

    if (c->watch.delay_ms) {
        r.due_ms = timer_put(e, call->id, c->watch.alias, c->watch.delay_ms);
    }
    journal_put(e, call, c->watch.alias, &r);
}

/* What the journal has under the alias: DMCP_E_NOTFOUND, or DMCP_OK with the code for the worker,
 * and the text. */
static int check_journal(struct engine *e, const struct call *call, const struct command *c,
                         int *code_out, struct buf *text)
{
    struct journal_record old;
    struct buf value;
    int rc;

    *code_out = DMCP_OK;
    buf_init(&value, SIZE_MAX / 2);
    rc = journal_get(e, call, c->watch.alias, &value, &old);
    if (rc == DMCP_OK) {
        *code_out = journal_check_guard(&old, GUARD_UNTIL, c->watch.alias, text);
        if (*code_out == DMCP_OK && old.state != STEP_STARTED) {
            *code_out = DMCP_E_CONFLICT;
        }
    }
    buf_fini(&value);
    return rc;
}

int watch_apply(struct engine *e, const struct command *c)
{
    struct call *call = call_find(e, c->call);
    struct str old = STR_NONE;
    struct buf value, text;
    int code, journal, rc;

    if (!call) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, DMCP_E_GONE, STR("the call is over"));
        return DMCP_OK;
    }
    buf_init(&value, SIZE_MAX / 2);
    buf_init(&text, SIZE_MAX / 2);
    journal = rc = check_journal(e, call, c, &code, &text);
    if (rc == DMCP_OK || rc == DMCP_E_NOTFOUND) {
        rc = read_watching(e, call, &value, &old);
    }
    if (rc == DMCP_OK && code == DMCP_OK && !(old.p && str_eq(old, c->watch.ranges))) {
        rc = watch(e, call, old, c->watch.ranges);
        code = DMCP_E_AGAIN;
    }
    if (rc == DMCP_OK && journal == DMCP_E_NOTFOUND) {
        put_waiting(e, call, c);
    }
    if (rc == DMCP_OK) {
        call_prime(e, call);
        engine_wake(e, c->waiter, WHEN_VISIBLE, code, buf_str(&text));
    }
    buf_fini(&text);
    buf_fini(&value);
    return rc;
}
