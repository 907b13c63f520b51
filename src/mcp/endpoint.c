/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoint's frame: making it, requests by HTTP method, the end of an exchange.
 */
#include "mcp/internal.h"

#include <assert.h>

#include "mcp/guard.h"

#define CACHED_SESSIONS 4096

void endpoint_random(struct endpoint *e, void *p, size_t n)
{
    assert(n <= 32);
    if (e->n_random < n) {
        e->ops.random(e->random, sizeof(e->random));
        e->n_random = sizeof(e->random);
    }
    e->n_random -= n;
    memcpy(p, e->random + e->n_random, n);
    memset(e->random + e->n_random, 0, n);
}

struct endpoint *endpoint_new(const struct endpoint_config *c, const struct endpoint_ops *ops)
{
    struct endpoint *e = mem_zalloc(sizeof(*e));

    e->config = *c;
    e->ops = *ops;
    hmap_init(&e->exchanges);
    list_init(&e->open);
    session_cache_init(&e->sessions, CACHED_SESSIONS);
    endpoint_random(e, e->life.b, sizeof(e->life.b));
    return e;
}

void endpoint_free(struct endpoint *e)
{
    struct hmap_entry *cursor = NULL;
    struct exchange *x;

    while ((x = hmap_next(&e->exchanges, &cursor, NULL))) {
        if (!x->whole) {
            exchange_free(e, x); /* and its parts: the walk begins again */
            cursor = NULL;
        }
    }
    hmap_fini(&e->exchanges);
    session_cache_fini(&e->sessions);
    mem_free(e);
}

static void refuse_method(struct endpoint *e, struct exchange *x)
{
    const struct endpoint_field allow = { "Allow", STR("GET, POST, DELETE") };
    struct buf body;

    buf_init(&body, 1024);
    rpc_write_error(&body, STR("null"), RPC_INVALID_REQUEST, STR("Method not allowed"), STR_NONE);
    exchange_respond_with(e, x, 405, &allow, buf_str(&body));
    buf_fini(&body);
}

struct exchange *endpoint_request(struct endpoint *e, void *handle, uint64_t now_ms,
                                  const struct endpoint_request *r)
{
    struct exchange *x = exchange_new(e, handle, r->method);
    const char *reason;

    e->now_ms = now_ms;
    reason = guard_check(&e->config, r);
    if (reason) {
        exchange_error(e, x, 403, RPC_INVALID_REQUEST, reason);
        return x;
    }
    switch (r->method) {
    case ENDPOINT_POST:
        post_take(e, x, r);
        break;
    case ENDPOINT_GET:
        stream_take(e, x, r);
        break;
    case ENDPOINT_DELETE:
        session_delete(e, x, r);
        break;
    case ENDPOINT_OTHER:
        refuse_method(e, x);
        break;
    }
    return x;
}

void endpoint_gone(struct endpoint *e, struct exchange *x)
{
    if (x->is_follower && x->state != EXCHANGE_DONE) {
        e->ops.post(e->ops.arg, endpoint_command(x, CMD_UNFOLLOW));
    }
    if (x->batch) {
        batch_drop(e, x);
    }
    exchange_free(e, x);
}

void endpoint_set_refusal(struct endpoint *e, int code)
{
    e->refusal = code;
}

void endpoint_refuse_waiting(struct endpoint *e, int code)
{
    struct link *k, *next;

    for (k = list_first(&e->open); k; k = next) {
        struct exchange *x = CONTAINER_OF(k, struct exchange, link);

        next = list_next(&e->open, k);
        if (x->state != EXCHANGE_STREAM) {
            exchange_refuse(e, x, code, str_of(dmcp_strerror(code)));
        }
    }
}

void endpoint_end_streams(struct endpoint *e)
{
    struct link *k, *next;

    for (k = list_first(&e->open); k; k = next) {
        struct exchange *x = CONTAINER_OF(k, struct exchange, link);

        next = list_next(&e->open, k);
        if (x->state == EXCHANGE_STREAM) {
            e->ops.stream_event(x->x, STR_NONE, 0, STR_NONE, e->config.retry_ms);
            exchange_leave_stream(e, x);
        } else {
            exchange_refuse(e, x, DMCP_E_STOPPING, STR("the server is stopping; try again"));
        }
    }
}

/* ---- sessions, as requests name them ---- */

bool request_session(struct endpoint *e, struct exchange *x, const struct endpoint_request *r)
{
    enum version ignored;

    if (!r->session_id.p) {
        exchange_error(e, x, 400, -32000, "Bad Request: Mcp-Session-Id header is required");
        return false;
    }
    if (r->protocol_version.p && version_parse(r->protocol_version, &ignored) != DMCP_OK) {
        exchange_error(e, x, 400, -32000,
                       "Bad Request: Unsupported protocol version (supported versions: "
                       "2025-11-25, 2025-06-18, 2025-03-26)");
        return false;
    }
    if (id_from_hex(r->session_id, &x->session) != DMCP_OK) {
        exchange_refuse(e, x, DMCP_E_GONE, STR("Session not found"));
        return false;
    }
    return true;
}

#define TOUCH_FRACTION 16 /* of the idle time; as the engine's own */

static void touch(struct endpoint *e, struct session_info *s)
{
    struct command *c;

    if (e->now_ms > s->touched_ms + e->config.session_idle_ms / TOUCH_FRACTION) {
        c = command_new(CMD_SESSION_UPDATE);
        c->session = s->id;
        c->update.log_level = -1;
        e->ops.post(e->ops.arg, c);
        s->touched_ms = e->now_ms;
    }
}

const struct session_info *session_lookup(struct endpoint *e, struct exchange *x)
{
    struct session_info *s = session_cache_get(&e->sessions, x->session);

    if (e->refusal != DMCP_OK) {
        exchange_refuse(e, x, e->refusal, str_of(dmcp_strerror(e->refusal)));
        return NULL;
    }
    if (s && e->now_ms < s->touched_ms + e->config.session_idle_ms) {
        touch(e, s);
        x->version = s->version;
        x->has_session = true;
        return s;
    }
    if (s) {
        session_cache_del(&e->sessions, x->session);
    }
    exchange_move(e, x, EXCHANGE_SESSION);
    e->ops.post(e->ops.arg, endpoint_command(x, CMD_SESSION_GET));
    return NULL;
}

void session_delete(struct endpoint *e, struct exchange *x, const struct endpoint_request *r)
{
    if (!request_session(e, x, r)) {
        return;
    }
    if (e->refusal != DMCP_OK) {
        exchange_refuse(e, x, e->refusal, str_of(dmcp_strerror(e->refusal)));
        return;
    }
    /* From here on no request of this session is taken from the cache; the engine says the rest. */
    session_cache_del(&e->sessions, x->session);
    exchange_move(e, x, EXCHANGE_ENGINE);
    e->ops.post(e->ops.arg, endpoint_command(x, CMD_SESSION_CLOSE));
}
