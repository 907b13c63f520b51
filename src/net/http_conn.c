/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection: what it waits for, and what happens when that comes, or does not come in time.
 *
 *              first byte        head complete          request complete
 *     IDLE ---------------> HEAD -------------> BODY ---------------------> HANDLING
 *      ^ \________________________________________________________________/   |  |
 *      |                 (each may be skipped: one read is often all)         |  | stream begins
 *      |                                                                      |  v
 *      +-- whole response sent, keep-alive <---------------+---- STREAM <-> WRITING
 *                                                          |                    |
 *     a refusal, or the last response sent: LINGER <-------+--------------------+
 *     LINGER, and whatever dies or is too slow: CLOSING
 *
 * Input during an exchange is kept, up to a bound, so that the end of the peer is seen at once.
 * Calls of the handler never move a connection: they write, and have it settled (http_conn_settle)
 * before the loop sleeps. So nothing here is ever called from inside itself, and a connection that
 * a call finds dead stays until then.
 *
 * A close with input unread makes the kernel reset the connection, and the reset can overtake our
 * last response. So after the last response our side is shut, and input is thrown away for a
 * bounded time and amount, until the peer closes too (RFC 9112 section 9.6).
 */
#include "net/http_internal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define TO(state) (1u << CONN_##state)

static const struct {
    const char *name;
    unsigned next;
} states[CONN_NSTATES] = {
    [CONN_IDLE] = { "idle", TO(IDLE) | TO(HEAD) | TO(BODY) | TO(HANDLING) | TO(WRITING) |
                                TO(LINGER) | TO(CLOSING) },
    [CONN_HEAD] = { "head",
                    TO(IDLE) | TO(BODY) | TO(HANDLING) | TO(WRITING) | TO(LINGER) | TO(CLOSING) },
    [CONN_BODY] = { "body", TO(BODY) | TO(HANDLING) | TO(WRITING) | TO(LINGER) | TO(CLOSING) },
    [CONN_HANDLING] = { "handling",
                        TO(STREAM) | TO(WRITING) | TO(IDLE) | TO(LINGER) | TO(CLOSING) },
    [CONN_STREAM] = { "stream", TO(STREAM) | TO(WRITING) | TO(IDLE) | TO(LINGER) | TO(CLOSING) },
    [CONN_WRITING] = { "writing", TO(WRITING) | TO(HANDLING) | TO(STREAM) | TO(IDLE) | TO(LINGER) |
                                      TO(CLOSING) },
    [CONN_LINGER] = { "linger", TO(CLOSING) },
    [CONN_CLOSING] = { "closing", 0 },
};

void http_conn_move(struct http_conn *c, enum http_conn_state to)
{
    struct http_server *s = c->server;

    assert(states[c->state].next & (1u << to));
    list_remove(&s->conns[c->state], &c->in_state);
    c->state = to;
    c->deadline_ms = s->timeout_ms[to] ? clock_mono_ms() + s->timeout_ms[to] : UINT64_MAX;
    list_append(&s->conns[to], &c->in_state);
    http_server_arm(s, c->deadline_ms);
}

void http_conn_log(const struct http_conn *c, const char *why)
{
    struct sockaddr_storage a;
    int n = sizeof(a);
    char name[INET6_ADDRSTRLEN] = "?";

    if (log_enabled(LOG_DEBUG)) {
        if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&a, &n) == 0) {
            uv_ip_name((struct sockaddr *)&a, name, sizeof(name));
        }
        log_debug("peer=%s state=%s: %s", name, states[c->state].name, why);
    }
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void on_closed(uv_handle_t *h)
{
    struct http_conn *c = h->data;

    list_remove(&c->server->conns[CONN_CLOSING], &c->in_state);
    if (c->parse) {
        http_server_put_parse(c->server, c->parse);
    }
    if (c->out) {
        http_server_put_out(c->server, c->out);
    }
    buf_fini(&c->pending);
    http_server_forget(c);
    mem_free(c);
}

