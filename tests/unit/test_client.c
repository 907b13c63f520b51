/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client where nothing breaks: connecting, requests, results, refusals, what it sends.
 */
#include "client_fixture.h"
#include "dmcp.h" /* whose names must not meet the client's */

#include <pthread.h>

/* ---- Connecting ---- */

TEST(client, initializes_and_announces_that_it_is_done)
{
    struct fake_server *s = fake_server_start(NULL, NULL);
    dmcp_client *c = connect_to(s);
    const struct fake_request *r = fake_server_request(s, "initialize", 0);

    assert_string_equal(dmcp_client_session_id(c), "session-1");
    assert_string_equal(dmcp_client_protocol_version(c), "2025-11-25");
    assert_int_equal(dmcp_client_next_request_id(c), 2);
    assert_false(dmcp_client_can_repost(c));
    assert_non_null(strstr(dmcp_client_server_json(c), "\"serverInfo\":{\"name\":\"fake\""));
    assert_int_equal(fake_server_count(s, NULL), 2);
    header_is(r, "Accept", "application/json, text/event-stream");
    header_is(r, "Content-Type", "application/json");
    header_is(r, "Mcp-Session-Id", NULL);
    header_is(r, "MCP-Protocol-Version", NULL);
    assert_non_null(strstr(r->body, "\"protocolVersion\":\"2025-11-25\""));
    assert_non_null(strstr(r->body, "\"clientInfo\":{\"name\":\"dmcp-client\",\"version\":"));
    r = fake_server_request(s, "notifications/initialized", 0);
    header_is(r, "Mcp-Session-Id", "session-1");
    header_is(r, "MCP-Protocol-Version", "2025-11-25");
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client, takes_initialize_from_an_event_stream)
{
    static const struct fake_reply script[] = {
        { .on = "initialize",
          .headers = "mcp-session-id: abc\r\n",
          .sse = PRIME("1/0") EVENT("1/1", "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{"
                                           "\"protocolVersion\":\"2025-06-18\","
                                           "\"capabilities\":{}}}") },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);

    assert_string_equal(dmcp_client_session_id(c), "abc");
    header_is(fake_server_request(s, "notifications/initialized", 0), "MCP-Protocol-Version",
              "2025-06-18");
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client, refuses_a_protocol_version_that_it_does_not_know)
{
    struct fake_options o = { .version = "1999-01-01" };
    struct fake_server *s = fake_server_start(&o, NULL);
    dmcp_client *c = dmcp_client_new(fake_server_url(s), NULL);

    assert_int_equal(dmcp_client_connect(c), DMCP_E_VERSION);
    assert_non_null(strstr(dmcp_client_error(c), "\"1999-01-01\""));
    assert_null(dmcp_client_session_id(c));
    dmcp_client_free(c);
    assert_int_equal(fake_server_count(s, NULL), 1);
    fake_server_stop(s);
}

TEST(client, works_with_a_server_without_sessions)
{
    static const struct fake_reply script[] = { { .on = "ping",
                                                  .json = "{\"jsonrpc\":\"2.0\","
                                                          "\"id\":$ID,\"result\":{}}" },
                                                { 0 } };
    struct fake_options o = { .no_sessions = true };
    struct fake_server *s = fake_server_start(&o, script);
    dmcp_client *c = connect_to(s);

    assert_null(dmcp_client_session_id(c));
    assert_int_equal(dmcp_client_ping(c, 0), DMCP_OK);
    header_is(fake_server_request(s, "ping", 0), "Mcp-Session-Id", NULL);
    dmcp_client_free(c);
    assert_int_equal(fake_server_count(s, "DELETE"), 0);
    fake_server_stop(s);
}

TEST(client, ends_its_session_when_it_is_closed)
{
    struct fake_server *s = fake_server_start(NULL, NULL);

    dmcp_client_free(connect_to(s));
    assert_int_equal(fake_server_count(s, "DELETE"), 1);
    header_is(fake_server_request(s, "DELETE", 0), "Mcp-Session-Id", "session-1");
    fake_server_stop(s);
}

TEST(client, leaves_its_session_when_told_not_to_terminate_it)
{
    struct fake_server *s = fake_server_start(NULL, NULL);
    dmcp_client_options o = quick_options();
    dmcp_client *c;

    o.terminate_on_close = false;
    c = connect_with(s, &o);
    assert_int_equal(dmcp_client_close(c), DMCP_OK);
    assert_int_equal(dmcp_client_ping(c, 0), DMCP_E_MISUSE);
    dmcp_client_free(c);
    assert_int_equal(fake_server_count(s, "DELETE"), 0);
    fake_server_stop(s);
}

