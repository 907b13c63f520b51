/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fuzzers' inputs for JSON and what is made of it. See corpus.h.
 */
#include "corpus.h"

#define LLVMFuzzerTestOneInput fuzz_json
#include "../fuzz/fuzz_json.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_rpc
#include "../fuzz/fuzz_rpc.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_schema
#include "../fuzz/fuzz_schema.c"
#undef LLVMFuzzerTestOneInput

TEST(corpus, json_is_read_and_written_back)
{
    corpus_replay("json", fuzz_json);
}

TEST(corpus, messages_are_understood_and_written_back)
{
    corpus_replay("rpc", fuzz_rpc);
}

TEST(corpus, schemas_decide)
{
    corpus_replay("schema", fuzz_schema);
}

RUN_TESTS()
