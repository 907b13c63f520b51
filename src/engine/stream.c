/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams and their followers.
 *
 * A call's stream is its events, numbered from 1, and then its response, which has the next
 * number. A session's own stream is events without an end. Who follows says after which number;
 * what came after is read from the store, then come the live ones. A follower that does not take
 * what it is sent (no credit) costs nothing more: the rest waits on disk.
 */
#include "engine/internal.h"

#include <assert.h>

#define EVENT_OVERHEAD 64 /* what an event costs of a follower's credit besides its message */

/* ---- followers ---- */

static struct str peer_key(const uint64_t *peer)
{
    return str_make(peer, sizeof(*peer));
}

struct follower *follower_add(struct engine *e, uint64_t peer, struct id session, struct id stream,
                              uint64_t next, uint64_t credit)
{
    struct follower *f = mem_zalloc(sizeof(*f));
    struct follower *old;

    f->peer = peer;
    f->session = session;
    f->stream = f->told = stream;
    f->next = next;
    f->credit = credit;
    old = hmap_put(&e->followers, peer_key(&f->peer), f);
    assert(!old); /* an exchange asks once */
    return f;
}

void follower_attach(struct engine *e, struct follower *f, struct call *call,
                     struct str request_id)
{
    f->request_id = str_make(mem_dup(request_id.p, request_id.len), request_id.len);
    f->call = call;
    list_append(call ? &call->followers : &e->readers, &f->link);
}

void follower_free(struct engine *e, struct follower *f)
{
    if (f->call) {
        list_remove(&f->call->followers, &f->link);
        call_left(e, f->call);
    }
    if (f->own) {
        f->own->follower = NULL;
        list_remove(&e->followed_streams, &f->own->link);
        list_append(&e->loose_streams, &f->own->link);
    }
    if (!f->call && !f->own) {
        list_remove(&e->readers, &f->link);
    }
    hmap_del(&e->followers, peer_key(&f->peer));
    mem_free((void *)(uintptr_t)f->request_id.p);
    mem_free(f);
}

bool follower_can_resume(const struct follower *f)
{
    static const struct id no_id;

    return f->knows_id && !id_eq(f->told, no_id);
}

void follower_end(struct engine *e, struct follower *f)
{
    struct action *a = action_add(e->out, ACT_END, WHEN_DURABLE);

    a->peer = f->peer;
    follower_free(e, f);
}

void follower_prime(struct engine *e, struct follower *f)
{
    struct action *a;

    if (!f->is_open) {
        f->is_open = true;
        a = action_add(e->out, ACT_PRIME, WHEN_DURABLE);
        a->peer = f->peer;
        a->session = f->session;
        a->event.stream = f->told;
        a->event.sequence = f->next - 1;
    }
}

void follower_reply(struct engine *e, struct follower *f, enum call_outcome outcome,
                    uint64_t sequence, struct str body)
{
    struct action *a = action_add(e->out, ACT_REPLY, WHEN_DURABLE);

    a->peer = f->peer;
    a->session = f->session;
    a->event.stream = f->told;
    a->event.sequence = sequence;
    a->event.outcome = (uint8_t)outcome;
    a->event.request_id = action_dup(a, f->request_id);
    a->text = action_dup(a, body);
    follower_free(e, f);
}

static void send(struct engine *e, struct follower *f, uint64_t sequence, struct str message)
{
    struct action *a = action_add(e->out, ACT_EVENT, WHEN_DURABLE);
    uint64_t cost = message.len + EVENT_OVERHEAD;

    a->peer = f->peer;
    a->session = f->session;
    a->event.stream = f->told;
    a->event.sequence = sequence;
    a->text = action_dup(a, message);
    f->is_open = f->knows_id = true;
    f->next = sequence + 1;
    f->credit = f->credit > cost ? f->credit - cost : 0;
    if (f->own) {
        f->own->sent = sequence;
    }
}

void follower_event(struct engine *e, struct follower *f, uint64_t sequence, struct str message)
{
    if (f->next == sequence && f->credit > 0) {
        send(e, f, sequence, message);
    }
}

/* Sends rows from f->next to the last one there is, while the credit lasts. Of a session's own
 * stream some may be gone: it goes on behind them. */
