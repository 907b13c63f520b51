/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits between two tries of a body that are too long for a thread: the call is suspended, and the
 * next attempt goes on with the try that is next.
 */
#include "call_script.h"

#define RETRY_TEST(sentence) TEST_WITH(retry_wait, sentence, stage_setup, stage_teardown)

#define HOUR 3600000u

/* Long waits: random between 0 and an hour, so that hardly any is short enough for a thread. */
static const dmcp_step patient = {
    .alias = "charge", .retry = { .max_attempts = 4, .first_ms = HOUR, .max_ms = HOUR }
};
static const dmcp_step patient_once = { .alias = "charge",
                                        .retry = { 4, HOUR, HOUR },
                                        .retryable = listed };

/* To the end of the call, through all waits. Returns how often it was suspended. */
static unsigned play_through(struct stage *st, struct script *s)
{
    unsigned n = 0;

    play(st, s);
    while (!stage_is_finished(st)) {
        if (st->pending) {
            stage_attempt(st);
        } else {
            assert_true(stage_is_waiting(st));
            n++;
            stage_pass(st, HOUR);
        }
    }
    return n;
}

static void expect_tries(struct stage *st, struct script s, unsigned n_runs)
{
    unsigned n_waits = play_through(st, &s);

    assert_int_equal(s.n_runs, n_runs);
    assert_true(n_waits > 0 && n_waits < n_runs);
}

RETRY_TEST(a_long_wait_gives_the_thread_back_and_the_body_runs_again_behind_it)
{
    struct stage *st = *state;
    struct script s = { .step = &patient, .fails_with = DECLINED, .n_failures = 1, .json = "7" };

    play(st, &s);
    assert_int_equal(s.rc, DMCP_E_SUSPENDED);
    assert_true(stage_is_waiting(st));
    assert_int_equal(s.n_runs, 1);
    stage_pass(st, HOUR);
    stage_attempt(st);
    assert_int_equal(s.n_runs, 2);
    assert_string_equal(s.value, "7");
    assert_true(stage_is_finished(st));
}

RETRY_TEST(an_at_least_once_body_is_tried_as_often_as_its_policy_says)
{
    struct script s = { .step = &patient, .fails_with = DECLINED, .n_failures = 99 };

    expect_tries(*state, s, 4);
}

RETRY_TEST(an_at_most_once_body_is_tried_as_often_as_its_policy_says)
{
    struct script s = { .step = &patient_once,
                        .guard = GUARD_AT_MOST_ONCE,
                        .fails_with = NETWORK_ERROR,
                        .n_failures = 99 };

    expect_tries(*state, s, 4);
}

/* The early waits are short enough for a thread and leave no rows. */
RETRY_TEST(short_waits_count_as_tries_when_a_long_one_follows)
{
    static const dmcp_step growing = { .alias = "charge", .retry = { 20, 1, HOUR } };
    static const dmcp_step growing_once = { .alias = "charge",
                                            .retry = { 20, 1, HOUR },
                                            .retryable = listed };
    struct script least = { .step = &growing, .fails_with = DECLINED, .n_failures = 99 };
    struct script most = { .step = &growing_once,
                           .guard = GUARD_AT_MOST_ONCE,
                           .fails_with = NETWORK_ERROR,
                           .n_failures = 99 };

    expect_tries(*state, least, 20);
    expect_tries(*state, most, 20);
}

RETRY_TEST(the_last_error_is_what_the_handler_gets)
{
    struct stage *st = *state;
    struct script s = { .step = &patient, .fails_with = DECLINED, .n_failures = 99 };

    play_through(st, &s);
    assert_int_equal(s.rc, DECLINED);
    assert_string_equal(s.text, "the wire broke, time 4");
    assert_int_equal(rig_journal_state(st->rig, st->call, "charge"), 0);
}

RETRY_TEST(a_restart_in_a_long_wait_neither_shortens_it_nor_forgets_a_try)
{
    struct stage *st = *state;
    struct script s = { .step = &patient, .fails_with = DECLINED, .n_failures = 99 };

    play(st, &s);
    for (unsigned n = 0; n < 20 && !stage_is_finished(st); n++) {
        stage_crash(st, SIZE_MAX);
        if (st->pending) {
            stage_attempt(st);
        } else {
            stage_pass(st, HOUR);
        }
    }
    assert_true(stage_is_finished(st));
    assert_int_equal(s.n_runs, 4);
}

RETRY_TEST(a_call_that_is_woken_too_early_goes_on_waiting)
{
    struct stage *st = *state;
    struct script s = { .step = &patient, .fails_with = DECLINED, .n_failures = 1, .json = "7" };

    play(st, &s);
    stage_signal(st, "other", "1");
    stage_attempt(st);
    assert_true(stage_is_waiting(st));
    assert_int_equal(s.n_runs, 1);
    stage_pass(st, HOUR);
    stage_attempt(st);
    assert_int_equal(s.n_runs, 2);
}

RETRY_TEST(a_cancelled_call_does_not_go_on_waiting)
{
    struct stage *st = *state;
    struct script s = { .step = &patient, .fails_with = DECLINED, .n_failures = 99 };

    play(st, &s);
    assert_true(stage_is_waiting(st));
    stage_cancel(st);
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_CANCELLED);
    assert_int_equal(s.n_runs, 1);
    assert_true(stage_is_finished(st));
}

RETRY_TEST(a_cancelled_at_most_once_step_does_not_go_on_waiting_either)
{
    struct stage *st = *state;
    struct script s = { .step = &patient_once,
                        .guard = GUARD_AT_MOST_ONCE,
                        .fails_with = NETWORK_ERROR,
                        .n_failures = 99 };

    play(st, &s);
    stage_cancel(st);
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_CANCELLED);
    assert_int_equal(s.n_runs, 1);
    assert_int_equal(rig_journal_state(st->rig, st->call, "charge"), 0);
}

/* ---- in a thread ---- */

static int cancel_and_fail(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct script *s = arg;

    (void)result;
    s->n_runs++;
    stage_cancel(s->stage);
    return dmcp_fail(call, DECLINED, "no");
}

static int try_cancelled(dmcp_call *call)
{
    struct script *s = dmcp_call_context(call);
    const dmcp_step step = { .alias = "a", .retry = { 1000, 900, 900 } };

    s->rc = dmcp_at_least_once_with(call, &step, cancel_and_fail, s, NULL);
    return s->rc;
}

RETRY_TEST(a_cancellation_ends_a_short_wait_and_no_try_follows)
{
    struct stage *st = *state;
    struct script s = { .stage = st };

    stage_start(st, try_cancelled, &s, "{}");
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_CANCELLED);
    assert_int_equal(s.n_runs, 1);
}

RETRY_TEST(without_a_journal_all_waits_are_in_the_thread)
{
    static const dmcp_step step = { .alias = "a", .retry = { 3, 1, 2 } };
    struct stage *st = *state;
    struct script s = { .step = &step, .fails_with = DECLINED, .n_failures = 2, .json = "1" };

    s.stage = st;
    stage_call_ephemeral(st, one_step, &s, "{}");
    assert_int_equal(s.rc, DMCP_OK);
    assert_int_equal(s.n_runs, 3);
}

RUN_TESTS()
