/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit on what a peer, a handler or the disk may choose, in one place. Those marked
 * (option) are defaults that the command line can change. Each has a test at the limit and one
 * past it.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define KIB 1024u
#define MIB (1024u * 1024u)

/* HTTP */
#define LIMIT_HEADER_BYTES (16 * KIB)     /* request line and all header fields */
#define LIMIT_HEADERS 64                  /* header fields of a request */
#define LIMIT_BODY_BYTES (4 * MIB)        /* (option) */
#define LIMIT_HEADER_MS 10000             /* from the first byte to the end of the header */
#define LIMIT_BODY_MS 30000               /* without a byte of the body */
#define LIMIT_BODY_SPANS 10               /* a whole body may take so many times LIMIT_BODY_MS */
#define LIMIT_IDLE_MS 75000               /* a kept-alive connection between requests */
#define LIMIT_WRITE_MS 30000              /* output waits and the peer takes nothing */
#define LIMIT_CONNECTIONS 10000           /* (option) */
#define LIMIT_OUTPUT_BYTES (128 * KIB)     /* waiting for a slow peer, besides one message */
#define LIMIT_INPUT_BYTES (256 * MIB)     /* (option) requests of all connections, unanswered */
#define LIMIT_WAITING_BYTES (256 * MIB)   /* output of all connections that peers do not take */
#define LIMIT_URL_BYTES (2 * KIB)
#define LIMIT_LINGER_MS 2000              /* for the peer to read the last response and close */
#define LIMIT_LINGER_BYTES (1 * MIB)      /* thrown away meanwhile */
#define LIMIT_READ_BYTES (64 * KIB)       /* one read */
#define LIMIT_CHUNK_FRAMING 16            /* bytes of chunk framing for each byte of the body */

/* Options */
#define LIMIT_CONFIG_BYTES (1 * MIB)      /* a file of them */

/* stdio: the same, for a line as for a body, and */
#define LIMIT_HANDING_BYTES (4 * MIB)     /* lines that were read and not handed over yet, besides one */

/* JSON */
#define LIMIT_JSON_DEPTH 64
#define LIMIT_RESULT_BYTES (16 * MIB)     /* a step's or a call's result, a map value */

/* JSON Schema */
#define LIMIT_SCHEMA_BYTES (1 * MIB)      /* one document */
#define LIMIT_SCHEMA_DOCUMENTS 64         /* a schema and what it refers to */
#define LIMIT_SCHEMA_DEPTH 512            /* schemas applied inside one another */
#define LIMIT_SCHEMA_WORK 1000000         /* units of one check: a schema applied, a value compared */
#define LIMIT_SCHEMA_WORK_PER_VALUE 32    /* and so much more for each value in the instance */
#define LIMIT_PATTERN_STEPS 100000        /* of matching one string with one pattern */
#define LIMIT_PATTERN_KIB 4096            /* memory for that */

/* Names */
#define LIMIT_NAME_BYTES 128              /* tools, prompts, maps */
#define LIMIT_ALIAS_BYTES 256
#define LIMIT_REQUEST_ID_BYTES 256        /* as JSON text */
#define LIMIT_BATCH_MESSAGES 100          /* messages in a JSON-RPC batch */
#define LIMIT_MAP_KEY_BYTES 1024
#define LIMIT_IDEMPOTENCY_KEY_BYTES 256

/* Engine */
#define LIMIT_CALLS_RUNNING 10000         /* (option) unfinished calls held in memory */
#define LIMIT_STEPS_PER_CALL 100000
#define LIMIT_EVENTS_PER_CALL 100000
#define LIMIT_EVENTS_PER_SESSION 100000   /* on its own stream; then the oldest goes */
#define LIMIT_EVENT_BYTES (1 * MIB)       /* one notification */
#define LIMIT_BATCH_OPS 10000             /* operations of one map batch */
#define LIMIT_BATCH_BYTES (64 * MIB)
#define LIMIT_STORE_BATCH_BYTES (256 * MIB) /* one atomic write to the store */
#define LIMIT_DISK_RESERVE_BYTES (8 * MIB) /* free space at which a store counts as full */
#define LIMIT_WATCHES 256                 /* entries and ranges that a condition waits for */
#define LIMIT_RANGE_ENTRIES 100000        /* entries of one range answer */
#define LIMIT_SESSIONS 1000000            /* (option) */
#define LIMIT_SUBSCRIPTIONS 1000000       /* of all sessions to resources */
#define LIMIT_SUBSCRIBERS 10000           /* of one resource, who are told in one write */
#define LIMIT_CRASHES 3                   /* of a call before it is failed */

/* Client: what it takes from a server */
#define LIMIT_MESSAGE_BYTES (17 * MIB)    /* (option) one message: a result and what is around it */
#define LIMIT_ANSWER_HEADER_BYTES (64 * KIB)
#define LIMIT_SESSION_ID_BYTES 1024
#define LIMIT_EVENT_ID_BYTES 1024
#define LIMIT_REDIRECTS 5
#define LIMIT_LIST_PAGES 1000
#define LIMIT_LIST_ENTRIES 100000
#define LIMIT_ANSWERS_WAITING 100         /* answers to questions that the server has not taken */

#endif
