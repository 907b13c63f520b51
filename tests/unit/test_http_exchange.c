/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP connections: exchanges one after the other, on whatever pieces the requests come in.
 */
#include "harness.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "http_fixture.h"

#define HOST "Host: h\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

#define HTTP_TEST(sentence) TEST_WITH(http, sentence, http_fixture_setup, http_fixture_teardown)

/* ---- Exchanges ------------------------------------------------------------------------------- */

HTTP_TEST(a_request_is_answered)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, "POST /a?b HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi");
    http_peer_await(f, p, "POST /a hi(2)");
    assert_int_equal(memcmp(p->in.data, "HTTP/1.1 200 OK\r\nDate: ", 23), 0);
    assert_string_equal(p->in.data + 23 + 29,
                        "\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nPOST /a hi(2)");
    http_fixture_await(f, &f->n_complete, 1);
}

HTTP_TEST(the_date_is_todays)
{
    struct http_fixture *f = *state;
    time_t now = (time_t)(clock_wall_ms() / 1000);
    char expected[2][64];
    struct http_peer *p;
    const char *date;
    struct tm tm;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/"));
    http_peer_await(f, p, "GET /");
    date = strstr(p->in.data, "Date: ");
    for (int i = 0; i < 2; i++, now += 10) { /* the test may be slow, but not by that much */
        gmtime_r(&now, &tm);
        strftime(expected[i], sizeof(expected[i]), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    }
    assert_memory_equal(date, expected[0], strlen("Date: Thu, 01 Jan 1970 "));
    assert_memory_equal(date + strlen(expected[0]) - 6, " GMT\r\n", 6);
}

HTTP_TEST(a_connection_is_kept_for_more_requests)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_expect(f, p, GET("/1"), 200, "GET /1 (0)");
    http_peer_expect(f, p, GET("/2"), 200, "GET /2 (0)");
    http_peer_expect(f, p, "\r\n" GET("/3"), 200, "GET /3 (0)");
    http_fixture_await(f, &f->n_complete, 3);
    assert_false(p->is_eof);
}

HTTP_TEST(a_connection_is_closed_when_the_client_says_so)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" GET("/2"));
    http_peer_await(f, p, "\r\nConnection: close\r\n");
    http_peer_await_end(f, p);
    assert_int_equal(f->n_requests, 1);
    http_peer_close(p);
    http_fixture_await_connections(f, 0);
}

HTTP_TEST(http_1_0_is_closed_unless_it_asks_to_be_kept)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    http_peer_await(f, p, "\r\nConnection: keep-alive\r\n");
    http_peer_await(f, p, "GET / (0)");
    buf_reset(&p->in);
    http_peer_sendz(f, p, "GET /2 HTTP/1.0\r\n\r\n");
    http_peer_await(f, p, "\r\nConnection: close\r\n");
    http_peer_await_end(f, p);
}

HTTP_TEST(a_body_is_left_out_where_there_must_be_none)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, "HEAD / HTTP/1.1\r\n" HOST "\r\n");
    http_peer_await(f, p, "\r\nContent-Length: 10\r\n\r\n");
    http_fixture_await(f, &f->n_complete, 1);
    for (int i = 0; i < 2; i++) {
        http_peer_sendz(f, p, GET("/hold"));
        http_fixture_await(f, &f->n_requests, 2 + i);
        http_respond(f->x, i == 0 ? 204 : 304, NULL, 0, STR("body"));
        http_fixture_await(f, &f->n_complete, 2 + i);
    }
    http_peer_sendz(f, p, GET("/"));
    http_peer_await(f, p, "GET /");
    assert_null(strstr(p->in.data, "body"));
}

HTTP_TEST(an_answer_may_be_given_later)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/hold"));
    http_fixture_await(f, &f->n_requests, 1);
    http_respond(f->x, 202, NULL, 0, STR(""));
    assert_int_equal(f->n_complete, 0); /* never from inside the call */
    http_peer_await(f, p, "HTTP/1.1 202 Accepted\r\n");
    http_fixture_await(f, &f->n_complete, 1);
}

