/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What simulated clients do beside calls, one thing at a time on a connection of its own: open and
 * close the session, look at it, answer questions that they have seen (with what fits, with what
 * does not, with an error, by giving up, twice, too late, or those that others were asked), cancel
 * calls and subscribe. What was asked is asked again until it is confirmed.
 */
#include <stdio.h>

#include "sim_world.h"

struct sim_conn *sim_side_ask(struct sim *s, struct sim_client *c, enum command_kind kind,
                              struct command **command_out)
{
    struct sim_conn *conn = c->control ? NULL : sim_conn_new(s, c, CONN_CONTROL);

    if (!conn) {
        return NULL;
    }
    conn->command = kind;
    c->control = conn->peer;
    *command_out = command_new(kind);
    (*command_out)->peer = conn->peer;
    (*command_out)->session = c->session;
    sim_trace(s, "client %u: command %d, peer %u", (unsigned)c->i, (int)kind,
              (unsigned)conn->peer);
    return conn;
}

/* ---- the session ---- */

static bool ask_session(struct sim *s, struct sim_client *c, enum command_kind kind)
{
    struct command *command;

    if (!sim_side_ask(s, c, kind, &command)) {
        return false;
    }
    if (kind == CMD_SESSION_OPEN) {
        command->open.protocol_version = STR("2025-06-18");
        command->open.principal = STR("");
        command->open.client_info = STR("{}");
        command->open.capabilities = STR("{}");
        command->open.flags = SESSION_ELICIT_FORM | SESSION_SAMPLING;
    } else if (kind == CMD_SESSION_UPDATE) {
        command->update.log_level = -1;
        command->update.flags = SESSION_INITIALIZED;
    }
    sim_post(s, command);
    return true;
}

/* ---- questions ---- */

static struct sim_question *find_question(struct sim_client *c, struct id input)
{
    for (int i = 0; i < MAX_QUESTIONS; i++) {
        if (c->questions[i].state != QUESTION_NONE && id_eq(c->questions[i].input, input)) {
            return &c->questions[i];
        }
    }
    return NULL;
}

/* The oldest that needs no answer makes room. */
static struct sim_question *free_question(struct sim_client *c)
{
    for (int i = 0; i < MAX_QUESTIONS; i++) {
        if (c->questions[i].state != QUESTION_OPEN) {
            return &c->questions[i];
        }
    }
    return NULL;
}

static bool find_id(struct str message, const char *in_front, struct id *id_out)
{
    const char *at = memmem(message.p, message.len, in_front, strlen(in_front));

    return at && at + strlen(in_front) + ID_HEX_BYTES <= message.p + message.len &&
           id_from_hex(str_make(at + strlen(in_front), ID_HEX_BYTES), id_out) == DMCP_OK;
}

static void see_question(struct sim *s, struct sim_client *c, struct str message, struct id input)
{
    const char *text = memmem(message.p, message.len, "<", 1);
    struct sim_turn *t = text ? sim_turn_of_text(s, text) : NULL;
    struct sim_question *q = find_question(c, input);

    if (!t) {
        sim_fail(s, "a question that no script asks: %.*s", STR_FMT(message));
    }
    if (q) {
        return; /* replayed */
    }
    s->stats.questions++;
    s->stats.asked_again += memmem(message.p, message.len, "Sorry", 5) != NULL;
    q = free_question(c);
    if (!q) {
        sim_fail(s, "a client is asked too much");
    }
    *q = (struct sim_question){ .state = QUESTION_OPEN, .input = input, .op = (struct sim_op *)t->op };
    q->is_ignored = t->op->ms && sim_chance(s, 30);
}

void sim_side_saw(struct sim *s, struct sim_client *c, struct str message)
{
    struct sim_question *q;
    struct id id;

    if (find_id(message, "\"requestId\":\"", &id)) {
        q = find_question(c, id);
        if (q && q->state == QUESTION_OPEN) {
            q->state = QUESTION_WITHDRAWN;
            s->stats.withdrawn++;
        }
    } else if (find_id(message, "\"id\":\"", &id)) {
        see_question(s, c, message, id);
    }
}

