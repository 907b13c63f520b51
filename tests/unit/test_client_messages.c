/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server sends besides responses: notifications, questions, the standalone stream.
 */
#include "client_fixture.h"

#define NOTIFY(method, params)                                                                     \
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/" method "\",\"params\":" params "}"
#define ASK(id, method)                                                                            \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method                                      \
    "\",\"params\":{\"message\":\"name?\"}}"
#define RESULT_2                                                                                   \
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"late\"}" \
    "]}}"

static void on_log(dmcp_client *c, const dmcp_client_log *log, void *arg)
{
    (void)c;
    note(arg, "log %s %s %s %s\n", log->level, log->logger ? log->logger : "-", log->text,
         log->data_json);
}

static void on_list_changed(dmcp_client *c, const char *list, void *arg)
{
    (void)c;
    note(arg, "list %s\n", list);
}

static void on_notification(dmcp_client *c, const char *method, const char *params, void *arg)
{
    (void)c;
    note(arg, "other %s %s\n", method, params ? params : "-");
}

static void on_question(dmcp_client *c, dmcp_question *q, void *arg)
{
    dmcp_result *r;

    note(arg, "asked %s %s\n", dmcp_question_method(q), dmcp_question_params(q));
    assert_int_equal(dmcp_client_ping(c, 0), DMCP_E_MISUSE);
    assert_int_equal(dmcp_client_close(c), DMCP_E_MISUSE);
    assert_int_equal(dmcp_client_call_tool(c, "a", NULL, NULL, &r), DMCP_E_MISUSE);
    if (strcmp(dmcp_question_method(q), "elicitation/create") == 0) {
        dmcp_question_refuse(q, -1, "first thought");
        assert_int_equal(dmcp_question_answer(q, "[]"), DMCP_E_INVALID);
        assert_int_equal(dmcp_question_answer(q, "{"), DMCP_E_INVALID);
        assert_int_equal(dmcp_question_answer(q, "{\"action\":\"accept\"}"), DMCP_OK);
    } else if (strcmp(dmcp_question_method(q), "roots/list") == 0) {
        dmcp_question_refuse(q, 7, NULL);
    }
}

static dmcp_client *connect_noting(struct fake_server *s, struct notes *n)
{
    dmcp_client_options o = quick_options();

    o.on_log = on_log;
    o.on_list_changed = on_list_changed;
    o.on_notification = on_notification;
    o.on_question = on_question;
    o.arg = n;
    return connect_with(s, &o);
}

/* ---- Notifications ---- */

static void on_progress(dmcp_client *c, const dmcp_client_progress *p, void *arg)
{
    (void)c;
    note(arg, "progress %g of %g %s\n", p->progress, p->total, p->message ? p->message : "-");
}

static const struct fake_reply many_notifications[] = {
    { .on = "tools/call",
      .sse = EVENT("1", NOTIFY("progress", "{\"progressToken\":$ID,\"progress\":0.5}")) EVENT(
          "2", NOTIFY("progress", "{\"progressToken\":99,\"progress\":1}"))
          EVENT("3", NOTIFY("message", "{\"level\":\"info\",\"data\":\"wo\\nrds\"}")) EVENT(
              "4", NOTIFY("message", "{\"level\":\"error\",\"logger\":\"l\",\"data\":{\"a\":1}}"))
              EVENT("5", NOTIFY("tools/list_changed", "{}"))
                  EVENT("6", NOTIFY("resources/list_changed", "{}"))
                      EVENT("7", NOTIFY("resources/updated", "{\"uri\":\"u\"}"))
                          EVENT("8", NOTIFY("message", "{\"no\":\"level\"}"))
                              EVENT("9", RESULT("done")) },
    { 0 },
};

TEST(client, tells_each_notification_to_whom_it_concerns)
{
    struct fake_server *s = fake_server_start(NULL, many_notifications);
    dmcp_call_options o = DMCP_CALL_OPTIONS_INIT;
    struct notes n = { "" };
    dmcp_client *c = connect_noting(s, &n);

    o.on_progress = on_progress;
    o.arg = &n;
    call_gives(c, &o, "done");
    assert_string_equal(n.text,
                        "progress 0.5 of -1 -\n"
                        "other notifications/progress {\"progressToken\":99,\"progress\":1}\n"
                        "log info - wo\nrds \"wo\\nrds\"\n"
                        "log error l {\"a\":1} {\"a\":1}\n"
                        "list tools\n"
                        "list resources\n"
                        "other notifications/resources/updated {\"uri\":\"u\"}\n"
                        "other notifications/message {\"no\":\"level\"}\n");
    assert_non_null(
        strstr(fake_server_request(s, "tools/call", 0)->body, "\"_meta\":{\"progressToken\":2}"));
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client, needs_no_callbacks)
{
    struct fake_server *s = fake_server_start(NULL, many_notifications);
    dmcp_client *c = connect_to(s);

    call_gives(c, NULL, "done");
    assert_null(strstr(fake_server_request(s, "tools/call", 0)->body, "_meta"));
    dmcp_client_free(c);
    fake_server_stop(s);
}

