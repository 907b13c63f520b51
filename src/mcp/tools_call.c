/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/call.
 *
 * What can be said without running anything is said at once and leaves no trace: an unknown tool
 * is a protocol error, wrong arguments are a tool error that names the argument and what was
 * expected, so that the model can mend its call (MCP 2025-11-25, tools, error handling; to clients
 * of older revisions it is a protocol error with the same text). All the rest is a call: to the
 * engine when it is durable, else straight to a worker.
 */
#include "base/utf8.h"
#include "json/schema.h"
#include "mcp/internal.h"

static void refuse_arguments(struct endpoint *e, struct exchange *x, const struct tool *tool,
                             const struct schema_error *wrong)
{
    struct buf text, result;

    buf_init(&text, 4 * KIB);
    buf_init(&result, 32 * KIB);
    buf_addf(&text, "Invalid arguments for tool %.*s: ", STR_FMT(tool->name));
    schema_error_write(&text, "", wrong);
    if (version_shows_wrong_arguments(x->version)) {
        tool_error_write(&result, buf_str(&text));
        exchange_result(e, x, buf_str(&result));
    } else {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS, text.data);
    }
    buf_fini(&text);
    buf_fini(&result);
}

/* False: the exchange was answered. */
static bool check_arguments(struct endpoint *e, struct exchange *x, const struct tool *tool)
{
    yyjson_val *arguments = json_get(x->message->params, "arguments");
    yyjson_doc *none = NULL;
    struct schema_error wrong;
    int rc;

    if (arguments && !yyjson_is_obj(arguments)) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS,
                       "Invalid params: arguments must be an object");
        return false;
    }
    if (!arguments && json_read(STR("{}"), &none, NULL) == DMCP_OK) {
        arguments = yyjson_doc_get_root(none);
    }
    rc = schema_check(tool->input, arguments, &wrong);
    yyjson_doc_free(none);
    if (rc != DMCP_OK) {
        refuse_arguments(e, x, tool, &wrong);
    }
    return rc == DMCP_OK;
}

void attach_unknown(struct endpoint *e, struct exchange *x, const struct session_info *s,
                    enum call_method method, struct str name)
{
    struct call_record call = { .method = (uint8_t)method, .name = name };
    struct buf params, error;
    struct json_writer w;

    buf_init(&params, SIZE_MAX / 2);
    json_write(&params, x->message->params);
    call.params = buf_str(&params);
    buf_init(&error, SIZE_MAX / 2);
    jw_init(&w, &error);
    jw_object(&w);
    jw_key(&w, "code");
    jw_int(&w, RPC_INVALID_PARAMS);
    jw_key(&w, "message");
    jw_strf(&w, "Unknown %s: %.*s", tool_method_name(method), STR_FMT(utf8_cut(name, 128)));
    jw_object_end(&w);
    call_attach(e, x, s, &call, buf_str(&error));
    buf_fini(&params);
    buf_fini(&error);
}

void method_tools_call(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    struct str name = json_get_str(x->message->params, "name");
    const struct tool *tool = name.p ? catalog_hold_in(e->config.catalog, OFFER_TOOLS, name) : NULL;
    struct buf params;

    if (!name.p) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS, "Invalid params: name must be a string");
        return;
    }
    if (!tool) {
        attach_unknown(e, x, s, CALL_TOOL, name);
    } else if (check_arguments(e, x, tool)) {
        buf_init(&params, SIZE_MAX / 2);
        json_write(&params, x->message->params);
        call_begin(e, x, s, tool, buf_str(&params));
        buf_fini(&params);
    }
    tool_release(tool);
}