HTTP_TEST(a_large_answer_arrives_whole)
{
    struct http_fixture *f = *state;
    size_t size = 20u << 20;
    struct http_peer *p;
    struct buf b;
    char *body = mem_alloc(size);

    for (size_t i = 0; i < size; i++) {
        body[i] = (char)('a' + i % 23);
    }
    http_fixture_start(f);
    buf_init(&b, size);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/hold"));
    http_fixture_await(f, &f->n_requests, 1);
    http_respond(f->x, 200, NULL, 0, str_make(body, size));
    assert_int_equal(f->n_complete, 0);
    assert_int_equal(http_peer_response(f, p, &b), 200);
    assert_true(str_eq(buf_str(&b), str_make(body, size)));
    http_fixture_await(f, &f->n_complete, 1);
    http_peer_expect(f, p, GET("/"), 200, "GET / (0)");
    buf_fini(&b);
    mem_free(body);
}

TEST(http, a_field_is_found_by_its_name_in_any_case)
{
    struct http_field fields[] = { { STR("One"), STR("1") },
                                   { STR("TWO"), STR("2") },
                                   { STR("two"), STR("3") } };
    struct http_request r = { .fields = fields, .n_fields = 3 };
    size_t n;

    assert_true(str_eqz(http_request_field(&r, "one", NULL), "1"));
    assert_true(str_eqz(http_request_field(&r, "Two", &n), "2"));
    assert_int_equal(n, 2);
    assert_null(http_request_field(&r, "three", &n).p);
    assert_int_equal(n, 0);
}

/* ---- Pipelining ------------------------------------------------------------------------------ */

HTTP_TEST(pipelined_requests_are_answered_in_order)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p,
                    GET("/1") "POST /2 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi" GET("/3")
                        GET("/4"));
    http_peer_await(f, p, "GET /4");
    assert_true(strstr(p->in.data, "GET /1") < strstr(p->in.data, "POST /2 hi(2)"));
    assert_true(strstr(p->in.data, "POST /2 hi(2)") < strstr(p->in.data, "GET /3"));
    http_fixture_await(f, &f->n_complete, 4);
}

HTTP_TEST(a_pipelined_request_waits_for_the_one_before)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/hold"));
    http_fixture_await(f, &f->n_requests, 1);
    http_peer_sendz(f, p, GET("/2"));
    for (int i = 0; i < 5; i++) {
        http_fixture_turn(f);
    }
    assert_int_equal(f->n_requests, 1);
    http_respond(f->x, 200, NULL, 0, STR("one"));
    http_peer_await(f, p, "oneHTTP/1.1 200");
    http_peer_await(f, p, "GET /2");
}

/* How much a peer can send behind an open exchange until nobody reads any more. */
static size_t send_until_stuck(struct http_fixture *f, struct http_peer *p, struct str s)
{
    size_t sent = 0;
    int n_stuck = 0;

    while (sent < s.len && n_stuck < 50) {
        ssize_t n = send(p->fd, s.p + sent, s.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        n_stuck = n > 0 ? 0 : n_stuck + 1;
        sent += n > 0 ? (size_t)n : 0;
        http_fixture_turn(f);
    }
    return sent;
}

HTTP_TEST(what_is_pipelined_is_kept_up_to_a_bound_and_then_left_unread)
{
    struct http_fixture *f = *state;
    size_t size = 30u << 20;
    struct http_peer *p;
    char *body = mem_zalloc(size);
    size_t sent;

    f->options.max_body_bytes = size;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/hold"));
    http_fixture_await(f, &f->n_requests, 1);
    http_peer_sendz(f, p, "POST /2 HTTP/1.1\r\n" HOST "Content-Length: 31457280\r\n\r\n");
    sent = send_until_stuck(f, p, str_make(body, size));
    assert_true(sent < size);
    http_respond(f->x, 200, NULL, 0, STR("one"));
    assert_int_equal(http_peer_response(f, p, NULL), 200);
    http_peer_send(f, p, str_make(body + sent, size - sent));
    http_peer_await(f, p, "(31457280)");
    mem_free(body);
}

HTTP_TEST(many_pipelined_requests_over_the_bound_are_all_answered)
{
    struct http_fixture *f = *state;
    struct http_peer *p;
    struct buf b;

    f->options.max_header_bytes = 100;
    http_fixture_start(f);
    buf_init(&b, 100000);
    for (int i = 0; i < 1000; i++) {
        buf_addz(&b, GET("/"));
    }
    p = http_peer_open(f);
    http_peer_send(f, p, buf_str(&b));
    http_fixture_await(f, &f->n_complete, 1000);
    buf_fini(&b);
}

/* ---- 100 Continue ---------------------------------------------------------------------------- */

#define EXPECTING(version, length)                                                                 \
    "POST / HTTP/" version "\r\n" HOST "Expect: 100-continue\r\nContent-Length: " length "\r\n\r"  \
    "\n"

HTTP_TEST(a_client_that_waits_for_100_continue_gets_it)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, EXPECTING("1.1", "2"));
    http_peer_await(f, p, "HTTP/1.1 100 Continue\r\n\r\n");
    buf_reset(&p->in);
    http_peer_expect(f, p, "hi", 200, "POST / hi(2)");
    http_peer_expect(f, p, GET("/"), 200, "GET / (0)");
}

