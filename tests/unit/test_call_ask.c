/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the client as a handler sees them: what goes out, and that each way in which one can
 * end is told apart.
 */
#include "harness.h"
#include "stage.h"

#define ASK_TEST(sentence) TEST_WITH(question, sentence, stage_setup, stage_teardown)

#define ALL (SESSION_SAMPLING | SESSION_ELICIT_FORM | SESSION_ELICIT_URL | SESSION_ROOTS)
#define EXCUSE "Sorry, we got disconnected and need to try again: "
#define ACCEPT(content) "{\"action\":\"accept\",\"content\":" content "}"

struct seen {
    const dmcp_question *question;
    unsigned n_starts;
    int rc, second_rc;
    dmcp_action action, second_action;
    char content[200], second_content[200], text[600];
};

static const dmcp_param fields[] = { { .name = "n", .type = DMCP_INTEGER, .required = true },
                                     { .name = "why", .type = DMCP_STRING },
                                     { .name = NULL } };
static const dmcp_question plain = { .alias = "q", .message = "How many?", .params = fields };
static const dmcp_question hurried = {
    .alias = "q", .message = "How many?", .params = fields, .timeout_ms = 400
};

static void keep(dmcp_call *call, char text[200], const dmcp_value *v)
{
    snprintf(text, 200, "%s", v ? dmcp_json_text(call, v) : "none");
}

static int ask(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);
    const dmcp_value *content = NULL;

    seen->n_starts++;
    seen->rc = dmcp_elicit(call, seen->question, &seen->action, &content);
    keep(call, seen->content, content);
    snprintf(seen->text, sizeof(seen->text), "%s", dmcp_error_text(call));
    DMCP_TRY(seen->rc);
    return dmcp_reply(call, "{s:i}", "action", (int)seen->action);
}

/* The call waits for the answer to this question. */
static void begin(struct stage *st, struct seen *seen, const dmcp_question *question)
{
    seen->question = question;
    stage_set_client(st, ALL);
    stage_start(st, ask, seen, "{}");
    stage_attempt(st);
}

static void answered(struct stage *st, struct seen *seen, const char *json)
{
    begin(st, seen, &plain);
    stage_answer(st, json);
    stage_attempt(st);
    assert_true(stage_is_finished(st));
}

/* ---- what goes out ---- */

ASK_TEST(a_form_goes_out_as_a_request_whose_id_is_the_questions)
{
    struct stage *st = *state;
    struct seen seen = { 0 };
    char expected[600], hex[ID_HEX_BYTES + 1];

    begin(st, &seen, &plain);
    assert_true(stage_is_waiting(st));
    assert_int_equal(seen.rc, DMCP_E_SUSPENDED);
    id_to_hex(stage_question(st), hex);
    snprintf(expected, sizeof(expected),
             "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"elicitation/create\",\"params\":{"
             "\"message\":\"How many?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{"
             "\"n\":{\"type\":\"integer\"},\"why\":{\"type\":\"string\"}},\"required\":[\"n\"]}}}",
             hex);
    assert_string_equal(stage_last_event(st), expected);
}

ASK_TEST(a_page_goes_out_with_an_id_of_its_own_and_without_a_form)
{
    const dmcp_question page = { .alias = "q", .message = "Pay", .url = "https://pay/1" };
    struct stage *st = *state;
    struct seen seen = { 0 };

    begin(st, &seen, &page);
    assert_non_null(strstr(stage_last_event(st),
                           "\"params\":{\"mode\":\"url\",\"url\":\"https://pay/1\","
                           "\"elicitationId\":\""));
    assert_null(strstr(stage_last_event(st), "requestedSchema"));
    stage_answer(st, "{\"action\":\"accept\"}");
    stage_attempt(st);
    assert_int_equal(seen.action, DMCP_ACCEPT);
    assert_string_equal(seen.content, "none");
}

/* ---- how it ends ---- */

