/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host: it starts a server with --stdio, writes lines to it and reads lines from it.
 *
 *     struct host *h = host_new("tests/gates");
 *
 *     host_start(h);                        and initialize, as a host does
 *     host_say(h, "{\"jsonrpc\":...}");
 *     host_await(h, "\"id\":7,");           the line that has this in it
 *     host_free(h);
 *
 * All lines are kept. Each must be one JSON-RPC message, whole, with nothing around it; another
 * one fails the test, as does what does not come within WAIT_MS.
 */
#ifndef TESTS_HOST_H
#define TESTS_HOST_H

#include "base/buf.h"
#include "proc.h"

struct host {
    struct proc *p;
    struct buf heard; /* of the line that is not complete */
    char **lines;     /* since the last launch */
    size_t n_lines;
    bool is_end;      /* of the server's stdout */
    bool is_deaf;     /* hears nothing while it says something */
    const char *version, *capabilities; /* of initialize; may be changed before the start */
};

struct host *host_new(const char *program);
void host_free(struct host *h);

/* Without initialize, and with it. What was heard before is forgotten. */
void host_launch(struct host *h);
void host_start(struct host *h);

/* A line. */
void host_say(struct host *h, const char *fmt, ...) PRINTF(2, 3);
void host_write(struct host *h, const char *bytes, size_t n); /* as they are */

/* tools/call of a durable tool. */
void host_call(struct host *h, int id, const char *tool, const char *fmt, ...) PRINTF(4, 5);

/* Hears what comes within so many milliseconds, or the first of it. */
void host_listen(struct host *h, int ms);

/* The first line that has this text in it; borrowed. */
const char *host_await(struct host *h, const char *text);
/* The response to this request. */
const char *host_answer(struct host *h, int id);
size_t host_count(const struct host *h, const char *text); /* of the lines heard so far */
size_t host_answers(const struct host *h, int id);

/* A request and its answer: all that was said before was heard then. */
void host_ping(struct host *h, int id);

/* Closes the server's stdin; reads to the end of its stdout; the exit status. */
int host_leave(struct host *h);
void host_close_input(struct host *h);
void host_read_to_end(struct host *h);

/* kill -9 of the process that does the work; another one is there then. */
void host_crash(struct host *h);

#endif
