/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that a handler serves becomes a call: to the engine when it is durable, with what a
 * repeat must equal and the idempotency key that came with it, else straight to a worker.
 */
#include "mcp/internal.h"

/* A digest of texts, each ended by a NUL so that no two lists give the same bytes. */
static struct id digest_of(const struct str *parts, size_t n)
{
    struct buf all;
    struct id d;

    buf_init(&all, SIZE_MAX / 2);
    for (size_t i = 0; i < n; i++) {
        buf_add_str(&all, parts[i]);
        buf_addc(&all, '\0');
    }
    d = digest_id(buf_str(&all));
    buf_fini(&all);
    return d;
}

/* The key that the client gave this call, by header or in _meta; absent for none. False: there is
 * something else in its place, which must not be overlooked, and the exchange was answered. */
static bool read_key(struct endpoint *e, struct exchange *x, struct str *key_out)
{
    yyjson_val *meta = json_get(x->message->params, "_meta");
    yyjson_val *given = json_get(json_get(meta, "mcp_tx"), "idempotency_key");
    struct str key = x->idempotency_key;

    if (!key.p && given) {
        key = yyjson_is_str(given) ? json_str(given) : STR("");
    }
    if (key.p && (key.len == 0 || key.len > LIMIT_IDEMPOTENCY_KEY_BYTES)) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS,
                       "Invalid params: an idempotency key is a string of 1 to 256 bytes");
        return false;
    }
    *key_out = key;
    return true;
}

/* Keys belong to a principal, a method and a tool; a repeat has the same arguments (a resource the
 * same URI), whatever its _meta. */
static void add_key(struct exchange *x, struct str name, struct str key, struct command *c)
{
    /* the principal comes with authorization */
    const struct str scope[] = { STR(""), x->message->method, name };
    struct str uri = json_get_str(x->message->params, "uri"), asked[2];
    struct buf text;

    if (!key.p) {
        return;
    }
    buf_init(&text, SIZE_MAX / 2);
    if (json_get(x->message->params, "arguments")) {
        json_write(&text, json_get(x->message->params, "arguments"));
    } else {
        buf_addz(&text, "{}");
    }
    asked[0] = buf_str(&text);
    asked[1] = uri.p ? uri : STR("");
    c->start.key = command_dup(c, key);
    c->start.key_scope = digest_of(scope, COUNT_OF(scope));
    c->start.key_digest = digest_of(asked, COUNT_OF(asked));
    buf_fini(&text);
}

/* What starts a durable call, but for what it is to its client; of its record method, name and params
 * are given. */
static struct command *new_call(struct endpoint *e, struct exchange *x,
                                const struct session_info *s, const struct call_record *call,
                                uint64_t timeout_ms)
{
    const struct str whole[] = { x->message->method, call->name, call->params };
    struct command *c = endpoint_command(x, CMD_CALL_START);
    uint8_t random[10];

    endpoint_random(e, random, sizeof(random));
    c->call = uuid7_next(&e->uuids, e->now_ms, random);
    c->call.b[15] = s->id.b[15]; /* the session's shard (keys.h) */
    c->start.record = (struct call_record){ .era = CALL_LEGACY,
                                            .method = call->method,
                                            .session = s->id,
                                            .digest = digest_of(whole, COUNT_OF(whole)),
                                            .name = command_dup(c, call->name),
                                            .params = command_dup(c, call->params) };
    c->start.log_level = s->log_level;
    c->start.client = s->client;
    c->start.timeout_ms = timeout_ms;
    return c;
}

static void start_durable(struct endpoint *e, struct exchange *x, const struct session_info *s,
                          const struct call_record *call, uint64_t timeout_ms)
{
    struct str key = STR_NONE;
    struct command *c;

    if (!read_key(e, x, &key)) {
        return;
    }
    c = new_call(e, x, s, call, timeout_ms);
    c->start.record.request_id = command_dup(c, x->request_id);
    c->start.credit = x->credit;
    c->start.knows_prime = version_has_priming(x->version) && !e->config.is_pipe;
    c->start.is_shared = x->whole != NULL;
    c->start.cannot_resume = e->config.is_pipe;
    c->start.only_attaches = x->missing.p != NULL;
    add_key(x, call->name, key, c);
    x->stream = c->call; /* unless it attaches to another */
    x->is_follower = true;
    exchange_move(e, x, EXCHANGE_ENGINE);
    e->ops.post(e->ops.arg, c);
}

void notice_begin(struct endpoint *e, struct exchange *x, const struct session_info *s,
                  const struct tool *notice)
{
    struct call_record call = { .method = (uint8_t)notice->method, .name = notice->name };
    struct command *c;
    struct buf params;
    char id[ID_HEX_BYTES + 1];

    buf_init(&params, SIZE_MAX / 2);
    if (x->message->params) {
        json_write(&params, x->message->params);
    } else {
        buf_addz(&params, "{}");
    }
    call.params = buf_str(&params);
    c = new_call(e, x, s, &call, notice->timeout_ms);
    id_to_hex(c->call, id);
    c->start.record.request_id = str_of(arena_printf(&c->arena, NOTICE_REQUEST "%s\"", id));
    c->start.is_notice = true;
    buf_fini(&params);
    exchange_move(e, x, EXCHANGE_ENGINE); /* 202 when it is durable */
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

void call_begin(struct endpoint *e, struct exchange *x, const struct session_info *s,
                const struct tool *tool, struct str params)
{
    const struct call_record call = { .method = (uint8_t)tool->method,
                                      .name = tool->name,
                                      .params = params };

    if (x->is_crowded) {
        exchange_refuse(e, x, DMCP_E_BUSY, STR("too many requests wait for their answers"));
    } else if (tool->is_ephemeral) {
        start_ephemeral(e, x, s, tool, params);
    } else {
        start_durable(e, x, s, &call, tool->timeout_ms);
    }
}

void call_attach(struct endpoint *e, struct exchange *x, const struct session_info *s,
                 const struct call_record *call, struct str error)
{
    if (x->is_crowded) {
        exchange_error_object(e, x, error);
    } else {
        x->missing = str_make(mem_dup(error.p, error.len), error.len);
        start_durable(e, x, s, call, 0);
    }
}
