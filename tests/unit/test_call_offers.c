/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The results of prompts, resources and completions, and what their errors become.
 */
#include "harness.h"

#include "stage.h"

#define TEXT(t) "{\"type\":\"text\",\"text\":\"" t "\"}"
#define SAYS(role, t) "{\"role\":\"" role "\",\"content\":" TEXT(t) "}"
#define CONTENTS(t) "{\"uri\":\"note://1\",\"mimeType\":\"text/plain\",\"text\":\"" t "\"}"

static int open_prompt(void **state)
{
    struct stage *s = stage_new();

    s->tool.method = CALL_PROMPT;
    *state = s;
    return 0;
}

static int open_resource(void **state)
{
    struct stage *s = stage_new();

    s->tool.method = CALL_RESOURCE;
    s->tool.mime = STR("text/plain");
    *state = s;
    return 0;
}

static int open_completion(void **state)
{
    struct stage *s = stage_new();

    s->tool.method = CALL_COMPLETION;
    *state = s;
    return 0;
}

#define PROMPT_TEST(sentence) TEST_WITH(prompt, sentence, open_prompt, stage_teardown)
#define RESOURCE_TEST(sentence) TEST_WITH(resource, sentence, open_resource, stage_teardown)
#define COMPLETION_TEST(sentence) TEST_WITH(completion, sentence, open_completion, stage_teardown)

static const char *read_note(struct stage *s, dmcp_handler_fn *fn, void *context)
{
    stage_start_params(s, fn, context, "{\"uri\":\"note://1\",\"arguments\":{\"id\":\"1\"}}");
    stage_attempt(s);
    return stage_result(s);
}

static void expect_outcome(struct stage *s, enum call_outcome outcome)
{
    assert_int_equal(rig_result(s->rig, s->call).outcome, outcome);
}

/* ---- handlers ---- */

static int say_nothing(dmcp_call *call)
{
    (void)call;
    return DMCP_OK;
}

static int converse(dmcp_call *call)
{
    DMCP_TRY(dmcp_add_text(call, "Hello, I am %s.", dmcp_arg_str(call, "name")));
    dmcp_set_role(call, DMCP_ASSISTANT);
    DMCP_TRY(dmcp_add_text(call, "Hello."));
    DMCP_TRY(dmcp_add_image(call, "image/png", "\x89PNG", 4));
    dmcp_set_role(call, DMCP_USER);
    return dmcp_add_resource_text(call, "note://2", "text/plain", "N");
}

static int add_raw(dmcp_call *call)
{
    DMCP_TRY(dmcp_add_link(call, "note://3", "three", NULL));
    return dmcp_add_block(call, dmcp_pack(call, "{s:s,s:s}", "type", "text", "text", "raw"));
}

static int reply_json(dmcp_call *call)
{
    return dmcp_reply(call, "j", (const char *)dmcp_call_context(call));
}

static int add_then_reply(dmcp_call *call)
{
    DMCP_TRY(dmcp_add_text(call, "one"));
    return dmcp_reply(call, "s", "two %s");
}

static int reply_error(dmcp_call *call)
{
    DMCP_TRY(dmcp_add_text(call, "never seen"));
    return dmcp_reply_error(call, "no \"%s\"", "luck");
}

static int fail_with(dmcp_call *call)
{
    return dmcp_fail(call, *(int *)dmcp_call_context(call), "it is %s", "broken");
}

static int fail_quietly(dmcp_call *call)
{
    return *(int *)dmcp_call_context(call);
}

static int add_data(dmcp_call *call)
{
    size_t n = *(size_t *)dmcp_call_context(call);
    char *text = mem_alloc(n + 1);
    int rc;

    memset(text, 'x', n);
    text[n] = '\0';
    rc = dmcp_add_text(call, "%s", text);
    mem_free(text);
    return rc;
}

/* Says an id that is recorded, and tells the test which. */
static int say_id(dmcp_call *call)
{
    char *id = dmcp_call_context(call);

    DMCP_TRY(dmcp_uuid7(call, id));
    return dmcp_add_text(call, "%s", id);
}

/* ---- prompts ---- */

