/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated world: how it begins, which step comes next, how it ends. See sim.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "sim_world.h"

#define WILD_STEPS 1200
#define CALM_STEPS 20000

enum step_kind {
    STEP_APPLY,
    STEP_WRITE,
    STEP_SYNC,
    STEP_CLIENT,
    STEP_READ,
    STEP_HANDLER,
    STEP_NOTICE,
    STEP_TIME,
    STEP_OPERATOR,
    N_STEP_KINDS
};

void sim_trace(struct sim *s, const char *fmt, ...)
{
    va_list ap;

    if (s->plan.trace) {
        printf("# %4u ", s->step);
        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
        printf("\n");
    }
}

void sim_fail(struct sim *s, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (fiber_is_inside()) { /* the test's stack is the other one */
        snprintf(s->failure, sizeof(s->failure), "%s", text);
        fiber_yield();
    }
    fail_msg("SEED=%llu, step %u: %s", (unsigned long long)s->plan.seed, s->step, text);
    abort(); /* fail_msg does not come back, but does not say so to the compiler */
}

bool sim_chance(struct sim *s, uint32_t percent)
{
    return random_chance(&s->random, percent);
}

bool sim_wild_chance(struct sim *s, uint32_t percent)
{
    return s->is_wild && random_chance(&s->random, percent);
}

struct id sim_id(struct sim *s, const struct id *shard_of)
{
    uint8_t random[10];
    struct id id;

    random_fill(&s->random, random, sizeof(random));
    id = uuid7_next(&s->uuids, s->now.wall_ms, random);
    if (shard_of) {
        id.b[15] = shard_of->b[15];
    }
    return id;
}

/* ---- beginning ---- */

/* In most worlds nothing expires; in the others it does while it is still asked for. */
static void draw_options(struct sim *s)
{
    s->has_retention = sim_chance(s, 30);
    s->options = (struct engine_options){ .max_calls = 2 + random_below(&s->random, 8),
                                          .max_dispatched = 1 + random_below(&s->random, 5),
                                          .max_dispatched_bytes = 1000,
                                          .max_sessions = 100,
                                          .session_idle_ms = UINT32_MAX,
                                          .key_ms = UINT32_MAX,
                                          .prime_ms = random_below(&s->random, 60),
                                          .cancelled = STR(SIM_CANCELLED),
                                          .lists_changed = { STR(SIM_LISTS "0}"),
                                                             STR(SIM_LISTS "1}"),
                                                             STR(SIM_LISTS "2}") } };
    for (int i = 0; i < N_LISTS; i++) {
        s->lists[i] = 1;
    }
    if (s->has_retention) {
        s->options.session_idle_ms = 5000 + random_below(&s->random, 120000);
        s->options.keep_calls_ms = 1000 + random_below(&s->random, 60000);
        s->options.keep_events_ms = 1000 + random_below(&s->random, 60000);
    }
}

static void draw_weights(struct sim *s)
{
    static const uint32_t deaths[] = { 25, 60, 200, 800 };

    for (int i = 0; i < N_STEP_KINDS; i++) { /* so that each world has its own slow parts */
        s->weights[i] = 1 + random_below(&s->random, 20);
    }
    s->weights[STEP_NOTICE] = 1 + random_below(&s->random, 4);
    s->weights[STEP_OPERATOR] = 1 + random_below(&s->random, 8);
    s->death_every = deaths[random_below(&s->random, COUNT_OF(deaths))];
}

static struct sim *create(const struct sim_plan *plan)
{
    struct sim *s = mem_zalloc(sizeof(*s));

    s->plan = *plan;
    s->random.state = plan->seed;
    sim_time_begin(s);
    log_set_level(LOG_ERROR);
    s->now = (struct engine_time){ .wall_ms = UINT64_C(1699000000000), .mono_ms = 1000 };
    s->latest_ms = s->now.wall_ms;
    s->is_wild = !plan->has_one_death;
    s->is_thorough = plan->trace || plan->seed % 16 == 0;
    s->n_wild_steps = random_below(&s->random, WILD_STEPS);
    draw_options(s);
    sim_script_draw(s);
    draw_weights(s);
    s->operator.i = MAX_CLIENTS;
    s->store = store_memory_new();
    hmap_init(&s->rows_known);
    s->last_mail = &s->mail;
    action_list_init(&s->out);
    action_list_init(&s->durable);
    batch_init(&s->rows);
    waiter_init(&s->outside);
    mailbox_init(&s->io, NULL, NULL);
    atomic_init(&s->is_stopping, false);
    return s;
}

static void destroy(struct sim *s)
{
    struct hmap_entry *cursor = NULL;
    struct sim_row *row;

    sim_stop(s);
    while ((row = hmap_next(&s->rows_known, &cursor, NULL))) {
        mem_free(row);
    }
    hmap_fini(&s->rows_known);
    batch_fini(&s->rows);
    waiter_fini(&s->outside);
    mailbox_fini(&s->io);
    store_close(s->store);
    sim_time_end();
    mem_free(s);
}

