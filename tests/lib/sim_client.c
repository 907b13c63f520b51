/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated clients, the half that asks: they open a session, post requests, post them again or
 * resume their streams when a connection is gone, listen, look, try what must be refused, and now
 * and then close the session under running calls. What they do with what comes back is in
 * sim_read.c.
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

static struct sim_conn *conn_new(struct sim *s, struct sim_client *c, enum conn_kind kind)
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

static void ask_control(struct sim *s, struct sim_client *c, enum command_kind kind)
{
    struct sim_conn *conn = conn_new(s, c, CONN_CONTROL);
    struct command *command;

    if (!conn) {
        return;
    }
    conn->command = kind;
    c->control = conn->peer;
    command = command_new(kind);
    command->peer = conn->peer;
    command->session = c->session;
    if (kind == CMD_SESSION_OPEN) {
        command->open.protocol_version = STR("2025-06-18");
        command->open.principal = STR("");
        command->open.client_info = STR("{}");
        command->open.capabilities = STR("{}");
    }
    sim_post(s, command);
    sim_trace(s, "client %u: session command %d, peer %u", (unsigned)c->i, (int)kind,
              (unsigned)conn->peer);
}

static void post(struct sim *s, struct sim_conn *conn, struct sim_request *r, const char *params)
{
    struct command *c = command_new(CMD_CALL_START);
    struct call_record *record = &c->start.record;

    c->peer = conn->peer;
    c->session = r->client->session;
    c->call = sim_id(s, &c->session);
    record->era = CALL_LEGACY;
    record->method = CALL_TOOL;
    record->session = c->session;
    record->request_id = str_of(r->request_id);
    record->name = STR("tool");
    record->params = str_of(params);
    record->digest = digest_id(record->params);
    c->start.credit = draw_credit(s);
    conn->next = 1;
    conn->knows_next = true;
    sim_post(s, c);
    sim_trace(s, "client: post %s, peer %u", params, (unsigned)conn->peer);
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
    sim_trace(s, "client: resume after %u, peer %u", (unsigned)after, (unsigned)conn->peer);
}

static void connect_request(struct sim *s, struct sim_request *r)
{
    struct sim_conn *conn = conn_new(s, r->client, CONN_CALL);

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
        resume(s, conn, r->call, after);
    } else {
        post(s, conn, r, r->params);
    }
}

static void listen(struct sim *s, struct sim_client *c)
{
    struct sim_conn *conn = conn_new(s, c, CONN_LISTENER);

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

/* The id of a request that was acknowledged, with other parameters. */
static void try_conflict(struct sim *s, struct sim_request *r)
{
    struct sim_conn *conn = r->is_acked ? conn_new(s, r->client, CONN_CONFLICT) : NULL;

    if (conn) {
        post(s, conn, r, "[\"other\"]");
    }
}

/* ---- the client's life ---- */

static void act_in_session(struct sim *s, struct sim_client *c)
{
    struct sim_request *r = &c->requests[random_below(&s->random, c->n_requests)];

    if (!r->peer && (!r->is_answered || r->n_repeats > 0)) {
        connect_request(s, r);
    } else if (!c->listener && sim_chance(s, 30)) {
        listen(s, c);
    } else if (sim_wild_chance(s, 10)) {
        try_conflict(s, r);
    } else if (!c->control && sim_wild_chance(s, 10)) {
        ask_control(s, c, CMD_SESSION_GET);
    } else if (!c->control && sim_wild_chance(s, 1)) {
        c->state = SESSION_CLOSING;
        ask_control(s, c, CMD_SESSION_CLOSE);
    }
}

void sim_client_act(struct sim *s, struct sim_client *c)
{
    if (!s->is_up) {
        return;
    }
    switch (c->state) {
    case SESSION_NONE:
        if (!c->control) {
            c->session = sim_id(s, NULL);
            ask_control(s, c, CMD_SESSION_OPEN);
        }
        break;
    case SESSION_OPEN:
        act_in_session(s, c);
        break;
    case SESSION_CLOSING:
        if (!c->control) {
            ask_control(s, c, CMD_SESSION_CLOSE);
        }
        break;
    case SESSION_CLOSED:
        break;
    }
}

/* Every open session has all its answers, and no stream of a closed one is still open. */
bool sim_clients_are_done(struct sim *s)
{
    for (uint32_t i = 0; i < s->n_clients; i++) {
        struct sim_client *c = &s->clients[i];

        if (c->state == SESSION_NONE || c->state == SESSION_CLOSING ||
            (c->state == SESSION_CLOSED && c->listener)) {
            return false;
        }
        for (uint32_t j = 0; j < c->n_requests; j++) {
            const struct sim_request *r = &c->requests[j];

            if (c->state == SESSION_CLOSED ? r->peer != 0 : !r->is_answered) {
                return false;
            }
        }
    }
    return true;
}
