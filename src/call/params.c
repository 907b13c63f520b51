/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed parameters to JSON Schema. See params.h.
 */
#include "call/params.h"

#include <assert.h>

#include "json/json.h"
#include "json/writer.h"

static const char *type_name(dmcp_type type)
{
    static const char *const names[] = {
        [DMCP_ANY] = NULL,         [DMCP_NULL] = "null",     [DMCP_BOOLEAN] = "boolean",
        [DMCP_INTEGER] = "integer", [DMCP_NUMBER] = "number", [DMCP_STRING] = "string",
        [DMCP_ARRAY] = "array",    [DMCP_OBJECT] = "object",
    };

    return (size_t)type < COUNT_OF(names) ? names[type] : NULL;
}

static void write_fallback(struct json_writer *w, const dmcp_param *p)
{
    if (p->type == DMCP_STRING) {
        jw_strz(w, p->fallback);
    } else {
        jw_raw(w, str_of(p->fallback));
    }
}

static void write_more(struct json_writer *w, yyjson_doc *more)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(yyjson_doc_get_root(more));
    yyjson_val *key;

    while ((key = yyjson_obj_iter_next(&it))) {
        jw_key_str(w, json_str(key));
        jw_value(w, yyjson_obj_iter_get_val(key));
    }
}

static void write_param(struct json_writer *w, const dmcp_param *p, yyjson_doc *more)
{
    jw_key(w, p->name);
    jw_object(w);
    if (type_name(p->type)) {
        jw_key(w, "type");
        jw_strz(w, type_name(p->type));
    }
    if (p->description) {
        jw_key(w, "description");
        jw_strz(w, p->description);
    }
    if (p->fallback) {
        jw_key(w, "default");
        write_fallback(w, p);
    }
    if (more) {
        write_more(w, more);
    }
    jw_object_end(w);
}

/* A text of the program that must be JSON (of an object, when is_object). */
static int parse(const dmcp_param *p, const char *what, const char *text, yyjson_doc **doc_out,
                 struct err *e)
{
    if (json_read(str_of(text), doc_out, e) != DMCP_OK) {
        return err_wrap(e, DMCP_E_INVALID, "parameter \"%s\": %s", p->name, what);
    }
    return DMCP_OK;
}

static int write_checked_param(struct json_writer *w, const dmcp_param *p, struct err *e)
{
    yyjson_doc *doc = NULL;
    int rc = DMCP_OK;

    if (p->fallback && p->type != DMCP_STRING) {
        rc = parse(p, "fallback", p->fallback, &doc, e);
        yyjson_doc_free(doc);
        doc = NULL;
    }
    if (rc == DMCP_OK && p->schema) {
        rc = parse(p, "schema", p->schema, &doc, e);
        if (rc == DMCP_OK && !yyjson_is_obj(yyjson_doc_get_root(doc))) {
            rc = err_set(e, DMCP_E_INVALID, "parameter \"%s\": schema: not a JSON object", p->name);
        }
    }
    if (rc == DMCP_OK) {
        write_param(w, p, doc);
    }
    yyjson_doc_free(doc);
    return rc;
}

int params_write_schema(struct buf *out, const dmcp_param *params, struct err *e)
{
    struct json_writer w;
    int rc = DMCP_OK;

    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "type");
    jw_strz(&w, "object");
    jw_key(&w, "properties");
    jw_object(&w);
    for (const dmcp_param *p = params; p && p->name && rc == DMCP_OK; p++) {
        rc = write_checked_param(&w, p, e);
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    jw_object_end(&w);
    jw_key(&w, "required");
    jw_array(&w);
    for (const dmcp_param *p = params; p && p->name; p++) {
        if (p->required) {
            jw_strz(&w, p->name);
        }
    }
    jw_array_end(&w);
    jw_object_end(&w);
    return DMCP_OK;
}

/* The getters of an integer give 64 bits. Clients are not told: some take no such bounds. */
static void write_bounds(struct json_writer *w, const dmcp_param *params)
{
    jw_object(w);
    jw_key(w, "properties");
    jw_object(w);
    for (const dmcp_param *p = params; p && p->name; p++) {
        if (p->type == DMCP_INTEGER) {
            jw_key(w, p->name);
            jw_object(w);
            jw_key(w, "minimum");
            jw_int(w, INT64_MIN);
            jw_key(w, "maximum");
            jw_int(w, INT64_MAX);
            jw_object_end(w);
        }
    }
    jw_object_end(w);
    jw_object_end(w);
}

void params_write_check(struct buf *out, struct str schema, const dmcp_param *params)
{
    struct json_writer w;

    assert(schema.len > 1 && schema.p[schema.len - 1] == '}');
    buf_add(out, schema.p, schema.len - 1);
    buf_addz(out, ",\"allOf\":[");
    jw_init(&w, out);
    write_bounds(&w, params);
    buf_addz(out, "]}");
}

void params_write_fallbacks(struct buf *out, const dmcp_param *params)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    for (const dmcp_param *p = params; p && p->name; p++) {
        if (p->fallback) {
            jw_key(&w, p->name);
            write_fallback(&w, p);
        }
    }
    jw_object_end(&w);
}

static void write_prompt_list(struct buf *out, const dmcp_prompt_arg *args)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_array(&w);
    for (const dmcp_prompt_arg *a = args; a && a->name; a++) {
        jw_object(&w);
        jw_key(&w, "name");
        jw_strz(&w, a->name);
        if (a->title) {
            jw_key(&w, "title");
            jw_strz(&w, a->title);
        }
        if (a->description) {
            jw_key(&w, "description");
            jw_strz(&w, a->description);
        }
        jw_key(&w, "required");
        jw_bool(&w, a->required);
        jw_object_end(&w);
    }
    jw_array_end(&w);
}

void params_write_prompt(struct buf *list, struct buf *schema, const dmcp_prompt_arg *args)
{
    struct json_writer w;

    write_prompt_list(list, args);
    jw_init(&w, schema);
    jw_object(&w);
    jw_key(&w, "type");
    jw_strz(&w, "object");
    jw_key(&w, "additionalProperties"); /* MCP: arguments of prompts are texts */
    jw_object(&w);
    jw_key(&w, "type");
    jw_strz(&w, "string");
    jw_object_end(&w);
    jw_key(&w, "required");
    jw_array(&w);
    for (const dmcp_prompt_arg *a = args; a && a->name; a++) {
        if (a->required) {
            jw_strz(&w, a->name);
        }
    }
    jw_array_end(&w);
    jw_object_end(&w);
}
