/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server offers. See catalog.h.
 */
#include "mcp/catalog.h"

#include <assert.h>

#include "base/ids.h"
#include "mcp/uri_template.h"

#define EMPTY_DIGEST 1 /* of a list without entries, so that 0 is no list's */

/* ---- one list ---- */

static uint64_t digest64(struct str text)
{
    struct id d = digest_id(text);
    uint64_t value;

    memcpy(&value, d.b, sizeof(value));
    return value;
}

/* The index of the first entry behind this number. */
static size_t index_after(const struct tools *t, uint64_t number)
{
    size_t low = 0, high = t->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (t->all[middle]->place.number <= number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void append(struct tools *t, struct tool *tool)
{
    struct buf history;

    buf_init(&history, SIZE_MAX / 2);
    buf_add(&history, &t->last.history, sizeof(t->last.history));
    buf_add_str(&history, tool->name);
    t->last.number++;
    t->last.history = digest64(buf_str(&history));
    buf_fini(&history);
    tool->place = t->last;
    t->all = mem_realloc(t->all, (t->n + 1) * sizeof(struct tool *));
    t->all[t->n++] = tool;
    hmap_put(&t->by_name, tool->name, tool);
    t->digest += tool->digest;
}

/* Owned by the caller then; NULL: not there. */
static struct tool *take(struct tools *t, struct str name)
{
    struct tool *tool = hmap_del(&t->by_name, name);
    size_t i;

    if (tool) {
        i = index_after(t, tool->place.number) - 1;
        assert(t->all[i] == tool);
        memmove(t->all + i, t->all + i + 1, (t->n - i - 1) * sizeof(struct tool *));
        t->n--;
        t->digest -= tool->digest;
    }
    return tool;
}

/* ---- all of them ---- */

void catalog_init(struct catalog *c)
{
    *c = (struct catalog){ .changed = NULL };
    pthread_mutex_init(&c->lock, NULL);
    for (int i = 0; i < N_OFFERS; i++) {
        hmap_init(&c->offers[i].by_name);
    }
}

void catalog_fini(struct catalog *c)
{
    for (int i = 0; i < N_OFFERS; i++) {
        for (size_t k = 0; k < c->offers[i].n; k++) {
            tool_release(c->offers[i].all[k]);
        }
        mem_free(c->offers[i].all);
        hmap_fini(&c->offers[i].by_name);
    }
    pthread_mutex_destroy(&c->lock);
}

static enum offer offer_of(enum call_method method, struct str name)
{
    switch (method) {
    case CALL_PROMPT:
        return OFFER_PROMPTS;
    case CALL_RESOURCE:
        return uri_template_is(name) ? OFFER_TEMPLATES : OFFER_RESOURCES;
    case CALL_NOTICE:
        return OFFER_NOTICES;
    case CALL_TOOL:
    case CALL_COMPLETION:
        break;
    }
    return OFFER_TOOLS;
}

static unsigned list_of(enum offer offer)
{
    return offer == OFFER_TEMPLATES ? OFFER_RESOURCES : offer;
}

/* Under the lock. */
static void tell(struct catalog *c, const struct tool *added)
{
    struct catalog_change change = { .added = added };

    for (unsigned i = 0; i < N_LISTS; i++) {
        change.digests[i] = EMPTY_DIGEST;
    }
    for (int i = 0; i < OFFER_NOTICES; i++) {
        change.digests[list_of((enum offer)i)] += c->offers[i].digest;
    }
    if (c->changed) {
        c->changed(c->arg, &change);
    }
}

int catalog_add(struct catalog *c, const struct tool_spec *s, struct err *e)
{
    struct str key = tool_spec_key(s);
    struct tool *tool;
    struct tools *t;
    int rc = tool_new(s, &tool, e);

    if (rc != DMCP_OK) {
        return rc;
    }
    t = &c->offers[offer_of(s->method, key)];
    pthread_mutex_lock(&c->lock);
    if (hmap_get(&t->by_name, key)) {
        rc = err_set(e, DMCP_E_CONFLICT, "%s \"%.*s\" was added before", tool_method_name(s->method),
                     STR_FMT(key));
    } else {
        append(t, tool);
        if (s->method != CALL_NOTICE) {
            c->is_offered[list_of(offer_of(s->method, key))] = true;
        }
        c->has_completion |= tool->completion != NULL;
        tell(c, tool);
    }
    pthread_mutex_unlock(&c->lock);
    if (rc != DMCP_OK) {
        tool_release(tool);
    }
    return rc;
}

int catalog_remove(struct catalog *c, enum call_method method, struct str name)
{
    struct tool *tool;

    if (!name.p) {
        return DMCP_E_NOTFOUND;
    }
    pthread_mutex_lock(&c->lock);
    tool = take(&c->offers[offer_of(method, name)], name);
    if (tool) {
        tell(c, NULL);
    }
    pthread_mutex_unlock(&c->lock);
    tool_release(tool);
    return tool ? DMCP_OK : DMCP_E_NOTFOUND;
}

void catalog_watch(struct catalog *c, catalog_changed_fn *changed, void *arg)
{
    pthread_mutex_lock(&c->lock);
    c->changed = changed;
    c->arg = arg;
    tell(c, NULL);
    pthread_mutex_unlock(&c->lock);
}

/* ---- finding ---- */

/* Under the lock. */
static const struct tool *hold_named(const struct tools *t, struct str name)
{
    const struct tool *tool = hmap_get(&t->by_name, name);

    return tool ? tool_hold(tool) : NULL;
}

const struct tool *catalog_hold(struct catalog *c, enum call_method method, struct str name,
                                void (*missing)(void *arg), void *arg)
{
    const struct tool *tool;

    pthread_mutex_lock(&c->lock);
    tool = hold_named(&c->offers[offer_of(method, name)], name);
    if (!tool && missing) {
        missing(arg);
    }
    pthread_mutex_unlock(&c->lock);
    return tool;
}

const struct tool *catalog_hold_in(struct catalog *c, enum offer offer, struct str name)
{
    const struct tool *tool;

    pthread_mutex_lock(&c->lock);
    tool = hold_named(&c->offers[offer], name);
    pthread_mutex_unlock(&c->lock);
    return tool;
}

const struct tool *catalog_hold_after(struct catalog *c, enum offer offer, uint64_t number)
{
    const struct tool *tool = NULL;
    const struct tools *t = &c->offers[offer];
    size_t i;

    pthread_mutex_lock(&c->lock);
    i = index_after(t, number);
    if (i < t->n) {
        tool = tool_hold(t->all[i]);
    }
    pthread_mutex_unlock(&c->lock);
    return tool;
}

struct catalog_kinds catalog_kinds(struct catalog *c)
{
    struct catalog_kinds kinds;

    pthread_mutex_lock(&c->lock);
    memcpy(kinds.has, c->is_offered, sizeof(kinds.has));
    kinds.has_completion = c->has_completion;
    pthread_mutex_unlock(&c->lock);
    return kinds;
}

void catalog_expect(struct catalog *c, unsigned list)
{
    assert(list < N_LISTS);
    pthread_mutex_lock(&c->lock);
    c->is_offered[list] = true;
    pthread_mutex_unlock(&c->lock);
}

/* ---- pages ---- */

bool catalog_page(struct catalog *c, enum offer offer, struct tool_place after, size_t n,
                  struct buf *out, struct tool_place *last_out)
{
    const struct tools *t = &c->offers[offer];
    size_t start, end;
    bool has_more;

    pthread_mutex_lock(&c->lock);
    start = index_after(t, after.number);
    end = t->n - start > n ? start + n : t->n;
    for (size_t i = start; i < end; i++) {
        if (i > start) {
            buf_addc(out, ',');
        }
        buf_add_str(out, t->all[i]->entry);
    }
    *last_out = end > start ? t->all[end - 1]->place : after;
    has_more = end < t->n;
    pthread_mutex_unlock(&c->lock);
    return has_more;
}

bool catalog_knows(struct catalog *c, enum offer offer, uint64_t number)
{
    bool is_known;

    pthread_mutex_lock(&c->lock);
    is_known = number <= c->offers[offer].last.number;
    pthread_mutex_unlock(&c->lock);
    return is_known;
}

bool catalog_stands(struct catalog *c, enum offer offer, struct tool_place place)
{
    const struct tools *t = &c->offers[offer];
    bool stands = false;
    size_t i;

    pthread_mutex_lock(&c->lock);
    i = index_after(t, place.number);
    if (i > 0) {
        stands = t->all[i - 1]->place.number == place.number &&
                 t->all[i - 1]->place.history == place.history;
    }
    pthread_mutex_unlock(&c->lock);
    return stands;
}
