/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/list and tools/call.
 *
 * What can be said without running anything is said at once and leaves no trace: an unknown tool
 * is a protocol error, wrong arguments are a tool error that names the argument and what was
 * expected, so that the model can mend its call (MCP 2025-11-25, tools, error handling). All the
 * rest is a call: to the engine when it is durable, else straight to a worker.
 */
#include "json/schema.h"
#include "mcp/internal.h"

struct str tools_list_result(struct endpoint *e)
{
    const struct tools *tools = e->config.tools;
    struct json_writer w;
    struct buf out;
    struct str result;

    buf_init(&out, SIZE_MAX / 2);
    jw_init(&w, &out);
    jw_object(&w);
    jw_key(&w, "tools");
    jw_array(&w);
    for (size_t i = 0; i < tools->n; i++) {
        jw_raw(&w, tools->all[i]->entry);
    }
    jw_array_end(&w);
    jw_object_end(&w);
    result = str_make(arena_dup(&e->arena, out.data, out.len), out.len);
    buf_fini(&out);
    return result;
}

void method_tools_list(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    (void)s;
    if (json_get(x->message->params, "cursor")) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS,
                       "Invalid params: no such cursor; the list has one page");
        return;
    }
    exchange_result(e, x, e->tools_list);
}

static void refuse_arguments(struct endpoint *e, struct exchange *x, const struct tool *tool,
                             const struct schema_error *wrong)
{
    struct buf text, result;

    buf_init(&text, 4 * KIB);
    buf_init(&result, 32 * KIB);
    buf_addf(&text, "Invalid arguments for tool %.*s: ", STR_FMT(tool->name));
    schema_error_write(&text, "", wrong);
    tool_error_write(&result, buf_str(&text));
    exchange_result(e, x, buf_str(&result));
    buf_fini(&text);
    buf_fini(&result);
}

/* False: the exchange was answered. */
static bool check_arguments(struct endpoint *e, struct exchange *x, const struct tool *tool)
{
    static const char empty[] = "{}";
    yyjson_val *arguments = json_get(x->message->params, "arguments");
    yyjson_doc *none = NULL;
    struct schema_error wrong;
    int rc;

    if (arguments && !yyjson_is_obj(arguments)) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS,
                       "Invalid params: arguments must be an object");
        return false;
    }
    if (!arguments) {
        none = yyjson_read(empty, sizeof(empty) - 1, 0);
        arguments = yyjson_doc_get_root(none);
    }
    rc = schema_check(tool->input, arguments, &wrong);
    yyjson_doc_free(none);
    if (rc != DMCP_OK) {
        refuse_arguments(e, x, tool, &wrong);
    }
    return rc == DMCP_OK;
}

/* What a repeat of the request must equal: method, name and parameters, as text. */
static struct id request_digest(struct str name, struct str params)
{
    struct buf all;
    struct id d;

    buf_init(&all, SIZE_MAX / 2);
    buf_addz(&all, "tools/call");
    buf_addc(&all, '\0');
    buf_add_str(&all, name);
    buf_addc(&all, '\0');
    buf_add_str(&all, params);
    d = digest_id(buf_str(&all));
    buf_fini(&all);
    return d;
}

static void start_durable(struct endpoint *e, struct exchange *x, const struct session_info *s,
                          struct str name, struct str params)
{
    struct command *c = endpoint_command(x, CMD_CALL_START);
    uint8_t random[10];

    e->ops.random(random, sizeof(random));
    c->call = uuid7_next(&e->uuids, e->now_ms, random);
    c->call.b[15] = s->id.b[15]; /* the session's shard (keys.h) */
    c->start.record = (struct call_record){ .era = CALL_LEGACY,
                                            .method = CALL_TOOL,
                                            .session = s->id,
                                            .digest = request_digest(name, params),
                                            .request_id = command_dup(c, x->request_id),
                                            .name = command_dup(c, name),
                                            .params = command_dup(c, params) };
    c->start.log_level = s->log_level;
    c->start.client = s->client;
    c->start.credit = STREAM_CREDIT;
    x->is_follower = true;
    exchange_move(e, x, EXCHANGE_ENGINE);
    e->ops.post(e->ops.arg, c);
}

static void start_ephemeral(struct endpoint *e, struct exchange *x, const struct session_info *s,
                            const struct tool *tool, struct str params)
{
    int rc = e->ops.run(e->ops.arg, x->peer, tool, s->id, x->request_id, params, s->log_level);

    if (rc == DMCP_OK) {
        exchange_move(e, x, EXCHANGE_ENGINE);
    } else {
        exchange_refuse(e, x, rc, STR("too many calls are waiting or running"));
    }
}

void method_tools_call(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    struct str name = json_get_str(x->message->params, "name");
    const struct tool *tool = name.p ? tools_find(e->config.tools, name) : NULL;
    struct buf params;
    char text[256];

    if (!name.p) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS, "Invalid params: name must be a string");
        return;
    }
    if (!tool) {
        snprintf(text, sizeof(text), "Unknown tool: %.*s",
                 (int)(name.len < LIMIT_NAME_BYTES ? name.len : LIMIT_NAME_BYTES), name.p);
        exchange_error(e, x, 200, RPC_INVALID_PARAMS, text);
        return;
    }
    if (!check_arguments(e, x, tool)) {
        return;
    }
    buf_init(&params, SIZE_MAX / 2);
    json_write(&params, x->message->params);
    if (tool->is_ephemeral) {
        start_ephemeral(e, x, s, tool, buf_str(&params));
    } else {
        start_durable(e, x, s, tool->name, buf_str(&params));
    }
    buf_fini(&params);
}
