/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suspended calls: what there is of one on disk and in memory, what wakes it and what does not.
 */
#include "base/limits.h"
#include "harness.h"
#include "rig.h"

#define SUSPEND_TEST(sentence) TEST_WITH(suspend, sentence, rig_setup, rig_teardown)

static size_t in_memory(struct rig *r)
{
    return engine_counts(r->engine).calls;
}

/* Suspended and followed by this peer, with an empty queue. */
static struct id followed_sleeper(struct rig *r, uint64_t peer, const char *request_id)
{
    struct id call = rig_start(r, peer, request_id);

    rig_wait(r, call, "z", 1000);
    rig_suspend(r, call);
    rig_drop_actions(r);
    return call;
}

/* ---- rows and memory ---- */

SUSPEND_TEST(a_suspended_call_is_a_row_and_is_not_unfinished)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_wait(r, call, "z", 1000);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_suspend(r, call);
    rig_expect_nothing(r);
    assert_true(rig_has_id(r, KEY_SUSPENDED, call));
    assert_false(rig_has_id(r, KEY_UNFINISHED, call));
    assert_false(rig_has_id(r, KEY_RESULT, call));
}

SUSPEND_TEST(a_suspended_call_that_nobody_follows_takes_no_memory)
{
    struct rig *r = *state;

    for (int i = 0; i < 20; i++) { /* more than may be unfinished in memory */
        rig_sleeping(r, "z", 1000);
        assert_int_equal(in_memory(r), 0);
    }
}

SUSPEND_TEST(a_suspended_call_stays_in_memory_while_somebody_follows_it)
{
    struct rig *r = *state;

    followed_sleeper(r, 1, "7");
    assert_int_equal(in_memory(r), 1);
    rig_of_peer(r, CMD_UNFOLLOW, 1, 0);
    rig_write(r);
    assert_int_equal(in_memory(r), 0);
}

SUSPEND_TEST(the_stream_of_a_call_that_waits_is_opened_at_once)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");

    rig_expect_dispatch(r, call, 1);
    rig_wait(r, call, "z", 1000);
    rig_expect_prime(r, 1, 0);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_suspend(r, call);
    rig_expect_nothing(r);
}

SUSPEND_TEST(a_suspended_call_frees_its_worker_for_one_that_waits)
{
    struct rig *r = *state;
    struct id call, waiting;

    r->options.max_dispatched = 1;
    rig_restart(r);
    call = rig_start_quietly(r);
    waiting = rig_start(r, 0, "7");
    rig_expect_nothing(r);
    rig_wait(r, call, "z", 1000);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_suspend(r, call);
    rig_expect_dispatch(r, waiting, 1);
}

SUSPEND_TEST(suspended_calls_do_not_count_against_the_limit_of_calls)
{
    struct rig *r = *state;
    char request_id[8];

    for (uint64_t i = 1; i <= 20; i++) {
        snprintf(request_id, sizeof(request_id), "%d", (int)i);
        followed_sleeper(r, i, request_id);
    }
    assert_int_equal(in_memory(r), 20);
    rig_start(r, 99, "99");
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_expect_nothing(r);
}

SUSPEND_TEST(a_call_that_is_over_is_not_suspended_by_a_late_worker)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_done(r, call, "{}");
    rig_commit(r);
    rig_suspend(r, call);
    assert_false(rig_has_id(r, KEY_SUSPENDED, call));
}

/* ---- waking ---- */

SUSPEND_TEST(a_suspended_call_runs_again_in_a_new_attempt_when_its_time_comes)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "z", 1000);

    rig_pass(r, 1000);
    rig_tick(r);
    rig_expect_nothing(r); /* not before its rows are visible */
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    rig_expect_nothing(r);
    assert_true(rig_has_id(r, KEY_UNFINISHED, call));
    assert_false(rig_has_id(r, KEY_SUSPENDED, call));
}

SUSPEND_TEST(what_comes_before_the_handler_has_returned_is_not_missed)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r), input = rig_ask(r, call, "q", 0);

    rig_drop_actions(r);
    rig_answer(r, 0, input, "1");
    rig_commit(r);
    rig_suspend(r, call);
    rig_expect_dispatch(r, call, 2);
    assert_true(rig_has_id(r, KEY_UNFINISHED, call));
    assert_false(rig_has_id(r, KEY_SUSPENDED, call));
}