/* ---- steps ---- */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How long until something is due for which somebody waits; a second when nothing is. */
static uint64_t until_due(struct sim *s)
{
    uint64_t at = s->now.mono_ms + 1000;

    if (s->is_up) {
        uint64_t due = engine_deadline(s->engine, s->now);

        at = due == UINT64_MAX ? at : due;
    }
    for (int i = 0; i < MAX_HANDLERS; i++) {
        if (s->handlers[i].is_used && s->handlers[i].phase == PHASE_RESTING) {
            at = min_u64(at, s->handlers[i].rest_until_ms);
        }
    }
    return at > s->now.mono_ms ? at - s->now.mono_ms : 0;
}

static uint64_t draw_time(struct sim *s)
{
    uint64_t ms = random_below(&s->random, 40);

    if (sim_chance(s, s->is_wild ? 5 : 25)) {
        ms += min_u64(until_due(s), 60000);
    }
    if (s->has_retention && sim_wild_chance(s, 4)) {
        ms += random_below(&s->random, 40000);
    }
    return ms;
}

static void let_time_pass(struct sim *s)
{
    uint64_t ms = draw_time(s);
    struct command *sweep;

    s->now.wall_ms += ms;
    s->now.mono_ms += ms;
    if (sim_wild_chance(s, 1)) {
        sim_set_clock(s);
    }
    s->latest_ms = s->now.wall_ms > s->latest_ms ? s->now.wall_ms : s->latest_ms;
    if (!s->is_up) {
        return;
    }
    if (sim_wild_chance(s, 4)) {
        sim_change_lists(s);
    }
    if (!s->is_tick_posted && engine_deadline(s->engine, s->now) <= s->now.mono_ms) {
        s->is_tick_posted = true;
        sim_post(s, command_new(CMD_TICK));
    }
    if (!s->is_sweep_posted && engine_sweep_due(s->engine) <= s->now.mono_ms) {
        s->is_sweep_posted = true;
        sweep = command_new(CMD_SWEEP);
        sweep->sweep.n_looks = 1 + random_below(&s->random, 3000);
        sweep->sweep.n_deletions = 1 + random_below(&s->random, 20);
        sim_post(s, sweep);
    }
}

/* From a random place on the first that is open; of those that have something to be read, if so. */
static struct sim_conn *any_conn(struct sim *s, bool has_mail)
{
    uint32_t from = random_below(&s->random, MAX_CONNS);

    for (uint32_t i = 0; i < MAX_CONNS; i++) {
        struct sim_conn *conn = &s->conns[(from + i) % MAX_CONNS];

        if (conn->peer && !conn->is_lost &&
            (!has_mail || conn->queue.first || conn->is_cut || conn->owed)) {
            return conn;
        }
    }
    return NULL;
}

static struct sim_handler *any_handler(struct sim *s)
{
    uint32_t from = random_below(&s->random, MAX_HANDLERS);

    for (uint32_t i = 0; i < MAX_HANDLERS; i++) {
        struct sim_handler *h = &s->handlers[(from + i) % MAX_HANDLERS];

        if (h->is_used && (h->phase == PHASE_READY ||
                           (h->phase == PHASE_RESTING && h->rest_until_ms <= s->now.mono_ms))) {
            return h;
        }
    }
    return NULL;
}

static void read_or_lose(struct sim *s)
{
    bool is_loss = sim_wild_chance(s, 15);
    struct sim_conn *conn = any_conn(s, !is_loss);

    if (!conn) {
        return;
    }
    if (is_loss) {
        sim_lose(s, conn);
    } else {
        sim_read(s, conn);
    }
}

static void handle(struct sim *s)
{
    struct sim_handler *h = any_handler(s);

    if (h) {
        sim_handler_step(s, h);
    }
}

static bool has_lost(struct sim *s)
{
    for (int i = 0; i < MAX_CONNS; i++) {
        if (s->conns[i].peer && s->conns[i].is_lost) {
            return true;
        }
    }
    return false;
}

/* Whether anything can come of it. */
static bool can_step(struct sim *s, enum step_kind kind)
{
    switch (kind) {
    case STEP_APPLY:
        return s->is_up && s->mail && !s->has_written && !s->was_recovered;
    case STEP_WRITE:
        return s->is_up && (s->rows.n > 0 || s->has_written || s->is_applied);
    case STEP_SYNC:
        return s->is_up && (s->syncing || s->synced < s->written || s->durable.first);
    case STEP_CLIENT:
    case STEP_OPERATOR:
        return s->is_up;
    case STEP_READ:
        return any_conn(s, true);
    case STEP_HANDLER:
        return any_handler(s);
    case STEP_NOTICE:
        return has_lost(s);
    case STEP_TIME:
    case N_STEP_KINDS:
        break;
    }
    return true;
}

static enum step_kind draw_step(struct sim *s)
{
    uint32_t weights[N_STEP_KINDS], sum = 0, at;
    int i;

    for (i = 0; i < N_STEP_KINDS; i++) {
        weights[i] = can_step(s, (enum step_kind)i) ? s->weights[i] : 0;
        sum += weights[i];
    }
    at = random_below(&s->random, sum);
    for (i = 0; at >= weights[i]; i++) {
        at -= weights[i];
    }
    return (enum step_kind)i;
}

