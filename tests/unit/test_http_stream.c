/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP responses of unknown length: their framing, the filler, back-pressure, their ends.
 */
#include "harness.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "http_fixture.h"

#define HOST "Host: h\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define MAX_OUTPUT 100000u

#define STREAM_TEST(sentence)                                                                      \
    TEST_WITH(http_stream, sentence, http_fixture_setup, http_fixture_teardown)

static struct http_peer *open_stream(struct http_fixture *f, const char *request)
{
    struct http_peer *p = http_peer_open(f);

    http_peer_sendz(f, p, request);
    http_fixture_await(f, &f->n_requests, f->n_requests + 1);
    assert_non_null(f->x);
    return p;
}

STREAM_TEST(what_is_written_arrives_in_chunks_and_the_connection_is_kept)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = open_stream(f, GET("/stream"));
    http_peer_await(f, p,
                    "\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(memcmp(p->in.data, "HTTP/1.1 200 OK\r\nDate: ", 23), 0);
    buf_reset(&p->in);
    http_stream_write(f->x, STR("hello"));
    http_stream_write(f->x, STR("")); /* must not end it */
    http_stream_write(f->x, STR("0123456789abcdef"));
    http_peer_await(f, p, "5\r\nhello\r\n10\r\n0123456789abcdef\r\n");
    http_stream_end(f->x);
    assert_int_equal(f->n_complete, 0); /* never from inside the call */
    http_peer_await(f, p, "\r\n0\r\n\r\n");
    http_fixture_await(f, &f->n_complete, 1);
    buf_reset(&p->in);
    http_peer_expect(f, p, GET("/"), 200, "GET / (0)");
}

static void stream_at_once(struct http_fixture *f, struct http_exchange *x,
                           const struct http_request *r)
{
    (void)f;
    (void)r;
    http_stream_begin(x, 200, NULL, 0);
    http_stream_write(x, STR("a"));
    http_stream_write(x, STR("b"));
    http_stream_end(x);
}

STREAM_TEST(a_stream_may_end_in_the_turn_in_which_it_began)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->handle = stream_at_once;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/1") GET("/2"));
    http_fixture_await(f, &f->n_complete, 2);
    http_peer_await(f, p, "\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n");
}

STREAM_TEST(a_stream_of_http_1_0_is_ended_by_the_connection)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = open_stream(f, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    http_stream_write(f->x, STR("hello"));
    http_peer_await(f, p, "\r\nConnection: close\r\n\r\nhello");
    http_stream_end(f->x);
    http_peer_await_end(f, p);
    assert_null(strstr(p->in.data, "Transfer-Encoding"));
    assert_string_equal(p->in.data + p->in.len - 5, "hello");
    assert_int_equal(f->n_complete, 1);
}

STREAM_TEST(a_stream_for_head_has_no_body)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.filler = STR("filler");
    f->options.filler_ms = 5;
    http_fixture_start(f);
    p = open_stream(f, "HEAD /stream HTTP/1.1\r\n" HOST "\r\n");
    http_stream_write(f->x, STR("hello"));
    for (uint64_t end_ms = clock_mono_ms() + 20; clock_mono_ms() < end_ms;) {
        http_fixture_turn(f);
    }
    http_stream_end(f->x);
    http_fixture_await(f, &f->n_complete, 1);
    http_peer_await(f, p, "\r\n\r\n");
    assert_string_equal(p->in.data + p->in.len - 11, "chunked\r\n\r\n");
}

/* ---- The filler ------------------------------------------------------------------------------ */

STREAM_TEST(a_silent_stream_gets_the_filler_again_and_again)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.filler = STR(":\n\n");
    f->options.filler_ms = 10;
    http_fixture_start(f);
    p = open_stream(f, GET("/stream"));
    http_peer_await(f, p, "\r\n\r\n3\r\n:\n\n\r\n3\r\n:\n\n\r\n");
    http_stream_write(f->x, STR("hello"));
    http_peer_await(f, p, "\r\n5\r\nhello\r\n3\r\n:\n\n\r\n");
}

STREAM_TEST(an_exchange_that_is_no_stream_gets_no_filler)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.filler = STR(":\n\n");
    f->options.filler_ms = 5;
    http_fixture_start(f);
    p = open_stream(f, GET("/hold"));
    for (uint64_t end_ms = clock_mono_ms() + 20; clock_mono_ms() < end_ms;) {
        http_fixture_turn(f);
    }
    assert_int_equal(p->in.len, 0);
    http_respond(f->x, 200, NULL, 0, STR(""));
    http_peer_await(f, p, "HTTP/1.1 200");
}

/* ---- Back-pressure --------------------------------------------------------------------------- */

