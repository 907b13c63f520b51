/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoint on a pipe: one client, whose lines come from the keeper (keeper.h) and go to it.
 * Thread: the I/O thread's only.
 */
#ifndef SERVER_PIPE_H
#define SERVER_PIPE_H

#include <uv.h>

#include "mcp/endpoint.h"
#include "server/transport.h"

/* What the keeper tells a server process at its birth. */
struct pipe_start {
    int fd;            /* a socket to the keeper */
    struct id session; /* the host's, opened by its initialize: */
    bool is_open;      /* the host knows that it is */
    uint64_t sequence; /* the last event of the session's own stream that the host got */
};

struct pipe_config {
    uv_loop_t *loop;
    const struct pipe_start *start;
    bool (*is_working)(void *arg); /* a handler runs, or is about to */
    /* Once: the host has closed its end, and nothing is left to do for it; or it has been so long
     * since then. */
    void (*left)(void *arg, uint64_t since_ms); /* mono */
    /* The host's session is not in the store. It cannot be told, and nothing can be done for it. */
    void (*lost)(void *arg);
    uint64_t stop_ms;
    void *arg;
};

/* The endpoint's ops are filled in here but for `post`, `random`, `run` and `arg`. */
int pipe_new(const struct pipe_config *c, const struct endpoint_config *endpoint,
             const struct endpoint_ops *ops, struct transport *t, struct err *e) MUST_CHECK;

#endif
