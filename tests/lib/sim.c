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

#include "sim_world.h"

#define WILD_STEPS 2000
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

/* ---- what the server offers ---- */

const struct id sim_no_tool = { { 0 } }, sim_tool = { { 7 } };

void sim_post_lists(struct sim *s, struct id added)
{
    struct command *c = command_new(CMD_LISTS);

    memcpy(c->lists.digests, s->lists, sizeof(s->lists));
    c->lists.added = added;
    sim_post(s, c);
}

static void change_lists(struct sim *s)
{
    bool is_tool = sim_chance(s, 50);

    s->lists[random_below(&s->random, N_LISTS)] = 1 + random_below(&s->random, 4);
    s->stats.list_changes++;
    s->stats.unparked += is_tool;
    sim_post_lists(s, is_tool ? sim_tool : sim_no_tool);
}

/* ---- beginning ---- */

static struct sim *create(const struct sim_plan *plan)
{
    struct sim *s = mem_zalloc(sizeof(*s));

    s->plan = *plan;
    s->random.state = plan->seed;
    s->now = (struct engine_time){ .wall_ms = UINT64_C(1699000000000), .mono_ms = 1000 };
    s->is_wild = !plan->has_one_death;
    s->n_wild_steps = random_below(&s->random, WILD_STEPS);
    s->options = (struct engine_options){ .max_calls = 2 + random_below(&s->random, 8),
                                          .max_dispatched = 1 + random_below(&s->random, 5),
                                          .max_dispatched_bytes = 1000,
                                          .max_sessions = 100,
                                          .session_idle_ms = UINT32_MAX,
                                          .prime_ms = random_below(&s->random, 60),
                                          .lists_changed = { STR(SIM_LISTS "0}"),
                                                             STR(SIM_LISTS "1}"),
                                                             STR(SIM_LISTS "2}") } };
    for (int i = 0; i < N_LISTS; i++) {
        s->lists[i] = 1;
    }
    s->n_clients = 1 + random_below(&s->random, MAX_CLIENTS);
    for (uint32_t i = 0; i < s->n_clients; i++) {
        struct sim_client *c = &s->clients[i];

        c->i = i;
        c->n_requests = 1 + random_below(&s->random, MAX_REQUESTS);
        for (uint32_t j = 0; j < c->n_requests; j++) {
            sim_script_draw(s, &c->requests[j], i, j);
        }
    }
    for (int i = 0; i < N_STEP_KINDS; i++) { /* so that each world has its own slow parts */
        s->weights[i] = 1 + random_below(&s->random, 20);
    }
    s->weights[STEP_NOTICE] = 1 + random_below(&s->random, 4);
    s->store = store_memory_new();
    hmap_init(&s->rows_known);
    s->last_mail = &s->mail;
    action_list_init(&s->out);
    action_list_init(&s->durable);
    batch_init(&s->rows);
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
    store_close(s->store);
    mem_free(s);
}

/* ---- steps ---- */

static void let_time_pass(struct sim *s)
{
    uint64_t ms = random_below(&s->random, 40);

    s->now.wall_ms += ms;
    s->now.mono_ms += ms;
    if (s->is_up && sim_wild_chance(s, 10)) {
        change_lists(s);
    }
    if (s->is_up && !s->is_tick_posted && engine_deadline(s->engine, s->now) <= s->now.mono_ms) {
        s->is_tick_posted = true;
        sim_post(s, command_new(CMD_TICK));
    }
}

static struct sim_conn *any_conn(struct sim *s)
{
    uint32_t from = random_below(&s->random, MAX_CONNS);

    for (uint32_t i = 0; i < MAX_CONNS; i++) {
        struct sim_conn *conn = &s->conns[(from + i) % MAX_CONNS];

        if (conn->peer && !conn->is_lost) {
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

        if (h->is_used && h->phase != PHASE_WAIT) {
            return h;
        }
    }
    return NULL;
}

static void read_or_lose(struct sim *s)
{
    struct sim_conn *conn = any_conn(s);

    if (!conn) {
        return;
    }
    if (sim_wild_chance(s, 4)) {
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

static enum step_kind draw_step(struct sim *s)
{
    uint32_t sum = 0, at;
    int i;

    for (i = 0; i < N_STEP_KINDS; i++) {
        sum += s->weights[i];
    }
    at = random_below(&s->random, sum);
    for (i = 0; at >= s->weights[i]; i++) {
        at -= s->weights[i];
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
    default:
        let_time_pass(s);
        break;
    }
}

static void step(struct sim *s)
{
    const struct sim_plan *plan = &s->plan;

    s->step++;
    if (!s->is_up && sim_chance(s, 30)) {
        sim_restart(s);
    } else if (plan->has_one_death && plan->death_step == s->step) {
        sim_die(s, plan->death, NULL);
    } else if (s->is_wild && random_below(&s->random, s->was_recovered ? 20 : 150) == 0) {
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
           s->synced == s->written && engine_deadline(s->engine, s->now) == UINT64_MAX &&
           engine_counts(s->engine).ready == 0;
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

bool sim_run(const struct sim_plan *plan, struct sim_stats *stats)
{
    struct sim *s = create(plan);
    bool was_reached;

    while (s->is_wild && s->step < s->n_wild_steps) {
        step(s);
    }
    calm_down(s);
    if (s->is_up && engine_counts(s->engine).calls > 0 && sim_chance(s, 50)) {
        sim_die(s, DEATH_OF_PROCESS, NULL); /* for those that were parked */
    } else if (s->is_up) {
        sim_post_lists(s, sim_tool);
    }
    while (!is_server_idle(s) || !sim_clients_are_done(s)) {
        step(s);
        if (s->step > s->n_wild_steps + CALM_STEPS) {
            sim_fail(s, "somebody still waits, though nothing goes wrong any more");
        }
    }
    sim_check_restart(s);
    sim_check_end(s);
    s->stats.steps = s->step;
    was_reached = !plan->has_one_death || s->step >= plan->death_step;
    add_stats(stats, &s->stats);
    destroy(s);
    return was_reached;
}
