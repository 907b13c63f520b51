/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id of a request whose text goes by.
 */
#include "harness.h"
#include "json/rpc_scan.h"

/* The same wherever the text is cut. */
static void expect(const char *text, const char *id)
{
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct rpc_scan s;
        struct str found;

        rpc_scan_init(&s);
        rpc_scan_feed(&s, str_make(text, cut));
        rpc_scan_feed(&s, str_of(text + cut));
        found = rpc_scan_id(&s);
        if (!id ? found.p != NULL : !found.p || !str_eqz(found, id)) {
            fail_msg("%s: %.*s", text, STR_FMT(found));
        }
    }
}

TEST(rpc_scan, finds_the_id_at_any_place_and_of_either_kind)
{
    expect("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"m\"}", "7");
    expect("{\"method\":\"m\",\"params\":{},\"id\":\"a\"}", "\"a\"");
    expect("{ \"id\" : 12 , \"method\" : \"m\" }", "12");
    expect("{\"id\":\"a, {b}\",\"method\":\"m\"}", "\"a, {b}\"");
    expect("{\"id\":\"\\u0061\\\"\",\"method\":\"m\"}", "\"a\\\"\""); /* as every id is written */
}

TEST(rpc_scan, takes_no_id_that_is_not_the_messages_own)
{
    expect("{\"method\":\"m\",\"params\":{\"id\":7}}", NULL);
    expect("{\"params\":[{\"id\":7}],\"method\":\"m\"}", NULL);
    expect("{\"x\":\"\\\"id\\\":7\",\"method\":\"m\"}", NULL);
    expect("{\"params\":{\"id\":7},\"id\":8,\"method\":\"m\",\"x\":{\"id\":9}}", "8");
    expect("[{\"id\":7,\"method\":\"m\"}]", NULL);
}

TEST(rpc_scan, answers_requests_only)
{
    expect("{\"id\":7,\"result\":{\"method\":\"m\"}}", NULL);
    expect("{\"id\":7,\"x\":\"method\"}", NULL);
    expect("{\"method\":\"m\"}", NULL);
}

TEST(rpc_scan, takes_no_id_that_is_none)
{
    char text[LIMIT_REQUEST_ID_BYTES + 64], digits[LIMIT_REQUEST_ID_BYTES + 8];

    expect("{\"id\":{\"a\":1},\"method\":\"m\"}", NULL);
    expect("{\"id\":[1],\"method\":\"m\"}", NULL);
    expect("{\"id\":null,\"method\":\"m\"}", NULL);
    expect("{\"id\":1.5,\"method\":\"m\"}", NULL);
    expect("{\"id\":,\"method\":\"m\"}", NULL);
    expect("{\"id\":7", NULL);
    expect("}}]],::\"id\":7,\"method\"", NULL);
    expect("", NULL);
    memset(digits, 'x', sizeof(digits));
    for (size_t n = LIMIT_REQUEST_ID_BYTES; n < LIMIT_REQUEST_ID_BYTES + 4; n++) {
        snprintf(text, sizeof(text), "{\"id\":\"%.*s\",\"method\":\"m\"}", (int)n - 2, digits);
        digits[n - 2] = '\0';
        if (n > LIMIT_REQUEST_ID_BYTES) {
            expect(text, NULL);
        } else {
            snprintf(digits, sizeof(digits), "\"%.*s\"", (int)n - 2, text + strlen("{\"id\":\""));
            expect(text, digits);
        }
        memset(digits, 'x', sizeof(digits));
    }
}

RUN_TESTS()
