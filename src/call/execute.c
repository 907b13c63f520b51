/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt: run the handler, and hand in what became of it. See call.h.
 *
 * A handler's error is a result too, one that the model reads (MCP 2025-11-25, tools, "Error
 * Handling"). Only an attempt that was cut short, because the store failed or the server stops,
 * has none: its call is given back, and runs again.
 */
#include <stdio.h>

#include "base/fault.h"
#include "base/log.h"
#include "call/internal.h"
#include "json/rpc.h"
#include "json/writer.h"

/* ---- which call this thread runs ---- */

struct current {
    volatile bool is_set;
    struct id id;
};

/* Initial-exec: the crash handler may look at it where memory cannot be allocated any more. */
static _Thread_local struct current current __attribute__((tls_model("initial-exec")));

static void current_begin(struct id id)
{
    current.id = id;
    atomic_signal_fence(memory_order_release);
    current.is_set = true;
}

static void current_end(void)
{
    current.is_set = false;
}

bool call_current(struct id *call_out)
{
    if (!current.is_set) {
        return false;
    }
    atomic_signal_fence(memory_order_acquire);
    *call_out = current.id;
    return true;
}

/* ---- outcome ---- */

/* The text of a handler's error: the one that came with this code, or the code's own. */
static const char *error_message(dmcp_call *call, int code)
{
    if (call->error_code == code && call->error_text) {
        return call->error_text;
    }
    if (code == DMCP_E_CANCELLED && call_is_cancelled(call)) {
        return call_cancelled_text(call);
    }
    return code < 0 ? dmcp_strerror(code) : dmcp_format(call, "error %d", code);
}

/* A prompt and a resource have no room for an error in their results: it is one of JSON-RPC.
 * Source: MCP 2025-11-25, prompts and resources, "Error Handling". */
static void write_rpc_error(dmcp_call *call, int code, const char *message, struct buf *out)
{
    bool is_missing = code == DMCP_E_NOTFOUND && call_method(call) == CALL_RESOURCE;
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "code");
    jw_int(&w, is_missing ? RPC_RESOURCE_NOT_FOUND : RPC_INTERNAL);
    jw_key(&w, "message");
    jw_strz(&w, message);
    if (call->uri.p) {
        jw_key(&w, "data");
        jw_object(&w);
        jw_key(&w, "uri");
        jw_str(&w, call->uri);
        jw_object_end(&w);
    }
    jw_object_end(&w);
}

static enum call_outcome write_failure(dmcp_call *call, int code, struct buf *out)
{
    const char *message = error_message(call, code);

    buf_reset(out);
    log_info("call=%s tool=%s attempt=%u: %s", call->id_hex, call->tool_name,
             dmcp_call_attempt(call), message);
    if (code == DMCP_E_PAGE && call->pages.len > 0) {
        page_write_error(call, out);
        return OUTCOME_ERROR;
    }
    if (call_method(call) != CALL_TOOL && call_method(call) != CALL_NOTICE) {
        write_rpc_error(call, code, message, out);
        return OUTCOME_ERROR;
    }
    tool_error_write(
        out, str_of(dmcp_format(call, "Error executing tool %s: %s", call->tool_name, message)));
    return OUTCOME_RESULT;
}

/* What the handler came to, as code and, if it is a success, as text. */
static int settle(dmcp_call *call, int code, struct buf *out)
{
    struct buf parts; /* of the reply, before it is written */

    if (call->is_refuted) {
        return DMCP_E_DIVERGED; /* whatever the handler made of it */
    }
    if (call_is_journaled(call) && call->poison != DMCP_OK) {
        return call->poison;
    }
    buf_init(&parts, SIZE_MAX / 2);
    if (code == DMCP_OK && validate_is_due(call)) {
        reply_write_parts(call, &parts);
    }
    if (code == DMCP_OK) {
        code = reply_write(call, out);
    }
    if (code == DMCP_OK && parts.len > 0) {
        code = validate_handler(call, buf_str(&parts));
    }
    buf_fini(&parts);
    return code;
}

static void finish_journaled(dmcp_call *call, enum call_outcome outcome, struct str body)
{
    struct command *c = call_command(call, CMD_CALL_DONE);

    c->done.outcome = outcome;
    c->done.timeout_ms = call->run->tool->timeout_ms;
    c->done.body = command_dup(c, body);
    call_post(call, c);
}

