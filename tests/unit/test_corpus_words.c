/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fuzzers' inputs for what people write. See corpus.h.
 */
#include "corpus.h"

#define LLVMFuzzerTestOneInput fuzz_uri_template
#include "../fuzz/fuzz_uri_template.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_config
#include "../fuzz/fuzz_config.c"
#undef LLVMFuzzerTestOneInput

TEST(corpus, templates_take_uris_apart)
{
    corpus_replay("uri_template", fuzz_uri_template);
}

TEST(corpus, files_of_options_are_taken_or_refused_with_a_reason)
{
    corpus_replay("config", fuzz_config);
}

RUN_TESTS()
