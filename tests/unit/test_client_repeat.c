/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests whose connection broke before anything came that could be resumed: which are sent
 * again, and which must not be.
 */
#include "client_fixture.h"

TEST(client, repeats_the_very_same_request_to_a_server_that_attaches_it)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .then = FAKE_CUT },
        { .on = "tools/call", .then = FAKE_RESET },
        { .on = "tools/call", .sse = ": no id\n\n", .then = FAKE_CUT },
        { .on = "tools/call",
          .raw = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                 "500\r\n\r\n{\"j",
          .then = FAKE_CUT },
        { .on = "tools/call", .status = 502 },
        { .on = "tools/call", .then = FAKE_DOWN, .down_ms = 200 },
        { .on = "tools/call", .json = RESULT("once") },
        { 0 },
    };
    struct fake_server *s = start(true, script);
    dmcp_client *c = connect_to(s);

    call_gives(c, NULL, "once");
    same_call(s, 7);
    asked(s, "GET", 0);
    stop(s, c);
}

static void is_not_repeated(struct fake_reply reply)
{
    struct fake_reply script[] = { reply, { 0 } };
    struct fake_server *s = start(false, script);
    dmcp_client *c = connect_to(s);

    call_fails(c, NULL, DMCP_E_NET, "whether the server executed");
    assert_int_equal(dmcp_client_error_delivery(c), DMCP_DELIVERY_UNKNOWN);
    asked(s, "tools/call", 1);
    stop(s, c);
}

TEST(client, does_not_repeat_a_call_to_a_server_that_might_run_it_twice)
{
    is_not_repeated((struct fake_reply){ .on = "tools/call", .then = FAKE_CUT });
    is_not_repeated((struct fake_reply){ .on = "tools/call", .then = FAKE_RESET });
    is_not_repeated((struct fake_reply){ .on = "tools/call", .then = FAKE_DOWN, .down_ms = 50 });
    is_not_repeated((struct fake_reply){ .on = "tools/call", .sse = ": x\n\n", .then = FAKE_CUT });
    is_not_repeated((struct fake_reply){ .on = "tools/call", .status = 504 });
    is_not_repeated((struct fake_reply){ .on = "tools/call",
                                         .raw = "HTTP/1.1 200 OK\r\nContent-Type: application/json"
                                                "\r\nContent-Length: 500\r\n\r\n{\"j",
                                         .then = FAKE_CUT });
}

/* libcurl by itself repeats a request whose connection it had used before and then finds closed. */
TEST(client, does_not_let_libcurl_repeat_a_call_on_a_used_connection)
{
    static const struct fake_reply script[] = {
        { .on = "ping", .times = 3, .json = "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{}}" },
        { .on = "tools/call", .times = 2, .then = FAKE_CUT },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client *c = connect_to(s);

    assert_int_equal(dmcp_client_ping(c, 0), DMCP_OK);
    assert_int_equal(dmcp_client_ping(c, 0), DMCP_OK);
    assert_int_equal(fake_server_request(s, "ping", 0)->connection,
                     fake_server_request(s, "ping", 1)->connection);
    call_fails(c, NULL, DMCP_E_NET, "unknown");
    asked(s, "tools/call", 1);
    stop(s, c);
}

TEST(client, sends_a_call_later_that_the_server_cannot_have_got)
{
    static const struct fake_reply script[] = {
        { .on = "ping",
          .json = "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{}}",
          .then = FAKE_DOWN,
          .down_ms = 300 },
        { .on = "tools/call", .json = RESULT("after all") },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client *c = connect_to(s);

    assert_int_equal(dmcp_client_ping(c, 0), DMCP_OK);
    call_gives(c, NULL, "after all");
    asked(s, "tools/call", 1);
    stop(s, c);
}

TEST(client, waits_when_the_server_says_when_to_come_again)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .status = 503, .headers = "Retry-After: 1\r\n" },
        { .on = "tools/call", .status = 429, .headers = "Retry-After: 0\r\n" },
        { .on = "tools/call", .json = RESULT("now") },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client *c = connect_to(s);

    call_gives(c, NULL, "now");
    same_call(s, 3);
    assert_true(fake_server_request(s, "tools/call", 1)->at_ms -
                    fake_server_request(s, "tools/call", 0)->at_ms >=
                1000);
    stop(s, c);
}

TEST(client, repeats_requests_that_only_read_to_any_server)
{
    static const struct fake_reply script[] = {
        { .on = "initialize", .then = FAKE_CUT },
        { .on = "initialize", .then = FAKE_DOWN, .down_ms = 100 },
        { .on = "notifications/initialized", .then = FAKE_CUT },
        { .on = "tools/list", .then = FAKE_CUT },
        { .on = "tools/list", .status = 503 },
        { .on = "tools/list",
          .json = "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"tools\":[]}}" },
        { .on = "tools/unknown", .times = -1, .then = FAKE_CUT },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client *c = connect_to(s);
    dmcp_result *result = NULL;
    dmcp_tool_list *l;

    asked(s, "initialize", 3);
    asked(s, "notifications/initialized", 2);
    assert_int_equal(dmcp_client_list_tools(c, &l), DMCP_OK);
    dmcp_tool_list_free(l);
    asked(s, "tools/list", 3);
    assert_int_equal(dmcp_client_request(c, "tools/unknown", NULL, NULL, &result), DMCP_E_NET);
    asked(s, "tools/unknown", 1);
    stop(s, c);
}

TEST(client, repeats_as_the_caller_says)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .then = FAKE_CUT },
        { .on = "tools/call", .json = RESULT("twice") },
        { .on = "tools/call", .then = FAKE_CUT },
        { 0 },
    };
    dmcp_call_options o = DMCP_CALL_OPTIONS_INIT;
    struct fake_server *s;
    dmcp_client *c;

    for (int attaches = 0; attaches < 2; attaches++) {
        s = start(attaches, script);
        c = connect_to(s);
        o.repost = DMCP_REPOST_ALWAYS;
        call_gives(c, &o, "twice");
        o.repost = DMCP_REPOST_NEVER;
        call_fails(c, &o, DMCP_E_NET, "unknown");
        asked(s, "tools/call", 3);
        stop(s, c);
    }
}

RUN_TESTS()
