/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration: the public functions that a program calls before dmcp_server_main. Typed
 * parameters become a JSON Schema here; from there on there are only schemas.
 */
#include "server/server.h"

#include "base/limits.h"
#include "call/params.h"

static struct str keep(struct arena *a, const char *z)
{
    return z ? str_of(arena_dup(a, z, strlen(z))) : STR_NONE;
}

dmcp_server *dmcp_server_new(const char *name, const char *version)
{
    dmcp_server *s = mem_zalloc(sizeof(*s));

    arena_init(&s->arena);
    s->name = keep(&s->arena, name ? name : "");
    s->version = keep(&s->arena, version ? version : "");
    tools_init(&s->tools);
    s->start_last = &s->start_first;
    return s;
}

void dmcp_server_free(dmcp_server *s)
{
    if (s) {
        tools_fini(&s->tools);
        arena_fini(&s->arena);
        mem_free(s);
    }
}

void dmcp_server_set_instructions(dmcp_server *s, const char *instructions)
{
    s->instructions = keep(&s->arena, instructions);
}

void dmcp_on_start(dmcp_server *s, dmcp_handler_fn *fn, void *context)
{
    struct start_fn *f = arena_zalloc(&s->arena, sizeof(*f));

    f->handler = (struct call_handler){ .fn = fn, .context = context };
    *s->start_last = f;
    s->start_last = &f->next;
}

static int add_tool(dmcp_server *s, const dmcp_tool *t, struct err *e)
{
    struct call_handler *h = arena_zalloc(&s->arena, sizeof(*h));
    struct buf schema, fallbacks;
    struct tool_spec spec = { .name = str_of(t->name),
                              .title = str_of(t->title),
                              .description = str_of(t->description),
                              .input_schema = str_of(t->input_schema),
                              .output_schema = str_of(t->output_schema),
                              .annotations = str_of(t->annotations),
                              .meta = str_of(t->meta),
                              .is_ephemeral = t->durability == DMCP_EPHEMERAL,
                              .timeout_ms = t->timeout_ms };
    int rc = DMCP_OK;

    buf_init(&schema, MIB);
    buf_init(&fallbacks, MIB);
    h->fn = t->handler;
    h->context = t->context;
    spec.handler = t->handler ? h : NULL;
    if (!t->input_schema) {
        rc = params_write_schema(&schema, t->params, e);
        spec.input_schema = buf_str(&schema);
        if (rc == DMCP_OK) {
            params_write_fallbacks(&fallbacks, t->params);
            spec.fallbacks = buf_str(&fallbacks);
        } else {
            err_wrap(e, rc, "tool \"%s\"", t->name ? t->name : "");
        }
    }
    if (rc == DMCP_OK) {
        rc = tools_add(&s->tools, &spec, e);
    }
    buf_fini(&schema);
    buf_fini(&fallbacks);
    return rc;
}

int dmcp_add_tool(dmcp_server *s, const dmcp_tool *tool)
{
    struct err e = { 0 };
    int rc = add_tool(s, tool, &e);

    if (rc != DMCP_OK && s->error.code == DMCP_OK) {
        s->error = e;
    }
    return rc;
}