static void cancel_it(dmcp_client *c, const dmcp_client_progress *p, void *arg)
{
    (void)p;
    (void)arg;
    dmcp_client_cancel(c, "enough of \"it\"");
}

TEST(client, cancels_from_a_callback)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = EVENT("1", PROGRESS(1)), .then = FAKE_HANG },
        { .on = "tools/call", .json = RESULT("next") },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_call_options o = DMCP_CALL_OPTIONS_INIT;
    dmcp_client *c = connect_to(s);

    o.on_progress = cancel_it;
    dmcp_client_cancel(c, "nothing runs");
    call_fails(c, &o, DMCP_E_CANCELLED, "cancelled");
    assert_string_equal(fake_server_request(s, "notifications/cancelled", 0)->body,
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
                        "{\"requestId\":2,\"reason\":\"enough of \\\"it\\\"\"}}");
    o.on_progress = NULL;
    call_gives(c, &o, "next");
    dmcp_client_free(c);
    fake_server_stop(s);
}

/* ---- Questions ---- */

TEST(client, answers_the_questions_of_the_server)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call",
          .sse = EVENT("1", ASK("\"q-1\"", "elicitation/create")) EVENT("2", ASK("2", "roots/list"))
              EVENT("3", ASK("3", "sampling/createMessage")) EVENT("4", ASK("4", "ping")),
          .await = "answer",
          .await_n = 4,
          .sse_more = EVENT("5", RESULT("thanks")) },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    struct notes n = { "" };
    dmcp_client *c = connect_noting(s, &n);
    bool seen[4] = { false };
    static const char *const expected[4] = {
        "{\"jsonrpc\":\"2.0\",\"id\":\"q-1\",\"result\":{\"action\":\"accept\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":7,\"message\":\"refused\"}}",
        ("{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32603,\"message\":\"the client gave "
         "no "
         "answer, or one that is too big\"}}"),
        "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{}}",
    };

    call_gives(c, NULL, "thanks");
    assert_string_equal(n.text, "asked elicitation/create {\"message\":\"name?\"}\n"
                                "asked roots/list {\"message\":\"name?\"}\n"
                                "asked sampling/createMessage {\"message\":\"name?\"}\n");
    for (size_t i = 0; i < 4; i++) {
        const struct fake_request *r = fake_server_request(s, "answer", i);

        header_is(r, "Mcp-Session-Id", "session-1");
        for (size_t j = 0; j < 4; j++) {
            seen[j] |= strcmp(r->body, expected[j]) == 0;
        }
    }
    assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client, refuses_questions_when_there_is_nobody_to_ask)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call",
          .sse = EVENT("1", ASK("\"q-1\"", "elicitation/create")),
          .await = "answer",
          .await_n = 1,
          .sse_more = EVENT("5", RESULT("thanks")) },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);

    call_gives(c, NULL, "thanks");
    assert_non_null(strstr(fake_server_request(s, "answer", 0)->body,
                           "\"id\":\"q-1\",\"error\":{\"code\":-32601,"));
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client, repeats_an_answer_until_the_server_has_accepted_it)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call",
          .sse = EVENT("1", ASK("\"q-1\"", "elicitation/create")),
          .await = "answer",
          .await_n = 4,
          .sse_more = EVENT("5", RESULT("thanks")) },
        { .on = "answer", .then = FAKE_CUT },
        { .on = "answer", .then = FAKE_RESET },
        { .on = "answer", .status = 503 },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    struct notes n = { "" };
    dmcp_client *c = connect_noting(s, &n);

    call_gives(c, NULL, "thanks");
    assert_string_equal(n.text, "asked elicitation/create {\"message\":\"name?\"}\n");
    dmcp_client_free(c);
    assert_int_equal(fake_server_count(s, "answer"), 4);
    fake_server_stop(s);
}

