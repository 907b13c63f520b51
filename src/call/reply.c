/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result of a tool as its handler builds it: structured content with its text, blocks of
 * content, or a tool error (MCP 2025-11-25, tools, "Tool Result"; result.c writes it). What is set
 * here is kept in memory: a handler that runs again builds it again.
 */
#include "call/icons.h"
#include "call/internal.h"
#include "json/writer.h"

/* The result stands in a message, in its result, perhaps as {"result": v}; and the client reads
 * no deeper than LIMIT_JSON_DEPTH. */
#define REPLY_DEPTH (LIMIT_JSON_DEPTH - 3)

/* ---- setting it ---- */

/* A body is not run again once its step is recorded, nor an iteration, and what it replied would be
 * missing then. */
static int check_place(dmcp_call *call)
{
    if (call->scope->kind != SCOPE_HANDLER) {
        return call_fail(call, DMCP_E_MISUSE, "%s cannot reply: give the result to the handler",
                         scope_place(call));
    }
    if (call_method(call) == CALL_COMPLETION) {
        return call_fail(call, DMCP_E_MISUSE,
                         "a completion has no result but what it gives to dmcp_suggest");
    }
    return DMCP_OK;
}

static int set_reply(dmcp_call *call, yyjson_mut_val *v)
{
    struct reply *r = &call->reply;
    int rc = check_place(call);

    if (rc != DMCP_OK) {
        return rc;
    }
    if (value_depth(v) > REPLY_DEPTH) {
        return call_fail(call, DMCP_E_TOOBIG, "the reply is nested more than %d deep", REPLY_DEPTH);
    }
    r->is_set = true;
    r->is_error = false;
    r->is_wrapped = !yyjson_mut_is_obj(v);
    if (r->is_wrapped) {
        r->structured = yyjson_mut_obj(call->doc);
        yyjson_mut_obj_add(r->structured, yyjson_mut_str(call->doc, "result"), v);
    } else {
        r->structured = v;
    }
    return DMCP_OK;
}

int dmcp_reply(dmcp_call *call, const char *fmt, ...)
{
    yyjson_mut_val *v;
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = value_pack(call, fmt, ap, &v);
    va_end(ap);
    return rc == DMCP_OK ? set_reply(call, v) : rc;
}

int dmcp_reply_value(dmcp_call *call, const dmcp_value *value)
{
    return set_reply(call, value_copy(call, value));
}

int dmcp_reply_error(dmcp_call *call, const char *fmt, ...)
{
    struct reply *r = &call->reply;
    int rc = check_place(call);
    va_list ap;

    if (rc != DMCP_OK) {
        return rc;
    }
    r->is_set = true;
    r->is_error = true;
    r->structured = NULL;
    va_start(ap, fmt);
    r->text = str_of(arena_vprintf(&call->arena, fmt, ap));
    va_end(ap);
    return DMCP_OK;
}

const dmcp_value *dmcp_replied(const dmcp_call *call)
{
    return value_of(call->reply.structured);
}

bool dmcp_replied_error(const dmcp_call *call)
{
    return call->reply.is_error;
}

/* ---- blocks ---- */

/* Each block is written at once; one that passes the limit makes the buffer fail, and so the
 * result. */
static void block_next(struct reply *r, struct json_writer *w)
{
    if (r->n_blocks++ > 0) {
        buf_addc(&r->blocks, ',');
    }
    jw_init(w, &r->blocks);
}

/* A prompt's block stands in a message. */
static int block_open(dmcp_call *call, struct json_writer *w)
{
    struct reply *r = &call->reply;
    int rc = check_place(call);

    if (rc != DMCP_OK) {
        return rc;
    }
    block_next(r, w);
    if (call_method(call) == CALL_PROMPT) {
        jw_object(w);
        jw_key(w, "role");
        jw_strz(w, r->role == DMCP_ASSISTANT ? "assistant" : "user");
        jw_key(w, "content");
    }
    return DMCP_OK;
}

static void raw_member(struct json_writer *w, const char *key, struct str text)
{
    if (text.p) {
        jw_key(w, key);
        jw_raw(w, text);
    }
}

