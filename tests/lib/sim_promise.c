/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the simulated world was promised: checked when something leaves for a client, and when a
 * body runs.
 */
#include <stdio.h>

#include "sim_world.h"

static const struct id no_id;

static void must_be_durable(struct sim *s, struct key k, const char *what, unsigned who)
{
    if (!sim_is_durable(s, k)) {
        sim_fail(s, "%s of %u leaves before it is durable", what, who);
    }
}

/* ---- the call's stream ---- */

/* Whose stream it is, and of which call. */
struct owner {
    struct sim_request *request;
    struct sim_deed *deed; /* NULL: a session's own stream, or nobody is there any more */
    struct id call;
};

static bool find_call(struct sim *s, const struct sim_request *r, struct id *call_out)
{
    struct key k = key_request(r->client->session, str_of(r->request_id));
    struct request_record record;
    struct buf value;
    bool is_there;

    buf_init(&value, SIZE_MAX / 2);
    is_there = sim_get(s, k, &value) && request_record_dec(buf_str(&value), &record) == DMCP_OK;
    if (is_there) {
        *call_out = record.call;
    }
    buf_fini(&value);
    return is_there;
}

static struct owner find_owner(struct sim *s, const struct action *a)
{
    const struct sim_conn *conn = sim_conn_find(s, a->peer);
    struct owner o = { .call = a->event.stream };

    if (conn && conn->kind == CONN_CALL && find_call(s, conn->request, &o.call)) {
        o.request = conn->request;
        o.deed = conn->request->deed;
    } else if (!conn && !id_eq(o.call, no_id) && !id_eq(o.call, a->session)) {
        o.deed = sim_deed_of_call(s, o.call);
    }
    if (o.request && !id_eq(a->event.stream, no_id) && !id_eq(a->event.stream, o.call)) {
        sim_fail(s, "deed %u is sent the stream of another call", o.deed->i);
    }
    return o;
}

static void acknowledge(struct sim *s, const struct owner *o)
{
    struct sim_deed *d = o->deed;

    if (d->is_swept) {
        return; /* what was on its way */
    }
    if (d->is_acked && !id_eq(d->call, o->call)) {
        sim_fail(s, "deed %u is done by two calls", d->i);
    }
    d->is_acked = true;
    d->call = o->call;
    if (!sim_has(s, key_of_id(KEY_CALL, o->call))) {
        sim_fail(s, "deed %u is acknowledged and has no row", d->i);
    }
    must_be_durable(s, key_of_id(KEY_CALL, o->call), "the acknowledgement", d->i);
    if (o->request) {
        s->stats.attached += !o->request->is_acked && d->key[0];
        o->request->is_acked = true;
        must_be_durable(s,
                        key_request(o->request->client->session, str_of(o->request->request_id)),
                        "the acknowledgement", d->i);
    }
}

static void check_event(struct sim *s, const struct action *a, struct id stream)
{
    struct key k = key_event(stream, a->event.sequence);
    struct event_record r;
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    if (!sim_get(s, k, &value)) { /* it may have gone with its session, or expired */
        if (sim_has(s, key_of_id(KEY_SESSION, a->session)) && !s->has_retention) {
            sim_fail(s, "event %s is sent and is not there", a->text.p);
        }
    } else if (event_record_dec(buf_str(&value), &r) != DMCP_OK || !str_eq(r.message, a->text)) {
        sim_fail(s, "event %u %s is not as it is stored", (unsigned)a->event.sequence, a->text.p);
    } else {
        must_be_durable(s, k, "an event", (unsigned)a->event.sequence);
    }
    buf_fini(&value);
    s->stats.events++;
    s->stats.list_events += str_starts(a->text, STR(SIM_LISTS));
}