/* A stream of numbers, so that anything lost, doubled or out of order shows. */
struct numbers {
    uint64_t next, end;
    size_t max_waiting;
};

static struct numbers numbers; /* of the test that runs */

static void write_numbers(struct http_fixture *f, struct http_exchange *x)
{
    char text[100 * 16 + 1];
    size_t waiting = 0;

    (void)f;
    while (numbers.next < numbers.end && waiting <= MAX_OUTPUT) {
        for (int i = 0; i < 100; i++) {
            snprintf(text + 16 * i, 17, "%015llu\n", (unsigned long long)numbers.next++);
        }
        waiting = http_stream_write(x, str_make(text, 1600));
        numbers.max_waiting = waiting > numbers.max_waiting ? waiting : numbers.max_waiting;
    }
    if (numbers.next == numbers.end) {
        http_stream_end(x);
    }
}

static void begin_numbers(struct http_fixture *f, struct http_exchange *x,
                          const struct http_request *r)
{
    (void)r;
    f->x = x;
    http_stream_begin(x, 200, NULL, 0);
    write_numbers(f, x);
}

static void expect_numbers(const char *p, uint64_t n)
{
    static const char chunk[] = "640\r\n";

    for (uint64_t i = 0; i < n; i++) {
        if (i % 100 == 0) {
            assert_memory_equal(p, chunk, 5);
            p += 5;
        }
        assert_int_equal(strtoull(p, NULL, 10), i);
        p += i % 100 == 99 ? 18 : 16;
    }
    assert_string_equal(p, "0\r\n\r\n");
}

STREAM_TEST(a_stream_waits_for_a_slow_peer_and_loses_nothing)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    numbers = (struct numbers){ 0, 1000000, 0 };
    f->handle = begin_numbers;
    f->drained = write_numbers;
    f->options.max_output_bytes = MAX_OUTPUT;
    http_fixture_start(f);
    p = http_peer_open(f);
    p->is_deaf = true;
    http_peer_sendz(f, p, GET("/"));
    http_fixture_await(f, &f->n_requests, 1);
    for (int i = 0; i < 10; i++) { /* what the kernel takes */
        http_fixture_turn(f);
    }
    assert_true(numbers.next < numbers.end);
    assert_int_equal(f->n_complete, 0);
    p->is_deaf = false;
    http_peer_await(f, p, "\r\n0\r\n\r\n");
    http_fixture_await(f, &f->n_complete, 1);
    assert_true(f->n_drained > 0);
    assert_true(numbers.max_waiting <= MAX_OUTPUT + 1700);
    expect_numbers(strstr(p->in.data, "\r\n\r\n") + 4, numbers.end);
}

/* Fills the kernel's buffers and then ours. */
static void fill(struct http_fixture *f)
{
    char *data = mem_zalloc(10000);

    while (http_stream_write(f->x, str_make(data, 10000)) <= MAX_OUTPUT) {
        http_fixture_turn(f);
    }
    mem_free(data);
}

STREAM_TEST(a_peer_that_takes_nothing_is_given_up)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.max_output_bytes = MAX_OUTPUT;
    f->options.write_ms = 30;
    http_fixture_start(f);
    p = open_stream(f, GET("/stream"));
    p->is_deaf = true;
    fill(f);
    http_fixture_await(f, &f->n_broken, 1);
    http_fixture_await_connections(f, 0);
}

STREAM_TEST(a_peer_that_takes_little_at_a_time_is_not_given_up)
{
    struct http_fixture *f = *state;
    char *data = mem_zalloc(20u << 20);
    uint64_t end_ms, last_ms, longest_ms = 0;
    struct http_peer *p;

    f->options.max_output_bytes = 20u << 20;
    f->options.write_ms = 100;
    http_fixture_start(f);
    p = open_stream(f, GET("/stream"));
    p->is_deaf = true;
    http_stream_write(f->x, str_make(data, 20u << 20));
    last_ms = clock_mono_ms();
    for (end_ms = last_ms + 400; clock_mono_ms() < end_ms;) {
        assert_true(recv(p->fd, data, 200000, MSG_DONTWAIT) != 0);
        http_fixture_turn(f);
        longest_ms = clock_mono_ms() - last_ms > longest_ms ? clock_mono_ms() - last_ms
                                                            : longest_ms;
        last_ms = clock_mono_ms();
    }
    /* The kernel wants some more when a third of its buffer is free: within write_ms that much must
     * have been taken. Else the machine was too slow for a verdict. */
    if (longest_ms < 15) {
        assert_int_equal(f->n_broken, 0);
    }
    mem_free(data);
}

