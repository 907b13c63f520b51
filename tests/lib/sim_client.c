/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated clients, the half that asks: they open a session, post requests, post them again or
 * resume their streams when a connection is gone, listen, and try what must be refused. What they
 * do beside calls is in sim_side.c, what they do with what comes back in sim_read.c.
 */
#include "sim_world.h"

/* ---- connections ---- */

struct sim_conn *sim_conn_find(struct sim *s, uint64_t peer)
{
    for (int i = 0; i < MAX_CONNS; i++) {
        if (peer && s->conns[i].peer == peer) {
            return &s->conns[i];
        }
    }
    return NULL;
}

struct sim_conn *sim_conn_new(struct sim *s, struct sim_client *c, enum conn_kind kind)
{
    for (int i = 0; i < MAX_CONNS; i++) {
        struct sim_conn *conn = &s->conns[i];

        if (!conn->peer) {
            *conn = (struct sim_conn){ .peer = ++s->n_peers, .kind = kind, .client = c };
            action_list_init(&conn->queue);
            return conn;
        }
    }
    return NULL; /* the client tries again later */
}

/* The client's side forgets it. */
static void detach(struct sim_conn *conn)
{
    if (conn->request && conn->request->peer == conn->peer) {
        conn->request->peer = 0;
    }
    if (conn->client->control == conn->peer) {
        conn->client->control = 0;
    }
    if (conn->client->listener == conn->peer) {
        conn->client->listener = 0;
    }
}

void sim_conn_free(struct sim_conn *conn)
{
    if (!conn->peer) {
        return;
    }
    detach(conn);
    while (conn->queue.first) {
        struct mail *next = conn->queue.first->next;

        action_free(action_of(conn->queue.first));
        conn->queue.first = next;
    }
    conn->peer = 0;
    conn->is_lost = false;
}

void sim_lose(struct sim *s, struct sim_conn *conn)
{
    s->stats.lost_connections++;
    sim_trace(s, "peer %u is lost", (unsigned)conn->peer);
    detach(conn);
    conn->is_lost = true;
    if (conn->is_cut) {
        sim_conn_free(conn);
    }
}

void sim_notice(struct sim *s)
{
    for (int i = 0; s->is_up && i < MAX_CONNS; i++) {
        struct sim_conn *conn = &s->conns[i];

        if (conn->is_lost) {
            struct command *c = command_new(CMD_UNFOLLOW);

            c->peer = conn->peer;
            sim_post(s, c);
            sim_conn_free(conn);
            return;
        }
    }
}

/* ---- asking ---- */

static uint64_t draw_credit(struct sim *s)
{
    return sim_chance(s, 40) ? 1 + random_below(&s->random, 150) : 100000;
}

static struct command *start_command(struct sim *s, struct sim_request *r, const char *params)
{
    struct command *c = command_new(CMD_CALL_START);
    struct call_record *record = &c->start.record;
    const struct sim_deed *d = r->deed;

    c->session = r->client->session;
    c->call = sim_id(s, &c->session);
    record->era = CALL_LEGACY;
    record->method = d->method;
    record->session = c->session;
    record->request_id = str_of(r->request_id);
    record->name = STR("x");
    record->params = str_of(params);
    record->digest = digest_id(record->params);
    c->start.client = SESSION_ELICIT_FORM | SESSION_SAMPLING;
    c->start.credit = draw_credit(s);
    c->start.knows_prime = r->client->i % 2;
    c->start.cannot_resume = r->client->i == 2;
    c->start.timeout_ms = d->timeout_ms;
    if (d->key[0]) {
        c->start.key = str_of(d->key);
        c->start.key_scope = digest_id(STR("scope"));
        c->start.key_digest = record->digest;
    }
    return c;
}

static void post(struct sim *s, struct sim_conn *conn, struct sim_request *r, const char *params)
{
    struct command *c = start_command(s, r, params);

    c->peer = conn->peer;
    conn->next = 1;
    conn->knows_next = true;
    sim_post(s, c);
    sim_trace(s, "client %u: post %s for deed %u, peer %u", r->client->i, r->request_id, r->deed->i,
              (unsigned)conn->peer);
}

static struct command *follow(struct sim *s, struct sim_conn *conn, struct id stream)
{
    struct command *c = command_new(CMD_FOLLOW);

    c->peer = conn->peer;
    c->session = conn->client->session;
    c->follow.stream = stream;
    c->follow.credit = draw_credit(s);
    return c;
}

static void resume(struct sim *s, struct sim_conn *conn, struct id stream, uint64_t after)
{
    struct command *c = follow(s, conn, stream);

    c->follow.after = after;
    c->follow.is_after_given = true;
    conn->next = after + 1;
    conn->knows_next = true;
    s->stats.resumes++;
    sim_post(s, c);
    sim_trace(s, "client %u: resume deed %d after %u, peer %u", conn->client->i,
              conn->request ? (int)conn->request->deed->i : -1, (unsigned)after,
              (unsigned)conn->peer);
}

