/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscriptions of sessions to resources: a row each, found by the resource. Who subscribed is
 * told on its session's own stream. A row whose session is gone is removed when it is found.
 */
#include "engine/internal.h"

#define MAX_TOLD 10000 /* sessions per update; the rest would stall everybody else */

int subscribe_apply(struct engine *e, const struct command *c)
{
    struct key k = key_subscription(c->subscribe.uri, c->session);

    if (c->subscribe.is_end) {
        batch_del(e->rows, key_str(&k));
    } else {
        batch_put(e->rows, key_str(&k), STR(""));
    }
    engine_done(e, c);
    return DMCP_OK;
}

/* The streams of all subscribers, so that nothing is written before all of them could be read.
 * Subscriptions of sessions that are gone are removed. */
static int load_all(struct engine *e, struct id uri, struct stream **streams, size_t *n_out)
{
    struct key from = key_of_id(KEY_SUBSCRIPTION, uri), to = key_prefix_end(key_str(&from));
    struct range range = { .from = key_str(&from), .to = key_str(&to) };
    struct cursor *cursor = store_scan(e->store, &range);
    struct str key, value;
    size_t n = 0;
    int rc;

    while ((rc = cursor_next(cursor, &key, &value, e->err)) == DMCP_OK && n < MAX_TOLD) {
        struct id session;

        rc = key_subscriber(key, &session);
        if (rc == DMCP_OK) {
            rc = stream_load(e, session, &streams[n]);
        }
        if (rc == DMCP_OK) {
            n++;
        } else if (rc == DMCP_E_GONE) {
            batch_del(e->rows, key);
        } else {
            break;
        }
    }
    cursor_close(cursor);
    *n_out = n;
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

int subscribe_tell(struct engine *e, struct id uri, struct str message)
{
    struct stream **streams;
    size_t n;
    int rc;

    if (engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST; /* a subscription of this very batch counts */
    }
    streams = mem_zalloc_n(MAX_TOLD, sizeof(struct stream *));
    rc = load_all(e, uri, streams, &n);
    for (size_t i = 0; rc == DMCP_OK && i < n; i++) {
        event_append_own(e, streams[i], message);
    }
    mem_free(streams);
    return rc;
}
