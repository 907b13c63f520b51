/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before a body runs, all that its call recorded is durable; and where nothing was recorded, no
 * time is lost waiting for the disk.
 */
#include "harness.h"

#include "stage.h"

enum deed {
    NOTHING,
    ASK_TIME,
    WRITE_MAP,
    WRITE_BATCH,
    SEND_EVENT,
    RUN_STEP,
    RUN_ONCE,
    FAIL_ONCE
};

struct plan {
    enum deed first;
    struct stage *stage;
    size_t n_unsynced; /* writes, when the second body ran */
    unsigned n_runs;
};

static int nothing(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)call;
    (void)arg;
    (void)result;
    return DMCP_OK;
}

static int fails(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)arg;
    (void)result;
    return dmcp_fail(call, 7, "no");
}

static int second(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct plan *p = arg;

    (void)call;
    (void)result;
    p->n_runs++;
    p->n_unsynced = store_memory_unsynced(p->stage->rig->store);
    return DMCP_OK;
}

static int do_first(dmcp_call *call, enum deed deed)
{
    dmcp_batch *b;
    uint64_t ms;

    switch (deed) {
    case NOTHING:
        return DMCP_OK;
    case ASK_TIME:
        return dmcp_now(call, &ms);
    case WRITE_MAP:
        return dmcp_map_insert(dmcp_map_open(call, "m"), "k", "v", 1);
    case WRITE_BATCH:
        b = dmcp_batch_new(call, NULL);
        dmcp_batch_insert(b, "m", "k", "v", 1);
        return dmcp_batch_write(b);
    case SEND_EVENT:
        return dmcp_log(call, DMCP_LOG_INFO, NULL, "x");
    case RUN_STEP:
        return dmcp_at_least_once(call, "first", nothing, NULL, NULL);
    case RUN_ONCE:
        return dmcp_at_most_once(call, "first", nothing, NULL, NULL);
    case FAIL_ONCE:
        DMCP_TRY(dmcp_now(call, &ms));
        assert_int_equal(dmcp_at_most_once(call, "first", fails, NULL, NULL), 7);
        return DMCP_OK;
    }
    return DMCP_E_INVALID;
}

static int two_deeds(dmcp_call *call)
{
    struct plan *p = dmcp_call_context(call);

    DMCP_TRY(do_first(call, p->first));
    return dmcp_at_least_once(call, "second", second, p, NULL);
}

static unsigned flushes_after(struct stage *st, enum deed deed)
{
    struct plan p = { .first = deed, .stage = st };

    stage_call(st, two_deeds, &p, "{}");
    assert_int_equal(p.n_runs, 1);
    assert_int_equal(p.n_unsynced, 0);
    return st->n_commands[CMD_CALL_FLUSH];
}

TEST_WITH(flush, comes_between_anything_recorded_and_a_body, stage_setup, stage_teardown)
{
    assert_int_equal(flushes_after(*state, ASK_TIME), 1);
    assert_int_equal(flushes_after(*state, WRITE_MAP), 1);
    assert_int_equal(flushes_after(*state, WRITE_BATCH), 1);
    assert_int_equal(flushes_after(*state, SEND_EVENT), 1);
    assert_int_equal(flushes_after(*state, RUN_STEP), 1);
    assert_int_equal(flushes_after(*state, RUN_ONCE), 1);
}

TEST_WITH(flush, is_not_needed_where_nothing_was_recorded_or_all_is_durable, stage_setup,
          stage_teardown)
{
    assert_int_equal(flushes_after(*state, NOTHING), 0);
    assert_int_equal(flushes_after(*state, FAIL_ONCE), 0); /* what it waited for covers all */
}

/* ---- what others wrote ---- */

/* As another call would. */
static uint64_t write_elsewhere(struct stage *st)
{
    struct key k = key_map(STR("other"), STR("k"));
    uint64_t position;
    struct batch rows;
    struct err e;

    batch_init(&rows);
    batch_put(&rows, key_str(&k), STR("\"v\""));
    assert_int_equal(store_write(st->rig->store, &rows, &position, &e), DMCP_OK);
    batch_fini(&rows);
    return position;
}

static void sync_up_to(struct stage *st, uint64_t position)
{
    struct err e;

    assert_int_equal(store_sync(st->rig->store, position, &e), DMCP_OK);
}

struct reading {
    struct plan plan;
    bool is_range, is_durable;
};

static int read_and_act(dmcp_call *call)
{
    struct reading *r = dmcp_call_context(call);
    dmcp_map *map = dmcp_map_open(call, "other");
    uint64_t position = write_elsewhere(r->plan.stage);
    const dmcp_entry *entries;
    const void *value;
    size_t n;

    if (r->is_durable) {
        sync_up_to(r->plan.stage, position);
    }
    if (r->is_range) {
        DMCP_TRY(dmcp_map_range(map, NULL, NULL, 1, &entries, &n));
    } else {
        DMCP_TRY(dmcp_map_get(map, "k", &value, NULL));
    }
    return dmcp_at_least_once(call, "second", second, &r->plan, NULL);
}

static unsigned flushes_after_reading(struct stage *st, struct reading r)
{
    r.plan.stage = st;
    stage_call(st, read_and_act, &r, "{}");
    assert_int_equal(r.plan.n_runs, 1);
    assert_int_equal(r.plan.n_unsynced, 0);
    return st->n_commands[CMD_CALL_FLUSH];
}