static void connect_request(struct sim *s, struct sim_request *r)
{
    struct sim_conn *conn = sim_conn_new(s, r->client, CONN_CALL);

    if (!conn) {
        return;
    }
    conn->request = r;
    r->peer = conn->peer;
    r->n_repeats -= r->is_answered;
    s->stats.repeats += r->is_acked;
    if (r->has_place && sim_chance(s, 60)) {
        uint64_t after = r->place;

        if (sim_chance(s, 10)) {
            after = random_below(&s->random, (uint32_t)r->place + 1);
        }
        resume(s, conn, r->stream, after);
    } else {
        post(s, conn, r, r->deed->params);
    }
}

static void listen(struct sim *s, struct sim_client *c)
{
    struct sim_conn *conn = sim_conn_new(s, c, CONN_LISTENER);

    if (!conn) {
        return;
    }
    c->listener = conn->peer;
    if (c->has_place) {
        resume(s, conn, c->session, c->place);
    } else {
        sim_post(s, follow(s, conn, c->session));
        sim_trace(s, "client %u: listen, peer %u", (unsigned)c->i, (unsigned)conn->peer);
    }
}

/* The id of a request that was acknowledged, or the key of its call under another id, with other
 * parameters. */
static void try_conflict(struct sim *s, struct sim_request *r)
{
    struct sim_conn *conn = r->is_acked ? sim_conn_new(s, r->client, CONN_CONFLICT) : NULL;
    struct command *c;

    if (!conn) {
        return;
    }
    if (!r->deed->key[0] || sim_chance(s, 50)) {
        conn->request = r;
        post(s, conn, r, "[\"other\"]");
        conn->request = NULL;
        return;
    }
    c = start_command(s, r, "[\"other\"]");
    c->peer = conn->peer;
    c->start.record.request_id = STR("99");
    s->stats.key_conflicts++;
    sim_post(s, c);
}

/* ---- the client's life ---- */

static bool may_ask(const struct sim_request *r)
{
    return !r->peer && !r->is_given_up && !(r->deed->is_swept && r->is_answered) &&
           (!r->is_answered || r->n_repeats > 0);
}

static void act_in_session(struct sim *s, struct sim_client *c)
{
    struct sim_request *r = &c->requests[random_below(&s->random, c->n_requests)];

    if (sim_chance(s, 40) && sim_side_act(s, c)) {
        return;
    }
    if (may_ask(r)) {
        connect_request(s, r);
    } else if (!c->listener && sim_chance(s, 30)) {
        listen(s, c);
    } else if (sim_wild_chance(s, 10) && !r->deed->is_swept) {
        try_conflict(s, r);
    }
}

void sim_client_act(struct sim *s, struct sim_client *c)
{
    if (!s->is_up) {
        return;
    }
    if (c->state == SESSION_OPEN) {
        act_in_session(s, c);
    } else if (c->state != SESSION_CLOSED) {
        (void)sim_side_act(s, c);
    }
}

/* Its session is gone, though it did not close it: it hangs up and does no more. */
void sim_client_is_lost(struct sim *s, struct sim_client *c)
{
    c->state = SESSION_CLOSED;
    s->stats.lost_sessions++;
    for (int i = 0; i < MAX_CONNS; i++) {
        if (s->conns[i].peer && s->conns[i].client == c && !s->conns[i].is_lost) {
            sim_lose(s, &s->conns[i]);
        }
    }
}

bool sim_client_is_gone(const struct sim_client *c)
{
    return c->state == SESSION_CLOSING || c->state == SESSION_CLOSED;
}

static bool has_open_question(const struct sim_client *c)
{
    for (int i = 0; i < MAX_QUESTIONS; i++) {
        if (c->questions[i].state == QUESTION_OPEN && !c->questions[i].op->deed->has_answer) {
            return true;
        }
    }
    return false;
}

/* Every open session has all its answers, and no stream of a closed one is still open. */
bool sim_clients_are_done(struct sim *s)
{
    for (uint32_t i = 0; i < s->n_clients; i++) {
        struct sim_client *c = &s->clients[i];

        if (c->state == SESSION_NONE || c->state == SESSION_CLOSING ||
            (c->state == SESSION_CLOSED ? c->listener != 0 : has_open_question(c))) {
            return false;
        }
        for (uint32_t j = 0; j < c->n_requests; j++) {
            const struct sim_request *r = &c->requests[j];

            if (c->state == SESSION_CLOSED ? r->peer != 0 : !r->is_answered && !r->is_given_up) {
                return false;
            }
        }
    }
    return true;
}
