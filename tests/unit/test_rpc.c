/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC messages: what is told apart, what is refused, what is written.
 */
#include "harness.h"

#include "json/rpc.h"

struct parsed {
    yyjson_doc *doc;
    struct rpc_message message;
    struct err err;
};

static int parse(const char *text, struct parsed *p)
{
    p->err.text[0] = '\0';
    assert_int_equal(json_read(str_of(text), &p->doc, NULL), 0);
    return rpc_parse(p->doc->root, &p->message, &p->err);
}

static void free_parsed(struct parsed *p)
{
    yyjson_doc_free(p->doc);
}

static void expect_kind(const char *text, enum rpc_kind kind, const char *id)
{
    struct parsed p;

    assert_int_equal(parse(text, &p), 0);
    assert_int_equal(p.message.kind, kind);
    if (id) {
        assert_true(str_eqz(rpc_id(&p.message), id));
    } else {
        assert_null(rpc_id(&p.message).p);
    }
    free_parsed(&p);
}

static void expect_refused(const char *text, enum rpc_code code, const char *id, const char *error)
{
    struct parsed p;

    assert_int_equal(parse(text, &p), DMCP_E_INVALID);
    assert_int_equal(p.message.refusal, code);
    assert_string_equal(p.err.text, error);
    assert_true(id ? str_eqz(rpc_id(&p.message), id) : !rpc_id(&p.message).p);
    free_parsed(&p);
}

TEST(rpc, requests_notifications_results_and_errors_are_told_apart)
{
    expect_kind("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", RPC_REQUEST, "1");
    expect_kind("{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}", RPC_NOTIFICATION, NULL);
    expect_kind("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}", RPC_RESULT, "\"a\"");
    expect_kind("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-1,\"message\":\"\"}}",
                RPC_ERROR, "1");
}

TEST(rpc, the_parts_of_a_request_can_be_had)
{
    struct parsed p;

    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
                           "\"params\":{\"name\":\"add\"},\"extra\":[]}",
                           &p),
                     0);
    assert_true(str_eq(p.message.method, STR("tools/call")));
    assert_true(str_eq(json_get_str(p.message.params, "name"), STR("add")));
    free_parsed(&p);
}

TEST(rpc, the_parts_of_an_error_can_be_had)
{
    struct parsed p;

    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,"
                           "\"message\":\"no\",\"data\":null}}",
                           &p),
                     0);
    assert_int_equal(p.message.error_code, RPC_INVALID_PARAMS);
    assert_true(str_eq(p.message.error_message, STR("no")));
    assert_true(yyjson_is_null(p.message.error_data));
    free_parsed(&p);
}

TEST(rpc, all_ways_to_write_one_id_are_the_same)
{
    static const char *const ids[][2] = {
        { "0", "0" },
        { "-0", "0" },
        { "-7", "-7" },
        { "1.0", "1" },
        { "1e2", "100" },
        { "18446744073709551615", "18446744073709551615" },
        { "-9223372036854775808", "-9223372036854775808" },
        { "\"\"", "\"\"" },
        { "\"\\u0061\\/\\u000a\"", "\"a/\\n\"" },
        { "\"\\u00e4\"", "\"\xC3\xA4\"" },
    };
    char text[200];

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"m\"}", ids[i][0]);
        expect_kind(text, RPC_REQUEST, ids[i][1]);
    }
}

TEST(rpc, an_id_is_allowed_up_to_its_limit_and_refused_past_it)
{
    char text[2 * LIMIT_REQUEST_ID_BYTES + 100], id[LIMIT_REQUEST_ID_BYTES + 1];

    memset(id, 'x', sizeof(id));
    for (int over = 0; over <= 1; over++) {
        struct parsed p;
        int n = LIMIT_REQUEST_ID_BYTES - 2 + over; /* with its quotes */

        snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":\"%.*s\",\"method\":\"m\"}", n,
                 id);
        assert_int_equal(parse(text, &p), over ? DMCP_E_INVALID : 0);
        assert_int_equal(rpc_id(&p.message).len, over ? 0 : LIMIT_REQUEST_ID_BYTES);
        free_parsed(&p);
    }
    snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":\"%.*s%.*s\",\"method\":\"m\"}",
             LIMIT_REQUEST_ID_BYTES, id, LIMIT_REQUEST_ID_BYTES, id);
    expect_refused(text, RPC_INVALID_REQUEST, NULL, "the id is longer than 256 bytes");
}

TEST(rpc, ids_that_mcp_does_not_have_are_refused)
{
    static const char neither[] = "the id is neither a string nor an integer";

    expect_refused("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"m\"}", RPC_INVALID_REQUEST, NULL,
                   neither);
    expect_refused("{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"m\"}", RPC_INVALID_REQUEST, NULL,
                   neither);
    expect_refused("{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"m\"}", RPC_INVALID_REQUEST, NULL,
                   neither);
    expect_refused("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"m\"}", RPC_INVALID_REQUEST, NULL,
                   "the id is a number with a fraction");
    expect_refused("{\"jsonrpc\":\"2.0\",\"id\":18446744073709551616,\"method\":\"m\"}",
                   RPC_INVALID_REQUEST, NULL, "the id is an integer of more than 64 bits");
}

