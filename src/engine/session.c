/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of the legacy era: rows, and nothing in memory. A session is there from the moment
 * its row is durable (only then does the client learn its id) until it is closed or was idle for
 * too long. One that has an unfinished call, or whose own stream is followed, is not idle.
 *
 * `seen_ms` is written at most once per SEEN_FRACTION of the idle time, so that a busy session
 * does not cost a write per request.
 */
#include "engine/internal.h"

#define SEEN_FRACTION 16
#define LOOKS_AT_ONCE 1000 /* at requests, to see whether a session that comes back was in use */

static void put(struct engine *e, struct id id, const struct session_record *r)
{
    struct key k = key_of_id(KEY_SESSION, id);
    struct buf value;

    buf_init(&value, LIMIT_BODY_BYTES * 2);
    session_record_enc(&value, r);
    engine_put(e, &k, buf_str(&value));
    buf_fini(&value);
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
    lists_begin(e, c->session);
    e->n_sessions++;
    engine_done(e, c);
    return DMCP_OK;
}

/* The session's record, borrowed from *value. */
static int read_row(struct engine *e, struct id session, struct buf *value,
                    struct session_record *r)
{
    struct key k = key_of_id(KEY_SESSION, session);
    int rc = engine_read(e, &k, value);

    if (rc == DMCP_OK && session_record_dec(buf_str(value), r) != DMCP_OK) {
        return engine_corrupt(e, "session", session);
    }
    return rc;
}

bool session_is_idle(const struct engine *e, const struct session_record *r)
{
    return e->now.wall_ms > r->seen_ms &&
           e->now.wall_ms - r->seen_ms > e->options.session_idle_ms;
}

int session_use(struct engine *e, struct id session, struct key *at, uint32_t *n_looks,
                enum session_use *use_out)
{
    struct key prefix = key_request(session, STR("")), to = key_prefix_end(key_str(&prefix));
    const struct stream *own = hmap_get(&e->streams, id_bytes(&session));
    struct str key, value;
    struct cursor *cursor;
    bool is_unfinished = own && own->follower;
    int rc = DMCP_OK;

    if (!str_starts(key_str(at), key_str(&prefix))) {
        *at = prefix;
    }
    cursor = store_scan(e->store, &(struct range){ .from = key_str(at), .to = key_str(&to) });
    while (!is_unfinished && *n_looks > 0 &&
           (rc = cursor_next(cursor, &key, &value, e->err)) == DMCP_OK) {
        struct request_record r;

        (*n_looks)--;
        *at = key_after(key);
        if (request_record_dec(value, &r) == DMCP_OK) { /* else it leads nowhere */
            rc = call_is_unfinished(e, r.call, &is_unfinished);
        }
        if (rc != DMCP_OK) {
            break;
        }
    }
    cursor_close(cursor);
    *use_out = is_unfinished             ? SESSION_IN_USE
               : rc == DMCP_E_NOTFOUND ? SESSION_UNUSED
                                       : SESSION_IN_DOUBT;
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

/* The session's record, borrowed from *value; DMCP_E_NOTFOUND also when it expired. */
static int read_live(struct engine *e, struct id session, struct buf *value,
                     struct session_record *r)
{
    struct key at = { .len = 0 };
    uint32_t n_looks = LOOKS_AT_ONCE;
    enum session_use use;
    int rc = read_row(e, session, value, r);

    if (rc != DMCP_OK || !session_is_idle(e, r)) {
        return rc;
    }
    if (engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST; /* a call may have started or ended */
    }
    rc = session_use(e, session, &at, &n_looks, &use);
    return rc == DMCP_OK && use == SESSION_UNUSED ? DMCP_E_NOTFOUND : rc;
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

void session_touch(struct engine *e, struct id session, struct session_record *r)
{
    if (e->now.wall_ms > r->seen_ms + e->options.session_idle_ms / SEEN_FRACTION) {
        r->seen_ms = e->now.wall_ms;
        put(e, session, r);
    }
}

int session_answered(struct engine *e, struct id session, uint64_t asked_ms)
{
    struct session_record r;
    struct buf value;
    int rc;

    if (e->now.wall_ms <= asked_ms + e->options.session_idle_ms / SEEN_FRACTION) {
        return DMCP_OK;
    }
    buf_init(&value, SIZE_MAX / 2);
    rc = read_row(e, session, &value, &r);
    if (rc == DMCP_OK) {
        session_touch(e, session, &r);
    }
    buf_fini(&value);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

int session_get(struct engine *e, const struct command *c)
{
    struct session_record r;
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = read_live(e, c->session, &value, &r);
    if (rc == DMCP_OK) {
        session_touch(e, c->session, &r);
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
        engine_done(e, c);
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

void session_drop(struct engine *e, struct id session)
{
    struct key k = key_of_id(KEY_SESSION, session), stream = key_of_id(KEY_STREAM, session);
    struct key events = key_of_id(KEY_EVENT, session), end = key_prefix_end(key_str(&events));
    struct action *gone = action_add(e->out, ACT_SESSION_GONE, WHEN_DURABLE);

    gone->session = session;
    engine_del(e, &k);
    batch_del(e->rows, key_str(&stream));
    lists_end(e, session);
    batch_del_range(e->rows, key_str(&events), key_str(&end));
    if (e->n_sessions > 0) {
        e->n_sessions--;
    }
    stream_forget(e, session);
}

int session_close(struct engine *e, const struct command *c)
{
    struct key k = key_of_id(KEY_SESSION, c->session);
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
        rc = cancel_session(e, c->session, STR(""));
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    end_followers(e, c->session);
    session_drop(e, c->session);
    engine_done(e, c);
    return DMCP_OK;
}

int session_traits(struct engine *e, struct id session, struct session_traits *t)
{
    struct session_record r;
    struct buf value;
    int rc;

    *t = (struct session_traits){ 0 };
    buf_init(&value, SIZE_MAX / 2);
    rc = read_row(e, session, &value, &r);
    if (rc == DMCP_OK) {
        t->log_level = r.log_level;
        t->client = r.flags;
    } else if (rc == DMCP_E_NOTFOUND) {
        rc = DMCP_OK; /* the session went before its call did */
    }
    buf_fini(&value);
    return rc;
}
