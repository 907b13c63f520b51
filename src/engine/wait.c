/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits: what a handler needs from outside before it can go on. A wait is a row of the call's
 * journal:
 *
 *     absent --CMD_WAIT--> started --answer, signal-----> done      (body: what came)
 *        |                    |------error of the client--> failed  (body: its text; also when it
 *        |                    |                                      cancels the question)
 *        |                    +------time-----------------> expired (body: as it was)
 *        +--signal that comes before anybody waits for it--> done
 *
 * A sleep is a wait that only time ends. A question to the client has an input row too, by the id
 * that its answer will carry, for as long as it is open.
 */
#include "engine/internal.h"

static const struct id no_id;

static void put_input(struct engine *e, const struct call *call, struct id input,
                      struct str alias)
{
    struct input_record r = { .call = call->id, .session = call->session, .alias = alias };
    struct key k = key_of_id(KEY_INPUT, input);
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    input_record_enc(&value, &r);
    batch_put(e->rows, key_str(&k), buf_str(&value));
    buf_fini(&value);
}

static void del_input(struct engine *e, struct id input)
{
    struct key k = key_of_id(KEY_INPUT, input);

    batch_del(e->rows, key_str(&k));
}

static void ask(struct engine *e, struct call *call, const struct command *c)
{
    if (!id_eq(c->wait.old_input, no_id)) {
        del_input(e, c->wait.old_input);
        event_append(e, call, c->wait.cancel);
    }
    if (!id_eq(c->wait.input, no_id)) {
        put_input(e, call, c->wait.input, c->wait.alias);
        event_append(e, call, c->wait.ask);
        call->flags |= UNFINISHED_ASKING;
    }
}

static void begin_wait(struct engine *e, struct call *call, const struct command *c)
{
    struct journal_record r = { .guard = GUARD_INPUT,
                                .state = STEP_STARTED,
                                .attempt = call->attempt,
                                .at_ms = e->now.wall_ms,
                                .label = c->wait.label,
                                .body = c->wait.body };

    if (c->wait.delay_ms) {
        r.due_ms = timer_put(e, call->id, c->wait.alias, c->wait.delay_ms);
    }
    journal_put(e, call, c->wait.alias, &r);
    ask(e, call, c);
    call_prime(e, call);
}

/* A question that is still open is taken back; one that was answered meanwhile, or taken back
 * before, leaves nothing to do. */
static int take_back(struct engine *e, struct call *call, const struct command *c)
{
    struct key k = key_of_id(KEY_INPUT, c->wait.old_input);
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = engine_read(e, &k, &value);
    buf_fini(&value);
    if (rc == DMCP_OK) {
        del_input(e, c->wait.old_input);
        event_append(e, call, c->wait.cancel);
        call->flags &= (uint8_t)~UNFINISHED_ASKING;
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

static bool is_taken_back(const struct command *c)
{
    return id_eq(c->wait.input, no_id) && !id_eq(c->wait.old_input, no_id);
}

/*
 * 0. A question is taken back, whatever became of its row.
 * 1. Nothing recorded: begin to wait.
 * 2. It waits already, and a question takes the place of an older one: ask anew, the time goes on.
 * 3. It waits already: a lost acknowledgement.
 * 4. It came already (a signal before its wait): a conflict tells the handler to look again.
 */
int wait_apply(struct engine *e, const struct command *c)
{
    struct call *call = call_find(e, c->call);
    struct journal_record old;
    struct buf value;
    int rc, code = DMCP_OK;

    if (!call) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, DMCP_E_GONE, STR("the call is over"));
        return DMCP_OK;
    }
    if (engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST; /* a signal of this very batch must be seen */
    }
    rc = event_prepare(e, call);
    if (rc != DMCP_OK) {
        return rc;
    }
    if (is_taken_back(c)) { /* 0 */
        rc = take_back(e, call, c);
        engine_wake(e, c->waiter, WHEN_VISIBLE, DMCP_OK, STR(""));
        return rc;
    }
    buf_init(&value, SIZE_MAX / 2);
    rc = journal_get(e, call, c->wait.alias, &value, &old);
    if (rc == DMCP_E_NOTFOUND) { /* 1 */
        begin_wait(e, call, c);
        rc = DMCP_OK;
    } else if (rc == DMCP_OK && old.state != STEP_STARTED) { /* 4 */
        code = DMCP_E_CONFLICT;
    } else if (rc == DMCP_OK && !id_eq(c->wait.old_input, no_id)) { /* 2 */
        old.body = c->wait.body;
        journal_put(e, call, c->wait.alias, &old);
        ask(e, call, c);
    } /* 3 */
    buf_fini(&value);
    if (rc == DMCP_OK) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, code, STR(""));
    }
    return rc;
}

