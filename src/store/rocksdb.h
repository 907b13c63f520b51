/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of the RocksDB backend share: rocksdb.c uses the store that
 * rocksdb_open.c opens.
 */
#ifndef STORE_ROCKSDB_H
#define STORE_ROCKSDB_H

#include <rocksdb/c.h>

#include "store/dir.h"
#include "store/store.h"

/* The families of keys, each with its own files. Which kind stands in which is part of the
 * format (rocksdb.c). */
enum family { FAMILY_LONG, FAMILY_SHORT, FAMILY_COUNT };

struct rocks {
    struct store store;
    struct store_dir dir;
    rocksdb_options_t *options[FAMILY_COUNT]; /* those of FAMILY_LONG are the database's too */
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write;
    rocksdb_t *db; /* NULL until it is open, and so the families */
    rocksdb_column_family_handle_t *families[FAMILY_COUNT];
    atomic_uint_fast64_t written; /* the newest position: RocksDB's sequence number */
};

extern const struct store_ops rocks_ops;

void rocks_free(struct rocks *r);

/* Takes `text`, an error of RocksDB's, and gives the code for it. */
int rocks_fail(struct err *e, const char *what, char *text);

#endif
