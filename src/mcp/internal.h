/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the endpoint's files share.
 *
 * States of an exchange:
 *
 *   NEW ------> SESSION ------> ENGINE ------> STREAM ------> DONE
 *    |  (the session is asked   |  (the engine   |  (events;      ^
 *    |   for, the message waits)|   or a worker  |   credit)      |
 *    +--------------------------+   has it)------+----------------+
 *
 * DONE: the transport has the whole answer; endpoint_gone frees it.
 *
 * A JSON-RPC batch is one exchange with the transport, the whole, and for each message one more, a
 * part, which knows no transport: what it says goes through its whole (batch.c).
 */
#ifndef MCP_INTERNAL_H
#define MCP_INTERNAL_H

#include "base/hmap.h"
#include "base/limits.h"
#include "base/list.h"
#include "json/rpc.h"
#include "json/writer.h"
#include "mcp/endpoint.h"
#include "mcp/session_cache.h"
#include "mcp/version.h"

#define STREAM_CREDIT (64 * KIB) /* on its way to a peer at a time */

enum exchange_state {
    EXCHANGE_NEW,
    EXCHANGE_SESSION,
    EXCHANGE_ENGINE,
    EXCHANGE_STREAM,
    EXCHANGE_DONE
};

struct exchange {
    uint64_t peer;
    void *x;
    enum exchange_state state;
    enum endpoint_method method;
    struct link link; /* in endpoint.open until DONE; a part, in its batch until that is freed */
    struct id session;
    enum version version;
    uint8_t client;   /* of an initialize: what the client can do */
    bool has_session; /* answers carry Mcp-Session-Id */
    bool is_follower; /* the engine sends it a stream */
    bool prefers_stream; /* rather than JSON, for what could be either */
    bool is_slow;     /* credit is held back until it drained */
    uint64_t credit;  /* bytes that may be on their way to the peer */
    bool is_crowded;  /* too many already, if it is a request */
    bool is_repeat;   /* a pipe's: an earlier life of the server had it, too */
    bool is_silent;   /* a pipe's, no request: nobody is answered */
    uint64_t spent;   /* bytes since the last credit */
    struct str request_id;    /* owned: raw JSON; absent for none */
    struct str last_event_id; /* owned; absent for none */
    struct str idempotency_key; /* owned, of the header; absent for none */
    struct str missing; /* owned: the error object if there is no call to attach to; absent: none */
    yyjson_doc *doc;          /* the message, while it waits for its session */
    struct rpc_message *message;
    struct message_batch *batch; /* owned, of a whole; NULL: no batch */
    struct exchange *whole;      /* of a part; NULL: none */
    struct id stream;            /* of a part: its call's, as far as that is known, */
    uint64_t sent;               /* and the last event of it that was sent */
    bool is_answered;            /* of a part: it has no more events */
    struct str reply;            /* owned, of a part: its answer, until the whole sends it */
};

struct endpoint {
    struct endpoint_config config;
    struct endpoint_ops ops;
    struct hmap exchanges; /* peer -> struct exchange */
    struct list open;
    struct session_cache sessions;
    uint64_t next_peer;
    uint64_t now_ms; /* wall clock of the request being handled */
    struct uuid7 uuids;
    struct id life; /* drawn when it is made: of this life of the server */
    uint8_t random[256]; /* drawn ahead: a system call for each id is dear */
    size_t n_random;     /* of these, the first that are not used yet */
    int refusal;
};

/* ---- endpoint.c ---- */

/* At most 32 bytes, fit for secrets. */
void endpoint_random(struct endpoint *e, void *p, size_t n);

/* ---- exchange.c ---- */

struct exchange *exchange_new(struct endpoint *e, void *x, enum endpoint_method method);
void exchange_free(struct endpoint *e, struct exchange *x);
struct exchange *exchange_find(struct endpoint *e, uint64_t peer);
void exchange_move(struct endpoint *e, struct exchange *x, enum exchange_state to);

/* One whole answer, and the exchange is DONE. */
void exchange_respond(struct endpoint *e, struct exchange *x, int status, struct str body);
void exchange_respond_with(struct endpoint *e, struct exchange *x, int status,
                           const struct endpoint_field *more, struct str body);
void exchange_result(struct endpoint *e, struct exchange *x, struct str result);
void exchange_error(struct endpoint *e, struct exchange *x, int status, int64_t code,
                    const char *text);
void exchange_error_object(struct endpoint *e, struct exchange *x, struct str error);
/* For a DMCP_E_* of the engine: its status, JSON-RPC code and Retry-After. */
void exchange_refuse(struct endpoint *e, struct exchange *x, int code, struct str text);

void exchange_open_stream(struct endpoint *e, struct exchange *x);
void exchange_event(struct endpoint *e, struct exchange *x, struct id stream, uint64_t sequence,
                    struct str message);
void exchange_end_stream(struct endpoint *e, struct exchange *x);
/* The client is to come back to it, or its pipe's next server will. */
void exchange_leave_stream(struct endpoint *e, struct exchange *x);
/* Credit for what the peer has taken, when it is worth a message to the engine. */
void exchange_pay_back(struct endpoint *e, struct exchange *x);

