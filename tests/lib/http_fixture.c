/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server of a test, and its peers. See http_fixture.h.
 */
#include "http_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

#define WAIT_MS 10000
#define TURN_MS 5

/* ---- The handler ----------------------------------------------------------------------------- */

static void answer(struct http_exchange *x, const struct http_request *r)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "DELETE", "OPTIONS", "other" };
    struct buf b;

    buf_init(&b, 10000);
    buf_addf(&b, "%s %.*s %.*s(%zu)", methods[r->method], STR_FMT(r->path),
             r->body.len < 20 ? (int)r->body.len : 20, r->body.p, r->body.len);
    http_respond(x, 200, &(struct http_field){ STR("Content-Type"), STR("text/plain") }, 1,
                 buf_str(&b));
    buf_fini(&b);
}

static void on_request(void *arg, struct http_exchange *x, const struct http_request *r)
{
    struct http_fixture *f = arg;

    f->n_requests++;
    assert_null(http_exchange_data(x));
    http_exchange_set_data(x, f);
    if (f->handle) {
        f->handle(f, x, r);
    } else if (str_eqz(r->path, "/hold")) {
        f->x = x;
    } else if (str_eqz(r->path, "/stream")) {
        f->x = x;
        http_stream_begin(x, 200,
                          &(struct http_field){ STR("Content-Type"), STR("text/event-stream") }, 1);
    } else {
        answer(x, r);
    }
}

static void on_end(void *arg, struct http_exchange *x, bool is_complete)
{
    struct http_fixture *f = arg;

    assert_ptr_equal(http_exchange_data(x), f);
    f->n_complete += is_complete;
    f->n_broken += !is_complete;
    if (f->x == x) {
        f->x = NULL;
    }
}

static void on_drained(void *arg, struct http_exchange *x)
{
    struct http_fixture *f = arg;

    f->n_drained++;
    if (f->drained) {
        f->drained(f, x);
    }
}

/* ---- The server ------------------------------------------------------------------------------ */

int http_fixture_setup(void **state)
{
    struct http_fixture *f = mem_zalloc(sizeof(*f));

    assert_int_equal(uv_loop_init(&f->loop), 0);
    http_options_init(&f->options);
    *state = f;
    return 0;
}

int http_fixture_teardown(void **state)
{
    struct http_fixture *f = *state;

    if (f->server) {
        http_server_close(f->server);
        uv_run(&f->loop, UV_RUN_DEFAULT);
        assert_true(http_server_is_closed(f->server));
        assert_int_equal(f->n_requests, f->n_complete + f->n_broken);
        http_server_free(f->server);
    }
    for (size_t i = 0; i < f->n_peers; i++) {
        http_peer_close(&f->peers[i]);
        buf_fini(&f->peers[i].in);
    }
    assert_int_equal(uv_loop_close(&f->loop), 0);
    mem_free(f);
    return 0;
}

void http_fixture_listen(struct http_fixture *f, const char *address)
{
    struct err e;
    int fd;

    if (http_bind(address, &fd, &f->port, &e) != 0 || http_server_listen(f->server, fd, &e) != 0) {
        fail_msg("%s", e.text);
    }
}

void http_fixture_start(struct http_fixture *f)
{
    struct http_handler h = { on_request, on_end, on_drained, f };

    f->server = http_server_new(&f->loop, &f->options, &h);
    http_fixture_listen(f, "127.0.0.1:0");
}

/* ---- Turns ----------------------------------------------------------------------------------- */

/* True when something came. */
static bool take_input(struct http_peer *p)
{
    bool something = false;
    ssize_t n;

    while (p->fd >= 0 && !p->is_deaf && !p->is_eof && !p->is_reset) {
        n = recv(p->fd, buf_reserve(&p->in, 65536), 65536, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            break;
        }
        something = true;
        if (n > 0) {
            buf_advance(&p->in, (size_t)n);
        } else if (n == 0) {
            p->is_eof = true;
        } else {
            p->is_reset = true;
        }
    }
    return something;
}

void http_fixture_turn(struct http_fixture *f)
{
    struct pollfd fds[1 + HTTP_PEERS] = { { uv_backend_fd(&f->loop), POLLIN, 0 } };
    bool something = false;
    int timeout_ms;

    uv_run(&f->loop, UV_RUN_NOWAIT);
    for (size_t i = 0; i < f->n_peers; i++) {
        struct http_peer *p = &f->peers[i];
        bool is_open = p->fd >= 0 && !p->is_deaf && !p->is_eof && !p->is_reset;

        something = take_input(p) || something;
        fds[1 + i] = (struct pollfd){ is_open ? p->fd : -1, POLLIN, 0 };
    }
    timeout_ms = uv_backend_timeout(&f->loop);
    if (!something && timeout_ms != 0) {
        poll(fds, 1 + f->n_peers, timeout_ms > 0 && timeout_ms < TURN_MS ? timeout_ms : TURN_MS);
    }
}