static int send_rows(struct engine *e, struct follower *f)
{
    struct key from = key_event(f->stream, f->next);
    struct key prefix = key_of_id(KEY_EVENT, f->stream);
    struct key to = key_prefix_end(key_str(&prefix));
    struct range range = { .from = key_str(&from), .to = key_str(&to) };
    struct cursor *cursor = store_scan(e->store, &range);
    struct str key, value;
    int rc = DMCP_OK;

    while (f->credit > 0 && (rc = cursor_next(cursor, &key, &value, e->err)) == DMCP_OK) {
        struct event_record r;
        uint64_t sequence;

        if (key_event_sequence(key, &sequence) != DMCP_OK ||
            event_record_dec(value, &r) != DMCP_OK) {
            rc = engine_corrupt(e, "event of stream", f->stream);
            break;
        }
        send(e, f, sequence, r.message);
    }
    cursor_close(cursor);
    if (rc == DMCP_E_NOTFOUND && f->own) {
        f->next = f->own->next;
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

/* The call is not in memory: when all its events are out, its result ends the stream. */
static int send_result(struct engine *e, struct follower *f)
{
    struct key k = key_of_id(KEY_RESULT, f->stream);
    struct result_record r;
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = engine_read(e, &k, &value);
    if (rc == DMCP_E_NOTFOUND || (rc == DMCP_OK && result_record_dec(buf_str(&value), &r) != 0)) {
        rc = engine_corrupt(e, "result of call", f->stream);
    } else if (rc == DMCP_OK && f->next == r.n_events + 1) {
        follower_reply(e, f, (enum call_outcome)r.outcome, f->next, r.body);
    } else if (rc == DMCP_OK && f->next > r.n_events + 1) {
        follower_end(e, f); /* it had the response already */
    }
    buf_fini(&value);
    return rc;
}

/* Contract: no rows are unwritten, or none that this stream needs. May free the follower. */
int follower_pump(struct engine *e, struct follower *f)
{
    uint64_t sent_before = f->own ? f->own->sent : 0;
    int rc = DMCP_OK;

    if (f->own ? f->next < f->own->next : !f->call || f->next <= f->call->n_events) {
        rc = send_rows(e, f);
    }
    if (rc == DMCP_OK && f->own && f->own->sent != sent_before) {
        stream_put(e, f->own);
    }
    if (rc == DMCP_OK && !f->own && !f->call && f->credit > 0) {
        rc = send_result(e, f);
    }
    return rc;
}

/* ---- a session's own stream ---- */

/* The row, or what a stream begins with. */
static int read_stream(struct engine *e, struct id session, struct stream_record *r)
{
    struct key owner = key_of_id(KEY_SESSION, session), k = key_of_id(KEY_STREAM, session);
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = engine_read(e, &owner, &value);
    if (rc == DMCP_E_NOTFOUND) {
        rc = DMCP_E_GONE;
    } else if (rc == DMCP_OK) {
        buf_reset(&value);
        rc = engine_read(e, &k, &value);
        if (rc == DMCP_E_NOTFOUND) {
            *r = (struct stream_record){ .next = 1 };
            rc = DMCP_OK;
        } else if (rc == DMCP_OK && stream_record_dec(buf_str(&value), r) != DMCP_OK) {
            rc = engine_corrupt(e, "stream of session", session);
        }
    }
    buf_fini(&value);
    return rc;
}

int stream_load(struct engine *e, struct id session, struct stream **stream_out)
{
    struct stream *s = hmap_get(&e->streams, id_bytes(&session));
    struct stream_record r;
    int rc;

    if (s) {
        *stream_out = s;
        return DMCP_OK;
    }
    rc = read_stream(e, session, &r);
    if (rc != DMCP_OK) {
        return rc;
    }
    s = mem_zalloc(sizeof(*s));
    s->session = session;
    s->next = r.next;
    s->sent = r.sent;
    hmap_put(&e->streams, id_bytes(&s->session), s);
    list_append(&e->loose_streams, &s->link);
    *stream_out = s;
    return DMCP_OK;
}

void stream_put(struct engine *e, const struct stream *s)
{
    struct stream_record r = { .next = s->next, .sent = s->sent };
    struct key k = key_of_id(KEY_STREAM, s->session);
    struct buf value;

    buf_init(&value, 64);
    stream_record_enc(&value, &r);
    batch_put(e->rows, key_str(&k), buf_str(&value));
    buf_fini(&value);
}

void stream_forget(struct engine *e, struct id session)
{
    struct stream *s = hmap_del(&e->streams, id_bytes(&session));

    if (s) {
        assert(!s->follower);
        list_remove(&e->loose_streams, &s->link);
        mem_free(s);
    }
}

void stream_drop_loose(struct engine *e)
{
    struct link *k;

    while ((k = list_pop(&e->loose_streams))) {
        struct stream *s = CONTAINER_OF(k, struct stream, link);

        hmap_del(&e->streams, id_bytes(&s->session));
        mem_free(s);
    }
}

/* ---- commands ---- */

/* Who resumes a call's stream has lost the connection it had: that one is closed. Those of requests
 * that came by the call's key are not: theirs is another stream, though it says the same. */
static void end_open_followers(struct engine *e, struct call *call)
{
    struct link *k, *next;

    for (k = list_first(&call->followers); k; k = next) {
        struct follower *f = CONTAINER_OF(k, struct follower, link);

        next = list_next(&call->followers, k);
        if ((f->is_open || f->is_shared) && id_eq(f->told, call->id)) {
            follower_end(e, f);
        }
    }
}

static void refuse_unknown_event(struct engine *e, const struct command *c)
{
    engine_refuse(e, c->peer, DMCP_E_NOTFOUND, "Last-Event-ID names no event of this session");
}

static int follow_call(struct engine *e, const struct command *c)
{
    struct call *call = NULL;
    struct call_record r;
    struct follower *f;
    struct buf value;
    int rc;

    rc = call_load(e, c->follow.stream, &call);
    if (rc != DMCP_OK && rc != DMCP_E_NOTFOUND) {
        return rc;
    }
    buf_init(&value, SIZE_MAX / 2);
    rc = call_read(e, c->follow.stream, &value, &r);
    if (rc == DMCP_E_NOTFOUND || (rc == DMCP_OK && !id_eq(r.session, c->session)) ||
        (rc == DMCP_OK && call && c->follow.after > call->n_events)) {
        refuse_unknown_event(e, c);
        rc = DMCP_OK;
    } else if (rc == DMCP_OK) {
        if (call) {
            end_open_followers(e, call);
        }
        f = follower_add(e, c->peer, c->session, c->follow.stream, c->follow.after + 1,
                         c->follow.credit);
        f->knows_id = true;
        follower_attach(e, f, call, r.request_id);
        follower_prime(e, f);
        if (call) {
            call_followed(e, call);
        }
        rc = follower_pump(e, f);
    }
    buf_fini(&value);
    return rc;
}

/*
 * 1. Somebody follows already and the newcomer does not say what it saw: a conflict, it may be
 *    another client.
 * 2. It says what it saw: it is the same client, back again; the old connection is closed.
 * 3. Nobody follows: after what it saw, or after what was last sent to anyone.
 */
static int follow_session(struct engine *e, const struct command *c)
{
    struct stream *s;
    struct follower *f;
    int rc = stream_load(e, c->session, &s);

    if (rc == DMCP_E_GONE) {
        engine_refuse(e, c->peer, DMCP_E_GONE, "no such session: unknown, expired or closed");
        return DMCP_OK;
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    if (s->follower && !c->follow.is_after_given) { /* 1 */
        engine_refuse(e, c->peer, DMCP_E_CONFLICT, "only one stream is allowed per session");
        return DMCP_OK;
    }
    if (c->follow.is_after_given && c->follow.after >= s->next) {
        refuse_unknown_event(e, c);
        return DMCP_OK;
    }
    rc = lists_load(e, s);
    if (rc != DMCP_OK) {
        return rc;
    }
    if (s->follower) { /* 2 */
        follower_end(e, s->follower);
    }
    f = follower_add(e, c->peer, c->session, c->session,
                     (c->follow.is_after_given ? c->follow.after : s->sent) + 1, c->follow.credit);
    f->own = s;
    s->follower = f;
    list_remove(&e->loose_streams, &s->link);
    list_append(&e->followed_streams, &s->link);
    follower_prime(e, f);
    rc = follower_pump(e, f);
    if (rc == DMCP_OK) {
        rc = notice_followed(e, c->session);
    }
    if (rc == DMCP_OK) {
        lists_catch_up(e, s); /* behind what is there, which must be read before rows are added */
    }
    return rc;
}

int stream_follow(struct engine *e, const struct command *c)
{
    if (engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST;
    }
    return id_eq(c->follow.stream, c->session) ? follow_session(e, c) : follow_call(e, c);
}

/* Its clients learn where to resume, and come back when they need to. Who cannot stays. */
int stream_detach(struct engine *e, const struct command *c)
{
    struct call *call = call_find(e, c->call);
    struct link *k, *next;
    struct follower *f;

    if (!call) {
        return DMCP_OK;
    }
    call_prime(e, call);
    for (k = list_first(&call->followers); k; k = next) {
        next = list_next(&call->followers, k);
        f = CONTAINER_OF(k, struct follower, link);
        if (follower_can_resume(f)) {
            follower_end(e, f);
        }
    }
    return DMCP_OK;
}

int stream_credit(struct engine *e, const struct command *c)
{
    struct follower *f = hmap_get(&e->followers, peer_key(&c->peer));

    if (!f) {
        return DMCP_OK;
    }
    if (f->credit == 0 && engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST;
    }
    f->credit += c->credit;
    return follower_pump(e, f);
}

int stream_unfollow(struct engine *e, const struct command *c)
{
    struct follower *f = hmap_get(&e->followers, peer_key(&c->peer));

    if (f) {
        follower_free(e, f);
    }
    return DMCP_OK;
}
