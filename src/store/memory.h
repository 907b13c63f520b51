/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests can do to a memory store (store_memory_new) beyond using it: crash it, and plan its
 * failures. Nothing here may run at the same time as anything else on the store, and no cursor may
 * be open.
 */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "store/store.h"

/* A power loss: every batch behind the last sync is gone. What remains is on the disk, so it
 * counts as synced. Poison and planned failures are gone too. Returns `s`, to be used again. */
struct store *store_memory_crash(struct store *s);

/* The same, but the first n of the unsynced batches had reached the disk. With SIZE_MAX this is
 * the death of the process alone: all that was written is there. */
struct store *store_memory_crash_keep(struct store *s, size_t n_batches_to_keep);

size_t store_memory_unsynced(struct store *s); /* how many batches a power loss could take */
size_t store_memory_keys(struct store *s);     /* how many keys there are now */

/* After n more writes (syncs) that succeed, the next one fails with this code and the store is
 * poisoned. A write that failed has left nothing behind. */
void store_memory_fail(struct store *s, uint64_t after_n_writes, int code);
void store_memory_fail_sync(struct store *s, uint64_t after_n_syncs, int code);

#endif