/* ---- batch.c ---- */

/* A body that is an array. */
void batch_take(struct endpoint *e, struct exchange *x, const struct endpoint_request *r);
void batch_begin(struct endpoint *e, struct exchange *x, const struct session_info *s);
void batch_part_reply(struct endpoint *e, struct exchange *part, struct str body); /* "": none */
/* Because the server cannot go on: the whole is refused. False: it is too late for that, or the
 * reason is the part's own. */
bool batch_part_refuse(struct endpoint *e, struct exchange *part, int code, struct str text);
void batch_part_open_stream(struct endpoint *e, struct exchange *part);
void batch_part_end_stream(struct endpoint *e, struct exchange *part);
void batch_drained(struct endpoint *e, struct exchange *x);
/* The id of an event of a part's: where all parts are. */
void batch_event_id(const struct exchange *part, struct buf *id);
/* A GET with such an id. False: it is of one stream only. */
bool batch_resume(struct endpoint *e, struct exchange *x, const struct session_info *s);
void batch_drop(struct endpoint *e, struct exchange *x); /* nobody hears its parts any more */
void batch_free(struct endpoint *e, struct exchange *x);

/* ---- post.c, stream.c ---- */

void post_take(struct endpoint *e, struct exchange *x, const struct endpoint_request *r);
/* Into x->message. False: the exchange was answered. */
bool post_parse(struct endpoint *e, struct exchange *x, yyjson_val *message);
void post_continue(struct endpoint *e, struct exchange *x, const struct session_info *s);
void stream_take(struct endpoint *e, struct exchange *x, const struct endpoint_request *r);
void stream_continue(struct endpoint *e, struct exchange *x, const struct session_info *s);
/* Behind an event of a stream; NULL: the session's own from where it stopped. */
void stream_follow_behind(struct endpoint *e, struct exchange *x, struct id stream,
                          const uint64_t *after);
void session_delete(struct endpoint *e, struct exchange *x, const struct endpoint_request *r);

/* Checks Mcp-Session-Id and MCP-Protocol-Version. False: the exchange was answered. */
bool request_session(struct endpoint *e, struct exchange *x, const struct endpoint_request *r);
/* From the cache, or asks the engine and returns NULL (the exchange goes on later). */
const struct session_info *session_lookup(struct endpoint *e, struct exchange *x);

/* ---- methods.c, initialize.c, lists.c, tools_call.c, read.c ---- */

void method_run(struct endpoint *e, struct exchange *x, const struct session_info *s);
void method_initialize(struct endpoint *e, struct exchange *x);
void method_initialize_again(struct endpoint *e, struct exchange *x,
                             const struct session_info *s);
void initialize_done(struct endpoint *e, struct exchange *x);
void method_tools_list(struct endpoint *e, struct exchange *x, const struct session_info *s);
void method_tools_call(struct endpoint *e, struct exchange *x, const struct session_info *s);
void method_prompts_list(struct endpoint *e, struct exchange *x, const struct session_info *s);
void method_prompts_get(struct endpoint *e, struct exchange *x, const struct session_info *s);
void method_resources_list(struct endpoint *e, struct exchange *x, const struct session_info *s);
void method_templates_list(struct endpoint *e, struct exchange *x, const struct session_info *s);
void method_resources_read(struct endpoint *e, struct exchange *x, const struct session_info *s);

void method_subscribe(struct endpoint *e, struct exchange *x, const struct session_info *s);
void method_unsubscribe(struct endpoint *e, struct exchange *x, const struct session_info *s);
void method_complete(struct endpoint *e, struct exchange *x, const struct session_info *s);

/* A tool or prompt that is not there. */
void attach_unknown(struct endpoint *e, struct exchange *x, const struct session_info *s,
                    enum call_method method, struct str name);

/* ---- start.c ---- */

/* A handler serves the request; params are what its row keeps. */
void call_begin(struct endpoint *e, struct exchange *x, const struct session_info *s,
                const struct tool *tool, struct str params);

/* ---- accept.c ---- */

/* What would serve it is not there: it attaches to its call of before, if there is one, or gets this
 * error object. A handler may have been removed, or be missing since a restart, while a client still
 * asks for the answer. */
void call_attach(struct endpoint *e, struct exchange *x, const struct session_info *s,
                 const struct call_record *call, struct str error);
/* A notification that a handler wants to hear of. */
void notice_begin(struct endpoint *e, struct exchange *x, const struct session_info *s,
                  const struct tool *notice);
bool accept_has(struct str accept, const char *type);
/* By weight, and by the order of the two types where that is the same. */
bool accept_prefers_stream(struct str accept);

/* ---- action.c ---- */

static inline struct command *endpoint_command(struct exchange *x, enum command_kind kind)
{
    struct command *c = command_new(kind);

    c->peer = x->peer;
    c->session = x->session;
    return c;
}

#endif
