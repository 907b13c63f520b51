/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suspended calls: a call that waits for an answer, a signal or a time is a row and nothing else.
 * When what it waits for comes, it is read back, becomes ready, and its handler runs again from
 * the top; the journal brings it to where it was.
 *
 *   unfinished row --suspend--> suspended row --wake--> unfinished row (attempt + 1)
 *
 * What comes while the handler is still on its way out is not missed: the call notes it and is
 * ready again at once.
 */
#include "engine/internal.h"

static void put_row(struct engine *e, const struct call *call, enum key_kind kind)
{
    struct unfinished_record r = { .attempt = call->attempt,
                                   .crashes = call->crashes,
                                   .flags = call->flags,
                                   .epoch = call->epoch,
                                   .told_ms = call->told_ms };
    struct key k = key_of_id(kind, call->id);
    struct buf value;

    buf_init(&value, 64);
    unfinished_record_enc(&value, &r);
    batch_put(e->rows, key_str(&k), buf_str(&value));
    buf_fini(&value);
}

void call_put_unfinished(struct engine *e, const struct call *call)
{
    bool is_suspended = call->state == CALL_SUSPENDED || call->state == CALL_LEAVING;

    put_row(e, call, is_suspended ? KEY_SUSPENDED : KEY_UNFINISHED);
}

static void del_row(struct engine *e, const struct call *call, enum key_kind kind)
{
    struct key k = key_of_id(kind, call->id);

    batch_del(e->rows, key_str(&k));
}

/* An attempt ended; the next one is due now. */
static void make_ready(struct engine *e, struct call *call)
{
    call->attempt++;
    call->is_woken = false;
    call_move(e, call, CALL_READY);
    call_put_unfinished(e, call);
}

int call_suspend(struct engine *e, const struct command *c)
{
    struct call *call = call_find(e, c->call);

    if (!call || call->state != CALL_RUNNING) {
        return DMCP_OK;
    }
    call_prime(e, call); /* who waits for the response will wait for long */
    call->epoch = e->epoch; /* it came to where it waits, and has asked what it had to ask */
    if (call->is_woken) {
        make_ready(e, call);
        return DMCP_OK;
    }
    del_row(e, call, KEY_UNFINISHED);
    call_move(e, call, list_empty(&call->followers) ? CALL_LEAVING : CALL_SUSPENDED);
    call_put_unfinished(e, call);
    return DMCP_OK;
}

void call_wake(struct engine *e, struct call *call)
{
    switch (call->state) {
    case CALL_RUNNING:
        call->is_woken = true;
        break;
    case CALL_SUSPENDED:
    case CALL_LEAVING:
        del_row(e, call, KEY_SUSPENDED);
        make_ready(e, call);
        break;
    case CALL_READY:
    case CALL_PARKED:
    case CALL_FINISHED:
    case N_CALL_STATES:
        break; /* it will see it when it runs, or never */
    }
}

/* Questions that were asked in another life of the server went to a client that may not know of them
 * any more: the handler runs again and asks anew. */
void call_reask(struct engine *e, struct call *call)
{
    if ((call->state == CALL_SUSPENDED || call->state == CALL_LEAVING) &&
        call->flags & UNFINISHED_ASKING && call->epoch != e->epoch && !e->options.clients_stay) {
        call_wake(e, call);
    }
}

/* Somebody follows it (again). */
void call_followed(struct engine *e, struct call *call)
{
    if (call->state == CALL_LEAVING) {
        call_move(e, call, CALL_SUSPENDED);
    }
    call_reask(e, call);
}

void call_left(struct engine *e, struct call *call)
{
    if (call->state == CALL_SUSPENDED && list_empty(&call->followers)) {
        call_move(e, call, CALL_LEAVING);
    }
}

/* The last sequence on a call's stream, by one step back from its end. */
int call_last_event(struct engine *e, struct id call, uint64_t *sequence_out)
{
    struct key from = key_of_id(KEY_EVENT, call), to = key_prefix_end(key_str(&from));
    struct range range = { .from = key_str(&from), .to = key_str(&to), .is_reverse = true };
    struct cursor *cursor = store_scan(e->store, &range);
    struct str key, value;
    int rc = cursor_next(cursor, &key, &value, e->err);

    *sequence_out = 0;
    if (rc == DMCP_OK && key_event_sequence(key, sequence_out) != DMCP_OK) {
        rc = engine_corrupt(e, "event of call", call);
    }
    cursor_close(cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

int call_restore(struct engine *e, struct id id, const struct unfinished_record *u,
                 struct call **call_out)
{
    struct call_record r;
    struct call *call;
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = call_read(e, id, &value, &r);
    if (rc == DMCP_E_NOTFOUND) {
        rc = engine_corrupt(e, "the row of unfinished call", id);
    }
    if (rc == DMCP_OK) {
        call = call_add(e, id, &r);
        call->attempt = u->attempt;
        call->crashes = u->crashes;
        call->flags = u->flags;
        call->epoch = u->epoch;
        call->told_ms = u->told_ms;
        call->has_journal = true; /* or not; it is on disk then */
        rc = call_last_event(e, id, &call->n_events);
        *call_out = call;
    }
    buf_fini(&value);
    return rc;
}

int call_is_unfinished(struct engine *e, struct id id, bool *is_unfinished_out)
{
    const struct call *call = hmap_get(&e->calls, id_bytes(&id));
    struct key k = key_of_id(KEY_SUSPENDED, id);
    struct buf value;
    int rc = DMCP_OK;

    if (call) {
        *is_unfinished_out = call->state != CALL_FINISHED;
        return DMCP_OK;
    }
    buf_init(&value, 64);
    rc = store_get(e->store, key_str(&k), &value, e->err);
    *is_unfinished_out = rc == DMCP_OK;
    buf_fini(&value);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

int call_load(struct engine *e, struct id id, struct call **call_out)
{
    struct call *call = hmap_get(&e->calls, id_bytes(&id));
    struct key k = key_of_id(KEY_SUSPENDED, id);
    struct unfinished_record u;
    struct buf value;
    int rc;

    if (call) {
        *call_out = call;
        return call->state == CALL_FINISHED ? DMCP_E_NOTFOUND : DMCP_OK;
    }
    buf_init(&value, 64);
    rc = engine_read(e, &k, &value);
    if (rc == DMCP_OK && unfinished_record_dec(buf_str(&value), &u) != DMCP_OK) {
        rc = engine_corrupt(e, "suspended call", id);
    } else if (rc == DMCP_OK) {
        rc = call_restore(e, id, &u, call_out);
        if (rc == DMCP_OK) {
            call_move(e, *call_out, CALL_LEAVING);
        }
    }
    buf_fini(&value);
    return rc;
}
