/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps under both guards: what runs how often, what is told to the handler, and what later
 * attempts find.
 */
#include "harness.h"

#include "stage.h"

#define NETWORK_ERROR 7
#define DECLINED 8

/* What a body is told to do, and how often it ran. */
struct script {
    int fails_with;     /* ... */
    unsigned n_failures; /* so many times */
    bool is_quiet;       /* without dmcp_fail */
    const char *json;    /* the result; NULL: none is set */
    unsigned n_runs;
    bool stops_server;   /* while it runs */
    struct stage *stage;
    const dmcp_step *step;
    int rc; /* what the guard returned */
    char text[600];
    char value[200];
    int guard; /* GUARD_... */
};

static int body(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct script *s = arg;

    s->n_runs++;
    if (s->stops_server) {
        atomic_store(&s->stage->is_stopping, true);
    }
    if (s->n_runs <= s->n_failures) {
        return s->is_quiet ? s->fails_with
                           : dmcp_fail(call, s->fails_with, "the wire broke, time %u", s->n_runs);
    }
    if (s->json) {
        *result = dmcp_json_parse(call, s->json, strlen(s->json));
    }
    return DMCP_OK;
}

static int one_step(dmcp_call *call)
{
    struct script *s = dmcp_call_context(call);
    dmcp_value *v = NULL;

    s->rc = s->guard == GUARD_AT_MOST_ONCE
                ? dmcp_at_most_once_with(call, s->step, body, s, &v)
                : dmcp_at_least_once_with(call, s->step, body, s, &v);
    snprintf(s->text, sizeof(s->text), "%s", dmcp_error_text(call));
    snprintf(s->value, sizeof(s->value), "%s", s->rc == DMCP_OK ? dmcp_json_text(call, v) : "");
    DMCP_TRY(s->rc);
    return dmcp_reply(call, "v", v);
}

static const int listed[] = { NETWORK_ERROR, 0 };
#define FAST { .first_ms = 1, .max_ms = 1 }
static const dmcp_step plain = { .alias = "charge", .retry = FAST };
static const dmcp_step listing = { .alias = "charge", .retry = FAST, .retryable = listed };

static void play(struct stage *st, struct script *s)
{
    s->stage = st;
    stage_start(st, one_step, s, "{}");
    stage_attempt(st);
}

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
    struct script s = { .step = &listing,
                        .guard = GUARD_AT_MOST_ONCE,
                        .fails_with = NETWORK_ERROR,
                        .n_failures = 1 };

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
    assert_non_null(strstr(s.text, "again: the result of step \"charge\" is of type string, not "
                                   "integer"));
    assert_int_equal(s.n_runs, 1);
}

/* ---- types ---- */

TEST_WITH(step, refuses_a_result_of_another_type_and_records_nothing, stage_setup, stage_teardown)
{
    const dmcp_step object = { .alias = "charge", .type = DMCP_OBJECT };
    struct stage *st = *state;
    struct script s = { .step = &object };

    play(st, &s);
    assert_int_equal(s.rc, DMCP_E_TYPE);
    assert_string_equal(s.text, "the result of step \"charge\" is of type null, not object");
    assert_int_equal(s.n_runs, 1);
    assert_int_equal(rig_journal_state(st->rig, st->call, "charge"), 0);
}

TEST_WITH(step, refuses_a_recorded_result_of_another_type, stage_setup, stage_teardown)
{
    const dmcp_step number = { .alias = "charge", .type = DMCP_NUMBER };
    struct stage *st = *state;
    struct script s = { .step = &plain, .json = "\"paid\"" };

    stage_start(st, one_step, &s, "{}");
    st->cut = 1;
    stage_attempt(st);
    s.step = &number; /* the handler's code was changed under the call */
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_TYPE);
    assert_string_equal(s.text,
                        "the recorded result of step \"charge\" is of type string, not number");
}

