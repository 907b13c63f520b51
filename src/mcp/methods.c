/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests that a session may send: the table, and the small ones.
 */
#include "mcp/internal.h"

static void method_ping(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    (void)s;
    exchange_result(e, x, STR("{}"));
}

/* logging/setLevel {"level": name}: the least important messages that the client wants.
 * Source: MCP 2025-11-25, server utilities, logging. */
static void method_set_level(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    static const char *const levels[] = { "debug", "info",     "notice", "warning",
                                          "error", "critical", "alert",  "emergency" };
    struct str level = json_get_str(x->message->params, "level");
    struct session_info changed = *s;
    struct command *c;

    for (size_t i = 0; level.p && i < COUNT_OF(levels); i++) {
        if (str_eqz(level, levels[i])) {
            c = endpoint_command(x, CMD_SESSION_UPDATE);
            c->update.log_level = (int)i;
            changed.log_level = (uint8_t)i;
            session_cache_put(&e->sessions, &changed);
            exchange_move(e, x, EXCHANGE_ENGINE);
            e->ops.post(e->ops.arg, c);
            return;
        }
    }
    exchange_error(e, x, 200, RPC_INVALID_PARAMS,
                   "Invalid params: level must be one of debug, info, notice, warning, error, "
                   "critical, alert, emergency");
}

static const struct {
    const char *name;
    void (*run)(struct endpoint *e, struct exchange *x, const struct session_info *s);
} methods[] = {
    { "ping", method_ping },
    { "initialize", method_initialize_again }, /* of a pipe; see post_take */
    { "tools/call", method_tools_call },
    { "tools/list", method_tools_list },
    { "prompts/get", method_prompts_get },
    { "prompts/list", method_prompts_list },
    { "resources/read", method_resources_read },
    { "resources/list", method_resources_list },
    { "resources/templates/list", method_templates_list },
    { "resources/subscribe", method_subscribe },
    { "resources/unsubscribe", method_unsubscribe },
    { "completion/complete", method_complete },
    { "logging/setLevel", method_set_level },
};

void method_run(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    char text[256];

    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (str_eqz(x->message->method, methods[i].name)) {
            methods[i].run(e, x, s);
            return;
        }
    }
    snprintf(text, sizeof(text), "Method not found: %.*s",
             (int)(x->message->method.len < 200 ? x->message->method.len : 200),
             x->message->method.p);
    exchange_error(e, x, 200, RPC_METHOD_NOT_FOUND, text);
}
