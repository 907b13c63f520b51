/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP connections: the many ways in which they end before their time.
 */
#include "harness.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/limits.h"
#include "http_fixture.h"

#define HOST "Host: h\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

#define HTTP_TEST(sentence) TEST_WITH(http, sentence, http_fixture_setup, http_fixture_teardown)

/* ---- Refusals -------------------------------------------------------------------------------- */

static void refusal_body(int status, const char *why, struct buf *body)
{
    buf_addf(body, "%d: %s", status, why);
}

HTTP_TEST(a_refusal_says_why_and_closes)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.refusal_body = refusal_body;
    f->options.refusal_type = STR("text/why");
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, "GET / HTTP/1.1\r\n\r\n");
    http_peer_await_end(f, p);
    assert_int_equal(memcmp(p->in.data, "HTTP/1.1 400 Bad Request\r\nDate: ", 32), 0);
    assert_string_equal(p->in.data + 32 + 29, "\r\nContent-Type: text/why\r\nContent-Length: 12"
                                              "\r\nConnection: close\r\n\r\n400: no Host");
    assert_int_equal(f->n_requests, 0);
}

HTTP_TEST(a_refusal_behind_good_requests_leaves_them_their_answers)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/1") GET("/2") "bad" GET("/3"));
    http_peer_await_end(f, p);
    assert_int_equal(f->n_requests, 2);
    assert_non_null(strstr(p->in.data, "GET /2 (0)HTTP/1.1 400 "));
}

/* The request with a body that nobody wants, of which the client sends `sent` bytes whatever it
 * is told. */
static void send_unwanted(struct http_fixture *f, struct http_peer *p, size_t sent)
{
    char *body = mem_zalloc(sent);

    http_peer_sendz(f, p, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999\r\n\r\n");
    http_peer_send(f, p, str_make(body, sent));
    mem_free(body);
}

HTTP_TEST(a_client_that_goes_on_sending_can_still_read_the_refusal)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    send_unwanted(f, p, LIMIT_LINGER_BYTES / 2);
    http_peer_await_end(f, p);
    assert_int_equal(memcmp(p->in.data, "HTTP/1.1 413 ", 13), 0);
    http_peer_close(p);
    http_fixture_await_connections(f, 0);
}

HTTP_TEST(a_client_that_goes_on_sending_for_ever_is_cut_off)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.linger_ms = 0;
    http_fixture_start(f);
    p = http_peer_open(f);
    p->is_deaf = true;
    send_unwanted(f, p, 20 * LIMIT_LINGER_BYTES);
    http_fixture_await_connections(f, 0);
}

HTTP_TEST(a_client_that_does_not_close_is_closed_after_a_while)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.linger_ms = 20;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_expect(f, p, "bad", 400, "");
    http_fixture_await_connections(f, 0);
    http_peer_await_end(f, p);
}

/* ---- Time-outs ------------------------------------------------------------------------------- */

HTTP_TEST(a_connection_without_a_byte_is_closed_without_a_word)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.idle_ms = 20;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_await_end(f, p);
    assert_int_equal(p->in.len, 0);
    http_fixture_await_connections(f, 0);
}

HTTP_TEST(a_kept_connection_is_closed_when_idle)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.idle_ms = 20;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_expect(f, p, GET("/"), 200, "GET / (0)");
    http_peer_await_end(f, p);
    assert_int_equal(p->in.len, 0);
}

HTTP_TEST(a_header_that_takes_too_long_is_refused)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.header_ms = 20;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_expect(f, p, "GET / HT", 408, "");
    http_peer_await_end(f, p);
}

HTTP_TEST(a_header_that_trickles_is_refused_all_the_same)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.header_ms = 50;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, "GET /");
    while (p->in.len == 0 && !p->is_reset) {
        http_peer_sendz(f, p, "a");
        http_fixture_turn(f);
    }
    assert_int_equal(http_peer_response(f, p, NULL), 408);
}

