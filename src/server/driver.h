/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two threads between the engine and the disk.
 *
 *   commands --> [engine thread: apply ... apply, write, release what may be seen] --+
 *                                                                                    | positions
 *   durable actions <-- [sync thread: one fsync for all that was written so far] <---+
 *
 * Many commands share a write and many writes share an fsync: whoever comes while a sync runs
 * goes with the next one. Rows that nobody waits for are made durable a moment later, or with the
 * next sync that somebody waits for.
 *
 * When the store fails the engine in memory is ahead of the disk, so it is not used again: the
 * driver refuses whatever comes (so that every client gets an answer) and tells its owner, who
 * starts the process anew.
 */
#ifndef SERVER_DRIVER_H
#define SERVER_DRIVER_H

#include "base/mailbox.h"
#include "engine/engine.h"

struct driver;

struct driver_ops {
    void (*dispatch)(void *arg, struct action *a); /* owns it: ACT_DISPATCH, to the workers */
    void (*dispatched)(void *arg);             /* after some of them, from the same thread */
    /* To its handler: UNFINISHED_*, and since when it knows; 0 for the first time. */
    void (*cancel)(void *arg, struct id call, uint8_t why, uint64_t told_ms);
    void (*failed)(void *arg, int code, const char *text); /* once, from a driver thread */
    void *arg;
};

/* Recovers from the store. `io` gets the actions for connections. */
int driver_open(struct store *store, const struct engine_options *o, const struct driver_ops *ops,
                struct mailbox *io, const struct id *crashed, struct str crash_result,
                struct driver **driver_out, struct err *e) MUST_CHECK;

/* Starts the threads. From now on driver_ops are called: a timer may be due already. */
void driver_start(struct driver *d);

/* What was recovered is dispatched with the first command; this posts one. */
void driver_begin(struct driver *d);
struct mailbox *driver_commands(struct driver *d);

/* Applies what was posted before, syncs, and ends the threads. Nobody posts any more. */
void driver_stop(struct driver *d);

struct driver_counts {
    uint64_t commands, writes, syncs;
};
struct driver_counts driver_counts(struct driver *d);

#endif
