/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fuzzers' inputs, run once each: their seeds, and what they have found. scripts/fuzz.sh looks
 * for more.
 */
#include "harness.h"

#include <dirent.h>

#define LLVMFuzzerTestOneInput fuzz_json
#include "../fuzz/fuzz_json.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_rpc
#include "../fuzz/fuzz_rpc.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_schema
#include "../fuzz/fuzz_schema.c"
#undef LLVMFuzzerTestOneInput

typedef int (*fuzz_fn)(const uint8_t *data, size_t size);

static void replay_file(const char *path, fuzz_fn fuzz)
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

static void replay(const char *name, fuzz_fn fuzz)
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
            replay_file(path, fuzz);
            n++;
        }
    }
    closedir(dir);
    assert_true(n > 0);
}

TEST(corpus, json_is_read_and_written_back)
{
    replay("json", fuzz_json);
}

TEST(corpus, messages_are_understood_and_written_back)
{
    replay("rpc", fuzz_rpc);
}

TEST(corpus, schemas_decide)
{
    replay("schema", fuzz_schema);
}

RUN_TESTS()
