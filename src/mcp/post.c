/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST: one JSON-RPC message from a client.
 *
 * Order of the checks (each answered at once): Content-Type 415, Accept 406, JSON 400/-32700,
 * no JSON-RPC message 400/-32600, initialize with a session 400, no session 400, unknown protocol
 * version 400, unknown session 404. An array of messages is batch.c's. Then notifications and responses get 202 and
 * requests what their method says.
 * Source: MCP 2025-11-25, transports, "Sending Messages to the Server".
 */
#include "mcp/internal.h"

#include "base/utf8.h"

#define ERROR_TEXT_BYTES 300 /* of a client's error that the handler is told */

static bool is_json_type(struct str type)
{
    struct str json = STR("application/json");

    return type.len >= json.len && str_eq_nocase(str_make(type.p, json.len), json) &&
           (type.len == json.len || type.p[json.len] == ';' || type.p[json.len] == ' ');
}

static bool check_fields(struct endpoint *e, struct exchange *x, const struct endpoint_request *r)
{
    if (!is_json_type(r->content_type)) {
        exchange_error(e, x, 415, -32000,
                       "Unsupported Media Type: Content-Type must be application/json");
        return false;
    }
    if (!accept_has(r->accept, "application/json") || !accept_has(r->accept, "text/event-stream")) {
        exchange_error(e, x, 406, -32000,
                       "Not Acceptable: Client must accept both application/json and "
                       "text/event-stream");
        return false;
    }
    x->prefers_stream = accept_prefers_stream(r->accept);
    return true;
}

/* Reads the body into x->doc. False: the exchange was answered. */
static bool read_body(struct endpoint *e, struct exchange *x, struct str body)
{
    struct err err;
    char text[320];

    if (json_read(body, &x->doc, &err) != DMCP_OK) {
        snprintf(text, sizeof(text), "Parse error: %s", err.text);
        exchange_error(e, x, 400, RPC_PARSE_ERROR, text);
        return false;
    }
    return true;
}

bool post_parse(struct endpoint *e, struct exchange *x, yyjson_val *message)
{
    struct err err;
    char text[320];
    struct str id;

    x->message = mem_zalloc(sizeof(*x->message));
    if (rpc_parse(message, x->message, &err) != DMCP_OK) {
        id = rpc_id(x->message);
        x->request_id = id.p ? str_make(mem_dup(id.p, id.len), id.len) : STR_NONE;
        snprintf(text, sizeof(text), "Invalid Request: %s", err.text);
        exchange_error(e, x, 400, x->message->refusal, text);
        return false;
    }
    x->is_silent = e->config.is_pipe && x->message->kind != RPC_REQUEST;
    if (x->message->kind == RPC_REQUEST) {
        id = rpc_id(x->message);
        x->request_id = str_make(mem_dup(id.p, id.len), id.len);
    }
    return true;
}

static void take_initialize(struct endpoint *e, struct exchange *x,
                            const struct endpoint_request *r)
{
    if (r->session_id.p) {
        exchange_error(e, x, 400, RPC_INVALID_REQUEST,
                       "Invalid Request: this session is initialized already");
    } else if (e->refusal != DMCP_OK) {
        exchange_refuse(e, x, e->refusal, str_of(dmcp_strerror(e->refusal)));
    } else {
        if (r->new_session) {
            x->session = *r->new_session;
        }
        method_initialize(e, x);
    }
}

/* On a pipe, before initialize.
 * Source: MCP 2025-11-25, lifecycle, "Initialization". */
static void take_early(struct endpoint *e, struct exchange *x)
{
    if (x->message->kind != RPC_REQUEST) {
        exchange_respond(e, x, 202, STR_NONE);
    } else if (str_eq(x->message->method, STR("ping"))) {
        exchange_result(e, x, STR("{}"));
    } else {
        exchange_error(e, x, 400, RPC_INVALID_REQUEST,
                       "Invalid Request: there is no session yet: send initialize first");
    }
}

void post_take(struct endpoint *e, struct exchange *x, const struct endpoint_request *r)
{
    const struct session_info *s;

    if (!check_fields(e, x, r) || !read_body(e, x, r->body)) {
        return;
    }
    if (yyjson_is_arr(yyjson_doc_get_root(x->doc))) {
        batch_take(e, x, r);
        return;
    }
    if (!post_parse(e, x, yyjson_doc_get_root(x->doc))) {
        return;
    }
    if (x->message->kind == RPC_REQUEST && str_eq(x->message->method, STR("initialize")) &&
        !(r->is_repeat && r->session_id.p)) {
        take_initialize(e, x, r);
        return;
    }
    if (e->config.is_pipe && !r->session_id.p) {
        take_early(e, x);
        return;
    }
    x->is_crowded = r->is_crowded;
    x->is_repeat = r->is_repeat;
    if (!request_session(e, x, r)) {
        return;
    }
    if (r->idempotency_key.p) {
        x->idempotency_key = str_make(mem_dup(r->idempotency_key.p, r->idempotency_key.len),
                                      r->idempotency_key.len);
    }
    s = session_lookup(e, x);
    if (s) {
        post_continue(e, x, s);
    }
}

