/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscriptions of sessions to resources: a row each, found by the resource. Who subscribed is
 * told on its session's own stream. A row whose session is gone is removed when it is found.
 *
 * All subscribers of a resource are told in one write, so that no crash leaves some untold; so their
 * number is bounded, and who would be one too many is refused. They are counted only where there are
 * so many subscriptions in all that it could be, and the number of the last resource is remembered.
 */
#include "engine/internal.h"

void subscribe_ended(struct engine *e)
{
    if (e->n_subscriptions > 0) {
        e->n_subscriptions--;
    }
    e->crowd.is_known = false;
}

static int count_subscribers(struct engine *e, struct id uri, size_t *n_out)
{
    struct key from = key_of_id(KEY_SUBSCRIPTION, uri), to = key_prefix_end(key_str(&from));
    struct cursor *cursor;
    struct str key, value;
    int rc = DMCP_E_NOTFOUND;

    if (engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST;
    }
    *n_out = 0;
    cursor = store_scan(e->store, &(struct range){ .from = key_str(&from), .to = key_str(&to) });
    while (*n_out < e->options.max_subscribers &&
           (rc = cursor_next(cursor, &key, &value, e->err)) == DMCP_OK) {
        (*n_out)++;
    }
    cursor_close(cursor);
    return *n_out == e->options.max_subscribers || rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

/* Whether there may be one more subscriber; *why_out is NULL then. */
static int check_room(struct engine *e, struct id uri, const char **why_out)
{
    size_t n = 0;
    int rc;

    *why_out = NULL;
    if (e->n_subscriptions >= e->options.max_subscriptions) {
        *why_out = "too many subscriptions";
    } else if (e->n_subscriptions >= e->options.max_subscribers) {
        if (!e->crowd.is_known || !id_eq(e->crowd.uri, uri)) {
            rc = count_subscribers(e, uri, &n);
            if (rc != DMCP_OK) {
                return rc;
            }
            e->crowd.uri = uri;
            e->crowd.n = n;
            e->crowd.is_known = true;
        }
        *why_out = e->crowd.n >= e->options.max_subscribers ? "too many subscribers" : NULL;
    }
    return DMCP_OK;
}

static int begin(struct engine *e, const struct command *c, const struct key *k)
{
    const char *why;
    int rc = check_room(e, c->subscribe.uri, &why);

    if (rc == DMCP_OK && why) {
        engine_refuse(e, c->peer, DMCP_E_BUSY, why);
    } else if (rc == DMCP_OK) {
        engine_put(e, k, STR(""));
        e->n_subscriptions++;
        e->crowd.n += e->crowd.is_known && id_eq(e->crowd.uri, c->subscribe.uri);
        engine_done(e, c);
    }
    return rc;
}

int subscribe_apply(struct engine *e, const struct command *c)
{
    struct key k = key_subscription(c->subscribe.uri, c->session);
    struct buf row;
    int rc;

    buf_init(&row, 1024);
    rc = engine_read(e, &k, &row);
    buf_fini(&row);
    if (rc == DMCP_E_NOTFOUND && !c->subscribe.is_end) {
        return begin(e, c, &k);
    }
    if (rc == DMCP_OK && c->subscribe.is_end) {
        engine_del(e, &k);
        subscribe_ended(e);
    }
    if (rc == DMCP_OK || rc == DMCP_E_NOTFOUND) {
        engine_done(e, c); /* it is so, or was so already */
        return DMCP_OK;
    }
    return rc;
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

    while ((rc = cursor_next(cursor, &key, &value, e->err)) == DMCP_OK &&
           n < e->options.max_subscribers) {
        struct id session;

        rc = key_subscriber(key, &session);
        if (rc == DMCP_OK) {
            rc = stream_load(e, session, &streams[n]);
        }
        if (rc == DMCP_OK) {
            n++;
        } else if (rc == DMCP_E_GONE) {
            batch_del(e->rows, key);
            subscribe_ended(e);
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
    streams = mem_zalloc_n(e->options.max_subscribers, sizeof(struct stream *));
    rc = load_all(e, uri, streams, &n);
    for (size_t i = 0; rc == DMCP_OK && i < n; i++) {
        event_append_own(e, streams[i], message);
    }
    mem_free(streams);
    return rc;
}
