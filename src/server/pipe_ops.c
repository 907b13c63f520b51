/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the endpoint answers, put into the pipe. See pipe.h.
 *
 * A host that is slow costs no memory: streams get no credit, the pipe is not read, and what goes
 * beyond that is dropped and asked for again (FRAME_LATER): it is on disk, or can be made again.
 */
#include "json/rpc.h"
#include "server/pipe_internal.h"

#define SHED_LEAST_BYTES KIB

void pipe_move(struct pipe *p, enum pipe_state to)
{
    p->state = to;
}

static void say(struct pipe *p, enum frame_kind kind, uint64_t number, uint64_t sequence,
                struct str body)
{
    struct frame f = { .kind = (uint8_t)kind, .number = number, .sequence = sequence };

    f.flags = kind == FRAME_DONE && p->has_opened ? FRAME_OPENED : 0;
    frame_write(&p->out, f, body);
}

/* ---- handles ---- */

struct handle *handle_new(struct pipe *p, uint64_t number)
{
    struct handle *h = mem_zalloc(sizeof(*h));

    h->pipe = p;
    h->number = number;
    list_append(&p->open, &h->link);
    return h;
}

/* The endpoint is not told here: it may be the caller. */
static void handle_end(struct handle *h)
{
    h->is_over = true;
    list_remove(&h->pipe->open, &h->link);
    list_append(&h->pipe->over, &h->link);
}

/* Its message comes again. */
static void handle_shed(struct handle *h)
{
    say(h->pipe, FRAME_LATER, h->number, 0, STR_NONE);
    h->pipe->n_later++;
    handle_end(h);
}

static bool must_shed(const struct handle *h, struct str text)
{
    return h->number != 0 && text.len >= SHED_LEAST_BYTES && pipe_output_bytes(h->pipe) >= SHED_BYTES;
}

/* ---- endpoint to pipe ---- */

static bool has_session(const struct endpoint_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(fields[i].name, "Mcp-Session-Id") == 0) {
            return true;
        }
    }
    return false;
}

static void respond(void *x, int status, const struct endpoint_field *fields, size_t n,
                    struct str content_type, struct str body)
{
    struct handle *h = x;
    struct pipe *p = h->pipe;

    (void)content_type;
    if (h->is_over) {
        return;
    }
    if (h == p->opening) {
        p->opening = NULL;
        p->has_opened = has_session(fields, n);
        pipe_move(p, p->has_opened ? PIPE_OPEN : PIPE_NEW);
    }
    if (h->number == 0) {
        if (p->state == PIPE_ASKING && status == 404 && p->config.start->is_open) {
            p->config.lost(p->config.arg);
        } else if (p->state == PIPE_ASKING && status == 404) {
            pipe_move(p, PIPE_NEW);
        }
        handle_end(h);
    } else if (must_shed(h, body)) {
        handle_shed(h);
    } else {
        say(p, FRAME_DONE, h->number, 0, body);
        handle_end(h);
    }
}

static void stream_begin(void *x, const struct endpoint_field *fields, size_t n)
{
    struct handle *h = x;

    (void)fields;
    (void)n;
    if (h->number == 0 && h->pipe->state == PIPE_ASKING) {
        pipe_move(h->pipe, PIPE_OPEN);
    }
}

static bool stream_event(void *x, struct str id, uint64_t sequence, struct str data,
                         uint32_t retry_ms)
{
    struct handle *h = x;
    struct pipe *p = h->pipe;

    (void)id;
    (void)retry_ms;
    if (h->is_over || data.len == 0) {
        return true;
    }
    if (must_shed(h, data)) {
        handle_shed(h);
        return true;
    }
    say(p, FRAME_EVENT, h->number, sequence ? sequence : ++h->n_events, data);
    h->is_asking = rpc_wrote_request(data);
    h->is_slow = pipe_output_bytes(p) > LIMIT_OUTPUT_BYTES;
    p->has_slow |= h->is_slow;
    return !h->is_slow;
}

static void stream_end(void *x)
{
    struct handle *h = x;

    if (!h->is_over) {
        if (h->number != 0) {
            say(h->pipe, FRAME_DONE, h->number, 0, STR_NONE);
        }
        handle_end(h);
    }
}

static void keep(void *x)
{
    struct handle *h = x;

    if (!h->is_over) {
        h->pipe->opening = NULL;
        handle_end(h);
    }
}

static void split(void *x, struct str lines)
{
    struct handle *h = x;

    if (!h->is_over) {
        say(h->pipe, FRAME_SPLIT, h->number, 0, lines);
        for (size_t i = 0; i < lines.len; i++) {
            h->pipe->n_later += lines.p[i] == '\n';
        }
        handle_end(h);
    }
}

void pipe_set_ops(struct endpoint_ops *ops)
{
    ops->respond = respond;
    ops->stream_begin = stream_begin;
    ops->stream_event = stream_event;
    ops->stream_end = stream_end;
    ops->keep = keep;
    ops->split = split;
}
