/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all connections together may hold in memory: bodies wait for room, or are refused; output
 * that nobody takes goes.
 */
#include "harness.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "base/limits.h"
#include "http_fixture.h"

#define HOLD_TEST(sentence)                                                                        \
    TEST_WITH(http_hold, sentence, http_fixture_setup, http_fixture_teardown)

#define INPUT_MAX 100000u
#define BODY 90000u
#define N_PEERS 8

static char zeros[BODY];

static void turn_for(struct http_fixture *f, uint64_t ms)
{
    for (uint64_t end_ms = clock_mono_ms() + ms; clock_mono_ms() < end_ms;) {
        http_fixture_turn(f);
    }
}

static void send_head(struct http_fixture *f, struct http_peer *p, const char *path, size_t length)
{
    char head[200];

    snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", path,
             length);
    http_peer_sendz(f, p, head);
}

static void await_held(struct http_fixture *f, size_t n)
{
    uint64_t deadline_ms = clock_mono_ms() + 10000;

    while (http_server_held(f->server) != n) {
        if (clock_mono_ms() > deadline_ms) {
            fail_msg("%zu bytes are held, not %zu", http_server_held(f->server), n);
        }
        http_fixture_turn(f);
    }
}

/* A peer of whose body so much has arrived. */
static struct http_peer *arrive(struct http_fixture *f, const char *path, size_t n)
{
    size_t before = f->server ? http_server_held(f->server) : 0;
    struct http_peer *p = http_peer_open(f);

    send_head(f, p, path, BODY);
    http_peer_send(f, p, str_make(zeros, n));
    await_held(f, before + n);
    return p;
}

HOLD_TEST(bodies_arrive_until_the_limit_is_reached_and_then_one_at_a_time)
{
    struct http_fixture *f = *state;
    struct http_peer *first, *second, *third;

    f->options.max_input_bytes = INPUT_MAX;
    http_fixture_start(f);
    first = arrive(f, "/", 40000);
    second = arrive(f, "/", 40000);
    third = arrive(f, "/", INPUT_MAX - 80001);
    http_peer_send(f, third, STR("x")); /* at the limit */
    await_held(f, INPUT_MAX);
    http_peer_send(f, second, STR("x")); /* one past it: this one leads now */
    await_held(f, INPUT_MAX + 1);
    http_peer_send(f, first, str_make(zeros, BODY - 40000));
    turn_for(f, 30);
    assert_int_equal(http_server_held(f->server), INPUT_MAX + 1);
    http_peer_send(f, second, str_make(zeros, BODY - 40001));
    assert_int_equal(http_peer_response(f, second, NULL), 200);
    assert_int_equal(http_peer_response(f, first, NULL), 200);
    await_held(f, INPUT_MAX - 80000);
    http_peer_send(f, third, str_make(zeros, BODY - (INPUT_MAX - 80000)));
    assert_int_equal(http_peer_response(f, third, NULL), 200);
    await_held(f, 0);
}

/* All are half there, and none could go on without room. */
HOLD_TEST(many_bodies_at_once_all_arrive_and_never_hold_much_more_than_the_limit)
{
    struct http_fixture *f = *state;
    struct http_peer *peers[N_PEERS];
    size_t sent[N_PEERS] = { 0 }, most = 0, n_left = N_PEERS;
    uint64_t deadline_ms = clock_mono_ms() + 10000;

    f->options.max_input_bytes = INPUT_MAX;
    http_fixture_start(f);
    for (size_t i = 0; i < N_PEERS; i++) {
        peers[i] = http_peer_open(f);
        send_head(f, peers[i], "/", BODY);
    }
    while (n_left > 0) {
        assert_true(clock_mono_ms() < deadline_ms);
        for (size_t i = 0; i < N_PEERS; i++) {
            size_t left = BODY - sent[i];
            ssize_t n = left ? send(peers[i]->fd, zeros, left < 7000 ? left : 7000,
                                    MSG_NOSIGNAL | MSG_DONTWAIT)
                             : 0;

            sent[i] += n > 0 ? (size_t)n : 0;
            n_left -= n > 0 && sent[i] == BODY;
            http_fixture_turn(f);
            most = http_server_held(f->server) > most ? http_server_held(f->server) : most;
        }
    }
    for (size_t i = 0; i < N_PEERS; i++) {
        assert_int_equal(http_peer_response(f, peers[i], NULL), 200);
    }
    assert_true(most >= INPUT_MAX);
    assert_true(most <= INPUT_MAX + BODY + N_PEERS * (f->options.max_header_bytes + 1));
    await_held(f, 0);
}

HOLD_TEST(requests_that_come_whole_are_answered_while_bodies_wait)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.max_input_bytes = INPUT_MAX;
    http_fixture_start(f);
    arrive(f, "/", 60000);
    arrive(f, "/", 60000);
    p = http_peer_open(f);
    http_peer_expect(f, p, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 200,
                     "POST / hello(5)");
}

