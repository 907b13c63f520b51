/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency keys as they come with requests: from which places, of which length, and what makes
 * two requests the same.
 */
#include "base/limits.h"
#include "front.h"
#include "harness.h"

#define KEY_TEST(sentence) TEST_WITH(idempotency_key, sentence, front_setup, front_teardown)

#define CALL(id, params)                                                                           \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":" params "}"
#define PLAIN CALL("1", "{\"name\":\"add\",\"arguments\":{\"a\":1}}")
#define WITH_META(meta) CALL("1", "{\"name\":\"add\",\"arguments\":{\"a\":1},\"_meta\":" meta "}")

/* The start that the last request asked for; the caller frees it. */
static struct command *start(struct front *f, const char *key, const char *body)
{
    front_post_with_key(f, key, body);
    return front_expect(f, CMD_CALL_START);
}

static void expect_key(struct front *f, const char *key_field, const char *body, const char *key)
{
    struct command *c = start(f, key_field, body);

    if (key) {
        assert_true(str_eqz(c->start.key, key));
    } else {
        assert_null(c->start.key.p);
    }
    command_free(c);
}

static void expect_refused(struct front *f, const char *key_field, const char *body)
{
    front_post_with_key(f, key_field, body);
    front_expect_nothing(f);
    assert_int_equal(f->status, 200);
    assert_non_null(strstr(f->body.data, "\"code\":-32602"));
    assert_non_null(strstr(f->body.data, "an idempotency key is a string of 1 to 256 bytes"));
}

KEY_TEST(it_comes_in_a_field_or_in_the_meta_of_the_request_or_not_at_all)
{
    expect_key(*state, NULL, PLAIN, NULL);
    expect_key(*state, "k1", PLAIN, "k1");
    expect_key(*state, NULL, WITH_META("{\"mcp_tx\":{\"idempotency_key\":\"k2\"}}"), "k2");
    expect_key(*state, "k1", WITH_META("{\"mcp_tx\":{\"idempotency_key\":\"k2\"}}"), "k1");
    expect_key(*state, NULL, WITH_META("{\"mcp_tx\":{}}"), NULL);
    expect_key(*state, NULL, WITH_META("{\"mcp_tx\":7}"), NULL);
}

KEY_TEST(it_may_have_256_bytes_and_not_one_more_nor_none)
{
    char key[LIMIT_IDEMPOTENCY_KEY_BYTES + 2], body[1000];

    memset(key, 'k', sizeof(key));
    key[LIMIT_IDEMPOTENCY_KEY_BYTES] = '\0';
    expect_key(*state, key, PLAIN, key);
    snprintf(body, sizeof(body), WITH_META("{\"mcp_tx\":{\"idempotency_key\":\"%s\"}}"), key);
    expect_key(*state, NULL, body, key);
    key[LIMIT_IDEMPOTENCY_KEY_BYTES] = 'k';
    key[LIMIT_IDEMPOTENCY_KEY_BYTES + 1] = '\0';
    expect_refused(*state, key, PLAIN);
    snprintf(body, sizeof(body), WITH_META("{\"mcp_tx\":{\"idempotency_key\":\"%s\"}}"), key);
    expect_refused(*state, NULL, body);
    expect_refused(*state, "", PLAIN);
    expect_refused(*state, NULL, WITH_META("{\"mcp_tx\":{\"idempotency_key\":\"\"}}"));
}

/* Its client believes that it is protected. */
KEY_TEST(one_that_is_no_string_is_refused_and_not_overlooked)
{
    expect_refused(*state, NULL, WITH_META("{\"mcp_tx\":{\"idempotency_key\":7}}"));
    expect_refused(*state, NULL, WITH_META("{\"mcp_tx\":{\"idempotency_key\":null}}"));
}

/* ---- what is the same ---- */

static bool are_one(struct front *f, const char *body, const char *other)
{
    struct command *a = start(f, "k", body), *b = start(f, "k", other);
    bool same = id_eq(a->start.key_scope, b->start.key_scope) &&
                id_eq(a->start.key_digest, b->start.key_digest);

    command_free(a);
    command_free(b);
    return same;
}

KEY_TEST(the_same_arguments_are_the_same_whatever_else_the_request_says)
{
    assert_true(
        are_one(*state, PLAIN, CALL("\"x\"", "{\"arguments\":{\"a\":1},\"name\":\"add\"}")));
    assert_true(are_one(*state, PLAIN, WITH_META("{\"progressToken\":5}")));
    assert_true(are_one(*state, CALL("1", "{\"name\":\"add\"}"),
                        CALL("2", "{\"name\":\"add\",\"arguments\":{}}")));
}

KEY_TEST(other_arguments_are_not_the_same)
{
    assert_false(are_one(*state, PLAIN, CALL("1", "{\"name\":\"add\",\"arguments\":{\"a\":2}}")));
    assert_false(are_one(*state, PLAIN, CALL("1", "{\"name\":\"add\"}")));
}

KEY_TEST(an_ephemeral_tool_needs_none)
{
    struct front *f = *state;

    front_post_with_key(f, "k", CALL("1", "{\"name\":\"peek\"}"));
    front_expect_nothing(f);
    assert_int_equal(f->status, 0);
}

KEY_TEST(a_call_carries_its_tools_time_limit_and_what_its_client_can_do)
{
    struct command *c = start(*state, NULL, PLAIN);

    assert_int_equal(c->start.timeout_ms, 5000);
    assert_int_equal(c->start.client, SESSION_INITIALIZED | SESSION_ELICIT_FORM);
    command_free(c);
}

RUN_TESTS()
