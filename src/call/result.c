/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result object of MCP that a handler's reply becomes: of a tool its content, structured and
 * not, of a prompt its messages, of a resource its contents, of a completion its values.
 * Source: MCP 2025-11-25, tools, "Tool Result"; prompts; resources; completion.
 */
#include "call/internal.h"
#include "json/schema.h"
#include "json/writer.h"

static void write_text_block(struct json_writer *w, struct str text)
{
    jw_object(w);
    jw_key(w, "type");
    jw_strz(w, "text");
    jw_key(w, "text");
    jw_str(w, text);
    jw_object_end(w);
}

/* What stands in the text block for structured content. A string is its own text; anything else
 * is indented JSON, which people and models read best. */
static void write_structured_text(const struct reply *r, struct json_writer *w)
{
    yyjson_mut_val *shown = r->structured;
    struct buf text;

    if (r->is_wrapped) {
        shown = yyjson_mut_obj_get(shown, "result");
    }
    if (yyjson_mut_is_str(shown)) {
        write_text_block(w, str_make(yyjson_mut_get_str(shown), yyjson_mut_get_len(shown)));
        return;
    }
    buf_init(&text, SIZE_MAX / 2);
    json_write_indented(&text, shown);
    write_text_block(w, buf_str(&text));
    buf_fini(&text);
}

static void write_content(const struct reply *r, struct json_writer *w)
{
    jw_key(w, "content");
    jw_array(w);
    if (r->is_error) {
        write_text_block(w, r->text);
    } else if (r->is_set) {
        write_structured_text(r, w);
    }
    if (r->n_blocks > 0) {
        jw_raw(w, buf_str(&r->blocks));
    }
    jw_array_end(w);
}

/* A tool with an output schema promised structured content that fits it. */
static int check_schema(dmcp_call *call, struct str structured)
{
    const struct schema *schema = call->run->tool->output;
    struct schema_error wrong;
    yyjson_doc *doc;
    struct buf why;
    struct err e;
    int rc;

    if (!schema || call->reply.is_error) {
        return DMCP_OK;
    }
    if (!call->reply.structured) {
        return call_fail(call, DMCP_E_TYPE,
                         "the tool has an output schema, but its result is not structured");
    }
    rc = json_read(structured, &doc, &e);
    if (rc != DMCP_OK) {
        return call_fail(call, rc, "the structured result: %s", e.text);
    }
    if (schema_check(schema, yyjson_doc_get_root(doc), &wrong) != DMCP_OK) {
        buf_init(&why, SIZE_MAX / 2);
        schema_error_write(&why, "result", &wrong);
        rc = call_fail(call, DMCP_E_TYPE, "the result does not fit the tool's output schema: %s",
                       buf_str(&why).p);
        buf_fini(&why);
    }
    yyjson_doc_free(doc);
    return rc;
}

static void write_meta(const struct reply *r, struct json_writer *w)
{
    if (r->meta.p) {
        jw_key(w, "_meta");
        jw_raw(w, r->meta);
    }
}

/* prompts/get and resources/read: what the handler added, and a reply as one more of it. */
static void write_list(dmcp_call *call, const char *key, struct buf *out)
{
    const struct reply *r = &call->reply;
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    if (call_method(call) == CALL_PROMPT && call->run->tool->description.p) {
        jw_key(&w, "description");
        jw_str(&w, call->run->tool->description);
    }
    jw_key(&w, key);
    jw_array(&w);
    if (r->n_blocks > 0) {
        jw_raw(&w, buf_str(&r->blocks));
    }
    jw_array_end(&w);
    write_meta(r, &w);
    jw_object_end(&w);
}

