/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated handlers: each runs its request's script from the top, as a worker would. Per part of
 * the script:
 *
 *   LOOK   the journal has it: its result is used. Else:
 *     at-least-once   [flush, if the call may have recorded what is not durable] -> BODY -> record
 *     at-most-once    begin -> BODY -> record | fail | reset (and begin again)
 *     the others      one command
 *
 * A new attempt that used what an earlier one recorded counts as having recorded it: a release
 * hands a call on in the same process, without a sync between.
 */
#include <stdio.h>

#include "sim_world.h"

#define MAX_TRIES 3

void sim_handler_start(struct sim *s, const struct action *a)
{
    struct sim_request *r = sim_request_of_call(s, a->session, a->dispatch.record.request_id);
    struct sim_handler *h = NULL;

    if (!r || !str_eqz(a->dispatch.record.params, r->params)) {
        sim_fail(s, "a request that should be a conflict was dispatched");
    }
    for (int i = 0; i < MAX_HANDLERS; i++) {
        if (s->handlers[i].is_used && id_eq(s->handlers[i].call, a->call)) {
            sim_fail(s, "call %s was dispatched while it runs", r->params);
        }
        if (!s->handlers[i].is_used && !h) {
            h = &s->handlers[i];
        }
    }
    *h = (struct sim_handler){
        .is_used = true, .call = a->call, .request = r, .attempt = a->dispatch.attempt
    };
    s->stats.calls++;
    sim_trace(s, "dispatch %s, attempt %u", r->params, (unsigned)h->attempt);
}

/* ---- asking ---- */

static struct command *command(struct sim_handler *h, enum command_kind kind)
{
    struct command *c = command_new(kind);

    c->call = h->call;
    c->waiter = h;
    h->waits_for = kind;
    h->phase = PHASE_WAIT;
    return c;
}

static void post_step(struct sim *s, struct sim_handler *h, enum step_op op, enum step_guard guard,
                      void *waiter)
{
    struct command *c = command(h, CMD_STEP);

    c->waiter = waiter;
    c->step.op = h->op = op;
    c->step.guard = guard;
    c->step.alias = str_of(h->request->ops[h->i_op].alias);
    c->step.body = command_dup(c, op == STEP_OP_BEGIN ? STR("") : str_of(h->body));
    sim_post(s, c);
}

/* Sometimes twice: a worker that lost the acknowledgement asks again. */
static void ask_step(struct sim *s, struct sim_handler *h, enum step_op op, enum step_guard guard)
{
    if (op != STEP_OP_BEGIN && sim_chance(s, 10)) {
        post_step(s, h, op, guard, NULL);
    }
    post_step(s, h, op, guard, h);
}

static void ask_map(struct sim *s, struct sim_handler *h, const struct sim_op *op)
{
    char name[4] = { 'm', (char)('0' + op->i_key), '\0' };
    struct key k = key_map(STR("m"), str_of(name));
    uint32_t n = sim_chance(s, 10) ? 2 : 1;

    for (uint32_t i = 0; i < n; i++) {
        struct command *c = command(h, CMD_MAP);

        c->waiter = i + 1 == n ? h : NULL;
        c->map.alias = str_of(op->alias);
        c->map.label = STR("m.put");
        c->map.digest = digest_id(str_of(op->text));
        batch_put(&c->map.rows, key_str(&k), str_of(op->text));
        sim_post(s, c);
    }
}

static void ask_event(struct sim *s, struct sim_handler *h, const struct sim_op *op)
{
    uint32_t n = sim_chance(s, 10) ? 2 : 1;

    for (uint32_t i = 0; i < n; i++) {
        struct command *c = command(h, CMD_EVENT);

        c->waiter = i + 1 == n ? h : NULL;
        c->event.alias = str_of(op->alias);
        c->event.label = STR("");
        c->event.message = str_of(op->text);
        c->event.to_session = op->kind == OP_SESSION_EVENT;
        sim_post(s, c);
    }
}

/* ---- the script ---- */

static struct sim_op *current(struct sim_handler *h)
{
    return &h->request->ops[h->i_op];
}