static void check_reply(struct sim *s, const struct action *a, struct sim_deed *d)
{
    struct key k = key_of_id(KEY_RESULT, d->call);
    struct result_record result;
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    if (!d->is_swept &&
        (!sim_get(s, k, &value) || result_record_dec(buf_str(&value), &result) != DMCP_OK ||
         !str_eq(result.body, a->text) || a->event.sequence != result.n_events + 1)) {
        sim_fail(s, "deed %u is not answered with its result", d->i);
    }
    buf_fini(&value);
    if (!d->is_swept) {
        must_be_durable(s, k, "the answer", d->i);
        must_be_durable(s, key_of_id(KEY_UNFINISHED, d->call), "the end", d->i);
    }
    if (d->is_cancelled && a->event.outcome != OUTCOME_CANCELLED) {
        sim_fail(s, "deed %u was cancelled and is answered", d->i);
    }
    if (d->has_answer &&
        (!str_eqz(a->text, d->answer) || d->answer_sequence != a->event.sequence)) {
        sim_fail(s, "deed %u was answered %s and now %s", d->i, d->answer, a->text.p);
    }
    if (!d->has_answer && !d->is_swept) {
        d->has_answer = true;
        d->answer_sequence = a->event.sequence;
        snprintf(d->answer, sizeof(d->answer), "%.*s", STR_FMT(a->text));
        sim_check_answer(s, d, a->event.outcome);
    }
}

static void check_stream(struct sim *s, const struct action *a)
{
    struct owner o = find_owner(s, a);

    if (o.deed) {
        acknowledge(s, &o);
    }
    if (a->kind == ACT_EVENT && !id_eq(o.call, no_id)) {
        check_event(s, a, o.call);
    } else if (a->kind == ACT_REPLY && o.deed) {
        check_reply(s, a, o.deed);
    }
}

/* ---- sessions ---- */

/* An answer to a look-up may still be on its way when the session is already being closed. */
static void check_session(struct sim *s, const struct action *a, const struct sim_conn *conn)
{
    struct sim_client *c = conn->client;
    bool is_look = conn->command == CMD_SESSION_GET || conn->command == CMD_SESSION_UPDATE;
    struct key k = key_of_id(KEY_SESSION, a->session);
    bool is_there = sim_has(s, k), is_gone = sim_client_is_gone(c);

    if (!id_eq(c->session, a->session)) {
        return; /* its client never heard that it was opened, and opened another */
    }
    if (is_look && c->is_close_released) {
        sim_fail(s, "session %u is shown and was closed", (unsigned)c->i);
    }
    if (is_look && is_gone) {
        return;
    }
    if (c->is_expired) {
        return; /* and it may be gone by now */
    }
    if (is_there == is_gone) {
        sim_fail(s, "session %u is %s", (unsigned)c->i, is_there ? "not closed" : "not open");
    }
    if (!sim_is_durably_there(s, k)) {
        sim_fail(s, "session %u leaves before it is durable", c->i);
    }
    if (!is_look) {
        c->is_acked = true;
        c->is_close_released = is_gone;
    }
}

/* ---- what else is confirmed ---- */

static void check_signalled(struct sim *s, const struct sim_conn *conn, bool is_done)
{
    struct sim_op *op = conn->op;
    struct journal_record r = { .body = STR("") };
    struct buf value;
    struct key k;
    char body[16];
    int state;

    if (op->deed->is_swept) {
        return;
    }
    buf_init(&value, SIZE_MAX / 2);
    k = sim_turn_key(&op->turns[0], op->deed->call);
    state = sim_journal(s, k, &value, &r);
    snprintf(body, sizeof(body), "\"w%d\"", conn->word);
    if (is_done) {
        if (state != STEP_DONE || !str_eqz(r.body, body) || op->signal_word) {
            sim_fail(s, "signal %s is accepted and not recorded", body);
        }
        must_be_durable(s, k, "a signal", op->deed->i);
        op->signal_word = conn->word;
    } else if ((state == 0 || state == STEP_STARTED) && !sim_is_finished(s, op->deed->call)) {
        sim_fail(s, "signal %s is refused and waited for", body);
    }
    buf_fini(&value);
}

/* The row that says that the call is to end, or how it ended. */
static void check_cancelled(struct sim *s, struct sim_deed *d)
{
    static const enum key_kind kinds[] = { KEY_UNFINISHED, KEY_SUSPENDED };
    struct unfinished_record u;
    struct result_record r;
    struct buf value;

    if (!d || !d->is_acked || d->is_swept) {
        return;
    }
    buf_init(&value, SIZE_MAX / 2);
    if (sim_get(s, key_of_id(KEY_RESULT, d->call), &value)) {
        d->is_cancelled |= result_record_dec(buf_str(&value), &r) == DMCP_OK &&
                           r.outcome == OUTCOME_CANCELLED;
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (sim_get(s, key_of_id(kinds[i], d->call), &value)) {
            if (unfinished_record_dec(buf_str(&value), &u) != DMCP_OK ||
                !(u.flags & UNFINISHED_CANCELLED)) {
                sim_fail(s, "deed %u is said to be cancelled and is not", d->i);
            }
            d->is_cancelled = true;
        }
    }
    buf_fini(&value);
}

