/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions that cannot be asked, and the questions to the client itself: sampling and roots.
 */
#include "harness.h"
#include "stage.h"

#define ASK_TEST(sentence) TEST_WITH(question, sentence, stage_setup, stage_teardown)
#define SAMPLE_TEST(sentence) TEST_WITH(sampling, sentence, stage_setup, stage_teardown)
#define ROOTS_TEST(sentence) TEST_WITH(roots, sentence, stage_setup, stage_teardown)

struct seen {
    const dmcp_question *question;
    const char *params; /* of sampling */
    int rc;
    char value[300], text[600];
};

static void keep(dmcp_call *call, struct seen *seen, const dmcp_value *v)
{
    snprintf(seen->value, sizeof(seen->value), "%s", v ? dmcp_json_text(call, v) : "none");
    snprintf(seen->text, sizeof(seen->text), "%s", dmcp_error_text(call));
}

static void begin(struct stage *st, dmcp_handler_fn *fn, struct seen *seen, uint8_t can)
{
    stage_set_client(st, can);
    stage_start(st, fn, seen, "{}");
    stage_attempt(st);
}

/* ---- forms that are none ---- */

static int ask(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);

    seen->rc = dmcp_elicit(call, seen->question, NULL, NULL);
    keep(call, seen, NULL);
    return seen->rc;
}

static void expect_refused(struct stage *st, const dmcp_question *question, int rc,
                           const char *text)
{
    struct seen seen = { .question = question };

    begin(st, ask, &seen, SESSION_ELICIT_FORM | SESSION_ELICIT_URL);
    assert_int_equal(seen.rc, rc);
    assert_non_null(strstr(seen.text, text));
    assert_null(stage_last_event(st));
    assert_true(stage_is_finished(st));
}

ASK_TEST(a_form_that_is_no_schema_of_an_object_is_an_error_and_is_not_sent)
{
    const struct {
        const char *schema, *text;
    } bad[] = {
        { "{\"type\":\"object\"", "question \"q\": its schema: " },
        { "[]", "its type is not \"object\"" },
        { "{\"type\":\"string\"}", "its type is not \"object\"" },
        { "{\"type\":\"object\",\"properties\":7}", "question \"q\": its schema: " },
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const dmcp_question question = { .alias = "q", .message = "?", .schema = bad[i].schema };

        expect_refused(*state, &question, DMCP_E_INVALID, bad[i].text);
    }
}

/* As with SEP-1330: one or several of some texts, with and without titles. */
ASK_TEST(a_form_has_texts_numbers_and_choices_and_nothing_nested)
{
    static const char *const good[] = {
        "{\"type\":\"string\",\"format\":\"email\",\"default\":\"a@b\"}",
        "{\"type\":\"integer\",\"default\":3}",
        "{\"type\":\"number\"}",
        "{\"type\":\"boolean\"}",
        "{\"type\":\"string\",\"oneOf\":[{\"const\":\"a\",\"title\":\"A\"}]}",
        "{\"type\":\"string\",\"enum\":[\"a\"],\"enumNames\":[\"A\"]}",
        "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[\"a\"]}}",
        "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"const\":\"a\",\"title\":\"A\"}]}}",
    };
    static const char *const bad[] = {
        "{\"type\":\"object\"}", "{\"type\":\"array\"}", "{\"type\":\"null\"}", "{}", "true",
        "{\"type\":\"array\",\"items\":{\"type\":\"object\"}}", "{\"type\":[\"string\"]}",
    };
    char schema[300];
    const dmcp_question question = { .alias = "q", .message = "?", .schema = schema };

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct seen seen = { .question = &question };

        snprintf(schema, sizeof(schema), "{\"type\":\"object\",\"properties\":{\"f\":%s}}", good[i]);
        begin(*state, ask, &seen, SESSION_ELICIT_FORM);
        assert_non_null(strstr(stage_last_event(*state), good[i])); /* as it was given */
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct seen seen = { .question = &question };

        snprintf(schema, sizeof(schema), "{\"type\":\"object\",\"properties\":{\"f\":%s}}", bad[i]);
        begin(*state, ask, &seen, SESSION_ELICIT_FORM);
        assert_int_equal(seen.rc, DMCP_E_INVALID);
        assert_non_null(strstr(seen.text, "the field \"f\" is neither"));
    }
}

ASK_TEST(a_field_that_a_form_cannot_have_is_named)
{
    static const dmcp_type types[] = { DMCP_ANY, DMCP_NULL, DMCP_ARRAY, DMCP_OBJECT };

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        const dmcp_param fields[] = { { .name = "fine", .type = DMCP_STRING },
                                      { .name = "tags", .type = types[i] },
                                      { .name = NULL } };
        const dmcp_question question = { .alias = "q", .message = "?", .params = fields };

        expect_refused(*state, &question, DMCP_E_INVALID, "the field \"tags\" is neither");
    }
}

