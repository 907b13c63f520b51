/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers: when they fire, in which order, how many at a time, and what becomes of those that
 * nothing waits for any more.
 */
#include "harness.h"
#include "rig.h"

#define TIMER_TEST(sentence) TEST_WITH(timer, sentence, rig_setup, rig_teardown)

#define AT_ONCE 512
#define MANY 1300

static size_t timers(struct rig *r)
{
    return rig_count(r, key_kind_start(KEY_TIMER));
}

static size_t suspended(struct rig *r)
{
    return rig_count(r, key_kind_start(KEY_SUSPENDED));
}

static uint64_t deadline(struct rig *r)
{
    return engine_deadline(r->engine, r->now);
}

static void tick(struct rig *r)
{
    rig_tick(r);
    rig_commit(r);
}

/* ---- due times ---- */

TIMER_TEST(without_timers_there_is_nothing_to_wake_up_for)
{
    struct rig *r = *state;

    assert_true(deadline(r) == UINT64_MAX);
    tick(r);
    rig_expect_nothing(r);
}

TIMER_TEST(nothing_fires_before_its_time)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "z", 1000);

    assert_true(deadline(r) == r->now.mono_ms + 1000);
    rig_pass(r, 999);
    assert_true(deadline(r) == r->now.mono_ms + 1);
    tick(r);
    rig_expect_nothing(r);
    assert_int_equal(rig_journal_state(r, call, "z"), STEP_STARTED);
    rig_pass(r, 1);
    assert_true(deadline(r) == r->now.mono_ms);
    tick(r);
    rig_expect_dispatch(r, call, 2);
    assert_int_equal(rig_journal_state(r, call, "z"), STEP_EXPIRED);
    assert_int_equal(timers(r), 0);
    assert_true(deadline(r) == UINT64_MAX);
}

TIMER_TEST(what_is_due_first_fires_first)
{
    struct rig *r = *state;
    struct id third = rig_sleeping(r, "z", 300), first = rig_sleeping(r, "z", 100);
    struct id second = rig_sleeping(r, "z", 200);

    assert_true(deadline(r) == r->now.mono_ms + 100);
    rig_pass(r, 100);
    tick(r);
    rig_expect_dispatch(r, first, 2);
    rig_expect_nothing(r);
    assert_true(deadline(r) == r->now.mono_ms + 100);
    rig_pass(r, 500); /* nobody looked for a while */
    tick(r);
    rig_expect_dispatch(r, second, 2);
    rig_expect_dispatch(r, third, 2);
}

TIMER_TEST(an_earlier_timer_that_comes_later_moves_the_deadline)
{
    struct rig *r = *state;

    rig_sleeping(r, "z", 1000);
    rig_sleeping(r, "z", 10);
    assert_true(deadline(r) == r->now.mono_ms + 10);
    rig_sleeping(r, "z", 500);
    assert_true(deadline(r) == r->now.mono_ms + 10);
}

TIMER_TEST(a_timer_set_in_the_batch_of_the_tick_is_seen)
{
    struct rig *r = *state;
    struct id early = rig_sleeping(r, "z", 10), late = rig_start_quietly(r);

    rig_pass(r, 10);
    rig_wait(r, late, "z", 5);
    tick(r);
    rig_skip_to(r, ACT_WAKE);
    rig_expect_dispatch(r, early, 2);
    rig_suspend(r, late);
    assert_true(deadline(r) == r->now.mono_ms + 5);
    rig_pass(r, 5);
    tick(r);
    rig_expect_dispatch(r, late, 2);
}

TIMER_TEST(two_waits_of_one_call_that_end_together_wake_it_once)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_wait(r, call, "y", 100);
    rig_wait(r, call, "z", 100);
    rig_suspend(r, call);
    rig_drop_actions(r);
    rig_pass(r, 100);
    tick(r);
    rig_expect_dispatch(r, call, 2);
    rig_expect_nothing(r);
    assert_int_equal(rig_journal_state(r, call, "y"), STEP_EXPIRED);
    assert_int_equal(rig_journal_state(r, call, "z"), STEP_EXPIRED);
}