SUSPEND_TEST(what_comes_in_the_batch_that_suspends_is_not_missed)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r), input = rig_ask(r, call, "q", 0);

    rig_drop_actions(r);
    rig_write(r);
    rig_of_call(r, CMD_CALL_SUSPEND, call);
    rig_answer(r, 0, input, "1");
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    rig_expect_nothing(r);
}

SUSPEND_TEST(what_woke_an_attempt_does_not_wake_the_next_one_too)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r), input = rig_ask(r, call, "q", 0);

    rig_answer(r, 0, input, "1");
    rig_suspend(r, call);
    rig_drop_actions(r);
    rig_wait(r, call, "z", 1000);
    rig_suspend(r, call);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_expect_nothing(r);
    assert_true(rig_has_id(r, KEY_SUSPENDED, call));
}

SUSPEND_TEST(a_call_woken_twice_in_one_batch_runs_once)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "z", 1000);

    rig_signal(r, 0, call, "s", "1");
    rig_signal(r, 0, call, "t", "1");
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    rig_expect_nothing(r);
}

SUSPEND_TEST(a_woken_call_waits_for_a_free_worker)
{
    struct rig *r = *state;
    struct id call, running;

    r->options.max_dispatched = 1;
    rig_restart(r);
    call = rig_sleeping(r, "z", 1000);
    running = rig_start_quietly(r);
    rig_signal(r, 0, call, "s", "1");
    rig_commit(r);
    rig_expect_nothing(r);
    assert_int_equal(engine_counts(r->engine).ready, 1);
    rig_done(r, running, "{}");
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
}

SUSPEND_TEST(a_woken_call_ends_like_any_other_and_answers_who_follows)
{
    struct rig *r = *state;
    struct id call = followed_sleeper(r, 1, "7");

    rig_pass(r, 1000);
    rig_tick(r);
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    rig_done(r, call, "\"slept\"");
    rig_expect_reply(r, 1, 1, "\"slept\"");
    rig_commit(r);
    assert_int_equal(in_memory(r), 0);
    assert_false(rig_has_id(r, KEY_UNFINISHED, call));
}

SUSPEND_TEST(events_of_a_woken_call_are_numbered_behind_the_earlier_ones)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_event(r, call, "a", "\"one\"");
    rig_event(r, call, "b", "\"two\"");
    rig_wait(r, call, "z", 1000);
    rig_suspend(r, call);
    rig_signal(r, 0, call, "s", "1");
    rig_commit(r);
    rig_event(r, call, "c", "\"three\"");
    rig_commit(r);
    rig_drop_actions(r);
    rig_follow(r, 5, call, 1, RIG_CREDIT);
    rig_expect_prime(r, 5, 1);
    rig_expect_event(r, 5, 2, "\"two\"");
    rig_expect_event(r, 5, 3, "\"three\"");
}

/* ---- following ---- */

SUSPEND_TEST(who_follows_a_suspended_call_brings_it_into_memory_and_gets_its_events)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_event(r, call, "a", "\"one\"");
    rig_wait(r, call, "z", 1000);
    rig_suspend(r, call);
    rig_drop_actions(r);
    rig_follow(r, 5, call, 0, RIG_CREDIT);
    rig_expect_prime(r, 5, 0);
    rig_expect_event(r, 5, 1, "\"one\"");
    rig_write(r);
    assert_int_equal(in_memory(r), 1);
    rig_pass(r, 1000);
    rig_tick(r);
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 5, 2, "{}");
}

SUSPEND_TEST(a_repeat_of_a_suspended_request_attaches_to_its_call)
{
    struct rig *r = *state;
    struct id call = followed_sleeper(r, 1, "7");

    rig_of_peer(r, CMD_UNFOLLOW, 1, 0);
    rig_write(r);
    rig_apply(r, rig_start_command(r, 2, "7", "{}"));
    rig_expect_prime(r, 2, 0);
    rig_write(r);
    assert_int_equal(in_memory(r), 1);
    rig_signal(r, 0, call, "s", "1");
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 2, 1, "{}");
}

SUSPEND_TEST(a_repeat_that_nobody_waits_for_leaves_a_suspended_call_on_disk)
{
    struct rig *r = *state;
    struct command *repeat;

    followed_sleeper(r, 1, "7");
    rig_of_peer(r, CMD_UNFOLLOW, 1, 0);
    rig_write(r);
    repeat = rig_start_command(r, 0, "7", "{}");
    rig_apply(r, repeat);
    rig_write(r);
    rig_expect_nothing(r);
    assert_int_equal(in_memory(r), 0);
}