ASK_TEST(a_message_that_is_too_big_to_be_sent_is_an_error)
{
    char *message = mem_alloc(LIMIT_EVENT_BYTES + 1);
    const dmcp_question question = { .alias = "q", .message = message };

    memset(message, 'm', LIMIT_EVENT_BYTES);
    message[LIMIT_EVENT_BYTES] = '\0';
    expect_refused(*state, &question, DMCP_E_TOOBIG,
                   "question \"q\" is larger than 1048576 bytes as a message");
    mem_free(message);
}

ASK_TEST(an_alias_is_needed)
{
    expect_refused(*state, &(dmcp_question){ .message = "?" }, DMCP_E_INVALID,
                   "question in tool \"tool\" has no alias");
}

ASK_TEST(a_form_without_fields_is_a_mere_confirmation)
{
    struct stage *st = *state;
    struct seen seen = { .question = &(dmcp_question){ .alias = "q", .message = "Sure?" } };

    begin(st, ask, &seen, SESSION_ELICIT_FORM);
    stage_answer(st, "{\"action\":\"accept\"}");
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_OK);
}

static int ask_ephemerally(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);

    seen->rc = dmcp_elicit(call, &(dmcp_question){ .alias = "q" }, NULL, NULL);
    keep(call, seen, NULL);
    return dmcp_reply(call, "s", "ok");
}

ASK_TEST(a_tool_that_is_not_durable_cannot_ask)
{
    struct seen seen = { 0 };

    stage_call_ephemeral(*state, ask_ephemerally, &seen, "{}");
    assert_int_equal(seen.rc, DMCP_E_MISUSE);
    assert_string_equal(seen.text, "question: only a durable tool can wait");
}

/* ---- sampling ---- */

static int sample(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);
    const dmcp_value *result = NULL;
    const dmcp_value *params = seen->params
                                   ? dmcp_json_parse(call, seen->params, strlen(seen->params))
                                   : NULL;

    seen->rc = dmcp_sample(call, "s", params, 0, &result);
    keep(call, seen, result);
    DMCP_TRY(seen->rc);
    return dmcp_reply(call, "v", result);
}

SAMPLE_TEST(the_clients_whole_answer_is_what_comes_back)
{
    struct stage *st = *state;
    struct seen seen = { .params = "{\"messages\":[],\"maxTokens\":5}" };

    begin(st, sample, &seen, SESSION_SAMPLING);
    assert_non_null(strstr(stage_last_event(st), "\"method\":\"sampling/createMessage\","
                                                 "\"params\":{\"messages\":[],\"maxTokens\":5}"));
    stage_answer(st, "{\"role\":\"assistant\",\"model\":\"m\"}");
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_OK);
    assert_string_equal(seen.value, "{\"role\":\"assistant\",\"model\":\"m\"}");
}

SAMPLE_TEST(a_model_is_asked_again_in_the_same_words)
{
    struct stage *st = *state;
    struct seen seen = { .params = "{\"messages\":[\"hi\"]}" };

    begin(st, sample, &seen, SESSION_SAMPLING);
    stage_crash(st, SIZE_MAX);
    stage_follow(st);
    stage_attempt(st);
    assert_non_null(strstr(stage_last_event(st), "\"params\":{\"messages\":[\"hi\"]}"));
}

SAMPLE_TEST(tools_are_a_capability_of_their_own)
{
    struct stage *st = *state;
    struct seen seen = { .params = "{\"messages\":[],\"tools\":[]}" };

    begin(st, sample, &seen, SESSION_SAMPLING);
    assert_int_equal(seen.rc, DMCP_E_UNSUPPORTED);
    assert_non_null(strstr(seen.text, "\"sampling.tools\""));
    seen.params = "{\"messages\":[],\"toolChoice\":{\"mode\":\"none\"}}";
    begin(st, sample, &seen, SESSION_SAMPLING);
    assert_int_equal(seen.rc, DMCP_E_UNSUPPORTED);
    begin(st, sample, &seen, SESSION_SAMPLING | SESSION_SAMPLING_TOOLS);
    assert_true(stage_is_waiting(st));
}

SAMPLE_TEST(tools_go_out_as_they_are_and_what_the_model_wants_of_them_comes_back)
{
    static const char params[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"Weather?\"}}],"
        "\"maxTokens\":100,\"tools\":[{\"name\":\"weather\",\"inputSchema\":{\"type\":\"object\"}}],"
        "\"toolChoice\":{\"mode\":\"auto\"}}";
    static const char answer[] =
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c1\","
        "\"name\":\"weather\",\"input\":{}}],\"model\":\"m\",\"stopReason\":\"toolUse\"}";
    struct stage *st = *state;
    struct seen seen = { .params = params };

    begin(st, sample, &seen, SESSION_SAMPLING | SESSION_SAMPLING_TOOLS);
    assert_non_null(strstr(stage_last_event(st), "\"method\":\"sampling/createMessage\""));
    assert_non_null(strstr(stage_last_event(st), params));
    stage_answer(st, answer);
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_OK);
    assert_string_equal(seen.value, answer);
}

