/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated workers: each runs call_execute, the real one, in a fiber. A handler has the thread
 * until it asks the engine something and waits, rests between two tries, or pauses; then others act,
 * for as long as the seed says. What it tells the engine without waiting may also make it pause.
 *
 * When the process dies its handlers are unwound: whatever they ask is refused, whatever they tell
 * is dropped, and no body and no condition does anything any more.
 */
#include "sim_world.h"

/* ---- beginning and end ---- */

static void take_commands(void *arg);

static struct sim_handler *free_place(struct sim *s, struct id call)
{
    struct sim_handler *h = NULL;

    for (int i = 0; i < MAX_HANDLERS; i++) {
        if (s->handlers[i].is_used && !s->handlers[i].is_leaving &&
            id_eq(s->handlers[i].run->call, call)) {
            sim_fail(s, "a call was dispatched while it runs");
        }
        if (!s->handlers[i].is_used && !h) {
            h = &s->handlers[i];
        }
    }
    return h;
}

static void make_run(struct sim_handler *h, const struct action *a)
{
    struct run *r = run_of(a);

    h->tool = (struct tool){ .method = (enum call_method)h->deed->method,
                             .name = STR("x"),
                             .fallbacks = STR("{}"),
                             .timeout_ms = h->deed->timeout_ms,
                             .handler = { sim_perform, h } };
    atomic_init(&h->tool.n_holders, 2); /* it is freed with its handler, not with the run */
    r->tool = &h->tool;
    h->run = r;
}

void sim_handler_start(struct sim *s, const struct action *a)
{
    struct sim_request *r = sim_request_of(s, a->session, a->dispatch.record.request_id);
    struct sim_handler *h;

    if (!r || !str_eqz(a->dispatch.record.params, r->deed->params)) {
        sim_fail(s, "a request that should be a conflict was dispatched");
    }
    if (atomic_load(&s->is_stopping)) {
        return; /* as workers_put does: it stays on disk */
    }
    h = free_place(s, a->call);
    *h = (struct sim_handler){ .s = s, .is_used = true, .deed = r->deed };
    make_run(h, a);
    mailbox_init(&h->commands, take_commands, h);
    waiter_init(&h->waiter);
    h->env = (struct call_env){ .engine = &h->commands,
                                .io = &s->io,
                                .store = s->store,
                                .is_stopping = &s->is_stopping };
    s->stats.calls++;
    sim_trace(s, "dispatch deed %u, attempt %u%s%s", r->deed->i, (unsigned)h->run->attempt,
              h->run->is_reask ? ", asks again" : "", h->run->flags ? ", has flags" : "");
}

static void end(struct sim_handler *h)
{
    if (h->fiber) {
        fiber_free(h->fiber);
    }
    waiter_fini(&h->waiter);
    mailbox_fini(&h->commands);
    run_free(h->run);
    h->is_used = false;
}

static void run(void *arg)
{
    struct sim_handler *h = arg;

    call_execute(&h->env, &h->waiter, h->run);
}

static void go_on(struct sim *s, struct sim_handler *h)
{
    if (!h->fiber) {
        h->fiber = fiber_new(run, h);
    }
    s->running = h;
    fiber_resume(h->fiber);
    s->running = NULL;
    if (s->failure[0]) {
        sim_fail(s, "%s", s->failure);
    }
    if (fiber_is_over(h->fiber)) {
        if (!h->is_dead) {
            sim_trace(s, "handler of deed %u ends", h->deed->i);
        }
        end(h);
    }
}

/* There is no such tool in this server. */
static void park(struct sim *s, struct sim_handler *h)
{
    struct command *c = command_new(CMD_CALL_PARK);

    c->call = h->run->call;
    c->park.tool = sim_tool;
    sim_post(s, c);
    s->stats.parked++;
    sim_trace(s, "handler of deed %u parks its call", h->deed->i);
    end(h);
}

void sim_handler_step(struct sim *s, struct sim_handler *h)
{
    if (!h->fiber && sim_wild_chance(s, 1)) {
        park(s, h);
        return;
    }
    h->phase = PHASE_READY;
    go_on(s, h);
    if (s->has_death_wish) {
        s->has_death_wish = false;
        sim_die(s, DEATH_OF_PROCESS, h);
    }
}

void sim_handlers_drop(struct sim *s)
{
    atomic_store(&s->is_stopping, true);
    for (int i = 0; i < MAX_HANDLERS; i++) {
        struct sim_handler *h = &s->handlers[i];

        if (!h->is_used) {
            continue;
        }
        h->is_dead = true;
        if (!h->fiber) {
            end(h);
            continue;
        }
        if (h->phase == PHASE_ASKING) {
            waiter_wake(&h->waiter, DMCP_E_STORE, STR("dead"));
        }
        go_on(s, h);
        if (h->is_used) {
            sim_fail(s, "a handler outlives its process");
        }
    }
    atomic_store(&s->is_stopping, false);
}

/* ---- what it does while it has the thread ---- */

void sim_handler_pause(struct sim_handler *h)
{
    if (!h->is_dead) {
        fiber_yield();
    }
}

void sim_handler_rest(struct sim *s, uint64_t until_mono_ms)
{
    struct sim_handler *h = s->running;

    if (!h->is_dead) {
        h->phase = PHASE_RESTING;
        h->rest_until_ms = until_mono_ms;
        fiber_yield();
    }
}

/* The alias under which what it does now stands in the journal. */
static struct str alias_of(const struct command *c, enum op_kind kind)
{
    static const uint8_t guards[N_OP_KINDS] = { [OP_AT_LEAST_ONCE] = GUARD_AT_LEAST_ONCE,
                                                [OP_AT_MOST_ONCE] = GUARD_AT_MOST_ONCE,
                                                [OP_VALUE] = GUARD_VALUE,
                                                [OP_UNTIL] = GUARD_UNTIL };

