/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of random pieces, steps, writes, waits, conditions and loops, some of which fail once and are
 * not minded, in a process that dies at random commands, while others write. Every other one is
 * validated. WALK_RUNS=n sets the number of seeds, SEED=n runs that one.
 *
 *   - nothing that is surely recorded is run again
 *   - the body of an at-most-once step runs once at most
 *   - the call comes to its end, cancelled or not, and leaves nothing that waits
 *   - no second run differs
 */
#include <stdlib.h>

#include "random.h"
#include "validate_script.h"

#define RUNS 400
#define OPS_MAX 8
#define ITERATIONS_MAX 4
#define PATIENCE 3000 /* moments of the world */

enum kind { STEP, ONCE, WRITE, LOG, NOW, SLEEP, SIGNAL, UNTIL, LOOP, N_KINDS };

/* One piece of the handler. */
struct op {
    enum kind kind;
    struct walk *walk;
    char alias[16];
    unsigned n_runs, n_failures;
    bool is_sure; /* it is recorded, and so is all in front of it */
    bool has_limit;
    uint64_t value;
    unsigned n_iterations, fails_at;
    bool waits, sleeps, logs; /* of each iteration */
    bool is_over[ITERATIONS_MAX + 1];
};

struct walk {
    struct stage *stage;
    struct random random;
    struct op ops[OPS_MAX];
    unsigned n_ops;
    bool may_be_cancelled, is_cancelled, may_fail;
};

/* ---- the world ---- */

static bool is_alive(const struct walk *w)
{
    return w->stage->n_applied < w->stage->cut;
}

/* Somebody writes what a condition waits for, or something beside it. */
static void write_something(struct walk *w)
{
    const struct op *op = &w->ops[random_below(&w->random, w->n_ops)];
    char key[32];

    snprintf(key, sizeof(key), "%s/%u", op->alias,
             op->kind == LOOP ? random_below(&w->random, op->n_iterations) : 0);
    stage_write(w->stage, "in", key, random_chance(&w->random, 70) ? "1" : "0");
}

/* ---- pieces ---- */

static int body(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct op *op = arg;

    assert_false(op->is_sure);
    op->n_runs++;
    assert_true(op->kind != ONCE || op->n_runs == 1);
    *result = dmcp_string(call, op->alias);
    return DMCP_OK;
}

struct condition {
    struct op *op;
    char key[32];
};

static int is_written(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct condition *c = arg;
    struct walk *w = c->op->walk;
    const void *value = "0";
    int rc = dmcp_map_get(dmcp_map_open(call, "in"), c->key, &value, NULL);

    if (rc != DMCP_OK && rc != DMCP_E_NOTFOUND) {
        return rc;
    }
    if (is_alive(w) && random_chance(&w->random, 20)) {
        write_something(w); /* after it was read, and before it is watched */
    }
    if (rc == DMCP_OK && c->op->n_failures > 0) {
        c->op->n_failures--;
        return dmcp_fail(call, 9, "the condition failed");
    }
    *result = dmcp_string(call, c->key);
    return strcmp(value, "1") == 0 ? DMCP_OK : DMCP_E_AGAIN;
}

static int await(dmcp_call *call, struct op *op, uint64_t index, const char *alias)
{
    struct condition c = { .op = op };
    int rc;

    snprintf(c.key, sizeof(c.key), "%s/%llu", op->alias, (unsigned long long)index);
    rc = dmcp_until(call, alias, is_written, &c, op->has_limit ? 1000 : 0, NULL);
    return rc == 9 || rc == DMCP_E_TIMEOUT ? DMCP_OK : rc;
}

static int count_iteration(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)call;
    (void)result;
    assert_false(*(bool *)arg);
    return DMCP_OK;
}

static int iterate(dmcp_call *call, dmcp_iteration *it)
{
    struct op *op = it->arg;

    assert_false(op->is_over[it->index]);
    for (uint64_t i = 0; i < it->index; i++) {
        op->is_over[i] = true;
    }
    DMCP_TRY(dmcp_at_least_once(call, "s", count_iteration, &op->is_over[it->index], NULL));
    if (op->logs) {
        DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "%s/%d", op->alias, (int)it->index));
    }
    if (op->waits) {
        DMCP_TRY(await(call, op, it->index, "u"));
    }
    if (op->sleeps) {
        DMCP_TRY(dmcp_sleep(call, 10));
    }
    if (it->index == op->fails_at && op->n_failures > 0) {
        op->n_failures--;
        return 5;
    }
    it->state = dmcp_integer(call, (it->state ? dmcp_int(it->state) : 0) + 1);
    it->is_last = it->index + 1 == op->n_iterations;
    return DMCP_OK;
}

static int run_loop(dmcp_call *call, struct op *op)
{
    dmcp_value *n;
    int rc = dmcp_loop(call, op->alias, 0, iterate, op, &n);

    if (rc == DMCP_OK) {
        assert_int_equal(dmcp_int(n), op->n_iterations);
    }
    return rc == 5 ? DMCP_OK : rc;
}

static int ask_time(dmcp_call *call, struct op *op)
{
    uint64_t ms;

    DMCP_TRY(dmcp_now(call, &ms));
    assert_true(!op->is_sure || ms == op->value);
    op->value = ms;
    return DMCP_OK;
}

static int write_map(dmcp_call *call, struct op *op)
{
    DMCP_TRY(dmcp_map_insert(dmcp_map_as(call, "out", op->alias), op->alias, "v", 1));
    for (struct op *before = op->walk->ops; before < op; before++) {
        before->is_sure = before->kind == STEP || before->kind == NOW || before->is_sure;
    }
    return DMCP_OK;
}