/* What was set for this block, which no other gets. */
static void write_traits(dmcp_call *call, struct json_writer *w)
{
    struct reply *r = &call->reply;

    raw_member(w, "annotations", r->block_annotations);
    raw_member(w, "_meta", r->block_meta);
    r->block_annotations = r->block_meta = STR_NONE;
}

static void block_close(dmcp_call *call, struct json_writer *w)
{
    if (call_method(call) == CALL_PROMPT) {
        jw_object_end(w);
    }
}

static int block_begin(dmcp_call *call, struct json_writer *w, const char *type)
{
    int rc = block_open(call, w);

    if (rc == DMCP_OK) {
        jw_object(w);
        jw_key(w, "type");
        jw_strz(w, type);
    }
    return rc;
}

static void block_end(dmcp_call *call, struct json_writer *w)
{
    write_traits(call, w);
    jw_object_end(w);
    block_close(call, w);
}

#define MAX_SUGGESTIONS 100 /* MCP, completion: "Maximum 100 items per response" */

void dmcp_suggest(dmcp_call *call, const char *value)
{
    struct reply *r = &call->reply;
    struct json_writer w;

    if (call_method(call) != CALL_COMPLETION || r->n_suggestions++ >= MAX_SUGGESTIONS) {
        return;
    }
    block_next(r, &w);
    jw_strz(&w, value);
}

void dmcp_set_role(dmcp_call *call, dmcp_role role)
{
    call->reply.role = role;
}

static void member(struct json_writer *w, const char *key, const char *value)
{
    if (value) {
        jw_key(w, key);
        jw_strz(w, value);
    }
}

/* The members of a resource's contents: of a URI and type of their own, or of the resource that
 * is read. The contents that a resource's handler adds are its blocks. */
static void write_contents(dmcp_call *call, struct json_writer *w, const char *uri,
                           const char *mime, const char *text, struct str data)
{
    const char *own_mime = call->run ? call->run->tool->mime.p : NULL;

    jw_object(w);
    member(w, "uri", uri ? uri : dmcp_call_uri(call));
    member(w, "mimeType", mime ? mime : uri ? NULL : own_mime);
    if (text) {
        member(w, "text", text);
    } else {
        jw_key(w, "blob");
        jw_base64(w, data);
    }
    if (call_method(call) == CALL_RESOURCE) {
        write_traits(call, w);
    }
    jw_object_end(w);
}

int dmcp_add_text(dmcp_call *call, const char *fmt, ...)
{
    struct json_writer w;
    const char *text;
    va_list ap;
    int rc;

    va_start(ap, fmt);
    text = arena_vprintf(&call->arena, fmt, ap);
    va_end(ap);
    if (call_method(call) == CALL_RESOURCE) {
        rc = block_open(call, &w);
        if (rc == DMCP_OK) {
            write_contents(call, &w, NULL, NULL, text, STR_NONE);
        }
        return rc;
    }
    rc = block_begin(call, &w, "text");
    if (rc == DMCP_OK) {
        member(&w, "text", text);
        block_end(call, &w);
    }
    return rc;
}

static int add_media(dmcp_call *call, const char *type, const char *mime, struct str data)
{
    struct json_writer w;
    int rc;

    if (call_method(call) == CALL_RESOURCE) {
        rc = block_open(call, &w);
        if (rc == DMCP_OK) {
            write_contents(call, &w, dmcp_call_uri(call), mime, NULL, data);
        }
        return rc;
    }
    rc = block_begin(call, &w, type);
    if (rc == DMCP_OK) {
        jw_key(&w, "data");
        jw_base64(&w, data);
        member(&w, "mimeType", mime);
        block_end(call, &w);
    }
    return rc;
}

int dmcp_add_image(dmcp_call *call, const char *mime, const void *data, size_t size)
{
    return add_media(call, "image", mime, str_make(data, size));
}

int dmcp_add_audio(dmcp_call *call, const char *mime, const void *data, size_t size)
{
    return add_media(call, "audio", mime, str_make(data, size));
}