TIMER_TEST(a_time_that_comes_while_the_handler_is_on_its_way_out_is_not_missed)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_wait(r, call, "z", 1);
    rig_pass(r, 1);
    tick(r);
    rig_drop_actions(r);
    rig_suspend(r, call);
    rig_expect_dispatch(r, call, 2);
}

TIMER_TEST(a_wait_without_end_and_one_longer_than_time_itself_set_no_timer)
{
    struct rig *r = *state;

    rig_sleeping(r, "z", 0);
    rig_sleeping(r, "z", UINT64_MAX);
    rig_sleeping(r, "z", UINT64_MAX - r->now.wall_ms + 1);
    assert_true(deadline(r) == UINT64_MAX);
    assert_int_equal(timers(r), 0);
    rig_sleeping(r, "z", UINT64_MAX - r->now.wall_ms - 1); /* the longest */
    assert_int_equal(timers(r), 1);
    rig_pass(r, 1000);
    tick(r);
    rig_expect_nothing(r);
}

/* ---- many ---- */

TIMER_TEST(more_than_fire_at_once_fire_one_lot_after_the_other)
{
    struct rig *r = *state;
    size_t n_run = 0;

    for (int i = 0; i < MANY; i++) {
        rig_sleeping(r, "z", 100);
    }
    rig_pass(r, 100);
    for (int lots = 0; deadline(r) == r->now.mono_ms; lots++) {
        assert_true(lots < 4);
        tick(r);
        while (r->queue.first) {
            n_run++;
            rig_done(r, rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE)->call, "{}");
            rig_commit(r);
        }
    }
    assert_int_equal(n_run, MANY);
    assert_int_equal(timers(r), 0);
    assert_int_equal(suspended(r), 0);
}

TIMER_TEST(while_woken_calls_wait_for_workers_others_stay_on_disk)
{
    struct rig *r = *state;

    for (int i = 0; i < MANY; i++) {
        rig_sleeping(r, "z", 100);
    }
    rig_pass(r, 100);
    tick(r);
    tick(r);
    assert_int_equal(suspended(r), MANY - 2 * AT_ONCE); /* the first lot was not yet full */
    assert_true(deadline(r) == r->now.mono_ms + 1000);
    tick(r);
    rig_pass(r, 999);
    tick(r);
    assert_int_equal(suspended(r), MANY - 2 * AT_ONCE);
    assert_true(deadline(r) == r->now.mono_ms + 1);
    for (int i = 0; i < 2 * AT_ONCE - 5 - 511; i++) { /* workers take their share */
        rig_done(r, rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE)->call, "{}");
        rig_commit(r);
    }
    assert_true(deadline(r) == r->now.mono_ms);
    tick(r);
    assert_int_equal(suspended(r), 0);
}

/* Else a handler that only its time limit ends could hold the worker that would make room. */
TIMER_TEST(a_second_later_more_fire_though_no_worker_was_free)
{
    struct rig *r = *state;

    for (int i = 0; i < MANY; i++) {
        rig_sleeping(r, "z", 100);
    }
    rig_pass(r, 100);
    tick(r);
    tick(r);
    rig_pass(r, 1000);
    assert_true(deadline(r) == r->now.mono_ms);
    tick(r);
    assert_int_equal(suspended(r), 0);
}

/* ---- stale ones ---- */

TIMER_TEST(the_timer_of_a_wait_that_got_its_answer_is_dropped_when_it_is_due)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r), input = rig_ask(r, call, "q", 100);

    rig_suspend(r, call);
    rig_answer(r, 0, input, "1");
    rig_commit(r);
    rig_wait(r, call, "z", 0);
    rig_suspend(r, call);
    rig_drop_actions(r);
    rig_pass(r, 100);
    tick(r);
    rig_expect_nothing(r);
    assert_int_equal(timers(r), 0);
    assert_int_equal(rig_journal_state(r, call, "q"), STEP_DONE);
    assert_int_equal(engine_counts(r->engine).calls, 0);
    assert_true(rig_has_id(r, KEY_SUSPENDED, call));
}

TIMER_TEST(the_timer_of_a_call_that_is_over_is_dropped_when_it_is_due)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_wait(r, call, "z", 100);
    rig_done(r, call, "{}");
    rig_commit(r);
    rig_drop_actions(r);
    rig_pass(r, 100);
    tick(r);
    rig_expect_nothing(r);
    assert_int_equal(timers(r), 0);
    assert_true(deadline(r) == UINT64_MAX);
    assert_int_equal(rig_journal_state(r, call, "z"), STEP_STARTED);
}

