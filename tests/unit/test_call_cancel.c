/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handler sees of a cancellation and of its time limit, and what its client gets then.
 */
#include "harness.h"
#include "stage.h"

#define CANCEL_TEST(sentence) TEST_WITH(cancelled_call, sentence, stage_setup, stage_teardown)
#define LIMIT_TEST(sentence) TEST_WITH(late_call, sentence, stage_setup, stage_teardown)

#define OWN_ERROR 9

struct seen {
    struct stage *stage;
    unsigned n_bodies;
    bool cancels;       /* from within the first body, */
    uint64_t passes_ms; /* or lets so much time pass */
    int returns;        /* what the handler returns in the end, */
    bool says_why;      /* with words of its own */
    bool was_cancelled; /* dmcp_cancelled at the end */
    int first, step, once, sleep, signal, insert, event, value;
    char text[200];
};

static int body(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct seen *seen = arg;

    seen->n_bodies++;
    if (seen->cancels) {
        seen->cancels = false;
        stage_cancel(seen->stage);
    }
    if (seen->passes_ms) {
        stage_pass(seen->stage, seen->passes_ms);
        seen->passes_ms = 0;
    }
    *result = dmcp_string(call, "done");
    return DMCP_OK;
}

/* All that a handler can do, whatever it is told. */
static int try_everything(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);
    uint64_t ms;

    seen->first = dmcp_at_least_once(call, "first", body, seen, NULL);
    seen->step = dmcp_at_least_once(call, "step", body, seen, NULL);
    seen->once = dmcp_at_most_once(call, "once", body, seen, NULL);
    seen->sleep = dmcp_sleep(call, 1000);
    snprintf(seen->text, sizeof(seen->text), "%s", dmcp_error_text(call));
    seen->signal = dmcp_await_signal(call, "s", 0, NULL);
    seen->insert = dmcp_map_insert(dmcp_map_open(call, "m"), "k", "v", 1);
    seen->event = dmcp_log(call, DMCP_LOG_ERROR, NULL, "cleaning up");
    seen->value = dmcp_now(call, &ms);
    seen->was_cancelled = dmcp_cancelled(call);
    if (seen->says_why) {
        return dmcp_fail(call, seen->returns, "in my own words");
    }
    return seen->returns == DMCP_OK ? dmcp_reply(call, "s", "all done") : seen->returns;
}

CANCEL_TEST(a_running_handler_sees_it_and_begins_nothing_new_but_may_clean_up)
{
    struct stage *st = *state;
    struct seen seen = { .stage = st, .cancels = true };

    stage_call(st, try_everything, &seen, "{}");
    assert_int_equal(seen.first, DMCP_OK); /* what ran already is recorded */
    assert_int_equal(rig_journal_state(st->rig, st->call, "first"), STEP_DONE);
    assert_int_equal(seen.step, DMCP_E_CANCELLED);
    assert_int_equal(seen.once, DMCP_E_CANCELLED);
    assert_int_equal(seen.sleep, DMCP_E_CANCELLED);
    assert_int_equal(seen.signal, DMCP_E_CANCELLED);
    assert_string_equal(seen.text, "the call was cancelled");
    assert_int_equal(seen.n_bodies, 1);
    assert_int_equal(rig_journal_state(st->rig, st->call, "once"), 0);
    assert_int_equal(seen.insert, DMCP_OK);
    assert_string_equal(stage_map_value(st, "m", "k"), "v");
    assert_int_equal(seen.event, DMCP_OK);
    assert_int_equal(seen.value, DMCP_OK);
    assert_true(seen.was_cancelled);
    assert_true(stage_is_finished(st));
    assert_string_equal(stage_result(st), RIG_CANCELLED);
}

CANCEL_TEST(a_suspended_handler_is_run_again_to_see_it)
{
    struct stage *st = *state;
    struct seen seen = { .stage = st, .returns = DMCP_E_CANCELLED };

    stage_start(st, try_everything, &seen, "{}");
    stage_attempt(st);
    assert_int_equal(seen.sleep, DMCP_E_SUSPENDED);
    assert_false(seen.was_cancelled);
    stage_cancel(st);
    stage_attempt(st);
    assert_int_equal(seen.step, DMCP_OK); /* recorded */
    assert_int_equal(seen.sleep, DMCP_E_CANCELLED);
    assert_true(seen.was_cancelled);
    assert_int_equal(seen.n_bodies, 3);
    assert_true(stage_is_finished(st));
    assert_string_equal(stage_result(st), RIG_CANCELLED);
}

CANCEL_TEST(a_handler_that_had_not_begun_sees_it_at_once)
{
    struct stage *st = *state;
    struct seen seen = { .stage = st };

    stage_start(st, try_everything, &seen, "{}");
    stage_cancel(st);
    stage_attempt(st);
    assert_int_equal(seen.n_bodies, 0);
    assert_true(stage_is_finished(st));
    assert_string_equal(stage_result(st), RIG_CANCELLED);
}

CANCEL_TEST(a_handler_is_told_again_after_a_restart)
{
    struct stage *st = *state;
    struct seen seen = { .stage = st, .cancels = true };

    stage_start(st, try_everything, &seen, "{}");
    st->cut = 3; /* step, cancellation, end of the step: not the end of the call */
    stage_attempt(st);
    assert_false(stage_is_finished(st));
    stage_crash(st, 0);
    stage_attempt(st);
    assert_true(seen.was_cancelled);
    assert_true(stage_is_finished(st));
    assert_string_equal(stage_result(st), RIG_CANCELLED);
}

