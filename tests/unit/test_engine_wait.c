/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits: their rows, and what answers and errors make of them, in whichever order they come.
 * Signals are in test_engine_signal.c.
 */
#include "harness.h"
#include "rig.h"

#define WAIT_TEST(sentence) TEST_WITH(wait, sentence, rig_setup, rig_teardown)

static void expect_row(struct rig *r, struct id call, const char *alias, enum step_state state,
                       const char *body)
{
    struct journal_record row = rig_journal(r, call, alias);

    assert_int_equal(row.state, state);
    assert_int_equal(row.guard, GUARD_INPUT);
    assert_string_equal(row.body.p, body);
}

static void expect_asleep(struct rig *r, struct id call)
{
    rig_expect_nothing(r);
    assert_true(rig_has_id(r, KEY_SUSPENDED, call));
}

/* ---- beginning to wait ---- */

WAIT_TEST(a_wait_is_recorded_as_started_with_its_label)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_wait(r, call, "z", 0);
    rig_commit(r);
    expect_row(r, call, "z", STEP_STARTED, "");
    assert_true(str_eqz(rig_journal(r, call, "z").label, "a wait"));
    assert_int_equal(rig_count(r, key_kind_start(KEY_TIMER)), 0);
}

WAIT_TEST(a_lost_acknowledgement_changes_nothing)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_wait(r, call, "z", 1000);
    rig_pass(r, 10);
    rig_wait(r, call, "z", 1000);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_commit(r);
    assert_int_equal(rig_count(r, key_kind_start(KEY_TIMER)), 1);
}

WAIT_TEST(a_wait_in_a_call_that_is_over_is_refused)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_done(r, call, "{}");
    rig_wait(r, call, "z", 1000);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_GONE);
    rig_commit(r);
    assert_int_equal(rig_count(r, key_kind_start(KEY_TIMER)), 0);
}

/* ---- questions ---- */

WAIT_TEST(a_question_is_an_event_that_leaves_once_it_is_durable)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7"), input;

    rig_expect_dispatch(r, call, 1);
    input = rig_ask(r, call, "q", 0);
    rig_expect_event(r, 1, 1, "\"ask\"");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_expect_nothing(r); /* an event opens the stream by itself */
    rig_commit(r);
    assert_true(rig_has_id(r, KEY_INPUT, input));
    expect_row(r, call, "q", STEP_STARTED, "1");
}

WAIT_TEST(an_answer_is_recorded_and_wakes_the_call)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);

    rig_answer(r, 9, input, "{\"a\":1}");
    rig_expect_done(r, 9);
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    expect_row(r, call, "q", STEP_DONE, "{\"a\":1}");
    assert_false(rig_has_id(r, KEY_INPUT, input));
}

WAIT_TEST(an_error_of_the_client_is_recorded_as_a_failure_and_wakes_the_call)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);

    rig_answer_error(r, 9, input, "-1: rejected");
    rig_expect_done(r, 9);
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    expect_row(r, call, "q", STEP_FAILED, "-1: rejected");
    assert_false(rig_has_id(r, KEY_INPUT, input));
}

WAIT_TEST(a_question_that_the_client_gives_up_has_failed)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);

    rig_give_up(r, 9, input, "-32800: no");
    rig_expect_done(r, 9);
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    expect_row(r, call, "q", STEP_FAILED, "-32800: no");
    assert_false(rig_has_id(r, KEY_INPUT, input));
    rig_answer(r, 0, input, "1"); /* too late */
    rig_give_up(r, 0, input, "again");
    rig_commit(r);
    expect_row(r, call, "q", STEP_FAILED, "-32800: no");
}

/* Ids of clients may look like ours. */
WAIT_TEST(a_cancellation_means_a_request_of_the_client_rather_than_a_question)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input), other;
    char hex[ID_HEX_BYTES + 1];

    id_to_hex(input, hex);
    other = rig_start(r, 2, hex);
    rig_commit(r);
    rig_drop_actions(r);
    rig_give_up(r, 9, input, "no");
    rig_commit(r);
    assert_true(rig_flags(r, other) & UNFINISHED_CANCELLED);
    expect_row(r, call, "q", STEP_STARTED, "1");
}

