/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent process: it holds the listening socket and starts the process that does the work
 * anew whenever that one dies, so that a crash in a tool costs a moment and no connection is
 * refused. It opens no store and runs no threads.
 * With --stdio it holds stdin and stdout as well (keeper.h).
 */
#ifndef SERVER_SUPERVISOR_H
#define SERVER_SUPERVISOR_H

#include "server/crash.h"
#include "server/keeper.h"

/* Exit statuses between child and parent, and of the parent to the outside. */
#define EXIT_ENDED 0
#define EXIT_FAILED 1
#define EXIT_CONFIG 2  /* starting it again would not help */
#define EXIT_AGAIN 75  /* start me again at once (EX_TEMPFAIL) */
#define EXIT_LOCKED 76 /* somebody else has the store; to the outside EXIT_CONFIG */

/* What the child runs; its return value is the child's exit status. `crash` tells of the last
 * child's end: is_set 0 for nothing to tell. */
typedef int process_fn(void *arg, const struct crash_note *crash, struct crash_note *note);

/* Returns the exit status for the outside. `stdio`: what is kept for the host, which `arg` knows of,
 * too; NULL for no such thing. */
int supervise(process_fn *run, void *arg, struct keeper *stdio);

/* The signals that it waits for; they are to be blocked before. */
void supervisor_signals(sigset_t *signals_out);

#endif
