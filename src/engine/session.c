/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of the legacy era: rows, and nothing in memory. A session is there from the moment
 * its row is durable (only then does the client learn its id) until it is closed or was idle for
 * too long.
 *
 * `seen_ms` is written at most once per SEEN_FRACTION of the idle time, so that a busy session
 * does not cost a write per request.
 */
#include "engine/internal.h"

#define SEEN_FRACTION 16

static void put(struct engine *e, struct id id, const struct session_record *r)
{
    struct key k = key_of_id(KEY_SESSION, id);
    struct buf value;

    buf_init(&value, LIMIT_BODY_BYTES * 2);
    session_record_enc(&value, r);
    engine_put(e, &k, buf_str(&value));
    buf_fini(&value);
}

static void tell_done(struct engine *e, uint64_t peer, struct id session)
{
    struct action *a;

    if (peer) {
        a = action_add(e->out, ACT_DONE, WHEN_DURABLE);
        a->peer = peer;
        a->session = session;
    }
}

int session_open(struct engine *e, const struct command *c)
{
    struct session_record r = c->open;

    if (e->n_sessions >= e->options.max_sessions) {
        engine_refuse(e, c->peer, DMCP_E_BUSY, "too many sessions");
        return DMCP_OK;
    }
    r.created_ms = r.seen_ms = e->now.wall_ms;
    put(e, c->session, &r);
    e->n_sessions++;
    tell_done(e, c->peer, c->session);
    return DMCP_OK;
}

/* The session's record, borrowed from *value; DMCP_E_NOTFOUND also when it expired. */
static int read_live(struct engine *e, struct id session, struct buf *value,
                     struct session_record *r)
{
    struct key k = key_of_id(KEY_SESSION, session);
    int rc = engine_read(e, &k, value);

    if (rc != DMCP_OK) {
        return rc;
    }
    if (session_record_dec(buf_str(value), r) != DMCP_OK) {
        return engine_corrupt(e, "session", session);
    }
    if (e->now.wall_ms > r->seen_ms && e->now.wall_ms - r->seen_ms > e->options.session_idle_ms) {
        return DMCP_E_NOTFOUND;
    }
    return DMCP_OK;
}

static void tell_session(struct engine *e, uint64_t peer, struct id session,
                         const struct session_record *r)
{
    struct action *a = action_add(e->out, ACT_SESSION, WHEN_DURABLE);

    a->peer = peer;
    a->session = session;
    a->record = *r;
    a->record.protocol_version = action_dup(a, r->protocol_version);
    a->record.principal = action_dup(a, r->principal);
    a->record.client_info = action_dup(a, r->client_info);
    a->record.capabilities = action_dup(a, r->capabilities);
}

static void touch(struct engine *e, struct id session, struct session_record *r)
{
    if (e->now.wall_ms > r->seen_ms + e->options.session_idle_ms / SEEN_FRACTION) {
        r->seen_ms = e->now.wall_ms;
        put(e, session, r);
    }
}

int session_get(struct engine *e, const struct command *c)
{
    struct session_record r;
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = read_live(e, c->session, &value, &r);
    if (rc == DMCP_OK) {
        touch(e, c->session, &r);
        tell_session(e, c->peer, c->session, &r);
    } else if (rc == DMCP_E_NOTFOUND) {
        engine_refuse(e, c->peer, DMCP_E_GONE, "no such session: unknown, expired or closed");
        rc = DMCP_OK;
    }
    buf_fini(&value);
    return rc;
}

int session_update(struct engine *e, const struct command *c)
{
    struct session_record r;
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = read_live(e, c->session, &value, &r);
    if (rc == DMCP_OK) {
        if (c->update.log_level >= 0) {
            r.log_level = (uint8_t)c->update.log_level;
        }
        r.flags |= c->update.flags;
        r.seen_ms = e->now.wall_ms;
        put(e, c->session, &r);
        tell_done(e, c->peer, c->session);
    } else if (rc == DMCP_E_NOTFOUND) {
        engine_refuse(e, c->peer, DMCP_E_GONE, "no such session: unknown, expired or closed");
        rc = DMCP_OK;
    }
    buf_fini(&value);
    return rc;
}

static void end_followers(struct engine *e, struct id session)
{
    struct hmap_entry *cursor = NULL;
    struct follower *f;

    while ((f = hmap_next(&e->followers, &cursor, NULL))) {
        if (id_eq(f->session, session)) {
            follower_end(e, f);
        }
    }
}

int session_close(struct engine *e, const struct command *c)
{
    struct key k = key_of_id(KEY_SESSION, c->session), stream = key_of_id(KEY_STREAM, c->session);
    struct action *gone;
    struct buf value;
    int rc;

    if (engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST; /* its calls are looked for in the store */
    }
    buf_init(&value, SIZE_MAX / 2);
    rc = engine_read(e, &k, &value);
    buf_fini(&value);
    if (rc == DMCP_E_NOTFOUND) {
        engine_refuse(e, c->peer, DMCP_E_GONE, "no such session: unknown, expired or closed");
        return DMCP_OK;
    }
    if (rc == DMCP_OK) {
        rc = cancel_session(e, c->session);
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    engine_del(e, &k);
    batch_del(e->rows, key_str(&stream));
    if (e->n_sessions > 0) {
        e->n_sessions--;
    }
    end_followers(e, c->session);
    stream_forget(e, c->session);
    gone = action_add(e->out, ACT_SESSION_GONE, WHEN_DURABLE);
    gone->session = c->session;
    tell_done(e, c->peer, c->session);
    return DMCP_OK;
}

int session_traits(struct engine *e, struct id session, struct session_traits *t)
{
    struct session_record r;
    struct buf value;
    int rc;

    *t = (struct session_traits){ 0 };
    buf_init(&value, SIZE_MAX / 2);
    rc = read_live(e, session, &value, &r);
    if (rc == DMCP_OK) {
        t->log_level = r.log_level;
        t->client = r.flags;
    } else if (rc == DMCP_E_NOTFOUND) {
        rc = DMCP_OK; /* the session went before its call did */
    }
    buf_fini(&value);
    return rc;
}