/* A reply of a prompt or a resource is one more block: its text. */
static int reply_to_block(dmcp_call *call)
{
    const struct reply *r = &call->reply;
    yyjson_mut_val *shown = r->structured;
    struct buf text;
    int rc;

    if (r->is_error) {
        return call_fail(call, DMCP_E_REMOTE, "%.*s", STR_FMT(r->text));
    }
    if (!r->is_set) {
        return DMCP_OK;
    }
    if (r->is_wrapped) {
        shown = yyjson_mut_obj_get(shown, "result");
    }
    if (yyjson_mut_is_str(shown)) {
        return dmcp_add_text(call, "%s", yyjson_mut_get_str(shown));
    }
    buf_init(&text, LIMIT_RESULT_BYTES);
    json_write_indented(&text, shown);
    rc = buf_ok(&text) ? dmcp_add_text(call, "%s", text.data)
                       : call_fail(call, DMCP_E_TOOBIG, "the reply is too large");
    buf_fini(&text);
    return rc;
}

static void write_completion(dmcp_call *call, struct buf *out)
{
    const struct reply *r = &call->reply;
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "completion");
    jw_object(&w);
    jw_key(&w, "values");
    jw_array(&w);
    if (r->n_blocks > 0) {
        jw_raw(&w, buf_str(&r->blocks));
    }
    jw_array_end(&w);
    jw_key(&w, "total");
    jw_uint(&w, r->n_suggestions);
    jw_key(&w, "hasMore");
    jw_bool(&w, r->n_suggestions > r->n_blocks);
    jw_object_end(&w);
    write_meta(r, &w);
    jw_object_end(&w);
}

static int write_listed(dmcp_call *call, struct buf *out)
{
    enum call_method method = call_method(call);
    int rc = method == CALL_COMPLETION ? DMCP_OK : reply_to_block(call);

    if (rc != DMCP_OK) {
        return rc;
    }
    if (!buf_ok(&call->reply.blocks)) {
        buf_fail(out);
    } else if (method == CALL_COMPLETION) {
        write_completion(call, out);
    } else {
        write_list(call, method == CALL_PROMPT ? "messages" : "contents", out);
    }
    return buf_ok(out) ? DMCP_OK
                       : call_fail(call, DMCP_E_TOOBIG,
                                   "the result is larger than %u bytes as JSON",
                                   LIMIT_RESULT_BYTES);
}

static void write_result(const struct reply *r, struct str structured, struct buf *out)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    write_content(r, &w);
    if (r->structured) {
        jw_key(&w, "structuredContent");
        jw_raw(&w, structured);
    }
    if (r->is_error) {
        jw_key(&w, "isError");
        jw_bool(&w, true);
    }
    write_meta(r, &w);
    jw_object_end(&w);
}

void reply_write_parts(dmcp_call *call, struct buf *out)
{
    const struct reply *r = &call->reply;
    struct json_writer w;
    struct buf part;

    buf_init(&part, SIZE_MAX / 2);
    if (r->structured) {
        json_write_mut(&part, r->structured);
    } else {
        jw_init(&w, &part);
        jw_str(&w, r->is_error ? r->text : STR(""));
    }
    jw_init(&w, out);
    jw_array(&w);
    jw_strz(&w, r->is_error ? "error" : "result");
    jw_raw(&w, buf_str(&part));
    if (r->n_blocks > 0) {
        jw_raw(&w, buf_str(&r->blocks));
    }
    if (r->meta.p) {
        jw_raw(&w, r->meta);
    }
    jw_array_end(&w);
    buf_fini(&part);
}

int reply_write(dmcp_call *call, struct buf *out)
{
    const struct reply *r = &call->reply;
    struct buf structured;
    int rc;

    if (call_method(call) != CALL_TOOL && call_method(call) != CALL_NOTICE) {
        return write_listed(call, out);
    }
    buf_init(&structured, SIZE_MAX / 2);
    if (r->structured) {
        json_write_mut(&structured, r->structured);
    }
    rc = check_schema(call, buf_str(&structured));
    if (rc == DMCP_OK && buf_ok(&r->blocks)) {
        write_result(r, buf_str(&structured), out);
    }
    if (rc == DMCP_OK && !(buf_ok(&r->blocks) && buf_ok(out))) {
        rc = call_fail(call, DMCP_E_TOOBIG, "the result is larger than %u bytes as JSON",
                       LIMIT_RESULT_BYTES);
    }
    buf_fini(&structured);
    return rc;
}
