/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client where streams break: cut anywhere, servers killed and started again, another process.
 * Every test looks at what the server was asked, and how often.
 */
#include "client_fixture.h"

static void resumed_behind(struct fake_server *s, size_t i, const char *event_id)
{
    const struct fake_request *r = fake_server_request(s, "GET", i);

    header_is(r, "Last-Event-ID", event_id);
    header_is(r, "Mcp-Session-Id", "session-1");
    header_is(r, "MCP-Protocol-Version", "2025-11-25");
    header_is(r, "Accept", "text/event-stream");
}

/* ---- Behind the last event ---- */

#define RESULT_2                                                                                   \
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"late\"}" \
    "]}}"

TEST(client, comes_back_behind_the_priming_event)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = PRIME("s/1/0"), .then = FAKE_CUT },
        { .on = "GET", .sse = EVENT("s/1/1", RESULT_2) },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client *c = connect_to(s);

    call_gives(c, NULL, "late");
    asked(s, "tools/call", 1);
    asked(s, "GET", 1);
    resumed_behind(s, 0, "s/1/0");
    assert_int_equal(dmcp_client_error_delivery(c), DMCP_DELIVERY_ANSWERED);
    stop(s, c);
}

TEST(client, comes_back_when_the_server_ends_the_stream_properly_but_early)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = PRIME("1") },
        { .on = "GET", .sse = PRIME("2") },
        { .on = "GET", .sse = "" },
        { .on = "GET", .sse = EVENT("3", RESULT_2) },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client *c = connect_to(s);

    call_gives(c, NULL, "late");
    asked(s, "GET", 3);
    resumed_behind(s, 0, "1");
    resumed_behind(s, 1, "2");
    resumed_behind(s, 2, "2");
    stop(s, c);
}

static void on_progress(dmcp_client *c, const dmcp_client_progress *p, void *arg)
{
    (void)c;
    note(arg, "%g/%g %s\n", p->progress, p->total, p->message);
}

static void on_token(dmcp_client *c, int64_t id, const char *token, void *arg)
{
    assert_string_equal(dmcp_client_resumption_token(c), token);
    note(arg, "%lld@%s\n", (long long)id, token);
}

#define PROGRESS_2(n)                                                                              \
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":2,"  \
    "\"progress\":" #n ",\"total\":4,\"message\":\"step " #n "\"}}"

TEST(client, does_not_believe_half_an_event)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call",
          .sse = PRIME("p") EVENT("q", PROGRESS(1)) "id: r\ndata: {\"jsonrpc\":\"2.0\",\"met",
          .then = FAKE_CUT },
        /* Not even when only its last line end is missing. */
        { .on = "GET", .sse = "id: r\ndata: " PROGRESS_2(2) "\n", .then = FAKE_RESET },
        { .on = "GET", .sse = EVENT("r", PROGRESS_2(2)) EVENT("s", RESULT_2) },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client *c = connect_to(s);
    struct notes n = { "" };
    dmcp_call_options o = DMCP_CALL_OPTIONS_INIT;

    o.on_progress = on_progress;
    o.on_resumption_token = on_token;
    o.arg = &n;
    call_gives(c, &o, "late");
    resumed_behind(s, 0, "q");
    resumed_behind(s, 1, "q");
    assert_string_equal(n.text, "2@p\n1/4 step 1\n2@q\n2/4 step 2\n2@r\n");
    stop(s, c);
}

TEST(client, waits_for_a_server_that_is_started_again)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = PRIME("1"), .then = FAKE_DOWN, .down_ms = 300 },
        { .on = "GET", .status = 503 },
        { .on = "GET", .status = 502 },
        { .on = "GET", .status = 409 },
        { .on = "GET", .sse = EVENT("2", RESULT_2) },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client *c = connect_to(s);

    call_gives(c, NULL, "late");
    asked(s, "tools/call", 1);
    asked(s, "GET", 4);
    resumed_behind(s, 3, "1");
    stop(s, c);
}

TEST(client, waits_as_long_as_the_server_asked_before_it_comes_back)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = "id: 1\nretry: 300\ndata:\n\n", .then = FAKE_CUT },
        { .on = "GET", .sse = "retry: 200\n\n", .then = FAKE_CUT },
        { .on = "GET", .status = 500 },
        { .on = "GET", .sse = EVENT("2", RESULT_2) },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client *c = connect_to(s);
    uint64_t at[4];

    call_gives(c, NULL, "late");
    at[0] = fake_server_request(s, "tools/call", 0)->at_ms;
    for (size_t i = 0; i < 3; i++) {
        at[i + 1] = fake_server_request(s, "GET", i)->at_ms;
    }
    assert_true(at[1] - at[0] >= 300);
    assert_true(at[2] - at[1] >= 200);
    assert_true(at[3] - at[2] >= 200);
    stop(s, c);
}

