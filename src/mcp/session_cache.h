/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions as the I/O thread remembers them, so that a request need not ask the engine each
 * time. Bounded: the one unused for longest is forgotten first; the rows are the truth.
 */
#ifndef MCP_SESSION_CACHE_H
#define MCP_SESSION_CACHE_H

#include "base/hmap.h"
#include "base/ids.h"
#include "base/list.h"
#include "mcp/version.h"

struct session_info {
    struct id id;
    enum version version;
    uint8_t log_level;   /* as dmcp_log_level */
    uint8_t client;      /* what the client can do: SESSION_* of records.h */
    uint64_t touched_ms; /* the row's seen_ms is at least this */
    struct link link;
};

struct session_cache {
    struct hmap by_id;
    struct list by_use; /* the one unused for longest first */
    size_t max;
};

void session_cache_init(struct session_cache *c, size_t max);
void session_cache_fini(struct session_cache *c);
struct session_info *session_cache_get(struct session_cache *c, struct id id); /* or NULL */
struct session_info *session_cache_put(struct session_cache *c, const struct session_info *s);
void session_cache_del(struct session_cache *c, struct id id);

#endif