TEST_WITH(step, takes_an_integer_for_a_number, stage_setup, stage_teardown)
{
    const dmcp_step number = { .alias = "a", .type = DMCP_NUMBER };
    const dmcp_step integer = { .alias = "a", .type = DMCP_INTEGER };
    struct script s = { .step = &number, .json = "3" };

    play(*state, &s);
    assert_int_equal(s.rc, DMCP_OK);
    s = (struct script){ .step = &integer, .json = "3.5" };
    play(*state, &s);
    assert_int_equal(s.rc, DMCP_E_TYPE);
}

TEST_WITH(step, names_both_kinds_when_another_one_is_recorded, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &plain };

    stage_start(st, one_step, &s, "{}");
    st->cut = 1;
    stage_attempt(st);
    s.guard = GUARD_AT_MOST_ONCE;
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_DIVERGED);
    assert_non_null(strstr(s.text, "\"charge\" is an at-least-once step in the call's journal, and "
                                   "an at-most-once step in the handler"));
}

/* ---- size ---- */

static int big_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    size_t n = *(size_t *)arg;
    char *text = mem_alloc(n + 1);

    memset(text, 'x', n);
    text[n] = '\0';
    *result = dmcp_string(call, text);
    mem_free(text);
    return DMCP_OK;
}

static int big_step(dmcp_call *call)
{
    return dmcp_at_least_once(call, "big", big_body, dmcp_call_context(call), NULL);
}

TEST_WITH(step, takes_a_result_at_the_limit_and_none_past_it, stage_setup, stage_teardown)
{
    size_t n = LIMIT_RESULT_BYTES - 2; /* the quotes count */

    assert_string_equal(stage_call(*state, big_step, &n, "{}"), "{\"content\":[]}");
    n++;
    assert_non_null(strstr(stage_call(*state, big_step, &n, "{}"),
                           "the result of step \\\"big\\\" is larger than 16777216 bytes as JSON"));
}

/* ---- stopping ---- */

TEST_WITH(stop, starts_no_further_body_and_gives_the_call_back, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &plain, .json = "1" };

    stage_start(st, one_step, &s, "{}");
    atomic_store(&st->is_stopping, true);
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_STOPPING);
    assert_int_equal(s.n_runs, 0);
    assert_int_equal(st->n_commands[CMD_CALL_RELEASE], 1);
    assert_int_equal(st->n_commands[CMD_CALL_DONE], 0);
    assert_false(stage_is_finished(st));
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(s.n_runs, 1);
    assert_true(stage_is_finished(st));
}

TEST_WITH(stop, ends_the_wait_between_two_tries, stage_setup, stage_teardown)
{
    const dmcp_step slow = { .alias = "charge",
                             .retry = { .first_ms = 3600000, .max_ms = 3600000 } };
    struct stage *st = *state;
    struct script s = {
        .step = &slow, .fails_with = DECLINED, .n_failures = 1, .stops_server = true
    };

    play(st, &s); /* an hour, otherwise */
    assert_int_equal(s.rc, DMCP_E_STOPPING);
    assert_int_equal(s.n_runs, 1);
    assert_false(stage_is_finished(st));
}

TEST_WITH(stop, lets_a_started_at_most_once_body_finish, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &plain,
                        .guard = GUARD_AT_MOST_ONCE,
                        .json = "\"paid\"",
                        .stops_server = true };

    play(st, &s);
    assert_int_equal(s.rc, DMCP_OK);
    assert_true(stage_is_finished(st));
}

TEST_WITH(stop, resets_an_at_most_once_step_that_waits_to_be_tried_again, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .step = &listing,
                        .guard = GUARD_AT_MOST_ONCE,
                        .fails_with = NETWORK_ERROR,
                        .n_failures = 1,
                        .stops_server = true };

    play(st, &s);
    assert_int_equal(s.rc, DMCP_E_STOPPING);
    s.stops_server = false;
    stage_crash(st, 0);
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_OK);
    assert_int_equal(s.n_runs, 2);
}

RUN_TESTS()