TEST(client, sends_the_names_and_headers_of_its_options)
{
    static const char *const headers[] = { "Authorization: Bearer t0ken", "X-Trace: 7", NULL };
    struct fake_server *s = fake_server_start(NULL, NULL);
    dmcp_client_options o = quick_options();
    const struct fake_request *r;

    o.name = "na\"me";
    o.version = "9";
    o.capabilities_json = "{\"elicitation\":{}}";
    o.protocol_version = "2025-06-18";
    o.headers = headers;
    dmcp_client_free(connect_with(s, &o));
    r = fake_server_request(s, "initialize", 0);
    assert_non_null(strstr(r->body, "\"clientInfo\":{\"name\":\"na\\\"me\",\"version\":\"9\"}"));
    assert_non_null(strstr(r->body, "\"capabilities\":{\"elicitation\":{}}"));
    assert_non_null(strstr(r->body, "\"protocolVersion\":\"2025-06-18\""));
    header_is(r, "Authorization", "Bearer t0ken");
    header_is(fake_server_request(s, "DELETE", 0), "X-Trace", "7");
    fake_server_stop(s);
}

static void new_is_refused(const char *url, const dmcp_client_options *o, const char *text)
{
    dmcp_client *c = dmcp_client_new(url, o);

    assert_int_equal(dmcp_client_connect(c), DMCP_E_INVALID);
    if (!strstr(dmcp_client_error(c), text)) {
        fail_msg("expected \"%s\", got \"%s\"", text, dmcp_client_error(c));
    }
    dmcp_client_free(c);
}

TEST(client, refuses_urls_that_are_not_http)
{
    char *long_url = malloc(4000);

    new_is_refused(NULL, NULL, "missing");
    new_is_refused("", NULL, "not a URL");
    new_is_refused("127.0.0.1:80", NULL, "not a URL");
    new_is_refused("file:///etc/passwd", NULL, "not");
    new_is_refused("ftp://127.0.0.1/", NULL, "not an http or https URL");
    new_is_refused("http://user:secret@127.0.0.1/", NULL, "names a user");
    new_is_refused("http://127.0.0.1/a\r\nX: y", NULL, "not a URL");
    memset(long_url, 'a', 3999);
    long_url[3999] = '\0';
    memcpy(long_url, "http://a/", 9);
    new_is_refused(long_url, NULL, "too long");
    free(long_url);
}

TEST(client, refuses_headers_that_would_smuggle_in_others)
{
    static const char *const bad[] = {
        "X: a\r\nY: b", "X: a\nY: b", "no colon",        "X y: z",
        ": empty",      "X:",         "Host: elsewhere", "mcp-session-id: mine"
    };
    dmcp_client_options o = DMCP_CLIENT_OPTIONS_INIT;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *const headers[] = { "Fine: yes", bad[i], NULL };

        o.headers = headers;
        new_is_refused("http://127.0.0.1/", &o, "header");
    }
}

TEST(client, refuses_options_of_another_size_and_capabilities_that_are_none)
{
    dmcp_client_options o = DMCP_CLIENT_OPTIONS_INIT;

    o.size = 0;
    new_is_refused("http://127.0.0.1/", &o, "options.size");
    o.size = sizeof(o) + 1;
    new_is_refused("http://127.0.0.1/", &o, "options.size");
    o.size = sizeof(o);
    o.capabilities_json = "[]";
    new_is_refused("http://127.0.0.1/", &o, "capabilities_json");
    o.capabilities_json = "{";
    new_is_refused("http://127.0.0.1/", &o, "capabilities_json");
}

TEST(client, takes_an_older_and_smaller_options_structure)
{
    struct fake_server *s = fake_server_start(NULL, NULL);
    dmcp_client_options o = quick_options();

    o.size = offsetof(dmcp_client_options, capabilities_json);
    o.capabilities_json = "not to be looked at";
    dmcp_client_free(connect_with(s, &o));
    fake_server_stop(s);
}

/* ---- Requests ---- */

