/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handler replies, and the result object that a client gets for it.
 */
#include "harness.h"

#include "json/schema.h"
#include "stage.h"

#define TEXT(t) "{\"type\":\"text\",\"text\":\"" t "\"}"

/* ---- replies ---- */

static int reply_json(dmcp_call *call)
{
    return dmcp_reply(call, "j", (const char *)dmcp_call_context(call));
}

static const char *result_of(struct stage *st, const char *json)
{
    return stage_call(st, reply_json, (void *)(uintptr_t)json, "{}");
}

TEST_WITH(reply, of_an_object_is_structured_content_and_indented_text, stage_setup, stage_teardown)
{
    assert_string_equal(
        result_of(*state, "{\"a\":[1,\"x\"],\"b\":{}}"),
        "{\"content\":[" TEXT(
            "{\\n  \\\"a\\\": [\\n    1,\\n    \\\"x\\\"\\n  ],\\n"
            "  \\\"b\\\": {}\\n}") "],"
                                   "\"structuredContent\":{\"a\":[1,\"x\"],\"b\":{}}}");
}

TEST_WITH(reply, of_anything_else_is_wrapped_as_result, stage_setup, stage_teardown)
{
    assert_string_equal(result_of(*state, "8"),
                        "{\"content\":[" TEXT("8") "],\"structuredContent\":{\"result\":8}}");
    assert_string_equal(
        result_of(*state, "\"a \\\"b\\\"\""),
        "{\"content\":[" TEXT("a \\\"b\\\"") "],"
                                             "\"structuredContent\":{\"result\":\"a \\\"b\\\"\"}}");
    assert_string_equal(result_of(*state, "null"),
                        "{\"content\":[" TEXT("null") "],\"structuredContent\":{\"result\":null}}");
    assert_string_equal(result_of(*state, "[]"),
                        "{\"content\":[" TEXT("[]") "],\"structuredContent\":{\"result\":[]}}");
}

static int reply_twice(dmcp_call *call)
{
    assert_null(dmcp_replied(call));
    assert_false(dmcp_replied_error(call));
    DMCP_TRY(dmcp_reply_error(call, "no %s", "way"));
    assert_true(dmcp_replied_error(call));
    assert_null(dmcp_replied(call));
    DMCP_TRY(dmcp_reply(call, "i", 1));
    assert_false(dmcp_replied_error(call));
    DMCP_TRY(dmcp_reply_value(call, dmcp_pack(call, "{s:i}", "a", 2)));
    assert_int_equal(dmcp_int(dmcp_get(dmcp_replied(call), "a")), 2);
    return DMCP_OK;
}

TEST_WITH(reply, replaces_the_one_before_it, stage_setup, stage_teardown)
{
    assert_non_null(
        strstr(stage_call(*state, reply_twice, NULL, "{}"), "\"structuredContent\":{\"a\":2}}"));
}

static int reply_nothing(dmcp_call *call)
{
    (void)call;
    return DMCP_OK;
}

TEST_WITH(reply, that_is_missing_is_an_empty_result, stage_setup, stage_teardown)
{
    assert_string_equal(stage_call(*state, reply_nothing, NULL, "{}"), "{\"content\":[]}");
}

/* ---- errors ---- */

static int reply_error(dmcp_call *call)
{
    DMCP_TRY(dmcp_reply(call, "i", 1));
    return dmcp_reply_error(call, "no \"%s\" here", "ann");
}

static int reply_then_fail(dmcp_call *call)
{
    DMCP_TRY(dmcp_reply(call, "i", 1));
    DMCP_TRY(dmcp_add_text(call, "more"));
    return dmcp_fail(call, 3, "out of %s", "luck");
}

static int fail_silently(dmcp_call *call)
{
    dmcp_fail(call, 3, "handled");
    return *(int *)dmcp_call_context(call);
}

TEST_WITH(reply, of_an_error_is_marked_as_one, stage_setup, stage_teardown)
{
    assert_string_equal(stage_call(*state, reply_error, NULL, "{}"),
                        "{\"content\":[" TEXT("no \\\"ann\\\" here") "],\"isError\":true}");
}

TEST_WITH(reply, loses_against_an_error_of_the_handler, stage_setup, stage_teardown)
{
    assert_string_equal(
        stage_call(*state, reply_then_fail, NULL, "{}"),
        "{\"content\":[" TEXT("Error executing tool tool: out of luck") "],"
                                                                        "\"isError\":true}");
}

TEST_WITH(handler, error_without_a_text_is_told_by_its_code, stage_setup, stage_teardown)
{
    int code = DMCP_E_TIMEOUT;

    assert_non_null(strstr(stage_call(*state, fail_silently, &code, "{}"),
                           "Error executing tool tool: timed out\""));
    code = 42;
    assert_non_null(strstr(stage_call(*state, fail_silently, &code, "{}"), "tool: error 42\""));
    code = 3;
    assert_non_null(strstr(stage_call(*state, fail_silently, &code, "{}"), "tool: handled\""));
}

/* ---- blocks ---- */

static int add_blocks(dmcp_call *call)
{
    DMCP_TRY(dmcp_add_text(call, "%d < \"%s\"", 1, "two"));
    DMCP_TRY(dmcp_add_image(call, "image/png", "\x89PNG", 4));
    DMCP_TRY(dmcp_add_audio(call, "audio/wav", "", 0));
    DMCP_TRY(dmcp_add_resource_text(call, "file:///a", "text/plain", "A"));
    DMCP_TRY(dmcp_add_resource_data(call, "file:///b", NULL, "B", 1));
    DMCP_TRY(dmcp_add_link(call, "file:///c", "c", "text/plain"));
    DMCP_TRY(dmcp_add_block(call, dmcp_pack(call, "{s:s,s:s}", "type", "text", "text", "raw")));
    assert_int_equal(dmcp_add_block(call, dmcp_pack(call, "[]")), DMCP_E_TYPE);
    return dmcp_call_context(call) ? dmcp_reply(call, "s", "first") : DMCP_OK;
}

