/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications of handlers: what is sent, to whom, how often, and what is not.
 */
#include "harness.h"

#include <math.h>

#include "stage.h"

#define WITH_TOKEN(token)                                                                          \
    "{\"name\":\"tool\",\"arguments\":{},\"_meta\":{\"progressToken\":" token "}}"

static void play_params(struct stage *st, dmcp_handler_fn *fn, void *context, const char *params)
{
    stage_start_params(st, fn, context, params);
    stage_attempt(st);
}

/* ---- progress ---- */

static int progress(dmcp_call *call)
{
    DMCP_TRY(dmcp_progress(call, 0.5, -1, NULL));
    DMCP_TRY(dmcp_progress(call, 1, 2, "half \"done\""));
    return DMCP_OK;
}

TEST_WITH(progress, is_sent_with_the_token_that_the_client_gave, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    play_params(st, progress, NULL, WITH_TOKEN("\"t\\u0041\""));
    assert_string_equal(stage_event(st, 1),
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
                        "\"progressToken\":\"tA\",\"progress\":0.5}}");
    assert_string_equal(stage_event(st, 2),
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
                        "\"progressToken\":\"tA\",\"progress\":1.0,\"total\":2.0,"
                        "\"message\":\"half \\\"done\\\"\"}}");
    assert_null(stage_event(st, 3));
    play_params(st, progress, NULL, WITH_TOKEN("12345678901234567890123"));
    assert_non_null(strstr(stage_event(st, 1), "\"progressToken\":12345678901234567890123,"));
}

TEST_WITH(progress, is_not_sent_to_who_did_not_ask, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    stage_call(st, progress, NULL, "{}");
    assert_null(stage_event(st, 1));
    play_params(st, progress, NULL, WITH_TOKEN("null"));
    assert_null(stage_event(st, 1));
}

static int same_progress(dmcp_call *call)
{
    DMCP_TRY(dmcp_progress(call, 1, 2, NULL));
    DMCP_TRY(dmcp_progress(call, 1, 2, "None")); /* not the same */
    return dmcp_progress(call, 1, 2, NULL);
}

TEST_WITH(progress, reported_twice_is_an_error_that_says_why, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    play_params(st, same_progress, NULL, WITH_TOKEN("1"));
    assert_non_null(strstr(stage_result(st),
                           "dmcp_progress was called before in this attempt of tool "
                           "\\\"tool\\\" with the same arguments"));
    assert_non_null(stage_event(st, 2));
    assert_null(stage_event(st, 3));
}

static int endless_progress(dmcp_call *call)
{
    assert_int_equal(dmcp_progress(call, (double)INFINITY, 1, NULL), DMCP_E_INVALID);
    assert_int_equal(dmcp_progress(call, 1, (double)NAN, NULL), DMCP_E_INVALID);
    return dmcp_progress(call, (double)NAN, 1, NULL);
}

TEST_WITH(progress, is_a_finite_number, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    play_params(st, endless_progress, NULL, WITH_TOKEN("1"));
    assert_non_null(strstr(stage_result(st), "dmcp_progress wants finite numbers"));
}

/* ---- log ---- */

static int all_levels(dmcp_call *call)
{
    for (int level = DMCP_LOG_DEBUG; level <= DMCP_LOG_EMERGENCY; level++) {
        DMCP_TRY(dmcp_log(call, (dmcp_log_level)level, level % 2 ? "disk" : NULL, "%d bytes", 12));
    }
    return dmcp_log(call, (dmcp_log_level)8, NULL, "too much");
}

TEST_WITH(log, sends_what_the_client_wants_to_see, stage_setup, stage_teardown)
{
    static const char *const wanted[] = {
        "{\"level\":\"error\",\"data\":\"12 bytes\"}",
        "{\"level\":\"critical\",\"logger\":\"disk\",\"data\":\"12 bytes\"}",
        "{\"level\":\"alert\",\"data\":\"12 bytes\"}",
        "{\"level\":\"emergency\",\"logger\":\"disk\",\"data\":\"12 bytes\"}",
    };
    struct stage *st = *state;

    st->log_level = DMCP_LOG_ERROR;
    stage_call(st, all_levels, NULL, "{}");
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        const char *event = stage_event(st, i + 1);

        assert_non_null(event);
        assert_non_null(strstr(event, "\"method\":\"notifications/message\",\"params\":"));
        assert_non_null(strstr(event, wanted[i]));
    }
    assert_null(stage_event(st, COUNT_OF(wanted) + 1));
    assert_non_null(strstr(stage_result(st), "dmcp_log: 8 is not a level"));
    st->log_level = DMCP_LOG_DEBUG;
    stage_call(st, all_levels, NULL, "{}");
    assert_non_null(stage_event(st, 8));
}