PROMPT_TEST(blocks_are_messages_of_the_role_that_was_set_last)
{
    assert_string_equal(
        stage_call(*state, converse, NULL, "{\"name\":\"Ada\"}"),
        "{\"messages\":[" SAYS("user", "Hello, I am Ada.") "," SAYS("assistant", "Hello.") ","
        "{\"role\":\"assistant\",\"content\":"
        "{\"type\":\"image\",\"data\":\"iVBORw==\",\"mimeType\":\"image/png\"}},"
        "{\"role\":\"user\",\"content\":{\"type\":\"resource\",\"resource\":{\"uri\":\"note://2\","
        "\"mimeType\":\"text/plain\",\"text\":\"N\"}}}]}");
}

PROMPT_TEST(links_and_raw_blocks_are_messages_too)
{
    assert_string_equal(stage_call(*state, add_raw, NULL, "{}"),
                        "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"resource_link\","
                        "\"uri\":\"note://3\",\"name\":\"three\"}}," SAYS("user", "raw") "]}");
}

PROMPT_TEST(description_stands_in_its_result)
{
    struct stage *s = *state;

    s->tool.description = STR("Says \"nothing\".");
    assert_string_equal(stage_call(s, say_nothing, NULL, "{}"),
                        "{\"description\":\"Says \\\"nothing\\\".\",\"messages\":[]}");
}

PROMPT_TEST(reply_is_a_message_of_its_text)
{
    assert_string_equal(stage_call(*state, reply_json, "\"a %d \\\"b\\\"\"", "{}"),
                        "{\"messages\":[" SAYS("user", "a %d \\\"b\\\"") "]}");
    assert_string_equal(stage_call(*state, reply_json, "8", "{}"),
                        "{\"messages\":[" SAYS("user", "8") "]}");
    assert_string_equal(stage_call(*state, reply_json, "{\"a\":1}", "{}"),
                        "{\"messages\":[" SAYS("user", "{\\n  \\\"a\\\": 1\\n}") "]}");
    assert_string_equal(stage_call(*state, add_then_reply, NULL, "{}"),
                        "{\"messages\":[" SAYS("user", "one") "," SAYS("user", "two %s") "]}");
}

PROMPT_TEST(error_is_an_internal_error_with_its_text)
{
    struct stage *s = *state;
    int code = 3;

    assert_string_equal(stage_call(s, fail_with, &code, "{}"),
                        "{\"code\":-32603,\"message\":\"it is broken\"}");
    expect_outcome(s, OUTCOME_ERROR);
    assert_string_equal(stage_call(s, reply_error, NULL, "{}"),
                        "{\"code\":-32603,\"message\":\"no \\\"luck\\\"\"}");
    expect_outcome(s, OUTCOME_ERROR);
    code = DMCP_E_NOTFOUND;
    assert_non_null(
        strstr(stage_call(s, fail_quietly, &code, "{}"), "{\"code\":-32603,\"message\":"));
}

PROMPT_TEST(result_fits_its_limit_or_is_an_error)
{
    size_t n = LIMIT_RESULT_BYTES - (sizeof("{\"messages\":[" SAYS("user", "") "]}") - 1);

    assert_int_equal(strlen(stage_call(*state, add_data, &n, "{}")), LIMIT_RESULT_BYTES);
    expect_outcome(*state, OUTCOME_RESULT);
    n++;
    assert_string_equal(
        stage_call(*state, add_data, &n, "{}"),
        "{\"code\":-32603,\"message\":\"the result is larger than 16777216 bytes as JSON\"}");
    n = LIMIT_RESULT_BYTES;
    assert_non_null(strstr(stage_call(*state, add_data, &n, "{}"), "larger than 16777216"));
    expect_outcome(*state, OUTCOME_ERROR);
}

PROMPT_TEST(handler_has_a_journal_as_a_tool_has)
{
    struct stage *s = *state;
    char first[37], second[37], expected[200];

    stage_start(s, say_id, first, "{}");
    s->cut = 1; /* the id is recorded, and nothing after it */
    stage_attempt(s);
    assert_false(stage_is_finished(s));
    stage_crash(s, SIZE_MAX);
    s->tool.handler.context = second;
    stage_attempt(s);
    assert_string_equal(second, first);
    snprintf(expected, sizeof(expected), "{\"messages\":[" SAYS("user", "%s") "]}", first);
    assert_string_equal(stage_result(s), expected);
}

