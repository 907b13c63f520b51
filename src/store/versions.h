/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordered set of keys that remembers, for each, the versions that somebody may still ask for.
 *
 * A version carries the position of the write that made it. Whoever reads names a position and
 * sees what was written up to there. The *floor* is the position below which nobody reads any
 * more: of the versions up to it, only the newest of each key is kept.
 *
 * Not thread-safe: memory.c holds its lock.
 */
#ifndef STORE_VERSIONS_H
#define STORE_VERSIONS_H

#include "store/store.h"

struct node;
struct trim;

struct versions {
    struct node *head;
    struct trim *trim_first, **trim_end;
    uint64_t random;
    size_t n_keys; /* that are there in the newest version */
};

void versions_init(struct versions *s); /* must not be moved in memory afterwards */
void versions_fini(struct versions *s);

/* Positions must not go down. */
void versions_put(struct versions *s, uint64_t position, struct str key, struct str value);
void versions_del(struct versions *s, uint64_t position, struct str key);
void versions_del_range(struct versions *s, uint64_t position, struct str from, struct str to);

/* What is handed out lives until a trim with a floor above `position`, or a rollback. */
bool versions_get(struct versions *s, struct str key, uint64_t position, struct str *value_out);

/* The next key of the range that is there at the position; `at` is the one before it, or NULL to
 * begin. NULL at the end. */
struct node *versions_next(struct versions *s, const struct range *r, uint64_t position,
                           struct node *at);
void versions_entry(const struct node *n, uint64_t position, struct str *key_out,
                    struct str *value_out);

void versions_trim(struct versions *s, uint64_t floor);

/* Forgets all that was written behind the position, and all older versions. */
void versions_rollback(struct versions *s, uint64_t position);

#endif