/* Cancellations name a request by it. */
TEST(rpc, the_id_of_another_message_is_read_like_ones_own)
{
    static const struct {
        const char *json, *id;
    } samples[] = {
        { "\"a\"", "\"a\"" }, { "\"\\u0061\"", "\"a\"" }, { "7", "7" },        { "7.0", "7" },
        { "1.5", NULL },      { "null", NULL },               { "{\"a\":1}", NULL }, { "[1]", NULL },
    };
    struct rpc_message m = { .id_len = 0 };
    char too_long[LIMIT_REQUEST_ID_BYTES + 2];
    yyjson_doc *doc;

    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        assert_int_equal(json_read(str_of(samples[i].json), &doc, NULL), 0);
        if (samples[i].id) {
            assert_int_equal(rpc_name(&m, doc->root), DMCP_OK);
            assert_true(str_eqz(rpc_id(&m), samples[i].id));
        } else {
            assert_int_equal(rpc_name(&m, doc->root), DMCP_E_INVALID);
        }
        yyjson_doc_free(doc);
    }
    memset(too_long, 'a', sizeof(too_long));
    too_long[0] = too_long[LIMIT_REQUEST_ID_BYTES] = '"';
    assert_int_equal(json_read(str_make(too_long, LIMIT_REQUEST_ID_BYTES + 1), &doc, NULL), 0);
    assert_int_equal(rpc_name(&m, doc->root), DMCP_E_INVALID);
    yyjson_doc_free(doc);
}

TEST(rpc, what_is_no_message_is_refused_with_its_id_if_that_is_good)
{
    static const char one_of[] = "a message has exactly one of method, result and error";

    expect_refused("[]", RPC_INVALID_REQUEST, NULL, "the message is not an object");
    expect_refused("\"x\"", RPC_INVALID_REQUEST, NULL, "the message is not an object");
    expect_refused("{\"id\":1,\"method\":\"m\"}", RPC_INVALID_REQUEST, "1",
                   "the member jsonrpc is not \"2.0\"");
    expect_refused("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"m\"}", RPC_INVALID_REQUEST, "1",
                   "the member jsonrpc is not \"2.0\"");
    expect_refused("{\"jsonrpc\":2.0,\"id\":1,\"method\":\"m\"}", RPC_INVALID_REQUEST, "1",
                   "the member jsonrpc is not \"2.0\"");
    expect_refused("{\"jsonrpc\":\"2.0\",\"id\":1}", RPC_INVALID_REQUEST, "1", one_of);
    expect_refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"result\":{}}",
                   RPC_INVALID_REQUEST, "1", one_of);
    expect_refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}", RPC_INVALID_REQUEST,
                   "1", one_of);
    expect_refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", RPC_INVALID_REQUEST, "1",
                   "the method is not a string");
    expect_refused("{\"jsonrpc\":\"2.0\",\"result\":{}}", RPC_INVALID_REQUEST, NULL,
                   "the result has no id");
}

TEST(rpc, params_that_are_no_object_are_refused_as_params)
{
    expect_refused("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"m\",\"params\":[1]}",
                   RPC_INVALID_PARAMS, "\"x\"", "the params are not an object");
    expect_refused("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":7}", RPC_INVALID_PARAMS, NULL,
                   "the params are not an object");
}

TEST(rpc, null_params_are_none)
{
    struct parsed p;

    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":null}", &p),
                     0);
    assert_null(p.message.params);
    free_parsed(&p);
}

TEST(rpc, malformed_errors_are_refused)
{
    static const char *const errors[] = {
        "7",
        "{}",
        "{\"code\":1}",
        "{\"message\":\"x\"}",
        "{\"code\":1.5,\"message\":\"x\"}",
        "{\"code\":\"1\",\"message\":\"x\"}",
        "{\"code\":1,\"message\":null}",
    };
    char text[200];

    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":%s}", errors[i]);
        expect_refused(text, RPC_INVALID_REQUEST, "1",
                       "the error is not an object with an integer code and a string message");
    }
}

TEST(rpc, an_error_may_have_no_id)
{
    expect_kind("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"x\"}}",
                RPC_ERROR, NULL);
    expect_kind("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"x\"}}", RPC_ERROR, NULL);
}

TEST(rpc, a_null_in_place_of_the_answer_that_does_not_apply_is_overlooked)
{
    expect_kind("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":null}", RPC_RESULT, "1");
    expect_kind("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null,"
                "\"error\":{\"code\":1,\"message\":\"x\"}}",
                RPC_ERROR, "1");
    expect_kind("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}", RPC_RESULT, "1");
}

TEST(rpc, messages_are_written_compact)
{
    struct buf b;

    buf_init(&b, KIB);
    rpc_write_result(&b, STR("\"a\""), STR("{}"));
    assert_string_equal(b.data, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}");
    buf_reset(&b);
    rpc_write_error(&b, STR("1"), RPC_INTERNAL, STR("a \"b\""), STR_NONE);
    assert_string_equal(b.data, "{\"jsonrpc\":\"2.0\",\"id\":1,"
                                "\"error\":{\"code\":-32603,\"message\":\"a \\\"b\\\"\"}}");
    buf_reset(&b);
    rpc_write_error(&b, STR_NONE, RPC_PARSE_ERROR, STR("no"), STR("[1]"));
    assert_string_equal(b.data, "{\"jsonrpc\":\"2.0\","
                                "\"error\":{\"code\":-32700,\"message\":\"no\",\"data\":[1]}}");
    buf_reset(&b);
    rpc_write_request(&b, STR("5"), STR("ping"), STR_NONE);
    assert_string_equal(b.data, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\"}");
    buf_reset(&b);
    rpc_write_notification(&b, STR("x"), STR("{\"a\":1}"));
    assert_string_equal(b.data, "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":{\"a\":1}}");
    buf_fini(&b);
}

RUN_TESTS()
