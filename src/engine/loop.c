/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops: one row of the journal per loop, with the number of iterations that are over and the
 * state that the last of them left. The write that adds an iteration to it deletes everything that
 * the iteration recorded, so a loop without an end takes no more room than its longest iteration.
 *
 *     absent --CMD_LOOP--> started --CMD_LOOP--> started ... --CMD_LOOP, the last one--> done
 *
 *   the process dies...            the next attempt
 *   before CMD_LOOP is durable     is in the same iteration, which has its own journal
 *   after that                     begins the next one, or is behind the loop
 */
#include "engine/internal.h"

static const struct id no_id;

/* What is there must be what the worker went on from, or what it asks for: then the
 * acknowledgement was lost. */
static int check_order(const struct command *c, const struct journal_record *old,
                       bool *is_repeated_out, struct buf *text)
{
    uint8_t state = c->loop.is_done ? STEP_DONE : STEP_STARTED;
    int rc = journal_check_guard(old, GUARD_LOOP, c->loop.alias, text);

    *is_repeated_out = false;
    if (rc != DMCP_OK) {
        return rc;
    }
    if (old->state == state && id_eq(old->digest, c->loop.digest)) {
        *is_repeated_out = true;
        return DMCP_OK;
    }
    if (old->state == STEP_STARTED && id_eq(old->digest, c->loop.old_digest)) {
        return DMCP_OK;
    }
    buf_addf(text, "%.*s is recorded already, with another iteration", STR_FMT(c->loop.label));
    return DMCP_E_CONFLICT;
}

static void delete_rows(struct engine *e, const struct batch *rows)
{
    size_t offset = 0;
    struct batch_op op;

    while (batch_next(rows, &offset, &op)) {
        if (op.kind == BATCH_DEL_RANGE) {
            batch_del_range(e->rows, op.key, op.value);
        } else {
            struct key k = { .len = op.key.len };

            memcpy(k.b, op.key.p, op.key.len);
            engine_del(e, &k);
        }
    }
}

static void write_loop(struct engine *e, struct call *call, const struct command *c)
{
    struct journal_record r = { .guard = GUARD_LOOP,
                                .state = c->loop.is_done ? STEP_DONE : STEP_STARTED,
                                .attempt = call->attempt,
                                .at_ms = e->now.wall_ms,
                                .digest = c->loop.digest,
                                .label = c->loop.label,
                                .body = c->loop.body };

    delete_rows(e, &c->loop.rows);
    journal_put(e, call, c->loop.alias, &r);
}

int loop_apply(struct engine *e, const struct command *c)
{
    struct call *call = call_find(e, c->call);
    struct journal_record old;
    struct buf value, text;
    bool is_repeated = false;
    int code = DMCP_OK, rc;

    if (!call) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, DMCP_E_GONE, STR("the call is over"));
        return DMCP_OK;
    }
    if (engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST; /* so that the store can delete the range key by key */
    }
    buf_init(&value, SIZE_MAX / 2);
    buf_init(&text, SIZE_MAX / 2);
    rc = journal_get(e, call, c->loop.alias, &value, &old);
    if (rc == DMCP_OK) {
        code = check_order(c, &old, &is_repeated, &text);
    } else if (rc == DMCP_E_NOTFOUND) {
        code = id_eq(c->loop.old_digest, no_id) ? DMCP_OK : DMCP_E_CONFLICT;
        rc = DMCP_OK;
    }
    if (rc == DMCP_OK && code == DMCP_OK && !is_repeated) {
        write_loop(e, call, c);
    }
    if (rc == DMCP_OK) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, code, buf_str(&text));
    }
    buf_fini(&text);
    buf_fini(&value);
    return rc;
}
