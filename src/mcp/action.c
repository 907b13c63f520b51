/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine answers, carried to the exchange that waits for it. An action for an exchange
 * that is gone, or that was answered otherwise, is dropped: what it says is on disk.
 */
#include "mcp/event_id.h"
#include "mcp/internal.h"
#include "mcp/older.h"

static void on_session(struct endpoint *e, struct exchange *x, const struct action *a)
{
    struct session_info s = { .id = a->session,
                              .log_level = a->record.log_level,
                              .client = a->record.flags,
                              .touched_ms = a->record.seen_ms };
    const struct session_info *cached;

    if (x->state != EXCHANGE_SESSION) {
        return;
    }
    if (version_parse(a->record.protocol_version, &s.version) != DMCP_OK) {
        s.version = VERSION_LATEST; /* written by an older server of ours */
    }
    cached = session_cache_put(&e->sessions, &s);
    x->version = s.version;
    x->has_session = true;
    if (x->method == ENDPOINT_GET) {
        stream_continue(e, x, cached);
    } else {
        post_continue(e, x, cached);
    }
}

/* The command was carried out, and is durable. */
static void on_done(struct endpoint *e, struct exchange *x)
{
    if (x->method == ENDPOINT_DELETE) {
        exchange_respond(e, x, 200, STR_NONE);
    } else if (!x->request_id.p) {
        exchange_respond(e, x, 202, STR_NONE);
    } else if (!x->has_session) {
        initialize_done(e, x);
    } else {
        exchange_result(e, x, STR("{}")); /* logging/setLevel */
    }
}

/* The stream is opened; clients that know how learn where to resume. */
static void on_prime(struct endpoint *e, struct exchange *x, const struct action *a)
{
    static const struct id none;
    char id[EVENT_ID_BYTES];

    exchange_open_stream(e, x);
    if (x->whole) {
        x->stream = a->event.stream;
        x->sent = a->event.sequence;
        return; /* the whole tells the time */
    }
    if (version_has_priming(x->version) && !id_eq(a->event.stream, none)) {
        event_id_text(a->event.stream, a->event.sequence, id);
        e->ops.stream_event(x->x, str_of(id), 0, STR(""), e->config.retry_ms);
    } else {
        e->ops.stream_event(x->x, STR_NONE, 0, STR_NONE, e->config.retry_ms);
    }
}

/* There will be no response: an empty stream says so. */
static void on_end(struct endpoint *e, struct exchange *x)
{
    if (x->state != EXCHANGE_STREAM) {
        exchange_open_stream(e, x);
    }
    exchange_end_stream(e, x);
}

/* A stream that was opened ends with the response as its last event; one that was not is not
 * needed any more: plain JSON, unless the client would rather have a stream. */
static void on_reply(struct endpoint *e, struct exchange *x, const struct action *a)
{
    struct buf body, older;
    bool is_older;

    if (x->is_repeat && a->event.outcome == OUTCOME_CANCELLED) {
        on_end(e, x); /* it was cancelled in an earlier life of the server */
        return;
    }
    buf_init(&body, SIZE_MAX / 2);
    buf_init(&older, SIZE_MAX / 2);
    if (a->event.outcome == OUTCOME_RESULT) {
        is_older = older_result(x->version, a->text, &older);
        rpc_write_result(&body, a->event.request_id, is_older ? buf_str(&older) : a->text);
    } else {
        rpc_write_error_object(&body, a->event.request_id, a->text);
    }
    if (x->state == EXCHANGE_STREAM || x->method == ENDPOINT_GET || x->prefers_stream ||
        (x->whole && x->whole->state == EXCHANGE_STREAM)) {
        x->is_answered = true;
        exchange_event(e, x, a->event.stream, a->event.sequence, buf_str(&body));
        exchange_end_stream(e, x);
    } else {
        exchange_respond(e, x, 200, buf_str(&body));
    }
    buf_fini(&older);
    buf_fini(&body);
}

/* A cancellation may come when its call is over: that is nobody's mistake, and 404 would tell the
 * client that its session is gone.
 * Source: MCP 2025-11-25, utilities, cancellation, "Timing Considerations". */
static void on_refused(struct endpoint *e, struct exchange *x, const struct action *a)
{
    if (x->method == ENDPOINT_POST && !x->request_id.p && a->code == DMCP_E_NOTFOUND) {
        exchange_respond(e, x, 202, STR_NONE);
    } else if (x->missing.p && a->code == DMCP_E_NOTFOUND) {
        exchange_error_object(e, x, x->missing);
    } else {
        exchange_refuse(e, x, a->code, a->text);
    }
}

static void to_exchange(struct endpoint *e, struct exchange *x, const struct action *a)
{
    switch (a->kind) {
    case ACT_DONE:
        on_done(e, x);
        break;
    case ACT_REFUSED:
        on_refused(e, x, a);
        break;
    case ACT_SESSION:
        on_session(e, x, a);
        break;
    case ACT_PRIME:
        on_prime(e, x, a);
        break;
    case ACT_EVENT:
        exchange_event(e, x, a->event.stream, a->event.sequence, a->text);
        break;
    case ACT_REPLY:
        on_reply(e, x, a);
        break;
    case ACT_END:
        on_end(e, x);
        break;
    case ACT_SESSION_GONE:
    case ACT_DISPATCH:
    case ACT_WAKE:
    case ACT_CANCEL:
        break; /* not for an exchange */
    }
}

void endpoint_action(struct endpoint *e, struct action *a)
{
    struct exchange *x;

    if (a->kind == ACT_SESSION_GONE) {
        session_cache_del(&e->sessions, a->session);
    } else {
        x = exchange_find(e, a->peer);
        if (x && x->state != EXCHANGE_DONE) {
            to_exchange(e, x, a);
        }
    }
    action_free(a);
}