static void finish_ephemeral(dmcp_call *call, enum call_outcome outcome, struct str body)
{
    struct action_list list;
    struct action *a;

    action_list_init(&list);
    a = action_add(&list, ACT_REPLY, WHEN_VISIBLE);
    a->peer = call->run->peer;
    a->session = call->run->session;
    a->call = call->id;
    a->event.stream = call->id;
    a->event.outcome = (uint8_t)outcome;
    a->event.request_id = action_dup(a, call->run->request_id);
    a->text = action_dup(a, body);
    mailbox_put(call->env->io, &a->mail);
}

/* The attempt was cut short. If that is because a store cannot be read, the engine has to know: it is
 * as good as one that cannot be written. */
static void give_back(dmcp_call *call)
{
    struct command *c = call_command(call, CMD_CALL_RELEASE);

    if (call->poison == DMCP_E_STORE || call->poison == DMCP_E_FULL) {
        c->release.code = call->poison;
        c->release.text = command_dup(c, str_of(dmcp_error_text(call)));
    }
    log_info("call=%s tool=%s attempt=%u: given back: %s", call->id_hex, call->tool_name,
             dmcp_call_attempt(call), dmcp_strerror(call->poison));
    call_post(call, c);
}

static void finish(dmcp_call *call, int code)
{
    enum call_outcome outcome;
    struct buf body;
    int flushed;

    if (call_is_journaled(call) && call->poison == DMCP_E_SUSPENDED) {
        call_post(call, call_command(call, call->is_yielding ? CMD_CALL_RELEASE
                                                             : CMD_CALL_SUSPEND));
        return;
    }
    if (!call_is_journaled(call)) {
        flushed = call_flush_recorded(call); /* the answer may tell what was read */
        code = flushed == DMCP_OK ? code : flushed;
    }
    buf_init(&body, LIMIT_RESULT_BYTES);
    code = settle(call, code, &body);
    if (call_is_journaled(call) && call->poison != DMCP_OK && !call->is_refuted) {
        give_back(call);
        buf_fini(&body);
        return;
    }
    outcome = code == DMCP_OK ? OUTCOME_RESULT : write_failure(call, code, &body);
    if (call_is_journaled(call)) {
        finish_journaled(call, outcome, buf_str(&body));
    } else {
        finish_ephemeral(call, outcome, buf_str(&body));
    }
    buf_fini(&body);
}

/* ---- running ---- */

static int run_handler(dmcp_call *call)
{
    int rc;

    FAULT_POINT("handler.before");
    rc = call->handler->fn(call);
    FAULT_POINT("handler.after");
    return rc;
}

void call_execute(struct call_env *env, struct waiter *waiter, const struct run *run)
{
    dmcp_call *call = mem_alloc(sizeof(*call));
    int rc;

    call_open(call, env, waiter, run->mode);
    call->run = run;
    call->handler = &run->tool->handler;
    call->id = run->call;
    call->is_fresh = run->attempt == 1;
    call->is_dirty = run->attempt > 1; /* what earlier attempts left may not be durable yet */
    call->tool_name = call_dup(call, run->tool->name).p;
    id_to_hex(call->id, call->id_hex);
    current_begin(call->id);
    rc = call_read_params(call);
    if (rc == DMCP_OK) {
        rc = run_handler(call);
    }
    finish(call, rc);
    current_end();
    call_close(call);
    mem_free(call);
}

int call_execute_outside(struct call_env *env, struct waiter *waiter, const struct call_handler *h,
                         struct err *e)
{
    dmcp_call *call = mem_alloc(sizeof(*call));
    int rc;

    call_open(call, env, waiter, CALL_OUTSIDE);
    call->handler = h;
    call->id = id_random(); /* so that its idempotency keys are no other's */
    rc = h->fn(call);
    if (rc != DMCP_OK) {
        err_set(e, rc, "%s", error_message(call, rc));
    }
    call_close(call);
    mem_free(call);
    return rc;
}

void dmcp_close_stream(dmcp_call *call)
{
    if (call_is_journaled(call) && call->poison == DMCP_OK && !call->rerun) {
        call_post(call, call_command(call, CMD_CALL_DETACH));
    }
}