SAMPLE_TEST(the_context_of_servers_is_a_capability_of_its_own)
{
    struct stage *st = *state;
    struct seen seen = { .params = "{\"messages\":[],\"includeContext\":\"thisServer\"}" };

    begin(st, sample, &seen, SESSION_SAMPLING);
    assert_int_equal(seen.rc, DMCP_E_UNSUPPORTED);
    assert_non_null(strstr(seen.text, "\"sampling.context\""));
    begin(st, sample, &seen, SESSION_SAMPLING | SESSION_SAMPLING_CONTEXT);
    assert_true(stage_is_waiting(st));
    seen.params = "{\"messages\":[],\"includeContext\":\"allServers\"}";
    begin(st, sample, &seen, SESSION_SAMPLING);
    assert_int_equal(seen.rc, DMCP_E_UNSUPPORTED);
    seen.params = "{\"messages\":[],\"includeContext\":\"none\"}";
    begin(st, sample, &seen, SESSION_SAMPLING);
    assert_true(stage_is_waiting(st));
}

SAMPLE_TEST(parameters_that_are_no_object_are_an_error_and_are_not_sent)
{
    struct stage *st = *state;
    struct seen seen = { .params = NULL };

    begin(st, sample, &seen, SESSION_SAMPLING);
    assert_int_equal(seen.rc, DMCP_E_INVALID);
    assert_string_equal(seen.text, "sampling \"s\": its parameters are no object");
    seen.params = "[1]";
    begin(st, sample, &seen, SESSION_SAMPLING);
    assert_int_equal(seen.rc, DMCP_E_INVALID);
    assert_null(stage_last_event(st));
}

SAMPLE_TEST(an_answer_that_is_no_object_is_an_error)
{
    struct stage *st = *state;
    struct seen seen = { .params = "{}" };

    begin(st, sample, &seen, SESSION_SAMPLING);
    stage_answer(st, "[]");
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_REMOTE);
    assert_string_equal(seen.text, "sampling \"s\": the answer does not fit: it is no object");
}

SAMPLE_TEST(an_error_of_the_client_is_one)
{
    struct stage *st = *state;
    struct seen seen = { .params = "{}" };

    begin(st, sample, &seen, SESSION_SAMPLING);
    stage_answer_error(st, "-32603: no model");
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_REMOTE);
    assert_non_null(strstr(seen.text, "no model"));
}

/* ---- roots ---- */

static int list_roots(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);
    const dmcp_value *roots = NULL;

    seen->rc = dmcp_list_roots(call, "r", 0, &roots);
    keep(call, seen, roots);
    DMCP_TRY(seen->rc);
    return dmcp_reply(call, "v", roots);
}

ROOTS_TEST(the_clients_list_is_what_comes_back)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    begin(st, list_roots, &seen, SESSION_ROOTS);
    assert_non_null(strstr(stage_last_event(st), "\"method\":\"roots/list\"}"));
    stage_answer(st, "{\"roots\":[{\"uri\":\"file:///a\"}]}");
    stage_attempt(st);
    assert_string_equal(seen.value, "[{\"uri\":\"file:///a\"}]");
}

ROOTS_TEST(an_answer_without_a_list_is_an_error)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    begin(st, list_roots, &seen, SESSION_ROOTS);
    stage_answer(st, "{}");
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_REMOTE);
    assert_string_equal(seen.text, "roots \"r\": the answer does not fit: its roots is no array");
}

ROOTS_TEST(a_client_without_roots_is_not_asked)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    begin(st, list_roots, &seen, SESSION_ELICIT_FORM);
    assert_int_equal(seen.rc, DMCP_E_UNSUPPORTED);
    assert_null(stage_last_event(st));
}

/* One alias names one question, of whatever kind. */
static int ask_all(dmcp_call *call)
{
    struct seen *seen = dmcp_call_context(call);

    DMCP_TRY(dmcp_list_roots(call, "x", 0, NULL));
    seen->rc = dmcp_elicit(call, &(dmcp_question){ .alias = "x" }, NULL, NULL);
    return dmcp_reply(call, "s", "ok");
}

ROOTS_TEST(its_alias_is_taken_for_other_questions_too)
{
    struct stage *st = *state;
    struct seen seen = { 0 };

    begin(st, ask_all, &seen, SESSION_ROOTS | SESSION_ELICIT_FORM);
    stage_answer(st, "{\"roots\":[]}");
    stage_attempt(st);
    assert_int_equal(seen.rc, DMCP_E_ALIAS);
}

RUN_TESTS()