TIMER_TEST(the_timer_of_a_call_that_ends_in_this_batch_changes_nothing)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_wait(r, call, "z", 100);
    rig_commit(r);
    rig_drop_actions(r);
    rig_pass(r, 100);
    rig_done(r, call, "{}");
    tick(r);
    rig_expect_nothing(r);
    assert_int_equal(rig_journal_state(r, call, "z"), STEP_STARTED);
}

/* ---- the clock ---- */

TIMER_TEST(a_clock_that_is_set_forward_fires_what_is_due_by_then)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "z", 3600000);

    assert_true(deadline(r) <= r->now.mono_ms + 60000); /* so often it is looked at */
    r->now.wall_ms += 3600000;
    assert_true(deadline(r) == r->now.mono_ms);
    tick(r);
    rig_expect_dispatch(r, call, 2);
}

TIMER_TEST(a_clock_that_is_set_back_makes_timers_wait_until_it_is_their_time_again)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "z", 1000);

    r->now.wall_ms -= 5000;
    r->now.mono_ms += 1000;
    assert_true(deadline(r) == r->now.mono_ms + 6000);
    tick(r);
    rig_expect_nothing(r);
    rig_pass(r, 6000);
    tick(r);
    rig_expect_dispatch(r, call, 2);
}

TIMER_TEST(a_clock_that_is_set_back_while_timers_fire_loses_none)
{
    struct rig *r = *state;

    rig_sleeping(r, "z", 100);
    rig_sleeping(r, "z", 200);
    rig_pass(r, 100);
    tick(r);
    rig_drop_actions(r);
    r->now.wall_ms -= 5000;
    rig_sleeping(r, "z", 10);
    rig_pass(r, 10);
    tick(r);
    rig_pass(r, 5090);
    tick(r);
    assert_int_equal(timers(r), 0);
    assert_int_equal(suspended(r), 0);
}

/* ---- restarts ---- */

TIMER_TEST(a_sleep_ends_at_the_time_at_which_it_would_have_ended_without_a_restart)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "z", 1000);

    rig_pass(r, 400);
    rig_restart(r);
    assert_true(deadline(r) == r->now.mono_ms + 600);
    rig_pass(r, 599);
    tick(r);
    rig_expect_nothing(r);
    rig_pass(r, 1);
    tick(r);
    rig_expect_dispatch(r, call, 2);
}

TIMER_TEST(what_became_due_while_the_server_was_down_fires_when_it_is_back)
{
    struct rig *r = *state;
    struct id second = rig_sleeping(r, "z", 2000), first = rig_sleeping(r, "z", 1000);

    rig_crash(r, SIZE_MAX);
    rig_pass(r, 10000);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    assert_true(deadline(r) == r->now.mono_ms);
    tick(r);
    rig_expect_dispatch(r, first, 2);
    rig_expect_dispatch(r, second, 2);
}

TIMER_TEST(a_running_call_goes_on_with_its_sleep_after_a_restart)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_wait(r, call, "z", 1000); /* and the process dies before the handler returned */
    rig_commit(r);
    rig_pass(r, 400);
    rig_restart(r);
    rig_expect_dispatch(r, call, 2);
    rig_suspend(r, call); /* as its row tells it */
    rig_pass(r, 600);
    tick(r);
    rig_expect_dispatch(r, call, 3);
}

TIMER_TEST(what_fired_and_was_lost_with_the_power_fires_again)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "z", 1000);

    rig_pass(r, 1000);
    rig_tick(r);
    rig_write(r);
    rig_crash(r, 0);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    rig_expect_nothing(r);
    tick(r);
    rig_expect_dispatch(r, call, 2);
}

TIMER_TEST(a_timer_that_cannot_be_read_is_corruption)
{
    struct rig *r = *state;
    struct key k = key_kind_start(KEY_TIMER);

    rig_put(r, k, STR(""));
    rig_crash(r, SIZE_MAX);
    assert_int_equal(rig_recover(r, NULL), DMCP_E_CORRUPT);
}

RUN_TESTS()
