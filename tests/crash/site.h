/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of crashes share: a server of tests/programs/gates.c, a session with it, a gate and a
 * log of side effects.
 *
 * Gates make crashes exact: a call stands still inside of a body or behind an event, the test sees
 * in the log or on the stream that it does, kills the server, opens the gate, and starts the server
 * again.
 */
#ifndef TESTS_CRASH_SITE_H
#define TESTS_CRASH_SITE_H

#include "proc.h"
#include "talk.h"

struct site {
    struct proc *server;
    struct talk talk;
    char *gate, *log; /* paths */
};

/* Nothing is started. */
struct site *site_new(const char *program);
void site_free(struct site *s);

/* cmocka fixtures: a server with a session, and the end of both. */
int site_setup(void **state);
int site_teardown(void **state);

void site_begin(struct site *s); /* starts the server, and a session */

void site_open_gate(const struct site *s);
void site_close_gate(const struct site *s);

/* How often this line stands in the log. */
int site_count(const struct site *s, const char *line);
void site_await(const struct site *s, const char *line, int n); /* until it is n */

/* kill -9, and a new start. */
void site_crash(struct site *s);

/* walk with three steps, the second of which stops at the gate. */
void site_walk(struct site *s, struct ask *a, int id, const char *guard);

/* The steps of the walk of this id ran so often. */
void site_expect_steps(const struct site *s, int id, int first, int second, int third);

#endif
