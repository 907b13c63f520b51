/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeps and signals as a handler sees them: it returns when it is told to wait, is run again from
 * its top, and comes back to the same place.
 */
#include "harness.h"
#include "stage.h"

#define SLEEP_TEST(sentence) TEST_WITH(sleep, sentence, stage_setup, stage_teardown)
#define SIGNAL_TEST(sentence) TEST_WITH(signal, sentence, stage_setup, stage_teardown)

/* How often each part of a handler was reached, and what it saw. */
struct seen {
    unsigned n_starts, n_bodies, n_between, n_ends;
    uint64_t ms, timeout_ms;
    int rc, other_rc;
    char text[600];
    bool ignores; /* what the wait returned */
};

static int count_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct seen *seen = arg;

    seen->n_bodies++;
    *result = dmcp_integer(call, (int64_t)seen->n_bodies);
    return DMCP_OK;
}

/* ---- sleeping ---- */

static int nap_twice(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);
    dmcp_value *v;

    seen->n_starts++;
    DMCP_TRY(dmcp_at_least_once(call, "before", count_body, seen, NULL));
    DMCP_TRY(dmcp_sleep(call, 1000));
    seen->n_between++;
    DMCP_TRY(dmcp_sleep(call, 2000));
    seen->n_ends++;
    DMCP_TRY(dmcp_at_least_once(call, "after", count_body, seen, &v));
    return dmcp_reply(call, "v", v);
}

SLEEP_TEST(a_handler_goes_on_behind_each_of_its_sleeps_and_repeats_no_step)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    stage_start(st, nap_twice, &seen, "{}");
    stage_attempt(st);
    assert_true(stage_is_waiting(st));
    stage_pass(st, 999);
    assert_true(stage_is_waiting(st));
    stage_pass(st, 1);
    stage_attempt(st);
    assert_true(stage_is_waiting(st));
    assert_int_equal(seen.n_between, 1);
    stage_pass(st, 2000);
    stage_attempt(st);
    assert_true(stage_is_finished(st));
    assert_int_equal(seen.n_starts, 3);
    assert_int_equal(seen.n_bodies, 2);
    assert_int_equal(seen.n_ends, 1);
    assert_non_null(strstr(stage_result(st), "\"result\":2"));
}

SLEEP_TEST(a_restart_neither_shortens_nor_prolongs_it)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    stage_start(st, nap_twice, &seen, "{}");
    stage_attempt(st);
    stage_pass(st, 700);
    stage_crash(st, SIZE_MAX);
    assert_true(stage_is_waiting(st));
    stage_pass(st, 299);
    assert_true(stage_is_waiting(st));
    stage_pass(st, 1);
    stage_attempt(st);
    assert_int_equal(seen.n_between, 1);
}

SLEEP_TEST(a_crash_before_the_handler_has_returned_does_not_begin_it_anew)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    stage_start(st, nap_twice, &seen, "{}");
    st->cut = 2; /* the step and the sleep get through, that the call is suspended does not */
    stage_attempt(st);
    assert_int_equal(st->n_lost[CMD_CALL_SUSPEND], 1);
    rig_pass(st->rig, 400);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_true(stage_is_waiting(st));
    stage_pass(st, 600);
    stage_attempt(st);
    assert_int_equal(seen.n_between, 1);
    assert_int_equal(seen.n_bodies, 1);
}

SLEEP_TEST(a_crash_behind_any_command_leaves_a_call_that_comes_to_its_end)
{
    struct stage *st = *state;

    for (unsigned cut = 0; cut < 12; cut++) {
        struct seen seen = { 0 };

        stage_start(st, nap_twice, &seen, "{}");
        for (unsigned i = 0; i < 30 && !stage_is_finished(st); i++) {
            if (st->pending) {
                st->cut = i % 2 == 0 ? cut : STAGE_NO_CUT;
                stage_attempt(st);
                if (st->cut != STAGE_NO_CUT) {
                    stage_crash(st, SIZE_MAX);
                }
            } else {
                stage_pass(st, 500);
            }
        }
        assert_true(stage_is_finished(st));
        assert_int_equal(seen.n_ends > 0, 1);
    }
}

