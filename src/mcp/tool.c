/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions of tools. See tool.h.
 */
#include "mcp/tool.h"

#include "base/ids.h"
#include "base/limits.h"
#include "json/json.h"
#include "json/schema.h"
#include "json/writer.h"
#include "mcp/uri_template.h"

/* MCP 2025-11-25, tools, "Tool Names". */
static bool is_good_name(struct str name)
{
    if (!name.p || name.len == 0 || name.len > LIMIT_NAME_BYTES) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-' || c == '.')) {
            return false;
        }
    }
    return true;
}

/* The texts that are passed on as they are. */
static int check_texts(const struct tool_spec *s, struct err *e)
{
    const struct {
        const char *name;
        struct str text;
        int (*check)(struct str text, struct err *e);
    } fields[] = {
        { "input schema", s->input_schema, object_check },
        { "output schema", s->output_schema, object_check },
        { "annotations", s->annotations,
          s->method == CALL_TOOL ? tool_annotations_check : annotations_check },
        { "meta", s->meta, object_check },
    };

    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (fields[i].check(fields[i].text, e) != DMCP_OK) {
            return err_wrap(e, DMCP_E_INVALID, "%s", fields[i].name);
        }
    }
    return DMCP_OK;
}

static void member(struct json_writer *w, const char *key, struct str text)
{
    if (text.p) {
        jw_key(w, key);
        jw_str(w, text);
    }
}

static void raw_member(struct json_writer *w, const char *key, struct str text)
{
    if (text.p) {
        jw_key(w, key);
        jw_raw(w, text);
    }
}

/* What each method's list shows. Schemas, annotations and _meta go to clients as they were given. */
static void write_entry(struct json_writer *w, const struct tool_spec *s)
{
    switch (s->method) {
    case CALL_TOOL:
        raw_member(w, "inputSchema", s->input_schema);
        raw_member(w, "outputSchema", s->output_schema);
        break;
    case CALL_PROMPT:
        raw_member(w, "arguments", s->arguments);
        break;
    case CALL_RESOURCE:
        member(w, uri_template_is(s->uri) ? "uriTemplate" : "uri", s->uri);
        member(w, "mimeType", s->mime);
        if (s->size && !uri_template_is(s->uri)) {
            jw_key(w, "size");
            jw_uint(w, s->size);
        }
        break;
    case CALL_COMPLETION:
    case CALL_NOTICE:
        break; /* in no list */
    }
}

static struct str keep(struct tool *tool, struct str s)
{
    return s.p ? str_make(arena_dup(&tool->arena, s.p, s.len), s.len) : STR_NONE;
}

static void make_entry(struct tool *tool, const struct tool_spec *s)
{
    struct json_writer w;
    struct buf out;
    struct id d;

    buf_init(&out, SIZE_MAX / 2);
    jw_init(&w, &out);
    jw_object(&w);
    member(&w, "name", s->name);
    member(&w, "title", s->title);
    member(&w, "description", s->description);
    raw_member(&w, "icons", s->icons);
    write_entry(&w, s);
    raw_member(&w, "annotations", s->annotations);
    raw_member(&w, "_meta", s->meta);
    jw_object_end(&w);
    tool->entry = keep(tool, buf_str(&out));
    d = digest_id(buf_str(&out));
    memcpy(&tool->digest, d.b, sizeof(tool->digest));
    buf_fini(&out);
}

static int compile(const struct tool_spec *s, struct tool *tool, struct err *e)
{
    struct str check = s->check_schema.p ? s->check_schema : s->input_schema;
    int rc = check_texts(s, e);

    if (rc == DMCP_OK && check.p &&
        (rc = schema_compile(check, NULL, &tool->input, e)) != DMCP_OK) {
        rc = err_wrap(e, DMCP_E_INVALID, "input schema");
    }
    if (rc == DMCP_OK && s->output_schema.p &&
        (rc = schema_compile(s->output_schema, NULL, &tool->output, e)) != DMCP_OK) {
        rc = err_wrap(e, DMCP_E_INVALID, "output schema");
    }
    return rc;
}

const char *tool_method_name(enum call_method method)
{
    switch (method) {
    case CALL_TOOL:
        return "tool";
    case CALL_PROMPT:
        return "prompt";
    case CALL_RESOURCE:
        return "resource";
    case CALL_COMPLETION:
        return "completion";
    case CALL_NOTICE:
        return "notice";
    }
    return "tool";
}

