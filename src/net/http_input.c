/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection reads, and what becomes of it: requests for the handler, refusals, bytes that
 * wait for the open exchange to end, bytes that nobody wants any more.
 *
 * All connections read into one buffer. It belongs to one of them from a read to the return of the
 * callback, so everything that is to outlive that is copied.
 */
#include "net/http_internal.h"

#include "base/clock.h"

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b);

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
    struct http_conn *c = h->data;

    (void)suggested;
    *b = uv_buf_init(c->server->read_buf, (unsigned)http_hold_read_bytes(c));
}

void http_input_start(struct http_conn *c)
{
    int error;

    c->is_paused = false;
    error = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    if (error) {
        http_conn_doom(c, uv_strerror(error));
    }
}

/* A peer that sends much behind an open exchange is not read any more until that has ended; only
 * writing will then tell that it is gone. */
static void keep_pending(struct http_conn *c, const char *p, size_t n)
{
    buf_add(&c->pending, p, n);
    if (c->pending.len > c->server->options.max_header_bytes && !c->is_paused) {
        c->is_paused = true;
        uv_read_stop((uv_stream_t *)&c->tcp);
    }
}

static void put_parse(struct http_conn *c)
{
    if (c->parse) {
        http_server_put_parse(c->server, c->parse);
        c->parse = NULL;
    }
}

void http_input_refuse(struct http_conn *c, int status, const char *why)
{
    http_conn_log(c, why);
    put_parse(c);
    buf_fini(&c->pending);
    c->x = (struct http_exchange){ .phase = EXCHANGE_REFUSED };
    http_hold_update(c);
    http_conn_send_refusal(c, status, why);
    http_server_settle_later(c);
}

/* The request lies in the buffer it was fed from and in c->parse, until the handler returns. */
static void dispatch(struct http_conn *c)
{
    struct http_server *s = c->server;
    struct http_parse *q = c->parse;
    struct http_field fields[LIMIT_HEADERS];
    struct http_request r;

    if (s->is_stopping) {
        http_input_refuse(c, 503, "the server is stopping");
        return;
    }
    http_parse_request(q, fields, &r);
    c->x = (struct http_exchange){
        .phase = EXCHANGE_OPEN,
        .keep_alive = q->keep_alive,
        .is_http10 = http_parse_is_http10(q),
        .is_head = r.method == HTTP_METHOD_HEAD,
    };
    c->parse = NULL;
    c->n_request = r.body.len;
    http_conn_move(c, CONN_HANDLING);
    http_hold_update(c);
    s->handler.on_request(s->handler.arg, &c->x, &r);
    http_server_put_parse(s, q);
}

static void wait_for_more(struct http_conn *c)
{
    struct http_parse *q = c->parse;
    const struct http_options *o = &c->server->options;

    if (http_parse_is_empty(q)) { /* blank lines only */
        put_parse(c);
        if (c->state != CONN_IDLE) {
            http_conn_move(c, CONN_IDLE);
        }
    } else if (!q->is_in_body) {
        if (c->state != CONN_HEAD) {
            http_conn_move(c, CONN_HEAD);
        }
    } else if (c->state != CONN_BODY) {
        c->body_until_ms = clock_mono_ms() + LIMIT_BODY_SPANS * o->body_ms;
        http_conn_move(c, CONN_BODY);
    } else if (clock_mono_ms() + o->body_ms <= c->body_until_ms) {
        http_conn_move(c, CONN_BODY); /* a new deadline, as long as the whole is not too slow */
    }
    if (c->parse && q->expects_continue && q->is_in_body) {
        q->expects_continue = false;
        if (q->body_len == 0) {
            http_conn_send(c, STR("HTTP/1.1 100 Continue\r\n\r\n"), STR(""));
        }
    }
}

/* Returns how much was used up; the rest is to be kept if an exchange is open then. */
static size_t feed(struct http_conn *c, const char *p, size_t n)
{
    size_t used;

    if (!c->parse) {
        c->parse = http_server_take_parse(c->server);
    }
    switch (http_parse_feed(c->parse, p, n, &used)) {
    case HTTP_PARSE_MORE:
        wait_for_more(c);
        break;
    case HTTP_PARSE_DONE:
        dispatch(c);
        break;
    case HTTP_PARSE_REFUSED:
        http_input_refuse(c, c->parse->status, c->parse->why);
        break;
    }
    return used;
}

static void throw_away(struct http_conn *c, size_t n)
{
    c->n_thrown += n;
    if (c->n_thrown > LIMIT_LINGER_BYTES) {
        http_conn_close(c, "the peer goes on sending behind the last response");
    }
}

static void input(struct http_conn *c, const char *p, size_t n)
{
    size_t used;

    switch (c->x.phase) {
    case EXCHANGE_NONE:
        if (c->state == CONN_LINGER) {
            throw_away(c, n);
            break;
        }
        used = feed(c, p, n);
        if (used < n && c->x.phase != EXCHANGE_REFUSED) {
            keep_pending(c, p + used, n - used);
        }
        break;
    case EXCHANGE_OPEN:
    case EXCHANGE_STREAMING:
    case EXCHANGE_ANSWERED:
        if (c->x.keep_alive) {
            keep_pending(c, p, n);
        } else {
            throw_away(c, n);
        }
        break;
    case EXCHANGE_REFUSED:
        throw_away(c, n);
        break;
    }
}

static void end_of_input(struct http_conn *c)
{
    c->is_eof = true;
    switch (c->x.phase) {
    case EXCHANGE_NONE:
        http_conn_close(c, "closed by the peer");
        break;
    case EXCHANGE_OPEN:
    case EXCHANGE_STREAMING:
        http_conn_close(c, "closed by the peer during an exchange");
        break;
    case EXCHANGE_ANSWERED: /* the rest of the response can still be of use to it */
    case EXCHANGE_REFUSED:
        break;
    }
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
    struct http_conn *c = h->data;

    if (c->is_doomed || n == 0) {
        return;
    }
    if (n > 0) {
        input(c, b->base, (size_t)n);
        http_hold_update(c);
    } else if (n == UV_ENOBUFS) { /* on_alloc gave nothing to read into */
        http_hold_starve(c);
    } else if (n == UV_EOF) {
        end_of_input(c);
    } else {
        http_conn_close(c, uv_strerror((int)n));
    }
}

void http_input_pending(struct http_conn *c)
{
    size_t used;

    if (c->pending.len > 0) {
        used = feed(c, c->pending.data, c->pending.len);
        if (c->pending.len > 0) { /* a refusal has emptied it */
            buf_consume(&c->pending, used);
        }
    }
    if (c->pending.len == 0) {
        buf_fini(&c->pending);
    }
    http_hold_update(c);
    if (c->is_paused && c->pending.len <= c->server->options.max_header_bytes) {
        http_input_start(c);
    }
}
