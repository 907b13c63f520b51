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

int event_prepare(struct engine *e, const struct call *call)
{
    struct stream *own;
    int rc = call->flags & UNFINISHED_OWN ? stream_load(e, call->session, &own) : DMCP_OK;

    return rc == DMCP_E_GONE ? DMCP_OK : rc; /* gone: nobody will ever ask for it */
}

void event_append(struct engine *e, struct call *call, struct str message)
{
    struct link *k, *next;

    if (call->flags & UNFINISHED_OWN) {
        struct stream *own = hmap_get(&e->streams, id_bytes(&call->session));

        if (own) {
            event_append_own(e, own, message);
        }
        return;
    }
    call->n_events++;
    put_event(e, call->id, call->n_events, message);
    for (k = list_first(&call->followers); k; k = next) {
        next = list_next(&call->followers, k);
        follower_event(e, CONTAINER_OF(k, struct follower, link), call->n_events, message);
    }
}

void event_append_own(struct engine *e, struct stream *s, struct str message)
{
    uint64_t sequence = s->next++;
    struct key oldest;

    put_event(e, s->session, sequence, message);
    if (sequence > LIMIT_EVENTS_PER_SESSION) {
        oldest = key_event(s->session, sequence - LIMIT_EVENTS_PER_SESSION);
        batch_del(e->rows, key_str(&oldest)); /* nobody has come for it */
    }
    if (s->follower) {
        follower_event(e, s->follower, sequence, message);
    }
    stream_put(e, s);
}

/* Onto the stream, with the journal's note of it. */
static int append(struct engine *e, struct call *call, const struct command *c)
{
    struct journal_record r = { .guard = GUARD_EVENT,
                                .state = STEP_DONE,
                                .attempt = call->attempt,
                                .at_ms = e->now.wall_ms,
                                .label = c->event.label,
                                .body = STR("") };
    struct stream *own;
    int rc;

    if (c->event.to_subscribers) {
        rc = subscribe_tell(e, c->event.uri, c->event.message);
        if (rc != DMCP_OK) {
            return rc;
        }
    } else if (c->event.to_session || call->flags & UNFINISHED_OWN) {
        rc = stream_load(e, call->session, &own);
        if (rc == DMCP_OK) {
            event_append_own(e, own, c->event.message);
        } else if (rc != DMCP_E_GONE) { /* gone: nobody will ever ask for it */
            return rc;
        }
    } else if (call->n_events >= LIMIT_EVENTS_PER_CALL) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, DMCP_E_TOOBIG,
                    STR("the call has sent as many events as it may"));
        return DMCP_OK;
    } else {
        event_append(e, call, c->event.message);
    }
    journal_put(e, call, c->event.alias, &r);
    engine_wake(e, c->waiter, WHEN_VISIBLE, DMCP_OK, STR(""));
    return DMCP_OK;
}

/* Sent by an earlier attempt, unless the alias was something else then. */
static void answer_repeated(struct engine *e, const struct command *c,
                            const struct journal_record *old)
{
    struct buf text;
    int code;

    buf_init(&text, SIZE_MAX / 2);
    code = journal_check_guard(old, GUARD_EVENT, c->event.alias, &text);
    engine_wake(e, c->waiter, WHEN_VISIBLE, code, buf_str(&text));
    buf_fini(&text);
}

int event_apply(struct engine *e, const struct command *c)
{
    struct call *call = call_find(e, c->call);
    struct journal_record old;
    struct buf value;
    int rc;

    if (!call && c->event.to_subscribers && c->event.alias.len == 0) {
        rc = subscribe_tell(e, c->event.uri, c->event.message); /* outside of calls: no journal */
        if (rc == DMCP_OK) {
            engine_wake(e, c->waiter, WHEN_DURABLE, DMCP_OK, STR(""));
        }
        return rc;
    }
    if (!call) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, DMCP_E_GONE, STR("the call is over"));
        return DMCP_OK;
    }
    buf_init(&value, SIZE_MAX / 2);
    rc = journal_get(e, call, c->event.alias, &value, &old);
    if (rc == DMCP_OK) {
        answer_repeated(e, c, &old);
    } else if (rc == DMCP_E_NOTFOUND) {
        rc = append(e, call, c);
    }
    buf_fini(&value);
    return rc;
}