HOLD_TEST(a_body_that_waited_for_too_long_is_told_to_come_again)
{
    struct http_fixture *f = *state;
    struct http_peer *leader, *p;

    f->options.max_input_bytes = 1000;
    f->options.body_ms = 100;
    http_fixture_start(f);
    leader = arrive(f, "/", 1000);
    p = http_peer_open(f);
    send_head(f, p, "/", BODY);
    http_peer_send(f, p, str_make(zeros, 30000));
    for (int i = 0; i < 8; i++) { /* the leader is slow, but it goes on */
        http_peer_send(f, leader, STR("x"));
        turn_for(f, 30);
    }
    http_peer_await(f, p, "\r\nRetry-After: 1\r\n");
    assert_int_equal(http_peer_response(f, p, NULL), 503);
    http_peer_await_end(f, p);
    http_peer_send(f, leader, str_make(zeros, BODY - 1008));
    assert_int_equal(http_peer_response(f, leader, NULL), 200);
    await_held(f, 0);
}

HOLD_TEST(what_a_request_held_counts_until_its_answer_begins)
{
    struct http_fixture *f = *state;
    struct http_peer *holding, *p;

    f->options.max_input_bytes = BODY;
    http_fixture_start(f);
    holding = http_peer_open(f);
    send_head(f, holding, "/hold", BODY);
    http_peer_send(f, holding, str_make(zeros, BODY));
    http_fixture_await(f, &f->n_requests, 1);
    assert_int_equal(http_server_held(f->server), BODY);
    p = http_peer_open(f);
    send_head(f, p, "/", BODY);
    http_peer_send(f, p, str_make(zeros, BODY));
    turn_for(f, 30);
    assert_true(http_server_held(f->server) <= BODY + f->options.max_header_bytes + 1);
    assert_int_equal(f->n_requests, 1);
    http_stream_begin(f->x, 200, NULL, 0);
    assert_int_equal(http_peer_response(f, p, NULL), 200);
    assert_int_equal(http_server_held(f->server), 0);
    http_stream_end(f->x);
}

HOLD_TEST(peers_that_go_leave_their_room_to_others)
{
    struct http_fixture *f = *state;
    struct http_peer *leader, *starved, *p;

    f->options.max_input_bytes = INPUT_MAX;
    http_fixture_start(f);
    p = arrive(f, "/", 60000);
    leader = arrive(f, "/", 60000);
    starved = http_peer_open(f);
    send_head(f, starved, "/", BODY);
    http_peer_send(f, starved, str_make(zeros, BODY));
    http_peer_send(f, leader, STR("x"));
    turn_for(f, 20);
    http_peer_close(leader);
    assert_int_equal(http_peer_response(f, starved, NULL), 200);
    await_held(f, 60000);
    http_peer_send(f, p, str_make(zeros, BODY - 60000));
    assert_int_equal(http_peer_response(f, p, NULL), 200);
    await_held(f, 0);
}

HOLD_TEST(what_is_pipelined_counts_and_is_kept_up_to_a_bound)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
    http_fixture_await(f, &f->n_requests, 1);
    send_head(f, p, "/", BODY);
    http_peer_send(f, p, str_make(zeros, BODY));
    await_held(f, f->options.max_header_bytes + 1);
    turn_for(f, 20);
    assert_int_equal(http_server_held(f->server), f->options.max_header_bytes + 1);
    http_respond(f->x, 200, NULL, 0, STR(""));
    assert_int_equal(http_peer_response(f, p, NULL), 200);
    assert_int_equal(http_peer_response(f, p, NULL), 200);
    await_held(f, 0);
}

HOLD_TEST(a_server_that_closes_lets_go_of_bodies_that_wait)
{
    struct http_fixture *f = *state;

    f->options.max_input_bytes = INPUT_MAX;
    http_fixture_start(f);
    arrive(f, "/", 60000);
    arrive(f, "/", 60000);
    http_peer_send(f, &f->peers[0], STR("x"));
    http_peer_send(f, &f->peers[1], STR("x"));
    turn_for(f, 20);
    http_server_close(f->server);
    http_fixture_await_connections(f, 0);
    assert_int_equal(http_server_held(f->server), 0);
}

/* ---- Output ---------------------------------------------------------------------------------- */

#define ANSWER (20u << 20)

static void answer_much(struct http_fixture *f, struct http_exchange *x,
                        const struct http_request *r)
{
    char *data = mem_zalloc(ANSWER);

    (void)f;
    (void)r;
    http_respond(x, 200, NULL, 0, str_make(data, ANSWER));
    mem_free(data);
}

HOLD_TEST(of_too_much_output_that_waits_goes_what_nobody_has_taken_for_longest)
{
    struct http_fixture *f = *state;
    struct http_peer *peers[3];

    f->handle = answer_much;
    f->options.max_waiting_bytes = 2 * ANSWER;
    http_fixture_start(f);
    for (int i = 0; i < 3; i++) {
        peers[i] = http_peer_open(f);
        peers[i]->is_deaf = true;
        http_peer_sendz(f, peers[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        http_fixture_await(f, &f->n_requests, i + 1);
        turn_for(f, 20);
        assert_int_equal(f->n_broken, i == 2);
        assert_true(http_server_waiting(f->server) <= 2 * ANSWER);
    }
    peers[1]->is_deaf = peers[2]->is_deaf = false;
    assert_int_equal(http_peer_response(f, peers[1], NULL), 200);
    assert_int_equal(http_peer_response(f, peers[2], NULL), 200);
    peers[0]->is_deaf = false;
    http_peer_await_death(f, peers[0]);
    http_fixture_await_connections(f, 2);
    assert_int_equal(http_server_waiting(f->server), 0);
}

RUN_TESTS()
