/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MCP endpoint: HTTP exchanges in, commands to the engine out; actions of the engine in,
 * responses and events out. It knows the protocol and nothing of sockets: what it needs from its
 * surroundings is endpoint_ops.
 *
 * An exchange is one HTTP request and its answer. The endpoint knows it by a number, the peer,
 * that is never used twice, so that an action for a connection that is gone meets nobody.
 *
 * Thread: the I/O thread's only.
 */
#ifndef MCP_ENDPOINT_H
#define MCP_ENDPOINT_H

#include "engine/action.h"
#include "engine/command.h"
#include "mcp/catalog.h"

struct endpoint;

enum endpoint_method { ENDPOINT_POST, ENDPOINT_GET, ENDPOINT_DELETE, ENDPOINT_OTHER };

/* Fields that are not there are absent. Those of the last group are for a pipe (see endpoint_config):
 * the message was handed to an earlier life of the server, too; or there are too many already, and
 * a request is to be refused; `session_id` is there once its session is open, and until then an
 * initialize opens `new_session`. */
struct endpoint_request {
    enum endpoint_method method;
    struct str origin, host, accept, content_type;
    struct str session_id, protocol_version, last_event_id, idempotency_key;
    struct str body;
    bool is_repeat, is_crowded;
    const struct id *new_session;
};

struct endpoint_field {
    const char *name;
    struct str value;
};

/* `x` is the transport's handle of an exchange, as given to endpoint_request. */
struct endpoint_ops {
    void (*post)(void *arg, struct command *c); /* to the engine, which owns it then */
    void (*random)(void *p, size_t n);          /* bytes fit for secrets */
    /* An ephemeral call, to the workers. Strings are borrowed. DMCP_E_BUSY: queue full. */
    int (*run)(void *arg, uint64_t peer, const struct tool *tool, struct id session,
               struct str request_id, struct str params, uint8_t log_level);
    void (*respond)(void *x, int status, const struct endpoint_field *fields, size_t n,
                    struct str content_type, struct str body);
    void (*stream_begin)(void *x, const struct endpoint_field *fields, size_t n);
    /* One event: id and data may be absent; retry_ms 0 leaves it out; sequence is its number in its
     * stream, 0 for none. Returns false when the peer is slow and should get no more until
     * endpoint_drained. */
    bool (*stream_event)(void *x, struct str id, uint64_t sequence, struct str data,
                         uint32_t retry_ms);
    void (*stream_end)(void *x);
    /* Of a pipe: the exchange is over in this life of the server, and to be begun again in the
     * next one. */
    void (*keep)(void *x);
    /* Of a pipe: the exchange is over, and these messages take its place, a line each. */
    void (*split)(void *x, struct str lines);
    void *arg;
};

struct endpoint_config {
    struct str server_info;  /* object text */
    struct str instructions; /* may be absent */
    struct catalog *catalog;
    uint32_t page_entries; /* of a list at a time */
    struct str allowed_origins; /* comma-separated, "*" for all; loopback is always allowed */
    struct str allowed_hosts;   /* the same for Host; absent: those of loopback */
    uint64_t session_idle_ms;
    uint32_t retry_ms; /* what streams tell clients to wait before they come back */
    /* There is one client, on a pipe that outlives this process. What it sent is handed to the next
     * life of the server until it was answered, so it is not told of what only this one cannot do;
     * and only requests are answered. */
    bool is_pipe;
};

struct endpoint *endpoint_new(const struct endpoint_config *c, const struct endpoint_ops *ops);
void endpoint_free(struct endpoint *e);

/* Takes a request; may answer at once. The returned exchange must be given to endpoint_gone when
 * its connection is done with it, in whatever way. */
struct exchange *endpoint_request(struct endpoint *e, void *x, uint64_t now_ms,
                                  const struct endpoint_request *r);
void endpoint_gone(struct endpoint *e, struct exchange *exchange);
void endpoint_drained(struct endpoint *e, struct exchange *exchange);

/* From the engine or a worker; owned by the endpoint then. */
void endpoint_action(struct endpoint *e, struct action *a);

/* From now on every new request is refused with this code's status (503), or taken again
 * (DMCP_OK). */
void endpoint_set_refusal(struct endpoint *e, int code);

/* Who waits and has got nothing yet is refused with this code, too. Streams stay open. */
void endpoint_refuse_waiting(struct endpoint *e, int code);

/* Orderly end: open streams get a retry time and are closed; who waits for an answer that is not
 * there gets 503. */
void endpoint_end_streams(struct endpoint *e);

#endif