#define BLOCKS                                                                                     \
    TEXT("1 < \\\"two\\\"")                                                                        \
    ",{\"type\":\"image\",\"data\":\"iVBORw==\",\"mimeType\":\"image/png\"},"                      \
    "{\"type\":\"audio\",\"data\":\"\",\"mimeType\":\"audio/wav\"},"                               \
    "{\"type\":\"resource\",\"resource\":{\"uri\":\"file:///a\",\"mimeType\":\"text/plain\","      \
    "\"text\":\"A\"}},"                                                                            \
    "{\"type\":\"resource\",\"resource\":{\"uri\":\"file:///b\",\"blob\":\"Qg==\"}},"              \
    "{\"type\":\"resource_link\",\"uri\":\"file:///c\",\"name\":\"c\","                            \
    "\"mimeType\":\"text/plain\"}," TEXT("raw")

TEST_WITH(block, of_every_kind_stands_in_order_behind_the_reply, stage_setup, stage_teardown)
{
    assert_string_equal(stage_call(*state, add_blocks, NULL, "{}"), "{\"content\":[" BLOCKS "]}");
    assert_string_equal(
        stage_call(*state, add_blocks, "reply", "{}"),
        "{\"content\":[" TEXT("first") "," BLOCKS "],"
                                       "\"structuredContent\":{\"result\":\"first\"}}");
}

/* ---- size and depth ---- */

static int add_data(dmcp_call *call)
{
    size_t n = *(size_t *)dmcp_call_context(call);
    char *text = mem_alloc(n + 1);

    memset(text, 'x', n);
    text[n] = '\0';
    DMCP_TRY(dmcp_add_text(call, "%s", text));
    mem_free(text);
    return DMCP_OK;
}

TEST_WITH(result, fits_its_limit_or_is_a_tool_error, stage_setup, stage_teardown)
{
    size_t n = LIMIT_RESULT_BYTES - (sizeof("{\"content\":[" TEXT("") "]}") - 1);

    assert_int_equal(strlen(stage_call(*state, add_data, &n, "{}")), LIMIT_RESULT_BYTES);
    n++;
    assert_string_equal(stage_call(*state, add_data, &n, "{}"),
                        "{\"content\":[" TEXT("Error executing tool tool: the result is larger "
                                              "than 16777216 bytes as JSON") "],\"isError\":true}");
    n = LIMIT_RESULT_BYTES;
    assert_non_null(strstr(stage_call(*state, add_data, &n, "{}"), "larger than 16777216"));
}

static int reply_deep(dmcp_call *call)
{
    int n = *(int *)dmcp_call_context(call);
    dmcp_value *v = dmcp_integer(call, 1);

    for (int i = 0; i < n; i++) {
        v = dmcp_pack(call, "{s:v}", "a", v);
    }
    DMCP_TRY(dmcp_add_block(call, v));
    return dmcp_reply_value(call, v);
}

TEST_WITH(result, is_not_nested_deeper_than_its_message_may_be, stage_setup, stage_teardown)
{
    int n = LIMIT_JSON_DEPTH - 3;
    yyjson_doc *doc;
    struct err e;
    struct str text;

    text = str_of(stage_call(*state, reply_deep, &n, "{}"));
    assert_int_equal(json_read(text, &doc, &e), DMCP_OK);
    yyjson_doc_free(doc);
    assert_null(strstr(text.p, "isError"));
    n++;
    assert_non_null(strstr(stage_call(*state, reply_deep, &n, "{}"), "nested more than 61 deep"));
}

/* ---- output schema ---- */

static int open_schema(void **state)
{
    struct err e;

    stage_setup(state);
    struct stage *st = *state;
    assert_int_equal(schema_compile(STR("{\"type\":\"object\",\"properties\":{\"n\":{\"type\":"
                                        "\"integer\"}},\"required\":[\"n\"]}"),
                                    NULL, &st->tool.output, &e),
                     DMCP_OK);
    return 0;
}

static int close_schema(void **state)
{
    struct stage *st = *state;

    schema_free(st->tool.output);
    return stage_teardown(state);
}

TEST_WITH(output_schema, lets_a_result_pass_that_fits, open_schema, close_schema)
{
    assert_non_null(strstr(result_of(*state, "{\"n\":1}"), "\"structuredContent\":{\"n\":1}}"));
}

TEST_WITH(output_schema, makes_a_tool_error_of_a_result_that_does_not_fit, open_schema,
          close_schema)
{
    const char *result = result_of(*state, "{\"n\":\"one\"}");

    assert_non_null(strstr(result, "Error executing tool tool: the result does not fit the tool's "
                                   "output schema: result/n: expected integer"));
    assert_non_null(strstr(result, "\"isError\":true"));
    assert_null(strstr(result, "structuredContent"));
}

TEST_WITH(output_schema, wants_structured_content_unless_the_tool_fails, open_schema, close_schema)
{
    assert_non_null(strstr(stage_call(*state, reply_nothing, NULL, "{}"),
                           "has an output schema, but its result is not structured"));
    assert_non_null(strstr(stage_call(*state, reply_error, NULL, "{}"), "no \\\"ann\\\" here"));
}

RUN_TESTS()
