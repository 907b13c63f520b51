/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The call itself: who it is, its arguments, its errors, and its line to the engine.
 */
#include <assert.h>
#include <stdio.h>

#include "base/utf8.h"
#include "call/internal.h"

#define ERROR_TEXT_BYTES (64 * KIB) /* longer ones lose their end */

/* ---- the attempt to be run ---- */

struct run *run_new(enum call_mode mode)
{
    struct run *r = arena_object(sizeof(*r), offsetof(struct run, arena));

    r->mode = mode;
    r->attempt = 1;
    return r;
}

struct str run_dup(struct run *r, struct str s)
{
    return str_make(arena_dup(&r->arena, s.p, s.len), s.len);
}

struct run *run_of(const struct action *dispatch)
{
    struct run *r = run_new(CALL_JOURNALED);

    r->call = dispatch->call;
    r->session = dispatch->session;
    r->params = run_dup(r, dispatch->dispatch.record.params);
    r->request_id = run_dup(r, dispatch->dispatch.record.request_id);
    r->attempt = dispatch->dispatch.attempt;
    r->log_level = dispatch->dispatch.log_level;
    r->client = dispatch->dispatch.client;
    r->flags = dispatch->dispatch.flags;
    r->is_reask = dispatch->dispatch.is_reask;
    return r;
}

void run_free(struct run *r)
{
    tool_release(r->tool);
    arena_fini(&r->arena);
    mem_free(r);
}

/* ---- open and close ---- */

void call_open(dmcp_call *call, struct call_env *env, struct waiter *waiter, enum call_mode mode)
{
    *call = (struct dmcp_call){ .env = env, .waiter = waiter, .mode = mode, .tool_name = "" };
    arena_init(&call->arena);
    hmap_init(&call->recorded);
    hmap_init(&call->failed);
    scope_open(call, &call->root, SCOPE_HANDLER, STR(""));
    call->prefix = STR("");
    call->doc = json_doc_new();
    call->args = value_of(yyjson_mut_obj(call->doc));
    buf_init(&call->reply.blocks, LIMIT_RESULT_BYTES);
    buf_init(&call->pages, LIMIT_EVENT_BYTES);
}

void call_close(dmcp_call *call)
{
    batch_free_all(call);
    buf_fini(&call->reply.blocks);
    buf_fini(&call->pages);
    scope_close(call, &call->root);
    hmap_fini(&call->recorded);
    hmap_fini(&call->failed);
    value_forget_places(NULL);
    yyjson_mut_doc_free(call->doc);
    arena_fini(&call->arena);
    mem_free(call->error_text);
}

struct str call_dup(dmcp_call *call, struct str s)
{
    return str_make(arena_dup(&call->arena, s.p, s.len), s.len);
}

/* ---- parameters ---- */

static void fill_in_fallbacks(dmcp_call *call, yyjson_val *fallbacks)
{
    yyjson_mut_val *args = value_mut(call->args);
    size_t i, n;
    yyjson_val *key, *v;

    yyjson_obj_foreach (fallbacks, i, n, key, v) {
        if (!yyjson_mut_obj_getn(args, yyjson_get_str(key), yyjson_get_len(key))) {
            yyjson_mut_obj_add(args, yyjson_val_mut_copy(call->doc, key),
                               yyjson_val_mut_copy(call->doc, v));
        }
    }
}

/* The token comes back to the client as it was written: a string or an integer. */
static void keep_progress_token(dmcp_call *call, yyjson_val *params)
{
    yyjson_val *token = json_get(json_get(params, "_meta"), "progressToken");
    struct buf text;

    if (!yyjson_is_str(token) && !json_is_number(token)) {
        return;
    }
    buf_init(&text, SIZE_MAX / 2);
    json_write(&text, token);
    call->progress_token = call_dup(call, buf_str(&text));
    buf_fini(&text);
}

int call_read_params(dmcp_call *call)
{
    struct str fallbacks_text = call->run->tool->fallbacks;
    yyjson_doc *params = NULL, *fallbacks = NULL;
    struct err e;
    yyjson_val *arguments;
    int rc = json_read(call->run->params, &params, &e);

    if (rc == DMCP_OK && fallbacks_text.len > 0) {
        rc = json_read(fallbacks_text, &fallbacks, &e);
    }
    if (rc != DMCP_OK) {
        rc = call_fail(call, DMCP_E_CORRUPT, "the call's parameters cannot be read: %s", e.text);
        goto out;
    }
    arguments = json_get(yyjson_doc_get_root(params), "arguments");
    if (yyjson_is_obj(arguments)) {
        call->args = value_of(yyjson_val_mut_copy(call->doc, arguments));
    }
    if (call_method(call) == CALL_RESOURCE) {
        call->uri = call_dup(call, json_get_str(yyjson_doc_get_root(params), "uri"));
    }
    fill_in_fallbacks(call, yyjson_doc_get_root(fallbacks));
    keep_progress_token(call, yyjson_doc_get_root(params));
out:
    yyjson_doc_free(params);
    yyjson_doc_free(fallbacks);
    return rc;
}

const char *dmcp_call_uri(const dmcp_call *call)
{
    return call->uri.p ? call->uri.p : "";
}

/* ---- errors ---- */

