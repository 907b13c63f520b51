/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of the loop: listening sockets, one timer for all deadlines, and the list of
 * connections to settle before the loop sleeps.
 *
 * Each list of connections is ordered by deadline because all of its deadlines are the same time
 * away when they are set. So the first of each list is enough to know when to wake, and the timer
 * is only set again when something is due earlier than it.
 *
 * Accepting is ours and not uv_listen's, which spins when it has run out of descriptors and of its
 * reserve. Without descriptors, or memory for them, accepting pauses and is tried again; the
 * connections wait in the kernel.
 */
#include "net/http_internal.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define ACCEPTS_PER_TURN 64
#define ACCEPT_RETRY_MS 50
#define ACCEPT_WARN_MS 10000
#define SPARE_OUTS 64
#define SPARE_OUT_BYTES (16 * KIB) /* larger ones are not kept */

/* ---- What to settle -------------------------------------------------------------------------- */

static void on_idle(uv_idle_t *h)
{
    struct http_server *s = h->data;
    struct link *k;

    /* Only those that are there now: what they cause is for the next turn. */
    for (size_t n = s->todo.n; n > 0 && (k = list_first(&s->todo)) != NULL; n--) {
        http_conn_settle(CONTAINER_OF(k, struct http_conn, in_todo));
    }
    if (list_empty(&s->todo)) {
        uv_idle_stop(&s->idle);
    }
}

void http_server_settle_later(struct http_conn *c)
{
    struct http_server *s = c->server;

    if (!c->is_todo && c->state != CONN_CLOSING) {
        c->is_todo = true;
        list_append(&s->todo, &c->in_todo);
        uv_idle_start(&s->idle, on_idle);
    }
}

void http_server_settle_not(struct http_conn *c)
{
    if (c->is_todo) {
        c->is_todo = false;
        list_remove(&c->server->todo, &c->in_todo);
    }
}

/* ---- Deadlines ------------------------------------------------------------------------------- */

static void resume_accepting(struct http_server *s);

static void on_timer(uv_timer_t *h)
{
    struct http_server *s = h->data;
    uint64_t now_ms = clock_mono_ms();
    uint64_t next_ms = UINT64_MAX;

    s->timer_due_ms = UINT64_MAX;
    for (int i = 0; i < CONN_NSTATES; i++) {
        struct link *k;

        while ((k = list_first(&s->conns[i])) != NULL) {
            struct http_conn *c = CONTAINER_OF(k, struct http_conn, in_state);

            if (c->deadline_ms > now_ms) {
                next_ms = c->deadline_ms < next_ms ? c->deadline_ms : next_ms;
                break;
            }
            http_conn_expire(c); /* which moves it, and so to the end of a list */
        }
    }
    if (s->accept_at_ms && s->accept_at_ms <= now_ms) {
        s->accept_at_ms = 0;
        resume_accepting(s);
    } else if (s->accept_at_ms) {
        http_server_arm(s, s->accept_at_ms);
    }
    http_server_arm(s, next_ms);
}

void http_server_arm(struct http_server *s, uint64_t deadline_ms)
{
    uint64_t now_ms;

    if (deadline_ms < s->timer_due_ms && !uv_is_closing((uv_handle_t *)&s->timer)) {
        now_ms = clock_mono_ms();
        s->timer_due_ms = deadline_ms;
        uv_timer_start(&s->timer, on_timer, deadline_ms > now_ms ? deadline_ms - now_ms : 0, 0);
    }
}

/* ---- Accepting ------------------------------------------------------------------------------- */

static void on_acceptable(uv_poll_t *h, int status, int events);

static void pause_accepting(struct http_server *s, int error)
{
    uint64_t now_ms = clock_mono_ms();
    struct link *k;

    if (now_ms >= s->warn_at_ms) {
        s->warn_at_ms = now_ms + ACCEPT_WARN_MS;
        log_warning("accept: %s; new connections wait", uv_strerror(uv_translate_sys_error(error)));
    }
    for (k = list_first(&s->listeners); k; k = list_next(&s->listeners, k)) {
        uv_poll_stop(&CONTAINER_OF(k, struct http_listener, link)->poll);
    }
    s->accept_at_ms = now_ms + ACCEPT_RETRY_MS;
    http_server_arm(s, s->accept_at_ms);
}

