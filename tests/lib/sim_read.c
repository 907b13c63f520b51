/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated clients, the half that reads: one message at a time, each checked against what may
 * come next on that connection.
 */
#include "sim_world.h"

#define EVENT_COST 64 /* of credit, besides the message */

static const struct id no_id;

/* Where it may resume, if it was told. */
static void note_place(struct sim_conn *conn, const struct action *a)
{
    if (id_eq(a->event.stream, no_id)) {
        return;
    }
    if (conn->kind == CONN_LISTENER) {
        conn->client->has_place = true;
        conn->client->place = a->event.sequence;
    } else if (conn->request) {
        conn->request->has_place = true;
        conn->request->place = a->event.sequence;
        conn->request->stream = a->event.stream;
    }
}

static void read_prime(struct sim *s, struct sim_conn *conn, const struct action *a)
{
    if (conn->knows_next && a->event.sequence + 1 != conn->next) {
        sim_fail(s, "peer %u is primed at %u and expects %u", (unsigned)conn->peer,
                 (unsigned)a->event.sequence, (unsigned)conn->next);
    }
    conn->knows_next = true;
    conn->next = a->event.sequence + 1;
    if (conn->kind == CONN_LISTENER || conn->client->i % 2) { /* it knows what this means */
        note_place(conn, a);
    }
}

/* Of a session's own stream some may have expired. */
static void read_event(struct sim *s, struct sim_conn *conn, const struct action *a)
{
    bool may_skip = conn->kind == CONN_LISTENER && s->has_retention;

    if (!conn->knows_next || a->event.sequence < conn->next ||
        (a->event.sequence > conn->next && !may_skip)) {
        sim_fail(s, "peer %u is sent event %u and expects %u", (unsigned)conn->peer,
                 (unsigned)a->event.sequence, (unsigned)conn->next);
    }
    conn->next = a->event.sequence + 1;
    conn->owed += a->text.len + EVENT_COST;
    note_place(conn, a);
    if (conn->kind == CONN_CALL) {
        sim_side_saw(s, conn->client, a->text);
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
    note_place(conn, a);
    sim_conn_free(conn);
}

static void read_refusal(struct sim *s, struct sim_conn *conn, const struct action *a)
{
    struct sim_client *c = conn->client;
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
        is_fine = sim_client_is_gone(c) || c->is_expired;
        if (is_fine && !sim_client_is_gone(c)) {
            sim_client_is_lost(s, c);
        }
        break;
    case DMCP_E_NOTFOUND: /* what it wants to go on with has expired */
        is_fine = conn->kind == CONN_CALL && conn->request->deed->is_swept;
        if (is_fine) {
            conn->request->is_given_up = true;
        }
        break;
    default:
        break;
    }
    if (!is_fine) {
        sim_fail(s, "peer %u is refused: %s", (unsigned)conn->peer, a->text.p);
    }
    sim_conn_free(conn);
}

static bool has_detach(const struct sim_deed *d)
{
    for (uint32_t i = 0; i < d->n_ops; i++) {
        if (d->ops[i].kind == OP_DETACH) {
            return true;
        }
    }
    return false;
}

/* Its session is closed or expired, its call is cancelled, or its handler sends its clients away,
 * but only those that may come back. Also the old connection of who came back by a new one ends. */
static void read_end(struct sim *s, struct sim_conn *conn)
{
    struct sim_request *r = conn->request;
    bool is_fine = sim_client_is_gone(conn->client) || conn->client->is_expired;

    if (r) {
        bool is_sent_away = has_detach(r->deed) && r->has_place;

        is_fine = is_fine || r->is_answered || r->deed->was_cancelled || is_sent_away;
        s->stats.detached += is_sent_away;
    }
    if (!is_fine) {
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
        sim_side_read(s, conn, a);
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
    if (conn->peer && !conn->is_lost) {
        give_credit(s, conn);
    }
}
