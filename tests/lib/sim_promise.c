/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the simulated world was promised: checked when something leaves for a client, when a body
 * runs, at every restart and at the end.
 */
#include <stdio.h>

#include "sim_world.h"

static void must_be_durable(struct sim *s, struct key k, const char *what, const char *who)
{
    if (!sim_is_durable(s, k)) {
        sim_fail(s, "%s of %s leaves before it is durable", what, who);
    }
}

/* ---- on its way to a client ---- */

static void acknowledge(struct sim *s, struct sim_request *r, struct id call)
{
    if (r->is_acked && !id_eq(r->call, call)) {
        sim_fail(s, "request %s has two calls", r->params);
    }
    r->is_acked = true;
    r->call = call;
    if (!sim_has(s, key_of_id(KEY_CALL, call))) {
        sim_fail(s, "request %s is acknowledged and has no row", r->params);
    }
    must_be_durable(s, key_of_id(KEY_CALL, call), "the acknowledgement", r->params);
    must_be_durable(s, key_request(r->client->session, str_of(r->request_id)),
                    "the acknowledgement", r->params);
}

/* The request whose stream it is; NULL for a session's own. */
static struct sim_request *stream_owner(struct sim *s, const struct action *a)
{
    struct call_record r;
    struct sim_request *request = NULL;
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    if (sim_get(s, key_of_id(KEY_CALL, a->event.stream), &value)) {
        if (call_record_dec(buf_str(&value), &r) != DMCP_OK) {
            sim_fail(s, "a call's row cannot be decoded");
        }
        request = sim_request_of_call(s, r.session, r.request_id);
    } else if (!id_eq(a->event.stream, a->session)) {
        sim_fail(s, "something is sent about a call that is not in the store");
    }
    buf_fini(&value);
    return request;
}

static void check_event(struct sim *s, const struct action *a)
{
    struct key k = key_event(a->event.stream, a->event.sequence);
    struct event_record r;
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    if (!sim_get(s, k, &value)) {
        if (sim_has(s, key_of_id(KEY_SESSION, a->session))) { /* else it went with its session */
            sim_fail(s, "event %s is sent and is not there", a->text.p);
        }
    } else if (event_record_dec(buf_str(&value), &r) != DMCP_OK || !str_eq(r.message, a->text)) {
        sim_fail(s, "event %u %s is not as it is stored", (unsigned)a->event.sequence, a->text.p);
    }
    must_be_durable(s, k, "an event", a->text.p);
    buf_fini(&value);
    s->stats.events++;
    s->stats.list_events += str_starts(a->text, STR(SIM_LISTS));
}

/* The answer is made of what the journal has. */
static void check_answer(struct sim *s, struct sim_request *r)
{
    char results[MAX_OPS][16] = { "" }, answer[96];
    struct journal_record j;
    struct buf value;

    if (strcmp(r->answer, SIM_CRASH_RESULT) == 0) {
        s->stats.crash_results++;
        if (r->n_blamed < LIMIT_CRASHES) {
            sim_fail(s, "request %s was given up after %u deaths", r->params,
                     (unsigned)r->n_blamed);
        }
        return;
    }
    buf_init(&value, SIZE_MAX / 2);
    for (uint32_t i = 0; i < r->n_ops; i++) {
        int state = sim_journal(s, r->call, r->ops[i].alias, &value, &j);

        snprintf(results[i], sizeof(results[0]), "%.*s", state == STEP_DONE ? (int)j.body.len : 10,
                 state == STEP_DONE      ? j.body.p
                 : state == STEP_STARTED ? "lost"
                 : state == STEP_FAILED  ? "failed"
                                         : "gave up");
        buf_reset(&value);
    }
    buf_fini(&value);
    sim_script_join(r, results, answer);
    if (strcmp(answer, r->answer) != 0) {
        sim_fail(s, "request %s is answered %s, its journal says %s", r->params, r->answer, answer);
    }
}

static void check_reply(struct sim *s, const struct action *a, struct sim_request *r)
{
    struct key k = key_of_id(KEY_RESULT, r->call);
    struct result_record result;
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    if (!sim_get(s, k, &value) || result_record_dec(buf_str(&value), &result) != DMCP_OK ||
        !str_eq(result.body, a->text) || a->event.sequence != result.n_events + 1) {
        sim_fail(s, "request %s is not answered with its result", r->params);
    }
    buf_fini(&value);
    must_be_durable(s, k, "the answer", r->params);
    must_be_durable(s, key_of_id(KEY_UNFINISHED, r->call), "the end", r->params);
    if (r->has_answer &&
        (!str_eqz(a->text, r->answer) || r->answer_sequence != a->event.sequence)) {
        sim_fail(s, "request %s was answered %s and now %s", r->params, r->answer, a->text.p);
    }
    if (!r->has_answer) {
        r->has_answer = true;
        r->answer_sequence = a->event.sequence;
        snprintf(r->answer, sizeof(r->answer), "%.*s", STR_FMT(a->text));
        check_answer(s, r);
    }
}

