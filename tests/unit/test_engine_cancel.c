/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cancellation, wherever the call is at that moment: who is told, who gets a response, and what a
 * repeat finds.
 */
#include "harness.h"
#include "rig.h"

#define CANCEL_TEST(sentence) TEST_WITH(cancel, sentence, rig_setup, rig_teardown)

static void expect_told(struct rig *r, struct id call, uint8_t why)
{
    struct action *a = rig_expect(r, ACT_CANCEL, WHEN_DURABLE);

    assert_true(id_eq(a->call, call));
    assert_int_equal(a->dispatch.flags, why);
}

static void expect_end(struct rig *r, uint64_t peer)
{
    assert_int_equal(rig_expect(r, ACT_END, WHEN_DURABLE)->peer, peer);
}

static void expect_cancelled_reply(struct rig *r, uint64_t peer, uint64_t sequence)
{
    struct action *a = rig_expect(r, ACT_REPLY, WHEN_DURABLE);

    assert_int_equal(a->peer, peer);
    assert_int_equal(a->event.sequence, sequence);
    assert_int_equal(a->event.outcome, OUTCOME_CANCELLED);
    assert_string_equal(a->text.p, RIG_CANCELLED);
}

static struct id running(struct rig *r, uint64_t peer, const char *request_id)
{
    struct id call = rig_start(r, peer, request_id);

    rig_expect_dispatch(r, call, 1);
    return call;
}

static size_t timers(struct rig *r)
{
    return rig_count(r, key_kind_start(KEY_TIMER));
}

/* ---- where the call is ---- */

CANCEL_TEST(a_running_call_is_told_and_nobody_gets_its_response)
{
    struct rig *r = *state;
    struct id call = running(r, 1, "7");

    rig_cancel(r, 9, "7");
    expect_told(r, call, UNFINISHED_CANCELLED);
    expect_end(r, 1);
    rig_expect_done(r, 9);
    rig_expect_nothing(r);
    rig_commit(r);
    assert_int_equal(rig_flags(r, call), UNFINISHED_CANCELLED);
    rig_done(r, call, "\"too late\"");
    rig_commit(r);
    rig_expect_nothing(r);
    assert_int_equal(rig_result(r, call).outcome, OUTCOME_CANCELLED);
    assert_string_equal(rig_result(r, call).body.p, RIG_CANCELLED);
    assert_false(rig_has_id(r, KEY_UNFINISHED, call));
}

CANCEL_TEST(a_running_call_that_waits_all_the_same_runs_again_to_be_told)
{
    struct rig *r = *state;
    struct id call = running(r, 1, "7");

    rig_wait(r, call, "z", 0);
    rig_cancel(r, 0, "7");
    rig_drop_actions(r);
    rig_suspend(r, call);
    assert_int_equal(rig_expect_dispatch(r, call, 2)->dispatch.flags, UNFINISHED_CANCELLED);
}

CANCEL_TEST(a_suspended_call_runs_once_more_and_is_told)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");

    rig_wait(r, call, "z", 1000);
    rig_suspend(r, call);
    rig_drop_actions(r);
    rig_cancel(r, 9, "7");
    expect_end(r, 1);
    rig_expect_done(r, 9);
    rig_commit(r);
    assert_int_equal(rig_expect_dispatch(r, call, 2)->dispatch.flags, UNFINISHED_CANCELLED);
    rig_expect_nothing(r);
    rig_done(r, call, "{}");
    rig_commit(r);
    rig_expect_nothing(r);
    assert_int_equal(rig_result(r, call).outcome, OUTCOME_CANCELLED);
}

CANCEL_TEST(a_suspended_call_that_is_not_in_memory_is_found)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "z", 1000);

    rig_cancel_call(r, 9, call);
    rig_expect_done(r, 9);
    rig_commit(r);
    assert_int_equal(rig_expect_dispatch(r, call, 2)->dispatch.flags, UNFINISHED_CANCELLED);
    assert_false(rig_has_id(r, KEY_SUSPENDED, call));
}

CANCEL_TEST(a_call_that_waits_for_a_worker_is_told_when_it_gets_one)
{
    struct rig *r = *state;
    struct id first, call;

    r->options.max_dispatched = 1;
    rig_restart(r);
    first = rig_start_quietly(r);
    call = rig_start(r, 1, "7");
    rig_cancel(r, 0, "7");
    expect_end(r, 1);
    rig_expect_nothing(r);
    rig_done(r, first, "{}");
    rig_commit(r);
    assert_int_equal(rig_expect_dispatch(r, call, 1)->dispatch.flags, UNFINISHED_CANCELLED);
}

CANCEL_TEST(a_parked_call_is_told_when_there_is_a_tool_for_it_again)
{
    struct rig *r = *state;
    struct id call = running(r, 1, "7");

    rig_of_call(r, CMD_CALL_PARK, call);
    rig_cancel(r, 0, "7");
    expect_end(r, 1);
    rig_commit(r);
    rig_expect_nothing(r);
    rig_restart(r);
    assert_int_equal(rig_expect_dispatch(r, call, 2)->dispatch.flags, UNFINISHED_CANCELLED);
}