static void resume_accepting(struct http_server *s)
{
    struct link *k;

    for (k = list_first(&s->listeners); k; k = list_next(&s->listeners, k)) {
        uv_poll_start(&CONTAINER_OF(k, struct http_listener, link)->poll, UV_READABLE,
                      on_acceptable);
    }
}

/* Refusing takes a connection's while, too. So many of them may be refused at the same time; the
 * rest is closed without a word. */
static size_t max_refused(const struct http_server *s)
{
    return 64 + s->options.max_connections / 8;
}

static void on_acceptable(uv_poll_t *h, int status, int events)
{
    struct http_listener *l = h->data;
    struct http_server *s = l->server;

    (void)events;
    if (status != 0) {
        pause_accepting(s, -status);
        return;
    }
    for (int i = 0; i < ACCEPTS_PER_TURN && !s->is_stopping; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        }
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
            pause_accepting(s, errno);
            break;
        }
        if (fd < 0) {
            continue; /* that connection's own error */
        }
        if (s->n_conns >= s->options.max_connections + max_refused(s)) {
            close(fd);
        } else {
            http_conn_open(s, fd);
        }
    }
}

static void on_listener_closed(uv_handle_t *h)
{
    struct http_listener *l = h->data;

    l->server->n_handles--;
    mem_free(l);
}

int http_server_listen(struct http_server *s, int fd, struct err *e)
{
    struct http_listener *l = mem_zalloc(sizeof(*l));
    int error = uv_poll_init(s->loop, &l->poll, fd);

    assert(!s->is_stopping);
    if (error) {
        mem_free(l);
        close(fd);
        return err_set(e, DMCP_E_NET, "listen: %s", uv_strerror(error));
    }
    l->poll.data = l;
    l->server = s;
    l->fd = fd;
    list_append(&s->listeners, &l->link);
    s->n_handles++;
    uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
    return DMCP_OK;
}

/* ---- Spares ---------------------------------------------------------------------------------- */

struct http_parse *http_server_take_parse(struct http_server *s)
{
    struct http_parse *q = s->spare_parse ? s->spare_parse : mem_alloc(sizeof(*q));

    s->spare_parse = NULL;
    http_parse_init(q, &s->options);
    return q;
}

void http_server_put_parse(struct http_server *s, struct http_parse *q)
{
    http_parse_fini(q);
    if (s->spare_parse) {
        mem_free(q);
    } else {
        s->spare_parse = q;
    }
}

static void free_out(struct http_out *out)
{
    buf_fini(&out->sending);
    buf_fini(&out->waiting);
    mem_free(out);
}

struct http_out *http_server_take_out(struct http_server *s)
{
    struct link *k = list_pop(&s->spare_outs);
    struct http_out *out;

    if (k) {
        return CONTAINER_OF(k, struct http_out, link);
    }
    out = mem_alloc(sizeof(*out));
    out->is_sending = false;
    buf_init(&out->sending, SIZE_MAX / 2); /* bounded by http_stream_write */
    buf_init(&out->waiting, SIZE_MAX / 2);
    return out;
}

void http_server_put_out(struct http_server *s, struct http_out *out)
{
    assert(!out->is_sending);
    if (s->spare_outs.n >= SPARE_OUTS || out->sending.cap + out->waiting.cap > SPARE_OUT_BYTES) {
        free_out(out);
    } else {
        buf_reset(&out->sending);
        buf_reset(&out->waiting);
        list_append(&s->spare_outs, &out->link);
    }
}

/* ---- Life ------------------------------------------------------------------------------------ */

void http_options_init(struct http_options *o)
{
    *o = (struct http_options){
        .max_header_bytes = LIMIT_HEADER_BYTES,
        .max_url_bytes = LIMIT_URL_BYTES,
        .max_body_bytes = LIMIT_BODY_BYTES,
        .max_connections = LIMIT_CONNECTIONS,
        .max_output_bytes = LIMIT_OUTPUT_BYTES,
        .max_input_bytes = LIMIT_INPUT_BYTES,
        .max_waiting_bytes = LIMIT_WAITING_BYTES,
        .header_ms = LIMIT_HEADER_MS,
        .body_ms = LIMIT_BODY_MS,
        .idle_ms = LIMIT_IDLE_MS,
        .write_ms = LIMIT_WRITE_MS,
        .linger_ms = LIMIT_LINGER_MS,
    };
}