static int nap_for(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);

    seen->rc = dmcp_sleep(call, seen->ms);
    snprintf(seen->text, sizeof(seen->text), "%s", dmcp_error_text(call));
    return seen->ignores ? dmcp_reply(call, "s", "done anyway") : seen->rc;
}

SLEEP_TEST(a_sleep_of_nothing_gives_others_their_turn)
{
    struct stage *st = *state;
    struct seen seen = { .ms = 0, .ignores = true };

    stage_start(st, nap_for, &seen, "{}");
    stage_attempt(st);
    assert_true(stage_is_waiting(st));
    stage_pass(st, 1);
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_OK);
}

SLEEP_TEST(a_sleep_longer_than_time_itself_never_ends)
{
    struct stage *st = *state;
    struct seen seen = { .ms = UINT64_MAX };

    stage_start(st, nap_for, &seen, "{}");
    stage_attempt(st);
    stage_pass(st, UINT32_MAX);
    assert_true(stage_is_waiting(st));
}

SLEEP_TEST(a_handler_that_ignores_that_it_should_wait_waits_all_the_same)
{
    struct stage *st = *state;
    struct seen seen = { .ms = 50, .ignores = true };

    stage_start(st, nap_for, &seen, "{}");
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_SUSPENDED);
    assert_true(stage_is_waiting(st));
    stage_pass(st, 50);
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_OK);
    assert_true(stage_is_finished(st));
}

static int nap_then_write(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);

    seen->rc = dmcp_sleep(call, 50);
    seen->other_rc = dmcp_map_insert(dmcp_map_open(call, "m"), "k", "v", 1);
    return seen->rc;
}

SLEEP_TEST(nothing_is_done_behind_it_before_it_is_over)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    stage_start(st, nap_then_write, &seen, "{}");
    stage_attempt(st);
    assert_int_equal(seen.other_rc, DMCP_E_SUSPENDED);
    assert_null(stage_map_value(st, "m", "k"));
}

static int nap_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct seen *seen = arg;

    (void)result;
    seen->rc = dmcp_sleep(call, 10);
    seen->other_rc = dmcp_await_signal(call, "s", 0, NULL);
    snprintf(seen->text, sizeof(seen->text), "%s", dmcp_error_text(call));
    return DMCP_OK;
}

static int nap_in_body(dmcp_call *call)
{
    DMCP_TRY(dmcp_at_least_once(call, "step", nap_body, dmcp_call_context(call), NULL));
    return dmcp_reply(call, "s", "ok");
}

SLEEP_TEST(waiting_in_a_body_is_a_mistake_that_is_named)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    stage_call(st, nap_in_body, &seen, "{}");
    assert_int_equal(seen.rc, DMCP_E_MISUSE);
    assert_int_equal(seen.other_rc, DMCP_E_MISUSE);
    assert_non_null(strstr(seen.text, "a signal stands in the body of step \"step\""));
    assert_true(stage_is_finished(st));
}

static int nap_ephemerally(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);

    seen->rc = dmcp_sleep(call, 10);
    snprintf(seen->text, sizeof(seen->text), "%s", dmcp_error_text(call));
    return dmcp_reply(call, "s", "ok");
}

SLEEP_TEST(a_tool_that_is_not_durable_cannot_wait)
{
    struct seen seen = { 0 };

    stage_call_ephemeral(*state, nap_ephemerally, &seen, "{}");
    assert_int_equal(seen.rc, DMCP_E_MISUSE);
    assert_string_equal(seen.text, "a sleep: only a durable tool can wait");
}

/* ---- signals ---- */

static int listen(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);
    const dmcp_value *v = NULL;

    seen->n_starts++;
    seen->rc = dmcp_await_signal(call, "go", seen->timeout_ms, &v);
    snprintf(seen->text, sizeof(seen->text), "%s",
             seen->rc == DMCP_OK ? dmcp_json_text(call, v) : dmcp_error_text(call));
    return seen->rc == DMCP_OK ? dmcp_reply(call, "{s:v}", "got", v) : seen->rc;
}

