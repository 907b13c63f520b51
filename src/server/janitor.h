/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of the engine thread goes into sweeping: a command's worth now and then, with a rest
 * behind it that is a multiple of the time it took. So whatever the disk's and the machine's
 * speed, sweeping has a small share of the thread, and no call waits for more than one command of
 * it. When the sweep falls behind its share grows with what is left to do: what comes in must go
 * out.
 *
 * What is deleted is the engine's affair (engine/sweep.c).
 */
#ifndef SERVER_JANITOR_H
#define SERVER_JANITOR_H

#include "engine/engine.h"

struct janitor {
    uint64_t rest_until_ns;
};

void janitor_begin(struct janitor *j, uint64_t now_ns);

/* When the next command is due; UINT64_MAX for never. */
uint64_t janitor_deadline_ns(const struct janitor *j, const struct engine *e);

struct command *janitor_command(void);

/* It was applied and its rows were written, in this time. */
void janitor_rest(struct janitor *j, const struct engine *e, uint64_t began_ns, uint64_t ended_ns);

#endif
