/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real HTTP server and raw peers over loopback, all in the test's own thread: the loop only
 * turns while the test waits for something. What is waited for and does not come within some
 * seconds fails the test.
 *
 * The handler answers a request by its path:
 *   /hold     nothing; the test answers through f->x
 *   /stream   begins an event stream; the test goes on through f->x
 *   others    200 and "METHOD path body", the body cut to some bytes, with its length
 */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include "base/buf.h"
#include "net/http.h"

#define HTTP_PEERS 16

struct http_peer {
    int fd;        /* -1: closed by the test */
    struct buf in; /* what came */
    bool is_eof;
    bool is_reset;
    bool is_deaf; /* does not read */
};

struct http_fixture {
    uv_loop_t loop;
    struct http_options options; /* changed before http_fixture_start */
    struct http_server *server;
    uint16_t port;
    struct http_peer peers[HTTP_PEERS];
    size_t n_peers;

    struct http_exchange *x; /* the last one that was left open */
    int n_requests, n_complete, n_broken, n_drained;
    /* Instead of the above, if set. */
    void (*handle)(struct http_fixture *f, struct http_exchange *x, const struct http_request *r);
    void (*drained)(struct http_fixture *f, struct http_exchange *x);
};

/* For TEST_WITH: *state is the fixture. */
int http_fixture_setup(void **state);
int http_fixture_teardown(void **state);

void http_fixture_start(struct http_fixture *f);
void http_fixture_listen(struct http_fixture *f, const char *address);
void http_fixture_turn(struct http_fixture *f); /* of the loop; waits a little for something */

/* Until *counter is n. */
void http_fixture_await(struct http_fixture *f, const int *counter, int n);
void http_fixture_await_connections(struct http_fixture *f, size_t n);

struct http_peer *http_peer_open(struct http_fixture *f);
void http_peer_send(struct http_fixture *f, struct http_peer *p, struct str s); /* all of it */
void http_peer_sendz(struct http_fixture *f, struct http_peer *p, const char *z);
void http_peer_close(struct http_peer *p);

void http_peer_await(struct http_fixture *f, struct http_peer *p, const char *text);
void http_peer_await_end(struct http_fixture *f, struct http_peer *p);   /* without a reset */
void http_peer_await_death(struct http_fixture *f, struct http_peer *p); /* of whatever kind */

/* One whole response with a Content-Length, which is taken out of what came: its status, and its
 * body if body_out is given. */
int http_peer_response(struct http_fixture *f, struct http_peer *p, struct buf *body_out);

/* Sends a request and expects that response. */
void http_peer_expect(struct http_fixture *f, struct http_peer *p, const char *request, int status,
                      const char *body);

#endif