static void go_on(struct sim_handler *h, const char *result)
{
    snprintf(h->results[h->i_op], sizeof(h->results[0]), "%s", result);
    h->i_op++;
    h->n_tries = 0;
    h->phase = PHASE_LOOK;
}

static void finish(struct sim *s, struct sim_handler *h)
{
    struct command *c = command(h, CMD_CALL_DONE);
    char answer[96];

    sim_script_join(h->request, h->results, answer);
    c->waiter = NULL;
    c->done.outcome = OUTCOME_RESULT;
    c->done.body = command_dup(c, str_of(answer));
    sim_post(s, c);
    h->is_used = false;
    sim_trace(s, "handler %s ends: %s", h->request->params, answer);
}

static void give_back(struct sim *s, struct sim_handler *h, enum command_kind kind)
{
    struct command *c = command(h, kind);

    c->waiter = NULL;
    if (kind == CMD_CALL_PARK) {
        c->park.tool = sim_tool;
    }
    sim_post(s, c);
    h->is_used = false;
    sim_trace(s, "handler %s gives its call back", h->request->params);
}

/* A worker need not wait until its result is recorded: the next command is applied after it. */
static void record(struct sim *s, struct sim_handler *h, enum step_guard guard)
{
    if (sim_chance(s, 50)) {
        ask_step(s, h, STEP_OP_RECORD, guard);
    } else {
        post_step(s, h, STEP_OP_RECORD, guard, NULL);
        h->is_dirty = true;
        go_on(h, h->body);
    }
}

static void lose_step(struct sim *s, struct sim_handler *h, const char *result)
{
    s->stats.lost_steps++;
    go_on(h, result);
}

/* What an at-most-once step becomes that an earlier attempt began. */
static void look_at_attempted(struct sim *s, struct sim_handler *h, int state)
{
    h->is_dirty = true;
    if (sim_chance(s, 50)) { /* asking gives the same answer as looking */
        ask_step(s, h, STEP_OP_BEGIN, GUARD_AT_MOST_ONCE);
    } else {
        lose_step(s, h, state == STEP_STARTED ? "lost" : "failed");
    }
}

static void look_at_absent(struct sim *s, struct sim_handler *h, struct sim_op *op)
{
    switch (op->kind) {
    case OP_AT_LEAST_ONCE:
        if (h->is_dirty) {
            sim_post(s, command(h, CMD_CALL_FLUSH));
        } else {
            h->phase = PHASE_BODY;
        }
        break;
    case OP_AT_MOST_ONCE:
        if (h->n_tries < MAX_TRIES) {
            ask_step(s, h, STEP_OP_BEGIN, GUARD_AT_MOST_ONCE);
        } else {
            go_on(h, "gave up");
        }
        break;
    case OP_VALUE:
        snprintf(h->body, sizeof(h->body), "v%u", (unsigned)++s->n_results);
        record(s, h, GUARD_VALUE);
        break;
    case OP_MAP:
        ask_map(s, h, op);
        break;
    default:
        ask_event(s, h, op);
        break;
    }
}

static void look(struct sim *s, struct sim_handler *h)
{
    struct sim_op *op = current(h);
    struct journal_record r;
    char result[16];
    struct buf value;
    int state;

    buf_init(&value, SIZE_MAX / 2);
    state = sim_journal(s, h->call, op->alias, &value, &r);
    if (state == STEP_DONE) {
        h->is_dirty = true;
        snprintf(result, sizeof(result), "%.*s", STR_FMT(r.body));
        go_on(h, result);
    } else if (state != 0) {
        look_at_attempted(s, h, state);
    } else {
        look_at_absent(s, h, op);
    }
    buf_fini(&value);
}

/* ---- bodies ---- */

