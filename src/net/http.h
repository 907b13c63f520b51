/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 server connections on a libuv loop: the connection's states, limits, time-outs,
 * keep-alive, streams with back-pressure. Parsing is llhttp's. Knows nothing of MCP.
 *
 * An exchange is one request and its response. At most one exchange per connection is open; a
 * pipelined request waits. The handle is valid from on_request until on_end, which is called
 * exactly once per exchange: after the response has been handed to the socket whole, or as soon
 * as the connection died. A peer that closes its sending side while it waits for an answer counts
 * as gone. Requests that break the protocol or a limit are answered here and never seen by the
 * handler.
 *
 * Nothing that is called here calls back: on_end and on_drained come from the loop, later. Between
 * the death of a connection and on_end, what is written to the exchange is dropped.
 *
 * Thread: the loop's only.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct http_server;
struct http_exchange;

enum http_method {
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_OTHER
};

struct http_field {
    struct str name, value;
};

struct http_request {
    enum http_method method;
    struct str path;  /* the request target up to '?', not decoded; begins with '/', or is "*" */
    struct str query; /* behind '?', absent when there is none */
    const struct http_field *fields; /* names as sent; values trimmed */
    size_t n_fields;
    struct str body;
};

/* The value of a field, by case-insensitive name; absent when it is not there. A field that
 * stands more than once gives the first; n_out (may be NULL) tells how often. */
struct str http_request_field(const struct http_request *r, const char *name, size_t *n_out);

/* Times in milliseconds, 0 for never. http_options_init sets what base/limits.h says, and no
 * filler and empty refusals. */
struct http_options {
    size_t max_header_bytes, max_url_bytes, max_body_bytes, max_connections, max_output_bytes;
    /* Of all connections together: requests that arrive or have no answer yet, and output that
     * waits. Over the first bodies wait (http_hold.c), over the second connections are closed. */
    size_t max_input_bytes, max_waiting_bytes;
    uint64_t header_ms, body_ms, idle_ms, write_ms, linger_ms;
    uint64_t filler_ms;      /* a stream silent for so long gets the filler; 0 without one */
    struct str filler;       /* static bytes, e.g. an SSE comment */
    struct str refusal_type; /* content type of the bodies of refusals (below) */
    /* Writes the body of a response that the connection layer itself gives (400, 408, 413, 431,
     * 503, 505 ...); NULL for empty ones. `why` is for humans. */
    void (*refusal_body)(int status, const char *why, struct buf *body);
};

void http_options_init(struct http_options *o);

struct http_handler {
    /* The request and all it points to die when this returns. */
    void (*on_request)(void *arg, struct http_exchange *x, const struct http_request *r);
    /* The exchange is over. is_complete: the whole response went out. */
    void (*on_end)(void *arg, struct http_exchange *x, bool is_complete);
    /* A stream's waiting output fell under half of max_output_bytes, having been over it. */
    void (*on_drained)(void *arg, struct http_exchange *x);
    void *arg;
};

struct http_server *http_server_new(uv_loop_t *loop, const struct http_options *o,
                                    const struct http_handler *h);

/* Accepts on a bound and listening socket (the server owns it from then on, also on failure). May
 * be called for several. */
int http_server_listen(struct http_server *s, int fd, struct err *e) MUST_CHECK;

/* No new connections and no new exchanges; idle connections close, open exchanges go on. A request
 * that is still arriving will get 503. */
void http_server_stop(struct http_server *s);

/* How many there are, dying ones included. */
size_t http_server_connections(const struct http_server *s);

/* Bytes that requests hold now, and that wait for peers, as their maxima count them. */
size_t http_server_held(const struct http_server *s);
size_t http_server_waiting(const struct http_server *s);

/* How many of them have an open exchange, or output that the kernel has not taken yet. */
size_t http_server_busy(const struct http_server *s);

/* Closes everything, ending the open exchanges; the loop must run until http_server_is_closed,
 * then free. */
void http_server_close(struct http_server *s);
bool http_server_is_closed(const struct http_server *s);
void http_server_free(struct http_server *s);

void http_exchange_set_data(struct http_exchange *x, void *data);
void *http_exchange_data(const struct http_exchange *x);

/* The whole response at once; on_end follows. Content-Length, Date and Connection are added; a
 * body is left out for HEAD, 204 and 304. Control bytes in a field are a bug of the caller. */
void http_respond(struct http_exchange *x, int status, const struct http_field *fields,
                  size_t n_fields, struct str body);

/* A response of unknown length (chunked; delimited by close for HTTP/1.0). What is written within
 * one turn of the loop leaves together at its end. */
void http_stream_begin(struct http_exchange *x, int status, const struct http_field *fields,
                       size_t n_fields);
/* Returns the bytes that now wait for the peer. Over max_output_bytes the caller must stop until
 * on_drained: the next write after twice as much waits gives up the connection, and so does, in
 * any case, a peer that takes nothing for write_ms. */
size_t http_stream_write(struct http_exchange *x, struct str data);
void http_stream_end(struct http_exchange *x);

/* Give up on the connection; on_end follows. The reason is logged and must be static. */
void http_abort(struct http_exchange *x, const char *reason);

/* Binds and listens: "127.0.0.1:9991", "[::1]:9991", "localhost:0". A name with several addresses
 * gives its first IPv4 one that can be bound. Port in use, bad address and the like give
 * DMCP_E_NET with a text that names the address. port_out may be NULL. */
int http_bind(const char *address, int *fd_out, uint16_t *port_out, struct err *e) MUST_CHECK;

#endif