TEST(client, calls_a_tool_and_gets_a_json_answer)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call",
          .json = "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"content\":[{\"type\":\"image\"},"
                  "{\"type\":\"text\",\"text\":\"3 \\u00e4\"}],\"structuredContent\":"
                  "{\"sum\":12345678901234567890123},\"isError\":true}}" },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);
    const struct fake_request *r;
    dmcp_result *result;

    assert_int_equal(dmcp_client_call_tool(c, "add", "{ \"a\" : 1, \"b\" : 2 }", NULL, &result),
                     DMCP_OK);
    assert_true(dmcp_result_is_error(result));
    assert_string_equal(dmcp_result_text(result), "3 ä");
    assert_string_equal(dmcp_result_structured(result), "{\"sum\":12345678901234567890123}");
    assert_non_null(strstr(dmcp_result_json(result), "\"type\":\"image\""));
    dmcp_result_free(result);
    r = fake_server_request(s, "tools/call", 0);
    assert_string_equal(r->body, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\","
                                 "\"params\":{\"name\":\"add\",\"arguments\":{\"a\":1,\"b\":2}}}");
    header_is(r, "Mcp-Session-Id", "session-1");
    header_is(r, "MCP-Protocol-Version", "2025-11-25");
    assert_int_equal(dmcp_client_error_delivery(c), DMCP_DELIVERY_ANSWERED);
    assert_int_equal(dmcp_client_error_http_status(c), 200);
    assert_string_equal(dmcp_client_error(c), "");
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client, reads_a_stream_up_to_the_response_and_uses_its_connection_again)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call",
          .times = -1,
          .sse = ": hello\n\n" PRIME(
              "a1") "event: other\ndata: not a message\n\n"
                    "data: {\"jsonrpc\":\"2.0\",\ndata: \"method\":\"notifications/x\"}\n\n" EVENT(
                        "a2", RESULT("done")) },
        { 0 },
    };
    struct fake_options o = { .attaches = true };
    struct fake_server *s = fake_server_start(&o, script);
    dmcp_client *c = connect_to(s);

    for (int i = 0; i < 20; i++) {
        call_gives(c, NULL, "done");
    }
    assert_int_equal(fake_server_count(s, "tools/call"), 20);
    /* The rest of a stream may come too late for the very next call. */
    assert_in_range(fake_server_request(s, "tools/call", 19)->connection, 1, 4);
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client, gives_json_rpc_errors_with_code_and_data)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call",
          .json =
              "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"error\":{\"code\":-32602,\"message\":\"no such "
              "tool\",\"data\":{\"name\":\"work\"}}}" },
        { .on = "tools/call",
          .status = 400,
          .json = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"bad "
                  "request\"}}" },
        { .on = "tools/call", .sse = "data: " RESULT("fine") "\n\n" },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);

    call_fails(c, NULL, DMCP_E_REMOTE, "no such tool");
    assert_int_equal(dmcp_client_error_rpc_code(c), -32602);
    assert_string_equal(dmcp_client_error_data(c), "{\"name\":\"work\"}");
    call_fails(c, NULL, DMCP_E_REMOTE, "bad request");
    assert_int_equal(dmcp_client_error_rpc_code(c), -32600);
    assert_null(dmcp_client_error_data(c));
    assert_int_equal(dmcp_client_error_http_status(c), 400);
    assert_int_equal(dmcp_client_error_delivery(c), DMCP_DELIVERY_ANSWERED);
    call_gives(c, NULL, "fine");
    assert_int_equal(dmcp_client_error_rpc_code(c), 0);
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client, refuses_arguments_before_anything_is_sent)
{
    struct fake_server *s = fake_server_start(NULL, NULL);
    dmcp_client *c = dmcp_client_new(fake_server_url(s), NULL);
    dmcp_call_options o = DMCP_CALL_OPTIONS_INIT;
    dmcp_result *r = NULL;
    char name[130];

    assert_int_equal(dmcp_client_call_tool(c, "a", NULL, NULL, &r), DMCP_E_MISUSE);
    assert_int_equal(dmcp_client_connect(c), DMCP_OK);
    assert_int_equal(dmcp_client_connect(c), DMCP_E_MISUSE);
    assert_int_equal(dmcp_client_call_tool(c, "", NULL, NULL, &r), DMCP_E_INVALID);
    assert_int_equal(dmcp_client_call_tool(c, NULL, NULL, NULL, &r), DMCP_E_INVALID);
    assert_int_equal(dmcp_client_call_tool(c, "a", "[1]", NULL, &r), DMCP_E_INVALID);
    assert_int_equal(dmcp_client_call_tool(c, "a", "{\"a\":", NULL, &r), DMCP_E_INVALID);
    assert_non_null(strstr(dmcp_client_error(c), "arguments_json: at byte"));
    o.meta_json = "7";
    assert_int_equal(dmcp_client_call_tool(c, "a", NULL, &o, &r), DMCP_E_INVALID);
    o.meta_json = NULL;
    o.request_id = -1;
    assert_int_equal(dmcp_client_call_tool(c, "a", NULL, &o, &r), DMCP_E_INVALID);
    memset(name, 'n', sizeof(name));
    name[129] = '\0';
    assert_int_equal(dmcp_client_call_tool(c, name, NULL, NULL, &r), DMCP_E_INVALID);
    name[128] = '\0';
    assert_int_equal(dmcp_client_call_tool(c, name, NULL, NULL, &r), DMCP_E_PROTOCOL); /* sent */
    assert_int_equal(dmcp_client_resume_call(c, "a\nb", 1, NULL, &r), DMCP_E_INVALID);
    assert_int_equal(fake_server_count(s, "tools/call"), 1);
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client, sends_any_other_request_and_notification)
{
    static const struct fake_reply script[] = {
        { .on = "prompts/get",
          .times = 2,
          .json = "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"messages\":[]}}" },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);
    dmcp_call_options o = DMCP_CALL_OPTIONS_INIT;
    dmcp_result *r;

    o.meta_json = "{\"k\":1}";
    assert_int_equal(
        dmcp_client_request(c, "prompts/get", "{\"name\":\"p\",\"_meta\":{\"k\":0}}", &o, &r),
        DMCP_OK);
    assert_string_equal(dmcp_result_json(r), "{\"messages\":[]}");
    assert_null(dmcp_result_text(r));
    dmcp_result_free(r);
    assert_non_null(strstr(fake_server_request(s, "prompts/get", 0)->body,
                           "\"params\":{\"name\":\"p\",\"_meta\":{\"k\":1}}"));
    assert_int_equal(dmcp_client_request(c, "prompts/get", NULL, NULL, &r), DMCP_OK);
    dmcp_result_free(r);
    assert_null(strstr(fake_server_request(s, "prompts/get", 1)->body, "params"));
    assert_int_equal(dmcp_client_notify(c, "notifications/roots/list_changed", NULL), DMCP_OK);
    assert_string_equal(fake_server_request(s, "notifications/roots/list_changed", 0)->body,
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}");
    assert_int_equal(dmcp_client_notify(c, "x", "[]"), DMCP_E_INVALID);
    dmcp_client_free(c);
    fake_server_stop(s);
}

