/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps under both guards: what runs how often, what is told to the handler, and what later
 * attempts find.
 */
#include "call_script.h"

/* ---- at least once ---- */

TEST_WITH(at_least_once, returns_the_bodys_result_and_records_it, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &plain, .json = "{\"id\":12}" };

    play(st, &s);
    assert_int_equal(s.rc, DMCP_OK);
    assert_string_equal(s.value, "{\"id\":12}");
    assert_int_equal(rig_journal_state(st->rig, st->call, "charge"), STEP_DONE);
    assert_true(stage_is_finished(st));
}

TEST_WITH(at_least_once, costs_one_sync_for_a_call_with_one_step, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &plain };

    play(st, &s);
    assert_int_equal(st->n_commands[CMD_CALL_FLUSH], 0);
    assert_int_equal(st->n_commands[CMD_STEP], 1);
    assert_int_equal(st->n_syncs, 0); /* the response's is not waited for by the worker */
}

TEST_WITH(at_least_once, does_not_run_the_body_again_once_it_is_recorded, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &plain, .json = "[1,\"two\"]" };

    stage_start(st, one_step, &s, "{}");
    st->cut = 1; /* the record gets through, the outcome does not */
    stage_attempt(st);
    assert_false(stage_is_finished(st));
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(s.n_runs, 1);
    assert_string_equal(s.value, "[1,\"two\"]");
    assert_true(stage_is_finished(st));
}

TEST_WITH(at_least_once, runs_the_body_again_when_its_record_was_lost, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &plain };

    stage_start(st, one_step, &s, "{}");
    st->cut = 0;
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(s.n_runs, 2);
    assert_true(stage_is_finished(st));
}

TEST_WITH(at_least_once, tries_a_failing_body_again_and_then_succeeds, stage_setup, stage_teardown)
{
    struct script s = { .step = &plain, .fails_with = DECLINED, .n_failures = 4, .json = "1" };

    play(*state, &s);
    assert_int_equal(s.n_runs, 5);
    assert_int_equal(s.rc, DMCP_OK);
}

TEST_WITH(at_least_once, gives_up_after_five_tries_and_records_nothing, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &plain, .fails_with = DECLINED, .n_failures = 99 };

    play(st, &s);
    assert_int_equal(s.n_runs, 5);
    assert_int_equal(s.rc, DECLINED);
    assert_string_equal(s.text, "the wire broke, time 5");
    assert_int_equal(rig_journal_state(st->rig, st->call, "charge"), 0);
    assert_string_equal(stage_result(st),
                        "{\"content\":[{\"type\":\"text\",\"text\":\"Error executing tool tool: "
                        "the wire broke, time 5\"}],\"isError\":true}");
}

TEST_WITH(at_least_once, tries_as_often_as_its_policy_says, stage_setup, stage_teardown)
{
    const dmcp_step once = { .alias = "a", .retry = { .max_attempts = 1 } };
    const dmcp_step seven = { .alias = "a", .retry = { 7, 1, 1 } };
    struct script s = { .step = &once, .fails_with = DECLINED, .n_failures = 99 };

    play(*state, &s);
    assert_int_equal(s.n_runs, 1);
    s = (struct script){ .step = &seven, .fails_with = DECLINED, .n_failures = 99 };
    play(*state, &s);
    assert_int_equal(s.n_runs, 7);
}

TEST_WITH(at_least_once, gives_an_error_without_words_some, stage_setup, stage_teardown)
{
    struct script s = {
        .step = &plain, .fails_with = DECLINED, .n_failures = 99, .is_quiet = true
    };

    play(*state, &s);
    assert_string_equal(s.text, "step \"charge\" failed with error 8");
    s = (struct script){
        .step = &plain, .fails_with = DMCP_E_NET, .n_failures = 99, .is_quiet = true
    };
    play(*state, &s);
    assert_string_equal(s.text, "step \"charge\": network failure");
}

static int fail_before(dmcp_call *call)
{
    dmcp_fail(call, DECLINED, "something of before");
    return one_step(call);
}

TEST_WITH(at_least_once, does_not_tell_an_earlier_error_for_its_own, stage_setup, stage_teardown)
{
    struct script s = {
        .step = &plain, .fails_with = DECLINED, .n_failures = 99, .is_quiet = true
    };

    stage_call(*state, fail_before, &s, "{}");
    assert_string_equal(s.text, "step \"charge\" failed with error 8");
}

/* ---- at most once ---- */