static struct sim_client *client_of(struct sim *s, struct id session)
{
    for (uint32_t i = 0; i < s->n_clients; i++) {
        if (id_eq(s->clients[i].session, session)) {
            return &s->clients[i];
        }
    }
    return NULL; /* its client never heard that it was opened, and opened another */
}

/* An answer to a look-up may still be on its way when the session is already being closed. */
static void check_session(struct sim *s, const struct action *a)
{
    struct sim_client *c = client_of(s, a->session);
    struct key k = key_of_id(KEY_SESSION, a->session);
    bool is_there = sim_has(s, k), is_closing;

    if (!c) {
        return;
    }
    is_closing = c->state == SESSION_CLOSING || c->state == SESSION_CLOSED;
    if (a->kind == ACT_SESSION && c->is_close_released) {
        sim_fail(s, "session %u is shown and was closed", (unsigned)c->i);
    }
    if (a->kind == ACT_SESSION && is_closing) {
        return;
    }
    if (is_there == is_closing) {
        sim_fail(s, "session %u is %s", (unsigned)c->i, is_there ? "not closed" : "not open");
    }
    must_be_durable(s, k, "the answer", "a session");
    if (a->kind == ACT_DONE) {
        c->is_acked = true;
        c->is_close_released = is_closing;
    }
}

void sim_check_release(struct sim *s, const struct action *a)
{
    struct sim_request *r;

    switch (a->kind) {
    case ACT_DONE:
    case ACT_SESSION:
        check_session(s, a);
        return;
    case ACT_PRIME:
    case ACT_EVENT:
    case ACT_REPLY:
        break;
    default:
        return;
    }
    r = stream_owner(s, a);
    if (r) {
        acknowledge(s, r, a->event.stream);
    }
    if (a->kind == ACT_EVENT) {
        check_event(s, a);
    } else if (a->kind == ACT_REPLY) {
        check_reply(s, a, r);
    }
}

/* ---- when a body runs ---- */

/* All that the handler did before; a step that was reset to the end left nothing. */
static void check_relied_on(struct sim *s, const struct sim_handler *h, const struct sim_op *op)
{
    const struct sim_request *r = h->request;

    for (uint32_t i = 0; i < r->n_ops; i++) {
        struct key k = key_journal(h->call, str_of(r->ops[i].alias));
        bool is_left_out = i >= h->i_op || strcmp(h->results[i], "gave up") == 0;

        if (!sim_is_durable(s, k) || (!is_left_out && !sim_has(s, k))) {
            sim_fail(s, "the body of %s %s runs before %s is durable", r->params, op->alias,
                     r->ops[i].alias);
        }
    }
}

void sim_check_body(struct sim *s, const struct sim_handler *h, const struct sim_op *op)
{
    const struct sim_request *r = h->request;
    struct journal_record j;
    struct buf value;
    int state;

    check_relied_on(s, h, op);
    buf_init(&value, SIZE_MAX / 2);
    state = sim_journal(s, h->call, op->alias, &value, &j);
    buf_fini(&value);
    if (state != (op->kind == OP_AT_MOST_ONCE ? STEP_STARTED : 0)) {
        sim_fail(s, "the body of %s %s runs in state %d", r->params, op->alias, state);
    }
    if (op->kind == OP_AT_MOST_ONCE && op->bodies > op->resets) {
        sim_fail(s, "the body of %s %s runs a second time", r->params, op->alias);
    }
}

/* ---- when the process is down ---- */

static void check_acked(struct sim *s, struct sim_request *r)
{
    struct key k = key_request(r->client->session, str_of(r->request_id));
    struct request_record request;
    bool has_result = sim_has(s, key_of_id(KEY_RESULT, r->call));
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    if (!sim_get(s, k, &value) || request_record_dec(buf_str(&value), &request) != DMCP_OK ||
        !id_eq(request.call, r->call) || !sim_has(s, key_of_id(KEY_CALL, r->call))) {
        sim_fail(s, "request %s was acknowledged and is lost", r->params);
    }
    if (has_result == sim_has(s, key_of_id(KEY_UNFINISHED, r->call))) {
        sim_fail(s, "request %s has a result %s", r->params,
                 has_result ? "and is unfinished" : "missing, and is not unfinished");
    }
    if (r->has_answer) {
        struct result_record result;

        buf_reset(&value);
        if (!sim_get(s, key_of_id(KEY_RESULT, r->call), &value) ||
            result_record_dec(buf_str(&value), &result) != DMCP_OK ||
            !str_eqz(result.body, r->answer)) {
            sim_fail(s, "request %s was answered and its result is lost", r->params);
        }
    }
    buf_fini(&value);
}

/* Every entry holds what the last write that was kept put there. */
static void check_maps(struct sim *s)
{
    for (uint32_t key = 0; key < N_MAP_KEYS; key++) {
        char name[4] = { 'm', (char)('0' + key), '\0' };
        const char *expected = NULL;
        struct buf value;
        bool is_there;

        for (uint32_t i = 0; i < s->n_map_writes; i++) {
            if (s->map_writes[i].op->i_key == key) {
                expected = s->map_writes[i].op->text;
            }
        }
        buf_init(&value, SIZE_MAX / 2);
        is_there = sim_get(s, key_map(STR("m"), str_of(name)), &value);
        if (is_there != !!expected || (is_there && !str_eqz(buf_str(&value), expected))) {
            sim_fail(s, "map entry %s is %s, not %s", name, is_there ? value.data : "absent",
                     expected ? expected : "absent");
        }
        buf_fini(&value);
    }
}