struct http_server *http_server_new(uv_loop_t *loop, const struct http_options *o,
                                    const struct http_handler *h)
{
    struct http_server *s = mem_zalloc(sizeof(*s));

    s->loop = loop;
    s->options = *o;
    s->handler = *h;
    for (int i = 0; i < CONN_NSTATES; i++) {
        list_init(&s->conns[i]);
    }
    list_init(&s->listeners);
    list_init(&s->todo);
    list_init(&s->starved);
    list_init(&s->spare_outs);
    s->timeout_ms[CONN_IDLE] = o->idle_ms;
    s->timeout_ms[CONN_HEAD] = o->header_ms;
    s->timeout_ms[CONN_BODY] = o->body_ms;
    s->timeout_ms[CONN_STREAM] = o->filler.len ? o->filler_ms : 0;
    s->timeout_ms[CONN_WRITING] = o->write_ms;
    s->timeout_ms[CONN_LINGER] = o->linger_ms;
    s->timer_due_ms = UINT64_MAX;
    s->read_buf = mem_alloc(LIMIT_READ_BYTES);
    buf_init(&s->head, MIB);
    buf_init(&s->body, MIB);
    uv_timer_init(loop, &s->timer);
    uv_idle_init(loop, &s->idle);
    s->timer.data = s->idle.data = s;
    s->n_handles = 2;
    return s;
}

static void on_handle_closed(uv_handle_t *h)
{
    struct http_server *s = h->data;

    s->n_handles--;
}

static void close_handles(struct http_server *s)
{
    if (s->is_closing && s->n_conns == 0 && !uv_is_closing((uv_handle_t *)&s->idle)) {
        uv_close((uv_handle_t *)&s->timer, on_handle_closed);
        uv_close((uv_handle_t *)&s->idle, on_handle_closed);
    }
}

void http_server_forget(struct http_conn *c)
{
    struct http_server *s = c->server;

    s->n_conns--;
    close_handles(s);
}

static void doom_all(struct http_server *s, enum http_conn_state state, const char *why)
{
    struct link *k;

    for (k = list_first(&s->conns[state]); k; k = list_next(&s->conns[state], k)) {
        http_conn_doom(CONTAINER_OF(k, struct http_conn, in_state), why);
    }
}

void http_server_stop(struct http_server *s)
{
    struct link *k;

    s->is_stopping = true;
    s->accept_at_ms = 0;
    while ((k = list_pop(&s->listeners)) != NULL) {
        struct http_listener *l = CONTAINER_OF(k, struct http_listener, link);

        uv_poll_stop(&l->poll);
        close(l->fd);
        uv_close((uv_handle_t *)&l->poll, on_listener_closed);
    }
    doom_all(s, CONN_IDLE, "the server is stopping");
}

void http_server_close(struct http_server *s)
{
    http_server_stop(s);
    s->is_closing = true;
    for (int i = 0; i < CONN_CLOSING; i++) {
        doom_all(s, (enum http_conn_state)i, "the server is closing");
    }
    close_handles(s);
}

size_t http_server_connections(const struct http_server *s)
{
    return s->n_conns;
}

size_t http_server_busy(const struct http_server *s)
{
    return s->conns[CONN_HANDLING].n + s->conns[CONN_STREAM].n + s->conns[CONN_WRITING].n;
}

bool http_server_is_closed(const struct http_server *s)
{
    return s->n_handles == 0;
}

void http_server_free(struct http_server *s)
{
    struct link *k;

    if (!s) {
        return;
    }
    assert(http_server_is_closed(s));
    while ((k = list_pop(&s->spare_outs)) != NULL) {
        free_out(CONTAINER_OF(k, struct http_out, link));
    }
    mem_free(s->spare_parse); /* finished when it was put there */
    buf_fini(&s->head);
    buf_fini(&s->body);
    mem_free(s->read_buf);
    mem_free(s);
}
