/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages outside of the protocol: their ids, the error that names those that come first, and who is
 * told that the user is done with one.
 */
#include "harness.h"
#include "stage.h"

#define PAGE_TEST(sentence) TEST_WITH(page, sentence, stage_setup, stage_teardown)

static const dmcp_question login = { .alias = "login", .message = "Log in", .url = "https://a/1" };
static const dmcp_question pay = { .alias = "pay", .message = "Pay \"it\"", .url = "https://b/2" };

struct seen {
    const dmcp_question *page;
    int rc;
    char id[40], text[300];
};

static void begin(struct stage *st, dmcp_handler_fn *fn, struct seen *seen, uint8_t can)
{
    stage_set_client(st, can);
    stage_start(st, fn, seen, "{}");
    stage_attempt(st);
}

static void keep(dmcp_call *call, struct seen *seen, const char *alias)
{
    snprintf(seen->id, sizeof(seen->id), "%s", dmcp_elicitation_id(call, alias));
    snprintf(seen->text, sizeof(seen->text), "%s", dmcp_error_text(call));
}

/* ---- pages that come first ---- */

static int require(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);

    seen->rc = dmcp_require_page(call, seen->page);
    keep(call, seen, "login");
    return seen->rc;
}

PAGE_TEST(one_that_is_required_is_an_error_that_names_it)
{
    struct stage *st = *state;
    struct seen seen = { .page = &login };
    char expected[400];

    begin(st, require, &seen, SESSION_ELICIT_URL);
    assert_int_equal(seen.rc, DMCP_E_PAGE);
    snprintf(expected, sizeof(expected),
             "{\"code\":-32042,\"message\":\"This request needs the user to visit a page first\","
             "\"data\":{\"elicitations\":[{\"mode\":\"url\",\"url\":\"https://a/1\","
             "\"elicitationId\":\"%s\",\"message\":\"Log in\"}]}}",
             seen.id);
    assert_string_equal(stage_result(st), expected);
    assert_int_equal(rig_result(st->rig, st->call).outcome, OUTCOME_ERROR);
}

static int require_two(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);

    assert_int_equal(dmcp_require_page(call, &login), DMCP_E_PAGE);
    seen->rc = dmcp_require_page(call, &pay);
    return seen->rc;
}

PAGE_TEST(all_that_are_required_are_named)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    begin(st, require_two, &seen, SESSION_ELICIT_URL);
    assert_non_null(strstr(stage_result(st), "\"message\":\"Log in\"},{\"mode\":\"url\""));
    assert_non_null(strstr(stage_result(st), "\"message\":\"Pay \\\"it\\\"\"}]}}"));
}

static int go_on(dmcp_call *call)
{
    assert_int_equal(dmcp_require_page(call, &login), DMCP_E_PAGE);
    return dmcp_reply(call, "s", "all the same");
}

PAGE_TEST(a_handler_that_goes_on_without_it_has_its_result)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    begin(st, go_on, &seen, SESSION_ELICIT_URL);
    assert_non_null(strstr(stage_result(st), "all the same"));
}

static int require_twice(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);

    assert_int_equal(dmcp_require_page(call, &login), DMCP_E_PAGE);
    seen->rc = dmcp_require_page(call, &login);
    keep(call, seen, "login");
    return seen->rc;
}

PAGE_TEST(each_has_an_alias_of_its_own)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    begin(st, require_twice, &seen, SESSION_ELICIT_URL);
    assert_int_equal(seen.rc, DMCP_E_ALIAS);
    assert_non_null(strstr(stage_result(st), "Error executing tool"));
}

static void expect_refused(struct stage *st, const dmcp_question *page, uint8_t can, int rc,
                           const char *text)
{
    struct seen seen = { .page = page };

    begin(st, require, &seen, can);
    assert_int_equal(seen.rc, rc);
    assert_non_null(strstr(seen.text, text));
    assert_non_null(strstr(stage_result(st), "Error executing tool"));
}

PAGE_TEST(a_client_that_cannot_show_pages_is_not_sent_to_one)
{
    expect_refused(*state, &login, SESSION_ELICIT_FORM, DMCP_E_UNSUPPORTED, "elicitation.url");
}

PAGE_TEST(what_is_no_url_is_an_error)
{
    static const char *const urls[] = { "", "a.example/x", "https:", "//a/", "1a://b",
                                        "https://a/ b", "java\nscript:x", ":x" };
    dmcp_question page = login;

    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        page.url = urls[i];
        expect_refused(*state, &page, SESSION_ELICIT_URL, DMCP_E_INVALID, "is no URL");
    }
    page.url = NULL;
    expect_refused(*state, &page, SESSION_ELICIT_URL, DMCP_E_INVALID, "is no URL");
}