static const char *answer_text(struct sim *s, struct command *command, int word)
{
    switch (random_below(&s->random, 6)) {
    case 0:
        return "{\"action\":\"decline\"}";
    case 1:
        return "{\"action\":\"accept\",\"content\":{}}";
    case 2:
        command->answer.is_error = true;
        return "{\"code\":-1,\"message\":\"no\"}";
    default:
        return arena_printf(&command->arena,
                            "{\"action\":\"accept\",\"content\":{\"say\":\"w%d\"},\"say\":\"w%d\"}",
                            word, word);
    }
}

/* Instead of answering with an error it may cancel the question: that comes to the same. */
static void give_up(struct sim *s, struct command *c)
{
    struct id input = c->answer.input;
    struct str text = c->answer.body;
    char hex[ID_HEX_BYTES + 1];

    if (c->answer.is_error && sim_chance(s, 50)) {
        id_to_hex(input, hex);
        c->kind = CMD_CANCEL;
        c->cancel.request_id = str_of(arena_printf(&c->arena, "\"%s\"", hex));
        c->cancel.input = input;
        c->cancel.reason = text;
        s->stats.given_up++;
    }
}

static bool send_answer(struct sim *s, struct sim_client *c, const struct sim_question *q,
                        bool is_foreign)
{
    int word = sim_word_new(s, q->op, is_foreign);
    struct command *command;
    struct sim_conn *conn = word ? sim_side_ask(s, c, CMD_ANSWER, &command) : NULL;

    if (!conn) {
        return false;
    }
    conn->input = q->input;
    conn->is_foreign = is_foreign;
    conn->op = q->op;
    command->answer.input = q->input;
    command->answer.body = str_of(answer_text(s, command, word));
    give_up(s, command);
    s->stats.foreign += is_foreign;
    s->stats.late_answers += q->state != QUESTION_OPEN;
    sim_post(s, command);
    return true;
}

/* Whether this client has a request for the deed: then it may answer. */
static bool is_concerned(const struct sim_client *c, const struct sim_deed *d)
{
    for (uint32_t i = 0; i < c->n_requests; i++) {
        if (c->requests[i].deed == d) {
            return true;
        }
    }
    return false;
}

static bool answer_foreign(struct sim *s, struct sim_client *c)
{
    struct sim_client *other = &s->clients[random_below(&s->random, s->n_clients)];

    for (int i = 0; i < MAX_QUESTIONS; i++) {
        const struct sim_question *q = &other->questions[i];

        if (q->state == QUESTION_OPEN && !is_concerned(c, q->op->deed)) {
            return send_answer(s, c, q, true);
        }
    }
    return false;
}

static bool answer(struct sim *s, struct sim_client *c)
{
    uint32_t from = random_below(&s->random, MAX_QUESTIONS);

    for (uint32_t i = 0; i < MAX_QUESTIONS; i++) {
        struct sim_question *q = &c->questions[(from + i) % MAX_QUESTIONS];

        if (q->state == QUESTION_OPEN && (!q->is_ignored || !s->is_wild)) {
            return send_answer(s, c, q, false);
        }
        if (q->state != QUESTION_NONE && sim_wild_chance(s, 20)) {
            return send_answer(s, c, q, false); /* once more, or too late */
        }
    }
    return false;
}

/* ---- cancelling, subscribing ---- */

static bool cancel(struct sim *s, struct sim_client *c)
{
    struct sim_request *r = &c->requests[random_below(&s->random, c->n_requests)];
    struct command *command;
    struct sim_conn *conn = sim_side_ask(s, c, CMD_CANCEL, &command);

    if (!conn) {
        return false;
    }
    conn->deed = r->is_acked ? r->deed : NULL; /* else it may be too early */
    r->deed->was_cancelled = true;
    command->cancel.request_id = str_of(r->request_id);
    s->stats.cancels++;
    sim_post(s, command);
    return true;
}

