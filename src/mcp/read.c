/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What names a prompt or a resource: prompts/get, resources/read, completion, subscriptions. What
 * cannot be served is a JSON-RPC error.
 * Source: MCP 2025-11-25, server features, prompts and resources; utilities, completion.
 */
#include "json/schema.h"
#include "mcp/internal.h"
#include "mcp/uri_template.h"

/* ---- prompts ---- */

/* False: the exchange was answered. */
static bool check_prompt(struct endpoint *e, struct exchange *x, const struct tool *prompt)
{
    yyjson_val *arguments = json_get(x->message->params, "arguments");
    yyjson_doc *none = NULL;
    struct schema_error wrong;
    struct buf text;
    int rc;

    if (!arguments && json_read(STR("{}"), &none, NULL) == DMCP_OK) {
        arguments = yyjson_doc_get_root(none);
    }
    rc = schema_check(prompt->input, arguments, &wrong);
    yyjson_doc_free(none);
    if (rc != DMCP_OK) {
        buf_init(&text, 4 * KIB);
        buf_addf(&text, "Invalid arguments for prompt %.*s: ", STR_FMT(prompt->name));
        schema_error_write(&text, "", &wrong);
        exchange_error(e, x, 200, RPC_INVALID_PARAMS, text.data);
        buf_fini(&text);
    }
    return rc == DMCP_OK;
}

void method_prompts_get(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    struct str name = json_get_str(x->message->params, "name");
    const struct tool *prompt =
        name.p ? catalog_hold_in(e->config.catalog, OFFER_PROMPTS, name) : NULL;
    struct buf params;

    if (!name.p) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS, "Invalid params: name must be a string");
        return;
    }
    if (!prompt) {
        attach_unknown(e, x, s, CALL_PROMPT, name);
    } else if (check_prompt(e, x, prompt)) {
        buf_init(&params, SIZE_MAX / 2);
        json_write(&params, x->message->params);
        call_begin(e, x, s, prompt, buf_str(&params));
        buf_fini(&params);
    }
    tool_release(prompt);
}

/* ---- resources ---- */

static void write_not_found(struct buf *error, struct str uri)
{
    struct json_writer w;

    jw_init(&w, error);
    jw_object(&w);
    jw_key(&w, "code");
    jw_int(&w, RPC_RESOURCE_NOT_FOUND);
    jw_key(&w, "message");
    jw_strz(&w, "Resource not found");
    jw_key(&w, "data");
    jw_object(&w);
    jw_key(&w, "uri");
    jw_str(&w, uri);
    jw_object_end(&w);
    jw_object_end(&w);
}

/* The call's parameters: as they came, with what the template's variables took as arguments.
 * False: the URI is not the template's (NULL: it has none). */
static bool write_params(struct buf *out, const struct exchange *x, struct str uri,
                         const struct tool *template)
{
    yyjson_val *meta = json_get(x->message->params, "_meta");
    struct json_writer w;
    bool is_match = true;

    buf_reset(out);
    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "uri");
    jw_str(&w, uri);
    jw_key(&w, "arguments");
    jw_object(&w);
    if (template) {
        is_match = uri_template_match(template->name, uri, &w);
    }
    jw_object_end(&w);
    if (meta) {
        jw_key(&w, "_meta");
        jw_value(&w, meta);
    }
    jw_object_end(&w);
    return is_match;
}

/* Whose URI it is, held, with the call's parameters; NULL: nobody's. Concrete resources first, then
 * templates in the order in which they were added. */
static const struct tool *hold_resource(struct catalog *c, const struct exchange *x, struct str uri,
                                        struct buf *params)
{
    const struct tool *found = catalog_hold_in(c, OFFER_RESOURCES, uri), *template;
    uint64_t number = 0;

    if (found) {
        write_params(params, x, uri, NULL);
        return found;
    }
    while ((template = catalog_hold_after(c, OFFER_TEMPLATES, number))) {
        if (write_params(params, x, uri, template)) {
            return template;
        }
        number = template->place.number;
        tool_release(template);
    }
    return NULL;
}

/* The call of before can be found if it was of a resource of its own; a template that is not there
 * cannot say what its variables took. */
static void attach_unknown_resource(struct endpoint *e, struct exchange *x,
                                    const struct session_info *s, struct str uri)
{
    struct call_record call = { .method = CALL_RESOURCE, .name = uri };
    struct buf params, error;

    buf_init(&params, SIZE_MAX / 2);
    write_params(&params, x, uri, NULL);
    call.params = buf_str(&params);
    buf_init(&error, SIZE_MAX / 2);
    write_not_found(&error, uri);
    call_attach(e, x, s, &call, buf_str(&error));
    buf_fini(&params);
    buf_fini(&error);
}

