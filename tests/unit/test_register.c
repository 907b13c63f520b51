/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program may register, and the error that names what it may not.
 */
#include "harness.h"

#include "server/server.h"

static int nothing(dmcp_call *call)
{
    return dmcp_add_text(call, "nothing");
}

/* The definition is refused, with this text. */
static void expect_refused_tool(dmcp_tool tool, const char *text)
{
    dmcp_server *s = dmcp_server_new("s", "1");

    tool.handler = nothing;
    tool.name = tool.name ? tool.name : "t";
    assert_int_equal(dmcp_add_tool(s, &tool), DMCP_E_INVALID);
    assert_string_equal(s->error.text, text);
    dmcp_server_free(s);
}

static void expect_refused_resource(dmcp_resource resource, const char *text)
{
    dmcp_server *s = dmcp_server_new("s", "1");

    resource.handler = nothing;
    resource.uri = "note://1";
    assert_int_equal(dmcp_add_resource(s, &resource), DMCP_E_INVALID);
    assert_string_equal(s->error.text, text);
    dmcp_server_free(s);
}

#define ICONS(...) (const dmcp_icon[]){ { __VA_ARGS__ }, { .src = NULL } }

TEST(tool, with_a_hint_that_is_no_boolean_is_refused)
{
    expect_refused_tool((dmcp_tool){ .annotations = "{\"readOnlyHint\":\"yes\"}" },
                        "tool \"t\": annotations: readOnlyHint must be true or false");
    expect_refused_tool((dmcp_tool){ .annotations = "{\"openWorldHint\":null}" },
                        "tool \"t\": annotations: openWorldHint must be true or false");
    expect_refused_tool((dmcp_tool){ .annotations = "{\"title\":1}" },
                        "tool \"t\": annotations: title must be a string");
}

TEST(tool, with_a_text_that_is_no_json_object_is_refused)
{
    expect_refused_tool((dmcp_tool){ .annotations = "[]" },
                        "tool \"t\": annotations: not a JSON object");
    expect_refused_tool((dmcp_tool){ .meta = "7" }, "tool \"t\": meta: not a JSON object");
    expect_refused_tool((dmcp_tool){ .output_schema = "true" },
                        "tool \"t\": output schema: not a JSON object");
    expect_refused_tool((dmcp_tool){ .input_schema = "\"object\"" },
                        "tool \"t\": input schema: not a JSON object");
}

TEST(tool, with_annotations_that_mcp_does_not_name_is_added)
{
    dmcp_server *s = dmcp_server_new("s", "1");
    const dmcp_tool tool = { .name = "t", .annotations = "{\"x\":[1]}", .handler = nothing };

    assert_int_equal(dmcp_add_tool(s, &tool), DMCP_OK);
    assert_int_equal(s->error.code, DMCP_OK);
    dmcp_server_free(s);
}

TEST(icon, that_clients_would_refuse_is_refused)
{
    expect_refused_tool((dmcp_tool){ .icons = ICONS(.src = "javascript:alert(1)") },
                        "tool \"t\": icon 1: src must be an http:, https: or data: URI");
    expect_refused_tool((dmcp_tool){ .icons = ICONS(.src = "data:,", .sizes = "48x48 big") },
                        "tool \"t\": icon 1: sizes: \"big\" is neither like 48x48 nor any");
    expect_refused_tool((dmcp_tool){ .icons = ICONS(.src = "data:,", .sizes = "48x") },
                        "tool \"t\": icon 1: sizes: \"48x\" is neither like 48x48 nor any");
    expect_refused_tool((dmcp_tool){ .icons = ICONS(.src = "data:,", .theme = "Dark") },
                        "tool \"t\": icon 1: theme must be light or dark");
}

