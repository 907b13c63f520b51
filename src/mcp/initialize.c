/* SPDX-License-Identifier: Apache-2.0 */
/*
 * initialize: a session begins. Its id leaves only when its row is durable, so that a session
 * which a client knows is a session that survives.
 *
 * Versions: the client's own when it is one of ours; 2024-11-05 and other unknown ones get the
 * latest of this era, which the client may refuse.
 * Source: MCP 2025-11-25, lifecycle, "Version Negotiation".
 */
#include "mcp/internal.h"

static const char bad_params[] =
    "Invalid params: initialize needs protocolVersion (string), capabilities (object) and "
    "clientInfo (object with name and version)";

static bool has_good_params(const yyjson_val *params)
{
    yyjson_val *info = json_get(params, "clientInfo");

    return json_get_str(params, "protocolVersion").p && yyjson_is_obj(info) &&
           json_get_str(info, "name").p && json_get_str(info, "version").p &&
           yyjson_is_obj(json_get(params, "capabilities"));
}

static struct str dup_json(struct command *c, const yyjson_val *v)
{
    struct buf text;
    struct str copy;

    buf_init(&text, LIMIT_BODY_BYTES * 2);
    json_write(&text, v);
    copy = command_dup(c, buf_str(&text));
    buf_fini(&text);
    return copy;
}

/* What the client can do. An elicitation capability without modes means forms. Before 2025-11-25
 * there was no capability for the context of servers: who could sample had to know of it.
 * Source: MCP 2025-11-25, client features. */
static uint8_t read_capabilities(yyjson_val *capabilities, enum version version)
{
    yyjson_val *elicitation = json_get(capabilities, "elicitation");
    yyjson_val *sampling = json_get(capabilities, "sampling");
    bool has_url = json_get(elicitation, "url") != NULL;
    bool has_form = elicitation && (json_get(elicitation, "form") || !has_url);
    unsigned flags = 0;

    flags |= sampling ? SESSION_SAMPLING : 0;
    flags |= json_get(sampling, "tools") ? SESSION_SAMPLING_TOOLS : 0;
    flags |= json_get(sampling, "context") || (sampling && version < VERSION_2025_11_25)
                 ? SESSION_SAMPLING_CONTEXT
                 : 0;
    flags |= has_form ? SESSION_ELICIT_FORM : 0;
    flags |= has_url ? SESSION_ELICIT_URL : 0;
    flags |= json_get(capabilities, "roots") ? SESSION_ROOTS : 0;
    return (uint8_t)flags;
}

void method_initialize(struct endpoint *e, struct exchange *x)
{
    const yyjson_val *params = x->message->params;
    struct session_info s = { .touched_ms = e->now_ms };
    static const struct id none;
    struct command *c;

    if (!has_good_params(params)) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS, bad_params);
        return;
    }
    if (version_parse(json_get_str(params, "protocolVersion"), &s.version) != DMCP_OK) {
        s.version = VERSION_LATEST;
    }
    if (id_eq(x->session, none)) {
        endpoint_random(e, s.id.b, sizeof(s.id.b));
    } else {
        s.id = x->session; /* a pipe has chosen it */
    }
    x->session = s.id;
    x->version = s.version;
    c = endpoint_command(x, CMD_SESSION_OPEN);
    c->open.protocol_version = command_dup(c, str_of(version_name(s.version)));
    c->open.principal = STR("");
    c->open.flags = x->client = read_capabilities(json_get(params, "capabilities"),
                                                    s.version);
    c->open.client_info = dup_json(c, json_get(params, "clientInfo"));
    c->open.capabilities = dup_json(c, json_get(params, "capabilities"));
    exchange_move(e, x, EXCHANGE_ENGINE);
    e->ops.post(e->ops.arg, c);
}

static void write_feature(struct json_writer *w, const char *what, const char *also)
{
    jw_key(w, what);
    jw_object(w);
    jw_key(w, "listChanged");
    jw_bool(w, true);
    if (also) {
        jw_key(w, also);
        jw_bool(w, true);
    }
    jw_object_end(w);
}

/* What is served, and nothing else. */
static void write_capabilities(struct json_writer *w, const struct catalog_kinds *kinds)
{
    jw_key(w, "capabilities");
    jw_object(w);
    if (kinds->has[OFFER_TOOLS]) {
        write_feature(w, "tools", NULL);
    }
    if (kinds->has[OFFER_PROMPTS]) {
        write_feature(w, "prompts", NULL);
    }
    if (kinds->has[OFFER_RESOURCES]) {
        write_feature(w, "resources", "subscribe");
    }
    if (kinds->has_completion) {
        jw_key(w, "completions");
        jw_object(w);
        jw_object_end(w);
    }
    jw_key(w, "logging");
    jw_object(w);
    jw_object_end(w);
    /* A request that is sent again with its id attaches to its call: clients may do so after a
     * lost connection. */
    jw_key(w, "experimental");
    jw_object(w);
    jw_key(w, "durable-mcp");
    jw_object(w);
    jw_key(w, "attach");
    jw_bool(w, true);
    jw_object_end(w);
    jw_object_end(w);
    jw_object_end(w);
}

static void answer(struct endpoint *e, struct exchange *x)
{
    const struct catalog_kinds kinds = catalog_kinds(e->config.catalog);
    struct json_writer w;
    struct buf result;

    buf_init(&result, LIMIT_BODY_BYTES);
    jw_init(&w, &result);
    jw_object(&w);
    jw_key(&w, "protocolVersion");
    jw_strz(&w, version_name(x->version));
    write_capabilities(&w, &kinds);
    jw_key(&w, "serverInfo");
    jw_raw(&w, e->config.server_info);
    if (e->config.instructions.p) {
        jw_key(&w, "instructions");
        jw_str(&w, e->config.instructions);
    }
    jw_object_end(&w);
    x->has_session = true;
    exchange_result(e, x, buf_str(&result));
    buf_fini(&result);
}

/* The session is durable. */
void initialize_done(struct endpoint *e, struct exchange *x)
{
    struct session_info s = { .id = x->session, .version = x->version, .touched_ms = e->now_ms,
                              .client = x->client };

    session_cache_put(&e->sessions, &s);
    answer(e, x);
}

/* The session was opened by this very message in another life of the server, and nobody heard of
 * it. */
void method_initialize_again(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    x->version = s->version;
    answer(e, x);
}