static struct str dup_json(struct command *c, const yyjson_val *v)
{
    struct buf text;
    struct str copy;

    buf_init(&text, SIZE_MAX / 2);
    json_write(&text, v);
    copy = command_dup(c, buf_str(&text));
    buf_fini(&text);
    return copy;
}

/* As the handler is told: "-1: rejected by the user". */
static struct str error_text(struct command *c, const struct rpc_message *m)
{
    struct str message = utf8_cut(m->error_message, ERROR_TEXT_BYTES);

    return str_of(arena_printf(&c->arena, "%lld: %.*s", (long long)m->error_code,
                               STR_FMT(message)));
}

/* The id of a question, as it went out with it (call/wait.c). */
static bool read_question(struct str id, struct id *question_out)
{
    return id.len == ID_HEX_BYTES + 2 &&
           id_from_hex(str_make(id.p + 1, ID_HEX_BYTES), question_out) == DMCP_OK;
}

/* What the handler is told of a question that the client gives up. */
static struct str cancel_text(struct command *c, const yyjson_val *params)
{
    struct str reason = json_get_str(params, "reason");

    reason = reason.p ? utf8_cut(reason, ERROR_TEXT_BYTES) : STR("no reason was given");
    return str_of(arena_printf(&c->arena, "%d: the question was cancelled: %.*s",
                               RPC_REQUEST_CANCELLED, STR_FMT(reason)));
}

/* notifications/cancelled {"requestId", "reason"}, of a request of the client's or one of ours.
 * False: it names nothing that could be a request.
 * Source: MCP 2025-11-25, utilities, cancellation. */
static bool cancel_request(struct endpoint *e, struct exchange *x)
{
    yyjson_val *id = json_get(x->message->params, "requestId");
    struct command *c;

    if (!id || rpc_name(x->message, id) != DMCP_OK) {
        return false;
    }
    c = endpoint_command(x, CMD_CANCEL);
    c->cancel.request_id = command_dup(c, rpc_id(x->message));
    if (read_question(c->cancel.request_id, &c->cancel.input)) {
        c->cancel.reason = cancel_text(c, x->message->params);
    }
    exchange_move(e, x, EXCHANGE_ENGINE); /* 202 when it is durable */
    e->ops.post(e->ops.arg, c);
    return true;
}

/* notifications/roots/list_changed, where somebody wants to hear of it. */
static bool tell_of_roots(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    const struct tool *notice;

    if (!(s->client & SESSION_ROOTS)) {
        return false;
    }
    notice = catalog_hold_in(e->config.catalog, OFFER_NOTICES, x->message->method);
    if (notice) {
        notice_begin(e, x, s, notice);
        tool_release(notice);
    }
    return notice != NULL;
}

static void take_notification(struct endpoint *e, struct exchange *x,
                              const struct session_info *s)
{
    struct command *c;

    if (str_eq(x->message->method, STR("notifications/initialized"))) {
        c = endpoint_command(x, CMD_SESSION_UPDATE);
        c->update.log_level = -1;
        c->update.flags = SESSION_INITIALIZED;
        exchange_move(e, x, EXCHANGE_ENGINE); /* 202 when it is durable */
        e->ops.post(e->ops.arg, c);
        return;
    }
    if (str_eq(x->message->method, STR("notifications/cancelled")) && cancel_request(e, x)) {
        return;
    }
    if (str_eq(x->message->method, STR(NOTICE_ROOTS)) && tell_of_roots(e, x, s)) {
        return;
    }
    exchange_respond(e, x, 202, STR_NONE);
}

/* The answer to a question. One whose id is of another form is nobody's answer, and accepted like
 * any message. */
static void take_response(struct endpoint *e, struct exchange *x)
{
    struct command *c;
    struct id input;

    if (!read_question(rpc_id(x->message), &input)) {
        exchange_respond(e, x, 202, STR_NONE);
        return;
    }
    c = endpoint_command(x, CMD_ANSWER);
    c->answer.input = input;
    c->answer.is_error = x->message->kind == RPC_ERROR;
    c->answer.body = c->answer.is_error ? error_text(c, x->message)
                                        : dup_json(c, x->message->result);
    exchange_move(e, x, EXCHANGE_ENGINE); /* 202 when it is durable */
    e->ops.post(e->ops.arg, c);
}

void post_continue(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    if (!x->message) {
        batch_begin(e, x, s);
        return;
    }
    switch (x->message->kind) {
    case RPC_REQUEST:
        method_run(e, x, s);
        break;
    case RPC_NOTIFICATION:
        take_notification(e, x, s);
        break;
    case RPC_RESULT:
    case RPC_ERROR:
        take_response(e, x);
        break;
    }
}