HTTP_TEST(a_body_that_stops_coming_is_refused)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.body_ms = 20;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_expect(f, p, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe", 408, "");
    http_peer_await_end(f, p);
    assert_int_equal(f->n_requests, 0);
}

#define LONG_BODY "POST / HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n"

/* Sends a body byte by byte for some time. False when a pause between two was so long that nothing
 * follows from the outcome. */
static bool trickle(struct http_fixture *f, struct http_peer *p, uint64_t ms, uint64_t max_pause_ms)
{
    uint64_t begin_ms = clock_mono_ms();
    uint64_t last_ms = begin_ms;
    uint64_t now_ms;

    do {
        http_peer_sendz(f, p, "a");
        http_fixture_turn(f);
        now_ms = clock_mono_ms();
        if (now_ms - last_ms > max_pause_ms) {
            return false;
        }
        last_ms = now_ms;
    } while (p->in.len == 0 && !p->is_reset && now_ms - begin_ms < ms);
    return true;
}

HTTP_TEST(a_body_may_take_long_as_long_as_it_keeps_coming)
{
    struct http_fixture *f = *state;
    struct http_peer *p;
    bool is_valid = false;

    f->options.body_ms = 200;
    http_fixture_start(f);
    for (int i = 0; i < 5 && !is_valid; i++) {
        p = http_peer_open(f);
        http_peer_sendz(f, p, LONG_BODY);
        is_valid = trickle(f, p, 400, 100);
        if (is_valid) {
            assert_int_equal(p->in.len, 0);
        }
    }
}

HTTP_TEST(a_body_that_trickles_for_ever_is_refused)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.body_ms = 20;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, LONG_BODY);
    trickle(f, p, 5000, 5000);
    assert_true(p->in.len > 0 || p->is_reset); /* while it trickled */
    assert_int_equal(http_peer_response(f, p, NULL), 408);
}

HTTP_TEST(an_exchange_may_take_as_long_as_the_handler_likes)
{
    struct http_fixture *f = *state;
    uint64_t end_ms;
    struct http_peer *p;

    f->options.idle_ms = f->options.header_ms = f->options.body_ms = f->options.write_ms = 10;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/hold"));
    http_fixture_await(f, &f->n_requests, 1);
    for (end_ms = clock_mono_ms() + 50; clock_mono_ms() < end_ms;) {
        http_fixture_turn(f);
    }
    http_respond(f->x, 200, NULL, 0, STR("late"));
    http_peer_await(f, p, "late");
}

/* ---- Peers that go away ---------------------------------------------------------------------- */

HTTP_TEST(a_peer_that_closes_while_it_waits_is_noticed)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/hold"));
    http_fixture_await(f, &f->n_requests, 1);
    http_peer_close(p);
    http_fixture_await(f, &f->n_broken, 1);
    http_fixture_await_connections(f, 0);
}

HTTP_TEST(a_peer_that_resets_while_it_waits_is_noticed)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/hold"));
    http_fixture_await(f, &f->n_requests, 1);
    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    http_peer_close(p);
    http_fixture_await(f, &f->n_broken, 1);
}

HTTP_TEST(a_peer_that_goes_with_pipelined_requests_waiting_is_noticed)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/hold") GET("/2") GET("/3"));
    http_fixture_await(f, &f->n_requests, 1);
    http_peer_close(p);
    http_fixture_await(f, &f->n_broken, 1);
    assert_int_equal(f->n_requests, 1);
}

HTTP_TEST(a_peer_that_goes_in_the_middle_of_a_request_leaves_nothing_behind)
{
    struct http_fixture *f = *state;
    static const char *const halves[] = { "", "\r", "G",
                                          "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe",
                                          "POST / HTTP/1.1\r\n" HOST
                                          "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n" };

    http_fixture_start(f);
    for (size_t i = 0; i < COUNT_OF(halves); i++) {
        struct http_peer *p = http_peer_open(f);

        http_peer_sendz(f, p, halves[i]);
        http_fixture_await_connections(f, 1);
        http_peer_close(p);
        http_fixture_await_connections(f, 0);
    }
    assert_int_equal(f->n_requests, 0);
}

