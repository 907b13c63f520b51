/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that were idle for too long, events of sessions' own streams, questions to clients that
 * nobody waits for, subscriptions of sessions that are gone: each function looks at one row.
 */
#include "engine/sweep.h"

/* What these cost, in rows looked at: a new cursor, and one among the requests of a session, of
 * which many may have been deleted a moment ago. */
#define SCAN_LOOKS 8
#define REQUESTS_LOOKS 100

/* ---- sessions ---- */

static void drop(struct engine *e, struct sweep_left *left, struct id session)
{
    session_drop(e, session);
    e->sweep.n_sessions++;
    left->n_deletions -= left->n_deletions < 4 ? left->n_deletions : 4;
}

static bool is_followed(const struct engine *e, struct id session)
{
    const struct stream *s = hmap_get(&e->streams, id_bytes(&session));

    return s && s->follower;
}

/*
 * 1. Somebody listens to it: that is use, and is noted as often as any other, so that the session
 *    outlives a loss of the connection.
 * 2. It was used, or cannot be read.
 * 3. It has an unfinished call, or is being sent an answer: it is in use. It is not looked at
 *    again until it would be idle once more.
 * 4. It has so many requests that the next command goes on looking.
 * 5. Its time is over.
 */
int sweep_session(struct engine *e, struct sweep_left *left, struct str key, struct str value)
{
    struct session_record r;
    enum session_use use = SESSION_IN_USE;
    uint32_t n_looks;
    struct id id;
    int rc = DMCP_OK;

    if (key_id(key, &id) != DMCP_OK || session_record_dec(value, &r) != DMCP_OK) {
        return DMCP_OK;
    }
    if (is_followed(e, id)) { /* 1 */
        session_touch(e, id, &r);
        left->n_deletions -= left->n_deletions > 0;
        return DMCP_OK;
    }
    if (!session_is_idle(e, &r)) { /* 2 */
        return DMCP_OK;
    }
    n_looks = left->n_looks ? left->n_looks : 1; /* so that it gets on */
    if (!sweep_is_being_read(e, left, id)) {
        rc = session_use(e, id, &e->sweep.request_at, &n_looks, &use);
    }
    left->n_looks = n_looks;
    sweep_looked(left, REQUESTS_LOOKS);
    if (rc != DMCP_OK) {
        return rc;
    }
    if (use != SESSION_IN_DOUBT) {
        e->sweep.request_at.len = 0;
    }
    switch (use) {
    case SESSION_IN_USE: /* 3 */
        session_touch(e, id, &r);
        break;
    case SESSION_IN_DOUBT: /* 4 */
        left->is_stay = true;
        break;
    case SESSION_UNUSED: /* 5 */
        drop(e, left, id);
        break;
    }
    return DMCP_OK;
}

/* ---- events ---- */

/* What is before this sequence was handed out, and is not on its way to be handed out again. */
static uint64_t first_unsent(const struct engine *e, struct id session,
                             const struct stream_record *r)
{
    const struct stream *s = hmap_get(&e->streams, id_bytes(&session));
    uint64_t first = (s ? s->sent : r->sent) + 1;

    return s && s->follower && s->follower->next < first ? s->follower->next : first;
}

static bool is_expired(const struct engine *e, uint64_t sequence, uint64_t first,
                       const struct event_record *r)
{
    return sweep_is_over(e, r->at_ms,
                         sequence < first ? e->options.keep_events_ms
                                          : e->options.session_idle_ms);
}

/* The events of one stream, from its oldest on to the first that is kept. */
int sweep_stream(struct engine *e, struct sweep_left *left, struct str key, struct str value)
{
    struct stream_record stream;
    struct sweep_scan s = { .cursor = NULL };
    struct event_record event;
    struct key prefix;
    uint64_t sequence, first;
    struct id session;
    int rc;

    if (key_id(key, &session) != DMCP_OK || stream_record_dec(value, &stream) != DMCP_OK) {
        return DMCP_OK;
    }
    first = first_unsent(e, session, &stream);
    prefix = key_of_id(KEY_EVENT, session);
    sweep_looked(left, SCAN_LOOKS);
    rc = sweep_scan_to(e, &s, key_str(&prefix));
    while (rc == DMCP_OK && s.key.p && str_starts(s.key, key_str(&prefix)) &&
           key_event_sequence(s.key, &sequence) == DMCP_OK &&
           event_record_dec(s.value, &event) == DMCP_OK && is_expired(e, sequence, first, &event)) {
        if (left->n_deletions == 0) {
            left->is_stay = true;
            break;
        }
        sweep_del(e, left, s.key);
        rc = sweep_scan_next(e, &s);
    }
    sweep_scan_close(&s);
    return rc;
}

/* ---- questions ---- */

/* One that was answered is gone already; one that ran out of time, or whose call was cancelled,
 * is left to this. */
int sweep_input(struct engine *e, struct sweep_left *left, struct str key, struct str value)
{
    struct input_record r;
    bool is_unfinished;
    int rc;

    if (input_record_dec(value, &r) != DMCP_OK) {
        return DMCP_OK;
    }
    rc = call_is_unfinished(e, r.call, &is_unfinished);
    if (rc == DMCP_OK && !is_unfinished) {
        sweep_del(e, left, key);
    }
    return rc;
}

/* ---- subscriptions ---- */

/* They are found by what was subscribed to, so whoever ends a session does not find them. */
int sweep_subscription(struct engine *e, struct sweep_left *left, struct str key,
                       struct str value)
{
    struct id session;
    struct buf row;
    struct key k;
    int rc;

    (void)value; /* empty */
    if (key_subscriber(key, &session) != DMCP_OK) {
        return DMCP_OK;
    }
    k = key_of_id(KEY_SESSION, session);
    buf_init(&row, SIZE_MAX / 2);
    rc = store_get(e->store, key_str(&k), &row, e->err);
    buf_fini(&row);
    if (rc == DMCP_E_NOTFOUND) {
        sweep_del(e, left, key);
        subscribe_ended(e);
        rc = DMCP_OK;
    }
    return rc;
}
