/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a step ends otherwise than by its body's error: with a result of the wrong type or size, under
 * another guard than before, or because the server stops.
 */
#include "call_script.h"

/* ---- types ---- */

TEST_WITH(step, refuses_a_result_of_another_type_and_records_nothing, stage_setup, stage_teardown)
{
    const dmcp_step object = { .alias = "charge", .type = DMCP_OBJECT };
    struct stage *st = *state;
    struct script s = { .step = &object };

    play(st, &s);
    assert_int_equal(s.rc, DMCP_E_TYPE);
    assert_string_equal(s.text, "the result of step \"charge\" of tool \"tool\" is of type null, not object: "
                                "mend the body, or the type that the step declares");
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
                        "the recorded result of step \"charge\" of tool \"tool\" is of type string, not "
                        "number: was the step changed under a running call? Then give it a new alias");
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
    static const int guards[] = { GUARD_AT_LEAST_ONCE, GUARD_AT_MOST_ONCE };
    struct stage *st = *state;

    for (size_t i = 0; i < COUNT_OF(guards); i++) {
        struct script s = { .step = &plain, .json = "1", .guard = guards[i] };

        stage_start(st, one_step, &s, "{}");
        atomic_store(&st->is_stopping, true);
        stage_attempt(st);
        assert_int_equal(s.rc, DMCP_E_STOPPING);
        assert_int_equal(s.n_runs, 0);
        assert_int_equal(st->n_commands[CMD_CALL_RELEASE], 1);
        assert_int_equal(st->n_commands[CMD_STEP], 0);
        assert_int_equal(st->n_commands[CMD_CALL_DONE], 0);
        assert_false(stage_is_finished(st));
        stage_crash(st, SIZE_MAX);
        stage_attempt(st);
        assert_int_equal(s.n_runs, 1);
        assert_true(stage_is_finished(st));
    }
}

TEST_WITH(stop, ends_the_wait_between_two_tries, stage_setup, stage_teardown)
{
    const dmcp_step slow = { .alias = "charge",
                             .retry = { .first_ms = 1000, .max_ms = 1000 } };
    struct stage *st = *state;
    struct script s = {
        .step = &slow, .fails_with = DECLINED, .n_failures = 1, .stops_server = true
    };

    play(st, &s);
    assert_int_equal(s.rc, DMCP_E_STOPPING);
    assert_int_equal(s.n_runs, 1);
    assert_false(stage_is_finished(st));
}

TEST_WITH(stop, lets_a_started_at_most_once_body_finish, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct script s = {
        .step = &plain, .guard = GUARD_AT_MOST_ONCE, .json = "\"paid\"", .stops_server = true
    };

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

/* ---- after an attempt was cut short ---- */

/* Ignores what it is told, and replies as if all was well. */
static int deaf(dmcp_call *call)
{
    struct script *s = dmcp_call_context(call);
    uint64_t ms;
    char bytes[8], uuid[37];

    s->rc = dmcp_now(call, &ms);
    if (s->rc == DMCP_OK) {
        s->rc = dmcp_map_insert(dmcp_map_open(call, "m"), "k", "v", 1);
    }
    if (s->rc != DMCP_OK) {
        assert_int_equal(dmcp_at_least_once(call, "a", body, s, NULL), s->rc);
        assert_int_equal(dmcp_at_most_once(call, "b", body, s, NULL), s->rc);
        assert_int_equal(dmcp_now(call, &ms), s->rc);
        assert_int_equal(dmcp_random(call, bytes, 8), s->rc);
        assert_int_equal(dmcp_uuid7(call, uuid), s->rc);
        assert_int_equal(dmcp_map_remove(dmcp_map_open(call, "m"), "k"), s->rc);
        assert_int_equal(dmcp_batch_write(dmcp_batch_new(call, NULL)), s->rc);
        assert_int_equal(dmcp_progress(call, 1, 1, NULL), s->rc);
        assert_int_equal(dmcp_log(call, DMCP_LOG_INFO, NULL, "x"), s->rc);
        assert_int_equal(dmcp_list_changed(call, DMCP_TOOLS, "x"), s->rc);
        dmcp_fail(call, DECLINED, "something else");
    }
    return dmcp_reply(call, "s", "fine");
}

TEST_WITH(poisoned_call, does_nothing_more_and_runs_again_whatever_its_handler_returns, stage_setup,
          stage_teardown)
{
    static const int codes[] = { DMCP_E_STORE,   DMCP_E_FULL, DMCP_E_STOPPING,
                                 DMCP_E_CORRUPT, DMCP_E_GONE, DMCP_E_SUSPENDED };

    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        struct stage *st = *state;
        struct script s = { 0 };

        stage_start(st, deaf, &s, "{}");
        st->cut = 1; /* the time, which is not waited for */
        st->refusal = codes[i];
        stage_attempt(st);
        assert_int_equal(s.rc, codes[i]);
        assert_int_equal(s.n_runs, 0);
        assert_int_equal(st->n_lost[CMD_MAP], 1);
        assert_int_equal(
            st->n_lost[codes[i] == DMCP_E_SUSPENDED ? CMD_CALL_SUSPEND : CMD_CALL_RELEASE], 1);
        assert_int_equal(st->n_lost[CMD_CALL_DONE], 0);
        stage_crash(st, SIZE_MAX);
        stage_attempt(st);
        assert_non_null(strstr(stage_result(st), "fine"));
    }
}

static int refused_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct script *s = arg;

    (void)result;
    s->n_runs++;
    dmcp_map_insert(dmcp_map_open(call, "m"), "k", "v", 1); /* its error is ignored */
    return DMCP_OK;
}

static int refused_step(dmcp_call *call)
{
    struct script *s = dmcp_call_context(call);

    s->rc = s->guard == GUARD_AT_MOST_ONCE ? dmcp_at_most_once(call, "a", refused_body, s, NULL)
                                           : dmcp_at_least_once(call, "a", refused_body, s, NULL);
    return s->rc;
}

TEST_WITH(poisoned_body, is_not_tried_again_and_not_recorded, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct script s = { .guard = GUARD_AT_LEAST_ONCE };

    stage_start(st, refused_step, &s, "{}");
    st->cut = 0;
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_STORE);
    assert_int_equal(s.n_runs, 1);
    assert_int_equal(st->n_lost[CMD_STEP], 0);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_OK);
    s = (struct script){ .guard = GUARD_AT_MOST_ONCE };
    stage_start(st, refused_step, &s, "{}");
    st->cut = 1; /* begin */
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_STORE);
    assert_int_equal(st->n_lost[CMD_STEP], 0);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_ATTEMPTED);
    assert_int_equal(s.n_runs, 1);
}

RUN_TESTS()