static void check_done(struct sim *s, const struct action *a, const struct sim_conn *conn)
{
    bool is_there;
    char uri[48];
    struct key k;

    switch (conn->command) {
    case CMD_ANSWER:
        k = key_of_id(KEY_INPUT, conn->input);
        if (!conn->is_foreign && sim_has(s, k)) {
            sim_fail(s, "an answer is accepted and its question is still open");
        }
        if (!conn->is_foreign && !sim_is_durably_there(s, k)) {
            sim_fail(s, "an answer is confirmed before it is durable");
        }
        break;
    case CMD_SIGNAL:
        check_signalled(s, conn, true);
        break;
    case CMD_CANCEL:
        check_cancelled(s, conn->deed);
        break;
    case CMD_SUBSCRIBE:
        snprintf(uri, sizeof(uri), "u:%s", conn->op->turns[0].text);
        k = key_subscription(digest_id(str_of(uri)), a->session);
        is_there = sim_has(s, k);
        if (conn->client->control != conn->peer) {
            break; /* its client lost it, and may have asked for something else since */
        }
        if (is_there == conn->is_foreign && sim_has(s, key_of_id(KEY_SESSION, a->session))) {
            sim_fail(s, "a subscription is %s", is_there ? "not ended" : "not there");
        }
        if (!sim_is_durably_there(s, k)) {
            sim_fail(s, "a subscription is confirmed before it is durable");
        }
        break;
    default:
        check_session(s, a, conn);
        break;
    }
}

void sim_check_release(struct sim *s, const struct action *a)
{
    const struct sim_conn *conn = sim_conn_find(s, a->peer);

    switch (a->kind) {
    case ACT_DONE:
    case ACT_SESSION:
        if (conn && conn->kind == CONN_CONTROL) {
            check_done(s, a, conn);
        }
        break;
    case ACT_REFUSED:
        if (conn && conn->kind == CONN_CONTROL && conn->command == CMD_SIGNAL) {
            check_signalled(s, conn, false);
        }
        break;
    case ACT_PRIME:
    case ACT_EVENT:
    case ACT_REPLY:
        check_stream(s, a);
        break;
    default:
        break;
    }
}

/* ---- when a body runs ---- */

/* All that stands before it in the script, whoever recorded it. */
static void check_relied_on(struct sim *s, const struct sim_handler *h)
{
    const struct sim_deed *d = h->deed;
    struct id call = h->run->call;

    for (const struct sim_op *op = d->ops; op < h->turn->op; op++) {
        for (uint32_t turn = 0; turn < MAX_TURNS; turn++) {
            const struct sim_turn *t = &op->turns[turn];

            if (t->row_len > 0 && !sim_is_durable(s, sim_turn_key(t, call))) {
                sim_fail(s, "the body of %s runs before %s is durable", h->turn->text, t->text);
            }
        }
    }
    for (uint32_t i = 0; i < h->n_passed; i++) {
        const struct sim_turn *t = h->passed[i].turn;

        if (h->passed[i].has_row && !sim_has(s, sim_turn_key(t, call))) {
            sim_fail(s, "the body of %s runs and %s is not recorded", h->turn->text, t->text);
        }
    }
}

void sim_check_body(struct sim *s, const struct sim_handler *h)
{
    const struct sim_turn *t = h->turn;
    bool is_at_most_once = t->op->kind == OP_AT_MOST_ONCE;
    struct journal_record j;
    struct buf value;
    int state = 0;

    check_relied_on(s, h);
    buf_init(&value, SIZE_MAX / 2);
    if (t->row_len > 0) {
        state = sim_journal(s, sim_turn_key(t, h->run->call), &value, &j);
    }
    buf_fini(&value);
    if (state != (is_at_most_once ? STEP_STARTED : 0)) {
        sim_fail(s, "the body of %s runs in state %d", t->text, state);
    }
    if (is_at_most_once && t->bodies > t->resets) {
        sim_fail(s, "the body of %s runs a second time", t->text);
    }
}