    switch (c->kind) {
    case CMD_STEP:
        return guards[kind] == c->step.guard ? c->step.alias : STR_NONE;
    case CMD_MAP:
        return c->map.alias;
    case CMD_EVENT:
        return c->event.alias;
    case CMD_WAIT:
        return kind == OP_AT_LEAST_ONCE || kind == OP_AT_MOST_ONCE || kind == OP_LOOP
                   ? STR_NONE
                   : c->wait.alias;
    case CMD_WATCH:
        return c->watch.alias;
    case CMD_LOOP:
        return kind == OP_LOOP ? c->loop.alias : STR_NONE;
    default:
        return STR_NONE;
    }
}

static void note_alias(struct sim_handler *h, const struct command *c)
{
    struct sim_turn *t = h->turn;
    struct str alias = t ? alias_of(c, t->op->kind) : STR_NONE;

    if (!alias.p) {
        return;
    }
    if (t->row_len == 0) {
        t->row_len = alias.len;
        memcpy(t->row, alias.p, alias.len);
    } else if (!str_eq(alias, str_make(t->row, t->row_len))) {
        snprintf(h->s->failure, sizeof(h->s->failure), "op %s has two rows", t->text);
    }
    t->resets += c->kind == CMD_STEP && c->step.op == STEP_OP_RESET;
}

static void copy_rows(struct batch *to, const struct batch *from)
{
    batch_init(to);
    buf_add_str(&to->ops, buf_str(&from->ops));
    to->n = from->n;
}

/* As if the acknowledgement had been lost and the worker asked again; NULL where that cannot be.
 * The strings stay the first command's, which is freed behind it. */
static struct command *again(const struct command *c)
{
    struct command *copy;

    if ((c->kind == CMD_STEP && c->step.op != STEP_OP_BEGIN && c->step.op != STEP_OP_RESET) ||
        c->kind == CMD_EVENT || c->kind == CMD_MAP || c->kind == CMD_LOOP) {
        copy = command_new(c->kind);
        copy->call = c->call;
        copy->session = c->session;
        switch (c->kind) {
        case CMD_STEP:
            copy->step = c->step;
            copy->step.alias = command_dup(copy, c->step.alias);
            copy->step.label = command_dup(copy, c->step.label);
            copy->step.body = command_dup(copy, c->step.body);
            break;
        case CMD_EVENT:
            copy->event = c->event;
            copy->event.alias = command_dup(copy, c->event.alias);
            copy->event.label = command_dup(copy, c->event.label);
            copy->event.message = command_dup(copy, c->event.message);
            break;
        case CMD_MAP:
            copy->map.alias = command_dup(copy, c->map.alias);
            copy->map.label = command_dup(copy, c->map.label);
            copy->map.digest = c->map.digest;
            copy_rows(&copy->map.rows, &c->map.rows);
            break;
        default:
            copy->loop.alias = command_dup(copy, c->loop.alias);
            copy->loop.label = command_dup(copy, c->loop.label);
            copy->loop.body = command_dup(copy, c->loop.body);
            copy->loop.digest = c->loop.digest;
            copy->loop.old_digest = c->loop.old_digest;
            copy->loop.is_done = c->loop.is_done;
            copy_rows(&copy->loop.rows, &c->loop.rows);
            break;
        }
        return copy;
    }
    return NULL;
}

static void tell(struct sim_handler *h, struct command *c)
{
    struct sim *s = h->s;
    bool asks = c->waiter;
    struct command *copy;

    note_alias(h, c);
    if (sim_chance(s, 10) && (copy = again(c))) {
        s->stats.repeated_commands++;
        sim_post(s, copy);
    }
    s->stats.released += c->kind == CMD_CALL_RELEASE;
    s->stats.suspended += c->kind == CMD_CALL_SUSPEND;
    h->is_leaving = c->kind == CMD_CALL_RELEASE || c->kind == CMD_CALL_SUSPEND ||
                    c->kind == CMD_CALL_DONE;
    sim_trace(s, "handler of deed %u: command %d%s", h->deed->i, (int)c->kind,
              asks ? ", waits" : "");
    sim_post(s, c);
    if (asks) {
        h->phase = PHASE_ASKING;
        fiber_yield();
    } else if (sim_chance(s, 30)) {
        fiber_yield();
    }
}

static void take_commands(void *arg)
{
    struct sim_handler *h = arg;
    struct mail *m = mailbox_take(&h->commands), *next;

    for (; m; m = next) {
        struct command *c = CONTAINER_OF(m, struct command, mail);

        next = m->next;
        if (h->is_dead) {
            if (c->waiter) {
                waiter_wake(c->waiter, DMCP_E_STORE, STR("dead"));
            }
            command_free(c);
        } else {
            tell(h, c);
        }
    }
}

/* ---- answers ---- */

void sim_handler_wake(struct sim *s, const struct action *a)
{
    struct sim_handler *h = CONTAINER_OF(a->waiter, struct sim_handler, waiter);

    if (!h->is_used || h->phase != PHASE_ASKING) {
        sim_fail(s, "a worker was woken that does not wait");
    }
    waiter_wake(&h->waiter, a->code, a->text);
    h->phase = PHASE_READY;
}

void sim_handler_cancel(struct sim *s, const struct action *a)
{
    for (int i = 0; i < MAX_HANDLERS; i++) {
        if (s->handlers[i].is_used && id_eq(s->handlers[i].run->call, a->call)) {
            atomic_fetch_or(&s->handlers[i].run->told, a->dispatch.flags);
            s->stats.told++;
        }
    }
}
