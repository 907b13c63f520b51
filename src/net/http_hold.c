/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all connections together hold in memory: bytes of requests, and output that waits.
 *
 * Requests. Counted are bodies that arrive, requests whose answer has not begun (the handler may
 * hold what was in them until then), and what came behind the request of an open exchange. At the
 * maximum no body is read on: its connection starves, its peer meets a full window, and it goes on
 * in turn when there is room again. Who starves for as long as a body may pause gets 503.
 *
 * Bodies that are all half there must not wait for one another for ever. So one of them, the leader,
 * is read on all the same, unless there are requests whose answer will make room. Together they
 * hold no more than the maximum, one body, and for each connection what a header may have: a
 * request that comes whole in one read of that size needs no room of a body, and is never kept
 * waiting.
 *
 * Output. What one connection may have waiting is bounded in http_write.c, but for single
 * responses. Over the maximum of all, the connections are closed whose peers have taken nothing for
 * longest.
 */
#include "net/http_internal.h"

#include <assert.h>

static bool is_arriving(const struct http_conn *c)
{
    return c->state != CONN_CLOSING && c->parse && c->parse->is_in_body;
}

static bool is_full(const struct http_server *s)
{
    return s->n_held >= s->options.max_input_bytes;
}

/* Whether c may be the one that is read on although there is no room. */
static bool leads(struct http_conn *c)
{
    struct http_server *s = c->server;

    if (!s->leader && s->n_unanswered == 0) {
        s->leader = c;
    }
    return s->leader == c;
}

size_t http_hold_read_bytes(struct http_conn *c)
{
    size_t n = c->server->options.max_header_bytes + 1;

    if (c->x.phase != EXCHANGE_NONE) {
        n -= c->pending.len; /* with more nothing is read any more (http_input.c) */
    } else if (!is_full(c->server)) {
        n = LIMIT_READ_BYTES;
    } else if (is_arriving(c)) {
        n = leads(c) ? LIMIT_READ_BYTES : 0;
    }
    return n < LIMIT_READ_BYTES ? n : LIMIT_READ_BYTES;
}

void http_hold_starve(struct http_conn *c)
{
    assert(is_arriving(c) && !c->is_starved);
    c->is_starved = c->is_paused = true;
    list_append(&c->server->starved, &c->in_starved);
    uv_read_stop((uv_stream_t *)&c->tcp);
}

static void starve_no_more(struct http_conn *c)
{
    c->is_starved = false;
    list_remove(&c->server->starved, &c->in_starved);
}

/* As many as there is room for. They tell, by reading, whether there is some for the next. */
static void feed_starved(struct http_server *s)
{
    size_t room = is_full(s) ? 0 : s->options.max_input_bytes - s->n_held;
    struct link *k;

    while ((k = list_first(&s->starved)) != NULL) {
        struct http_conn *c = CONTAINER_OF(k, struct http_conn, in_starved);

        if (room == 0 && (!is_full(s) || !leads(c))) {
            break;
        }
        room -= room < LIMIT_READ_BYTES ? room : LIMIT_READ_BYTES;
        starve_no_more(c);
        if (c->state == CONN_BODY) {
            http_conn_move(c, CONN_BODY); /* that nothing came was not its peer's fault */
        }
        http_input_start(c);
    }
}

void http_hold_update(struct http_conn *c)
{
    struct http_server *s = c->server;
    size_t n_unanswered = c->x.phase == EXCHANGE_OPEN ? c->n_request : 0;
    size_t n = c->state == CONN_CLOSING ? 0 : n_unanswered + c->pending.len;

    if (is_arriving(c)) {
        n += c->parse->body_len;
    } else if (s->leader == c) {
        s->leader = NULL;
    }
    if (c->is_starved && !is_arriving(c)) {
        starve_no_more(c);
    }
    s->n_held += n - c->n_held;
    s->n_unanswered += n_unanswered - c->n_unanswered;
    c->n_held = n;
    c->n_unanswered = n_unanswered;
    feed_starved(s);
}

void http_hold_output(struct http_conn *c, size_t waiting)
{
    c->server->n_waiting += waiting - c->n_waiting;
    c->n_waiting = waiting;
}

void http_hold_close_slowest(struct http_server *s)
{
    struct link *k;

    while (s->n_waiting > s->options.max_waiting_bytes &&
           (k = list_first(&s->conns[CONN_WRITING])) != NULL) {
        http_conn_close(CONTAINER_OF(k, struct http_conn, in_state), "too much output waits");
    }
}

size_t http_server_held(const struct http_server *s)
{
    return s->n_held;
}

size_t http_server_waiting(const struct http_server *s)
{
    return s->n_waiting;
}
