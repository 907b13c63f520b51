/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes: which piece of the author's code runs, so that what it does can be told apart from the
 * same done elsewhere, and named in error texts.
 */
#include <assert.h>

#include "call/internal.h"

void scope_open(dmcp_call *call, struct scope *s, enum scope_kind kind, struct str alias)
{
    *s = (struct scope){ .kind = kind, .alias = alias, .outer = call->scope };
    hmap_init(&s->used);
    call->scope = s;
}

void scope_close(dmcp_call *call, struct scope *s)
{
    assert(call->scope == s);
    call->scope = s->outer;
    hmap_fini(&s->used);
}

const char *scope_place(dmcp_call *call)
{
    struct str alias = call->scope->alias;

    switch (call->scope->kind) {
    case SCOPE_BODY:
        return dmcp_format(call, "the body of step \"%.*s\"", STR_FMT(alias));
    case SCOPE_CONDITION:
        return dmcp_format(call, "the condition of until \"%.*s\"", STR_FMT(alias));
    case SCOPE_ITERATION:
        return dmcp_format(call, "an iteration of loop \"%.*s\"", STR_FMT(alias));
    case SCOPE_HANDLER:
        break;
    }
    return "the handler";
}

const char *call_who(dmcp_call *call)
{
    if (!call->run) {
        return "the start function";
    }
    switch (call_method(call)) {
    case CALL_PROMPT:
        return dmcp_format(call, "prompt \"%s\"", call->tool_name);
    case CALL_RESOURCE:
        return dmcp_format(call, "resource \"%s\"", call->tool_name);
    case CALL_COMPLETION:
        return dmcp_format(call, "completion of \"%s\"", call->tool_name);
    case CALL_NOTICE:
        return dmcp_format(call, "the handler of %s", call->tool_name);
    case CALL_TOOL:
        break;
    }
    return dmcp_format(call, "tool \"%s\"", call->tool_name);
}

const char *call_run_name(dmcp_call *call)
{
    struct str alias = call->scope->alias;

    switch (call->scope->kind) {
    case SCOPE_BODY:
        return dmcp_format(call, "this run of step \"%.*s\" in %s", STR_FMT(alias), call_who(call));
    case SCOPE_ITERATION:
        return dmcp_format(call, "this iteration of loop \"%.*s\" in %s", STR_FMT(alias),
                           call_who(call));
    case SCOPE_CONDITION:
    case SCOPE_HANDLER:
        break;
    }
    return dmcp_format(call, "this attempt of %s", call_who(call));
}

int call_fail_diverged(dmcp_call *call, const char *fmt, ...)
{
    const char *text;
    va_list ap;

    va_start(ap, fmt);
    text = arena_vprintf(&call->arena, fmt, ap);
    va_end(ap);
    return call_fail(call, DMCP_E_DIVERGED,
                     "%s: was the handler of %s changed under a running call? Give a changed step "
                     "a new alias",
                     text, call_who(call));
}
