/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pipe's files share: pipe.c takes frames and moves bytes, pipe_ops.c has the endpoint's
 * answers.
 *
 *   ASKING --the store has the session--------------------> OPEN
 *      |                                                     ^
 *      +--it has not--> NEW --initialize--> OPENING --done--+
 *                        ^                     |
 *                        +------refused--------+
 */
#ifndef SERVER_PIPE_INTERNAL_H
#define SERVER_PIPE_INTERNAL_H

#include "base/limits.h"
#include "base/list.h"
#include "server/fifo.h"
#include "server/frame.h"
#include "server/pipe.h"

#define SHED_BYTES (8 * LIMIT_OUTPUT_BYTES) /* waiting for the keeper: no more, but for errors */

enum pipe_state { PIPE_ASKING, PIPE_NEW, PIPE_OPENING, PIPE_OPEN };

struct pipe {
    struct pipe_config config;
    struct endpoint *endpoint;
    enum pipe_state state;
    uv_pipe_t uv;
    uv_check_t turn;
    uv_timer_t end_timer;
    uv_write_t write;
    struct fifo in;
    struct buf out, writing;
    bool is_writing, is_reading, is_stopped;
    struct list open, over; /* struct handle; over: the endpoint may be told that they are gone */
    struct handle *opening; /* the initialize; in OPENING */
    bool has_opened;        /* a session, whose own stream is not followed yet */
    bool has_slow;          /* some handle is */
    size_t n_later;         /* messages that were asked for again and did not come yet */
    uint64_t end_ms;        /* mono: when the host closed its end; 0: it did not */
    uint64_t busy_ms;       /* mono: when something was last seen to go on after that */
};

/* One message, or the session's own stream (number 0). */
struct handle {
    struct pipe *pipe;
    struct exchange *exchange;
    struct link link;
    uint64_t number;
    uint64_t n_events; /* of those that have no number */
    bool is_over, is_slow;
    bool is_asking; /* a question was the last that the host heard of it */
};

/* ---- pipe_ops.c ---- */

void pipe_set_ops(struct endpoint_ops *ops);
void pipe_move(struct pipe *p, enum pipe_state to);
struct handle *handle_new(struct pipe *p, uint64_t number);

static inline size_t pipe_output_bytes(const struct pipe *p)
{
    return p->out.len + p->writing.len;
}

#endif
