/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results for older clients. See older.h.
 */
#include "mcp/older.h"

#include "json/json.h"
#include "json/writer.h"

/* MCP 2025-03-26, schema, CallToolResult and PromptMessage: text, image, audio and resource. */
static void write_block(struct json_writer *w, yyjson_val *block)
{
    struct str type = json_get_str(block, "type"), name = json_get_str(block, "name");
    struct str uri = json_get_str(block, "uri");
    yyjson_val *annotations = json_get(block, "annotations");

    if (!type.p || !str_eqz(type, "resource_link") || !uri.p) {
        jw_value(w, block);
        return;
    }
    jw_object(w);
    jw_key(w, "type");
    jw_strz(w, "text");
    jw_key(w, "text");
    if (name.p && !str_eq(name, uri)) {
        jw_strf(w, "%.*s: %.*s", STR_FMT(name), STR_FMT(uri));
    } else {
        jw_str(w, uri);
    }
    if (annotations) {
        jw_key(w, "annotations");
        jw_value(w, annotations);
    }
    jw_object_end(w);
}

static void write_message(struct json_writer *w, yyjson_val *message)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(message);
    yyjson_val *key;

    jw_object(w);
    while ((key = yyjson_obj_iter_next(&it))) {
        jw_key_str(w, json_str(key));
        if (yyjson_equals_str(key, "content")) {
            write_block(w, yyjson_obj_iter_get_val(key));
        } else {
            jw_value(w, yyjson_obj_iter_get_val(key));
        }
    }
    jw_object_end(w);
}

static void write_array(struct json_writer *w, yyjson_val *array,
                        void (*write)(struct json_writer *w, yyjson_val *v))
{
    yyjson_arr_iter it = yyjson_arr_iter_with(array);
    yyjson_val *v;

    jw_array(w);
    while ((v = yyjson_arr_iter_next(&it))) {
        write(w, v);
    }
    jw_array_end(w);
}

static void write_result(struct json_writer *w, yyjson_val *result)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(result);
    yyjson_val *key, *v;

    jw_object(w);
    while ((key = yyjson_obj_iter_next(&it))) {
        v = yyjson_obj_iter_get_val(key);
        jw_key_str(w, json_str(key));
        if (yyjson_equals_str(key, "content")) {
            write_array(w, v, write_block);
        } else if (yyjson_equals_str(key, "messages")) {
            write_array(w, v, write_message);
        } else {
            jw_value(w, v);
        }
    }
    jw_object_end(w);
}

bool older_result(enum version v, struct str result, struct buf *out)
{
    static const char link[] = "\"resource_link\"";
    struct json_writer w;
    yyjson_doc *doc;
    struct err e;

    if (version_has_links(v) || result.len == 0 ||
        !memmem(result.p, result.len, link, sizeof(link) - 1) ||
        json_read(result, &doc, &e) != DMCP_OK) {
        return false;
    }
    jw_init(&w, out);
    write_result(&w, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return true;
}