TEST(resource, with_annotations_of_another_form_is_refused)
{
    expect_refused_resource((dmcp_resource){ .annotations = "{\"audience\":\"user\"}" },
                            "resource \"note://1\": annotations: audience must be an array of "
                            "\"user\" and \"assistant\"");
    expect_refused_resource((dmcp_resource){ .annotations = "{\"audience\":[\"model\"]}" },
                            "resource \"note://1\": annotations: audience must be an array of "
                            "\"user\" and \"assistant\"");
    expect_refused_resource((dmcp_resource){ .annotations = "{\"priority\":1.5}" },
                            "resource \"note://1\": annotations: priority must be a number from 0 "
                            "to 1");
    expect_refused_resource((dmcp_resource){ .annotations = "{\"lastModified\":2025}" },
                            "resource \"note://1\": annotations: lastModified must be a string");
}

TEST(names, that_are_missing_are_refused)
{
    dmcp_server *s = dmcp_server_new("s", "1");

    assert_int_equal(dmcp_add_tool(s, &(dmcp_tool){ .handler = nothing }), DMCP_E_INVALID);
    assert_int_equal(dmcp_add_prompt(s, &(dmcp_prompt){ .handler = nothing }), DMCP_E_INVALID);
    assert_int_equal(dmcp_add_resource(s, &(dmcp_resource){ .handler = nothing }), DMCP_E_INVALID);
    assert_int_equal(dmcp_add_tool(s, &(dmcp_tool){ .name = "t" }), DMCP_E_INVALID);
    assert_int_equal(dmcp_remove_tool(s, NULL), DMCP_E_NOTFOUND);
    assert_int_equal(dmcp_remove_prompt(s, NULL), DMCP_E_NOTFOUND);
    assert_int_equal(dmcp_remove_resource(s, NULL), DMCP_E_NOTFOUND);
    dmcp_server_free(s);
}

TEST(thing, that_was_removed_can_be_added_again)
{
    dmcp_server *s = dmcp_server_new("s", "1");
    const dmcp_tool tool = { .name = "t", .handler = nothing };
    const dmcp_prompt prompt = { .name = "t", .handler = nothing };
    const dmcp_resource template = { .uri = "t://{x}", .handler = nothing };

    for (int i = 0; i < 2; i++) {
        assert_int_equal(dmcp_add_tool(s, &tool), DMCP_OK);
        assert_int_equal(dmcp_add_prompt(s, &prompt), DMCP_OK);
        assert_int_equal(dmcp_add_resource(s, &template), DMCP_OK);
        assert_int_equal(dmcp_remove_tool(s, "t"), DMCP_OK);
        assert_int_equal(dmcp_remove_prompt(s, "t"), DMCP_OK);
        assert_int_equal(dmcp_remove_resource(s, "t://{x}"), DMCP_OK);
    }
    assert_int_equal(dmcp_remove_tool(s, "t"), DMCP_E_NOTFOUND);
    assert_int_equal(s->error.code, DMCP_OK);
    dmcp_server_free(s);
}

TEST(server, with_an_icon_that_is_none_is_refused)
{
    dmcp_server *s = dmcp_server_new("s", "1");
    const dmcp_info info = { .title = "S", .icons = ICONS(.src = "file:///etc/passwd") };

    assert_int_equal(dmcp_server_set_info(s, &info), DMCP_E_INVALID);
    assert_string_equal(s->error.text,
                        "server info: icon 1: src must be an http:, https: or data: URI");
    dmcp_server_free(s);
}

TEST(error, of_the_first_definition_that_failed_is_kept)
{
    dmcp_server *s = dmcp_server_new("s", "1");

    assert_int_equal(dmcp_add_tool(s, &(dmcp_tool){ .name = "a b", .handler = nothing }),
                     DMCP_E_INVALID);
    assert_int_equal(dmcp_add_tool(s, &(dmcp_tool){ .name = "c d", .handler = nothing }),
                     DMCP_E_INVALID);
    assert_non_null(strstr(s->error.text, "a b"));
    dmcp_server_free(s);
}

RUN_TESTS()