/* libuv calls on_closed behind everything else of this turn of the loop. */
void http_conn_close(struct http_conn *c, const char *why)
{
    struct http_server *s = c->server;
    bool has_exchange = c->x.phase != EXCHANGE_NONE && c->x.phase != EXCHANGE_REFUSED;
    bool is_complete = c->x.phase == EXCHANGE_ANSWERED && http_conn_waiting(c) == 0;

    http_conn_log(c, why);
    http_conn_move(c, CONN_CLOSING);
    c->is_doomed = true;
    c->x.phase = EXCHANGE_NONE;
    if (has_exchange) {
        s->handler.on_end(s->handler.arg, &c->x, is_complete);
    }
    http_server_settle_not(c);
    http_hold_update(c);
    http_hold_output(c, 0);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

void http_conn_doom(struct http_conn *c, const char *why)
{
    if (!c->is_doomed) {
        c->is_doomed = true;
        c->why = why;
        http_server_settle_later(c);
    }
}

/* ---- Settling -------------------------------------------------------------------------------- */

static void linger(struct http_conn *c)
{
    uv_os_fd_t fd;

    c->x.phase = EXCHANGE_NONE;
    if (c->is_eof || uv_fileno((uv_handle_t *)&c->tcp, &fd) != 0 || shutdown(fd, SHUT_WR) != 0) {
        http_conn_close(c, "done");
        return;
    }
    buf_fini(&c->pending);
    if (c->is_paused) {
        http_input_start(c);
    }
    http_conn_move(c, CONN_LINGER);
}

static void end_exchange(struct http_conn *c)
{
    struct http_server *s = c->server;

    c->x.phase = EXCHANGE_NONE;
    s->handler.on_end(s->handler.arg, &c->x, true);
    if (c->is_eof) {
        http_conn_close(c, "closed by the peer");
        return;
    }
    if (!c->x.keep_alive || s->is_stopping) {
        linger(c);
        return;
    }
    http_conn_move(c, CONN_IDLE);
    http_input_pending(c);
}

static void tell_drained(struct http_conn *c, size_t waiting)
{
    struct http_server *s = c->server;

    if (c->x.is_over && waiting < s->options.max_output_bytes / 2) {
        c->x.is_over = false;
        if (c->x.phase == EXCHANGE_STREAMING) {
            s->handler.on_drained(s->handler.arg, &c->x);
        }
    }
}

/* Brings the state in line with what was written and what could be sent. */
void http_conn_settle(struct http_conn *c)
{
    size_t waiting;

    http_server_settle_not(c);
    if (!c->is_doomed) {
        http_conn_flush(c);
    }
    if (c->is_doomed) {
        http_conn_close(c, c->why);
        return;
    }
    waiting = http_conn_waiting(c);
    http_hold_output(c, waiting);
    tell_drained(c, waiting);
    if (c->is_todo) { /* and has written more: once again, then */
        return;
    }
    if (waiting > 0 && c->x.phase != EXCHANGE_NONE) {
        c->n_queued = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
        http_conn_move(c, CONN_WRITING);
        http_hold_close_slowest(c->server);
        return;
    }
    switch (c->x.phase) {
    case EXCHANGE_NONE: /* a 100 Continue that had to wait */
        break;
    case EXCHANGE_OPEN:
        if (c->state == CONN_WRITING) {
            http_conn_move(c, CONN_HANDLING);
        }
        break;
    case EXCHANGE_STREAMING:
        http_conn_move(c, CONN_STREAM);
        break;
    case EXCHANGE_ANSWERED:
        end_exchange(c);
        break;
    case EXCHANGE_REFUSED:
        linger(c);
        break;
    }
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void check_progress(struct http_conn *c)
{
    size_t queued = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);

    if (queued < c->n_queued) {
        c->n_queued = queued;
        http_conn_move(c, CONN_WRITING);
    } else {
        http_conn_close(c, "the peer takes no output");
    }
}

void http_conn_expire(struct http_conn *c)
{
    switch (c->state) {
    case CONN_IDLE:
        http_conn_close(c, "idle for too long");
        break;
    case CONN_HEAD:
        http_input_refuse(c, 408, "the header takes too long");
        http_conn_settle(c);
        break;
    case CONN_BODY:
        http_input_refuse(c, c->is_starved ? 503 : 408,
                          c->is_starved ? "too many requests arrive at the same time"
                                        : "the body takes too long");
        http_conn_settle(c);
        break;
    case CONN_STREAM:
        http_conn_send_filler(c);
        http_conn_settle(c);
        break;
    case CONN_WRITING:
        check_progress(c);
        break;
    case CONN_LINGER:
        http_conn_close(c, "lingered for long enough");
        break;
    case CONN_HANDLING:
    case CONN_CLOSING:
    case CONN_NSTATES:
        assert(c->state == CONN_IDLE); /* the others have no deadline */
    }
}

/* ---- Beginning ------------------------------------------------------------------------------- */

void http_conn_open(struct http_server *s, int fd)
{
    struct http_conn *c = mem_zalloc(sizeof(*c));
    size_t n_served = s->n_conns - s->conns[CONN_LINGER].n;
    int error;

    c->server = s;
    c->deadline_ms = UINT64_MAX;
    buf_init(&c->pending, SIZE_MAX / 2);
    c->tcp.data = c;
    error = uv_tcp_init(s->loop, &c->tcp);
    assert(error == 0); /* without flags it opens nothing */
    list_append(&s->conns[CONN_IDLE], &c->in_state);
    s->n_conns++;
    error = uv_tcp_open(&c->tcp, fd);
    if (error) {
        close(fd);
        http_conn_close(c, uv_strerror(error));
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1); /* without it, all is merely slower */
    http_input_start(c);
    if (n_served >= s->options.max_connections) {
        http_input_refuse(c, 503, "too many connections");
        return;
    }
    http_conn_move(c, CONN_IDLE);
}