static void take_step(struct sim *s, enum step_kind kind)
{
    switch (kind) {
    case STEP_APPLY:
        sim_apply(s);
        break;
    case STEP_WRITE:
        sim_write(s);
        break;
    case STEP_SYNC:
        sim_sync(s);
        break;
    case STEP_CLIENT:
        sim_client_act(s, &s->clients[random_below(&s->random, s->n_clients)]);
        break;
    case STEP_READ:
        read_or_lose(s);
        break;
    case STEP_HANDLER:
        handle(s);
        break;
    case STEP_NOTICE:
        sim_notice(s);
        break;
    case STEP_OPERATOR:
        sim_operator_act(s);
        break;
    default:
        let_time_pass(s);
        break;
    }
}

/* It is told to stop: handlers come to their next end, and then the process ends. */
static void begin_stop(struct sim *s)
{
    s->stats.stops++;
    atomic_store(&s->is_stopping, true);
    s->stop_step = s->step + 1 + random_below(&s->random, 40);
    sim_trace(s, "stop");
}

static void step(struct sim *s)
{
    const struct sim_plan *plan = &s->plan;

    s->step++;
    if (s->is_up && s->stop_step && s->stop_step <= s->step) {
        sim_die(s, DEATH_OF_PROCESS, NULL);
    }
    if (s->is_up && !s->stop_step && s->is_wild && random_below(&s->random, 200) == 0) {
        begin_stop(s);
    }
    if (!s->is_up && sim_chance(s, 30)) {
        sim_restart(s);
    } else if (plan->has_one_death && plan->death_step == s->step) {
        sim_die(s, plan->death, NULL);
    } else if (s->is_wild && random_below(&s->random, s->was_recovered ? s->death_every / 8 : s->death_every) == 0) {
        sim_die(s, (enum sim_death)random_below(&s->random, N_SIM_DEATHS), NULL);
    } else {
        take_step(s, draw_step(s));
    }
    s->stats.fingerprint = s->stats.fingerprint * 31 + random_below(&s->random, 1000);
}

/* ---- the end ---- */

static bool is_server_idle(struct sim *s)
{
    for (int i = 0; i < MAX_HANDLERS; i++) {
        if (s->handlers[i].is_used) {
            return false;
        }
    }
    return s->is_up && !s->mail && !s->has_written && s->rows.n == 0 && !s->durable.first &&
           s->synced == s->written && engine_counts(s->engine).ready == 0;
}

/* From here on everybody does what is left to do, and nobody is slower than the others. */
static void calm_down(struct sim *s)
{
    s->is_wild = false;
    for (int i = 0; i < N_STEP_KINDS; i++) {
        s->weights[i] = 10;
    }
}

static void add_stats(struct sim_stats *sum, const struct sim_stats *one)
{
    const uint32_t *from = (const uint32_t *)one;
    uint32_t *to = (uint32_t *)sum;

    for (size_t i = 0; i < sizeof(*one) / sizeof(*to); i++) {
        to[i] += from[i];
    }
}

static void show_waiting(struct sim *s)
{
    for (uint32_t i = 0; i < s->n_clients; i++) {
        const struct sim_client *c = &s->clients[i];

        sim_trace(s, "client %u: state %d, control %u, listener %u", i, (int)c->state,
                  (unsigned)c->control, (unsigned)c->listener);
        for (uint32_t j = 0; j < c->n_requests; j++) {
            const struct sim_request *r = &c->requests[j];

            sim_trace(s, "  request %u of deed %u, peer %u:%s%s%s%s", j, r->deed->i,
                      (unsigned)r->peer, r->is_acked ? " acked" : "",
                      r->is_answered ? " answered" : "", r->is_given_up ? " given up" : "",
                      r->deed->is_swept ? " swept" : "");
        }
    }
}

static void settle(struct sim *s)
{
    while (!is_server_idle(s) || !sim_clients_are_done(s)) {
        step(s);
        if (s->step > s->n_wild_steps + CALM_STEPS) {
            show_waiting(s);
            sim_fail(s, "somebody still waits, though nothing goes wrong any more");
        }
    }
}

bool sim_run(const struct sim_plan *plan, struct sim_stats *stats)
{
    struct sim *s = create(plan);
    bool was_reached;

    while (s->is_wild && s->step < s->n_wild_steps) {
        step(s);
    }
    calm_down(s);
    if (s->is_up && (s->stop_step || sim_chance(s, 50))) {
        sim_die(s, DEATH_OF_PROCESS, NULL); /* for those that were parked */
    } else if (s->is_up) {
        sim_post_lists(s, sim_tool);
    }
    settle(s);
    was_reached = !plan->has_one_death || s->step >= plan->death_step;
    sim_operator_finish(s);
    settle(s);
    sim_check_end(s);
    s->stats.steps = s->step;
    add_stats(stats, &s->stats);
    destroy(s);
    return was_reached;
}