TEST_WITH(at_most_once, returns_the_recorded_result_in_later_attempts, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &plain, .guard = GUARD_AT_MOST_ONCE, .json = "\"paid\"" };

    stage_start(st, one_step, &s, "{}");
    st->cut = 2; /* begin, record */
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    s.value[0] = '\0';
    stage_attempt(st);
    assert_int_equal(s.n_runs, 1);
    assert_string_equal(s.value, "\"paid\"");
    assert_true(stage_is_finished(st));
}

TEST_WITH(at_most_once, does_not_run_a_body_whose_beginning_could_not_be_written, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &plain, .guard = GUARD_AT_MOST_ONCE };

    stage_start(st, one_step, &s, "{}");
    st->cut = 0;
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_STORE);
    assert_int_equal(s.n_runs, 0);
    stage_crash(st, 0);
    stage_attempt(st);
    assert_int_equal(s.n_runs, 1);
}

TEST_WITH(at_most_once, never_runs_a_body_again_that_a_crash_interrupted, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &plain, .guard = GUARD_AT_MOST_ONCE };

    stage_start(st, one_step, &s, "{}");
    st->cut = 1; /* begin */
    stage_attempt(st);
    for (int i = 0; i < 2; i++) {
        stage_crash(st, 0); /* the mark was durable before the body ran */
        st->cut = 0;
        stage_attempt(st);
        assert_int_equal(s.rc, DMCP_E_ATTEMPTED);
        assert_non_null(strstr(s.text, "step \"charge\" was started in an attempt that did not "
                                       "end"));
        assert_int_equal(s.n_runs, 1);
    }
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_non_null(strstr(stage_result(st), "did not end"));
}

TEST_WITH(at_most_once, is_final_after_an_error_and_remembers_the_reason, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;
    struct script s = {
        .step = &listing, .guard = GUARD_AT_MOST_ONCE, .fails_with = DECLINED, .n_failures = 99
    };

    stage_start(st, one_step, &s, "{}");
    st->cut = 2; /* begin, fail */
    stage_attempt(st);
    assert_int_equal(s.rc, DECLINED);
    assert_string_equal(s.text, "the wire broke, time 1");
    stage_crash(st, 0); /* the reason was durable before the handler heard of it */
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_ATTEMPTED);
    assert_string_equal(s.text, "step \"charge\" failed in an earlier attempt, and is not run "
                                "again: the wire broke, time 1");
    assert_int_equal(s.n_runs, 1);
}

TEST_WITH(at_most_once, tries_again_after_an_error_that_its_author_listed, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &listing,
                        .guard = GUARD_AT_MOST_ONCE,
                        .fails_with = NETWORK_ERROR,
                        .n_failures = 2,
                        .json = "\"paid\"" };

    play(st, &s);
    assert_int_equal(s.n_runs, 3);
    assert_string_equal(s.value, "\"paid\"");
    assert_int_equal(rig_journal_state(st->rig, st->call, "charge"), STEP_DONE);
}

TEST_WITH(at_most_once, gives_a_listed_error_back_with_the_record_reset, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &listing,
                        .guard = GUARD_AT_MOST_ONCE,
                        .fails_with = NETWORK_ERROR,
                        .n_failures = 3,
                        .json = "\"paid\"" };

    stage_start(st, one_step, &s, "{}");
    st->cut = 6; /* begin and reset, three times */
    stage_attempt(st);
    assert_int_equal(s.rc, NETWORK_ERROR);
    assert_int_equal(s.n_runs, 3);
    assert_int_equal(rig_journal_state(st->rig, st->call, "charge"), 0);
    stage_crash(st, 0);
    stage_attempt(st);
    assert_int_equal(s.n_runs, 4);
    assert_string_equal(s.value, "\"paid\"");
}

TEST_WITH(at_most_once, is_final_when_the_process_dies_before_the_record_is_reset, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;
    struct script s = {
        .step = &listing, .guard = GUARD_AT_MOST_ONCE, .fails_with = NETWORK_ERROR, .n_failures = 1
    };

    stage_start(st, one_step, &s, "{}");
    st->cut = 1;
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_ATTEMPTED);
    assert_int_equal(s.n_runs, 1);
}

TEST_WITH(at_most_once, is_final_after_a_result_of_the_wrong_type, stage_setup, stage_teardown)
{
    const dmcp_step integer = { .alias = "charge", .type = DMCP_INTEGER };
    struct stage *st = *state;
    struct script s = { .step = &integer, .guard = GUARD_AT_MOST_ONCE, .json = "\"paid\"" };

    stage_start(st, one_step, &s, "{}");
    st->cut = 2;
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_TYPE);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_ATTEMPTED);
    assert_non_null(strstr(s.text, "again: the result of step \"charge\" of tool \"tool\" is of "
                                   "type string, not integer: mend the body"));
    assert_int_equal(s.n_runs, 1);
}

RUN_TESTS()