/* ---- Time and interruption ---- */

TEST(client, gives_up_when_the_time_is_up_and_cancels)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = PRIME("t1"), .then = FAKE_HANG, .times = -1 },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);
    dmcp_call_options o = DMCP_CALL_OPTIONS_INIT;

    o.timeout_ms = 100;
    call_fails(c, &o, DMCP_E_TIMEOUT, "not answered in time");
    assert_int_equal(dmcp_client_error_delivery(c), DMCP_DELIVERY_UNKNOWN);
    assert_string_equal(dmcp_client_resumption_token(c), "t1");
    assert_int_equal(dmcp_client_request_id(c), 2);
    assert_non_null(
        strstr(fake_server_request(s, "notifications/cancelled", 0)->body, "\"requestId\":2"));
    o.keep_on_timeout = true;
    call_fails(c, &o, DMCP_E_TIMEOUT, "not answered in time");
    assert_int_equal(fake_server_count(s, "notifications/cancelled"), 1);
    dmcp_client_free(c);
    fake_server_stop(s);
}

static void *interrupt_after_a_call(void *arg)
{
    void **both = arg;

    fake_server_await(both[0], "tools/call", 1);
    dmcp_client_interrupt(both[1]);
    return NULL;
}

TEST(client, can_be_interrupted_from_another_thread)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = PRIME("t1"), .then = FAKE_HANG },
        { .on = "tools/call", .json = RESULT("later") },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);
    void *both[] = { s, c };
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, interrupt_after_a_call, both), 0);
    call_fails(c, NULL, DMCP_E_INTERRUPTED, "interrupted");
    pthread_join(thread, NULL);
    assert_int_equal(fake_server_count(s, "notifications/cancelled"), 0);
    call_gives(c, NULL, "later");
    dmcp_client_interrupt(c);
    assert_int_equal(dmcp_client_poll(c, DMCP_FOREVER), DMCP_E_INTERRUPTED);
    assert_int_equal(dmcp_client_poll(c, 1), DMCP_OK);
    dmcp_client_free(c);
    fake_server_stop(s);
}

RUN_TESTS()
