/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of sessions. See session_cache.h.
 */
#include "mcp/session_cache.h"

void session_cache_init(struct session_cache *c, size_t max)
{
    hmap_init(&c->by_id);
    list_init(&c->by_use);
    c->max = max;
}

static void forget(struct session_cache *c, struct session_info *s)
{
    hmap_del(&c->by_id, id_bytes(&s->id));
    list_remove(&c->by_use, &s->link);
    mem_free(s);
}

void session_cache_fini(struct session_cache *c)
{
    while (!list_empty(&c->by_use)) {
        forget(c, CONTAINER_OF(list_first(&c->by_use), struct session_info, link));
    }
    hmap_fini(&c->by_id);
}

struct session_info *session_cache_get(struct session_cache *c, struct id id)
{
    struct session_info *s = hmap_get(&c->by_id, id_bytes(&id));

    if (s) {
        list_remove(&c->by_use, &s->link);
        list_append(&c->by_use, &s->link);
    }
    return s;
}

struct session_info *session_cache_put(struct session_cache *c, const struct session_info *from)
{
    struct session_info *s;

    session_cache_del(c, from->id);
    if (c->by_use.n >= c->max) {
        forget(c, CONTAINER_OF(list_first(&c->by_use), struct session_info, link));
    }
    s = mem_dup(from, sizeof(*from));
    hmap_put(&c->by_id, id_bytes(&s->id), s);
    list_append(&c->by_use, &s->link);
    return s;
}

void session_cache_del(struct session_cache *c, struct id id)
{
    struct session_info *s = hmap_get(&c->by_id, id_bytes(&id));

    if (s) {
        forget(c, s);
    }
}