WAIT_TEST(two_questions_of_a_call_have_two_answers)
{
    struct rig *r = *state;
    struct id first, second, call = rig_asking(r, 1, "7", &first);

    rig_answer(r, 0, first, "\"one\"");
    rig_commit(r);
    second = rig_ask(r, call, "p", 0);
    rig_suspend(r, call);
    rig_drop_actions(r);
    rig_answer(r, 0, second, "\"two\"");
    rig_commit(r);
    rig_expect_dispatch(r, call, 3);
    expect_row(r, call, "q", STEP_DONE, "\"one\"");
    expect_row(r, call, "p", STEP_DONE, "\"two\"");
}

WAIT_TEST(the_first_of_two_answers_counts_also_in_one_batch)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);

    rig_answer(r, 8, input, "\"one\"");
    rig_answer(r, 9, input, "\"two\"");
    rig_answer_error(r, 0, input, "-1: no");
    rig_expect_done(r, 8);
    rig_expect_dispatch(r, call, 2); /* the second one had the first one written */
    rig_expect_done(r, 9);
    rig_commit(r);
    rig_expect_nothing(r);
    expect_row(r, call, "q", STEP_DONE, "\"one\"");
}

WAIT_TEST(an_answer_to_an_unknown_question_changes_nothing_and_is_accepted)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);

    rig_answer(r, 9, rig_id(r), "1");
    rig_expect_done(r, 9);
    rig_commit(r);
    expect_asleep(r, call);
    assert_true(rig_has_id(r, KEY_INPUT, input));
}

WAIT_TEST(an_answer_from_another_session_changes_nothing_and_is_accepted)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input), other = rig_other_session(r);

    rig_drop_actions(r);
    rig_answer_from(r, 9, other, input, "1");
    rig_expect_done(r, 9);
    rig_commit(r);
    expect_asleep(r, call);
    expect_row(r, call, "q", STEP_STARTED, "1");
    rig_answer(r, 0, input, "\"right\"");
    rig_commit(r);
    expect_row(r, call, "q", STEP_DONE, "\"right\"");
}

WAIT_TEST(an_answer_to_a_call_that_is_over_leaves_nothing_behind)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r), input = rig_ask(r, call, "q", 0);

    rig_done(r, call, "{}");
    rig_commit(r);
    rig_drop_actions(r);
    rig_answer(r, 9, input, "1");
    rig_expect_done(r, 9);
    rig_commit(r);
    rig_expect_nothing(r);
    assert_false(rig_has_id(r, KEY_INPUT, input));
    expect_row(r, call, "q", STEP_STARTED, "1");
}

WAIT_TEST(an_answer_that_comes_too_late_leaves_nothing_behind)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r), input = rig_ask(r, call, "q", 100);

    rig_suspend(r, call);
    rig_pass(r, 100);
    rig_tick(r);
    rig_commit(r);
    rig_drop_actions(r);
    rig_answer(r, 9, input, "1");
    rig_expect_done(r, 9);
    rig_commit(r);
    rig_expect_nothing(r);
    expect_row(r, call, "q", STEP_EXPIRED, "1");
    assert_false(rig_has_id(r, KEY_INPUT, input));
}

/* ---- asking again ---- */

WAIT_TEST(a_question_that_is_asked_again_takes_the_place_of_the_old_one)
{
    struct rig *r = *state;
    struct id old, call = rig_asking(r, 1, "7", &old), new;

    rig_signal(r, 0, call, "s", "1");
    rig_commit(r);
    rig_drop_actions(r);
    new = rig_ask_again(r, call, "q", old);
    rig_expect_event(r, 1, 2, "\"cancel\"");
    rig_expect_event(r, 1, 3, "\"ask again\"");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_suspend(r, call);
    rig_answer(r, 0, old, "\"old\"");
    rig_commit(r);
    expect_asleep(r, call);
    expect_row(r, call, "q", STEP_STARTED, "2");
    rig_answer(r, 0, new, "\"new\"");
    rig_commit(r);
    rig_expect_dispatch(r, call, 3);
    expect_row(r, call, "q", STEP_DONE, "\"new\"");
}

