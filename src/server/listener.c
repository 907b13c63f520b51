/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP and the endpoint, put together. See listener.h.
 */
#include "server/listener.h"

#include "base/clock.h"
#include "base/limits.h"
#include "json/rpc.h"
#include "net/sse.h"

#define FIELDS_MAX 8
#define KEEPALIVE_MS 15000

struct listener {
    struct http_server *http;
    struct endpoint *endpoint;
    struct str path;
    struct buf frame; /* of the event being written */
    size_t max_output;
};

/* A handle for the endpoint: http's exchange, and how to find the listener again. */
struct handle {
    struct listener *listener;
    struct http_exchange *http;
    struct exchange *exchange; /* NULL: answered without the endpoint */
};

/* ---- endpoint to HTTP ---- */

static size_t copy_fields(struct http_field *to, const struct endpoint_field *from, size_t n,
                          struct str content_type)
{
    size_t i = 0;

    if (content_type.p) {
        to[i++] = (struct http_field){ STR("Content-Type"), content_type };
    }
    for (size_t k = 0; k < n && i < FIELDS_MAX; k++) {
        to[i++] = (struct http_field){ str_of(from[k].name), from[k].value };
    }
    return i;
}

static void respond(void *x, int status, const struct endpoint_field *fields, size_t n,
                    struct str content_type, struct str body)
{
    struct handle *h = x;
    struct http_field all[FIELDS_MAX];

    http_respond(h->http, status, all, copy_fields(all, fields, n, content_type), body);
}

static void stream_begin(void *x, const struct endpoint_field *fields, size_t n)
{
    struct handle *h = x;
    struct http_field all[FIELDS_MAX];

    http_stream_begin(h->http, 200, all, copy_fields(all, fields, n, STR("text/event-stream")));
}

static bool stream_event(void *x, struct str id, uint64_t sequence, struct str data,
                         uint32_t retry_ms)
{
    struct handle *h = x;
    struct buf *frame = &h->listener->frame;
    size_t waiting;

    (void)sequence; /* it is in the id */
    buf_reset(frame);
    if (retry_ms) {
        sse_write_retry(frame, retry_ms);
    }
    if (id.p && data.len == 0) {
        sse_write_priming(frame, id);
    } else if (data.p) {
        sse_write_event(frame, id, data);
    }
    waiting = http_stream_write(h->http, buf_str(frame));
    if (frame->cap > 64 * KIB) {
        buf_fini(frame); /* one big event must not stay in memory */
    }
    return waiting <= h->listener->max_output;
}

static void stream_end(void *x)
{
    struct handle *h = x;

    http_stream_end(h->http);
}

/* ---- HTTP to endpoint ---- */

static bool is_path(const struct listener *l, struct str path)
{
    if (path.len == l->path.len + 1 && path.p[path.len - 1] == '/') {
        path.len--;
    }
    return str_eq(path, l->path);
}

static enum endpoint_method method_of(enum http_method m)
{
    switch (m) {
    case HTTP_METHOD_POST:
        return ENDPOINT_POST;
    case HTTP_METHOD_GET:
        return ENDPOINT_GET;
    case HTTP_METHOD_DELETE:
        return ENDPOINT_DELETE;
    case HTTP_METHOD_HEAD:
    case HTTP_METHOD_OPTIONS:
    case HTTP_METHOD_OTHER:
        return ENDPOINT_OTHER;
    }
    return ENDPOINT_OTHER;
}

/* Who has only the port finds out what is missing. */
static void refuse_path(const struct listener *l, struct http_exchange *x)
{
    const struct http_field type = { STR("Content-Type"), STR("application/json") };
    struct buf body, text;

    buf_init(&text, SIZE_MAX / 2);
    buf_init(&body, SIZE_MAX / 2);
    buf_addf(&text, "Not Found: the MCP endpoint of this server is %.*s", STR_FMT(l->path));
    rpc_write_error(&body, STR("null"), RPC_INVALID_REQUEST, buf_str(&text), STR_NONE);
    http_respond(x, 404, &type, 1, buf_str(&body));
    buf_fini(&body);
    buf_fini(&text);
}