TEST(client, gives_up_a_silent_connection_that_it_can_continue)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = PRIME("1"), .then = FAKE_HANG },
        { .on = "GET", .sse = EVENT("2", RESULT_2) },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client_options o = quick_options();
    dmcp_client *c;

    o.idle_ms = 100;
    c = connect_with(s, &o);
    call_gives(c, NULL, "late");
    resumed_behind(s, 0, "1");
    assert_int_equal(fake_server_count(s, "notifications/cancelled"), 0);
    stop(s, c);
}

TEST(client, tells_that_the_session_is_gone_and_begins_no_other)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = PRIME("1"), .then = FAKE_CUT },
        { .on = "GET", .status = 404 },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client *c = connect_to(s);

    call_fails(c, NULL, DMCP_E_GONE, "or no longer the event");
    assert_int_equal(dmcp_client_error_delivery(c), DMCP_DELIVERY_UNKNOWN);
    asked(s, "initialize", 1);
    asked(s, "tools/call", 1);
    stop(s, c);
}

TEST(client, repeats_the_request_when_only_the_event_is_gone)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = PRIME("1"), .then = FAKE_CUT },
        { .on = "GET", .status = 404 },
        { .on = "tools/call", .sse = EVENT("7", RESULT("attached")) },
        { .on = "tools/call", .sse = PRIME("8"), .then = FAKE_CUT },
        { .on = "GET", .status = 404 },
        { .on = "tools/call", .status = 404 },
        { 0 },
    };
    struct fake_server *s = start(true, script);
    dmcp_client *c = connect_to(s);

    assert_true(dmcp_client_can_repost(c));
    call_gives(c, NULL, "attached");
    same_call(s, 2);
    call_fails(c, NULL, DMCP_E_GONE, "does not know the session");
    stop(s, c);
}

TEST(client, does_not_come_back_to_an_event_that_the_server_took_back)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = PRIME("1") "id:\ndata:\n\n", .then = FAKE_CUT },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client *c = connect_to(s);

    call_fails(c, NULL, DMCP_E_NET, "unknown");
    asked(s, "GET", 0);
    stop(s, c);
}

TEST(client, ignores_event_ids_that_cannot_be_sent_back)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = PRIME("good") PRIME("b\tad\x01"), .then = FAKE_CUT },
        { .on = "GET", .sse = EVENT("2", RESULT_2) },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client *c = connect_to(s);

    call_gives(c, NULL, "late");
    resumed_behind(s, 0, "good");
    stop(s, c);
}

/* ---- Giving up ---- */

TEST(client, gives_up_a_server_that_stays_away)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = PRIME("1"), .then = FAKE_DOWN, .down_ms = 60000 },
        { 0 },
    };
    struct fake_server *s = start(true, script);
    dmcp_client_options o = quick_options();
    dmcp_client *c;

    o.reconnect_ms = 200;
    c = connect_with(s, &o);
    call_fails(c, NULL, DMCP_E_NET, "could not be reached");
    assert_int_equal(dmcp_client_error_delivery(c), DMCP_DELIVERY_UNKNOWN);
    assert_string_equal(dmcp_client_resumption_token(c), "1");
    /* The next request has its own time, and cannot have been delivered. */
    call_fails(c, NULL, DMCP_E_NET, "could not be reached");
    assert_int_equal(dmcp_client_error_delivery(c), DMCP_DELIVERY_NONE);
    stop(s, c);
}

TEST(client, does_not_wait_for_longer_than_its_time)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = "id: 1\nretry: 60000\ndata:\n\n", .then = FAKE_CUT },
        { .on = "tools/call", .status = 503, .headers = "Retry-After: 86400\r\n" },
        { 0 },
    };
    struct fake_server *s = start(true, script);
    dmcp_client *c = connect_to(s);

    call_fails(c, NULL, DMCP_E_NET, "no time left");
    call_fails(c, NULL, DMCP_E_NET, "no time left");
    stop(s, c);
}