SUSPEND_TEST(a_repeat_with_other_parameters_is_refused_while_its_call_is_suspended)
{
    struct rig *r = *state;

    rig_sleeping(r, "z", 1000);
    followed_sleeper(r, 1, "7");
    rig_of_peer(r, CMD_UNFOLLOW, 1, 0);
    rig_write(r);
    rig_apply(r, rig_start_command(r, 2, "7", "[\"other\"]"));
    rig_expect_refused(r, 2, DMCP_E_CONFLICT);
}

SUSPEND_TEST(a_follower_that_comes_and_goes_in_one_batch_leaves_no_memory)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "z", 1000);

    rig_follow(r, 5, call, 0, RIG_CREDIT);
    rig_of_peer(r, CMD_UNFOLLOW, 5, 0);
    rig_write(r);
    assert_int_equal(in_memory(r), 0);
    assert_int_equal(engine_counts(r->engine).followers, 0);
    assert_true(rig_has_id(r, KEY_SUSPENDED, call));
}

SUSPEND_TEST(a_call_that_is_followed_as_it_leaves_the_memory_stays)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_wait(r, call, "z", 1000);
    rig_of_call(r, CMD_CALL_SUSPEND, call);
    rig_follow(r, 5, call, 0, RIG_CREDIT); /* of the same batch */
    rig_write(r);
    assert_int_equal(in_memory(r), 1);
    rig_drop_actions(r);
    rig_pass(r, 1000);
    rig_tick(r);
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 5, 1, "{}");
}

SUSPEND_TEST(following_does_not_wake_a_call)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "z", 1000);

    rig_follow(r, 5, call, 0, RIG_CREDIT);
    rig_expect_prime(r, 5, 0);
    rig_commit(r);
    rig_expect_nothing(r);
}

/* ---- restart ---- */

SUSPEND_TEST(a_restart_does_not_look_at_suspended_calls)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "z", 1000);

    rig_put(r, key_of_id(KEY_CALL, call), STR("not a call")); /* it would be noticed */
    rig_restart(r);
    rig_expect_nothing(r);
    assert_int_equal(in_memory(r), 0);
    assert_true(rig_has_id(r, KEY_SUSPENDED, call));
}

SUSPEND_TEST(a_suspended_call_is_woken_after_a_restart_and_keeps_counting_its_attempts)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "z", 1000);

    rig_signal(r, 0, call, "s", "1");
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    rig_wait(r, call, "y", 1000);
    rig_suspend(r, call);
    rig_restart(r);
    rig_signal(r, 0, call, "t", "1");
    rig_commit(r);
    rig_expect_dispatch(r, call, 3);
}

SUSPEND_TEST(a_suspension_that_power_took_back_is_an_unfinished_call_again)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_wait(r, call, "z", 1000);
    rig_of_call(r, CMD_CALL_SUSPEND, call);
    rig_write(r);
    rig_crash(r, 0);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    rig_expect_dispatch(r, call, 2);
    assert_false(rig_has_id(r, KEY_SUSPENDED, call));
}

SUSPEND_TEST(crashes_are_counted_across_suspensions)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    for (int i = 0; i < LIMIT_CRASHES; i++) {
        assert_false(rig_has_id(r, KEY_RESULT, call));
        if (i > 0) {
            rig_wait(r, call, "z", 1);
            rig_suspend(r, call);
            rig_pass(r, 1);
            rig_signal(r, 0, call, i == 1 ? "s" : "t", "1");
            rig_commit(r);
        }
        rig_crash(r, SIZE_MAX);
        assert_int_equal(rig_recover(r, &call), DMCP_OK);
    }
    assert_true(rig_has_id(r, KEY_RESULT, call));
}

SUSPEND_TEST(a_suspended_row_without_its_call_is_corrupt_when_it_is_needed)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "z", 1000);
    struct command *c = command_new(CMD_SIGNAL);
    struct err err = { 0 };

    rig_del(r, key_of_id(KEY_CALL, call));
    c->call = call;
    c->signal.alias = STR("s");
    c->signal.body = STR("1");
    assert_int_equal(engine_apply(r->engine, r->now, c, &r->rows, &r->queue, &err),
                     DMCP_E_CORRUPT);
    assert_true(strstr(err.text, "the row of unfinished call"));
    command_free(c);
}

RUN_TESTS()
