/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the I/O thread has for the engine and the workers, handed over once per turn of its loop:
 * they are woken once for all requests that were read in it, and work them off together. Waking a
 * thread costs as much as answering a request.
 * Thread: the I/O thread's only.
 */
#ifndef SERVER_OUTBOX_H
#define SERVER_OUTBOX_H

#include <uv.h>

#include "engine/command.h"
#include "server/workers.h"

struct outbox {
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    struct mailbox *commands;
    struct workers *workers;
    struct mail *first, **last; /* commands */
    size_t n_commands, n_runs;
};

void outbox_init(struct outbox *o, uv_loop_t *loop);
void outbox_open(struct outbox *o, struct mailbox *commands, struct workers *workers);

void outbox_put(struct outbox *o, struct command *c);           /* takes it */
int outbox_run(struct outbox *o, struct run *r) MUST_CHECK;     /* as workers_put */
void outbox_flush(struct outbox *o);                            /* now */

/* Closes its handles; the loop has to run on. */
void outbox_close(struct outbox *o);

#endif