static void on_request(void *arg, struct http_exchange *x, const struct http_request *r)
{
    struct listener *l = arg;
    struct handle *h = mem_zalloc(sizeof(*h));
    struct endpoint_request request = {
        .method = method_of(r->method),
        .origin = http_request_field(r, "Origin", NULL),
        .host = http_request_field(r, "Host", NULL),
        .accept = http_request_field(r, "Accept", NULL),
        .content_type = http_request_field(r, "Content-Type", NULL),
        .session_id = http_request_field(r, "Mcp-Session-Id", NULL),
        .protocol_version = http_request_field(r, "MCP-Protocol-Version", NULL),
        .last_event_id = http_request_field(r, "Last-Event-ID", NULL),
        .idempotency_key = http_request_field(r, "Idempotency-Key", NULL),
        .body = r->body,
    };

    h->listener = l;
    h->http = x;
    http_exchange_set_data(x, h);
    if (!is_path(l, r->path)) {
        refuse_path(l, x);
        return;
    }
    h->exchange = endpoint_request(l->endpoint, h, clock_wall_ms(), &request);
}

static void on_end(void *arg, struct http_exchange *x, bool is_complete)
{
    struct listener *l = arg;
    struct handle *h = http_exchange_data(x);

    (void)is_complete; /* what did not arrive is on disk */
    if (h->exchange) {
        endpoint_gone(l->endpoint, h->exchange);
    }
    mem_free(h);
}

static void on_drained(void *arg, struct http_exchange *x)
{
    struct listener *l = arg;
    struct handle *h = http_exchange_data(x);

    if (h->exchange) {
        endpoint_drained(l->endpoint, h->exchange);
    }
}

static void refusal_body(int status, const char *why, struct buf *body)
{
    (void)status;
    rpc_write_error(body, STR("null"), RPC_INVALID_REQUEST, str_of(why), STR_NONE);
}

/* ---- struct transport ---- */

static void stop(void *it)
{
    struct listener *l = it;

    http_server_stop(l->http);
}

static void close_listener(void *it)
{
    struct listener *l = it;

    http_server_close(l->http);
}

static size_t busy(const void *it)
{
    const struct listener *l = it;

    return http_server_busy(l->http);
}

static void free_listener(void *it)
{
    struct listener *l = it;

    http_server_free(l->http);
    endpoint_free(l->endpoint);
    buf_fini(&l->frame);
    mem_free(l);
}

int listener_new(uv_loop_t *loop, int fd, const struct options *o,
                 const struct endpoint_config *config, const struct endpoint_ops *ops,
                 struct transport *t, struct err *e)
{
    struct listener *l = mem_zalloc(sizeof(*l));
    struct endpoint_ops all = *ops;
    struct http_options http;
    struct http_handler handler = {
        .on_request = on_request, .on_end = on_end, .on_drained = on_drained, .arg = l
    };

    all.respond = respond;
    all.stream_begin = stream_begin;
    all.stream_event = stream_event;
    all.stream_end = stream_end;
    http_options_init(&http);
    http.max_body_bytes = o->max_body_bytes;
    http.max_input_bytes = o->max_input_bytes;
    http.max_connections = o->max_connections;
    http.filler_ms = KEEPALIVE_MS;
    http.filler = STR(":\n\n");
    http.refusal_type = STR("application/json");
    http.refusal_body = refusal_body;
    l->max_output = http.max_output_bytes;
    l->path = str_of(o->path);
    buf_init(&l->frame, SIZE_MAX / 2);
    l->endpoint = endpoint_new(config, &all);
    l->http = http_server_new(loop, &http, &handler);
    *t = (struct transport){ .endpoint = l->endpoint, .it = l, .stop = stop,
                             .close = close_listener, .busy = busy, .free = free_listener };
    return http_server_listen(l->http, fd, e);
}