int call_vfail(dmcp_call *call, int code, const char *fmt, va_list ap)
{
    char *old = call->error_text; /* it may be one of the arguments */
    va_list again;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    assert(n >= 0);
    call->error_text = mem_alloc((size_t)n + 1);
    vsnprintf(call->error_text, (size_t)n + 1, fmt, ap);
    if ((size_t)n > ERROR_TEXT_BYTES) {
        struct str kept = utf8_cut(str_make(call->error_text, (size_t)n), ERROR_TEXT_BYTES);

        call->error_text[kept.len] = '\0';
    }
    mem_free(old);
    call->error_code = code;
    call->n_errors++;
    return code;
}

int call_fail(dmcp_call *call, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    call_vfail(call, code, fmt, ap);
    va_end(ap);
    return code;
}

int call_poison(dmcp_call *call, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    call_vfail(call, code, fmt, ap);
    va_end(ap);
    call->poison = code;
    return code;
}

int dmcp_fail(dmcp_call *call, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    call_vfail(call, code, fmt, ap);
    va_end(ap);
    return code;
}

const char *dmcp_error_text(const dmcp_call *call)
{
    return call->error_text ? call->error_text : "";
}

/* ---- the line to the engine ---- */

struct command *call_command(const dmcp_call *call, enum command_kind kind)
{
    struct command *c = command_new(kind);

    c->call = call->id;
    if (call->run) {
        c->session = call->run->session;
    }
    return c;
}

void call_post(dmcp_call *call, struct command *c)
{
    assert(!call->rerun); /* a second run leaves no trace */
    mailbox_put(call->env->engine, &c->mail);
}

/* Nothing that this attempt does from here on would be recorded. DMCP_E_CORRUPT: the engine met
 * a row that it cannot read, and is not used any more. */
static bool ends_attempt(int code)
{
    switch (code) {
    case DMCP_E_STOPPING:
    case DMCP_E_SUSPENDED:
    case DMCP_E_STORE:
    case DMCP_E_FULL:
    case DMCP_E_CORRUPT:
    case DMCP_E_GONE:
        return true;
    default:
        return false;
    }
}

int call_ask(dmcp_call *call, struct command *c)
{
    const char *text = call->waiter->text;
    int code;

    c->waiter = call->waiter;
    call_post(call, c);
    code = waiter_wait(call->waiter);
    if (code == DMCP_OK) {
        return DMCP_OK;
    }
    if (!text[0]) {
        text = dmcp_strerror(code);
    }
    if (code == DMCP_E_DIVERGED) {
        return call_fail_diverged(call, "%s", text);
    }
    return ends_attempt(code) ? call_poison(call, code, "%s", text)
                              : call_fail(call, code, "%s", text);
}

int call_flush_recorded(dmcp_call *call)
{
    int rc;

    if (!call->is_dirty) {
        return DMCP_OK;
    }
    rc = call_ask(call, call_command(call, CMD_CALL_FLUSH));
    if (rc == DMCP_OK) {
        call->is_dirty = false;
    }
    return rc;
}

/* ---- what the handler asks the call ---- */

static void name_session(dmcp_call *call, struct id session)
{
    struct buf b;

    buf_init(&b, 64);
    buf_addz(&b, "session ");
    buf_add_str(&b, id_bytes(&session));
    id_to_hex(digest_id(buf_str(&b)), call->session_name);
    buf_fini(&b);
}

const char *dmcp_call_id(const dmcp_call *call)
{
    return call->id_hex;
}

const char *dmcp_call_tool(const dmcp_call *call)
{
    return call->tool_name;
}

dmcp_server *dmcp_call_server(const dmcp_call *call)
{
    return call->env->server;
}

const char *dmcp_call_session(const dmcp_call *call)
{
    if (call->run && !call->session_name[0]) {
        name_session((dmcp_call *)(uintptr_t)call, call->run->session);
    }
    return call->session_name;
}

void *dmcp_call_context(const dmcp_call *call)
{
    return call->handler->context;
}

unsigned dmcp_call_attempt(const dmcp_call *call)
{
    return call->run ? call->run->attempt : 1;
}

const dmcp_value *dmcp_args(const dmcp_call *call)
{
    return call->args;
}

const dmcp_value *dmcp_arg(const dmcp_call *call, const char *name)
{
    return dmcp_get(call->args, name);
}

const char *dmcp_arg_str(const dmcp_call *call, const char *name)
{
    return dmcp_str(dmcp_arg(call, name));
}

int64_t dmcp_arg_int(const dmcp_call *call, const char *name)
{
    return dmcp_int(dmcp_arg(call, name));
}

double dmcp_arg_num(const dmcp_call *call, const char *name)
{
    return dmcp_num(dmcp_arg(call, name));
}

bool dmcp_arg_bool(const dmcp_call *call, const char *name)
{
    return dmcp_bool(dmcp_arg(call, name));
}

const char *dmcp_format(dmcp_call *call, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = arena_vprintf(&call->arena, fmt, ap);
    va_end(ap);
    return text;
}

const char *dmcp_idempotency_key(dmcp_call *call, const char *alias)
{
    char *hex = arena_alloc(&call->arena, ID_HEX_BYTES + 1);
    struct buf data;

    buf_init(&data, SIZE_MAX / 2);
    buf_add_str(&data, id_bytes(&call->id));
    buf_add_str(&data, call->prefix);
    buf_addz(&data, alias);
    id_to_hex(digest_id(buf_str(&data)), hex);
    buf_fini(&data);
    return hex;
}