CANCEL_TEST(a_call_started_in_the_same_batch_is_found)
{
    struct rig *r = *state;
    struct command *c = rig_start_command(r, 1, "7", "{}");
    struct id call = c->call;

    rig_apply(r, c);
    rig_cancel(r, 0, "7");
    rig_expect_dispatch(r, call, 1);
    expect_told(r, call, UNFINISHED_CANCELLED);
    expect_end(r, 1);
}

CANCEL_TEST(one_that_comes_too_late_or_names_nothing_changes_nothing)
{
    struct rig *r = *state;
    struct id call = running(r, 1, "7");

    rig_done(r, call, "{}");
    rig_cancel(r, 8, "7"); /* of the same batch */
    rig_expect_reply(r, 1, 1, "{}");
    rig_expect_done(r, 8); /* a notification has no errors */
    rig_commit(r);
    rig_cancel(r, 9, "7");
    rig_expect_done(r, 9);
    rig_cancel(r, 10, "\"unknown\"");
    rig_expect_done(r, 10);
    rig_cancel_call(r, 11, call);
    rig_expect_refused(r, 11, DMCP_E_NOTFOUND);
    rig_cancel_call(r, 12, rig_id(r));
    rig_expect_refused(r, 12, DMCP_E_NOTFOUND);
    rig_commit(r);
    assert_int_equal(rig_result(r, call).outcome, OUTCOME_RESULT);
}

CANCEL_TEST(a_second_cancellation_changes_nothing)
{
    struct rig *r = *state;
    struct id call = running(r, 1, "7");

    rig_cancel(r, 8, "7");
    rig_commit(r);
    rig_drop_actions(r);
    rig_cancel(r, 9, "7");
    rig_expect_done(r, 9);
    rig_expect_nothing(r);
    assert_int_equal(r->rows.n, 0);
    rig_wait(r, call, "z", 1000);
    rig_suspend(r, call); /* it was told once, and runs once more for that */
    rig_drop_actions(r);
    rig_suspend(r, call);
    rig_expect_nothing(r);
}

/* ---- repeats ---- */

CANCEL_TEST(a_repeat_gets_the_error_when_the_handler_has_ended)
{
    struct rig *r = *state;
    struct id call = running(r, 1, "7");

    rig_cancel(r, 0, "7");
    rig_commit(r);
    rig_drop_actions(r);
    rig_apply(r, rig_start_command(r, 2, "7", "{}"));
    rig_expect_prime(r, 2, 0);
    rig_expect_nothing(r);
    rig_done(r, call, "{}");
    expect_cancelled_reply(r, 2, 1);
    rig_commit(r);
    rig_apply(r, rig_start_command(r, 3, "7", "{}"));
    expect_cancelled_reply(r, 3, 1);
}

CANCEL_TEST(who_resumes_the_stream_gets_the_error_too)
{
    struct rig *r = *state;
    struct id call = running(r, 1, "7");

    rig_event(r, call, "a", "\"one\"");
    rig_cancel(r, 0, "7");
    rig_done(r, call, "{}");
    rig_commit(r);
    rig_drop_actions(r);
    rig_follow(r, 5, call, 0, RIG_CREDIT);
    rig_expect_prime(r, 5, 0);
    rig_expect_event(r, 5, 1, "\"one\"");
    expect_cancelled_reply(r, 5, 2);
}

/* ---- restarts ---- */

CANCEL_TEST(it_is_durable)
{
    struct rig *r = *state;
    struct id call = running(r, 1, "7"), sleeping = rig_sleeping(r, "z", 1000);

    rig_cancel(r, 0, "7");
    rig_cancel_call(r, 0, sleeping);
    rig_commit(r);
    rig_crash(r, 0);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    for (int i = 0; i < 2; i++) {
        struct action *a = rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);

        assert_int_equal(a->dispatch.flags, UNFINISHED_CANCELLED);
        rig_done(r, a->call, "{}");
    }
    rig_commit(r);
    rig_expect_nothing(r);
    assert_int_equal(rig_result(r, call).outcome, OUTCOME_CANCELLED);
    assert_int_equal(rig_result(r, sleeping).outcome, OUTCOME_CANCELLED);
}

CANCEL_TEST(a_call_that_was_cancelled_and_crashed_too_often_stays_cancelled)
{
    struct rig *r = *state;
    struct id call = running(r, 1, "7");

    rig_cancel(r, 0, "7");
    rig_commit(r);
    for (int i = 0; i < 3; i++) {
        rig_crash(r, SIZE_MAX);
        assert_int_equal(rig_recover(r, &call), DMCP_OK);
    }
    assert_int_equal(rig_result(r, call).outcome, OUTCOME_CANCELLED);
}

/* ---- a session that is closed ---- */

