/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session remembers of what its client said that it can do.
 */
#include "front.h"
#include "harness.h"

#define CLIENT_TEST(sentence) TEST_WITH(initialize, sentence, front_setup, front_teardown)

static void expect_flags(struct front *f, const char *version, const char *capabilities,
                         uint8_t flags)
{
    struct command *c;
    char body[500];

    snprintf(body, sizeof(body),
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
             "\"protocolVersion\":\"%s\",\"capabilities\":%s,"
             "\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}}",
             version, capabilities);
    front_post_outside(f, body);
    c = front_expect(f, CMD_SESSION_OPEN);
    assert_int_equal(c->open.flags, flags);
    command_free(c);
}

static void expect_latest(struct front *f, const char *capabilities, uint8_t flags)
{
    expect_flags(f, "2025-11-25", capabilities, flags);
}

CLIENT_TEST(what_the_client_did_not_declare_it_cannot_do)
{
    expect_latest(*state, "{}", 0);
    expect_latest(*state, "{\"experimental\":{\"elicitation\":{}}}", 0);
}

CLIENT_TEST(elicitation_without_modes_means_forms_only)
{
    expect_latest(*state, "{\"elicitation\":{}}", SESSION_ELICIT_FORM);
    expect_latest(*state, "{\"elicitation\":{\"form\":{}}}", SESSION_ELICIT_FORM);
    expect_latest(*state, "{\"elicitation\":{\"url\":{}}}", SESSION_ELICIT_URL);
    expect_latest(*state, "{\"elicitation\":{\"form\":{},\"url\":{}}}",
                  SESSION_ELICIT_FORM | SESSION_ELICIT_URL);
}

CLIENT_TEST(tools_and_the_context_of_servers_are_parts_of_sampling)
{
    expect_latest(*state, "{\"sampling\":{}}", SESSION_SAMPLING);
    expect_latest(*state, "{\"sampling\":{\"tools\":{}}}",
                  SESSION_SAMPLING | SESSION_SAMPLING_TOOLS);
    expect_latest(*state, "{\"sampling\":{\"context\":{}}}",
                  SESSION_SAMPLING | SESSION_SAMPLING_CONTEXT);
    expect_latest(*state, "{\"tools\":{},\"context\":{}}", 0);
}

/* There it was no capability, and a client that had sampling had to do with it. */
CLIENT_TEST(before_2025_11_25_who_can_sample_knows_the_context_of_servers)
{
    expect_flags(*state, "2025-06-18", "{\"sampling\":{}}",
                 SESSION_SAMPLING | SESSION_SAMPLING_CONTEXT);
    expect_flags(*state, "2025-03-26", "{\"roots\":{}}", SESSION_ROOTS);
}

CLIENT_TEST(roots_are_one_with_or_without_notifications)
{
    expect_latest(*state, "{\"roots\":{}}", SESSION_ROOTS);
    expect_latest(*state, "{\"roots\":{\"listChanged\":true}}", SESSION_ROOTS);
}

RUN_TESTS()
