/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The versions of keys in a skip list. See versions.h.
 *
 *   node "k1" -> | 17 deleted | -> | 9 "b" | -> | 4 "a" |        newest first
 *   node "k2" -> | 12 "c" |
 *
 * What a version hides is freed when the floor passes it. For that each version has an entry in
 * one queue, in order of position, so that trimming costs no more than writing did.
 */
#include "store/versions.h"

#include <assert.h>

#define LEVELS_MAX 20

struct version {
    struct version *older;
    uint64_t position;
    bool is_deleted;
    size_t len;
    char value[];
};

struct node {
    struct version *newest; /* never NULL while the node is linked */
    struct node *prev;      /* on the lowest level; the head for the first */
    char *key;
    size_t key_len;
    size_t n_levels;
    struct node *next[];
};

/* One for each version, in order of position: when the floor passes it, its node is trimmed. */
struct trim {
    struct trim *next;
    struct node *node;
    uint64_t position;
};

/* ---- the skip list ---- */

static struct node *node_new(struct str key, size_t n_levels)
{
    struct node *n = mem_zalloc(sizeof(*n) + n_levels * sizeof(n->next[0]));

    n->key = mem_dup(key.p, key.len);
    n->key_len = key.len;
    n->n_levels = n_levels;
    return n;
}

static void node_free(struct node *n)
{
    while (n->newest) {
        struct version *v = n->newest;

        n->newest = v->older;
        mem_free(v);
    }
    mem_free(n->key);
    mem_free(n);
}

static struct str node_key(const struct node *n)
{
    return str_make(n->key, n->key_len);
}

/* A fixed sequence: the shape of the list must not differ between two runs of a test. */
static size_t random_levels(struct versions *s)
{
    size_t n = 1;

    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    for (uint64_t r = s->random; (r & 3) == 0 && n < LEVELS_MAX; r >>= 2) {
        n++;
    }
    return n;
}

/* The last node before the key, on each level. */
static void find_before(struct versions *s, struct str key, struct node *before[LEVELS_MAX])
{
    struct node *n = s->head;

    for (size_t i = LEVELS_MAX; i-- > 0;) {
        while (n->next[i] && str_cmp(node_key(n->next[i]), key) < 0) {
            n = n->next[i];
        }
        before[i] = n;
    }
}

static struct node *find(struct versions *s, struct str key)
{
    struct node *before[LEVELS_MAX], *n;

    find_before(s, key, before);
    n = before[0]->next[0];
    return n && str_eq(node_key(n), key) ? n : NULL;
}

static struct node *insert(struct versions *s, struct str key)
{
    struct node *before[LEVELS_MAX], *n = node_new(key, random_levels(s));

    find_before(s, key, before);
    for (size_t i = 0; i < n->n_levels; i++) {
        n->next[i] = before[i]->next[i];
        before[i]->next[i] = n;
    }
    n->prev = before[0];
    if (n->next[0]) {
        n->next[0]->prev = n;
    }
    return n;
}

static void unlink_node(struct versions *s, struct node *n)
{
    struct node *before[LEVELS_MAX];

    find_before(s, node_key(n), before);
    for (size_t i = 0; i < n->n_levels; i++) {
        assert(before[i]->next[i] == n);
        before[i]->next[i] = n->next[i];
    }
    if (n->next[0]) {
        n->next[0]->prev = n->prev;
    }
    node_free(n);
}

/* ---- versions ---- */

static struct version *version_at(const struct node *n, uint64_t position)
{
    struct version *v = n->newest;

    while (v && v->position > position) {
        v = v->older;
    }
    return v && !v->is_deleted ? v : NULL;
}

static void add_version(struct versions *s, struct node *n, uint64_t position, struct version *v)
{
    struct version *newest = n->newest;

    s->n_keys -= newest && !newest->is_deleted;
    s->n_keys += !v->is_deleted;
    v->position = position;
    v->older = newest;
    n->newest = v;
    if (newest && newest->position == position) { /* an earlier operation of the same batch */
        v->older = newest->older;
        mem_free(newest);
    } else {
        struct trim *t = mem_zalloc(sizeof(*t));

        t->node = n;
        t->position = position;
        *s->trim_end = t;
        s->trim_end = &t->next;
    }
}

void versions_put(struct versions *s, uint64_t position, struct str key, struct str value)
{
    struct node *n = find(s, key);
    struct version *v = mem_zalloc(sizeof(*v) + value.len);

    if (value.len) {
        memcpy(v->value, value.p, value.len);
    }
    v->len = value.len;
    add_version(s, n ? n : insert(s, key), position, v);
}

static void del_node(struct versions *s, uint64_t position, struct node *n)
{
    struct version *v;

    if (!n->newest->is_deleted) {
        v = mem_zalloc(sizeof(*v));
        v->is_deleted = true;
        add_version(s, n, position, v);
    }
}

