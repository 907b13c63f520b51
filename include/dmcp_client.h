/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of durable-mcp: MCP over Streamable HTTP, protocol versions 2025-11-25, 2025-06-18
 * and 2025-03-26 (a server's 2024-11-05 is put up with).
 *
 *     dmcp_client *client = dmcp_client_new("http://127.0.0.1:9991/mcp", NULL);
 *     dmcp_result *result;
 *
 *     if (dmcp_client_connect(client) != DMCP_OK ||
 *         dmcp_client_call_tool(client, "add", "{\"a\":1,\"b\":2}", NULL, &result) != DMCP_OK) {
 *         fprintf(stderr, "%s\n", dmcp_client_error(client));
 *     } else {
 *         puts(dmcp_result_text(result));
 *         dmcp_result_free(result);
 *     }
 *     dmcp_client_free(client);
 *
 * A call outlives the connection it was made on. When that breaks, the client comes back with the
 * id of the last event it saw (Last-Event-ID) and goes on listening; when it had seen none, it
 * repeats the very same request, but only to a server that attaches a repeated request to the
 * running or finished call instead of running it twice. Servers made with dmcp.h do, and say so in
 * their capabilities. Against any other server a call whose fate is unknown ends with DMCP_E_NET,
 * and dmcp_client_error_delivery tells whether it may have been executed.
 *
 * A call also outlives the client's process: keep the session's id, its protocol version, the
 * call's request id and its last resumption token; dmcp_client_reconnect and
 * dmcp_client_resume_call take them up again.
 *
 * All functions block. They return DMCP_OK or a negative DMCP_E_* whose text dmcp_client_error
 * gives; when memory runs out the program is aborted. Times are milliseconds. JSON is UTF-8 text.
 * A loopback address is never reached through a proxy; for others the usual environment variables
 * count.
 *
 * Thread, unless a function says otherwise: a handle belongs to one thread at a time. Inside a
 * callback its own handle can only be asked (the functions that return strings and numbers) or
 * told to cancel or to interrupt; everything else gives DMCP_E_MISUSE there.
 */
#ifndef DMCP_CLIENT_H
#define DMCP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dmcp_error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dmcp_client dmcp_client;       /* a session with one server */
typedef struct dmcp_result dmcp_result;       /* what a request was answered with */
typedef struct dmcp_tool_list dmcp_tool_list; /* the tools that a server offers */
typedef struct dmcp_question dmcp_question;   /* a request of the server to the client */

/* For every time limit: none. 0 stands for the default. */
#define DMCP_FOREVER ((int64_t)-1)

/* When a request that may have reached the server may be sent again. */
enum dmcp_repost {
    DMCP_REPOST_AUTO = 0, /* when the server said that it attaches repeated requests */
    DMCP_REPOST_NEVER,
    DMCP_REPOST_ALWAYS, /* the caller knows that the server does, or that repeating is harmless */
};

/* How far the last request got. */
enum dmcp_delivery {
    DMCP_DELIVERY_NONE = 0, /* the server has not got it: it may be sent again */
    DMCP_DELIVERY_UNKNOWN,  /* the server may have got it, and may have executed it */
    DMCP_DELIVERY_ANSWERED, /* the server answered, be it with an error */
};

/* Progress of a call, valid during the callback. */
typedef struct dmcp_client_progress {
    double progress;
    double total;        /* negative when the server did not tell */
    const char *message; /* NULL when there is none */
} dmcp_client_progress;

/* A log message of the server, valid during the callback. */
typedef struct dmcp_client_log {
    const char *level;     /* "debug", "info", "notice", "warning", "error", ... */
    const char *logger;    /* NULL when there is none */
    const char *text;      /* the data when it is a string, else its JSON text */
    const char *data_json; /* the data as JSON text */
} dmcp_client_log;

/* ---- The client ------------------------------------------------------------------------------ */

/* All strings and what they point to are copied by dmcp_client_new. */
typedef struct dmcp_client_options {
    size_t size; /* sizeof(dmcp_client_options) */

    const char *name;              /* of this program, told to the server; NULL: "dmcp-client" */
    const char *version;           /* of this program; NULL: this library's */
    const char *capabilities_json; /* what this client can do, an object; NULL: "{}" */
    const char *protocol_version;  /* to offer; NULL: "2025-11-25" */
    const char *const *headers;    /* "Name: value" each, for every request; ends with NULL */
    const char *ca_file;           /* PEM of the authorities to trust; NULL: the system's */

    int64_t connect_ms;   /* for dmcp_client_connect as a whole; default 30000 */
    int64_t timeout_ms;   /* for each later request as a whole; default: forever */
    int64_t reconnect_ms; /* a server that cannot be reached for so long is given up; 300000 */
    int64_t idle_ms;      /* a connection that is silent for so long, and whose request can be
                           * continued on another, counts as broken; 300000 */
    int64_t retry_ms;     /* the longest first wait before coming back to a server that did not say
                           * how long to wait, which grows to eight times that; 1000 */

    size_t max_message_bytes; /* of one message of the server; default 17 MiB */
    enum dmcp_repost repost;
    bool terminate_on_close; /* end the session when the client is closed */

    /* A log message. */
    void (*on_log)(dmcp_client *client, const dmcp_client_log *log, void *arg);
    /* A list has changed: "tools", "prompts" or "resources". */
    void (*on_list_changed)(dmcp_client *client, const char *list, void *arg);
    /* Any other notification, and the above when they have no callback. params_json is NULL when
     * there are none. */
    void (*on_notification)(dmcp_client *client, const char *method, const char *params_json,
                            void *arg);
    /* A request of the server other than ping, such as elicitation/create. To be answered with
     * dmcp_question_answer or dmcp_question_refuse before the callback returns; one that was not
     * is refused. Without a callback all are refused with -32601. */
    void (*on_question)(dmcp_client *client, dmcp_question *question, void *arg);
    void *arg; /* for these callbacks */
} dmcp_client_options;

#define DMCP_CLIENT_OPTIONS_INIT                                                                   \
    {                                                                                              \
        .size = sizeof(dmcp_client_options), .terminate_on_close = true                            \
    }

/* Make a client. Nothing is sent yet.
 *
 * Arguments: url is the server's MCP endpoint, http or https, without user or password, at most
 *   2048 bytes. options may be NULL: the defaults of DMCP_CLIENT_OPTIONS_INIT.
 * Lifetime: both are copied. The handle is the caller's: dmcp_client_free.
 * Thread: any.
 * Durability: none.
 * Errors: never NULL. What is wrong with the arguments is reported by the first request: a URL
 *   that is none, a header with a line break or one that the protocol itself sends (DMCP_E_INVALID).
 * Source: MCP 2025-11-25, Transports, "Streamable HTTP". */
DMCP_API dmcp_client *dmcp_client_new(const char *url, const dmcp_client_options *options);

/* Close, if that has not been done, and release everything that the handle owns.
 *
 * Arguments: NULL is fine.
 * Lifetime: ends that of the handle and of the strings got from it. Results and tool lists stay.
 * Thread: the handle's; not from a callback.
 * Durability: as dmcp_client_close.
 * Errors: none.
 * Source: -- */
DMCP_API void dmcp_client_free(dmcp_client *client);

/* Begin a session: initialize, agree on a protocol version, announce that this is done.
 *
 * Arguments: a client that has no session yet.
 * Lifetime: --
 * Thread: the handle's.
 * Durability: the session outlives the server's process if the server keeps sessions, and this
 *   process if its id is kept (dmcp_client_reconnect). terminate_on_close ends it.
 * Errors: DMCP_E_TIMEOUT: not within connect_ms, for which connecting is tried again and again.
 *   DMCP_E_VERSION: no common protocol version. DMCP_E_REMOTE, DMCP_E_DENIED, DMCP_E_PROTOCOL.
 *   DMCP_E_MISUSE: there is a session already.
 * Source: MCP 2025-11-25, Lifecycle, "Initialization"; Transports, "Session Management". */
DMCP_API int dmcp_client_connect(dmcp_client *client) DMCP_MUST_CHECK;

/* Take up a session that an earlier process began. Nothing is sent: whether the server still knows
 * the session shows with the first request.
 *
 * Arguments: session_id as dmcp_client_session_id gave it (NULL for a server without sessions),
 *   protocol_version as dmcp_client_protocol_version gave it, next_request_id the first number that
 *   was not used in the session, at least 1 (dmcp_client_next_request_id).
 * Lifetime: the strings are copied.
 * Thread: the handle's.
 * Durability: what the server said about repeated requests is not known here; who kept
 *   dmcp_client_can_repost sets the option repost accordingly.
 * Errors: DMCP_E_INVALID: what cannot be a session id, a protocol version or a request id.
 *   DMCP_E_MISUSE: there is a session already.
 * Source: MCP 2025-11-25, Transports, "Session Management". */
DMCP_API int dmcp_client_reconnect(dmcp_client *client, const char *session_id,
                                   const char *protocol_version,
                                   int64_t next_request_id) DMCP_MUST_CHECK;

/* Open the stream on which the server sends what belongs to no call. It is read while any other
 * function waits, and by dmcp_client_poll; it is opened anew whenever it breaks.
 *
 * Arguments: a client with a session.
 * Lifetime: until the client is closed.
 * Thread: the handle's.
 * Durability: continued behind the last event seen, so nothing is missed if the server keeps it.
 * Errors: DMCP_E_NOTFOUND: the server offers no such stream, which is its good right.
 *   DMCP_E_GONE: it does not know the session. DMCP_E_TIMEOUT after connect_ms.
 * Source: MCP 2025-11-25, Transports, "Listening for Messages from the Server". */
DMCP_API int dmcp_client_listen(dmcp_client *client) DMCP_MUST_CHECK;

/* Read what the server sends, and call the callbacks, for timeout_ms.
 *
 * Arguments: 0: only what is there already. DMCP_FOREVER: until interrupted.
 * Lifetime: --
 * Thread: the handle's.
 * Durability: none.
 * Errors: DMCP_E_INTERRUPTED. DMCP_E_GONE: the server no longer knows the session. The time running
 *   out is DMCP_OK.
 * Source: as dmcp_client_listen. */
DMCP_API int dmcp_client_poll(dmcp_client *client, int64_t timeout_ms) DMCP_MUST_CHECK;

/* Hand over the answers that still wait for the server, end the session if terminate_on_close is
 * set, and close all connections. Takes at most five seconds.
 *
 * Arguments: --
 * Lifetime: strings got from the handle stay valid.
 * Thread: the handle's.
 * Durability: a session that is not ended, and its calls, stay with the server.
 * Errors: DMCP_E_NET: the server was not told; it forgets the session in its own time.
 * Source: MCP 2025-11-25, Transports, "Session Management" (5). */
DMCP_API int dmcp_client_close(dmcp_client *client);

/* Have the function that now waits in this handle, or else the next one that would, return
 * DMCP_E_INTERRUPTED at once. Nothing is cancelled: a call goes on at the server and can be
 * resumed.
 *
 * Arguments: --
 * Lifetime: --
 * Thread: any, also a signal handler, while the handle lives.
 * Durability: none.
 * Errors: none.
 * Source: -- */
DMCP_API void dmcp_client_interrupt(dmcp_client *client);

/* Cancel the request that now runs: it returns DMCP_E_CANCELLED, and the server is told.
 *
 * Arguments: reason is for the server's log and may be NULL.
 * Lifetime: the reason is copied.
 * Thread: the handle's, from a callback; elsewhere it does nothing.
 * Durability: the server stops the call when it gets to it; what was done stays done.
 * Errors: none.
 * Source: MCP 2025-11-25, Utilities, "Cancellation". */
DMCP_API void dmcp_client_cancel(dmcp_client *client, const char *reason);

/* What the session is: its id (NULL without one), the agreed protocol version (NULL before
 * connecting), the next request's id, whether the server attaches repeated requests; and what the
 * server said of itself, the whole result of initialize as JSON (NULL after a reconnect).
 *
 * Arguments: --
 * Lifetime: until the client is freed.
 * Thread: the handle's, also from a callback.
 * Durability: the first three are what dmcp_client_reconnect wants.
 * Errors: none.
 * Source: MCP 2025-11-25, Lifecycle, "Initialization". */
DMCP_API const char *dmcp_client_session_id(const dmcp_client *client);
DMCP_API const char *dmcp_client_protocol_version(const dmcp_client *client);
DMCP_API int64_t dmcp_client_next_request_id(const dmcp_client *client);
DMCP_API bool dmcp_client_can_repost(const dmcp_client *client);
DMCP_API const char *dmcp_client_server_json(const dmcp_client *client);

/* Why the last function failed: a text that tells what happened and often what to do; the code and
 * the data (JSON text, NULL without) of the server's JSON-RPC error, 0 and NULL unless it was
 * DMCP_E_REMOTE; the HTTP status of the last answer, 0 if there was none; how far the request got.
 *
 * Arguments: --
 * Lifetime: until the next function on this handle that returns a code.
 * Thread: the handle's.
 * Durability: none.
 * Errors: after a success the text is empty and the numbers are 0, except for the delivery.
 * Source: JSON-RPC 2.0, section 5.1. */
DMCP_API const char *dmcp_client_error(const dmcp_client *client);
DMCP_API int64_t dmcp_client_error_rpc_code(const dmcp_client *client);
DMCP_API const char *dmcp_client_error_data(const dmcp_client *client);
DMCP_API int dmcp_client_error_http_status(const dmcp_client *client);
DMCP_API enum dmcp_delivery dmcp_client_error_delivery(const dmcp_client *client);

/* ---- Requests -------------------------------------------------------------------------------- */

typedef struct dmcp_call_options {
    size_t size; /* sizeof(dmcp_call_options) */

    int64_t timeout_ms;   /* for the request as a whole; default: the client's */
    bool keep_on_timeout; /* leave the call running when the time is up, to be resumed; otherwise
                           * the server is told that it is cancelled */
    int64_t request_id;   /* the request's number; 0: the next one. Giving the number of an earlier
                           * request repeats it, which a server that attaches repeated requests
                           * answers with that call's own result. */
    enum dmcp_repost repost; /* AUTO: as the client's */
    const char *meta_json;   /* an object for params._meta; NULL: none */

    /* The call told its progress. Asking for it makes the server send it. */
    void (*on_progress)(dmcp_client *client, const dmcp_client_progress *progress, void *arg);
    /* From now on the call can be resumed behind this event; a later token replaces it. */
    void (*on_resumption_token)(dmcp_client *client, int64_t request_id, const char *token,
                                void *arg);
    void *arg; /* for these callbacks */
} dmcp_call_options;

#define DMCP_CALL_OPTIONS_INIT                                                                     \
    {                                                                                              \
        .size = sizeof(dmcp_call_options)                                                          \
    }

/* Call a tool and wait for its result, across broken connections and restarts of the server.
 *
 * Arguments: name at most 128 bytes. arguments_json: an object, NULL for none. options may be NULL.
 * Lifetime: everything is borrowed until the return. The result is the caller's: dmcp_result_free;
 *   untouched on failure.
 * Thread: the handle's.
 * Durability: the server's. What the client does when a connection breaks stands at the top of
 *   this file. The answer may come from a call that an earlier request with the same id began.
 * Errors: an error of the tool itself is a result (dmcp_result_is_error). DMCP_E_REMOTE: the server
 *   refused the request, e.g. because there is no such tool. DMCP_E_NET: the connection is lost and
 *   cannot be taken up, or not reached for reconnect_ms. DMCP_E_TIMEOUT, DMCP_E_CANCELLED,
 *   DMCP_E_INTERRUPTED. DMCP_E_GONE: the server does not know the session, which then has to be
 *   begun anew with another client. DMCP_E_BUSY: the server asks to come later, without saying when.
 *   DMCP_E_DENIED, DMCP_E_PROTOCOL, DMCP_E_TOOBIG, DMCP_E_INVALID.
 * Source: MCP 2025-11-25, Server Features, "Tools"; Transports, "Resumability and Redelivery". */
DMCP_API int dmcp_client_call_tool(dmcp_client *client, const char *name,
                                   const char *arguments_json, const dmcp_call_options *options,
                                   dmcp_result **result_out) DMCP_MUST_CHECK;

/* Wait for the result of a call that this or an earlier process made, from behind an event.
 *
 * Arguments: token as on_resumption_token or dmcp_client_resumption_token gave it, request_id the
 *   call's number. Of the options, request_id, repost and meta_json are ignored; progress is told
 *   if it was asked for when the call was made.
 * Lifetime: as dmcp_client_call_tool.
 * Thread: the handle's.
 * Durability: the call is not made again.
 * Errors: as dmcp_client_call_tool. DMCP_E_GONE: the server knows neither session nor event.
 * Source: MCP 2025-11-25, Transports, "Resumability and Redelivery". */
DMCP_API int dmcp_client_resume_call(dmcp_client *client, const char *token, int64_t request_id,
                                     const dmcp_call_options *options,
                                     dmcp_result **result_out) DMCP_MUST_CHECK;

/* The last resumption token, and the request id, of the request that runs or ran last; NULL when
 * the server gave none, 0 before the first request.
 *
 * Arguments: --
 * Lifetime: until the next request, or the next event of this one.
 * Thread: the handle's, also from a callback.
 * Durability: what dmcp_client_resume_call wants, in whichever process.
 * Errors: none.
 * Source: MCP 2025-11-25, Transports, "Resumability and Redelivery". */
DMCP_API const char *dmcp_client_resumption_token(const dmcp_client *client);
DMCP_API int64_t dmcp_client_request_id(const dmcp_client *client);

/* Any other request, such as prompts/get or logging/setLevel.
 *
 * Arguments: params_json: an object, NULL for none. options may be NULL.
 * Lifetime: as dmcp_client_call_tool.
 * Thread: the handle's.
 * Durability: requests of the protocol that only read, or set what they name (.../list, .../read,
 *   .../get, ping, logging/setLevel, completion/complete, resources/subscribe and unsubscribe),
 *   are repeated when their connection breaks; any other is treated as a tool call.
 * Errors: as dmcp_client_call_tool.
 * Source: MCP 2025-11-25, Overview, "Requests". */
DMCP_API int dmcp_client_request(dmcp_client *client, const char *method, const char *params_json,
                                 const dmcp_call_options *options,
                                 dmcp_result **result_out) DMCP_MUST_CHECK;

/* Ask whether the server is there.
 *
 * Arguments: timeout_ms as in dmcp_call_options.
 * Lifetime: --
 * Thread: the handle's.
 * Durability: none.
 * Errors: as dmcp_client_request.
 * Source: MCP 2025-11-25, Utilities, "Ping". */
DMCP_API int dmcp_client_ping(dmcp_client *client, int64_t timeout_ms) DMCP_MUST_CHECK;

/* Send a notification.
 *
 * Arguments: params_json: an object, NULL for none.
 * Lifetime: borrowed until the return.
 * Thread: the handle's.
 * Durability: returns when the server has accepted it; sent again when the connection broke before.
 * Errors: DMCP_E_NET, DMCP_E_TIMEOUT, DMCP_E_GONE, DMCP_E_PROTOCOL.
 * Source: MCP 2025-11-25, Transports, "Sending Messages to the Server" (4). */
DMCP_API int dmcp_client_notify(dmcp_client *client, const char *method,
                                const char *params_json) DMCP_MUST_CHECK;

/* ---- Results --------------------------------------------------------------------------------- */

/* Whether the tool reported an error; the text of the first text block (NULL without one); the
 * structured content as JSON text (NULL without); the whole result as JSON text, the numbers
 * undamaged whatever their size. For requests other than tool calls, the last is what counts.
 *
 * Arguments: a result.
 * Lifetime: of the strings, the result's.
 * Thread: any, one at a time.
 * Durability: none.
 * Errors: none.
 * Source: MCP 2025-11-25, Server Features, "Tools", "Tool Result". */
DMCP_API bool dmcp_result_is_error(const dmcp_result *result);
DMCP_API const char *dmcp_result_text(const dmcp_result *result);
DMCP_API const char *dmcp_result_structured(const dmcp_result *result);
DMCP_API const char *dmcp_result_json(const dmcp_result *result);

/* Release a result.
 *
 * Arguments: NULL is fine.
 * Lifetime: ends that of its strings.
 * Thread: any.
 * Durability: none.
 * Errors: none.
 * Source: -- */
DMCP_API void dmcp_result_free(dmcp_result *result);

/* ---- Tools ----------------------------------------------------------------------------------- */

/* The tools that the server offers, all pages of them.
 *
 * Arguments: --
 * Lifetime: the list is the caller's: dmcp_tool_list_free; untouched on failure.
 * Thread: the handle's.
 * Durability: repeated when the connection breaks.
 * Errors: as dmcp_client_request. DMCP_E_TOOBIG: over 1000 pages or 100000 tools.
 * Source: MCP 2025-11-25, Server Features, "Listing Tools"; Utilities, "Pagination". */
DMCP_API int dmcp_client_list_tools(dmcp_client *client, dmcp_tool_list **list_out) DMCP_MUST_CHECK;

/* How many tools there are, and of the i-th (from 0): its name, its description (NULL without),
 * its input schema, and all that the server said of it, both as JSON text.
 *
 * Arguments: i under the count.
 * Lifetime: of the strings, the list's.
 * Thread: any, one at a time.
 * Durability: none.
 * Errors: an i that is too great gives NULL.
 * Source: MCP 2025-11-25, Server Features, "Tools", "Tool". */
DMCP_API size_t dmcp_tool_list_count(const dmcp_tool_list *list);
DMCP_API const char *dmcp_tool_list_name(const dmcp_tool_list *list, size_t i);
DMCP_API const char *dmcp_tool_list_description(const dmcp_tool_list *list, size_t i);
DMCP_API const char *dmcp_tool_list_input_schema(const dmcp_tool_list *list, size_t i);
DMCP_API const char *dmcp_tool_list_json(const dmcp_tool_list *list, size_t i);

/* Release a list.
 *
 * Arguments: NULL is fine.
 * Lifetime: ends that of its strings.
 * Thread: any.
 * Durability: none.
 * Errors: none.
 * Source: -- */
DMCP_API void dmcp_tool_list_free(dmcp_tool_list *list);

/* ---- Questions of the server ----------------------------------------------------------------- */

/* What the server asks, e.g. "elicitation/create", and its parameters as JSON text (NULL without).
 *
 * Arguments: a question, inside on_question.
 * Lifetime: until on_question returns.
 * Thread: that of the callback.
 * Durability: a server that was restarted may ask again.
 * Errors: none.
 * Source: MCP 2025-11-25, Client Features. */
DMCP_API const char *dmcp_question_method(const dmcp_question *question);
DMCP_API const char *dmcp_question_params(const dmcp_question *question);

/* Answer a question, with a result or with an error. A second answer replaces the first.
 *
 * Arguments: result_json: an object. code: a JSON-RPC error code; message may be NULL.
 * Lifetime: copied.
 * Thread: that of the callback.
 * Durability: sent until the server has accepted it, as long as a function of the handle waits.
 * Errors: DMCP_E_INVALID: not a JSON object.
 * Source: MCP 2025-11-25, Overview, "Responses". */
DMCP_API int dmcp_question_answer(dmcp_question *question, const char *result_json) DMCP_MUST_CHECK;
DMCP_API void dmcp_question_refuse(dmcp_question *question, int code, const char *message);

#ifdef __cplusplus
}
#endif
#endif
