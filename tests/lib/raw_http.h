/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP/1.1 connection of a test, byte by byte: nothing is repeated, mended or hidden, and what
 * no decent client would send can be sent. Responses are read as they come: the head, then the
 * whole body or, for a stream, one server-sent event after the other.
 *
 * It shares no code with the server nor with the client library, so that an error in either cannot
 * cancel itself out. What does not come within WAIT_MS fails the test.
 */
#ifndef TESTS_RAW_HTTP_H
#define TESTS_RAW_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct raw {
    int fd;
    struct buf in; /* received, and not looked at */
    bool is_eof, is_reset;

    /* The response that is being read. */
    int status;      /* 0: its head was not read yet */
    struct buf head; /* status line and fields, each with CRLF */
    struct buf body; /* what was decoded of it, and not taken by raw_event */
    bool is_chunked, has_length, is_over;
    size_t left; /* bytes of the body, or of the chunk and its line break, to come */
    struct buf event; /* the one that raw_event gave last */
};

/* A server-sent event. The texts live until the next call for this connection. */
struct raw_event {
    char *id, *data; /* NULL: there was none */
    long retry_ms;   /* -1: there was none */
};

struct raw *raw_open(uint16_t port);
struct raw *raw_try_open(uint16_t port); /* NULL: nobody listens */
void raw_close(struct raw *r);           /* NULL is fine */

/* A peer that has hung up meanwhile is no error here: its answer may be there. */
void raw_send(struct raw *r, const void *p, size_t n);
void raw_sendf(struct raw *r, const char *fmt, ...) PRINTF(2, 3);

/* Until the head of the next response is there; 100 (Continue) is passed over. Its status; 0 when
 * the connection ended before. */
int raw_status(struct raw *r);

/* The value of the n-th field (from 0) of that name in the response's head; the caller frees it
 * with mem_free. NULL: there is none. */
char *raw_field(const struct raw *r, const char *name, int n);

/* The whole body, until the end of the response; owned by r. A connection that ends before the
 * response does fails the test; with raw_try_body it gives NULL. */
const char *raw_body(struct raw *r);
const char *raw_try_body(struct raw *r);

/* The next event of the body. Comments are passed over. False: the stream is over, which
 * r->is_over tells to have been in order, or not. */
bool raw_event(struct raw *r, struct raw_event *event_out);

/* Another response may follow on the same connection. */
void raw_next(struct raw *r);

/* What is there already is taken in, without waiting. True: the peer has closed. */
bool raw_is_closed(struct raw *r);
void raw_await_close(struct raw *r); /* by the peer, for whatever reason */

#endif
