/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges: their table, their states, and the few ways to answer one.
 */
#include "mcp/internal.h"

#include <assert.h>

#include "mcp/event_id.h"

#define RETRY_AFTER_SECONDS "1"
#define EVENT_OVERHEAD 64 /* as the engine counts (stream.c) */

static struct str peer_key(const uint64_t *peer)
{
    return str_make(peer, sizeof(*peer));
}

struct exchange *exchange_new(struct endpoint *e, void *x, enum endpoint_method method)
{
    struct exchange *exchange = mem_zalloc(sizeof(*exchange));

    exchange->peer = ++e->next_peer;
    exchange->x = x;
    exchange->method = method;
    exchange->version = VERSION_LATEST;
    exchange->credit = STREAM_CREDIT;
    hmap_put(&e->exchanges, peer_key(&exchange->peer), exchange);
    list_append(&e->open, &exchange->link);
    return exchange;
}

static void drop_message(struct exchange *x)
{
    yyjson_doc_free(x->doc);
    mem_free(x->message);
    x->doc = NULL;
    x->message = NULL;
}

void exchange_free(struct endpoint *e, struct exchange *x)
{
    if (x->state != EXCHANGE_DONE && !x->whole) {
        list_remove(&e->open, &x->link);
    }
    if (x->batch) {
        batch_free(e, x);
    }
    hmap_del(&e->exchanges, peer_key(&x->peer));
    drop_message(x);
    mem_free((void *)(uintptr_t)x->request_id.p);
    mem_free((void *)(uintptr_t)x->last_event_id.p);
    mem_free((void *)(uintptr_t)x->idempotency_key.p);
    mem_free((void *)(uintptr_t)x->missing.p);
    mem_free((void *)(uintptr_t)x->reply.p);
    mem_free(x);
}

struct exchange *exchange_find(struct endpoint *e, uint64_t peer)
{
    return hmap_get(&e->exchanges, peer_key(&peer));
}

void exchange_move(struct endpoint *e, struct exchange *x, enum exchange_state to)
{
    assert(x->state < to);
    x->state = to;
    if (to >= EXCHANGE_ENGINE) {
        drop_message(x); /* an idle stream keeps nothing of its request */
    }
    if (to == EXCHANGE_DONE && !x->whole) {
        list_remove(&e->open, &x->link);
    }
    if (to == EXCHANGE_DONE && x->batch) {
        batch_drop(e, x);
    }
}

/* ---- whole answers ---- */

void exchange_respond_with(struct endpoint *e, struct exchange *x, int status,
                           const struct endpoint_field *more, struct str body)
{
    struct endpoint_field fields[2];
    char session[ID_HEX_BYTES + 1];
    size_t n = 0;

    if (x->whole) {
        batch_part_reply(e, x, body);
        return;
    }
    if (x->is_silent) {
        body = STR_NONE;
    }
    if (x->has_session) {
        id_to_hex(x->session, session);
        fields[n++] = (struct endpoint_field){ "Mcp-Session-Id", str_of(session) };
    }
    if (more) {
        fields[n++] = *more;
    }
    exchange_move(e, x, EXCHANGE_DONE);
    e->ops.respond(x->x, status, fields, n, body.len ? STR("application/json") : STR_NONE, body);
}

void exchange_respond(struct endpoint *e, struct exchange *x, int status, struct str body)
{
    exchange_respond_with(e, x, status, NULL, body);
}

/* A stream of the answer alone: there is no place in it to come back to. */
static void respond_by_stream(struct endpoint *e, struct exchange *x, struct str body)
{
    static const struct id none;

    exchange_event(e, x, none, 0, body);
    exchange_end_stream(e, x);
}

void exchange_result(struct endpoint *e, struct exchange *x, struct str result)
{
    struct buf body;

    buf_init(&body, SIZE_MAX / 2);
    rpc_write_result(&body, x->request_id, result);
    if (x->prefers_stream) {
        respond_by_stream(e, x, buf_str(&body));
    } else {
        exchange_respond(e, x, 200, buf_str(&body));
    }
    buf_fini(&body);
}

static struct str id_or_null(const struct exchange *x)
{
    /* JSON-RPC 2.0 section 5: null when the id could not be read. */
    return x->request_id.p ? x->request_id : STR("null");
}

static void error_body(struct buf *body, const struct exchange *x, int64_t code, struct str text)
{
    buf_init(body, SIZE_MAX / 2);
    rpc_write_error(body, id_or_null(x), code, text, STR_NONE);
}

void exchange_error(struct endpoint *e, struct exchange *x, int status, int64_t code,
                    const char *text)
{
    struct buf body;

    error_body(&body, x, code, str_of(text));
    exchange_respond(e, x, status, buf_str(&body));
    buf_fini(&body);
}

void exchange_error_object(struct endpoint *e, struct exchange *x, struct str error)
{
    struct buf body;

    buf_init(&body, SIZE_MAX / 2);
    rpc_write_error_object(&body, x->request_id, error);
    exchange_respond(e, x, 200, buf_str(&body));
    buf_fini(&body);
}

static const struct endpoint_field retry_after = { "Retry-After", { RETRY_AFTER_SECONDS, 1 } };

/* Whether it is this life of the server that cannot, and what was sent by a pipe goes to the next.
 * A request that comes when the disk is full is told so: nothing was done about it. */