struct str tool_spec_key(const struct tool_spec *s)
{
    return s->method == CALL_RESOURCE ? s->uri : s->name;
}

static int check_spec(const struct tool_spec *s, struct err *e)
{
    const char *what = tool_method_name(s->method);
    struct str key = tool_spec_key(s);

    if (s->method != CALL_RESOURCE && s->method != CALL_NOTICE && !is_good_name(s->name)) {
        return err_set(e, DMCP_E_INVALID, "%s \"%.*s\": a name has 1 to 128 of A-Z a-z 0-9 _ - .",
                       what, STR_FMT(s->name));
    }
    if (s->method == CALL_RESOURCE && (!key.p || key.len == 0 || key.len > LIMIT_URL_BYTES)) {
        return err_set(e, DMCP_E_INVALID, "%s \"%.*s\": a URI has 1 to %u bytes", what,
                       STR_FMT(s->name), LIMIT_URL_BYTES);
    }
    if (s->method == CALL_RESOURCE && uri_template_check(key, e) != DMCP_OK) {
        return err_wrap(e, DMCP_E_INVALID, "%s \"%.*s\"", what, STR_FMT(key));
    }
    if (!s->handler.fn) {
        return err_set(e, DMCP_E_INVALID, "%s \"%.*s\" has no handler", what, STR_FMT(key));
    }
    return DMCP_OK;
}

static struct tool *make_completion(struct tool *tool, const struct tool_spec *s)
{
    struct tool *c;

    if (!s->complete.fn) {
        return NULL;
    }
    c = arena_zalloc(&tool->arena, sizeof(*c));
    c->method = CALL_COMPLETION;
    c->name = tool->name;
    c->fallbacks = STR("");
    c->is_ephemeral = true;
    c->handler = s->complete;
    c->of = tool;
    return c;
}

static void fill(struct tool *tool, const struct tool_spec *s)
{
    tool->method = s->method;
    tool->name = keep(tool, tool_spec_key(s));
    tool->mime = keep(tool, s->mime);
    tool->description = keep(tool, s->description);
    tool->fallbacks = s->fallbacks.p ? keep(tool, s->fallbacks) : STR("");
    tool->is_ephemeral = s->is_ephemeral;
    tool->timeout_ms = s->timeout_ms;
    tool->handler = s->handler;
    tool->completion = make_completion(tool, s);
    make_entry(tool, s);
}

int tool_new(const struct tool_spec *s, struct tool **tool_out, struct err *e)
{
    struct tool *tool;
    int rc = check_spec(s, e);

    if (rc != DMCP_OK) {
        return rc;
    }
    tool = mem_zalloc(sizeof(*tool));
    arena_init(&tool->arena);
    atomic_init(&tool->n_holders, 1);
    rc = compile(s, tool, e);
    if (rc != DMCP_OK) {
        tool_release(tool);
        return err_wrap(e, rc, "%s \"%.*s\"", tool_method_name(s->method),
                        STR_FMT(tool_spec_key(s)));
    }
    fill(tool, s);
    *tool_out = tool;
    return DMCP_OK;
}

/* Whose holders count. */
static struct tool *owner(const struct tool *tool)
{
    return tool->of ? tool->of : (struct tool *)(uintptr_t)tool;
}

const struct tool *tool_hold(const struct tool *tool)
{
    atomic_fetch_add_explicit(&owner(tool)->n_holders, 1, memory_order_relaxed);
    return tool;
}

void tool_release(const struct tool *tool)
{
    struct tool *t = tool ? owner(tool) : NULL;

    if (t && atomic_fetch_sub_explicit(&t->n_holders, 1, memory_order_acq_rel) == 1) {
        schema_free(t->input);
        schema_free(t->output);
        arena_fini(&t->arena);
        mem_free(t);
    }
}

void tool_error_write(struct buf *out, struct str text)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "content");
    jw_array(&w);
    jw_object(&w);
    jw_key(&w, "type");
    jw_strz(&w, "text");
    jw_key(&w, "text");
    jw_str(&w, text);
    jw_object_end(&w);
    jw_array_end(&w);
    jw_key(&w, "isError");
    jw_bool(&w, true);
    jw_object_end(&w);
}
