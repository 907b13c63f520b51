/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server as a whole: accepting, its limits, stopping and closing, what idleness costs.
 */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "http_fixture.h"

#define HOST "Host: h\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

#define SERVER_TEST(sentence)                                                                      \
    TEST_WITH(http_server, sentence, http_fixture_setup, http_fixture_teardown)

/* ---- Accepting ------------------------------------------------------------------------------- */

SERVER_TEST(there_may_be_as_many_connections_as_the_limit_and_the_next_is_told_so)
{
    struct http_fixture *f = *state;
    struct http_peer *p[4];

    f->options.max_connections = 3;
    http_fixture_start(f);
    for (int i = 0; i < 3; i++) {
        p[i] = http_peer_open(f);
        http_peer_expect(f, p[i], GET("/"), 200, "GET / (0)");
    }
    p[3] = http_peer_open(f);
    http_peer_await_end(f, p[3]);
    assert_int_equal(memcmp(p[3]->in.data, "HTTP/1.1 503 ", 13), 0);
    assert_non_null(strstr(p[3]->in.data, "\r\nRetry-After: 1\r\n"));
    assert_non_null(strstr(p[3]->in.data, "\r\nConnection: close\r\n"));
    http_peer_expect(f, p[0], GET("/"), 200, "GET / (0)");
    http_peer_close(p[3]);
    http_peer_close(p[1]);
    http_fixture_await_connections(f, 2);
    http_peer_expect(f, http_peer_open(f), GET("/"), 200, "GET / (0)");
}

/* Refusing with a word takes a connection's while, so it is bounded, too. */
SERVER_TEST(a_crowd_over_the_limit_is_turned_away_without_a_word)
{
    struct http_fixture *f = *state;
    int fds[65];

    f->options.max_connections = 1;
    f->options.linger_ms = 0;
    http_fixture_start(f);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        struct http_peer *p = http_peer_open(f);

        http_fixture_await_connections(f, i + 1);
        fds[i] = p->fd;
        f->n_peers--;
        buf_fini(&p->in);
    }
    http_peer_await_death(f, http_peer_open(f));
    assert_int_equal(f->peers[0].in.len, 0);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        close(fds[i]);
    }
}

static rlim_t n_open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    rlim_t n = 0;

    assert_non_null(d);
    while (readdir(d)) {
        n++;
    }
    closedir(d);
    return n - 3; /* ".", ".." and itself */
}

