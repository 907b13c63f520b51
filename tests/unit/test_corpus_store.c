/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fuzzers' inputs for what is stored. See corpus.h.
 */
#include "corpus.h"

#define LLVMFuzzerTestOneInput fuzz_keys
#include "../fuzz/fuzz_keys.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_records
#include "../fuzz/fuzz_records.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_import
#include "../fuzz/fuzz_import.c"
#undef LLVMFuzzerTestOneInput

TEST(corpus, keys_give_back_what_is_in_them_and_stand_in_its_order)
{
    corpus_replay("keys", fuzz_keys);
}

TEST(corpus, records_are_read_and_written_back)
{
    corpus_replay("records", fuzz_records);
}

TEST(corpus, rows_go_into_lines_and_come_back)
{
    corpus_replay("import", fuzz_import);
}

RUN_TESTS()