HTTP_TEST(a_peer_that_sends_its_last_request_and_shuts_its_side_gets_an_immediate_answer)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/"));
    shutdown(p->fd, SHUT_WR);
    http_peer_await_end(f, p);
    assert_non_null(strstr(p->in.data, "GET / (0)"));
    http_fixture_await_connections(f, 0);
}

HTTP_TEST(a_peer_that_shuts_its_side_while_it_reads_gets_the_rest)
{
    struct http_fixture *f = *state;
    size_t size = 20u << 20;
    struct http_peer *p;
    char *body = mem_zalloc(size);

    http_fixture_start(f);
    p = http_peer_open(f);
    p->is_deaf = true;
    http_peer_sendz(f, p, GET("/hold"));
    http_fixture_await(f, &f->n_requests, 1);
    http_respond(f->x, 200, NULL, 0, str_make(body, size));
    shutdown(p->fd, SHUT_WR);
    for (int i = 0; i < 5; i++) {
        http_fixture_turn(f);
    }
    p->is_deaf = false;
    assert_int_equal(http_peer_response(f, p, NULL), 200);
    assert_int_equal(f->n_complete, 1);
    http_fixture_await_connections(f, 0);
    mem_free(body);
}

HTTP_TEST(a_peer_that_takes_no_output_is_given_up)
{
    struct http_fixture *f = *state;
    size_t size = 20u << 20;
    struct http_peer *p;
    char *body = mem_zalloc(size);

    f->options.write_ms = 30;
    http_fixture_start(f);
    p = http_peer_open(f);
    p->is_deaf = true;
    http_peer_sendz(f, p, GET("/hold"));
    http_fixture_await(f, &f->n_requests, 1);
    http_respond(f->x, 200, NULL, 0, str_make(body, size));
    http_fixture_await(f, &f->n_broken, 1);
    http_fixture_await_connections(f, 0);
    mem_free(body);
}

/* ---- Giving up ------------------------------------------------------------------------------- */

static void abort_at_once(struct http_fixture *f, struct http_exchange *x,
                          const struct http_request *r)
{
    (void)r;
    http_abort(x, "the test says so");
    assert_int_equal(f->n_broken, 0); /* never from inside the call */
    http_abort(x, "again");
    http_respond(x, 200, NULL, 0, STR("dropped"));
    http_respond(x, 200, NULL, 0, STR("dropped"));
}

HTTP_TEST(an_aborted_exchange_ends_once_and_what_is_written_to_it_is_dropped)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->handle = abort_at_once;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/") GET("/"));
    http_fixture_await(f, &f->n_broken, 1);
    http_peer_await_death(f, p);
    assert_int_equal(p->in.len, 0);
    assert_int_equal(f->n_requests, 1);
}

/* What a peer sent must not end a field and begin another. The child dies of it. */
static void expect_abort(struct http_fixture *f, struct http_field field)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        fclose(stderr);
        http_respond(f->x, 200, &field, 1, STR(""));
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

HTTP_TEST(a_control_byte_in_a_response_field_is_a_bug_and_never_sent)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/hold"));
    http_fixture_await(f, &f->n_requests, 1);
    expect_abort(f, (struct http_field){ STR("A"), STR("b\r\nC: d") });
    expect_abort(f, (struct http_field){ STR("A"), STR("b\nC: d") });
    expect_abort(f, (struct http_field){ STR("A"), STR("b\0") });
    expect_abort(f, (struct http_field){ STR("A: b\r\nC"), STR("d") });
    http_respond(f->x, 200, &(struct http_field){ STR("A"), STR("\tb \xc3\xa4") }, 1, STR(""));
    http_peer_await(f, p, "\r\nA: \tb \xc3\xa4\r\n");
}

RUN_TESTS()
