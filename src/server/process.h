/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that does the work: store, engine, workers and connections, from boot to the end.
 */
#ifndef SERVER_PROCESS_H
#define SERVER_PROCESS_H

#include "server/options.h"
#include "server/pipe.h"
#include "server/server.h"
#include "server/supervisor.h"

struct process_config {
    struct dmcp_server *server;
    const struct options *options;
    int listen_fd;
    const char *address; /* as it is bound, for people */
    const struct pipe_start *pipe; /* instead of these two, with --stdio */
};

/* A process_fn; arg is a struct process_config. */
int process_run(void *arg, const struct crash_note *crash, struct crash_note *note);

#endif