WAIT_TEST(a_question_that_was_answered_this_very_moment_is_not_asked_again)
{
    struct rig *r = *state;
    struct id old, call = rig_asking(r, 1, "7", &old), new;

    rig_signal(r, 0, call, "s", "1");
    rig_commit(r);
    rig_drop_actions(r);
    rig_answer(r, 0, old, "\"right\"");
    new = rig_ask_again(r, call, "q", old);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_CONFLICT);
    rig_suspend(r, call);
    rig_expect_dispatch(r, call, 3);
    rig_expect_nothing(r);
    expect_row(r, call, "q", STEP_DONE, "\"right\"");
    assert_false(rig_has_id(r, KEY_INPUT, new));
}

WAIT_TEST(a_question_that_is_asked_again_keeps_its_time)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r), old = rig_ask(r, call, "q", 100);

    rig_suspend(r, call);
    rig_pass(r, 60);
    rig_signal(r, 0, call, "s", "1");
    rig_commit(r);
    rig_ask_again(r, call, "q", old);
    rig_suspend(r, call);
    rig_drop_actions(r);
    rig_pass(r, 40);
    rig_tick(r);
    rig_commit(r);
    rig_expect_dispatch(r, call, 3);
    expect_row(r, call, "q", STEP_EXPIRED, "2");
}

WAIT_TEST(a_question_that_is_taken_back_is_cancelled_once_and_cannot_be_answered)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r), input = rig_ask(r, call, "q", 100);

    rig_suspend(r, call);
    rig_pass(r, 100);
    rig_tick(r);
    rig_commit(r);
    rig_drop_actions(r);
    rig_follow(r, 5, call, 1, RIG_CREDIT);
    rig_expect_prime(r, 5, 1);
    rig_take_back(r, call, "q", input);
    rig_expect_event(r, 5, 2, "\"cancel\"");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_take_back(r, call, "q", input);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_answer(r, 9, input, "1");
    rig_expect_done(r, 9);
    rig_commit(r);
    rig_expect_nothing(r);
    expect_row(r, call, "q", STEP_EXPIRED, "1");
    assert_false(rig_has_id(r, KEY_INPUT, input));
}

WAIT_TEST(a_question_that_was_answered_meanwhile_is_not_taken_back)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);

    rig_answer(r, 0, input, "1");
    rig_commit(r);
    rig_drop_actions(r);
    rig_take_back(r, call, "q", input);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_expect_nothing(r);
    expect_row(r, call, "q", STEP_DONE, "1");
}

/* ---- after a restart ---- */

WAIT_TEST(an_open_question_survives_a_restart_and_its_answer_still_counts)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);

    rig_restart(r);
    rig_expect_nothing(r);
    rig_answer(r, 9, input, "\"here\"");
    rig_expect_done(r, 9);
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    expect_row(r, call, "q", STEP_DONE, "\"here\"");
}

WAIT_TEST(a_call_with_an_open_question_is_woken_when_its_client_is_back_after_a_restart)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);
    struct action *a;

    rig_restart(r);
    rig_follow(r, 5, call, 0, RIG_CREDIT);
    rig_expect_prime(r, 5, 0);
    rig_expect_event(r, 5, 1, "\"ask\"");
    rig_commit(r);
    a = rig_expect_dispatch(r, call, 2);
    assert_true(a->dispatch.is_reask);
    rig_ask_again(r, call, "q", input);
    rig_suspend(r, call);
    rig_drop_actions(r);
    rig_of_peer(r, CMD_UNFOLLOW, 5, 0);
    rig_follow(r, 6, call, 3, RIG_CREDIT); /* in the same life: it knows the question */
    rig_expect_prime(r, 6, 3);
    rig_commit(r);
    expect_asleep(r, call);
}