TEST_WITH(flush, comes_between_a_read_of_what_may_not_be_durable_and_a_body, stage_setup,
          stage_teardown)
{
    assert_int_equal(flushes_after_reading(*state, (struct reading){ .is_range = false }), 1);
    assert_int_equal(flushes_after_reading(*state, (struct reading){ .is_range = true }), 1);
}

TEST_WITH(flush, is_not_needed_where_what_was_read_is_durable, stage_setup, stage_teardown)
{
    assert_int_equal(flushes_after_reading(*state, (struct reading){ .is_durable = true }), 0);
    assert_int_equal(
        flushes_after_reading(*state, (struct reading){ .is_range = true, .is_durable = true }), 0);
}

static int tell_what_is_there(dmcp_call *call)
{
    dmcp_value *v;

    DMCP_TRY(dmcp_map_get_value(dmcp_map_open(call, "other"), "k", &v));
    return dmcp_reply_value(call, v);
}

TEST_WITH(flush, comes_before_an_ephemeral_answer_that_tells_what_may_not_be_durable, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;
    uint64_t position = write_elsewhere(st);

    stage_call_ephemeral(st, tell_what_is_there, NULL, "{}");
    assert_int_equal(st->n_syncs, 1);
    assert_int_equal(store_memory_unsynced(st->rig->store), 0);
    sync_up_to(st, position);
    stage_call_ephemeral(st, tell_what_is_there, NULL, "{}");
    assert_int_equal(st->n_applied, 0); /* it does not even ask */
}

static int tell_early(dmcp_call *call)
{
    const void *value;

    DMCP_TRY(dmcp_map_get(dmcp_map_open(call, "other"), "k", &value, NULL));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "it is %s", (const char *)value));
    assert_int_equal(store_memory_unsynced(((struct stage *)dmcp_call_context(call))->rig->store),
                     0);
    return DMCP_OK;
}

TEST_WITH(flush, comes_before_an_event_of_an_ephemeral_call_that_has_read, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;

    write_elsewhere(st);
    assert_non_null(strstr(stage_call_ephemeral(st, tell_early, st, "{}"), "it is"));
}

/* ---- what came from outside ---- */

static int signals(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct plan *p = arg;

    (void)call;
    (void)result;
    stage_signal(p->stage, "go", "1");
    assert_int_equal(store_memory_unsynced(p->stage->rig->store), 1);
    return dmcp_fail(call, 7, "so that nothing is recorded");
}

static int acts_on_signal(dmcp_call *call)
{
    const dmcp_step once = { .alias = "signals", .retry = { .max_attempts = 1 } };
    struct plan *p = dmcp_call_context(call);

    DMCP_TRY(dmcp_sleep(call, 10));
    assert_int_equal(dmcp_at_least_once_with(call, &once, signals, p, NULL), 7);
    DMCP_TRY(dmcp_await_signal(call, "go", 0, NULL));
    return dmcp_at_least_once(call, "second", second, p, NULL);
}

TEST_WITH(flush, comes_between_a_signal_that_came_a_moment_ago_and_a_body, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;
    struct plan p = { .stage = st, .n_unsynced = 99 };

    stage_start(st, acts_on_signal, &p, "{}");
    stage_attempt(st);
    stage_pass(st, 10);
    stage_attempt(st);
    assert_int_equal(p.n_runs, 1);
    assert_int_equal(p.n_unsynced, 0);
}

/* ---- what a body that is tried again wrote in its first try ---- */

static int writes_and_fails(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct plan *p = arg;

    (void)result;
    if (p->n_runs++ > 0) {
        p->n_unsynced = store_memory_unsynced(p->stage->rig->store);
        return DMCP_OK;
    }
    DMCP_TRY(do_first(call, WRITE_MAP));
    return dmcp_fail(call, 7, "again");
}

static int tried_again(dmcp_call *call)
{
    const dmcp_step step = { .alias = "a", .retry = { 5, 1, 1 } };

    return dmcp_at_least_once_with(call, &step, writes_and_fails, dmcp_call_context(call), NULL);
}

TEST_WITH(flush, comes_before_each_try, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct plan p = { .stage = st };

    stage_call(st, tried_again, &p, "{}");
    assert_int_equal(p.n_runs, 2);
    assert_int_equal(p.n_unsynced, 0);
    assert_int_equal(st->n_commands[CMD_CALL_FLUSH], 1);
}

/* ---- what an earlier attempt in the same process left ---- */

static int stopped_between(dmcp_call *call)
{
    struct plan *p = dmcp_call_context(call);

    DMCP_TRY(do_first(call, ASK_TIME));
    atomic_store(&p->stage->is_stopping, dmcp_call_attempt(call) == 1);
    return dmcp_at_least_once(call, "second", second, p, NULL);
}

TEST_WITH(flush, covers_what_earlier_attempts_recorded, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct plan p = { .stage = st, .n_unsynced = 99 };

    stage_start(st, stopped_between, &p, "{}");
    stage_attempt(st);
    assert_int_equal(p.n_runs, 0);
    stage_attempt(st); /* given back, it was dispatched again */
    assert_int_equal(p.n_runs, 1);
    assert_int_equal(p.n_unsynced, 0);
}

RUN_TESTS()
