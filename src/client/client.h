/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's handle, and what its files offer each other.
 *
 *     client.c    the handle, its options, its errors
 *     session.c   connect, reconnect, listen, poll, close
 *     request.c   requests that a function waits for
 *     tools.c     the list of tools
 *     result.c    what a request was answered with
 *     question.c  what the server asks
 *     message.c   messages from the server, to whom they go
 *     answer.c    what an HTTP answer means for the errand that it belongs to
 *     errand.c  one message to the server, over as many transfers as it takes
 *     pump.c      waiting, the turns of libcurl
 *     transfer.c  one HTTP request and its response
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdatomic.h>

#include "base/list.h"
#include "client/errand.h"
#include "client/transfer.h"
#include "dmcp_client.h"

struct dmcp_client {
    dmcp_client_options o; /* complete: no field is 0 for "default"; its strings are ours */
    char *url;
    struct wire wire;
    struct err invalid; /* what is wrong with the arguments of dmcp_client_new */

    /* The session. */
    bool is_connected;
    bool is_closed;
    bool attaches;     /* the server attaches a repeated request to its call */
    char *session_id;  /* NULL: the server has no sessions */
    char *version;     /* agreed on; NULL before */
    char *server_json; /* the result of initialize */
    int64_t next_id;

    struct list errands;     /* all that are not done; done ones until somebody took note */
    struct errand *current;  /* the request that a function waits for, or NULL */
    struct errand *listener; /* the standalone stream, or NULL */

    bool is_in_callback;
    bool is_cancelled; /* the current request, from a callback */
    char *cancel_reason;
    atomic_bool is_interrupted;

    /* Of the last request. */
    char *token;
    int64_t request_id;
    enum dmcp_delivery delivery;
    int http_status;

    /* The last error. */
    char *error; /* NULL: none */
    int64_t rpc_code;
    char *rpc_data;
};

/* ---- client.c ---- */

/* What every public function that works begins with: no error so far, and may it? */
int client_enter(struct dmcp_client *c) MUST_CHECK;

int client_enter_session(struct dmcp_client *c) MUST_CHECK; /* and is there a session? */

/* Note the error that a public function returns. */
int client_fail(struct dmcp_client *c, const struct err *e);

/* Delivery and status of a request that has ended, and its error; returns its code. */
int client_note_outcome(struct dmcp_client *c, struct errand *x) MUST_CHECK;

/* A time limit in milliseconds, or for ever, as a point in time. */
uint64_t client_deadline(int64_t limit_ms, uint64_t now_ms);

/* ---- pump.c ---- */

/* Take turns until the errand is settled (NULL: never), or until_ms. Callbacks run in here.
 * DMCP_E_TIMEOUT, DMCP_E_INTERRUPTED; DMCP_E_CANCELLED: by a callback. */
int pump_run(struct dmcp_client *c, const struct errand *x, uint64_t until_ms) MUST_CHECK;

/* Until no notice waits to be accepted, or until_ms: DMCP_E_TIMEOUT. */
int pump_flush(struct dmcp_client *c, uint64_t until_ms) MUST_CHECK;

/* ---- answer.c ---- */

/* The errand's transfer has brought a whole answer that is no stream: end the errand, or have
 * it come back later. */
void answer_judge(struct dmcp_client *c, struct errand *x, uint64_t now_ms);

/* ---- message.c ---- */

/* One message of the server, or a batch of them: call the callback that it is for, answer it, or
 * finish the errand. DMCP_E_PROTOCOL: no message. */
int message_accept(struct dmcp_client *c, struct errand *x, struct str text,
                   struct err *e) MUST_CHECK;

/* The JSON-RPC error in an answer's body; false when there is none. */
bool message_accept_error(struct errand *x, struct str body);

/* ---- request.c ---- */

struct request {
    const char *method;
    struct str params;                /* JSON text, or absent */
    const char *token;                /* resume behind this event instead of posting; or NULL */
    int64_t id;                       /* 0: the next one */
    int64_t timeout_ms, reconnect_ms; /* 0: the client's */
    bool may_repeat;
    bool is_kept;                     /* not cancelled when its time is up */
    const dmcp_call_options *options; /* callbacks; NULL: none */
};

/* Send it and wait. On success the errand has the result and is the caller's. */
int request_run(struct dmcp_client *c, const struct request *r, struct errand **x_out) MUST_CHECK;

/* ---- session.c, question.c ---- */

/* Have a message without a response delivered, now and while functions wait later. Copied. */
void session_post(struct dmcp_client *c, struct str message);

/* Ask the user, and send the answer. */
struct rpc_message;
void question_ask(struct dmcp_client *c, const struct rpc_message *m);

/* ---- result.c ---- */

/* Takes the text of a result, which is a JSON object. */
dmcp_result *result_new_take(char *json);

#endif
