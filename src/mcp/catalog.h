/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that a server offers: lists of tools, each in the order in which they were added. Tools
 * come and go while the server runs, by any thread; a lock is held for as long as it takes to find,
 * to copy a page or to change, and never while something is run, matched or waited for.
 *
 * Nothing is handed out of it but tools that are held (tool.h) and copies.
 */
#ifndef MCP_CATALOG_H
#define MCP_CATALOG_H

#include <pthread.h>

#include "base/hmap.h"
#include "mcp/tool.h"

enum offer {
    OFFER_TOOLS,
    OFFER_PROMPTS,
    OFFER_RESOURCES,
    OFFER_TEMPLATES,
    OFFER_NOTICES, /* what notifications of clients begin; named by their methods, in no list */
    N_OFFERS
};

struct tools {
    struct tool **all; /* by their numbers */
    size_t n;
    struct hmap by_name;
    struct tool_place last; /* of the last that was added */
    uint64_t digest;   /* sum of those of the entries */
};

/* What has become of the lists as clients know them: of tools, of prompts, and of resources, which
 * templates count among. */
struct catalog_change {
    uint64_t digests[N_LISTS]; /* of what they show; the same again for the same entries */
    const struct tool *added;  /* NULL: none was */
};
typedef void catalog_changed_fn(void *arg, const struct catalog_change *change);

struct catalog {
    pthread_mutex_t lock; /* guards all below */
    struct tools offers[N_OFFERS];
    bool is_offered[N_LISTS]; /* there was something of the kind, or there will be */
    bool has_completion;      /* there was something to complete */
    catalog_changed_fn *changed;
    void *arg;
};

void catalog_init(struct catalog *c);
void catalog_fini(struct catalog *c);

/* DMCP_E_INVALID with a text: it is wrong. DMCP_E_CONFLICT: there is one of its name. */
int catalog_add(struct catalog *c, const struct tool_spec *spec, struct err *e) MUST_CHECK;
/* DMCP_E_NOTFOUND. A resource is named by its URI, or its template. */
int catalog_remove(struct catalog *c, enum call_method method, struct str name) MUST_CHECK;

/* What a call's row names: for a resource its own URI, or its template. It is held; NULL: not
 * there. Then `missing` (may be NULL) was called while nothing could be added. */
const struct tool *catalog_hold(struct catalog *c, enum call_method method, struct str name,
                                void (*missing)(void *arg), void *arg);

/* The same in one of the lists, and the first one behind a number. */
const struct tool *catalog_hold_in(struct catalog *c, enum offer offer, struct str name);
const struct tool *catalog_hold_after(struct catalog *c, enum offer offer, uint64_t number);

/* Calls `changed` now and at each change from now on, in their order, under the lock: it must be
 * quick and leave the catalog alone. NULL: nobody is called any more. */
void catalog_watch(struct catalog *c, catalog_changed_fn *changed, void *arg);

/* Which kinds of things clients are to be told that there are. A kind stays among them. */
struct catalog_kinds {
    bool has[N_LISTS];
    bool has_completion;
};
struct catalog_kinds catalog_kinds(struct catalog *c);
void catalog_expect(struct catalog *c, unsigned list); /* index as in catalog_change */

/* Up to n entries behind a place, appended to `out` with commas between them; *last_out is the
 * place of the last one. True: there are more. */
bool catalog_page(struct catalog *c, enum offer offer, struct tool_place after, size_t n,
                  struct buf *out, struct tool_place *last_out);
/* Whether numbers have come so far. */
bool catalog_knows(struct catalog *c, enum offer offer, uint64_t number);
/* Whether an entry stands there now, with this history. */
bool catalog_stands(struct catalog *c, enum offer offer, struct tool_place place);

#endif