CANCEL_TEST(closing_a_session_cancels_its_calls_wherever_they_are)
{
    struct rig *r = *state;
    struct id sleeping, finished, run, queued, other_call, other = rig_other_session(r);
    struct command *c;

    r->options.max_dispatched = 2;
    rig_restart(r);
    sleeping = rig_sleeping(r, "z", 1000);
    finished = rig_start_quietly(r);
    rig_done(r, finished, "{}");
    run = running(r, 1, "7");
    c = rig_start_command(r, 2, "7", "{}");
    c->session = c->start.record.session = other;
    other_call = c->call;
    rig_apply(r, c);
    rig_commit(r);
    rig_expect_dispatch(r, other_call, 1);
    queued = rig_start(r, 3, "8");
    rig_of_session(r, CMD_SESSION_CLOSE, 9, r->session);
    rig_commit(r);
    assert_int_equal(rig_flags(r, sleeping), UNFINISHED_CANCELLED);
    assert_int_equal(rig_flags(r, run), UNFINISHED_CANCELLED);
    assert_int_equal(rig_flags(r, queued), UNFINISHED_CANCELLED);
    assert_int_equal(rig_flags(r, other_call), 0);
    assert_int_equal(rig_result(r, finished).outcome, OUTCOME_RESULT);
    assert_true(id_eq(rig_skip_to(r, ACT_CANCEL)->call, run));
}

CANCEL_TEST(closing_a_session_lets_calls_with_a_key_go_on)
{
    struct rig *r = *state;
    struct id other = rig_other_session(r), call;
    struct command *c = rig_keyed(r, 1, r->session, "7", "k", "{}");

    rig_drop_actions(r);
    call = c->call;
    rig_apply(r, c);
    rig_commit(r);
    rig_expect_dispatch(r, call, 1);
    rig_of_session(r, CMD_SESSION_CLOSE, 9, r->session);
    rig_commit(r);
    assert_int_equal(rig_flags(r, call), UNFINISHED_KEYED);
    rig_drop_actions(r);
    rig_apply(r, rig_keyed(r, 2, other, "1", "k", "{}"));
    rig_expect_prime(r, 2, 0);
    rig_done(r, call, "\"done\"");
    rig_expect_reply(r, 2, 1, "\"done\"");
}

CANCEL_TEST(closing_a_session_leaves_the_calls_of_others_that_its_keys_led_to)
{
    struct rig *r = *state;
    struct id other = rig_other_session(r), call;
    struct command *c = rig_keyed(r, 1, other, "7", "k", "{}");

    rig_drop_actions(r);
    call = c->call;
    rig_apply(r, c);
    rig_commit(r);
    rig_apply(r, rig_keyed(r, 2, r->session, "1", "k", "{}"));
    rig_commit(r);
    rig_drop_actions(r);
    rig_of_session(r, CMD_SESSION_CLOSE, 9, r->session);
    expect_end(r, 2);
    rig_commit(r);
    rig_drop_actions(r);
    rig_done(r, call, "\"done\"");
    rig_expect_reply(r, 1, 1, "\"done\"");
}

static size_t waiting_calls(struct rig *r)
{
    return rig_count(r, key_kind_start(KEY_SUSPENDED));
}

/* Each command takes its part, so that no other call waits for long. */
CANCEL_TEST(closing_a_session_with_very_many_requests_goes_on_by_itself_also_after_a_restart)
{
    struct rig *r = *state;
    struct id last = { { 0 } };
    char request_id[16];

    for (int i = 0; i < 250; i++) {
        snprintf(request_id, sizeof(request_id), "\"%04d\"", i);
        last = rig_start(r, 0, request_id);
        rig_wait(r, last, "z", 0);
        rig_suspend(r, last);
        rig_drop_actions(r);
    }
    rig_of_session(r, CMD_SESSION_CLOSE, 9, r->session);
    rig_commit(r);
    assert_in_range(waiting_calls(r), 150, 160);
    rig_restart(r);
    rig_pass(r, 1000);
    rig_tick(r);
    rig_commit(r);
    assert_in_range(waiting_calls(r), 50, 70);
    rig_pass(r, 1000);
    rig_tick(r);
    rig_commit(r);
    assert_int_equal(waiting_calls(r), 0);
    assert_int_equal(rig_flags(r, last), UNFINISHED_CANCELLED);
    assert_int_equal(timers(r), 0);
}

CANCEL_TEST(requests_that_are_answered_cost_less_when_their_session_is_closed)
{
    struct rig *r = *state;
    char request_id[16];
    struct id last = { { 0 } };

    for (int i = 0; i < 999; i++) {
        snprintf(request_id, sizeof(request_id), "\"%04d\"", i);
        rig_done(r, rig_start(r, 0, request_id), "{}");
        rig_commit(r);
        rig_drop_actions(r);
    }
    last = rig_start(r, 0, "\"a\"");
    rig_wait(r, last, "z", 0);
    rig_suspend(r, last);
    rig_of_session(r, CMD_SESSION_CLOSE, 9, r->session);
    rig_commit(r);
    assert_int_equal(rig_flags(r, last), UNFINISHED_CANCELLED);
    assert_int_equal(timers(r), 0);
}

RUN_TESTS()
