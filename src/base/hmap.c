/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash map with chained entries. See hmap.h.
 */
#include "base/hmap.h"

#include <assert.h>
#include <pthread.h>
#include <sys/random.h>

struct hmap_entry {
    struct hmap_entry *next;
    uint64_t hash;
    void *value;
    size_t key_len;
    char key[];
};

/* The process's hash key: made once, read for ever. */
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;
static uint64_t seed[2];

static void make_seed(void)
{
    ssize_t n = getrandom(seed, sizeof(seed), 0);

    assert(n == (ssize_t)sizeof(seed));
}

static uint64_t rotl(uint64_t x, int b)
{
    return (x << b) | (x >> (64 - b));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] = rotl(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012). */
uint64_t hmap_hash(struct str key)
{
    uint64_t v[4], word;
    size_t i = 0;

    pthread_once(&seed_once, make_seed);
    v[0] = seed[0] ^ UINT64_C(0x736f6d6570736575);
    v[1] = seed[1] ^ UINT64_C(0x646f72616e646f6d);
    v[2] = seed[0] ^ UINT64_C(0x6c7967656e657261);
    v[3] = seed[1] ^ UINT64_C(0x7465646279746573);
    for (; i + 8 <= key.len; i += 8) {
        memcpy(&word, key.p + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    if (key.len > i) {
        memcpy(&word, key.p + i, key.len - i);
    }
    word |= (uint64_t)key.len << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void hmap_init(struct hmap *m)
{
    *m = (struct hmap){ 0 };
}

void hmap_clear(struct hmap *m)
{
    for (size_t i = 0; m->n > 0 && i < m->n_buckets; i++) {
        struct hmap_entry *e = m->buckets[i];

        while (e) {
            struct hmap_entry *next = e->next;

            mem_free(e);
            m->n--;
            e = next;
        }
        m->buckets[i] = NULL;
    }
}

void hmap_fini(struct hmap *m)
{
    hmap_clear(m);
    mem_free(m->buckets);
    *m = (struct hmap){ 0 };
}

static struct hmap_entry **find(const struct hmap *m, struct str key, uint64_t hash)
{
    struct hmap_entry **at = &m->buckets[hash & (m->n_buckets - 1)];

    while (*at && !((*at)->hash == hash && str_eq(str_make((*at)->key, (*at)->key_len), key))) {
        at = &(*at)->next;
    }
    return at;
}

void *hmap_get(const struct hmap *m, struct str key)
{
    struct hmap_entry *e;

    if (m->n == 0) {
        return NULL;
    }
    e = *find(m, key, hmap_hash(key));
    return e ? e->value : NULL;
}

static void grow(struct hmap *m)
{
    size_t n = m->n_buckets ? m->n_buckets * 2 : 8;
    struct hmap_entry **buckets = mem_zalloc_n(n, sizeof(struct hmap_entry *));

    for (size_t i = 0; i < m->n_buckets; i++) {
        struct hmap_entry *e = m->buckets[i];

        while (e) {
            struct hmap_entry *next = e->next;

            e->next = buckets[e->hash & (n - 1)];
            buckets[e->hash & (n - 1)] = e;
            e = next;
        }
    }
    mem_free(m->buckets);
    m->buckets = buckets;
    m->n_buckets = n;
}

void *hmap_put(struct hmap *m, struct str key, void *value)
{
    uint64_t hash = hmap_hash(key);
    struct hmap_entry **at, *e;

    assert(value);
    if (m->n >= m->n_buckets) {
        grow(m);
    }
    at = find(m, key, hash);
    if (*at) {
        void *old = (*at)->value;

        (*at)->value = value;
        return old;
    }
    e = mem_alloc(sizeof(*e) + key.len);
    e->next = NULL;
    e->hash = hash;
    e->value = value;
    e->key_len = key.len;
    if (key.len) {
        memcpy(e->key, key.p, key.len);
    }
    *at = e;
    m->n++;
    return NULL;
}

void *hmap_del(struct hmap *m, struct str key)
{
    struct hmap_entry **at, *e;
    void *value;

    if (m->n == 0) {
        return NULL;
    }
    at = find(m, key, hmap_hash(key));
    e = *at;
    if (!e) {
        return NULL;
    }
    *at = e->next;
    value = e->value;
    mem_free(e);
    m->n--;
    return value;
}

/* The cursor is the entry to return next, found ahead so that the current one may be deleted;
 * `(struct hmap_entry *)m` marks the end. */
void *hmap_next(const struct hmap *m, struct hmap_entry **cursor, struct str *key_out)
{
    struct hmap_entry *e = *cursor, *end = (struct hmap_entry *)(uintptr_t)m, *next;
    size_t i = 0;

    if (e == end) {
        return NULL;
    }
    while (!e && i < m->n_buckets) {
        e = m->buckets[i++];
    }
    if (!e) {
        *cursor = end;
        return NULL;
    }
    next = e->next;
    for (i = (size_t)(e->hash & (m->n_buckets - 1)) + 1; !next && i < m->n_buckets; i++) {
        next = m->buckets[i];
    }
    *cursor = next ? next : end;
    if (key_out) {
        *key_out = str_make(e->key, e->key_len);
    }
    return e->value;
}
