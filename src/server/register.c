/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration: what a server offers, before it is started and while it runs, by any thread. Typed
 * parameters become a JSON Schema here, and icons JSON; from there on there are only texts.
 */
#include "server/server.h"

#include "base/limits.h"
#include "call/icons.h"
#include "call/params.h"
#include "json/writer.h"

/* A definition under way: the spec, and the texts that were made for it. */
struct draft {
    struct tool_spec spec;
    struct buf icons, schema, check, list;
};

static void draft_init(struct draft *d)
{
    buf_init(&d->icons, MIB);
    buf_init(&d->schema, MIB);
    buf_init(&d->check, 2 * MIB);
    buf_init(&d->list, MIB);
}

static void draft_fini(struct draft *d)
{
    buf_fini(&d->icons);
    buf_fini(&d->schema);
    buf_fini(&d->check);
    buf_fini(&d->list);
}

static int draft_icons(struct draft *d, const dmcp_icon *icons, struct err *e)
{
    struct json_writer w;
    int rc = icons_check(icons, e);

    if (rc == DMCP_OK && icons) {
        jw_init(&w, &d->icons);
        icons_write(&w, icons);
        d->spec.icons = buf_str(&d->icons);
    }
    return rc;
}

/* Adds it, and frees the draft; rc is what came before. */
static int draft_add(dmcp_server *s, struct draft *d, const char *what, const char *name, int rc,
                     struct err *e)
{
    if (rc == DMCP_OK) {
        rc = catalog_add(&s->catalog, &d->spec, e);
    } else {
        err_wrap(e, rc, "%s \"%s\"", what, name ? name : "");
    }
    draft_fini(d);
    return server_failed(s, rc, e);
}

static int draft_params(struct draft *d, const dmcp_param *params, struct err *e)
{
    int rc = params_write_schema(&d->schema, params, e);

    if (rc == DMCP_OK) {
        d->spec.input_schema = buf_str(&d->schema);
        params_write_check(&d->check, buf_str(&d->schema), params);
        d->spec.check_schema = buf_str(&d->check);
        params_write_fallbacks(&d->list, params);
        d->spec.fallbacks = buf_str(&d->list);
    }
    return rc;
}

int dmcp_add_tool(dmcp_server *s, const dmcp_tool *t)
{
    struct draft d = { .spec = { .method = CALL_TOOL,
                                 .name = str_of(t->name),
                                 .title = str_of(t->title),
                                 .description = str_of(t->description),
                                 .input_schema = str_of(t->input_schema),
                                 .output_schema = str_of(t->output_schema),
                                 .annotations = str_of(t->annotations),
                                 .meta = str_of(t->meta),
                                 .is_ephemeral = t->durability == DMCP_EPHEMERAL,
                                 .timeout_ms = t->timeout_ms,
                                 .handler = { t->handler, t->context } } };
    struct err e = { 0 };
    int rc;

    draft_init(&d);
    rc = draft_icons(&d, t->icons, &e);
    if (rc == DMCP_OK && !t->input_schema) {
        rc = draft_params(&d, t->params, &e);
    }
    return draft_add(s, &d, "tool", t->name, rc, &e);
}

int dmcp_add_prompt(dmcp_server *s, const dmcp_prompt *p)
{
    struct draft d = { .spec = { .method = CALL_PROMPT,
                                 .name = str_of(p->name),
                                 .title = str_of(p->title),
                                 .description = str_of(p->description),
                                 .meta = str_of(p->meta),
                                 .is_ephemeral = p->durability == DMCP_EPHEMERAL,
                                 .handler = { p->handler, p->context },
                                 .complete = { p->complete, p->context } } };
    struct err e = { 0 };

    draft_init(&d);
    params_write_prompt(&d.list, &d.schema, p->args);
    d.spec.arguments = buf_str(&d.list);
    d.spec.input_schema = buf_str(&d.schema);
    return draft_add(s, &d, "prompt", p->name, draft_icons(&d, p->icons, &e), &e);
}

int dmcp_add_resource(dmcp_server *s, const dmcp_resource *r)
{
    struct draft d = { .spec = { .method = CALL_RESOURCE,
                                 .name = str_of(r->name ? r->name : r->uri),
                                 .title = str_of(r->title),
                                 .description = str_of(r->description),
                                 .uri = str_of(r->uri),
                                 .mime = str_of(r->mime ? r->mime : "text/plain"),
                                 .annotations = str_of(r->annotations),
                                 .meta = str_of(r->meta),
                                 .size = r->size,
                                 .is_ephemeral = r->durability == DMCP_EPHEMERAL,
                                 .handler = { r->handler, r->context },
                                 .complete = { r->complete, r->context } } };
    struct err e = { 0 };

    draft_init(&d);
    return draft_add(s, &d, "resource", r->uri, draft_icons(&d, r->icons, &e), &e);
}

int dmcp_remove_tool(dmcp_server *s, const char *name)
{
    return catalog_remove(&s->catalog, CALL_TOOL, str_of(name));
}

int dmcp_remove_prompt(dmcp_server *s, const char *name)
{
    return catalog_remove(&s->catalog, CALL_PROMPT, str_of(name));
}

int dmcp_remove_resource(dmcp_server *s, const char *uri)
{
    return catalog_remove(&s->catalog, CALL_RESOURCE, str_of(uri));
}

void dmcp_server_expect(dmcp_server *s, dmcp_list list)
{
    if ((unsigned)list < N_LISTS) {
        catalog_expect(&s->catalog, (unsigned)list);
    }
}
