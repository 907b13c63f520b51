/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fuzzers' inputs for HTTP. See corpus.h.
 */
#include "corpus.h"

#define LLVMFuzzerTestOneInput fuzz_sse
#include "../fuzz/fuzz_sse.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_http
#include "../fuzz/fuzz_http.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_headers
#include "../fuzz/fuzz_headers.c"
#undef LLVMFuzzerTestOneInput

TEST(corpus, streams_give_the_same_events_wherever_they_are_cut)
{
    corpus_replay("sse", fuzz_sse);
}

TEST(corpus, requests_are_the_same_wherever_they_are_cut)
{
    corpus_replay("http", fuzz_http);
}

TEST(corpus, a_request_with_any_fields_has_one_answer_or_goes_to_the_engine)
{
    corpus_replay("headers", fuzz_headers);
}

RUN_TESTS()