/* What a row waited for has come. DMCP_E_CONFLICT: it does not wait any more. DMCP_E_NOTFOUND: it
 * does not wait yet. */
static int settle(struct engine *e, struct call *call, struct str alias, enum step_state state,
                  struct str body)
{
    struct journal_record r;
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = journal_get(e, call, alias, &value, &r);
    if (rc == DMCP_OK && r.state != STEP_STARTED) {
        rc = DMCP_E_CONFLICT;
    }
    if (rc == DMCP_OK) {
        timer_drop(e, call->id, alias, r.due_ms);
        r.due_ms = 0;
        r.state = (uint8_t)state;
        r.attempt = call->attempt;
        r.at_ms = e->now.wall_ms;
        r.body = body;
        journal_put(e, call, alias, &r);
        call_wake(e, call);
    }
    buf_fini(&value);
    return rc;
}

/* The session that was asked, or one that came to the call by its key: it was sent the question
 * too. */
static int may_answer(struct engine *e, const struct command *c, const struct input_record *r,
                      bool *may_out)
{
    *may_out = id_eq(r->session, c->session);
    return *may_out ? DMCP_OK : reference_has(e, r->call, c->session, may_out);
}

static int settle_input(struct engine *e, struct id input, const struct input_record *r,
                        enum step_state state, struct str body)
{
    struct call *call;
    int rc = call_load(e, r->call, &call);

    if (rc == DMCP_OK) {
        call->flags &= (uint8_t)~UNFINISHED_ASKING; /* before settling writes them */
        rc = settle(e, call, r->alias, state, body);
    }
    if (rc == DMCP_E_NOTFOUND || rc == DMCP_E_CONFLICT) {
        rc = DMCP_OK; /* the call is over, or it has waited for long enough */
    }
    if (rc == DMCP_OK) {
        del_input(e, input);
    }
    return rc;
}

/* DMCP_E_NOTFOUND: there is no such question to this session. */
static int end_question(struct engine *e, const struct command *c, struct id input,
                        enum step_state state, struct str body)
{
    struct key k = key_of_id(KEY_INPUT, input);
    struct input_record r;
    struct buf value;
    bool may = false;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = engine_read(e, &k, &value);
    if (rc == DMCP_OK && input_record_dec(buf_str(&value), &r) != DMCP_OK) {
        rc = engine_corrupt(e, "input", input);
    } else if (rc == DMCP_OK) {
        rc = may_answer(e, c, &r, &may);
    }
    if (rc == DMCP_OK) {
        rc = may ? settle_input(e, input, &r, state, body) : DMCP_E_NOTFOUND;
    }
    buf_fini(&value);
    return rc;
}

/* An answer to a question that is not open (any more), or that was not for this session, changes
 * nothing and is accepted all the same: the client did what it should. */
int wait_answer(struct engine *e, const struct command *c)
{
    int rc;

    if (engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST; /* two answers in one batch: the first counts */
    }
    rc = end_question(e, c, c->answer.input, c->answer.is_error ? STEP_FAILED : STEP_DONE,
                      c->answer.body);
    if (rc == DMCP_OK || rc == DMCP_E_NOTFOUND) {
        engine_done(e, c);
        rc = DMCP_OK;
    }
    return rc;
}

int wait_give_up(struct engine *e, const struct command *c)
{
    if (id_eq(c->cancel.input, no_id)) {
        return DMCP_E_NOTFOUND;
    }
    return end_question(e, c, c->cancel.input, STEP_FAILED, c->cancel.reason);
}

/* Nobody waits for it yet. */
static void keep_signal(struct engine *e, struct call *call, const struct command *c)
{
    struct journal_record r = { .guard = GUARD_INPUT,
                                .state = STEP_DONE,
                                .attempt = call->attempt,
                                .at_ms = e->now.wall_ms,
                                .label = STR(""),
                                .body = c->signal.body };

    journal_put(e, call, c->signal.alias, &r);
    call_wake(e, call);
}

int wait_signal(struct engine *e, const struct command *c)
{
    struct call *call;
    int rc, settled;

    if (engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST;
    }
    rc = call_load(e, c->call, &call);
    if (rc == DMCP_OK) {
        settled = settle(e, call, c->signal.alias, STEP_DONE, c->signal.body);
        if (settled == DMCP_E_NOTFOUND) {
            keep_signal(e, call, c);
            settled = DMCP_OK;
        }
        rc = settled;
    }
    if (rc == DMCP_OK) {
        engine_done(e, c);
    } else if (rc == DMCP_E_NOTFOUND) {
        engine_refuse(e, c->peer, rc, "no such call is unfinished");
        rc = DMCP_OK;
    } else if (rc == DMCP_E_CONFLICT) {
        engine_refuse(e, c->peer, rc, "the call has had this signal before");
        rc = DMCP_OK;
    }
    return rc;
}