static void run_body(struct sim *s, struct sim_handler *h)
{
    struct sim_op *op = current(h);

    sim_check_body(s, h, op);
    s->stats.bodies++;
    op->bodies++;
    sim_trace(s, "body of %s %s, run %u", h->request->params, op->alias, (unsigned)op->bodies);
    if (sim_wild_chance(s, h->request->is_segfaulty ? 80 : 1)) {
        sim_die(s, DEATH_OF_PROCESS, h);
        return;
    }
    snprintf(h->body, sizeof(h->body), "r%u", (unsigned)++s->n_results);
    if (op->kind == OP_AT_LEAST_ONCE) {
        if (!sim_chance(s, 20)) { /* else it failed and is tried again */
            record(s, h, GUARD_AT_LEAST_ONCE);
        }
    } else if (sim_chance(s, 60)) {
        record(s, h, GUARD_AT_MOST_ONCE);
    } else if (sim_chance(s, 50)) {
        op->resets++;
        s->stats.resets++;
        ask_step(s, h, STEP_OP_RESET, GUARD_AT_MOST_ONCE);
    } else {
        s->stats.failed_steps++;
        ask_step(s, h, STEP_OP_FAIL, GUARD_AT_MOST_ONCE);
    }
}

void sim_handler_step(struct sim *s, struct sim_handler *h)
{
    if (h->phase == PHASE_BODY) {
        run_body(s, h);
    } else if (sim_wild_chance(s, 2)) {
        s->stats.released++;
        give_back(s, h, CMD_CALL_RELEASE);
    } else if (h->i_op == 0 && sim_wild_chance(s, 1)) {
        s->stats.parked++;
        give_back(s, h, CMD_CALL_PARK);
    } else if (h->i_op == h->request->n_ops) {
        finish(s, h);
    } else {
        look(s, h);
    }
}

/* ---- answers ---- */

/* What the worker is told was done is in the store. */
static void check_done(struct sim *s, struct sim_handler *h)
{
    static const int states[] = { [STEP_OP_RECORD] = STEP_DONE,
                                  [STEP_OP_BEGIN] = STEP_STARTED,
                                  [STEP_OP_FAIL] = STEP_FAILED,
                                  [STEP_OP_RESET] = 0 };
    struct journal_record r = { .body = STR("") };
    struct buf value;
    int state;

    buf_init(&value, SIZE_MAX / 2);
    state = sim_journal(s, h->call, current(h)->alias, &value, &r);
    if (state != states[h->op] || (state == STEP_DONE && !str_eqz(r.body, h->body))) {
        sim_fail(s, "step %s %s is in state %d after operation %d", h->request->params,
                 current(h)->alias, state, (int)h->op);
    }
    buf_fini(&value);
}

static void step_answered(struct sim *s, struct sim_handler *h, const struct action *a)
{
    if (h->op == STEP_OP_BEGIN && a->code == DMCP_E_ATTEMPTED) {
        lose_step(s, h, a->text.len ? "failed" : "lost");
        return;
    }
    if (a->code != DMCP_OK) {
        sim_fail(s, "step %s %s: %d %s", h->request->params, current(h)->alias, a->code, a->text.p);
    }
    check_done(s, h);
    switch (h->op) {
    case STEP_OP_BEGIN:
        h->n_tries++;
        h->is_dirty = false; /* what it waited for covers all that was recorded before */
        h->phase = PHASE_BODY;
        break;
    case STEP_OP_RESET:
        h->phase = PHASE_LOOK;
        break;
    case STEP_OP_FAIL:
        lose_step(s, h, "failed");
        break;
    case STEP_OP_RECORD:
        h->is_dirty = true;
        go_on(h, h->body);
        break;
    }
}

void sim_handler_wake(struct sim *s, struct sim_handler *h, const struct action *a)
{
    if (!h->is_used || h->phase != PHASE_WAIT) {
        sim_fail(s, "a worker was woken that does not wait");
    }
    if (h->waits_for == CMD_STEP) {
        step_answered(s, h, a);
    } else if (a->code != DMCP_OK) {
        sim_fail(s, "%s %s: %d %s", h->request->params, current(h)->alias, a->code, a->text.p);
    } else if (h->waits_for == CMD_CALL_FLUSH) {
        h->is_dirty = false;
        h->phase = PHASE_BODY;
    } else {
        h->is_dirty = true;
        go_on(h, ""); /* as the journal has it */
    }
}
