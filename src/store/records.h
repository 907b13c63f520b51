/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of the store: explicit bytes, never a struct's memory.
 *
 * Every record begins with one byte that is its layout's number. Integers are big-endian; a
 * string is its length in 4 bytes and then its bytes. Decoding borrows from the bytes given.
 * What cannot be decoded is DMCP_E_CORRUPT. docs/FORMAT.md shows the same pictures.
 */
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H

#include "base/buf.h"
#include "base/ids.h"

/* | 1 | created 8 | seen 8 | log level 1 | flags 1 | version | principal | client info | caps | */
struct session_record {
    uint64_t created_ms, seen_ms;
    uint8_t log_level;   /* index into mcp's level names */
    uint8_t flags;       /* of SESSION_* */
    struct str protocol_version;
    struct str principal;    /* who may use it; empty without authorization */
    struct str client_info;  /* raw JSON */
    struct str capabilities; /* raw JSON */
};
#define SESSION_INITIALIZED 1u
#define SESSION_SAMPLING 2u /* what the client said that it can do */
#define SESSION_SAMPLING_TOOLS 4u
#define SESSION_ELICIT_FORM 8u
#define SESSION_ELICIT_URL 16u
#define SESSION_ROOTS 32u
#define SESSION_SAMPLING_CONTEXT 64u

/* | 1 | era 1 | method 1 | created 8 | session 16 | digest 16 | request id | name | params | */
struct call_record {
    uint8_t era;    /* enum call_era */
    uint8_t method; /* enum call_method */
    uint64_t created_ms;
    struct id session;
    struct id digest;      /* of method, name and params: what a repeat must equal */
    struct str request_id; /* raw JSON */
    struct str name;       /* of the tool */
    struct str params;     /* raw JSON */
};
enum call_era { CALL_LEGACY = 1, CALL_MODERN = 2 };
enum call_method {
    CALL_TOOL = 1,
    CALL_PROMPT = 2,
    CALL_RESOURCE = 3,
    CALL_NOTICE = 4,     /* of a notification of the client's */
    CALL_COMPLETION = 5, /* ephemeral: never in a row */
};

/* | 1 | attempt 4 | crashes 4 | flags 1 | epoch 8 | told 8 |: the row of an unfinished call, which is either
 * `unfinished` (to be run) or `suspended` (something must come first). */
struct unfinished_record {
    uint32_t attempt; /* the number of the attempt now running or waiting to run, from 1 */
    uint32_t crashes; /* how often this call took the process with it */
    uint8_t flags;
    uint64_t epoch;   /* of the server's life in which an attempt last came to a wait */
    uint64_t told_ms; /* when it was told first that it is to end; 0: it was not */
};
#define UNFINISHED_CANCELLED 1u /* its handler is to end; nobody gets a response */
#define UNFINISHED_ASKING 2u    /* a question to the client is open */
#define UNFINISHED_LATE 4u      /* its tool's time is over; the response says so */
#define UNFINISHED_KEYED 16u    /* an idempotency key leads to it */
#define UNFINISHED_OWN 32u      /* its events go to its session's own stream */
#define UNFINISHED_WATCHING 8u  /* it has a row that names the map entries that it watches */

/* | 1 | outcome 1 | finished 8 | events 8 | body | */
struct result_record {
    uint8_t outcome; /* enum call_outcome */
    uint64_t finished_ms;
    uint64_t n_events; /* on the call's stream before the response */
    struct str body;   /* raw JSON of the result, or of the error object */
};
enum call_outcome {
    OUTCOME_RESULT = 1,
    OUTCOME_ERROR = 2,
    OUTCOME_CANCELLED = 3, /* the body is an error object, for who asks again */
};

