/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: notifications that a handler sends, appended once per call and alias to the call's
 * stream or to its session's own. A handler that runs again sends nothing twice: the journal
 * knows the alias.
 */
#include "engine/internal.h"

static void put_event(struct engine *e, struct id stream, uint64_t sequence, struct str message)
{
    struct event_record r = { .at_ms = e->now.wall_ms, .message = message };
    struct key k = key_event(stream, sequence);
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    event_record_enc(&value, &r);
    batch_put(e->rows, key_str(&k), buf_str(&value));
    buf_fini(&value);
}

static void append_to_call(struct engine *e, struct call *call, struct str message)
{
    struct link *k, *next;

    call->n_events++;
    put_event(e, call->id, call->n_events, message);
    for (k = list_first(&call->followers); k; k = next) {
        next = list_next(&call->followers, k);
        follower_event(e, CONTAINER_OF(k, struct follower, link), call->n_events, message);
    }
}

static void append_to_session(struct engine *e, struct stream *s, struct str message)
{
    uint64_t sequence = s->next++;

    put_event(e, s->session, sequence, message);
    if (s->follower) {
        follower_event(e, s->follower, sequence, message);
    }
    stream_put(e, s);
}

int event_apply(struct engine *e, const struct command *c)
{
    struct call *call = call_find(e, c->call);
    struct journal_record r;
    struct stream *own = NULL;
    struct buf value;
    int rc, code = DMCP_OK;

    if (!call) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, DMCP_E_GONE, "the call is over");
        return DMCP_OK;
    }
    buf_init(&value, SIZE_MAX / 2);
    rc = journal_get(e, c->call, c->event.alias, &value, &r);
    buf_fini(&value);
    if (rc == DMCP_OK) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, DMCP_OK, "");
        return DMCP_OK; /* sent by an earlier attempt */
    }
    if (rc != DMCP_E_NOTFOUND) {
        return rc;
    }
    if (c->event.to_session) {
        rc = stream_load(e, call->session, &own);
        if (rc != DMCP_OK) {
            return rc;
        }
        append_to_session(e, own, c->event.message);
    } else if (call->n_events >= LIMIT_EVENTS_PER_CALL) {
        code = DMCP_E_TOOBIG;
    } else {
        append_to_call(e, call, c->event.message);
    }
    if (code == DMCP_OK) {
        r = (struct journal_record){ .guard = GUARD_EVENT,
                                     .state = STEP_DONE,
                                     .attempt = call->attempt,
                                     .at_ms = e->now.wall_ms,
                                     .label = c->event.label,
                                     .body = STR("") };
        journal_put(e, c->call, c->event.alias, &r);
    }
    engine_wake(e, c->waiter, WHEN_VISIBLE, code,
                code ? "the call has sent as many events as it may" : "");
    return DMCP_OK;
}
