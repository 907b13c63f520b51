/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash map from byte strings to pointers. The keys are copied; the values belong to the caller.
 *
 * Keys may be chosen by a peer, so the hash is SipHash-1-3 under a random key per process. Not
 * thread-safe. The order of iteration means nothing.
 */
#ifndef BASE_HMAP_H
#define BASE_HMAP_H

#include "base/str.h"

struct hmap_entry;
struct hmap {
    struct hmap_entry **buckets;
    size_t n_buckets; /* a power of two, or 0 before the first insert */
    size_t n;
};

void hmap_init(struct hmap *m);
void hmap_fini(struct hmap *m);
void hmap_clear(struct hmap *m); /* empties it; keeps the room it has */
void *hmap_get(const struct hmap *m, struct str key); /* NULL when absent */
void *hmap_put(struct hmap *m, struct str key, void *value); /* the old value, or NULL */
void *hmap_del(struct hmap *m, struct str key);              /* the old value, or NULL */

/* Iterate: start with cursor 0; NULL at the end. The map must not change meanwhile, except that
 * the entry just returned may be deleted. */
void *hmap_next(const struct hmap *m, struct hmap_entry **cursor, struct str *key_out);

uint64_t hmap_hash(struct str key);

#endif
