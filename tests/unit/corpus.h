/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fuzzers' inputs, run once each: their seeds, and what they have found. scripts/fuzz.sh looks
 * for more.
 *
 * A program includes the fuzzers that it runs (tests/fuzz), each under a name of its own.
 */
#ifndef TESTS_UNIT_CORPUS_H
#define TESTS_UNIT_CORPUS_H

#include "harness.h"

#include <dirent.h>

#include "base/mem.h"

typedef int (*fuzz_fn)(const uint8_t *data, size_t size);

static inline void corpus_replay_file(const char *path, fuzz_fn fuzz)
{
    FILE *file = fopen(path, "r");
    struct stat st;
    uint8_t *data;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    data = mem_alloc((size_t)st.st_size);
    assert_int_equal(fread(data, 1, (size_t)st.st_size, file), st.st_size);
    fclose(file);
    printf("# %s\n", path);
    fuzz(data, (size_t)st.st_size);
    mem_free(data);
}

/* All files of the folder, of which there is one at least. */
static inline void corpus_replay(const char *name, fuzz_fn fuzz)
{
    char folder[256], path[600];
    struct dirent *entry;
    size_t n = 0;
    DIR *dir;

    snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s", name);
    dir = opendir(folder);
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
            corpus_replay_file(path, fuzz);
            n++;
        }
    }
    closedir(dir);
    assert_true(n > 0);
}

#endif