static int run_op(dmcp_call *call, struct op *op)
{
    int rc;

    switch (op->kind) {
    case STEP:
        return dmcp_at_least_once(call, op->alias, body, op, NULL);
    case ONCE:
        rc = dmcp_at_most_once(call, op->alias, body, op, NULL);
        return rc == DMCP_E_ATTEMPTED ? DMCP_OK : rc;
    case WRITE:
        return write_map(call, op);
    case LOG:
        return dmcp_log(call, DMCP_LOG_INFO, NULL, "%s", op->alias);
    case NOW:
        return ask_time(call, op);
    case SLEEP:
        return dmcp_sleep(call, 10);
    case SIGNAL:
        return dmcp_await_signal(call, op->alias, 0, NULL);
    case UNTIL:
        return await(call, op, 0, op->alias);
    case LOOP:
        return run_loop(call, op);
    case N_KINDS:
        break;
    }
    return DMCP_OK;
}

static int walk_handler(dmcp_call *call)
{
    struct walk *w = dmcp_call_context(call);

    for (unsigned i = 0; i < w->n_ops; i++) {
        DMCP_TRY(run_op(call, &w->ops[i]));
    }
    return dmcp_reply(call, "s", "there");
}

/* ---- a walk ---- */

static void draw(struct walk *w)
{
    struct random *r = &w->random;

    w->n_ops = 2 + random_below(r, OPS_MAX - 1);
    for (unsigned i = 0; i < w->n_ops; i++) {
        struct op *op = &w->ops[i];

        op->walk = w;
        op->kind = (enum kind)random_below(r, N_KINDS);
        snprintf(op->alias, sizeof(op->alias), "op%u", i);
        op->has_limit = random_chance(r, 30);
        op->n_failures = random_chance(r, 40);
        w->may_fail = w->may_fail || op->n_failures > 0;
        op->n_iterations = 1 + random_below(r, ITERATIONS_MAX);
        op->fails_at = random_below(r, op->n_iterations);
        op->waits = random_chance(r, 50);
        op->sleeps = random_chance(r, 50);
        op->logs = random_chance(r, 50);
    }
}

static void attempt(struct walk *w)
{
    struct stage *st = w->stage;

    st->cut = random_chance(&w->random, 40) ? random_below(&w->random, 12) : STAGE_NO_CUT;
    stage_attempt(st);
    if (!is_alive(w)) {
        stage_crash(st, SIZE_MAX);
    }
    st->cut = STAGE_NO_CUT;
}

/* Something happens while it waits. */
static void go_on(struct walk *w)
{
    const struct op *op = &w->ops[random_below(&w->random, w->n_ops)];

    if (w->may_be_cancelled && random_chance(&w->random, 10)) {
        w->is_cancelled = true;
        stage_cancel(w->stage);
        return;
    }
    switch (random_below(&w->random, 4)) {
    case 0:
        stage_pass(w->stage, 1 + random_below(&w->random, 400));
        break;
    case 1:
        stage_signal(w->stage, op->alias, "1");
        break;
    case 2:
        write_something(w);
        break;
    default:
        stage_crash(w->stage, SIZE_MAX);
        break;
    }
}

static size_t n_rows(struct walk *w, enum key_kind kind)
{
    return rig_count(w->stage->rig, key_kind_start(kind));
}

static void expect_end(struct walk *w)
{
    unsigned n_logs = 0;

    assert_true(stage_is_finished(w->stage));
    assert_int_equal(n_rows(w, KEY_WATCH) + n_rows(w, KEY_WATCHING), 0);
    /* A loop that failed may end otherwise when it is cancelled, in front of what was waited for. */
    assert_true((w->is_cancelled && w->may_fail) || n_rows(w, KEY_TIMER) == 0);
    assert_int_equal(n_rows(w, KEY_UNFINISHED) + n_rows(w, KEY_SUSPENDED), 0);
    if (w->is_cancelled) {
        return; /* how far it came is chance */
    }
    if (!strstr(stage_result(w->stage), "there")) {
        fail_msg("the result: %s", stage_result(w->stage));
    }
    for (unsigned i = 0; i < w->n_ops; i++) {
        const struct op *op = &w->ops[i];

        n_logs += op->kind == LOG;
        assert_true(op->kind != WRITE || stage_map_value(w->stage, "out", op->alias));
        assert_true(op->kind != STEP || op->n_runs > 0);
    }
    assert_true(rig_count(w->stage->rig, key_of_id(KEY_EVENT, w->stage->call)) >= n_logs);
}

static void run_walk(uint64_t seed)
{
    struct walk w = { .stage = stage_new(), .random = { seed } };

    print_message("# SEED=%llu\n", (unsigned long long)seed);
    draw(&w);
    w.may_be_cancelled = seed % 5 == 0;
    validating(w.stage, seed % 2 ? VALIDATE_ON : VALIDATE_OFF);
    stage_start(w.stage, walk_handler, &w, "{}");
    for (int i = 0; i < PATIENCE && !stage_is_finished(w.stage); i++) {
        if (w.stage->pending) {
            attempt(&w);
        } else {
            go_on(&w);
        }
    }
    expect_end(&w);
    validating(w.stage, VALIDATE_OFF);
    stage_free(w.stage);
}

TEST(walk, keeps_its_promises_wherever_the_process_dies)
{
    const char *seed = getenv("SEED"), *runs = getenv("WALK_RUNS");
    uint64_t n = runs ? strtoull(runs, NULL, 10) : RUNS;

    if (seed) {
        run_walk(strtoull(seed, NULL, 10));
        return;
    }
    for (uint64_t i = 1; i <= n; i++) {
        run_walk(i);
    }
}

RUN_TESTS()