/* ---- time limits ---- */

static const char *play_late(struct stage *st, struct seen *seen)
{
    seen->stage = st;
    seen->passes_ms = 500;
    st->timeout_ms = 500;
    return stage_call(st, try_everything, seen, "{}");
}

LIMIT_TEST(a_running_handler_is_told_in_the_same_way)
{
    struct stage *st = *state;
    struct seen seen = { .returns = DMCP_E_CANCELLED };

    play_late(st, &seen);
    assert_int_equal(seen.first, DMCP_OK);
    assert_int_equal(seen.step, DMCP_E_CANCELLED);
    assert_int_equal(seen.sleep, DMCP_E_CANCELLED);
    assert_string_equal(seen.text, "timed out after 500 ms");
    assert_true(seen.was_cancelled);
}

LIMIT_TEST(a_handler_that_gives_up_has_its_client_told_that_it_timed_out)
{
    struct seen seen = { .returns = DMCP_E_CANCELLED };

    assert_non_null(
        strstr(play_late(*state, &seen), "\"Error executing tool tool: timed out after 500 ms\""));
}

LIMIT_TEST(a_handler_that_ends_with_an_error_of_its_own_has_its_client_told_that)
{
    struct seen seen = { .returns = OWN_ERROR, .says_why = true };

    assert_non_null(strstr(play_late(*state, &seen), "in my own words"));
    seen = (struct seen){ .returns = DMCP_E_CANCELLED, .says_why = true };
    assert_non_null(strstr(play_late(*state, &seen), "in my own words"));
}

LIMIT_TEST(a_handler_that_comes_to_its_end_all_the_same_has_its_result_delivered)
{
    struct seen seen = { .returns = DMCP_OK };

    assert_non_null(strstr(play_late(*state, &seen), "all done"));
}

static int sleep_long(dmcp_call *call)
{
    return dmcp_sleep(call, 3600000);
}

LIMIT_TEST(a_handler_that_waits_is_run_again_and_times_out)
{
    struct stage *st = *state;

    st->timeout_ms = 700;
    stage_start(st, sleep_long, NULL, "{}");
    stage_attempt(st);
    stage_pass(st, 699);
    assert_true(stage_is_waiting(st));
    stage_pass(st, 1);
    stage_attempt(st);
    assert_non_null(strstr(stage_result(st), "timed out after 700 ms"));
}

LIMIT_TEST(a_handler_that_had_not_begun_times_out_too)
{
    struct stage *st = *state;

    st->timeout_ms = 700;
    stage_start(st, sleep_long, NULL, "{}");
    stage_crash(st, SIZE_MAX);
    rig_pass(st->rig, 700);
    stage_apply(st, command_new(CMD_TICK));
    stage_attempt(st);
    assert_non_null(strstr(stage_result(st), "timed out after 700 ms"));
}

LIMIT_TEST(a_late_call_that_is_cancelled_besides_has_no_response)
{
    struct stage *st = *state;
    struct seen seen = { .stage = st, .cancels = true };

    play_late(st, &seen);
    assert_string_equal(stage_result(st), RIG_CANCELLED);
}

LIMIT_TEST(a_call_that_is_in_time_is_not_disturbed)
{
    struct stage *st = *state;
    struct seen seen = { .stage = st, .returns = DMCP_OK };

    st->timeout_ms = 5000;
    stage_start(st, try_everything, &seen, "{}");
    stage_attempt(st);
    stage_pass(st, 1000);
    stage_attempt(st);
    stage_signal(st, "s", "1");
    stage_attempt(st);
    assert_false(seen.was_cancelled);
    assert_non_null(strstr(stage_result(st), "all done"));
    assert_int_equal(rig_count(st->rig, key_kind_start(KEY_TIMER)), 0);
}

/* ---- its timers ---- */

static int fails(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)arg;
    (void)result;
    return dmcp_fail(call, OWN_ERROR, "not yet");
}

/* One of the things that wait for a day at most. */
static int waits_for_a_day(dmcp_call *call)
{
    const uint64_t day_ms = 86400000;
    const dmcp_step step = { .alias = "try", .retry = { 99, 4000000000u, 4000000000u } };

    switch (*(int *)dmcp_call_context(call)) {
    case 0:
        return dmcp_sleep(call, day_ms);
    case 1:
        return dmcp_await_signal(call, "go", day_ms, NULL);
    case 2:
        return dmcp_list_roots(call, "roots", day_ms, NULL);
    default:
        return dmcp_at_least_once_with(call, &step, fails, NULL, NULL);
    }
}

CANCEL_TEST(takes_the_timer_of_what_it_waits_for_with_it)
{
    struct stage *st = *state;

    stage_set_client(st, SESSION_ROOTS);
    for (int what = 0; what < 4; what++) {
        stage_call(st, waits_for_a_day, &what, "{}");
        assert_true(stage_is_waiting(st));
        assert_int_equal(rig_count(st->rig, key_kind_start(KEY_TIMER)), 1);
        stage_cancel(st);
        stage_attempt(st);
        assert_true(stage_is_finished(st));
        assert_int_equal(rig_count(st->rig, key_kind_start(KEY_TIMER)), 0);
        assert_int_equal(rig_count(st->rig, key_kind_start(KEY_INPUT)), 0);
    }
}

RUN_TESTS()