static int log_twice(dmcp_call *call)
{
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "a', logger_name=b"));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, "b", "a"));
    return dmcp_log(call, DMCP_LOG_INFO, "b", "%s", "a");
}

TEST_WITH(log, of_the_same_twice_is_an_error, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    assert_non_null(strstr(stage_call(st, log_twice, NULL, "{}"), "dmcp_log was called before"));
    assert_non_null(stage_event(st, 2));
}

static int log_big(dmcp_call *call)
{
    size_t n = *(size_t *)dmcp_call_context(call);
    char *text = mem_alloc(n + 1);
    int rc;

    memset(text, 'x', n);
    text[n] = '\0';
    rc = dmcp_log(call, DMCP_LOG_INFO, NULL, "%s", text);
    mem_free(text);
    return rc;
}

TEST_WITH(log, fits_an_events_limit_or_is_refused, stage_setup, stage_teardown)
{
    static const char empty[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
                                "\"params\":{\"level\":\"info\",\"data\":\"\"}}";
    size_t n = LIMIT_EVENT_BYTES - (sizeof(empty) - 1);
    struct stage *st = *state;

    stage_call(st, log_big, &n, "{}");
    assert_int_equal(strlen(stage_event(st, 1)), LIMIT_EVENT_BYTES);
    n++;
    assert_non_null(strstr(stage_call(st, log_big, &n, "{}"),
                           "dmcp_log: the notification is larger than 1048576 bytes"));
    assert_null(stage_event(st, 1));
}

/* ---- lists ---- */

static int lists(dmcp_call *call)
{
    DMCP_TRY(dmcp_list_changed(call, DMCP_TOOLS, "x"));
    DMCP_TRY(dmcp_list_changed(call, DMCP_TOOLS, "y"));
    DMCP_TRY(dmcp_list_changed(call, DMCP_PROMPTS, "x"));
    DMCP_TRY(dmcp_list_changed(call, DMCP_RESOURCES, "x"));
    return dmcp_list_changed(call, DMCP_TOOLS, "x");
}

TEST_WITH(list_changed, goes_to_the_sessions_own_stream, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    assert_non_null(strstr(stage_call(st, lists, NULL, "{}"), "dmcp_list_changed was called "
                                                              "before"));
    assert_null(stage_event(st, 1));
    assert_string_equal(stage_session_event(st, 1),
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
    assert_non_null(strstr(stage_session_event(st, 2), "tools/list_changed"));
    assert_non_null(strstr(stage_session_event(st, 3), "prompts/list_changed"));
    assert_non_null(strstr(stage_session_event(st, 4), "resources/list_changed"));
    assert_null(stage_session_event(st, 5));
}

/* ---- once ---- */

static int some_events(dmcp_call *call)
{
    DMCP_TRY(dmcp_progress(call, 1, -1, NULL));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "attempt"));
    DMCP_TRY(dmcp_list_changed(call, DMCP_TOOLS, "x"));
    return dmcp_reply(call, "s", "done");
}

TEST_WITH(event, is_sent_once_however_often_the_handler_runs, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    stage_start_params(st, some_events, NULL, WITH_TOKEN("1"));
    for (int i = 0; i < 3; i++) {
        st->cut = 1; /* one more event each time */
        stage_attempt(st);
        assert_false(stage_is_finished(st));
        stage_crash(st, SIZE_MAX);
    }
    stage_attempt(st);
    assert_true(stage_is_finished(st));
    assert_int_equal(st->n_commands[CMD_EVENT], 0);
    assert_non_null(stage_event(st, 2));
    assert_null(stage_event(st, 3));
    assert_null(stage_session_event(st, 2));
}

static int count_events(dmcp_call *call)
{
    unsigned n = *(unsigned *)dmcp_call_context(call);

    for (unsigned i = 0; i < n; i++) {
        DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "%u", i));
    }
    return DMCP_OK;
}

TEST_WITH(event, is_readable_in_the_journal, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct key from, to;
    struct journal_record r;
    struct cursor *cursor;
    struct str key, value;
    unsigned n = 1;

    stage_call(st, count_events, &n, "{}");
    from = key_journal(st->call, STR(""));
    to = key_prefix_end(key_str(&from));
    cursor = store_scan(st->rig->store,
                        &(struct range){ .from = key_str(&from), .to = key_str(&to) });
    assert_int_equal(cursor_next(cursor, &key, &value, NULL), DMCP_OK);
    assert_int_equal(journal_record_dec(value, &r), DMCP_OK);
    assert_int_equal(r.guard, GUARD_EVENT);
    assert_true(str_eqz(r.label, "log(level='info', message='0', logger_name=None)"));
    cursor_close(cursor);
}

RUN_TESTS()
