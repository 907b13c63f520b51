/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoint on a pipe. See pipe.h, and frame.h for what goes through it.
 *
 * Messages keep their order: while it is not known whether there is a session (ASKING, OPENING),
 * those that came are left unread.
 */
#include <unistd.h>

#include "base/clock.h"
#include "server/pipe_internal.h"

#define END_POLL_MS 10
#define END_QUIET_MS 100 /* nothing happens for so long but that the host is waited for */

static void free_over(struct pipe *p)
{
    struct link *k;

    while ((k = list_pop(&p->over))) {
        struct handle *h = CONTAINER_OF(k, struct handle, link);

        endpoint_gone(p->endpoint, h->exchange);
        mem_free(h);
    }
}

static void begin(struct handle *h, struct endpoint_request *r)
{
    r->accept = STR("application/json, text/event-stream");
    h->exchange = endpoint_request(h->pipe->endpoint, h, clock_wall_ms(), r);
}

/* The session's own stream, behind what the host has of it. */
static void follow_session(struct pipe *p)
{
    struct endpoint_request r = { .method = ENDPOINT_GET };
    char session[ID_HEX_BYTES + 1], last[ID_HEX_BYTES + 24];

    id_to_hex(p->config.start->session, session);
    snprintf(last, sizeof(last), "%s-%llu", session,
             (unsigned long long)p->config.start->sequence);
    r.session_id = str_of(session);
    r.last_event_id = str_of(last);
    begin(handle_new(p, 0), &r);
}

/* ---- pipe to endpoint ---- */

static void take_message(struct pipe *p, const struct frame *f, struct str line)
{
    struct endpoint_request r = { .method = ENDPOINT_POST,
                                  .content_type = STR("application/json"),
                                  .body = line,
                                  .is_repeat = (f->flags & FRAME_REPEAT) != 0,
                                  .is_crowded = (f->flags & FRAME_CROWDED) != 0,
                                  .new_session = &p->config.start->session };
    struct handle *h = handle_new(p, f->number);
    char session[ID_HEX_BYTES + 1];

    if (r.is_repeat && p->n_later > 0) {
        p->n_later--;
    }
    if (p->state == PIPE_OPEN) {
        id_to_hex(p->config.start->session, session);
        r.session_id = str_of(session);
    } else {
        p->opening = h;
    }
    begin(h, &r);
    /* Without a session, all is answered at once but what opens one. */
    if (p->state == PIPE_NEW && !h->is_over) {
        pipe_move(p, PIPE_OPENING);
    }
    p->opening = p->state == PIPE_OPENING ? p->opening : NULL;
}

static bool is_holding(const struct pipe *p)
{
    return p->is_stopped || p->state == PIPE_ASKING || p->state == PIPE_OPENING ||
           pipe_output_bytes(p) > LIMIT_OUTPUT_BYTES;
}

static void take_frames(struct pipe *p)
{
    struct str rest = fifo_rest(&p->in), body;
    size_t n = rest.len;
    struct frame f;

    while (!is_holding(p) && frame_next(&rest, &f, &body) == DMCP_OK) {
        if (f.kind == FRAME_MESSAGE) {
            take_message(p, &f, body);
        } else if (f.kind == FRAME_NO_MORE) {
            p->end_ms = p->busy_ms = clock_mono_ms();
        }
    }
    fifo_take(&p->in, n - rest.len);
}

/* ---- the socket ---- */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct pipe *p = handle->data;

    (void)suggested;
    *buf = uv_buf_init(buf_reserve(&p->in.buf, LIMIT_READ_BYTES), LIMIT_READ_BYTES);
}

/* It ends when the keeper does, and this process with it. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct pipe *p = stream->data;

    (void)buf;
    if (n > 0) {
        buf_advance(&p->in.buf, (size_t)n);
    } else if (n < 0) {
        p->is_stopped = true;
    }
}

static void take_turn(struct pipe *p);

static void on_written(uv_write_t *write, int status)
{
    struct pipe *p = write->data;

    (void)status;
    p->is_writing = false;
    buf_reset(&p->writing);
    if (p->writing.cap > SHED_BYTES) {
        buf_fini(&p->writing);
    }
    take_turn(p); /* it may be called where no turn of the loop comes behind it */
}

static void write_out(struct pipe *p)
{
    const struct buf out = p->out;
    uv_buf_t all;

    if (p->is_writing || out.len == 0) {
        return;
    }
    p->out = p->writing;
    p->writing = out;
    all = uv_buf_init(p->writing.data, (unsigned)p->writing.len);
    p->is_writing = uv_write(&p->write, (uv_stream_t *)&p->uv, &all, 1, on_written) == 0;
}