HTTP_TEST(no_100_continue_is_sent_where_it_is_of_no_use)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_expect(f, p, EXPECTING("1.1", "2") "hi", 200, "POST / hi(2)");
    http_peer_expect(f, p, EXPECTING("1.1", "0"), 200, "POST / (0)");
    http_peer_sendz(f, p, EXPECTING("1.1", "2") "h");
    http_fixture_turn(f);
    http_peer_expect(f, p, "i", 200, "POST / hi(2)");
    http_peer_sendz(f, p, EXPECTING("1.0", "2"));
    http_fixture_turn(f);
    http_peer_expect(f, p, "hi", 200, "POST / hi(2)");
}

HTTP_TEST(a_body_that_is_too_large_is_refused_and_not_asked_for)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.max_body_bytes = 10;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_expect(f, p, EXPECTING("1.1", "11"), 413, "");
    http_peer_await_end(f, p);
    assert_int_equal(f->n_requests, 0);
}

/* ---- Cut anywhere ---------------------------------------------------------------------------- */

/* All that the server says to a text that is sent in two parts, without the dates. */
static void converse(struct http_fixture *f, struct str text, size_t cut, struct buf *b)
{
    struct http_peer *p;
    char *date;

    f->n_peers = 0;
    p = http_peer_open(f);
    http_peer_send(f, p, str_make(text.p, cut));
    http_fixture_turn(f);
    http_fixture_turn(f);
    http_peer_send(f, p, str_make(text.p + cut, text.len - cut));
    http_peer_await_end(f, p);
    http_peer_close(p);
    while ((date = strstr(p->in.data, "Date: ")) != NULL) {
        memmove(date, date + 37, strlen(date + 37) + 1);
    }
    buf_reset(b);
    buf_addz(b, p->in.data);
    buf_fini(&p->in);
}

HTTP_TEST(the_answers_are_the_same_wherever_the_requests_are_cut)
{
    static const char *const texts[] = {
        "GET /1 HTTP/1.1\r\n" HOST "\r\nPOST /2 HTTP/1.1\r\n" HOST
        "Content-Length: 5\r\n\r\nhello\r\nGET /3 HTTP/1.0\r\n\r\n",
        "POST /1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n"
        "0\r\nA: b\r\n\r\nGET /2 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
        "GET /1 HTTP/1.1\r\n" HOST "\r\nPOST /2 HTTP/1.1\r\n" HOST
        "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
        "POST /1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx",
        "GET /1 HTTP/1.1\r\n" HOST "A: b\n\r\n",
    };
    struct http_fixture *f = *state;
    struct buf whole, b;

    http_fixture_start(f);
    buf_init(&whole, 10000);
    buf_init(&b, 10000);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct str text = str_of(texts[i]);

        converse(f, text, text.len, &whole);
        for (size_t cut = 1; cut < text.len; cut++) {
            converse(f, text, cut, &b);
            assert_string_equal(b.data, whole.data);
        }
    }
    buf_fini(&whole);
    buf_fini(&b);
}

RUN_TESTS()