static void turn_until(struct http_fixture *f, uint64_t deadline_ms, const char *what)
{
    if (clock_mono_ms() > deadline_ms) {
        fail_msg("%s did not come", what);
    }
    http_fixture_turn(f);
}

void http_fixture_await(struct http_fixture *f, const int *counter, int n)
{
    uint64_t deadline_ms = clock_mono_ms() + WAIT_MS;

    while (*counter < n) {
        turn_until(f, deadline_ms, "what was counted");
    }
    assert_int_equal(*counter, n);
}

void http_fixture_await_connections(struct http_fixture *f, size_t n)
{
    uint64_t deadline_ms = clock_mono_ms() + WAIT_MS;

    while (http_server_connections(f->server) != n) {
        turn_until(f, deadline_ms, "that number of connections");
    }
}

/* ---- Peers ----------------------------------------------------------------------------------- */

struct http_peer *http_peer_open(struct http_fixture *f)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(f->port) };
    struct http_peer *p = &f->peers[f->n_peers++];

    assert_true(f->n_peers <= HTTP_PEERS);
    *p = (struct http_peer){ .fd = -1 };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    buf_init(&p->in, (size_t)100 << 20);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(p->fd >= 0);
    assert_int_equal(connect(p->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return p;
}

void http_peer_send(struct http_fixture *f, struct http_peer *p, struct str s)
{
    uint64_t deadline_ms = clock_mono_ms() + WAIT_MS;

    while (s.len > 0) {
        ssize_t n = send(p->fd, s.p, s.len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0) {
            if (errno == EPIPE || errno == ECONNRESET) {
                p->is_reset = true;
                return;
            }
            assert_int_equal(errno, EAGAIN);
            turn_until(f, deadline_ms, "room to send");
        } else {
            s = str_make(s.p + n, s.len - (size_t)n);
        }
    }
}

void http_peer_sendz(struct http_fixture *f, struct http_peer *p, const char *z)
{
    http_peer_send(f, p, str_of(z));
}

void http_peer_close(struct http_peer *p)
{
    if (p->fd >= 0) {
        close(p->fd);
        p->fd = -1;
    }
}

void http_peer_await(struct http_fixture *f, struct http_peer *p, const char *text)
{
    uint64_t deadline_ms = clock_mono_ms() + WAIT_MS;

    while (p->in.len == 0 || !memmem(p->in.data, p->in.len, text, strlen(text))) {
        if (p->is_eof || p->is_reset || clock_mono_ms() > deadline_ms) {
            fail_msg("'%s' did not come, but '%s'%s", text, p->in.len ? p->in.data : "",
                     p->is_eof     ? " and the end"
                     : p->is_reset ? " and a reset"
                                   : "");
        }
        http_fixture_turn(f);
    }
}

void http_peer_await_death(struct http_fixture *f, struct http_peer *p)
{
    uint64_t deadline_ms = clock_mono_ms() + WAIT_MS;

    while (!p->is_eof && !p->is_reset) {
        turn_until(f, deadline_ms, "the end");
    }
}

void http_peer_await_end(struct http_fixture *f, struct http_peer *p)
{
    http_peer_await_death(f, p);
    assert_false(p->is_reset);
}

int http_peer_response(struct http_fixture *f, struct http_peer *p, struct buf *body_out)
{
    uint64_t deadline_ms = clock_mono_ms() + WAIT_MS;
    const char *end, *length;
    size_t head, body;
    int status;

    http_peer_await(f, p, "\r\n\r\n");
    end = memmem(p->in.data, p->in.len, "\r\n\r\n", 4);
    head = (size_t)(end - p->in.data) + 4;
    length = memmem(p->in.data, head, "\r\nContent-Length: ", 18);
    assert_non_null(length);
    body = strtoul(length + 18, NULL, 10);
    while (p->in.len < head + body) {
        turn_until(f, deadline_ms, "the whole body");
    }
    assert_int_equal(memcmp(p->in.data, "HTTP/1.1 ", 9), 0);
    status = (int)strtol(p->in.data + 9, NULL, 10);
    if (body_out) {
        buf_reset(body_out);
        buf_add(body_out, p->in.data + head, body);
    }
    buf_consume(&p->in, head + body);
    return status;
}

void http_peer_expect(struct http_fixture *f, struct http_peer *p, const char *request, int status,
                      const char *body)
{
    struct buf b;

    buf_init(&b, 100000);
    http_peer_sendz(f, p, request);
    assert_int_equal(http_peer_response(f, p, &b), status);
    assert_string_equal(b.data, body);
    buf_fini(&b);
}