void sim_check_restart(struct sim *s)
{
    for (uint32_t i = 0; i < s->n_clients; i++) {
        struct sim_client *c = &s->clients[i];
        bool is_there = sim_has(s, key_of_id(KEY_SESSION, c->session));

        if (c->is_acked && c->state == SESSION_OPEN && !is_there) {
            sim_fail(s, "session %u was acknowledged and is lost", (unsigned)c->i);
        }
        if (c->is_close_released && is_there) {
            sim_fail(s, "session %u was closed and is back", (unsigned)c->i);
        }
        for (uint32_t j = 0; j < c->n_requests; j++) {
            if (c->requests[j].is_acked) {
                check_acked(s, &c->requests[j]);
            }
        }
    }
    check_maps(s);
}

/* ---- at the end ---- */

static size_t count_rows(struct sim *s, enum key_kind kind)
{
    struct key from = key_kind_start(kind), to = key_prefix_end(key_str(&from));
    struct range range = { .from = key_str(&from), .to = key_str(&to) };
    struct cursor *cursor = store_scan(s->store, &range);
    struct err err = { 0 };
    struct str key, value;
    size_t n = 0;

    while (cursor_next(cursor, &key, &value, &err) == DMCP_OK) {
        n++;
    }
    cursor_close(cursor);
    return n;
}

/* The event stands on its stream exactly once, if its handler got there. */
static void check_sent_once(struct sim *s, const struct sim_request *r, const struct sim_op *op)
{
    struct id stream = op->kind == OP_EVENT ? r->call : r->client->session;
    struct buf value;
    uint32_t n = 0;

    buf_init(&value, SIZE_MAX / 2);
    for (uint64_t sequence = 1; sim_get(s, key_event(stream, sequence), &value); sequence++) {
        struct event_record e;

        if (event_record_dec(buf_str(&value), &e) != DMCP_OK) {
            sim_fail(s, "an event cannot be decoded");
        }
        n += str_eqz(e.message, op->text);
        buf_reset(&value);
    }
    buf_fini(&value);
    if (n != 1 && !(n == 0 && r->client->state == SESSION_CLOSED)) {
        sim_fail(s, "event %s was sent %u times", op->text, (unsigned)n);
    }
}

static void check_effects(struct sim *s, const struct sim_request *r)
{
    for (uint32_t i = 0; i < r->n_ops; i++) {
        const struct sim_op *op = &r->ops[i];
        bool is_written = false;

        if (op->kind == OP_EVENT || op->kind == OP_SESSION_EVENT) {
            check_sent_once(s, r, op);
        }
        for (uint32_t j = 0; j < s->n_map_writes; j++) {
            is_written = is_written || s->map_writes[j].op == op;
        }
        if (op->kind == OP_MAP && !is_written) {
            sim_fail(s, "map write %s never happened", op->text);
        }
    }
}

static void check_told(struct sim *s, const struct sim_client *c)
{
    const struct sim_conn *conn = c->listener ? sim_conn_find(s, c->listener) : NULL;
    struct lists_record r = { { 0 } };
    struct buf value;

    if (!conn || conn->is_lost || conn->is_cut || !conn->knows_next || c->state != SESSION_OPEN) {
        return;
    }
    buf_init(&value, SIZE_MAX / 2);
    if (!sim_get(s, key_of_id(KEY_LISTS, c->session), &value) ||
        lists_record_dec(buf_str(&value), &r) != DMCP_OK ||
        memcmp(r.digests, s->lists, sizeof(s->lists)) != 0) {
        sim_fail(s, "client %u listens and does not know the lists", (unsigned)c->i);
    }
    buf_fini(&value);
}

void sim_check_end(struct sim *s)
{
    size_t n_calls = count_rows(s, KEY_CALL), n_conns = 0;

    for (int i = 0; i < MAX_CONNS; i++) {
        n_conns += s->conns[i].peer != 0;
    }
    if (engine_counts(s->engine).followers > n_conns) {
        sim_fail(s, "the engine keeps followers that left");
    }
    if (engine_counts(s->engine).calls > 0) {
        sim_fail(s, "the engine keeps calls that are over");
    }
    if (count_rows(s, KEY_UNFINISHED) > 0 || count_rows(s, KEY_RESULT) != n_calls ||
        count_rows(s, KEY_REQUEST) != n_calls) {
        sim_fail(s, "rows of calls are left over or missing");
    }
    for (uint32_t i = 0; i < s->n_clients; i++) {
        struct sim_client *c = &s->clients[i];

        check_told(s, c);
        for (uint32_t j = 0; j < c->n_requests; j++) {
            const struct sim_request *r = &c->requests[j];

            if (r->has_answer && strcmp(r->answer, SIM_CRASH_RESULT) != 0) {
                check_effects(s, r);
            }
        }
    }
}