ASK_TEST(an_accepted_form_brings_its_fields)
{
    struct seen seen = { 0 };

    answered(*state, &seen, ACCEPT("{\"n\":3,\"why\":\"so\"}"));
    assert_int_equal(seen.rc, DMCP_OK);
    assert_int_equal(seen.action, DMCP_ACCEPT);
    assert_string_equal(seen.content, "{\"n\":3,\"why\":\"so\"}");
    assert_int_equal(seen.n_starts, 2);
}

ASK_TEST(declining_and_cancelling_are_answers_without_fields)
{
    struct seen seen = { 0 };

    answered(*state, &seen, "{\"action\":\"decline\",\"content\":{\"n\":3}}");
    assert_int_equal(seen.rc, DMCP_OK);
    assert_int_equal(seen.action, DMCP_DECLINE);
    assert_string_equal(seen.content, "none");
    answered(*state, &seen, "{\"action\":\"cancel\"}");
    assert_int_equal(seen.rc, DMCP_OK);
    assert_int_equal(seen.action, DMCP_CANCEL);
}

ASK_TEST(an_error_of_the_client_is_one_with_its_text)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    begin(st, &seen, &plain);
    stage_answer_error(st, "-1: User rejected elicitation request");
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_REMOTE);
    assert_string_equal(seen.text, "question \"q\": the client answered with the error -1: User "
                                   "rejected elicitation request");
    assert_non_null(strstr(stage_result(st), "User rejected elicitation request"));
}

ASK_TEST(a_client_that_cannot_ask_is_not_sent_it)
{
    struct stage *st = *state;
    struct seen seen = { .question = &plain };

    stage_set_client(st, SESSION_SAMPLING);
    stage_start(st, ask, &seen, "{}");
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_UNSUPPORTED);
    assert_string_equal(seen.text, "question \"q\": the client did not declare the capability "
                                   "\"elicitation\"");
    assert_null(stage_last_event(st));
    assert_true(stage_is_finished(st));
}

ASK_TEST(a_client_that_can_show_forms_need_not_show_pages)
{
    const dmcp_question page = { .alias = "q", .message = "Pay", .url = "https://pay/1" };
    struct stage *st = *state;
    struct seen seen = { .question = &page };

    stage_set_client(st, SESSION_ELICIT_FORM);
    stage_start(st, ask, &seen, "{}");
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_UNSUPPORTED);
}

ASK_TEST(an_answer_that_was_recorded_counts_whatever_the_client_can_do_by_now)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    begin(st, &seen, &plain);
    stage_answer(st, ACCEPT("{\"n\":3}"));
    rig_of_session(st->rig, CMD_SESSION_CLOSE, 0, st->rig->session); /* nobody is left */
    stage_drive(st);
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_OK);
    assert_string_equal(seen.content, "{\"n\":3}");
}

ASK_TEST(one_that_is_not_answered_in_time_is_taken_back)
{
    struct stage *st = *state;
    struct seen seen = { 0 };
    char expected[300], hex[ID_HEX_BYTES + 1];
    struct id input;

    begin(st, &seen, &hurried);
    input = stage_question(st);
    id_to_hex(input, hex);
    stage_pass(st, 399);
    assert_true(stage_is_waiting(st));
    stage_pass(st, 1);
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_TIMEOUT);
    assert_string_equal(seen.text, "question \"q\": nothing came in time");
    snprintf(expected, sizeof(expected),
             "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
             "\"requestId\":\"%s\",\"reason\":\"timed out\"}}",
             hex);
    assert_string_equal(stage_last_event(st), expected);
    assert_false(rig_has_id(st->rig, KEY_INPUT, input));
}

ASK_TEST(one_that_is_taken_back_is_taken_back_once_and_a_late_answer_changes_nothing)
{
    struct stage *st = *state;
    struct seen seen = { 0 };
    struct id input;

    begin(st, &seen, &hurried);
    input = stage_question(st);
    stage_pass(st, 400);
    st->cut = 1; /* it is taken back, and the process dies before the call ends */
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    stage_answer_to(st, input, ACCEPT("{\"n\":3}"));
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_TIMEOUT);
    assert_non_null(stage_event(st, 2));
    assert_null(stage_event(st, 3));
}

