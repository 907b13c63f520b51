/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Map writes: a batch over any number of maps, whole or not at all, and in a call exactly once:
 * the rows and the journal's note of them are one write. Reads do not come here; they go straight
 * to the store.
 */
#include "engine/internal.h"

static void copy_rows(struct engine *e, const struct batch *from)
{
    size_t offset = 0;
    struct batch_op op;

    while (batch_next(from, &offset, &op)) {
        switch (op.kind) {
        case BATCH_PUT:
            batch_put(e->rows, op.key, op.value);
            break;
        case BATCH_DEL:
            batch_del(e->rows, op.key);
            break;
        case BATCH_DEL_RANGE:
            batch_del_range(e->rows, op.key, op.value);
            break;
        }
    }
}

/* Writes the maps' rows, and wakes who waits for them. */
static int write_rows(struct engine *e, const struct batch *rows)
{
    struct watchers w;
    int rc;

    watchers_init(&w);
    rc = watch_find(e, rows, &w);
    if (rc == DMCP_OK) {
        copy_rows(e, rows);
        watch_wake(e, &w);
    }
    watchers_fini(&w);
    return rc;
}

/* Outside of calls there is no journal, and the caller wants it on disk. */
static int apply_outside(struct engine *e, const struct command *c)
{
    int rc = write_rows(e, &c->map.rows);

    if (rc == DMCP_OK) {
        engine_wake(e, c->waiter, WHEN_DURABLE, DMCP_OK, STR(""));
        engine_done(e, c);
    }
    return rc;
}

static int compare(const struct command *c, const struct journal_record *old, struct buf *text)
{
    int rc = journal_check_guard(old, GUARD_MAP, c->map.alias, text);

    if (rc == DMCP_OK && !id_eq(old->digest, c->map.digest)) {
        buf_addf(text,
                 "%.*s was recorded with other entries in an earlier attempt; compute what varies "
                 "(time, random numbers, answers from outside) in a step of its own",
                 STR_FMT(c->map.label));
        rc = DMCP_E_DIVERGED;
    }
    return rc;
}

static int write_map(struct engine *e, struct call *call, const struct command *c)
{
    struct journal_record r = { .guard = GUARD_MAP,
                                .state = STEP_DONE,
                                .attempt = call->attempt,
                                .at_ms = e->now.wall_ms,
                                .digest = c->map.digest,
                                .label = c->map.label,
                                .body = STR("") };
    int rc = write_rows(e, &c->map.rows);

    if (rc == DMCP_OK) {
        journal_put(e, call, c->map.alias, &r);
    }
    return rc;
}

static int apply_in_call(struct engine *e, const struct command *c, struct call *call)
{
    struct journal_record old;
    struct buf value, text;
    int code = DMCP_OK, rc;

    buf_init(&value, SIZE_MAX / 2);
    buf_init(&text, SIZE_MAX / 2);
    rc = journal_get(e, call, c->map.alias, &value, &old);
    if (rc == DMCP_OK) {
        code = compare(c, &old, &text);
    } else if (rc == DMCP_E_NOTFOUND) {
        rc = write_map(e, call, c);
    }
    if (rc == DMCP_OK) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, code, buf_str(&text));
    }
    buf_fini(&text);
    buf_fini(&value);
    return rc;
}

int map_apply(struct engine *e, const struct command *c)
{
    struct call *call;

    if (c->map.alias.len == 0) {
        return apply_outside(e, c);
    }
    call = call_find(e, c->call);
    if (!call) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, DMCP_E_GONE, STR("the call is over"));
        return DMCP_OK;
    }
    return apply_in_call(e, c, call);
}