void versions_del(struct versions *s, uint64_t position, struct str key)
{
    struct node *n = find(s, key);

    if (n) {
        del_node(s, position, n);
    }
}

void versions_del_range(struct versions *s, uint64_t position, struct str from, struct str to)
{
    struct node *before[LEVELS_MAX];

    find_before(s, from, before);
    for (struct node *n = before[0]->next[0]; n && str_cmp(node_key(n), to) < 0; n = n->next[0]) {
        del_node(s, position, n);
    }
}

/* Frees what the newest version at or before the floor hides. */
static void trim_versions(struct node *n, uint64_t floor)
{
    struct version *v = n->newest, *old;

    while (v && v->position > floor) {
        v = v->older;
    }
    while (v && v->older) {
        old = v->older;
        v->older = old->older;
        mem_free(old);
    }
}

/* A node whose newest version is a deletion goes away with the trim of that version, the last one
 * that names the node. No cursor stands on it: they all see the deletion. */
void versions_trim(struct versions *s, uint64_t floor)
{
    struct trim *t;

    while ((t = s->trim_first) && t->position <= floor) {
        struct node *n = t->node;

        trim_versions(n, floor);
        if (n->newest->position == t->position && n->newest->is_deleted) {
            unlink_node(s, n);
        }
        s->trim_first = t->next;
        mem_free(t);
    }
    if (!s->trim_first) {
        s->trim_end = &s->trim_first;
    }
}

static void drop_queue(struct versions *s)
{
    while (s->trim_first) {
        struct trim *t = s->trim_first;

        s->trim_first = t->next;
        mem_free(t);
    }
    s->trim_end = &s->trim_first;
}

static void drop_newer(struct versions *s, struct node *n, uint64_t position)
{
    while (n->newest && n->newest->position > position) {
        struct version *v = n->newest;

        s->n_keys -= !v->is_deleted;
        n->newest = v->older;
        s->n_keys += n->newest && !n->newest->is_deleted;
        mem_free(v);
    }
}

void versions_rollback(struct versions *s, uint64_t position)
{
    struct node *n, *next;

    for (n = s->head->next[0]; n; n = next) {
        next = n->next[0];
        drop_newer(s, n, position);
        trim_versions(n, position);
        if (!n->newest || n->newest->is_deleted) {
            unlink_node(s, n);
        }
    }
    drop_queue(s);
}

/* ---- walking ---- */

static struct node *first_of_range(struct versions *s, const struct range *r)
{
    struct node *before[LEVELS_MAX], *n = s->head;

    if (!r->is_reverse) {
        if (!r->from.p) {
            return s->head->next[0];
        }
        find_before(s, r->from, before);
        return before[0]->next[0];
    }
    if (r->to.p) {
        find_before(s, r->to, before);
        n = before[0];
    } else {
        for (size_t i = LEVELS_MAX; i-- > 0;) {
            while (n->next[i]) {
                n = n->next[i];
            }
        }
    }
    return n == s->head ? NULL : n;
}

static struct node *step(struct versions *s, const struct range *r, struct node *n)
{
    if (!r->is_reverse) {
        return n->next[0];
    }
    return n->prev == s->head ? NULL : n->prev;
}

static bool is_inside(const struct range *r, const struct node *n)
{
    if (r->is_reverse) {
        return !r->from.p || str_cmp(node_key(n), r->from) >= 0;
    }
    return !r->to.p || str_cmp(node_key(n), r->to) < 0;
}

struct node *versions_next(struct versions *s, const struct range *r, uint64_t position,
                           struct node *at)
{
    struct node *n = at ? step(s, r, at) : first_of_range(s, r);

    while (n && is_inside(r, n) && !version_at(n, position)) {
        n = step(s, r, n);
    }
    return n && is_inside(r, n) ? n : NULL;
}

bool versions_get(struct versions *s, struct str key, uint64_t position, struct str *value_out)
{
    struct node *n = find(s, key);
    struct version *v = n ? version_at(n, position) : NULL;

    if (v) {
        *value_out = str_make(v->value, v->len);
    }
    return v != NULL;
}

void versions_entry(const struct node *n, uint64_t position, struct str *key_out,
                    struct str *value_out)
{
    const struct version *v = version_at(n, position);

    assert(v);
    *key_out = node_key(n);
    *value_out = str_make(v->value, v->len);
}

void versions_init(struct versions *s)
{
    *s = (struct versions){ .random = 0x9e3779b97f4a7c15u };
    s->head = node_new(STR(""), LEVELS_MAX);
    s->trim_end = &s->trim_first;
}

void versions_fini(struct versions *s)
{
    struct node *n, *next;

    drop_queue(s);
    for (n = s->head; n; n = next) {
        next = n->next[0];
        node_free(n);
    }
    s->head = NULL;
}