static bool is_kept(const struct endpoint *e, const struct exchange *x, int code)
{
    switch (code) {
    case DMCP_E_GONE:
    case DMCP_E_NOTFOUND:
    case DMCP_E_CONFLICT:
    case DMCP_E_BUSY:
        return false;
    case DMCP_E_FULL:
        return e->config.is_pipe && (x->state != EXCHANGE_NEW || !x->request_id.p);
    default:
        return e->config.is_pipe;
    }
}

static void keep(struct endpoint *e, struct exchange *x)
{
    exchange_move(e, x, EXCHANGE_DONE);
    e->ops.keep(x->x);
}

/* Every code has its status. The text is the engine's; a stream that is open already can only be
 * closed: the client comes back and is told then. */
void exchange_refuse(struct endpoint *e, struct exchange *x, int code, struct str text)
{
    const struct endpoint_field *more = NULL;
    int status = 503;
    int64_t rpc_code = -32000;
    struct buf body;

    if (x->state == EXCHANGE_STREAM) {
        exchange_leave_stream(e, x);
        return;
    }
    if (is_kept(e, x, code)) {
        keep(e, x);
        return;
    }
    if (x->whole && batch_part_refuse(e, x, code, text)) {
        return;
    }
    switch (code) {
    case DMCP_E_GONE:
        status = 404;
        rpc_code = -32001; /* what the SDKs use for an unknown session */
        x->has_session = false;
        break;
    case DMCP_E_NOTFOUND:
        status = 404;
        rpc_code = RPC_INVALID_REQUEST;
        break;
    case DMCP_E_CONFLICT:
        status = 409;
        rpc_code = RPC_INVALID_REQUEST;
        break;
    default:
        more = &retry_after;
        break;
    }
    error_body(&body, x, rpc_code, text);
    exchange_respond_with(e, x, status, more, buf_str(&body));
    buf_fini(&body);
}

/* ---- streams ---- */

void exchange_open_stream(struct endpoint *e, struct exchange *x)
{
    char session[ID_HEX_BYTES + 1];
    struct endpoint_field fields[] = {
        { "Cache-Control", STR("no-cache, no-transform") },
        { "X-Accel-Buffering", STR("no") },
        { "Mcp-Session-Id", STR_NONE },
    };

    if (x->whole) {
        batch_part_open_stream(e, x);
        return;
    }
    id_to_hex(x->session, session);
    fields[2].value = str_of(session);
    exchange_move(e, x, EXCHANGE_STREAM);
    e->ops.stream_begin(x->x, fields, COUNT_OF(fields));
}

/* Who writes to the peer for x. */
static struct exchange *sender_of(struct exchange *x)
{
    return x->whole ? x->whole : x;
}

void exchange_pay_back(struct endpoint *e, struct exchange *x)
{
    struct command *c;

    if (x->is_follower && !sender_of(x)->is_slow && x->spent >= x->credit / 2) {
        c = endpoint_command(x, CMD_CREDIT);
        c->credit = x->spent;
        x->spent = 0;
        e->ops.post(e->ops.arg, c);
    }
}

/* Sequence 0 without data is the priming event; a zero stream has no ids. */
/* In one of the two: that of a batch is longer. */
static struct str event_id(struct exchange *x, struct id stream, uint64_t sequence,
                           char text[EVENT_ID_BYTES], struct buf *long_text)
{
    if (x->whole) {
        x->stream = stream;
        x->sent = sequence;
        batch_event_id(x, long_text);
        return buf_str(long_text);
    }
    event_id_text(stream, sequence, text);
    return str_of(text);
}

void exchange_event(struct endpoint *e, struct exchange *x, struct id stream, uint64_t sequence,
                    struct str message)
{
    static const struct id none;
    struct exchange *sender = sender_of(x);
    char id[EVENT_ID_BYTES];
    struct str id_text = STR_NONE;
    struct buf long_id;

    buf_init(&long_id, SIZE_MAX / 2);
    if (x->state != EXCHANGE_STREAM) {
        exchange_open_stream(e, x);
        if (version_has_priming(x->version) && !id_eq(stream, none)) {
            event_id_text(stream, 0, id);
            sender->is_slow =
                !e->ops.stream_event(sender->x, str_of(id), 0, STR(""), e->config.retry_ms);
        }
    }
    if (!id_eq(stream, none)) {
        id_text = event_id(x, stream, sequence, id, &long_id);
    }
    sender->is_slow = !e->ops.stream_event(sender->x, id_text, sequence, message, 0);
    buf_fini(&long_id);
    x->spent += message.len + EVENT_OVERHEAD;
    exchange_pay_back(e, x);
}

void exchange_end_stream(struct endpoint *e, struct exchange *x)
{
    if (x->whole) {
        batch_part_end_stream(e, x);
        return;
    }
    exchange_move(e, x, EXCHANGE_DONE);
    e->ops.stream_end(x->x);
}

void exchange_leave_stream(struct endpoint *e, struct exchange *x)
{
    if (e->config.is_pipe) {
        keep(e, x);
    } else {
        exchange_end_stream(e, x);
    }
}

void endpoint_drained(struct endpoint *e, struct exchange *x)
{
    x->is_slow = false;
    exchange_pay_back(e, x);
    if (x->batch) {
        batch_drained(e, x);
    }
}