/* ---- resources ---- */

static int read_itself(dmcp_call *call)
{
    assert_string_equal(dmcp_call_uri(call), "note://1");
    return dmcp_add_text(call, "note %s", dmcp_arg_str(call, "id"));
}

static int read_several(dmcp_call *call)
{
    DMCP_TRY(dmcp_add_text(call, "own"));
    DMCP_TRY(dmcp_add_resource_text(call, "note://2", "text/html", "<p>"));
    DMCP_TRY(dmcp_add_resource_text(call, "note://3", NULL, ""));
    DMCP_TRY(dmcp_add_resource_text(call, NULL, "text/html", "<b>"));
    DMCP_TRY(dmcp_add_resource_data(call, NULL, NULL, "AB", 2));
    DMCP_TRY(dmcp_add_resource_data(call, "note://4", "image/png", "", 0));
    return dmcp_add_image(call, "image/png", "\x89PNG", 4);
}

RESOURCE_TEST(text_has_its_uri_and_type)
{
    assert_string_equal(read_note(*state, read_itself, NULL),
                        "{\"contents\":[" CONTENTS("note 1") "]}");
    expect_outcome(*state, OUTCOME_RESULT);
}

RESOURCE_TEST(contents_may_be_of_other_uris_and_types)
{
    assert_string_equal(
        read_note(*state, read_several, NULL),
        "{\"contents\":[" CONTENTS("own") ","
        "{\"uri\":\"note://2\",\"mimeType\":\"text/html\",\"text\":\"<p>\"},"
        "{\"uri\":\"note://3\",\"text\":\"\"},"
        "{\"uri\":\"note://1\",\"mimeType\":\"text/html\",\"text\":\"<b>\"},"
        "{\"uri\":\"note://1\",\"mimeType\":\"text/plain\",\"blob\":\"QUI=\"},"
        "{\"uri\":\"note://4\",\"mimeType\":\"image/png\",\"blob\":\"\"},"
        "{\"uri\":\"note://1\",\"mimeType\":\"image/png\",\"blob\":\"iVBORw==\"}]}");
}

RESOURCE_TEST(reply_is_a_text_of_its_own)
{
    assert_string_equal(read_note(*state, reply_json, "\"%s\""),
                        "{\"contents\":[" CONTENTS("%s") "]}");
    assert_string_equal(read_note(*state, reply_json, "[1]"),
                        "{\"contents\":[" CONTENTS("[\\n  1\\n]") "]}");
    assert_string_equal(read_note(*state, add_then_reply, NULL),
                        "{\"contents\":[" CONTENTS("one") "," CONTENTS("two %s") "]}");
    assert_string_equal(read_note(*state, say_nothing, NULL), "{\"contents\":[]}");
}

RESOURCE_TEST(contents_cannot_be_links)
{
    assert_non_null(strstr(read_note(*state, add_raw, NULL), "contents of a resource are no links"));
    expect_outcome(*state, OUTCOME_ERROR);
}

RESOURCE_TEST(error_is_an_internal_error_that_names_the_uri)
{
    int code = 3;

    assert_string_equal(read_note(*state, fail_with, &code),
                        "{\"code\":-32603,\"message\":\"it is broken\","
                        "\"data\":{\"uri\":\"note://1\"}}");
    expect_outcome(*state, OUTCOME_ERROR);
    assert_string_equal(read_note(*state, reply_error, NULL),
                        "{\"code\":-32603,\"message\":\"no \\\"luck\\\"\","
                        "\"data\":{\"uri\":\"note://1\"}}");
}

RESOURCE_TEST(that_its_handler_does_not_find_is_not_found)
{
    int code = DMCP_E_NOTFOUND;

    assert_string_equal(read_note(*state, fail_with, &code),
                        "{\"code\":-32002,\"message\":\"it is broken\","
                        "\"data\":{\"uri\":\"note://1\"}}");
    assert_string_equal(read_note(*state, fail_quietly, &code),
                        "{\"code\":-32002,\"message\":\"not found\","
                        "\"data\":{\"uri\":\"note://1\"}}");
    expect_outcome(*state, OUTCOME_ERROR);
}