/* An answer that was given before the call's stream broke is not lost with it. */
TEST(client, hands_over_its_answers_before_it_closes)
{
    static const struct fake_reply script[] = {
        { .on = "tools/call", .sse = EVENT("1", ASK("1", "ping")) EVENT("2", RESULT("done")) },
        { .on = "answer", .then = FAKE_CUT },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);

    call_gives(c, NULL, "done");
    assert_int_equal(dmcp_client_close(c), DMCP_OK);
    assert_int_equal(fake_server_count(s, "answer"), 2);
    dmcp_client_free(c);
    fake_server_stop(s);
}

/* ---- The standalone stream ---- */

TEST(client, reads_the_standalone_stream_while_it_waits_for_a_call)
{
    static const struct fake_reply script[] = {
        { .on = "GET",
          .sse = PRIME("g/0"),
          .await = "tools/call",
          .await_n = 1,
          .sse_more = EVENT("g/1", ASK("5", "elicitation/create"))
              EVENT("g/2", NOTIFY("progress", "{\"progressToken\":2,\"progress\":1}")),
          .then = FAKE_HANG },
        { .on = "tools/call",
          .sse = PRIME("c/0"),
          .await = "answer",
          .await_n = 1,
          .sse_more = EVENT("c/1", RESULT("answered")) },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_call_options o = DMCP_CALL_OPTIONS_INIT;
    struct notes n = { "" };
    dmcp_client *c = connect_noting(s, &n);

    o.on_progress = on_progress;
    o.arg = &n;
    assert_int_equal(dmcp_client_listen(c), DMCP_OK);
    assert_int_equal(dmcp_client_listen(c), DMCP_OK);
    call_gives(c, &o, "answered");
    assert_int_equal(fake_server_count(s, "GET"), 1);
    header_is(fake_server_request(s, "GET", 0), "Last-Event-ID", NULL);
    assert_string_equal(n.text, "asked elicitation/create {\"message\":\"name?\"}\n"
                                "progress 1 of -1 -\n");
    assert_string_equal(dmcp_client_resumption_token(c), "c/0");
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client, opens_the_standalone_stream_anew_when_it_breaks)
{
    static const struct fake_reply script[] = {
        { .on = "GET", .sse = EVENT("g/1", NOTIFY("a", "{}")), .then = FAKE_CUT },
        { .on = "GET", .status = 409 },
        { .on = "GET",
          .sse = EVENT("g/2", NOTIFY("b", "{}")) "data: {oops\n\n",
          .then = FAKE_DOWN,
          .down_ms = 100 },
        { .on = "GET", .sse = EVENT("g/3", NOTIFY("c", "{}")), .await = "DELETE", .await_n = 1 },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    struct notes n = { "" };
    dmcp_client *c = connect_noting(s, &n);

    assert_int_equal(dmcp_client_listen(c), DMCP_OK);
    for (int i = 0; i < 500 && !strstr(n.text, "/c"); i++) {
        assert_int_equal(dmcp_client_poll(c, 10), DMCP_OK);
    }
    assert_string_equal(n.text, "other notifications/a {}\nother notifications/b {}\n"
                                "other notifications/c {}\n");
    header_is(fake_server_request(s, "GET", 1), "Last-Event-ID", "g/1");
    header_is(fake_server_request(s, "GET", 3), "Last-Event-ID", "g/2");
    assert_null(dmcp_client_resumption_token(c));
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client, tells_when_there_is_no_standalone_stream_and_works_on)
{
    static const struct fake_reply script[] = {
        { .on = "GET", .status = 405 },
        { .on = "GET", .status = 404 },
        { .on = "GET", .json = "{}" },
        { .on = "tools/call", .json = RESULT("fine"), .times = -1 },
        { 0 },
    };
    static const int codes[] = { DMCP_E_NOTFOUND, DMCP_E_GONE, DMCP_E_PROTOCOL };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(dmcp_client_listen(c), codes[i]);
        call_gives(c, NULL, "fine");
    }
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client, tells_once_that_the_session_of_its_standalone_stream_is_gone)
{
    static const struct fake_reply script[] = {
        { .on = "GET", .sse = PRIME("g/0"), .then = FAKE_CUT },
        { .on = "GET", .status = 404 },
        { 0 },
    };
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_to(s);

    assert_int_equal(dmcp_client_listen(c), DMCP_OK);
    assert_int_equal(dmcp_client_poll(c, 5000), DMCP_E_GONE);
    assert_int_equal(dmcp_client_poll(c, 0), DMCP_OK);
    dmcp_client_free(c);
    fake_server_stop(s);
}

RUN_TESTS()
