/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store tests share: opening a store of either backend in a directory of its own, writing
 * and expecting in one line, crash images, and children to be killed.
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "harness.h"
#include "store/store.h"

struct fixture {
    struct store *store;
    char *dir; /* NULL for memory */
};

/* cmocka fixtures; *state is a struct fixture. */
int open_memory(void **state);
int open_rocksdb(void **state);
int close_store(void **state);

struct store *must_open(const char *dir);
void expect_refusal(const char *name, int code, const char *in_text);

/* ---- in one line ---- */

uint64_t must_write(struct store *s, const struct batch *b);
void must_sync(struct store *s, uint64_t position);
uint64_t put(struct store *s, const char *key, const char *value);
void expect_row(struct store *s, struct str key, struct str value);
void expect_no_row(struct store *s, struct str key);

/* Texts of a scan are "k=v k=v"; bytes that are no letters or digits stand as \xx. NULL bounds are
 * absent. */
void expect_cursor(struct cursor *c, const char *text);
void expect_scan(struct store *s, const char *from, const char *to, const char *text);
void expect_reverse(struct store *s, const char *from, const char *to, const char *text);

/* Batch i of a sequence puts "a" "e" and "z" with the decimal i, in different kinds, and a key of
 * its own. expect_sequence returns n: exactly the batches 0 to n-1 are there, each completely. */
uint64_t write_sequence(struct store *s, unsigned i);
unsigned expect_sequence(struct store *s);

/* ---- files ---- */

void write_text(const char *path, const char *text);
void copy_dir(const char *from, const char *to);
char *path_in(const char *dir, const char *name);       /* the caller owns it */
char *newest_file(const char *dir, const char *suffix); /* of RocksDB's: ".log", ".sst" */

/* ---- children ---- */

struct child {
    int pid;
    FILE *out; /* what it prints */
};

/* Runs `child_main` of this program in a process of its own, with DMCP_FAULT set to `fault` when
 * that is not NULL. A thread of RocksDB's does not survive a fork, so this one starts afresh. */
struct child child_start(const char *mode, const char *dir, const char *fault);
void child_kill(struct child *c);
int child_wait(struct child *c); /* the exit status, or minus the signal */

/* To be defined by each test program; the return value is the exit status. */
int child_main(const char *mode, const char *dir);

#endif
