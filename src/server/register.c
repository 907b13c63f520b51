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
    catalog_init(&s->catalog);
    s->start_last = &s->start_first;
    return s;
}

void dmcp_server_free(dmcp_server *s)
{
    if (s) {
        catalog_fini(&s->catalog);
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

/* The first failure is what dmcp_server_main reports. */
static int keep_error(dmcp_server *s, int rc, const struct err *e)
{
    if (rc != DMCP_OK && s->error.code == DMCP_OK) {
        s->error = *e;
    }
    return rc;
}

static const struct call_handler *keep_handler(dmcp_server *s, dmcp_handler_fn *fn, void *context)
{
    struct call_handler *h = arena_zalloc(&s->arena, sizeof(*h));

    h->fn = fn;
    h->context = context;
    return fn ? h : NULL;
}

static int add_tool(dmcp_server *s, const dmcp_tool *t, struct err *e)
{
    struct buf schema, check, fallbacks;
    struct tool_spec spec = { .method = CALL_TOOL,
                              .name = str_of(t->name),
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
    buf_init(&check, 2 * MIB);
    buf_init(&fallbacks, MIB);
    spec.handler = keep_handler(s, t->handler, t->context);
    if (!t->input_schema) {
        rc = params_write_schema(&schema, t->params, e);
        spec.input_schema = buf_str(&schema);
        if (rc == DMCP_OK) {
            params_write_check(&check, buf_str(&schema), t->params);
            spec.check_schema = buf_str(&check);
            params_write_fallbacks(&fallbacks, t->params);
            spec.fallbacks = buf_str(&fallbacks);
        } else {
            err_wrap(e, rc, "tool \"%s\"", t->name ? t->name : "");
        }
    }
    if (rc == DMCP_OK) {
        rc = catalog_add(&s->catalog, &spec, e);
    }
    buf_fini(&schema);
    buf_fini(&check);
    buf_fini(&fallbacks);
    return rc;
}

int dmcp_add_prompt(dmcp_server *s, const dmcp_prompt *p)
{
    struct tool_spec spec = { .method = CALL_PROMPT,
                              .name = str_of(p->name),
                              .title = str_of(p->title),
                              .description = str_of(p->description),
                              .meta = str_of(p->meta),
                              .is_ephemeral = p->durability == DMCP_EPHEMERAL,
                              .handler = keep_handler(s, p->handler, p->context),
                              .complete = keep_handler(s, p->complete, p->context) };
    struct err e = { 0 };
    struct buf arguments, schema;
    int rc;

    buf_init(&arguments, MIB);
    buf_init(&schema, MIB);
    params_write_prompt(&arguments, &schema, p->args);
    spec.arguments = buf_str(&arguments);
    spec.input_schema = buf_str(&schema);
    rc = catalog_add(&s->catalog, &spec, &e);
    buf_fini(&arguments);
    buf_fini(&schema);
    return keep_error(s, rc, &e);
}

int dmcp_add_resource(dmcp_server *s, const dmcp_resource *r)
{
    const struct tool_spec spec = { .method = CALL_RESOURCE,
                                    .name = str_of(r->name ? r->name : r->uri),
                                    .title = str_of(r->title),
                                    .description = str_of(r->description),
                                    .uri = str_of(r->uri),
                                    .mime = str_of(r->mime ? r->mime : "text/plain"),
                                    .annotations = str_of(r->annotations),
                                    .meta = str_of(r->meta),
                                    .is_ephemeral = r->durability == DMCP_EPHEMERAL,
                                    .handler = keep_handler(s, r->handler, r->context),
                                    .complete = keep_handler(s, r->complete, r->context) };
    struct err e = { 0 };

    return keep_error(s, catalog_add(&s->catalog, &spec, &e), &e);
}

int dmcp_add_tool(dmcp_server *s, const dmcp_tool *tool)
{
    struct err e = { 0 };

    return keep_error(s, add_tool(s, tool, &e), &e);
}