void method_resources_read(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    struct str uri = json_get_str(x->message->params, "uri");
    const struct tool *resource;
    struct buf params;

    if (!uri.p) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS, "Invalid params: uri must be a string");
        return;
    }
    buf_init(&params, SIZE_MAX / 2);
    resource = hold_resource(e->config.catalog, x, uri, &params);
    if (resource) {
        call_begin(e, x, s, resource, buf_str(&params));
    } else {
        attach_unknown_resource(e, x, s, uri);
    }
    tool_release(resource);
    buf_fini(&params);
}

/* ---- subscriptions ---- */

static bool is_resource(struct catalog *c, const struct exchange *x, struct str uri)
{
    const struct tool *resource;
    struct buf ignored;

    buf_init(&ignored, SIZE_MAX / 2);
    resource = hold_resource(c, x, uri, &ignored);
    tool_release(resource);
    buf_fini(&ignored);
    return resource != NULL;
}

static void refuse_resource(struct endpoint *e, struct exchange *x, struct str uri)
{
    struct buf error;

    buf_init(&error, SIZE_MAX / 2);
    write_not_found(&error, uri);
    exchange_error_object(e, x, buf_str(&error));
    buf_fini(&error);
}

/* A subscription may be ended when its resource has gone. */
static void subscribe(struct endpoint *e, struct exchange *x, bool is_end)
{
    struct str uri = json_get_str(x->message->params, "uri");
    struct command *c;

    if (!uri.p) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS, "Invalid params: uri must be a string");
    } else if (!is_end && !is_resource(e->config.catalog, x, uri)) {
        refuse_resource(e, x, uri);
    } else {
        c = endpoint_command(x, CMD_SUBSCRIBE);
        c->subscribe.uri = digest_id(uri);
        c->subscribe.is_end = is_end;
        exchange_move(e, x, EXCHANGE_ENGINE); /* {} when it is durable */
        e->ops.post(e->ops.arg, c);
    }
}

void method_subscribe(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    (void)s;
    subscribe(e, x, false);
}

void method_unsubscribe(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    (void)s;
    subscribe(e, x, true);
}

/* ---- completion ---- */

/* Held. */
static const struct tool *hold_ref(struct catalog *c, yyjson_val *ref)
{
    struct str type = json_get_str(ref, "type"), name;

    if (type.p && str_eq(type, STR("ref/prompt"))) {
        name = json_get_str(ref, "name");
        return name.p ? catalog_hold_in(c, OFFER_PROMPTS, name) : NULL;
    }
    if (type.p && str_eq(type, STR("ref/resource"))) {
        name = json_get_str(ref, "uri");
        return name.p ? catalog_hold(c, CALL_RESOURCE, name, NULL, NULL) : NULL;
    }
    return NULL;
}

/* The handler's arguments: argument, value, context. */
static void write_completion_params(struct buf *out, yyjson_val *params)
{
    yyjson_val *argument = json_get(params, "argument");
    yyjson_val *context = json_get(json_get(params, "context"), "arguments");
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "arguments");
    jw_object(&w);
    jw_key(&w, "argument");
    jw_str(&w, json_get_str(argument, "name"));
    jw_key(&w, "value");
    jw_str(&w, json_get_str(argument, "value"));
    if (yyjson_is_obj(context)) {
        jw_key(&w, "context");
        jw_value(&w, context);
    }
    jw_object_end(&w);
    jw_object_end(&w);
}

static void answer_nothing(struct endpoint *e, struct exchange *x)
{
    struct json_writer w;
    struct buf result;

    buf_init(&result, 256);
    jw_init(&w, &result);
    jw_object(&w);
    jw_key(&w, "completion");
    jw_object(&w);
    jw_key(&w, "values");
    jw_array(&w);
    jw_array_end(&w);
    jw_object_end(&w);
    jw_object_end(&w);
    exchange_result(e, x, buf_str(&result));
    buf_fini(&result);
}

void method_complete(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    yyjson_val *argument = json_get(x->message->params, "argument");
    const struct tool *tool = hold_ref(e->config.catalog, json_get(x->message->params, "ref"));
    struct buf params;

    if (!catalog_kinds(e->config.catalog).has_completion) {
        exchange_error(e, x, 200, RPC_METHOD_NOT_FOUND,
                       "Method not found: completion/complete, for this server completes nothing");
    } else if (!json_get_str(argument, "name").p || !json_get_str(argument, "value").p) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS,
                       "Invalid params: argument needs name and value, both strings");
    } else if (!tool) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS,
                       "Invalid params: ref names no prompt or resource");
    } else if (!tool->completion) {
        answer_nothing(e, x);
    } else {
        buf_init(&params, SIZE_MAX / 2);
        write_completion_params(&params, x->message->params);
        call_begin(e, x, s, tool->completion, buf_str(&params));
        buf_fini(&params);
    }
    tool_release(tool);
}
