/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operator's desk: a real server with a session of a client, and the program `dmcp` to look at
 * it with, as an operator would from a shell.
 */
#ifndef TESTS_E2E_DESK_H
#define TESTS_E2E_DESK_H

#include "harness.h"
#include "proc.h"
#include "talk.h"

struct desk {
    struct proc *server;
    struct talk talk;
    char *log;       /* path of the steps' log */
    struct buf said; /* by the last dmcp */
};

/* cmocka fixtures: with a torture server that runs. */
int desk_setup(void **state);
int desk_teardown(void **state);

struct desk *desk_new(const char *program); /* nothing is started */
void desk_free(struct desk *d);
void desk_begin(struct desk *d); /* starts the server, and a session */

/* Runs `dmcp` with these arguments (of a shell) on the server's store. Its exit status; what it
 * printed on both streams is in d->said. */
int desk_dmcp(struct desk *d, const char *fmt, ...) PRINTF(2, 3);

/* The same, and it has to end with 0. What it said. */
const char *desk_ask(struct desk *d, const char *fmt, ...) PRINTF(2, 3);
void desk_expect(const struct desk *d, const char *part); /* of what was said */
void desk_expect_not(const struct desk *d, const char *part);

/* Until `dmcp` with these arguments says this. */
void desk_await(struct desk *d, const char *arguments, const char *part);

/* The first "name":"text" in what was said; the caller frees it with mem_free. */
char *desk_member(const struct desk *d, const char *name);

/* A call of the tool `run` with these steps (JSON) that somebody listens to. */
void desk_run(struct desk *d, struct ask *a, int id, const char *steps);

/* The id of the one call that waits for an input, as soon as there is one. */
char *desk_await_input(struct desk *d);

#endif
