/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening RocksDB: its options, and what may have happened to its log.
 *
 * The log after a crash:
 *   1. Readable to its end: the process died, or nothing happened. All of it is replayed.
 *   2. Damaged at some record: RocksDB can stop there, but cannot know whether that record was
 *      being written when the power went (drop it: it was never synced) or was synced long ago and
 *      is damaged since (refuse: answers were given on it). The mark in DIR/synced tells.
 *   3. Shorter than the mark, without damage: a file of it is gone. Refused as well.
 * So the first attempt accepts nothing but 1; the second looks, read-only, how far the log goes;
 * only a store that is then known to be whole is opened for writing, which is what lets RocksDB
 * delete the damaged log.
 *
 * Options. Only those are set whose defaults do not fit; measured on two cores with the rows of
 * 1,000,000 calls (600 MB), most of the time under load from elsewhere:
 *   - Write buffer 16 MiB: 85,000 unsynced batches/s, and no slower when the store has grown; with
 *     8 MiB compaction falls behind (47,000). The default of 64 MiB would cost memory. The block
 *     cache holds index and filter blocks too, which bounds what a large store takes.
 *   - FAMILY_SHORT: 2 MiB, compacted at two files, so that a scan passes 30,000 tombstones at most:
 *     10 to 20 ms, whatever the number of finished calls (rocksdb.c says why that matters).
 *   - Filters and indexes are cut into pieces of a block's size. Those of a large table are a megabyte
 *     each, more than a shard of the cache holds: every read then read one whole. A start with
 *     200,000 finished and 10,000 unfinished calls took 3.5 s and takes 0.6.
 *   - The write buffer has a filter, because most reads are for something that is not there (was
 *     this request id used before?). Places of earlier inserts (memtable_insert_with_hint_...) would
 *     help as much as sorted batches do, but RocksDB 7 mixes up those of rows and of range tombstones.
 *   - The log is not recycled, although overwriting a file makes its syncs cheaper: RocksDB 7
 *     refuses to combine that with any recovery that notices damage.
 *   - The log is limited, because replaying it is what a start waits for.
 *   - RocksDB's own LOG gets its header at the start and no line after that: one that could not be
 *     written, on a full disk, would make RocksDB 7 abort at the next one. Errors reach us anyway.
 *   - Format version 5 of the tables, so that RocksDB 7 and 9 read each other's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "store/rocksdb.h"

/* RocksDB's numbers for what to do with a log that cannot be read to its end. */
enum recovery { RECOVER_ALL_OR_FAIL = 1, RECOVER_UP_TO_DAMAGE = 2 };

#define LOG_HEADER_ONLY 5 /* RocksDB's number */

static const char *const family_names[FAMILY_COUNT] = { "default", "short" };

static rocksdb_options_t *make_options(rocksdb_cache_t *cache, size_t write_buffer_bytes,
                                       int compact_at_files)
{
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();

    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom(10));
    rocksdb_block_based_options_set_format_version(table, 5);
    rocksdb_block_based_options_set_index_type(
        table, rocksdb_block_based_table_index_type_two_level_index_search);
    rocksdb_block_based_options_set_partition_filters(table, 1);
    rocksdb_block_based_options_set_pin_top_level_index_and_filter(table, 1);
    rocksdb_options_set_block_based_table_factory(o, table);
    rocksdb_block_based_options_destroy(table);

    rocksdb_options_set_write_buffer_size(o, write_buffer_bytes);
    rocksdb_options_set_level0_file_num_compaction_trigger(o, compact_at_files);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(o, 1);
    rocksdb_options_set_compression(o, rocksdb_lz4_compression);
    rocksdb_options_set_memtable_whole_key_filtering(o, 1);
    rocksdb_options_set_memtable_prefix_bloom_size_ratio(o, 0.01);
    rocksdb_options_set_allow_concurrent_memtable_write(o, 0);
    return o;
}

static void set_database_options(rocksdb_options_t *o)
{
    rocksdb_options_set_create_missing_column_families(o, 1);
    rocksdb_options_set_max_background_jobs(o, 2);
    rocksdb_options_set_max_open_files(o, 256);
    rocksdb_options_set_max_total_wal_size(o, 64 * MIB);
    rocksdb_options_set_info_log_level(o, LOG_HEADER_ONLY);
    rocksdb_options_set_keep_log_file_num(o, 2);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_stats_persist_period_sec(o, 0);
}

static int check_mark(uint64_t recovered, uint64_t mark, struct err *e)
{
    if (recovered < mark) {
        return err_set(e, DMCP_E_CORRUPT,
                       "its log is damaged: synced up to %llu, readable up to %llu; restore a "
                       "backup, or delete the file \"synced\" in it to go on without the rest",
                       (unsigned long long)mark, (unsigned long long)recovered);
    }
    return DMCP_OK;
}