TEST(client, says_why_it_cannot_connect)
{
    struct fake_server *s = fake_server_start(NULL, NULL);
    char *url = strdup(fake_server_url(s));
    dmcp_client_options o = quick_options();
    dmcp_client *c;

    fake_server_stop(s);
    o.connect_ms = 1000; /* enough for the first refusal on a busy machine */
    c = dmcp_client_new(url, &o);
    assert_int_equal(dmcp_client_connect(c), DMCP_E_NET);
    assert_non_null(strstr(dmcp_client_error(c), "127.0.0.1"));
    assert_int_equal(dmcp_client_error_delivery(c), DMCP_DELIVERY_NONE);
    dmcp_client_free(c);
    free(url);
}

/* ---- Another process ---- */

TEST(client, resumes_a_call_that_an_earlier_client_made)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = PRIME("1") EVENT("2", PROGRESS(1)), .then = FAKE_HANG },
        { .on = "GET", .sse = EVENT("3", PROGRESS_2(3)), .then = FAKE_CUT },
        { .on = "GET", .sse = EVENT("4", RESULT_2) },
        { .on = "tools/call", .json = RESULT("next") },
        { 0 },
    };
    struct fake_server *s = start(false, script);
    dmcp_client_options client_options = quick_options();
    dmcp_call_options o = DMCP_CALL_OPTIONS_INIT;
    struct notes n = { "" };
    dmcp_client *c;
    dmcp_result *result;

    client_options.terminate_on_close = false;
    c = connect_with(s, &client_options);
    o.timeout_ms = 200;
    o.keep_on_timeout = true;
    call_fails(c, &o, DMCP_E_TIMEOUT, "");
    assert_string_equal(dmcp_client_resumption_token(c), "2");
    dmcp_client_free(c);
    asked(s, "DELETE", 0);

    c = dmcp_client_new(fake_server_url(s), &client_options);
    assert_int_equal(dmcp_client_reconnect(c, "session-1", "2025-11-25", 3), DMCP_OK);
    o.timeout_ms = 0;
    o.on_progress = on_progress;
    o.on_resumption_token = on_token;
    o.arg = &n;
    assert_int_equal(dmcp_client_resume_call(c, "2", 2, &o, &result), DMCP_OK);
    assert_string_equal(dmcp_result_text(result), "late");
    dmcp_result_free(result);
    assert_string_equal(n.text, "3/4 step 3\n2@3\n");
    resumed_behind(s, 0, "2");
    resumed_behind(s, 1, "3");
    call_gives(c, NULL, "next");
    assert_non_null(strstr(fake_server_request(s, "tools/call", 1)->body, "\"id\":3,"));
    asked(s, "initialize", 1);
    stop(s, c);
}

TEST(client, repeats_a_call_of_an_earlier_client_under_its_number)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .then = FAKE_CUT },
        { .on = "tools/call", .json = RESULT("attached") },
        { 0 },
    };
    struct fake_server *s = start(true, script);
    dmcp_call_options o = DMCP_CALL_OPTIONS_INIT;
    dmcp_client *c = connect_to(s);

    o.repost = DMCP_REPOST_NEVER;
    call_fails(c, &o, DMCP_E_NET, "");
    o.request_id = dmcp_client_request_id(c);
    call_gives(c, &o, "attached");
    same_call(s, 2);
    assert_int_equal(dmcp_client_next_request_id(c), 3);
    stop(s, c);
}

TEST(client, refuses_to_take_up_what_cannot_be_a_session)
{
    dmcp_client *c = dmcp_client_new("http://127.0.0.1:1/", NULL);
    dmcp_result *r;

    assert_int_equal(dmcp_client_reconnect(c, "a b", "2025-11-25", 1), DMCP_E_INVALID);
    assert_int_equal(dmcp_client_reconnect(c, "a\r\nX: y", "2025-11-25", 1), DMCP_E_INVALID);
    assert_int_equal(dmcp_client_reconnect(c, "a", "2025\n", 1), DMCP_E_INVALID);
    assert_int_equal(dmcp_client_reconnect(c, "a", NULL, 1), DMCP_E_INVALID);
    assert_int_equal(dmcp_client_reconnect(c, "a", "2025-11-25", 0), DMCP_E_INVALID);
    assert_int_equal(dmcp_client_resume_call(c, "1", 1, NULL, &r), DMCP_E_MISUSE);
    dmcp_client_free(c);
}

RUN_TESTS()