static int require_in_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct seen *seen = arg;

    (void)result;
    seen->rc = dmcp_require_page(call, &login);
    return DMCP_OK;
}

static int step(dmcp_call *call)
{
    dmcp_value *v;

    DMCP_TRY(dmcp_at_least_once(call, "s", require_in_body, dmcp_call_context(call), &v));
    return dmcp_reply(call, "s", "done");
}

PAGE_TEST(a_body_and_an_ephemeral_tool_cannot_require_one)
{
    struct stage *st = *state;
    struct seen seen = { .page = &login };

    begin(st, step, &seen, SESSION_ELICIT_URL);
    assert_int_equal(seen.rc, DMCP_E_MISUSE);
    stage_call_ephemeral(st, require, &seen, "{}");
    assert_int_equal(seen.rc, DMCP_E_MISUSE);
}

/* ---- pages within a call ---- */

static int visit(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);
    dmcp_action action;

    keep(call, seen, "login");
    DMCP_TRY(dmcp_elicit(call, seen->page, &action, NULL));
    DMCP_TRY(dmcp_elicitation_complete(call, seen->id));
    return dmcp_reply(call, "i", (int)action);
}

PAGE_TEST(its_id_is_known_before_it_is_sent_and_is_the_same_when_it_is_sent_again)
{
    struct stage *st = *state;
    struct seen seen = { .page = &login };
    char first[40], part[80];

    begin(st, visit, &seen, SESSION_ELICIT_URL);
    snprintf(first, sizeof(first), "%s", seen.id);
    snprintf(part, sizeof(part), "\"elicitationId\":\"%s\"", first);
    assert_non_null(strstr(stage_last_event(st), part));
    stage_crash(st, SIZE_MAX);
    stage_follow(st);
    stage_attempt(st);
    assert_string_equal(seen.id, first);
    assert_non_null(strstr(stage_last_event(st), "Sorry, we got disconnected"));
    assert_non_null(strstr(stage_last_event(st), part));
}

PAGE_TEST(a_question_with_what_is_no_url_is_not_sent)
{
    const dmcp_question page = { .alias = "login", .message = "m", .url = "nowhere" };
    struct stage *st = *state;
    struct seen seen = { .page = &page };

    begin(st, visit, &seen, SESSION_ELICIT_URL);
    assert_null(stage_last_event(st));
    assert_non_null(strstr(stage_result(st), "\\\"nowhere\\\" is no URL"));
}

/* ---- the user is done with it ---- */

static void expect_told(struct stage *st, uint64_t i, const char *id)
{
    char expected[200];

    snprintf(expected, sizeof(expected),
             "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/elicitation/complete\","
             "\"params\":{\"elicitationId\":\"%s\"}}",
             id);
    assert_string_equal(stage_session_event(st, i), expected);
}

PAGE_TEST(the_client_that_was_asked_is_told_when_the_user_is_done_with_it)
{
    struct stage *st = *state;
    struct seen seen = { .page = &login };

    begin(st, visit, &seen, SESSION_ELICIT_URL);
    stage_answer(st, "{\"action\":\"accept\"}");
    stage_attempt(st);
    assert_true(stage_is_finished(st));
    expect_told(st, 1, seen.id);
    assert_null(stage_session_event(st, 2));
}

static int complete(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);

    DMCP_TRY(dmcp_elicitation_complete(call, seen->id));
    return dmcp_reply(call, "s", "told");
}

PAGE_TEST(any_later_call_can_tell_it_in_any_later_life_of_the_server)
{
    struct stage *st = *state;
    struct seen seen = { .page = &login };

    begin(st, require, &seen, SESSION_ELICIT_URL);
    stage_crash(st, SIZE_MAX);
    begin(st, complete, &seen, 0);
    expect_told(st, 1, seen.id);
    stage_call_ephemeral(st, complete, &seen, "{}");
    expect_told(st, 2, seen.id);
}

PAGE_TEST(of_an_id_that_was_never_sent_nobody_is_told)
{
    struct stage *st = *state;
    struct seen seen = { .id = "00112233445566778899aabbccddeeff" };

    begin(st, complete, &seen, SESSION_ELICIT_URL);
    assert_non_null(strstr(stage_result(st), "told"));
    assert_null(stage_session_event(st, 1));
}

RUN_TESTS()