/* The attempt in between asks nothing: the question is open, and its client has not been away. */
WAIT_TEST(a_question_is_asked_again_after_a_restart_though_something_else_woke_its_call_before)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);

    rig_signal(r, 0, call, "other", "1");
    rig_commit(r);
    assert_false(rig_expect_dispatch(r, call, 2)->dispatch.is_reask);
    rig_suspend(r, call);
    rig_drop_actions(r);
    rig_restart(r);
    rig_follow(r, 5, call, 1, RIG_CREDIT);
    rig_expect_prime(r, 5, 1);
    rig_commit(r);
    assert_true(rig_expect_dispatch(r, call, 3)->dispatch.is_reask);
}

/* A step before the question that failed is tried again by every attempt, and may wait then. */
WAIT_TEST(a_question_is_asked_again_after_a_restart_though_its_call_waited_for_something_else)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);

    rig_signal(r, 0, call, "other", "1");
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    rig_wait(r, call, "again", 100);
    rig_suspend(r, call);
    rig_pass(r, 100);
    rig_tick(r);
    rig_commit(r);
    rig_suspend(r, call);
    rig_drop_actions(r);
    rig_restart(r);
    rig_follow(r, 5, call, 1, RIG_CREDIT);
    rig_commit(r);
    assert_true(rig_skip_to(r, ACT_DISPATCH)->dispatch.is_reask);
}

WAIT_TEST(a_repeat_of_the_request_after_a_restart_has_its_question_asked_again_too)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);
    struct action *a;

    rig_restart(r);
    rig_apply(r, rig_start_command(r, 5, "7", "{}"));
    rig_commit(r);
    rig_expect_prime(r, 5, 0);
    rig_expect_event(r, 5, 1, "\"ask\"");
    a = rig_expect_dispatch(r, call, 2);
    assert_true(a->dispatch.is_reask);
}

WAIT_TEST(a_call_whose_question_was_answered_is_not_woken_by_its_client)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);

    rig_answer(r, 0, input, "1");
    rig_commit(r);
    rig_wait(r, call, "z", 1000);
    rig_suspend(r, call);
    rig_restart(r);
    rig_follow(r, 5, call, 1, RIG_CREDIT);
    rig_expect_prime(r, 5, 1);
    rig_commit(r);
    expect_asleep(r, call);
}

WAIT_TEST(a_call_that_ran_when_the_process_died_asks_again_in_the_next_one)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r), input;
    struct action *a;

    input = rig_ask(r, call, "q", 0); /* and the process dies before the handler returns */
    rig_commit(r);
    rig_restart(r);
    a = rig_expect_dispatch(r, call, 2);
    assert_true(a->dispatch.is_reask);
    rig_ask_again(r, call, "q", input);
    rig_suspend(r, call);
    rig_drop_actions(r);
    rig_signal(r, 0, call, "s", "1");
    rig_commit(r);
    a = rig_expect_dispatch(r, call, 3);
    assert_false(a->dispatch.is_reask);
}

WAIT_TEST(a_new_call_asks_for_the_first_time)
{
    struct rig *r = *state;
    struct action *a;

    rig_restart(r);
    rig_start(r, 0, "7");
    a = rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    assert_false(a->dispatch.is_reask);
}

WAIT_TEST(each_restart_has_open_questions_asked_again_once)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);
    struct action *a;

    for (uint32_t life = 1; life <= 3; life++) {
        rig_restart(r);
        rig_follow(r, 5, call, 0, RIG_CREDIT);
        rig_commit(r);
        a = rig_skip_to(r, ACT_DISPATCH);
        assert_true(a->dispatch.is_reask);
        assert_int_equal(a->dispatch.attempt, life + 1);
        input = rig_ask_again(r, call, "q", input);
        rig_suspend(r, call);
        rig_drop_actions(r);
    }
}

RUN_TESTS()
