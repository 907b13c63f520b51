/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An errand: one thing that the client wants from the server, over as many HTTP transfers as it
 * takes. This is where a client survives that its server is killed and started again.
 *
 *                      due
 *           WAITING ---------> OPEN ------ what it wanted, a refusal ----> DONE
 *              ^  \             |                                           ^
 *              |   \            | the transfer broke, the server said "later"
 *              |    \           v                                           |
 *              +-----\--- can it go on? ------------------ no --------------+
 *                     \                                                     |
 *                      +------------- given up by its owner ----------------+
 *
 * How it goes on when its transfer broke:
 *
 *   1. an event with an id was seen: GET with Last-Event-ID, after the time that the server asked
 *      for (MCP 2025-11-25, Transports, "Resumability and Redelivery");
 *   2. nothing of the request can have reached the server: POST;
 *   3. the request may be repeated, because it only reads or because the server attaches repeated
 *      requests to the call they began: POST, same id, same bytes;
 *   4. otherwise not at all: whether the server executed it is unknown, and stays so.
 */
#ifndef CLIENT_ERRAND_H
#define CLIENT_ERRAND_H

#include "base/err.h"
#include "base/list.h"
#include "client/transfer.h"
#include "dmcp_client.h"
#include "net/sse.h"

enum errand_kind {
    ERRAND_REQUEST, /* POST, perhaps GETs for the rest of its stream; until the response */
    ERRAND_RESUME,  /* the same without the POST, which was an earlier process's */
    ERRAND_LISTEN,  /* GETs: the standalone stream, without end */
    ERRAND_NOTICE,  /* POST of a notification or of an answer; until it is accepted */
    ERRAND_END,     /* DELETE; once */
};

enum errand_state { ERRAND_WAITING, ERRAND_OPEN, ERRAND_DONE };

struct errand {
    struct link link; /* in client.errands */
    enum errand_kind kind;
    enum errand_state state;
    uint64_t due_ms; /* waiting: until then */
    int64_t id;      /* of the request */
    char *body;      /* of the POST */
    size_t body_len;
    bool may_repeat;                  /* the same POST may reach the server twice */
    const dmcp_call_options *options; /* callbacks of a request, borrowed, or NULL */
    uint64_t deadline_ms;             /* no use in coming back later than that */
    int64_t reconnect_ms;             /* nor when so long nothing came; DMCP_FOREVER */

    /* The transfer, while open. */
    struct transfer *transfer;
    struct sse_parser sse;
    bool is_posting;              /* else a GET or DELETE */
    bool is_judged;               /* the headers were looked at */
    bool is_stream;               /* of events; else one whole answer */
    uint64_t seen_bytes, seen_ms; /* what had come when something last came, and when that was */
    char *redirect;               /* URL of the next transfer; NULL: the client's */
    unsigned n_redirects;

    /* What it knows for coming back. */
    char *event_id; /* the last one seen; NULL: none */
    bool has_retry; /* the server said how long to wait: retry_ms */
    uint64_t retry_ms;
    bool was_sent;               /* a POST may have reached the server */
    unsigned failures;           /* in a row, without a byte of a stream in between */
    uint64_t fruitless_since_ms; /* when the first of them was; 0 without */

    /* What it brought. */
    struct err error; /* code 0: it succeeded, or is not done */
    bool is_answered; /* by the server, be it with an error */
    int http_status;  /* of the last answer, 0 without */
    char *session_id; /* that an answer carried */
    char *result;     /* JSON text */
    int64_t rpc_code; /* DMCP_E_REMOTE, and the next two */
    char *rpc_message;
    char *rpc_data; /* JSON text, NULL without */
};

/* Starts when the pump next turns. The body is copied. */
struct errand *errand_new(struct dmcp_client *c, enum errand_kind kind, struct str body);

/* Takes it out of the client's list, and breaks its connection if it is open. */
void errand_free(struct dmcp_client *c, struct errand *x);

/* Whether its owner need not wait any longer: done, or listening. */
bool errand_is_settled(const struct errand *x);

/* Something may have come, or be due. */
void errand_advance(struct dmcp_client *c, struct errand *x, uint64_t now_ms);

/* When it has to be advanced though nothing came. */
uint64_t errand_wake_ms(const struct dmcp_client *c, const struct errand *x);

/* Its transfer is of no more use; go on with another, not before min_ms from now. Fails the errand
 * when it cannot or should not go on. */
void errand_come_back(struct dmcp_client *c, struct errand *x, uint64_t now_ms, uint64_t min_ms,
                      const char *reason);

/* The same request at another URL, at once. */
void errand_redirect(struct errand *x, const char *url, uint64_t now_ms);

/* Its event is unknown to the server: repeat the request instead. False if it must not be. */
bool errand_forget_event(struct errand *x, uint64_t now_ms);

/* It ends. */
void errand_finish(struct errand *x);
void errand_fail(struct errand *x, int code, const char *fmt, ...) PRINTF(3, 4);

/* Whether its request reached the server, as far as can be known. */
enum dmcp_delivery errand_delivery(const struct errand *x);

#endif
