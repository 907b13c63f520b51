/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time limits of calls: who is told, what is answered, and what becomes of the timer.
 */
#include "harness.h"
#include "rig.h"

#define LIMIT_TEST(sentence) TEST_WITH(time_limit, sentence, rig_setup, rig_teardown)

static void expect_told(struct rig *r, struct id call, uint8_t why)
{
    struct action *a = rig_expect(r, ACT_CANCEL, WHEN_DURABLE);

    assert_true(id_eq(a->call, call));
    assert_int_equal(a->dispatch.flags, why);
}

static struct id limited(struct rig *r, uint64_t peer, uint64_t timeout_ms)
{
    struct command *c = rig_start_command(r, peer, "7", "{}");
    struct id call = c->call;

    c->start.timeout_ms = timeout_ms;
    rig_apply(r, c);
    rig_commit(r);
    return call;
}

static size_t timers(struct rig *r)
{
    return rig_count(r, key_kind_start(KEY_TIMER));
}

LIMIT_TEST(a_running_call_is_told_and_what_it_answers_is_its_response)
{
    struct rig *r = *state;
    struct id call = limited(r, 1, 1000);

    rig_expect_dispatch(r, call, 1);
    rig_pass(r, 1000);
    rig_tick(r);
    rig_expect_prime(r, 1, 0);
    expect_told(r, call, UNFINISHED_LATE);
    rig_expect_nothing(r);
    rig_commit(r);
    assert_int_equal(rig_flags(r, call), UNFINISHED_LATE);
    rig_done(r, call, "\"late\"");
    rig_expect_reply(r, 1, 1, "\"late\"");
    rig_commit(r);
    assert_int_equal(rig_result(r, call).outcome, OUTCOME_RESULT);
}

LIMIT_TEST(it_includes_waiting)
{
    struct rig *r = *state;
    struct id call = limited(r, 1, 1000);

    rig_wait(r, call, "z", 5000);
    rig_suspend(r, call);
    rig_drop_actions(r);
    rig_pass(r, 1000);
    rig_tick(r);
    rig_commit(r);
    assert_int_equal(rig_expect_dispatch(r, call, 2)->dispatch.flags, UNFINISHED_LATE);
    rig_expect_nothing(r);
    assert_int_equal(rig_journal_state(r, call, "z"), STEP_STARTED);
}

LIMIT_TEST(it_counts_from_the_start_over_restarts)
{
    struct rig *r = *state;
    struct id call = limited(r, 1, 1000);

    rig_pass(r, 600);
    rig_restart(r);
    rig_expect_dispatch(r, call, 2);
    rig_pass(r, 399);
    rig_tick(r);
    rig_expect_nothing(r);
    rig_pass(r, 1);
    rig_tick(r);
    expect_told(r, call, UNFINISHED_LATE);
    rig_commit(r);
    rig_restart(r);
    assert_int_equal(rig_expect_dispatch(r, call, 3)->dispatch.flags, UNFINISHED_LATE);
}

LIMIT_TEST(a_call_that_waits_for_a_worker_is_told_when_it_gets_one)
{
    struct rig *r = *state;
    struct id first, call;

    r->options.max_dispatched = 1;
    rig_restart(r);
    first = rig_start_quietly(r);
    call = limited(r, 0, 1000);
    rig_pass(r, 1000);
    rig_tick(r);
    rig_expect_nothing(r);
    rig_done(r, first, "{}");
    rig_commit(r);
    assert_int_equal(rig_expect_dispatch(r, call, 1)->dispatch.flags, UNFINISHED_LATE);
}

static void done_in_time(struct rig *r, struct id call, uint64_t timeout_ms)
{
    struct command *c = command_new(CMD_CALL_DONE);

    c->call = call;
    c->done.outcome = OUTCOME_RESULT;
    c->done.body = STR("{}");
    c->done.timeout_ms = timeout_ms;
    rig_apply(r, c);
    rig_commit(r);
}

LIMIT_TEST(its_timer_goes_with_the_end_of_the_call)
{
    struct rig *r = *state;
    struct id call = limited(r, 1, 1000);

    assert_int_equal(timers(r), 1);
    rig_pass(r, 10);
    done_in_time(r, call, 1000);
    assert_int_equal(timers(r), 0);
}

LIMIT_TEST(its_timer_goes_with_the_end_of_a_call_that_waited_and_saw_a_restart)
{
    struct rig *r = *state;
    struct id call = limited(r, 0, 1000);

    rig_wait(r, call, "z", 0);
    rig_suspend(r, call);
    rig_pass(r, 10);
    rig_restart(r);
    rig_signal(r, 0, call, "s", "1");
    rig_commit(r);
    done_in_time(r, call, 1000);
    assert_int_equal(timers(r), 0);
}

LIMIT_TEST(its_timer_is_dropped_when_it_is_due_if_the_tool_has_another_limit_by_then)
{
    struct rig *r = *state;
    struct id call = limited(r, 0, 1000);

    done_in_time(r, call, 2000);
    rig_drop_actions(r);
    rig_pass(r, 1000);
    rig_tick(r);
    rig_commit(r);
    rig_expect_nothing(r);
    assert_int_equal(timers(r), 0);
}

LIMIT_TEST(a_late_call_can_still_be_cancelled)
{
    struct rig *r = *state;
    struct id call = limited(r, 1, 1000);

    rig_expect_dispatch(r, call, 1);
    rig_pass(r, 1000);
    rig_tick(r);
    rig_commit(r);
    rig_drop_actions(r);
    rig_cancel(r, 9, "7");
    expect_told(r, call, UNFINISHED_CANCELLED);
    assert_int_equal(rig_expect(r, ACT_END, WHEN_DURABLE)->peer, 1);
    rig_expect_done(r, 9);
    rig_commit(r);
    rig_done(r, call, "\"late\"");
    rig_commit(r);
    rig_expect_nothing(r);
    assert_int_equal(rig_result(r, call).outcome, OUTCOME_CANCELLED);
}

LIMIT_TEST(a_cancelled_call_is_not_told_again_that_it_is_late)
{
    struct rig *r = *state;
    struct id call = limited(r, 1, 1000);

    rig_expect_dispatch(r, call, 1);
    rig_cancel(r, 0, "7");
    rig_commit(r);
    rig_drop_actions(r);
    rig_pass(r, 1000);
    rig_tick(r);
    rig_expect_nothing(r);
    rig_commit(r);
    assert_int_equal(rig_flags(r, call), UNFINISHED_CANCELLED);
}

LIMIT_TEST(an_endless_one_sets_no_timer)
{
    struct rig *r = *state;

    limited(r, 1, UINT64_MAX);
    assert_int_equal(timers(r), 0);
}

RUN_TESTS()
