/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls from the newest to the oldest: the ids of one kind of row, over all shards. Call ids are
 * UUIDv7, so within a shard the order of the keys is the order of time, and the newest of all is
 * the greatest of the shards' last ones.
 *
 * Only one id of each shard is held, and no cursor between two steps: a cursor holds the row that
 * it stands on, and rows may be large.
 */
#ifndef ADMIN_NEWEST_H
#define ADMIN_NEWEST_H

#include "store/keys.h"
#include "store/store.h"

#define SHARDS 256

struct newest {
    struct store *store;
    enum key_kind kind;
    struct id head[SHARDS];
    bool has[SHARDS];
};

/* Begins with what is older than *before (NULL: with the newest), in the shard of *shard_of (NULL:
 * in all). */
int newest_open(struct newest *n, struct store *s, enum key_kind kind, const struct id *before,
                const struct id *shard_of, struct err *e) MUST_CHECK;

/* DMCP_E_NOTFOUND at the end. */
int newest_next(struct newest *n, struct id *id_out, struct err *e) MUST_CHECK;

#endif