/* To what some deed says was updated. */
static bool subscribe(struct sim *s, struct sim_client *c)
{
    struct sim_deed *d = &s->deeds[random_below(&s->random, s->n_deeds)];
    struct command *command;
    struct sim_conn *conn;
    char uri[48];

    for (uint32_t i = 0; i < d->n_ops; i++) {
        struct sim_op *op = &d->ops[i];

        if (op->kind != OP_UPDATED || !(conn = sim_side_ask(s, c, CMD_SUBSCRIBE, &command))) {
            continue;
        }
        conn->op = op;
        snprintf(uri, sizeof(uri), "u:%s", op->turns[0].text);
        command->subscribe.uri = digest_id(str_of(uri));
        command->subscribe.is_end = sim_chance(s, 20);
        conn->is_foreign = command->subscribe.is_end;
        sim_post(s, command);
        return true;
    }
    return false;
}

/* ---- all ---- */

bool sim_side_act(struct sim *s, struct sim_client *c)
{
    if (c->control) {
        return false;
    }
    if (c->state == SESSION_NONE) {
        c->session = sim_id(s, NULL);
        return ask_session(s, c, CMD_SESSION_OPEN);
    }
    if (c->state == SESSION_CLOSING) {
        return ask_session(s, c, CMD_SESSION_CLOSE);
    }
    if (answer(s, c)) {
        return true;
    }
    switch (s->is_wild ? random_below(&s->random, 60) : UINT32_MAX) {
    case 0:
        c->state = SESSION_CLOSING;
        for (uint32_t i = 0; i < c->n_requests; i++) {
            c->requests[i].deed->was_cancelled |= !c->requests[i].deed->key[0];
        }
        return ask_session(s, c, CMD_SESSION_CLOSE);
    case 1:
        return cancel(s, c);
    case 2 ... 6:
        return ask_session(s, c, CMD_SESSION_GET);
    case 7 ... 8:
        return ask_session(s, c, CMD_SESSION_UPDATE);
    case 9 ... 22:
        return subscribe(s, c);
    case 23 ... 35:
        return answer_foreign(s, c);
    default:
        return false;
    }
}

static void read_answered(struct sim *s, struct sim_client *c, const struct sim_conn *conn)
{
    struct sim_question *q = find_question(c, conn->input);

    s->stats.answered++;
    if (q && !conn->is_foreign) {
        q->state = QUESTION_ANSWERED;
    }
}

/* What was refused, if it may be: because the session is gone. */
static void read_refused(struct sim *s, struct sim_client *c, const struct action *a)
{
    if (a->code != DMCP_E_GONE || !(sim_client_is_gone(c) || c->is_expired)) {
        sim_fail(s, "client %u is refused: %s", (unsigned)c->i, a->text.p);
    }
    if (c->state != SESSION_CLOSED) {
        sim_client_is_lost(s, c);
    }
}

void sim_side_read(struct sim *s, struct sim_conn *conn, const struct action *a)
{
    struct sim_client *c = conn->client;

    if (c == &s->operator) {
        s->stats.refused_signals += a->kind == ACT_REFUSED && conn->command == CMD_SIGNAL;
    } else if (a->kind == ACT_REFUSED) {
        read_refused(s, c, a);
    } else if (conn->command == CMD_SESSION_OPEN) {
        c->state = SESSION_OPEN;
    } else if (conn->command == CMD_SESSION_CLOSE) {
        c->state = SESSION_CLOSED;
        s->stats.closed_sessions++;
    } else if (conn->command == CMD_ANSWER) {
        read_answered(s, c, conn);
    }
    sim_conn_free(conn);
}