STREAM_TEST(a_handler_that_ignores_back_pressure_loses_the_connection_and_not_the_memory)
{
    struct http_fixture *f = *state;
    char *data = mem_zalloc(10000);
    size_t most = 0;
    struct http_peer *p;

    f->options.max_output_bytes = MAX_OUTPUT;
    http_fixture_start(f);
    p = open_stream(f, GET("/stream"));
    p->is_deaf = true;
    while (f->n_broken == 0) {
        for (int i = 0; i < 10; i++) {
            size_t waiting = http_stream_write(f->x, str_make(data, 10000));

            most = waiting > most ? waiting : most;
        }
        http_fixture_turn(f);
    }
    assert_true(most > MAX_OUTPUT);
    assert_true(most < 2 * MAX_OUTPUT + 20100);
    mem_free(data);
}

STREAM_TEST(one_message_may_be_larger_than_the_bound)
{
    struct http_fixture *f = *state;
    char *data = mem_zalloc(200 * MAX_OUTPUT);
    struct http_peer *p;

    f->options.max_output_bytes = MAX_OUTPUT;
    http_fixture_start(f);
    p = open_stream(f, GET("/stream"));
    http_stream_write(f->x, str_make(data, 200 * MAX_OUTPUT));
    http_stream_end(f->x);
    http_fixture_await(f, &f->n_complete, 1);
    while (p->in.len < 200 * MAX_OUTPUT) {
        http_fixture_turn(f);
    }
    mem_free(data);
}

static void end_stream(struct http_fixture *f, struct http_exchange *x)
{
    (void)f;
    http_stream_end(x);
}

STREAM_TEST(a_stream_that_ends_when_it_has_drained_ends_whole)
{
    struct http_fixture *f = *state;
    char *data = mem_zalloc(200 * MAX_OUTPUT);
    struct http_peer *p;

    f->drained = end_stream;
    f->options.max_output_bytes = MAX_OUTPUT;
    http_fixture_start(f);
    p = open_stream(f, "GET /stream HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    http_stream_write(f->x, str_make(data, 200 * MAX_OUTPUT));
    http_peer_await_end(f, p);
    assert_int_equal(f->n_drained, 1);
    assert_int_equal(f->n_complete, 1);
    assert_string_equal(p->in.data + p->in.len - 7, "\r\n0\r\n\r\n");
    mem_free(data);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

STREAM_TEST(the_end_of_the_peer_of_an_idle_stream_is_noticed)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = open_stream(f, GET("/stream"));
    http_peer_await(f, p, "\r\n\r\n");
    http_peer_close(p);
    for (int i = 0; i < 3 && f->n_broken == 0; i++) {
        http_fixture_turn(f);
    }
    assert_int_equal(f->n_broken, 1);
}

STREAM_TEST(the_end_of_a_peer_is_noticed_behind_its_pipelined_requests)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = open_stream(f, GET("/stream"));
    http_peer_sendz(f, p, GET("/2"));
    http_peer_close(p);
    http_fixture_await(f, &f->n_broken, 1);
    assert_int_equal(f->n_requests, 1);
}

STREAM_TEST(a_request_behind_a_stream_is_handled_when_that_has_ended)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = open_stream(f, GET("/stream") GET("/2"));
    http_stream_write(f->x, STR("hello"));
    http_peer_await(f, p, "hello");
    assert_int_equal(f->n_requests, 1);
    http_stream_end(f->x);
    http_peer_await(f, p, "\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n");
    http_peer_await(f, p, "GET /2 (0)");
}

STREAM_TEST(what_was_written_before_the_end_arrives_before_the_close)
{
    struct http_fixture *f = *state;
    char *data = mem_zalloc(8u << 20);
    struct http_peer *p;

    http_fixture_start(f);
    p = open_stream(f, "GET /stream HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    p->is_deaf = true;
    http_stream_write(f->x, str_make(data, 8u << 20));
    http_stream_end(f->x);
    for (int i = 0; i < 5; i++) {
        http_fixture_turn(f);
    }
    assert_int_equal(f->n_complete, 0);
    p->is_deaf = false;
    http_peer_await_end(f, p);
    assert_int_equal(f->n_complete, 1);
    assert_true(p->in.len > 8u << 20);
    assert_string_equal(p->in.data + p->in.len - 7, "\r\n0\r\n\r\n");
    mem_free(data);
}

STREAM_TEST(an_aborted_stream_ends_at_once_and_without_its_last_chunk)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = open_stream(f, GET("/stream"));
    http_stream_write(f->x, STR("hello"));
    http_peer_await(f, p, "hello");
    http_abort(f->x, "the test says so");
    assert_int_equal(http_stream_write(f->x, STR("dropped")), 0);
    http_stream_end(f->x);
    http_fixture_await(f, &f->n_broken, 1);
    http_peer_await_death(f, p);
    assert_string_equal(p->in.data + p->in.len - 7, "hello\r\n");
}

RUN_TESTS()