ASK_TEST(one_that_is_open_when_the_call_is_cancelled_is_taken_back)
{
    struct stage *st = *state;
    struct seen seen = { 0 };
    struct id input;

    begin(st, &seen, &plain);
    input = stage_question(st);
    stage_cancel(st);
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_CANCELLED);
    assert_non_null(strstr(stage_last_event(st), "\"reason\":\"the call was cancelled\""));
    assert_false(rig_has_id(st->rig, KEY_INPUT, input));
    stage_answer_to(st, input, ACCEPT("{\"n\":3}"));
    assert_true(stage_is_finished(st));
}

ASK_TEST(one_that_is_open_when_the_calls_time_is_over_is_taken_back)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    st->timeout_ms = 600;
    begin(st, &seen, &plain);
    stage_pass(st, 600);
    stage_attempt(st);
    assert_non_null(strstr(stage_last_event(st), "\"reason\":\"timed out after 600 ms\""));
    assert_non_null(strstr(stage_result(st), "timed out after 600 ms"));
}

/* ---- answers that do not fit ---- */

static void expect_misfit(struct stage *st, const char *answer, const char *text)
{
    struct seen seen = { 0 };

    answered(st, &seen, answer);
    assert_int_equal(seen.rc, DMCP_E_REMOTE);
    assert_non_null(strstr(seen.text, text));
    assert_string_equal(seen.content, "none");
}

ASK_TEST(answers_that_do_not_fit_are_errors_that_say_why)
{
    expect_misfit(*state, ACCEPT("{\"n\":\"three\"}"), "question \"q\": the answer does not fit: ");
    expect_misfit(*state, ACCEPT("{}"), "does not fit");
    expect_misfit(*state, "{\"action\":\"accept\"}", "does not fit");
    expect_misfit(*state, ACCEPT("[]"), "does not fit");
    expect_misfit(*state, "{\"action\":\"maybe\"}", "the unknown action \"maybe\"");
    expect_misfit(*state, "{}", "the unknown action \"\"");
    expect_misfit(*state, "[]", "the unknown action \"\"");
    expect_misfit(*state, "null", "the unknown action \"\"");
}

/* ---- after a restart ---- */

ASK_TEST(the_client_that_comes_back_after_a_restart_is_asked_again_with_an_excuse)
{
    struct stage *st = *state;
    struct seen seen = { 0 };
    struct id old;

    begin(st, &seen, &plain);
    old = stage_question(st);
    stage_crash(st, SIZE_MAX);
    assert_true(stage_is_waiting(st));
    stage_follow(st);
    stage_attempt(st);
    assert_true(stage_is_waiting(st));
    assert_non_null(strstr(stage_event(st, 2), "notifications/cancelled"));
    assert_non_null(strstr(stage_event(st, 2), "\"reason\":\"Server rebooted\""));
    assert_non_null(strstr(stage_event(st, 3), "\"message\":\"" EXCUSE "How many?\""));
    assert_false(id_eq(stage_question(st), old));
    stage_answer_to(st, old, ACCEPT("{\"n\":1}"));
    assert_true(stage_is_waiting(st));
    stage_answer(st, ACCEPT("{\"n\":2}"));
    stage_attempt(st);
    assert_string_equal(seen.content, "{\"n\":2}");
}

ASK_TEST(an_answer_to_the_old_one_counts_until_it_is_asked_again)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    begin(st, &seen, &plain);
    stage_crash(st, SIZE_MAX);
    stage_answer(st, ACCEPT("{\"n\":1}"));
    stage_attempt(st);
    assert_string_equal(seen.content, "{\"n\":1}");
    assert_null(stage_event(st, 2));
}

ASK_TEST(an_answer_between_the_clients_return_and_the_next_question_counts_too)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    begin(st, &seen, &plain);
    stage_crash(st, SIZE_MAX);
    stage_follow(st); /* the call is about to run and ask again */
    stage_answer(st, ACCEPT("{\"n\":1}"));
    stage_attempt(st);
    assert_string_equal(seen.content, "{\"n\":1}");
    assert_true(stage_is_finished(st));
    assert_null(stage_event(st, 2));
}