static rocksdb_t *try_open(struct rocks *r, const char *path, enum recovery recovery, char **error)
{
    *error = NULL;
    rocksdb_options_set_wal_recovery_mode(r->options[0], (int)recovery);
    return rocksdb_open_column_families(r->options[0], path, FAMILY_COUNT, family_names,
                                        (const rocksdb_options_t *const *)r->options, r->families,
                                        error);
}

/* The log ends in damage. That is a batch that was being written when the power went, or it is
 * damage to what was synced; the mark tells. Looks without changing anything, so that a store that
 * is refused stays as it is. */
static int check_damage(struct rocks *r, const char *path, uint64_t mark, struct err *e)
{
    rocksdb_column_family_handle_t *families[FAMILY_COUNT];
    char *error = NULL;
    rocksdb_t *db;
    int rc;

    rocksdb_options_set_wal_recovery_mode(r->options[0], RECOVER_UP_TO_DAMAGE);
    db = rocksdb_open_for_read_only_column_families(r->options[0], path, FAMILY_COUNT, family_names,
                                                    (const rocksdb_options_t *const *)r->options,
                                                    families, 0, &error);
    if (error) {
        return rocks_fail(e, "open", error);
    }
    rc = check_mark(rocksdb_get_latest_sequence_number(db), mark, e);
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        rocksdb_column_family_handle_destroy(families[i]);
    }
    rocksdb_close(db);
    return rc;
}

static int open_db(struct rocks *r, const char *path, struct err *e)
{
    uint64_t mark = dir_mark(&r->dir);
    char *error;
    int rc;

    if (mark > 0 && !dir_has_file(path, "CURRENT")) {
        /* RocksDB would start anew, over the rest of a store. */
        return err_set(e, DMCP_E_CORRUPT, "the file rocksdb/CURRENT is gone; restore a backup");
    }
    rocksdb_options_set_create_if_missing(r->options[0], mark == 0);
    r->db = try_open(r, path, RECOVER_ALL_OR_FAIL, &error);
    if (error && strstr(error, "not linked")) { /* a RocksDB that was built without LZ4 */
        rocksdb_free(error);
        for (size_t i = 0; i < FAMILY_COUNT; i++) {
            rocksdb_options_set_compression(r->options[i], rocksdb_no_compression);
        }
        r->db = try_open(r, path, RECOVER_ALL_OR_FAIL, &error);
    }
    if (error && strncmp(error, "Corruption", 10) == 0) {
        rocksdb_free(error);
        rc = check_damage(r, path, mark, e);
        if (rc) {
            return rc;
        }
        log_warning("%s: the log's end is torn, as by a power loss; it was not synced and is "
                    "dropped",
                    path);
        r->db = try_open(r, path, RECOVER_UP_TO_DAMAGE, &error);
    }
    if (error) {
        return rocks_fail(e, "open", error);
    }
    atomic_store(&r->written, rocksdb_get_latest_sequence_number(r->db));
    return check_mark(atomic_load(&r->written), mark, e);
}

static struct rocks *rocks_new(struct store_dir dir)
{
    struct rocks *r = mem_zalloc(sizeof(*r));
    rocksdb_cache_t *cache = rocksdb_cache_create_lru(8 * MIB);

    store_init(&r->store, &rocks_ops);
    r->dir = dir;
    r->options[FAMILY_LONG] = make_options(cache, 16 * MIB, 4);
    r->options[FAMILY_SHORT] = make_options(cache, 2 * MIB, 2);
    set_database_options(r->options[FAMILY_LONG]);
    r->read = rocksdb_readoptions_create();
    r->write = rocksdb_writeoptions_create();
    rocksdb_cache_destroy(cache); /* the options hold it */
    return r;
}

int store_rocksdb_open(const char *dir, struct store **store_out, struct err *e)
{
    struct store_dir d;
    struct rocks *r;
    struct buf path;
    int rc;

    rc = dir_open(dir, &d, e);
    if (rc) {
        return rc;
    }
    rc = dir_check_space(&d, LIMIT_DISK_RESERVE_BYTES, e); /* twice: recovery writes, too */
    if (rc) {
        dir_close(&d);
        return rc;
    }
    r = rocks_new(d);
    buf_init(&path, 64 * KIB);
    buf_addf(&path, "%s/rocksdb", dir);
    rc = open_db(r, path.data, e);
    buf_fini(&path);
    if (rc) {
        rocks_free(r);
        return rc;
    }
    *store_out = &r->store;
    return DMCP_OK;
}
