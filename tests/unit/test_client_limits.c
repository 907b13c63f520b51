/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the client takes from a server: at each limit, and one past it.
 */
#include "client_fixture.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "client/client.h"
#include "client/url.h"

static char *repeated(char c, size_t n)
{
    char *text = mem_alloc(n + 1);

    memset(text, c, n);
    text[n] = '\0';
    return text;
}

TEST(client_limit, ids_that_are_sent_back_may_have_1024_bytes)
{
    char *id = repeated('x', LIMIT_SESSION_ID_BYTES + 1);

    assert_int_equal(LIMIT_SESSION_ID_BYTES, LIMIT_EVENT_ID_BYTES);
    assert_true(header_is_session_id(str_make(id, LIMIT_SESSION_ID_BYTES)));
    assert_false(header_is_session_id(str_make(id, LIMIT_SESSION_ID_BYTES + 1)));
    assert_true(header_is_event_id(str_make(id, LIMIT_EVENT_ID_BYTES)));
    assert_false(header_is_event_id(str_make(id, LIMIT_EVENT_ID_BYTES + 1)));
    mem_free(id);
}

TEST(client_limit, a_url_may_have_2048_bytes)
{
    char *url = repeated('x', LIMIT_URL_BYTES + 1);

    memcpy(url, "http://h/", 9);
    assert_int_equal(url_check(url, NULL), DMCP_E_INVALID);
    url[LIMIT_URL_BYTES] = '\0';
    assert_int_equal(url_check(url, NULL), DMCP_OK);
    mem_free(url);
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void expect_answer(const struct fake_reply *script, const dmcp_client_options *o, int code,
                          const char *text)
{
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client *c = connect_with(s, o);

    if (code == DMCP_OK) {
        call_gives(c, NULL, text);
    } else {
        call_fails(c, NULL, code, text);
    }
    dmcp_client_free(c);
    fake_server_stop(s);
}

/* "$ID" stands for the number of the first call, which has one digit. */
static void expect_message(size_t n, int code, const char *why)
{
    static const char before[] = "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"content\":[{"
                                 "\"type\":\"text\",\"text\":\"";
    size_t around = sizeof(before) - 1 - 2 + sizeof("\"}]}}") - 1;
    char *text = repeated('x', n - around);
    dmcp_client_options o = quick_options();
    struct fake_reply script[2] = { { .on = "tools/call" }, { 0 } };
    struct buf json;

    o.max_message_bytes = 100000;
    buf_init(&json, MIB);
    buf_addz(&json, before);
    buf_addz(&json, text);
    buf_addz(&json, "\"}]}}");
    script[0].json = json.data;
    expect_answer(script, &o, code, code == DMCP_OK ? text : why);
    buf_fini(&json);
    mem_free(text);
}

TEST(client_limit, an_answer_may_be_as_large_as_its_limit)
{
    expect_message(100000, DMCP_OK, NULL);
    expect_message(100001, DMCP_E_TOOBIG, "");
}

static void expect_headers(size_t n, int code, const char *text)
{
    static const char before[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                 "Content-Length: 78\r\nX: ";
    char *x = repeated('x', n - (sizeof(before) - 1) - 4);
    dmcp_client_options o = quick_options();
    struct fake_reply script[2] = { { .on = "tools/call" }, { 0 } };
    struct buf raw;

    buf_init(&raw, MIB);
    buf_addf(&raw, "%s%s\r\n\r\n%-78s", before, x,
             "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"hi\"}"
             "]}}");
    script[0].raw = raw.data;
    expect_answer(script, &o, code, text);
    buf_fini(&raw);
    mem_free(x);
}

TEST(client_limit, the_headers_of_an_answer_may_be_as_large_as_their_limit)
{
    expect_headers(LIMIT_ANSWER_HEADER_BYTES, DMCP_OK, "hi");
    expect_headers(LIMIT_ANSWER_HEADER_BYTES + 1, DMCP_E_TOOBIG, "headers");
}

TEST(client_limit, five_redirects_are_followed_and_not_a_sixth)
{
    for (int n = LIMIT_REDIRECTS; n <= LIMIT_REDIRECTS + 1; n++) {
        const struct fake_reply script[] = {
            { .on = "tools/call", .times = n, .status = 307, .headers = "Location: /mcp\r\n" },
            { .on = "tools/call", .json = RESULT("found") },
            { 0 },
        };
        dmcp_client_options o = quick_options();
        bool is_over = n > LIMIT_REDIRECTS;

        expect_answer(script, &o, is_over ? DMCP_E_PROTOCOL : DMCP_OK,
                      is_over ? "in circles" : "found");
    }
}

/* ---- Lists ----------------------------------------------------------------------------------- */

static void expect_list(const struct fake_reply *script, int code, size_t n)
{
    struct fake_server *s = fake_server_start(NULL, script);
    dmcp_client_options o = quick_options();
    dmcp_tool_list *l = NULL;
    dmcp_client *c;

    o.timeout_ms = 30000;
    c = connect_with(s, &o);
    assert_int_equal(dmcp_client_list_tools(c, &l), code);
    if (code == DMCP_OK) {
        assert_int_equal(dmcp_tool_list_count(l), n);
        dmcp_tool_list_free(l);
    }
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST(client_limit, a_list_may_have_1000_pages)
{
    static struct fake_reply script[LIMIT_LIST_PAGES + 2];
    static char json[LIMIT_LIST_PAGES + 1][120];

    for (int i = 0; i <= LIMIT_LIST_PAGES; i++) {
        snprintf(json[i], sizeof(json[i]),
                 "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"tools\":[{\"name\":\"t\"}],"
                 "\"nextCursor\":\"%d\"}}", i);
        script[i] = (struct fake_reply){ .on = "tools/list", .json = json[i] };
    }
    expect_list(script, DMCP_E_TOOBIG, 0);
    strcpy(strstr(json[LIMIT_LIST_PAGES - 1], ",\"nextCursor\""), "}}");
    expect_list(script, DMCP_OK, LIMIT_LIST_PAGES);
}

TEST(client_limit, a_list_may_have_100000_entries)
{
    struct fake_reply script[2] = { { .on = "tools/list" }, { 0 } };

    for (size_t n = LIMIT_LIST_ENTRIES; n <= LIMIT_LIST_ENTRIES + 1; n++) {
        struct buf json;

        buf_init(&json, 4 * MIB);
        buf_addz(&json, "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"tools\":[{\"name\":\"t\"}");
        for (size_t i = 1; i < n; i++) {
            buf_addz(&json, ",{\"name\":\"t\"}");
        }
        buf_addz(&json, "]}}");
        script[0].json = json.data;
        expect_list(script, n > LIMIT_LIST_ENTRIES ? DMCP_E_TOOBIG : DMCP_OK, n);
        buf_fini(&json);
    }
}

/* ---- Messages that the server does not take -------------------------------------------------- */

TEST(client_limit, a_hundred_messages_wait_for_a_server_and_the_next_is_dropped)
{
    dmcp_client *c = dmcp_client_new("http://127.0.0.1:1/", NULL);

    log_set_level(LOG_ERROR);
    for (size_t i = 0; i <= LIMIT_ANSWERS_WAITING; i++) {
        assert_int_equal(c->errands.n, i);
        session_post(c, STR("{}"));
    }
    assert_int_equal(c->errands.n, LIMIT_ANSWERS_WAITING);
    dmcp_client_free(c);
}

RUN_TESTS()