/* ---- completions ---- */

static int suggest(dmcp_call *call)
{
    char value[32];

    for (unsigned i = 1; i <= *(unsigned *)dmcp_call_context(call); i++) {
        snprintf(value, sizeof(value), "%s%u", dmcp_arg_str(call, "value"), i);
        dmcp_suggest(call, value);
    }
    return DMCP_OK;
}

static int suggest_much(dmcp_call *call)
{
    char *text = mem_alloc(MIB + 1);

    memset(text, 'x', MIB);
    text[MIB] = '\0';
    for (int i = 0; i < 17; i++) {
        dmcp_suggest(call, text);
    }
    mem_free(text);
    return DMCP_OK;
}

static int suggest_and_add(dmcp_call *call)
{
    dmcp_suggest(call, "a");
    assert_int_equal(dmcp_add_text(call, "b"), DMCP_E_MISUSE);
    assert_int_equal(dmcp_reply(call, "s", "c"), DMCP_E_MISUSE);
    assert_int_equal(dmcp_reply_error(call, "d"), DMCP_E_MISUSE);
    assert_int_equal(dmcp_add_block(call, dmcp_pack(call, "{}")), DMCP_E_MISUSE);
    return DMCP_OK;
}

static const char *complete(struct stage *s, dmcp_handler_fn *fn, void *context)
{
    return stage_call_ephemeral(s, fn, context,
                                "{\"arguments\":{\"argument\":\"city\",\"value\":\"p\"}}");
}

COMPLETION_TEST(gives_what_was_suggested)
{
    unsigned n = 2;

    assert_string_equal(
        complete(*state, suggest, &n),
        "{\"completion\":{\"values\":[\"p1\",\"p2\"],\"total\":2,\"hasMore\":false}}");
    n = 0;
    assert_string_equal(complete(*state, suggest, &n),
                        "{\"completion\":{\"values\":[],\"total\":0,\"hasMore\":false}}");
}

COMPLETION_TEST(gives_a_hundred_values_and_tells_of_more)
{
    unsigned n = 100;

    assert_non_null(strstr(complete(*state, suggest, &n),
                           "\"p99\",\"p100\"],\"total\":100,\"hasMore\":false}}"));
    n = 101;
    assert_non_null(strstr(complete(*state, suggest, &n),
                           "\"p99\",\"p100\"],\"total\":101,\"hasMore\":true}}"));
}

COMPLETION_TEST(has_no_other_result)
{
    assert_string_equal(complete(*state, suggest_and_add, NULL),
                        "{\"completion\":{\"values\":[\"a\"],\"total\":1,\"hasMore\":false}}");
}

COMPLETION_TEST(fits_the_limit_of_results_or_is_an_error)
{
    assert_string_equal(
        stage_call(*state, suggest_much, NULL, "{}"),
        "{\"code\":-32603,\"message\":\"the result is larger than 16777216 bytes as JSON\"}");
    expect_outcome(*state, OUTCOME_ERROR);
}

COMPLETION_TEST(error_is_an_internal_error)
{
    int code = 3;

    assert_string_equal(stage_call(*state, fail_with, &code, "{}"),
                        "{\"code\":-32603,\"message\":\"it is broken\"}");
    expect_outcome(*state, OUTCOME_ERROR);
}

static int suggest_in_tool(dmcp_call *call)
{
    dmcp_suggest(call, "a");
    dmcp_set_role(call, DMCP_ASSISTANT);
    assert_string_equal(dmcp_call_uri(call), "");
    return dmcp_add_text(call, "t");
}

TEST_WITH(tool, does_not_notice_suggestions_and_roles, stage_setup, stage_teardown)
{
    assert_string_equal(stage_call(*state, suggest_in_tool, NULL, "{}"),
                        "{\"content\":[" TEXT("t") "]}");
}

RUN_TESTS()
