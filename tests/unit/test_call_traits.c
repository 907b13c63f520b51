/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annotations and _meta of blocks and results.
 */
#include "harness.h"

#include "stage.h"

#define STAGE_TEST(subject, sentence) TEST_WITH(subject, sentence, stage_setup, stage_teardown)

static int dress_the_first(dmcp_call *call)
{
    DMCP_TRY(dmcp_set_meta(call, dmcp_pack(call, "{s:i}", "k", 1)));
    DMCP_TRY(dmcp_add_text(call, "a"));
    return dmcp_add_text(call, "b");
}

STAGE_TEST(trait, is_of_the_next_block_alone)
{
    assert_string_equal(stage_call(*state, dress_the_first, NULL, "{}"),
                        "{\"content\":[{\"type\":\"text\",\"text\":\"a\",\"_meta\":{\"k\":1}},"
                        "{\"type\":\"text\",\"text\":\"b\"}]}");
}

static int dress_a_raw_block(dmcp_call *call)
{
    dmcp_value *block = dmcp_pack(call, "{s:s,s:s,s:{s:i}}", "type", "text", "text", "a", "_meta",
                                  "old", 1);

    DMCP_TRY(dmcp_set_meta(call, dmcp_pack(call, "{s:i}", "new", 2)));
    DMCP_TRY(dmcp_add_block(call, block));
    return dmcp_add_block(call, block);
}

STAGE_TEST(trait, takes_the_place_of_what_a_raw_block_says_and_leaves_the_value_alone)
{
    assert_string_equal(
        stage_call(*state, dress_a_raw_block, NULL, "{}"),
        "{\"content\":[{\"type\":\"text\",\"text\":\"a\",\"_meta\":{\"new\":2}},"
        "{\"type\":\"text\",\"text\":\"a\",\"_meta\":{\"old\":1}}]}");
}

static int fail_with_meta(dmcp_call *call)
{
    DMCP_TRY(dmcp_set_result_meta(call, dmcp_pack(call, "{s:i}", "k", 1)));
    return dmcp_fail(call, 1, "broken");
}

STAGE_TEST(result, of_a_call_that_fails_has_no_meta)
{
    assert_null(strstr(stage_call(*state, fail_with_meta, NULL, "{}"), "_meta"));
}

static int reply_error_with_meta(dmcp_call *call)
{
    DMCP_TRY(dmcp_set_result_meta(call, dmcp_pack(call, "{s:i}", "k", 1)));
    return dmcp_reply_error(call, "no");
}

STAGE_TEST(result, that_is_a_tool_error_has_its_meta)
{
    assert_string_equal(stage_call(*state, reply_error_with_meta, NULL, "{}"),
                        "{\"content\":[{\"type\":\"text\",\"text\":\"no\"}],\"isError\":true,"
                        "\"_meta\":{\"k\":1}}");
}

static dmcp_value *nested(dmcp_call *call, unsigned depth)
{
    dmcp_value *v = dmcp_pack(call, "{}");

    while (--depth > 0) {
        v = dmcp_pack(call, "{s:v}", "k", v);
    }
    return v;
}

static int set_wrong(dmcp_call *call)
{
    assert_int_equal(dmcp_set_meta(call, NULL), DMCP_E_TYPE);
    assert_int_equal(dmcp_set_meta(call, dmcp_pack(call, "[]")), DMCP_E_TYPE);
    assert_int_equal(dmcp_set_result_meta(call, dmcp_integer(call, 1)), DMCP_E_TYPE);
    assert_int_equal(dmcp_set_annotations(call, dmcp_pack(call, "{s:i}", "priority", 2)),
                     DMCP_E_INVALID);
    assert_string_equal(dmcp_error_text(call),
                        "dmcp_set_annotations: priority must be a number from 0 to 1");
    assert_int_equal(dmcp_set_meta(call, nested(call, 58)), DMCP_OK);
    assert_int_equal(dmcp_set_meta(call, nested(call, 59)), DMCP_E_TOOBIG);
    assert_int_equal(dmcp_set_result_meta(call, nested(call, 59)), DMCP_E_TOOBIG);
    assert_int_equal(dmcp_add_link_to(call, &(dmcp_link){ .uri = "x:", .icons =
                                          (const dmcp_icon[]){ { .src = "x:" }, { .src = NULL } } }),
                     DMCP_E_INVALID);
    return dmcp_add_text(call, "deep");
}

STAGE_TEST(trait, that_is_none_is_refused_and_changes_nothing)
{
    struct buf expected;

    buf_init(&expected, SIZE_MAX / 2);
    buf_addz(&expected, "{\"content\":[{\"type\":\"text\",\"text\":\"deep\",\"_meta\":");
    for (int i = 0; i < 57; i++) {
        buf_addz(&expected, "{\"k\":");
    }
    buf_addz(&expected, "{}");
    for (int i = 0; i < 57; i++) {
        buf_addc(&expected, '}');
    }
    buf_addz(&expected, "}]}");
    assert_string_equal(stage_call(*state, set_wrong, NULL, "{}"), buf_str(&expected).p);
    buf_fini(&expected);
}

static int annotate_contents(dmcp_call *call)
{
    assert_int_equal(dmcp_set_annotations(call, dmcp_pack(call, "{}")), DMCP_E_MISUSE);
    DMCP_TRY(dmcp_set_meta(call, dmcp_pack(call, "{s:i}", "k", 1)));
    return dmcp_add_resource_data(call, NULL, NULL, "x", 1);
}

STAGE_TEST(contents, of_a_resource_have_meta_and_no_annotations)
{
    struct stage *s = *state;

    s->tool.method = CALL_RESOURCE;
    s->tool.mime = STR("text/plain");
    stage_start_params(s, annotate_contents, NULL, "{\"uri\":\"note://1\",\"arguments\":{}}");
    stage_attempt(s);
    assert_string_equal(stage_result(s),
                        "{\"contents\":[{\"uri\":\"note://1\",\"mimeType\":\"text/plain\","
                        "\"blob\":\"eA==\",\"_meta\":{\"k\":1}}]}");
}

static int dress(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)arg;
    (void)result;
    assert_int_equal(dmcp_set_meta(call, dmcp_pack(call, "{}")), DMCP_E_MISUSE);
    assert_int_equal(dmcp_set_result_meta(call, dmcp_pack(call, "{}")), DMCP_E_MISUSE);
    return DMCP_OK;
}

static int dress_in_a_step(dmcp_call *call)
{
    DMCP_TRY(dmcp_at_least_once(call, "dress", dress, NULL, NULL));
    return dmcp_add_text(call, "done");
}

STAGE_TEST(body, of_a_step_cannot_set_traits)
{
    assert_string_equal(stage_call(*state, dress_in_a_step, NULL, "{}"),
                        "{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}");
}

RUN_TESTS()
