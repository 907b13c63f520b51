/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handle of a server: what it is, and what it does before it serves.
 */
#include "server/server.h"

#include "base/log.h"
#include "call/icons.h"
#include "json/writer.h"

static struct str keep(struct arena *a, const char *z)
{
    return z ? str_of(arena_dup(a, z, strlen(z))) : STR_NONE;
}

static void member(struct json_writer *w, const char *key, const char *text)
{
    if (text) {
        jw_key(w, key);
        jw_strz(w, text);
    }
}

/* What clients are shown of the server.
 * Source: MCP 2025-11-25, schema, Implementation. */
static void write_info(dmcp_server *s, const dmcp_info *info)
{
    struct json_writer w;
    struct buf out;

    buf_init(&out, SIZE_MAX / 2);
    jw_init(&w, &out);
    jw_object(&w);
    member(&w, "name", s->name.p);
    member(&w, "title", info->title);
    member(&w, "version", s->version.p);
    member(&w, "description", info->description);
    member(&w, "websiteUrl", info->website);
    if (info->icons) {
        jw_key(&w, "icons");
        icons_write(&w, info->icons);
    }
    jw_object_end(&w);
    s->info = str_make(arena_dup(&s->arena, out.data, out.len), out.len);
    buf_fini(&out);
}

int server_failed(dmcp_server *s, int rc, const struct err *e)
{
    if (rc != DMCP_OK && atomic_load(&s->is_running)) {
        if (rc != DMCP_E_CONFLICT) { /* which a handler that runs again meets */
            log_warning("%s", e->text);
        }
    } else if (rc != DMCP_OK && s->error.code == DMCP_OK) {
        s->error = *e;
    }
    return rc;
}

dmcp_server *dmcp_server_new(const char *name, const char *version)
{
    dmcp_server *s = mem_zalloc(sizeof(*s));

    arena_init(&s->arena);
    s->name = keep(&s->arena, name ? name : "");
    s->version = keep(&s->arena, version ? version : "");
    write_info(s, &(dmcp_info){ 0 });
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

int dmcp_server_set_info(dmcp_server *s, const dmcp_info *info)
{
    struct err e = { 0 };

    if (icons_check(info->icons, &e) != DMCP_OK) {
        return server_failed(s, err_wrap(&e, DMCP_E_INVALID, "server info"), &e);
    }
    write_info(s, info);
    return DMCP_OK;
}

void dmcp_server_set_instructions(dmcp_server *s, const char *instructions)
{
    s->instructions = keep(&s->arena, instructions);
}

void dmcp_on_roots_changed(dmcp_server *s, dmcp_handler_fn *fn, void *context)
{
    const struct tool_spec spec = { .method = CALL_NOTICE,
                                    .name = STR(NOTICE_ROOTS),
                                    .handler = { fn, context } };
    struct err e = { 0 };

    server_failed(s, catalog_add(&s->catalog, &spec, &e), &e);
}

void dmcp_on_start(dmcp_server *s, dmcp_handler_fn *fn, void *context)
{
    struct start_fn *f = arena_zalloc(&s->arena, sizeof(*f));

    f->handler = (struct call_handler){ .fn = fn, .context = context };
    *s->start_last = f;
    s->start_last = &f->next;
}