static int add_resource(dmcp_call *call, const char *uri, const char *mime, const char *text,
                        struct str data)
{
    struct json_writer w;
    int rc;

    if (call_method(call) == CALL_RESOURCE) {
        rc = block_open(call, &w);
        if (rc == DMCP_OK) {
            write_contents(call, &w, uri, mime, text, data);
        }
        return rc;
    }
    rc = block_begin(call, &w, "resource");
    if (rc == DMCP_OK) {
        jw_key(&w, "resource");
        write_contents(call, &w, uri, mime, text, data);
        block_end(call, &w);
    }
    return rc;
}

int dmcp_add_resource_text(dmcp_call *call, const char *uri, const char *mime, const char *text)
{
    return add_resource(call, uri, mime, text, STR_NONE);
}

int dmcp_add_resource_data(dmcp_call *call, const char *uri, const char *mime, const void *data,
                           size_t size)
{
    return add_resource(call, uri, mime, NULL, str_make(data, size));
}

int dmcp_add_link_to(dmcp_call *call, const dmcp_link *link)
{
    struct json_writer w;
    struct err e;
    int rc;

    if (call_method(call) == CALL_RESOURCE) {
        return call_fail(call, DMCP_E_MISUSE, "the contents of a resource are no links");
    }
    if (icons_check(link->icons, &e) != DMCP_OK) {
        return call_fail(call, DMCP_E_INVALID, "dmcp_add_link_to: %s", e.text);
    }
    rc = block_begin(call, &w, "resource_link");
    if (rc != DMCP_OK) {
        return rc;
    }
    member(&w, "uri", link->uri);
    member(&w, "name", link->name ? link->name : link->uri); /* MCP wants one */
    member(&w, "title", link->title);
    member(&w, "description", link->description);
    member(&w, "mimeType", link->mime);
    if (link->icons) {
        jw_key(&w, "icons");
        icons_write(&w, link->icons);
    }
    if (link->size) {
        jw_key(&w, "size");
        jw_uint(&w, link->size);
    }
    block_end(call, &w);
    return DMCP_OK;
}

int dmcp_add_link(dmcp_call *call, const char *uri, const char *name, const char *mime)
{
    return dmcp_add_link_to(call, &(dmcp_link){ .uri = uri, .name = name, .mime = mime });
}

/* What was set for the block stands in it, whatever it says itself. */
static yyjson_mut_val *with_traits(dmcp_call *call, const dmcp_value *block)
{
    const struct reply *r = &call->reply;
    const struct {
        const char *key;
        struct str text;
    } traits[] = { { "annotations", r->block_annotations }, { "_meta", r->block_meta } };
    yyjson_mut_val *copy = value_mut(block), *v;

    for (size_t i = 0; i < COUNT_OF(traits); i++) {
        if (traits[i].text.p && value_parse(call, traits[i].text, &v) == DMCP_OK) {
            copy = copy == value_mut(block) ? value_copy(call, block) : copy;
            value_put(copy, value_string(call, str_of(traits[i].key)), v);
        }
    }
    return copy;
}

int dmcp_add_block(dmcp_call *call, const dmcp_value *block)
{
    struct json_writer w;
    struct buf text;
    int rc;

    if (dmcp_value_type(block) != DMCP_OBJECT) {
        return call_fail(call, DMCP_E_TYPE, "a block of content must be an object, not of type %s",
                         value_type_name(dmcp_value_type(block)));
    }
    if (value_depth(value_mut(block)) > REPLY_DEPTH) {
        return call_fail(call, DMCP_E_TOOBIG, "the block is nested more than %d deep", REPLY_DEPTH);
    }
    buf_init(&text, LIMIT_RESULT_BYTES);
    json_write_mut(&text, with_traits(call, block));
    rc = block_open(call, &w);
    if (rc == DMCP_OK && !buf_ok(&text)) {
        buf_fail(&call->reply.blocks);
    } else if (rc == DMCP_OK) {
        jw_raw(&w, buf_str(&text));
        block_close(call, &w);
        call->reply.block_annotations = call->reply.block_meta = STR_NONE;
    }
    buf_fini(&text);
    return rc;
}
