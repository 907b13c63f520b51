/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keeper of stdin and stdout (keeper.h) and the server process (pipe.h) say to each other,
 * by a socket that both inherited: a head of fixed size and a body.
 *
 *   keeper                                             server process
 *     MESSAGE  number, sequence, line ------------------>   a line that the host wrote
 *     NO_MORE  ----------------------------------------->   the host has closed stdin
 *       <------------------- EVENT  number, sequence, line   a message to the host
 *       <------------------- DONE   number, line or none     the message is answered, or durable
 *       <------------------- LATER  number                   hand it over again
 *       <------------------- SPLIT  number, lines            it is these messages instead
 *
 * A message's number is its place among the lines of stdin, from 1; 0 stands for the session's own
 * stream. Events are numbered too, so that the keeper knows those that it has; `sequence` of a
 * MESSAGE is the last one that the host got because of it.
 */
#ifndef SERVER_FRAME_H
#define SERVER_FRAME_H

#include "base/buf.h"

enum frame_kind { FRAME_MESSAGE = 1, FRAME_NO_MORE, FRAME_EVENT, FRAME_DONE, FRAME_LATER,
                  FRAME_SPLIT };

#define FRAME_REPEAT 1u  /* of a MESSAGE: it was handed over before */
#define FRAME_CROWDED 2u /* the same: there are too many, and a request is to be refused */
#define FRAME_OPENED 4u  /* of a DONE: the session is open from now on */

struct frame {
    uint32_t body_bytes;
    uint8_t kind, flags;
    uint8_t unused[2];
    uint64_t number, sequence;
};

/* Appends one. The body may be absent. */
void frame_write(struct buf *out, struct frame f, struct str body);

/* The one at the beginning of `in`, which moves behind it. The body borrows from it.
 * DMCP_E_AGAIN: it is not all there. */
int frame_next(struct str *in, struct frame *f, struct str *body_out) MUST_CHECK;

#endif
