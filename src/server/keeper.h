/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps stdin and stdout while server processes come and go. It is the supervisor's work with
 * --stdio: it runs in the parent, while that waits for its child.
 *
 *   host --lines--> [ waiting --> handed over ] --frames--> server process
 *   host <--lines-- [ to the host             ] <--frames-- server process
 *
 * A line stays here until the server process says that it is answered or, when it wants no answer,
 * durable. When that process dies, the next one gets all that is left, in order, and what the dead
 * one had begun goes on: the same request in the same session is the same call. Of what the
 * process says only whole frames count, and an event is written once. So the host sees one server,
 * with each message in one piece and once.
 *
 * It knows nothing of JSON-RPC.
 */
#ifndef SERVER_KEEPER_H
#define SERVER_KEEPER_H

#include <signal.h>

#include "base/err.h"
#include "server/pipe.h"

struct keeper;

struct keeper_config {
    int in, out; /* the host's; the keeper's then */
    uint64_t max_line_bytes, max_held_bytes, stop_ms;
};

/* Takes what the host wants of the process: its own copies of stdin and stdout. From now on those
 * names lead elsewhere, to nothing and to stderr, so that nobody else talks to the host. */
int keeper_take_stdio(struct keeper_config *c, struct err *e) MUST_CHECK;

/* Waits for these signals, too, which must be blocked. */
struct keeper *keeper_new(const struct keeper_config *c, const sigset_t *signals);
void keeper_free(struct keeper *k);

/* What the server process starts with: of the one that is forked next. */
const struct pipe_start *keeper_pipe(const struct keeper *k);

/* Around a fork, and after the child's end. */
int keeper_begin(struct keeper *k, struct err *e) MUST_CHECK;
void keeper_forked(struct keeper *k, bool is_child);
void keeper_ended(struct keeper *k);

/* Works until one of the signals comes, and returns it; 0 when so much time has passed (-1: no
 * limit). */
int keeper_wait(struct keeper *k, int64_t ms);

/* The host has left, and what the server had to do for it has had its time. */
bool keeper_is_over(const struct keeper *k);

/* There will be no other server process: what is left goes to the host, if it takes it. */
void keeper_flush(struct keeper *k);

#endif
