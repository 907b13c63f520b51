/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the client makes of the answers that servers give: refusals, nonsense, pages, too much,
 * elsewhere.
 */
#include "client_fixture.h"

/* ---- Refusals and nonsense ---- */

static void answer_fails(const struct fake_reply *script, int code, const char *text)
{
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);

    call_fails(c, NULL, code, text);
    assert_int_equal(fake_server_count(s, "tools/call"), 1);
    dmcp_client_free(c);
    fake_server_stop(s);
}

#define ANSWER_FAILS(code, text, ...)                                                              \
    answer_fails((const struct fake_reply[]){ { .on = "tools/call", __VA_ARGS__ }, { 0 } }, code,  \
                 text)

TEST(client, tells_apart_what_servers_refuse_with)
{
    ANSWER_FAILS(DMCP_E_GONE, "does not know the session", .status = 404);
    ANSWER_FAILS(DMCP_E_DENIED, "HTTP 401", .status = 401);
    ANSWER_FAILS(DMCP_E_DENIED, "HTTP 403: go away", .status = 403,
                 .json = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"go away\"}}");
    ANSWER_FAILS(DMCP_E_TOOBIG, "too big for the server", .status = 413);
    ANSWER_FAILS(DMCP_E_PROTOCOL, "HTTP 418: short and stout", .status = 418,
                 .json = "short and stout");
    ANSWER_FAILS(DMCP_E_BUSY, "HTTP 503", .status = 503);
    ANSWER_FAILS(DMCP_E_BUSY, "HTTP 429", .status = 429);
    ANSWER_FAILS(DMCP_E_NET, "is unknown", .status = 502);
    ANSWER_FAILS(DMCP_E_PROTOCOL, "neither JSON nor", .status = 202);
    ANSWER_FAILS(
        DMCP_E_PROTOCOL, "neither JSON nor",
        .raw = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>");
}

TEST(client, tells_apart_answers_that_are_no_messages)
{
    ANSWER_FAILS(DMCP_E_PROTOCOL, "at byte", .json = "{\"jsonrpc\":");
    ANSWER_FAILS(DMCP_E_PROTOCOL, "no response",
                 .json = "{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}");
    ANSWER_FAILS(DMCP_E_PROTOCOL, "not an object",
                 .json = "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":7}");
    ANSWER_FAILS(DMCP_E_PROTOCOL, "\"2.0\"", .json = "{\"id\":$ID,\"result\":{}}");
    ANSWER_FAILS(DMCP_E_PROTOCOL, "at byte", .sse = EVENT("1", "{oops"));
    ANSWER_FAILS(DMCP_E_PROTOCOL, "no response", .json = "[]");
}

TEST(client, takes_several_messages_as_one)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call",
          .json = "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}," RESULT("last") "]" },
        { 0 },
    };
    struct fake_options o = { .version = "2025-03-26" };
    struct fake_server *s = fake_server_start(&o, script);
    dmcp_client *c = connect_to(s);

    call_gives(c, NULL, "last");
    dmcp_client_free(c);
    fake_server_stop(s);
}

/* ---- The list of tools ---- */

#define PAGE(tools, more)                                                                          \
    "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"tools\":[" tools "]" more "}}"

TEST(client, lists_the_tools_of_all_pages)
{
    static const struct fake_reply script[] = {
        { .on = "tools/list",
          .json = PAGE(
              "{\"name\":\"a\",\"description\":\"first\",\"inputSchema\":{\"type\":\"object\"}}",
              ",\"nextCursor\":\"p\\\"2\"") },
        { .on = "tools/list", .sse = EVENT("9", PAGE("{\"name\":\"b\"},{\"name\":\"c\"}", "")) },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);
    dmcp_tool_list *l;

    assert_int_equal(dmcp_client_list_tools(c, &l), DMCP_OK);
    assert_int_equal(dmcp_tool_list_count(l), 3);
    assert_string_equal(dmcp_tool_list_name(l, 0), "a");
    assert_string_equal(dmcp_tool_list_description(l, 0), "first");
    assert_string_equal(dmcp_tool_list_input_schema(l, 0), "{\"type\":\"object\"}");
    assert_string_equal(dmcp_tool_list_json(l, 1), "{\"name\":\"b\"}");
    assert_null(dmcp_tool_list_description(l, 2));
    assert_null(dmcp_tool_list_name(l, 3));
    dmcp_tool_list_free(l);
    assert_null(strstr(fake_server_request(s, "tools/list", 0)->body, "params"));
    assert_non_null(strstr(fake_server_request(s, "tools/list", 1)->body,
                           "\"params\":{\"cursor\":\"p\\\"2\"}"));
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client, notices_a_list_of_tools_that_goes_in_circles_or_is_none)
{
    static const struct fake_reply script[] = {
        { .on = "tools/list", .times = 2, .json = PAGE("", ",\"nextCursor\":\"same\"") },
        { .on = "tools/list", .json = PAGE("{\"title\":\"no name\"}", "") },
        { .on = "tools/list", .json = "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{}}" },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);
    dmcp_tool_list *l = NULL;

    assert_int_equal(dmcp_client_list_tools(c, &l), DMCP_E_PROTOCOL);
    assert_non_null(strstr(dmcp_client_error(c), "circles"));
    assert_int_equal(dmcp_client_list_tools(c, &l), DMCP_E_PROTOCOL);
    assert_non_null(strstr(dmcp_client_error(c), "without a name"));
    assert_int_equal(dmcp_client_list_tools(c, &l), DMCP_E_PROTOCOL);
    assert_non_null(strstr(dmcp_client_error(c), "no list"));
    assert_null(l);
    dmcp_client_free(c);
    fake_server_stop(s);
}