SIGNAL_TEST(one_that_is_waited_for_brings_its_value)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    stage_start(st, listen, &seen, "{}");
    stage_attempt(st);
    assert_true(stage_is_waiting(st));
    stage_signal(st, "other", "1"); /* wakes it, and is not what it waits for */
    stage_attempt(st);
    assert_true(stage_is_waiting(st));
    stage_signal(st, "go", "{\"n\":7}");
    stage_attempt(st);
    assert_string_equal(seen.text, "{\"n\":7}");
    assert_non_null(strstr(stage_result(st), "\"got\":{\"n\":7}"));
}

SIGNAL_TEST(one_that_comes_early_is_there_when_it_is_asked_for)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    stage_start(st, listen, &seen, "{}");
    stage_signal(st, "go", "\"early\"");
    stage_attempt(st);
    assert_string_equal(seen.text, "\"early\"");
    assert_true(stage_is_finished(st));
    assert_int_equal(seen.n_starts, 1);
}

SIGNAL_TEST(one_that_comes_early_survives_a_restart)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    stage_start(st, listen, &seen, "{}");
    stage_signal(st, "go", "null");
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_string_equal(seen.text, "null");
    assert_true(stage_is_finished(st));
}

SIGNAL_TEST(the_first_of_two_counts)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    stage_start(st, listen, &seen, "{}");
    stage_signal(st, "go", "1");
    stage_signal(st, "go", "2");
    stage_attempt(st);
    assert_string_equal(seen.text, "1");
}

SIGNAL_TEST(one_that_does_not_come_in_time_is_an_error_for_ever)
{
    struct stage *st = *state;
    struct seen seen = { .timeout_ms = 300 };

    stage_start(st, listen, &seen, "{}");
    stage_attempt(st);
    stage_pass(st, 300);
    stage_signal(st, "go", "1"); /* too late, and refused */
    st->cut = 0;
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_TIMEOUT);
    assert_string_equal(seen.text, "signal \"go\": nothing came in time");
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_TIMEOUT);
    assert_non_null(strstr(stage_result(st), "Error executing tool tool: signal \\\"go\\\""));
}

static int listen_twice(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);

    DMCP_TRY(dmcp_await_signal(call, "go", 0, NULL));
    seen->rc = dmcp_await_signal(call, "go", 0, NULL);
    snprintf(seen->text, sizeof(seen->text), "%s", dmcp_error_text(call));
    return dmcp_reply(call, "s", "ok");
}

SIGNAL_TEST(a_name_can_be_waited_for_once)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    stage_start(st, listen_twice, &seen, "{}");
    stage_signal(st, "go", "1");
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_ALIAS);
    assert_string_equal(seen.text,
                        "signal \"go\" was waited for before in this attempt of tool \"tool\": give "
                        "each wait an alias of its own; in a loop, put the index in it");
}

static int listen_to_nothing(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);

    seen->rc = dmcp_await_signal(call, "", 0, NULL);
    seen->other_rc = dmcp_await_signal(call, "\x01", 0, NULL);
    return dmcp_reply(call, "s", "ok");
}

SIGNAL_TEST(a_name_is_checked)
{
    struct seen seen = { 0 };

    stage_call(*state, listen_to_nothing, &seen, "{}");
    assert_int_equal(seen.rc, DMCP_E_INVALID);
    assert_int_equal(seen.other_rc, DMCP_E_INVALID);
}

/* The alias of the wait is another kind of row: the code was changed under the call. */
SIGNAL_TEST(a_row_of_another_kind_under_its_alias_is_named)
{
    struct stage *st = *state;
    struct journal_record value = {
        .guard = GUARD_VALUE, .state = STEP_DONE, .label = STR(""), .body = STR("1")
    };
    struct seen seen = { 0 };
    struct buf alias, row;

    buf_init(&alias, 100);
    buf_init(&row, 100);
    key_signal_alias(&alias, STR("go"));
    journal_record_enc(&row, &value);
    stage_start(st, listen, &seen, "{}");
    rig_put(st->rig, key_journal(st->call, buf_str(&alias)), buf_str(&row));
    buf_fini(&alias);
    buf_fini(&row);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_DIVERGED);
}

RUN_TESTS()