static void give_credit(struct pipe *p)
{
    struct link *k;

    if (!p->has_slow || pipe_output_bytes(p) > LIMIT_OUTPUT_BYTES) {
        return;
    }
    p->has_slow = false;
    for (k = list_first(&p->open); k; k = list_next(&p->open, k)) {
        struct handle *h = CONTAINER_OF(k, struct handle, link);

        if (h->is_slow) {
            h->is_slow = false;
            endpoint_drained(p->endpoint, h->exchange);
        }
    }
}

static void read_or_not(struct pipe *p)
{
    bool wants = !is_holding(p);

    if (wants != p->is_reading) {
        p->is_reading = wants;
        if (wants) {
            uv_read_start((uv_stream_t *)&p->uv, on_room, on_read);
        } else {
            uv_read_stop((uv_stream_t *)&p->uv);
        }
    }
}

static void on_end_timer(uv_timer_t *timer);

/* Once per turn of the loop, behind all that came in it and before what it posts is handed over
 * (outbox.c). */
static void take_turn(struct pipe *p)
{
    free_over(p);
    take_frames(p);
    if (p->has_opened) {
        p->has_opened = false;
        follow_session(p);
    }
    free_over(p);
    give_credit(p);
    write_out(p);
    read_or_not(p);
    if (p->end_ms && !uv_is_active((uv_handle_t *)&p->end_timer) && !p->is_stopped) {
        uv_timer_start(&p->end_timer, on_end_timer, END_POLL_MS, END_POLL_MS);
    }
}

static void on_turn(uv_check_t *turn)
{
    take_turn(turn->data);
}

/* ---- the end ---- */

/* A call that asked the host something waits for an answer that will not come. */
static bool has_work(const struct pipe *p, bool *is_asking_out)
{
    const struct link *k;

    *is_asking_out = false;
    for (k = list_first(&p->open); k; k = list_next(&p->open, k)) {
        const struct handle *h = CONTAINER_OF(k, struct handle, link);

        if (h->number != 0 && !h->is_asking) {
            return true;
        }
        *is_asking_out |= h->is_asking;
    }
    return p->n_later > 0 || pipe_output_bytes(p) > 0;
}

static void on_end_timer(uv_timer_t *timer)
{
    struct pipe *p = timer->data;
    uint64_t now_ms = clock_mono_ms();
    bool is_asking;

    if (has_work(p, &is_asking) || p->config.is_working(p->config.arg)) {
        p->busy_ms = now_ms;
    }
    if (now_ms >= p->end_ms + p->config.stop_ms ||
        now_ms >= p->busy_ms + (is_asking ? END_QUIET_MS : 1)) {
        uv_timer_stop(&p->end_timer);
        p->is_stopped = true;
        p->config.left(p->config.arg, p->end_ms);
    }
}

static void stop(void *it)
{
    struct pipe *p = it;

    p->is_stopped = true;
    uv_timer_stop(&p->end_timer);
    read_or_not(p);
}

static void close_pipe(void *it)
{
    struct pipe *p = it;

    uv_close((uv_handle_t *)&p->uv, NULL);
    uv_close((uv_handle_t *)&p->turn, NULL);
    uv_close((uv_handle_t *)&p->end_timer, NULL);
}

static size_t busy(const void *it)
{
    const struct pipe *p = it;

    return pipe_output_bytes(p) > 0 ? 1 : 0;
}

static void free_pipe(void *it)
{
    struct pipe *p = it;
    struct link *k;

    free_over(p);
    while ((k = list_pop(&p->open))) {
        mem_free(CONTAINER_OF(k, struct handle, link)); /* the endpoint frees what is its */
    }
    endpoint_free(p->endpoint);
    fifo_fini(&p->in);
    buf_fini(&p->out);
    buf_fini(&p->writing);
    mem_free(p);
}

/* ---- the beginning ---- */

int pipe_new(const struct pipe_config *c, const struct endpoint_config *endpoint,
             const struct endpoint_ops *ops, struct transport *t, struct err *e)
{
    struct pipe *p = mem_zalloc(sizeof(*p));
    struct endpoint_ops all = *ops;

    pipe_set_ops(&all);
    p->config = *c;
    fifo_init(&p->in);
    buf_init(&p->out, SIZE_MAX / 2);
    buf_init(&p->writing, SIZE_MAX / 2);
    list_init(&p->open);
    list_init(&p->over);
    p->endpoint = endpoint_new(endpoint, &all);
    uv_pipe_init(c->loop, &p->uv, 0);
    uv_check_init(c->loop, &p->turn);
    uv_timer_init(c->loop, &p->end_timer);
    p->uv.data = p->turn.data = p->end_timer.data = p->write.data = p;
    uv_check_start(&p->turn, on_turn);
    *t = (struct transport){ .endpoint = p->endpoint, .it = p, .stop = stop,
                             .close = close_pipe, .busy = busy, .free = free_pipe };
    if (uv_pipe_open(&p->uv, c->start->fd) != 0) {
        return err_set(e, DMCP_E_NET, "cannot open the pipe to the supervisor");
    }
    follow_session(p);
    return DMCP_OK;
}