ASK_TEST(a_call_that_was_on_its_way_out_when_the_process_died_asks_again)
{
    struct stage *st = *state;
    struct seen seen = { .question = &plain };

    stage_set_client(st, ALL);
    stage_start(st, ask, &seen, "{}");
    st->cut = 1; /* the question gets through */
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_non_null(strstr(stage_last_event(st), EXCUSE));
    stage_answer(st, ACCEPT("{\"n\":2}"));
    stage_attempt(st);
    assert_string_equal(seen.content, "{\"n\":2}");
}

ASK_TEST(each_restart_has_it_asked_once_more)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    begin(st, &seen, &plain);
    for (uint64_t life = 1; life <= 3; life++) {
        stage_crash(st, SIZE_MAX);
        stage_follow(st);
        stage_attempt(st);
        stage_follow(st); /* once per life */
        assert_true(stage_is_waiting(st));
        assert_non_null(stage_event(st, 1 + 2 * life));
        assert_null(stage_event(st, 2 + 2 * life));
    }
    stage_answer(st, ACCEPT("{\"n\":2}"));
    stage_attempt(st);
    assert_true(stage_is_finished(st));
}

/* ---- several ---- */

static int ask_twice(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);
    const dmcp_question other = { .alias = "p", .message = "How many?", .params = fields };
    const dmcp_value *content = NULL;

    seen->n_starts++;
    seen->rc = dmcp_elicit(call, &plain, &seen->action, &content);
    keep(call, seen->content, content);
    DMCP_TRY(seen->rc);
    seen->second_rc = dmcp_elicit(call, seen->question ? seen->question : &other,
                                  &seen->second_action, &content);
    keep(call, seen->second_content, content);
    snprintf(seen->text, sizeof(seen->text), "%s", dmcp_error_text(call));
    DMCP_TRY(seen->second_rc);
    return dmcp_reply(call, "s", "both");
}

ASK_TEST(two_questions_of_one_call_have_two_answers)
{
    struct stage *st = *state;
    struct seen seen = { 0 };
    struct id first;

    stage_set_client(st, ALL);
    stage_start(st, ask_twice, &seen, "{}");
    stage_attempt(st);
    first = stage_question(st);
    stage_answer(st, ACCEPT("{\"n\":1}"));
    stage_attempt(st);
    assert_false(id_eq(stage_question(st), first));
    assert_null(strstr(stage_last_event(st), EXCUSE));
    stage_answer(st, "{\"action\":\"decline\"}");
    stage_attempt(st);
    assert_true(stage_is_finished(st));
    assert_string_equal(seen.content, "{\"n\":1}");
    assert_int_equal(seen.second_action, DMCP_DECLINE);
    assert_int_equal(seen.n_starts, 3);
}

ASK_TEST(a_restart_has_only_the_open_one_of_two_asked_again)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    stage_set_client(st, ALL);
    stage_start(st, ask_twice, &seen, "{}");
    stage_attempt(st);
    stage_answer(st, ACCEPT("{\"n\":1}"));
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    stage_follow(st);
    stage_attempt(st);
    assert_int_equal(rig_count(st->rig, key_of_id(KEY_EVENT, st->call)), 4);
    stage_answer(st, ACCEPT("{\"n\":2}"));
    stage_attempt(st);
    assert_string_equal(seen.content, "{\"n\":1}");
    assert_string_equal(seen.second_content, "{\"n\":2}");
}

ASK_TEST(an_alias_can_be_asked_once)
{
    struct stage *st = *state;
    struct seen seen = { .question = &plain };

    stage_set_client(st, ALL);
    stage_start(st, ask_twice, &seen, "{}");
    stage_attempt(st);
    stage_answer(st, ACCEPT("{\"n\":1}"));
    stage_attempt(st);
    assert_int_equal(seen.second_rc, DMCP_E_ALIAS);
    assert_non_null(strstr(seen.text, "question \"q\" was waited for before"));
}

RUN_TESTS()
