/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated clients, the half that reads: one message at a time, each checked against what may
 * come next on that connection.
 */
#include "sim_world.h"

#define EVENT_COST 64 /* of credit, besides the message */

static bool was_closed(const struct sim_client *c)
{
    return c->state == SESSION_CLOSING || c->state == SESSION_CLOSED;
}

static void read_prime(struct sim *s, struct sim_conn *conn, const struct action *a)
{
    if (conn->knows_next && a->event.sequence + 1 != conn->next) {
        sim_fail(s, "peer %u is primed at %u and expects %u", (unsigned)conn->peer,
                 (unsigned)a->event.sequence, (unsigned)conn->next);
    }
    conn->knows_next = true;
    conn->next = a->event.sequence + 1;
    if (conn->kind == CONN_LISTENER) {
        conn->client->has_place = true;
        conn->client->place = a->event.sequence;
    } else if (conn->request) {
        conn->request->has_place = true;
        conn->request->place = a->event.sequence;
    }
}

static void read_event(struct sim *s, struct sim_conn *conn, const struct action *a)
{
    if (!conn->knows_next || a->event.sequence != conn->next) {
        sim_fail(s, "peer %u is sent event %u and expects %u", (unsigned)conn->peer,
                 (unsigned)a->event.sequence, (unsigned)conn->next);
    }
    conn->next++;
    conn->owed += a->text.len + EVENT_COST;
    if (conn->kind == CONN_LISTENER) {
        conn->client->place = a->event.sequence;
    } else if (conn->request) {
        conn->request->has_place = true;
        conn->request->place = a->event.sequence;
    }
}

static void read_reply(struct sim *s, struct sim_conn *conn, const struct action *a)
{
    struct sim_request *r = conn->request;

    if (conn->kind != CONN_CALL || a->event.sequence != conn->next ||
        !str_eqz(a->event.request_id, r->request_id)) {
        sim_fail(s, "peer %u is sent response %u of request %s and expects %u",
                 (unsigned)conn->peer, (unsigned)a->event.sequence, a->event.request_id.p,
                 (unsigned)conn->next);
    }
    s->stats.answers += !r->is_answered;
    r->is_answered = true;
    r->has_place = true;
    r->place = a->event.sequence;
    sim_conn_free(conn);
}

static void read_control(struct sim *s, struct sim_conn *conn, const struct action *a)
{
    struct sim_client *c = conn->client;
    bool is_refused = a->kind == ACT_REFUSED;

    if (is_refused && (a->code != DMCP_E_GONE || !was_closed(c))) {
        sim_fail(s, "client %u is refused: %s", (unsigned)c->i, a->text.p);
    }
    if (conn->command == CMD_SESSION_OPEN) {
        c->state = SESSION_OPEN;
    } else if (conn->command == CMD_SESSION_CLOSE) {
        c->state = SESSION_CLOSED;
        s->stats.closed_sessions++;
    }
    sim_conn_free(conn);
}

static void read_refusal(struct sim *s, struct sim_conn *conn, const struct action *a)
{
    bool is_fine = false;

    switch (a->code) {
    case DMCP_E_CONFLICT:
        is_fine = conn->kind == CONN_CONFLICT || (conn->kind == CONN_LISTENER && !conn->knows_next);
        s->stats.conflicts += conn->kind == CONN_CONFLICT;
        s->stats.session_conflicts += conn->kind == CONN_LISTENER;
        break;
    case DMCP_E_BUSY:
        is_fine = conn->kind == CONN_CALL && !conn->request->is_acked;
        s->stats.busy++;
        break;
    case DMCP_E_GONE:
        is_fine = was_closed(conn->client);
        break;
    default:
        break;
    }
    if (!is_fine) {
        sim_fail(s, "peer %u is refused: %s", (unsigned)conn->peer, a->text.p);
    }
    sim_conn_free(conn);
}

static void read_end(struct sim *s, struct sim_conn *conn)
{
    bool had_answer = conn->request && conn->request->is_answered;

    if (!was_closed(conn->client) && !had_answer) {
        sim_fail(s, "the stream of peer %u ends, and its client did not leave it",
                 (unsigned)conn->peer);
    }
    sim_conn_free(conn);
}

static void read_action(struct sim *s, struct sim_conn *conn, const struct action *a)
{
    sim_trace(s, "peer %u reads %d, sequence %u %s", (unsigned)conn->peer, (int)a->kind,
              (unsigned)a->event.sequence, a->text.p ? a->text.p : "");
    if (conn->kind == CONN_CONTROL) {
        read_control(s, conn, a);
        return;
    }
    if (conn->kind == CONN_CONFLICT && a->kind != ACT_REFUSED && a->kind != ACT_END) {
        sim_fail(s, "a request id is used again with other parameters, and it is accepted");
    }
    switch (a->kind) {
    case ACT_PRIME:
        read_prime(s, conn, a);
        break;
    case ACT_EVENT:
        read_event(s, conn, a);
        break;
    case ACT_REPLY:
        read_reply(s, conn, a);
        break;
    case ACT_REFUSED:
        read_refusal(s, conn, a);
        break;
    case ACT_END:
        read_end(s, conn);
        break;
    default:
        sim_fail(s, "peer %u is sent an action of kind %d", (unsigned)conn->peer, (int)a->kind);
    }
}

/* A client that reads slowly gives its credit back late. */
static void give_credit(struct sim *s, struct sim_conn *conn)
{
    struct command *c;

    if (conn->owed == 0 || conn->is_cut || !s->is_up || sim_chance(s, 50)) {
        return;
    }
    c = command_new(CMD_CREDIT);
    c->peer = conn->peer;
    c->credit = conn->owed;
    conn->owed = 0;
    s->stats.credits++;
    sim_post(s, c);
}

void sim_read(struct sim *s, struct sim_conn *conn)
{
    struct mail *m = conn->queue.first;

    if (m) {
        conn->queue.first = m->next;
        if (!m->next) {
            conn->queue.last = &conn->queue.first;
        }
        read_action(s, conn, action_of(m));
        action_free(action_of(m));
    } else if (conn->is_cut) {
        sim_conn_free(conn);
        return;
    }
    if (conn->peer) {
        give_credit(s, conn);
    }
}
