/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events: their text, written and read (WHATWG HTML, "Server-sent events"). Knows
 * nothing of connections.
 */
#ifndef NET_SSE_H
#define NET_SSE_H

#include "base/buf.h"
#include "base/err.h"

/* ---- Writing --------------------------------------------------------------------------------- */

/* One event. An absent id is left out; the data may have line ends of any kind (the reader gets
 * them as LF). No `event:` field is written, which readers take for "message". CR, LF or NUL in an
 * id is a bug of the caller. */
void sse_write_event(struct buf *b, struct str id, struct str data);

/* An event with an id and empty data: gives the reader something to come back with. */
void sse_write_priming(struct buf *b, struct str id);

/* How long the reader should wait before it comes back. */
void sse_write_retry(struct buf *b, uint64_t retry_ms);

/* Something that readers ignore; of one line. */
void sse_write_comment(struct buf *b, struct str text);

/* ---- Reading --------------------------------------------------------------------------------- */

/* One block of the stream. Those that hold nothing but comments and unknown fields are not
 * reported; those without data are, because they may carry an id or a retry time. All spans live
 * until the parser is called again. */
struct sse_event {
    struct str id;   /* absent: as before; empty: from now on there is none */
    struct str type; /* absent: "message" */
    struct str data; /* absent: this is no event, only an id or a retry time */
    bool has_retry;
    uint64_t retry_ms;
};

struct sse_parser {
    struct buf in;   /* what was fed, from the first block that was not taken */
    size_t at;       /* of it, taken */
    size_t complete; /* of it, in whole blocks */
    struct buf data; /* of an event with several data lines */
    size_t max;
    size_t block_len;   /* of the block that is not complete */
    bool is_line_empty; /* of it, the last line so far */
    bool is_after_cr;   /* an LF would belong to the line end before it */
    bool is_at_start;   /* of the stream, where a byte order mark may be */
};

void sse_parser_init(struct sse_parser *p, size_t max_block_bytes);
void sse_parser_fini(struct sse_parser *p);

/* For another stream. */
void sse_parser_reset(struct sse_parser *p);

/* The bytes are copied. DMCP_E_TOOBIG: a block is over its maximum; the stream is of no more use. */
int sse_parser_feed(struct sse_parser *p, struct str bytes, struct err *e) MUST_CHECK;

/* The next block; false when there is no complete one. */
bool sse_parser_next(struct sse_parser *p, struct sse_event *event_out);

#endif
