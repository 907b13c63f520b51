/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cancellation is cooperative and durable: the call's row says that it is to end, its handler is
 * told (and run once more for that when it is suspended), and whatever the handler answers,
 * nobody gets a response. A call whose tool's time is over is told in the same way, but what it
 * answers is its response; its client may still cancel it after that.
 */
#include "engine/internal.h"

#define LOOKS_AT_ONCE 1000 /* at requests of a session, so that others get their turn, */
#define CANCEL_LOOKS 10    /* and what it costs of them to cancel a call */
#define REMIND_FIRST_MS 10000
#define REMIND_MAX_MS 3600000

/* ---- handlers that do not end ---- */

static void plan_reminder(struct engine *e, struct call *call, uint32_t wait_ms)
{
    call->remind_wait_ms = wait_ms;
    call->remind_ms = e->now.mono_ms + wait_ms;
    if (call->remind_ms < e->remind_ms) {
        e->remind_ms = call->remind_ms;
    }
}

void cancel_dispatched(struct engine *e, struct call *call)
{
    call->remind_ms = 0;
    if (call->flags & (UNFINISHED_CANCELLED | UNFINISHED_LATE)) {
        plan_reminder(e, call, REMIND_FIRST_MS);
    }
}

static void remind(struct engine *e, struct call *call)
{
    struct action *a = action_add(e->out, ACT_CANCEL, WHEN_VISIBLE);
    uint32_t wait_ms = call->remind_wait_ms;

    a->call = call->id;
    a->dispatch.flags = call->flags & (UNFINISHED_CANCELLED | UNFINISHED_LATE);
    a->dispatch.told_ms = call->told_ms;
    plan_reminder(e, call, wait_ms < REMIND_MAX_MS / 2 ? wait_ms * 2 : REMIND_MAX_MS);
}

void cancel_remind_due(struct engine *e)
{
    struct link *k;

    if (e->now.mono_ms < e->remind_ms) {
        return;
    }
    e->remind_ms = UINT64_MAX;
    for (k = list_first(&e->calls_in[CALL_RUNNING]); k;
         k = list_next(&e->calls_in[CALL_RUNNING], k)) {
        struct call *call = CONTAINER_OF(k, struct call, link);

        if (call->remind_ms && call->remind_ms <= e->now.mono_ms) {
            remind(e, call);
        } else if (call->remind_ms && call->remind_ms < e->remind_ms) {
            e->remind_ms = call->remind_ms;
        }
    }
}

/* ---- telling ---- */

static void tell(struct engine *e, struct call *call, uint8_t why)
{
    struct action *a;

    call->flags |= why;
    if (!call->told_ms) {
        call->told_ms = e->now.wall_ms;
    }
    call_put_unfinished(e, call);
    if (call->state == CALL_RUNNING) {
        if (!call->remind_ms) {
            plan_reminder(e, call, REMIND_FIRST_MS);
        }
        a = action_add(e->out, ACT_CANCEL, WHEN_DURABLE);
        a->call = call->id;
        a->dispatch.flags = why;
    }
    call_wake(e, call);
}

void cancel_call(struct engine *e, struct call *call)
{
    struct link *k, *next;

    if (!(call->flags & UNFINISHED_CANCELLED)) {
        tell(e, call, UNFINISHED_CANCELLED);
    }
    for (k = list_first(&call->followers); k; k = next) {
        next = list_next(&call->followers, k);
        follower_end(e, CONTAINER_OF(k, struct follower, link));
    }
}

void cancel_late(struct engine *e, struct call *call)
{
    if (!(call->flags & (UNFINISHED_CANCELLED | UNFINISHED_LATE))) {
        tell(e, call, UNFINISHED_LATE);
    }
}

static int cancel_by_id(struct engine *e, struct id id)
{
    struct call *call;
    int rc = call_load(e, id, &call);

    if (rc == DMCP_OK) {
        cancel_call(e, call);
    }
    return rc;
}

/* The call of a request of this session; DMCP_E_NOTFOUND. */
static int find_request(struct engine *e, const struct command *c, struct id *call_out)
{
    struct key k = key_request(c->session, c->cancel.request_id);
    struct request_record r;
    struct buf value;
    int rc;

    buf_init(&value, 128);
    rc = engine_read(e, &k, &value);
    if (rc == DMCP_OK && request_record_dec(buf_str(&value), &r) != DMCP_OK) {
        rc = engine_corrupt(e, "request of session", c->session);
    } else if (rc == DMCP_OK) {
        *call_out = r.call;
    }
    buf_fini(&value);
    return rc;
}

int cancel_apply(struct engine *e, const struct command *c)
{
    struct id id = c->call;
    int rc = DMCP_OK;

    if (engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST;
    }
    if (c->cancel.request_id.p) {
        rc = find_request(e, c, &id);
    }
    if (rc == DMCP_OK) {
        rc = cancel_by_id(e, id);
    } else if (rc == DMCP_E_NOTFOUND) {
        rc = wait_give_up(e, c);
    }
    if (rc == DMCP_E_NOTFOUND && c->cancel.request_id.p) {
        rc = DMCP_OK; /* a client's notification that came too late is no error of its own */
    } else if (rc == DMCP_E_NOTFOUND) {
        engine_refuse(e, c->peer, rc, "no such call is unfinished");
        return DMCP_OK;
    }
    if (rc == DMCP_OK) {
        engine_done(e, c);
    }
    return rc;
}

/* ---- sessions ---- */

/* Unless it was begun by another session, or its key may lead another session to it. *n counts. */
static int cancel_own(struct engine *e, struct id session, struct id id, int *n)
{
    struct call *call;
    int rc = call_load(e, id, &call);

    if (rc == DMCP_OK && id_eq(call->session, session) && !(call->flags & UNFINISHED_KEYED)) {
        cancel_call(e, call);
        *n += CANCEL_LOOKS;
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

/* A timer that is due at once has what is left. */
static int leave_rest(struct engine *e, struct id session, struct str key)
{
    struct str request_id;
    struct buf alias;

    if (key_request_id(key, &request_id) != DMCP_OK) {
        return engine_corrupt(e, "request of session", session);
    }
    buf_init(&alias, SIZE_MAX / 2);
    buf_addz(&alias, TIMER_CLOSE);
    buf_add_str(&alias, request_id);
    timer_put(e, session, buf_str(&alias), 0);
    buf_fini(&alias);
    return DMCP_OK;
}

int cancel_session(struct engine *e, struct id session, struct str request_id)
{
    struct key from = key_request(session, request_id), all = key_request(session, STR(""));
    struct key to = key_prefix_end(key_str(&all));
    struct range range = { .from = key_str(&from), .to = key_str(&to) };
    struct cursor *cursor = store_scan(e->store, &range);
    struct str key, value;
    struct request_record r;
    int n, rc;

    for (n = 0; (rc = cursor_next(cursor, &key, &value, e->err)) == DMCP_OK; n++) {
        if (n >= LOOKS_AT_ONCE) {
            rc = leave_rest(e, session, key);
            break;
        }
        if (request_record_dec(value, &r) != DMCP_OK) {
            rc = engine_corrupt(e, "request of session", session);
        } else {
            rc = cancel_own(e, session, r.call, &n);
        }
        if (rc != DMCP_OK) {
            break;
        }
    }
    cursor_close(cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}