/* ---- Limits ---- */

static char *big_text(size_t n)
{
    char *text = malloc(n + 1);

    memset(text, 'x', n);
    text[n] = '\0';
    return text;
}

static void answer_of_size(size_t n, int code)
{
    char *text = big_text(n), *json = NULL, *sse = NULL;
    struct fake_reply script[3] = { { .on = "tools/call" }, { .on = "tools/call" }, { 0 } };
    dmcp_client_options o = quick_options();
    struct fake_server *s;
    dmcp_client *c;

    assert_true(asprintf(&json,
                         "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"content\":[{"
                         "\"type\":\"text\",\"text\":\"%s\"}]}}",
                         text) > 0);
    assert_true(asprintf(&sse, "id: 1\ndata: %s\n\n", json) > 0);
    script[0].json = json;
    script[1].sse = sse;
    s = fake_server_start(NULL, script);
    o.max_message_bytes = 3 << 20;
    c = connect_with(s, &o);
    for (int i = 0; i < 2; i++) {
        if (code) {
            call_fails(c, NULL, code, "");
        } else {
            call_gives(c, NULL, text);
        }
    }
    dmcp_client_free(c);
    fake_server_stop(s);
    free(text);
    free(json);
    free(sse);
}

TEST(client, takes_big_answers_up_to_its_limit)
{
    answer_of_size((3 << 20) - 200, DMCP_OK);
    answer_of_size((4 << 20) + 200, DMCP_E_TOOBIG);
}

TEST(client, refuses_headers_without_end)
{
    char *text = big_text(70000), *raw = NULL;

    assert_true(asprintf(&raw, "HTTP/1.1 200 OK\r\nX: %s\r\nContent-Length: 0\r\n\r\n", text) > 0);
    ANSWER_FAILS(DMCP_E_TOOBIG, "headers", .raw = raw);
    free(text);
    free(raw);
}

/* ---- Redirects ---- */

TEST(client, follows_redirects_within_the_origin_only)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .status = 307, .headers = "Location: /mcp/\r\n" },
        { .on = "tools/call", .status = 308, .headers = "Location: ../elsewhere\r\n" },
        { .on = "tools/call", .json = RESULT("found") },
        { .on = "tools/call", .status = 307, .headers = "Location: http://127.0.0.2:1/mcp\r\n" },
        { .on = "tools/call", .status = 302, .headers = "Location: /mcp/\r\n" },
        { .on = "tools/call", .times = -1, .status = 307, .headers = "Location: /mcp\r\n" },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);

    call_gives(c, NULL, "found");
    assert_non_null(strstr(fake_server_request(s, "tools/call", 1)->head, "POST /mcp/ HTTP"));
    assert_non_null(strstr(fake_server_request(s, "tools/call", 2)->head, "POST /elsewhere HTTP"));
    assert_string_equal(fake_server_request(s, "tools/call", 2)->body,
                        fake_server_request(s, "tools/call", 0)->body);
    call_fails(c, NULL, DMCP_E_DENIED, "another origin");
    call_fails(c, NULL, DMCP_E_PROTOCOL, "HTTP 302");
    call_fails(c, NULL, DMCP_E_PROTOCOL, "in circles");
    assert_int_equal(fake_server_count(s, "tools/call"), 3 + 1 + 1 + 6);
    dmcp_client_free(c);
    fake_server_stop(s);
}

RUN_TESTS()
