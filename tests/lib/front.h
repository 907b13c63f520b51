/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint without sockets and without an engine: requests go in, and what it posts to the engine
 * or answers is looked at. There is one session, which the endpoint knows already, and two tools:
 * `add` (durable) and `peek` (ephemeral).
 */
#ifndef TESTS_FRONT_H
#define TESTS_FRONT_H

#include "mcp/endpoint.h"

struct front {
    struct endpoint *endpoint;
    struct catalog catalog;
    struct id session;
    char session_hex[ID_HEX_BYTES + 1];
    struct exchange *exchange; /* the last one, */
    uint64_t peer;             /* and its number */
    struct mail *posted, **last_posted;
    int status;             /* of the last answer; 0 for none */
    struct buf body;        /* of the last answer, or the events of its stream, a line each */
    bool is_open, is_ended; /* its stream */
    bool is_repeat, is_crowded; /* what its requests are from now on, on a pipe */
    bool is_kept;           /* for the next life of the server */
    unsigned n_unfollowed;  /* requests that nobody listens to any more */
};

int front_setup(void **state); /* cmocka fixtures */
int front_setup_2025_03_26(void **state); /* the session's revision */
int front_setup_pipe(void **state);       /* the endpoint of a pipe */
int front_teardown(void **state);

void front_post(struct front *f, const char *body);
void front_post_with_key(struct front *f, const char *key, const char *body); /* Idempotency-Key */
void front_post_outside(struct front *f, const char *body); /* of the session */

/* The first command that was not looked at yet, which must be of this kind; the caller frees it. */
struct command *front_expect(struct front *f, enum command_kind kind);
void front_expect_nothing(struct front *f);
void front_leave(struct front *f); /* the client hangs up */

/* Of the engine, to the exchange `peer`: that of the last command, unless the test says another. */
void front_done(struct front *f);                               /* it has carried it out */
void front_refuse(struct front *f, int code, const char *text); /* or not */
void front_prime(struct front *f);                              /* it opens the stream */
void front_reply(struct front *f, const char *id, const char *result); /* the call's outcome */
void front_reply_as(struct front *f, enum call_outcome outcome, const char *id, const char *body);
void front_end(struct front *f);                                /* it closes the stream */

#endif
