/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency keys: two calls with one key are one call. The key belongs to who sent it and to
 * one tool; it leads to the call for a time from its start, for as long as it is unfinished, and
 * for the same time behind its end: whoever waited for long can still fetch the answer. A call
 * whose outcome is in doubt keeps its key, however old it is. The row goes with its call.
 */
#include "engine/internal.h"

static struct key row_key(const struct command *c)
{
    return key_idempotency(c->start.key_scope, c->start.key);
}

/* DMCP_E_NOTFOUND: the call ended long enough ago, or its rows are gone. */
static int check_ended(struct engine *e, struct id call)
{
    struct key k = key_of_id(KEY_RESULT, call);
    struct result_record r;
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = engine_read(e, &k, &value);
    if (rc == DMCP_OK && result_record_dec(buf_str(&value), &r) != DMCP_OK) {
        rc = engine_corrupt(e, "result of call", call);
    } else if (rc == DMCP_OK && e->now.wall_ms > r.finished_ms &&
               e->now.wall_ms - r.finished_ms >= e->options.key_ms) {
        rc = DMCP_E_NOTFOUND;
    }
    buf_fini(&value);
    return rc;
}

/* DMCP_E_NOTFOUND: the key does not count any more. */
static int check_expired(struct engine *e, const struct idempotency_record *r)
{
    struct call *call;
    int rc;

    if (r->expires_ms > e->now.wall_ms) {
        return DMCP_OK;
    }
    if (hmap_get(&e->calls, id_bytes(&r->call))) {
        return DMCP_OK;
    }
    rc = call_load(e, r->call, &call);
    return rc == DMCP_E_NOTFOUND ? check_ended(e, r->call) : rc;
}

int idempotency_find(struct engine *e, const struct command *c, struct id *call_out)
{
    struct key k = row_key(c);
    struct idempotency_record r;
    struct buf value;
    int rc;

    if (!c->start.key.p) {
        return DMCP_E_NOTFOUND;
    }
    buf_init(&value, 128);
    rc = engine_read(e, &k, &value);
    if (rc == DMCP_OK && idempotency_record_dec(buf_str(&value), &r) != DMCP_OK) {
        rc = engine_corrupt(e, "idempotency key of call", c->call);
    }
    if (rc == DMCP_OK) {
        rc = check_expired(e, &r);
    }
    if (rc == DMCP_OK && !id_eq(r.digest, c->start.key_digest)) {
        rc = DMCP_E_CONFLICT;
    } else if (rc == DMCP_OK) {
        *call_out = r.call;
    }
    buf_fini(&value);
    return rc;
}

void idempotency_put(struct engine *e, const struct command *c)
{
    struct idempotency_record r = { .call = c->call,
                                    .digest = c->start.key_digest,
                                    .expires_ms = e->now.wall_ms + e->options.key_ms };
    struct key k = row_key(c);
    struct buf value;

    if (!c->start.key.p) {
        return;
    }
    buf_init(&value, 128);
    idempotency_record_enc(&value, &r);
    engine_put(e, &k, buf_str(&value));
    buf_fini(&value);
    reference_put(e, c->call, &k);
}