/* | 1 | guard 1 | state 1 | attempt 4 | at 8 | due 8 | digest 16 | label | body | */
struct journal_record {
    uint8_t guard; /* enum step_guard */
    uint8_t state; /* enum step_state */
    uint32_t attempt;
    uint64_t at_ms;
    uint64_t due_ms;  /* while it waits: when its timer fires; 0 for none */
    struct id digest; /* of what was asked (map writes), of the body (loops), zero for the others */
    struct str label; /* for people: the event's alias text, the map and method */
    struct str body;  /* the result's raw JSON, or the reason of a failure */
};
enum step_guard {
    GUARD_AT_LEAST_ONCE = 1,
    GUARD_AT_MOST_ONCE = 2,
    GUARD_VALUE = 3, /* now, random, uuid: recorded when first asked for */
    GUARD_MAP = 4,
    GUARD_EVENT = 5,
    GUARD_INPUT = 6, /* what comes from outside: answers, signals, time */
    GUARD_UNTIL = 7, /* a condition on maps */
    GUARD_LOOP = 8,  /* started: [iterations done, state left]; done: the same at its end */
};
const char *step_guard_name(uint8_t guard); /* "a map write" */
enum step_state {
    STEP_STARTED = 1,
    STEP_DONE = 2,
    STEP_FAILED = 3,
    STEP_EXPIRED = 4, /* of waits: nothing came in time; the body stays */
};

/* | 1 | at 8 | message | */
struct event_record {
    uint64_t at_ms;
    struct str message; /* raw JSON-RPC */
};

/* | 1 | next 8 | sent 8 |: a session's own stream. */
struct stream_record {
    uint64_t next; /* the sequence of the next event, from 1 */
    uint64_t sent; /* the last sequence that was handed to a connection */
};

/* | 1 | call id 16 | digest 16 | */
struct request_record {
    struct id call, digest;
};

/* | 1 | call id 16 | digest 16 | expires 8 |: whose key it is stands in the row's own key. */
struct idempotency_record {
    struct id call, digest;
    uint64_t expires_ms; /* not before its call is finished */
};

/* | 1 | call id 16 | session 16 | alias |: an open question to the client. */
struct input_record {
    struct id call, session;
    struct str alias; /* of its row in the journal */
};

/* | 1 | ranges |: what a call watches, as one string of ranges; each is its first key and the first
 * one behind it, two strings, as keys of map rows. A watch row of no one entry has those of its map
 * that are more than an entry; the others are empty. */
struct watch_record {
    struct str ranges;
};

/* | 1 | tools 8 | prompts 8 | resources 8 |: which lists a session knows of, by their digests; one of
 * 0 is not known. */
#define N_LISTS 3
struct lists_record {
    uint64_t digests[N_LISTS];
};

void session_record_enc(struct buf *b, const struct session_record *r);
void call_record_enc(struct buf *b, const struct call_record *r);
void unfinished_record_enc(struct buf *b, const struct unfinished_record *r);
void result_record_enc(struct buf *b, const struct result_record *r);
void journal_record_enc(struct buf *b, const struct journal_record *r);
void event_record_enc(struct buf *b, const struct event_record *r);
void stream_record_enc(struct buf *b, const struct stream_record *r);
void request_record_enc(struct buf *b, const struct request_record *r);
void idempotency_record_enc(struct buf *b, const struct idempotency_record *r);
void input_record_enc(struct buf *b, const struct input_record *r);
void watch_record_enc(struct buf *b, const struct watch_record *r);
void lists_record_enc(struct buf *b, const struct lists_record *r);

int session_record_dec(struct str s, struct session_record *r) MUST_CHECK;
int call_record_dec(struct str s, struct call_record *r) MUST_CHECK;
int unfinished_record_dec(struct str s, struct unfinished_record *r) MUST_CHECK;
int result_record_dec(struct str s, struct result_record *r) MUST_CHECK;
int journal_record_dec(struct str s, struct journal_record *r) MUST_CHECK;
int event_record_dec(struct str s, struct event_record *r) MUST_CHECK;
int stream_record_dec(struct str s, struct stream_record *r) MUST_CHECK;
int request_record_dec(struct str s, struct request_record *r) MUST_CHECK;
int idempotency_record_dec(struct str s, struct idempotency_record *r) MUST_CHECK;
int input_record_dec(struct str s, struct input_record *r) MUST_CHECK;
int watch_record_dec(struct str s, struct watch_record *r) MUST_CHECK;
int lists_record_dec(struct str s, struct lists_record *r) MUST_CHECK;

/* The ranges of a watch record, one by one. watch_range_next takes the first of *ranges:
 * DMCP_E_NOTFOUND at the end, DMCP_E_CORRUPT. */
void watch_range_add(struct buf *ranges, struct str from, struct str to);
int watch_range_next(struct str *ranges, struct str *from_out, struct str *to_out) MUST_CHECK;

#endif