SERVER_TEST(without_descriptors_new_connections_wait_until_there_are_some)
{
    struct http_fixture *f = *state;
    struct rlimit old, low;
    struct http_peer *p[3];

    http_fixture_start(f);
    for (int i = 0; i < 3; i++) {
        p[i] = http_peer_open(f);
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = (struct rlimit){ n_open_files() + 1, old.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    http_peer_expect(f, p[0], GET("/"), 200, "GET / (0)");
    http_peer_sendz(f, p[1], GET("/1"));
    http_peer_sendz(f, p[2], GET("/2"));
    for (int i = 0; i < 10; i++) {
        http_fixture_turn(f);
    }
    assert_int_equal(f->n_requests, 1);
    http_peer_close(p[0]); /* makes room for one on either side */
    http_peer_await(f, p[1], "GET /1 (0)");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    http_peer_await(f, p[2], "GET /2 (0)");
}

SERVER_TEST(a_server_may_listen_on_several_sockets)
{
    struct http_fixture *f = *state;
    uint16_t first;

    http_fixture_start(f);
    first = f->port;
    http_fixture_listen(f, "127.0.0.1:0");
    assert_int_not_equal(first, f->port);
    http_peer_expect(f, http_peer_open(f), GET("/"), 200, "GET / (0)");
    f->port = first;
    http_peer_expect(f, http_peer_open(f), GET("/"), 200, "GET / (0)");
}

/* ---- Stopping and closing -------------------------------------------------------------------- */

SERVER_TEST(a_stopped_server_closes_what_is_idle_and_lets_exchanges_end)
{
    struct http_fixture *f = *state;
    struct http_peer *idle, *open, *half;

    http_fixture_start(f);
    idle = http_peer_open(f);
    http_peer_expect(f, idle, GET("/"), 200, "GET / (0)");
    half = http_peer_open(f);
    http_peer_sendz(f, half, "GET / HT");
    open = http_peer_open(f);
    http_peer_sendz(f, open, GET("/hold") GET("/2"));
    http_fixture_await(f, &f->n_requests, 2);
    http_server_stop(f->server);
    http_peer_await_end(f, idle);
    http_peer_sendz(f, half, "TP/1.1\r\n" HOST "\r\n");
    http_peer_await_end(f, half);
    assert_int_equal(memcmp(half->in.data, "HTTP/1.1 503 ", 13), 0);
    http_respond(f->x, 200, NULL, 0, STR("done"));
    http_peer_await_end(f, open);
    assert_non_null(strstr(open->in.data, "\r\nConnection: close\r\n\r\ndone"));
    assert_int_equal(f->n_requests, 2);
}

static void answer_and_stop(struct http_fixture *f, struct http_exchange *x,
                            const struct http_request *r)
{
    (void)r;
    http_respond(x, 200, NULL, 0, STR("last"));
    http_server_stop(f->server);
}

SERVER_TEST(a_connection_that_was_to_be_kept_is_closed_when_the_server_has_stopped_since)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->handle = answer_and_stop;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/"));
    http_peer_await_end(f, p);
    assert_int_equal(f->n_complete, 1);
}

SERVER_TEST(a_peer_that_was_not_read_any_more_is_read_to_its_end_when_the_server_stops)
{
    struct http_fixture *f = *state;
    struct http_peer *p;

    f->options.max_header_bytes = 200;
    f->options.linger_ms = 0;
    http_fixture_start(f);
    p = http_peer_open(f);
    http_peer_sendz(f, p, GET("/hold"));
    http_fixture_await(f, &f->n_requests, 1);
    for (int i = 0; i < 100; i++) {
        http_peer_sendz(f, p, GET("/pipelined"));
        http_fixture_turn(f);
    }
    http_server_stop(f->server);
    http_respond(f->x, 200, NULL, 0, STR("last"));
    http_peer_await_end(f, p);
    http_peer_close(p);
    http_fixture_await_connections(f, 0);
}

SERVER_TEST(a_stopped_server_refuses_new_connections)
{
    struct http_fixture *f = *state;
    struct sockaddr_in a = { .sin_family = AF_INET };
    int fd;

    http_fixture_start(f);
    http_server_stop(f->server);
    http_fixture_turn(f);
    a.sin_port = htons(f->port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(fd);
}

SERVER_TEST(closing_ends_every_exchange_and_connection)
{
    struct http_fixture *f = *state;
    static const char *const requests[] = { GET("/"),
                                            "",
                                            "GET / HT",
                                            GET("/hold"),
                                            GET("/stream"),
                                            "bad",
                                            "POST / HTTP/1.1\r\n" HOST
                                            "Content-Length: 5\r\n\r\nhe" };

    http_fixture_start(f);
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        http_peer_sendz(f, http_peer_open(f), requests[i]);
    }
    http_fixture_await(f, &f->n_requests, 3);
    http_fixture_await_connections(f, COUNT_OF(requests));
    http_server_close(f->server);
    assert_int_equal(f->n_broken, 0); /* never from inside the call */
    assert_false(http_server_is_closed(f->server));
    http_fixture_await(f, &f->n_broken, 2);
    http_fixture_await_connections(f, 0);
    assert_int_equal(f->n_complete, 1);
}

static void close_the_server(struct http_fixture *f, struct http_exchange *x,
                             const struct http_request *r)
{
    (void)r;
    http_server_close(f->server);
    http_respond(x, 200, NULL, 0, STR("dropped"));
}

SERVER_TEST(the_handler_may_close_the_server)
{
    struct http_fixture *f = *state;

    f->handle = close_the_server;
    http_fixture_start(f);
    http_peer_sendz(f, http_peer_open(f), GET("/") GET("/"));
    http_fixture_await(f, &f->n_broken, 1);
    http_fixture_await_connections(f, 0);
}

/* ---- What idleness costs --------------------------------------------------------------------- */

#define N_IDLE 500

/* A connection that has had an exchange and is idle, or has a silent stream. */
static int open_idle(struct http_fixture *f, const char *request)
{
    struct http_peer *p = http_peer_open(f);
    int fd = p->fd;

    http_peer_sendz(f, p, request);
    http_peer_await(f, p, "\r\n\r\n");
    f->n_peers--;
    buf_fini(&p->in);
    return fd;
}

static void expect_idle_cost(struct http_fixture *f, const char *request)
{
    int fds[N_IDLE];
    size_t before, after;

    http_fixture_start(f);
    close(open_idle(f, request)); /* what the server itself keeps */
    http_fixture_await_connections(f, 0);
    before = mallinfo2().uordblks;
    for (int i = 0; i < N_IDLE; i++) {
        fds[i] = open_idle(f, request);
    }
    after = mallinfo2().uordblks;
    assert_true(after - before < N_IDLE * (1024 + sizeof(uv_tcp_t)));
    for (int i = 0; i < N_IDLE; i++) {
        close(fds[i]);
    }
}

SERVER_TEST(an_idle_connection_takes_less_than_a_kilobyte)
{
    expect_idle_cost(*state, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
}

SERVER_TEST(an_idle_stream_takes_less_than_a_kilobyte)
{
    expect_idle_cost(*state, GET("/stream"));
}

RUN_TESTS()
