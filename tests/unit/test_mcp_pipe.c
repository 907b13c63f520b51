/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoint of a pipe that outlives the server process: what its client is told, what it is not
 * told, and what is kept for the next life of the server.
 */
#include "front.h"
#include "harness.h"

#define PIPE_TEST(sentence) TEST_WITH(mcp_pipe, sentence, front_setup_pipe, front_teardown)

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"add\"}}"
#define PEEK "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"peek\"}}"
#define CANCEL                                                                                     \
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":7}}"
#define INITIALIZE                                                                                 \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"     \
    "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"x\",\"version\":\"1\"}}}"

static void expect_error(const struct front *f, const char *code, const char *text)
{
    assert_false(f->is_kept);
    assert_true(f->body.len > 0);
    assert_non_null(strstr(f->body.data, code));
    assert_non_null(strstr(f->body.data, text));
}

static void expect_silence(const struct front *f)
{
    assert_false(f->is_kept);
    assert_int_not_equal(f->status, 0);
    assert_int_equal(f->body.len, 0);
}

/* ---- what this life of the server cannot do ---- */

PIPE_TEST(a_call_is_kept_when_the_store_fails_and_told_what_is_its_own_fault)
{
    static const int kept[] = { DMCP_E_STORE, DMCP_E_FULL, DMCP_E_STOPPING };
    static const int told[] = { DMCP_E_BUSY, DMCP_E_CONFLICT, DMCP_E_GONE };
    struct front *f = *state;

    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        front_post(f, CALL);
        command_free(front_expect(f, CMD_CALL_START));
        front_refuse(f, kept[i], "no");
        assert_true(f->is_kept);
        assert_int_equal(f->status, 0);
    }
    for (size_t i = 0; i < COUNT_OF(told); i++) {
        front_post(f, CALL);
        command_free(front_expect(f, CMD_CALL_START));
        front_refuse(f, told[i], "because");
        expect_error(f, "\"id\":1", "because");
    }
}

PIPE_TEST(a_stream_that_was_begun_is_kept_when_the_store_fails_or_the_server_stops)
{
    struct front *f = *state;

    front_post(f, CALL);
    command_free(front_expect(f, CMD_CALL_START));
    front_prime(f);
    front_refuse(f, DMCP_E_STORE, "no");
    assert_true(f->is_kept && !f->is_ended);
    front_post(f, CALL);
    command_free(front_expect(f, CMD_CALL_START));
    front_prime(f);
    endpoint_end_streams(f->endpoint);
    assert_true(f->is_kept && !f->is_ended);
}

PIPE_TEST(what_comes_when_the_disk_is_full_is_refused_if_it_is_a_request_and_else_kept)
{
    struct front *f = *state;

    endpoint_set_refusal(f->endpoint, DMCP_E_FULL);
    front_post(f, CALL);
    expect_error(f, "-32000", "\"id\":1");
    front_post(f, CANCEL);
    assert_true(f->is_kept);
    endpoint_set_refusal(f->endpoint, DMCP_E_STOPPING);
    front_post(f, CALL);
    assert_true(f->is_kept);
    front_expect_nothing(f);
}

/* ---- what is no request ---- */

PIPE_TEST(a_notification_and_an_answer_get_none_even_when_they_are_refused)
{
    struct front *f = *state;

    front_post(f, CANCEL);
    command_free(front_expect(f, CMD_CANCEL));
    front_done(f);
    expect_silence(f);
    front_post(f, CANCEL);
    command_free(front_expect(f, CMD_CANCEL));
    front_refuse(f, DMCP_E_GONE, "no such session");
    expect_silence(f);
    front_post(f, "{\"jsonrpc\":\"2.0\",\"id\":\"what\",\"result\":{}}");
    expect_silence(f);
    front_post(f, "{\"jsonrpc\":\"2.0\",\"method\":5}"); /* it may have been one */
    expect_error(f, "-32600", "\"id\":null");
}

/* ---- the beginning ---- */

PIPE_TEST(the_session_is_opened_under_the_id_that_the_pipe_has_chosen)
{
    struct front *f = *state;
    struct command *c;

    front_post_outside(f, INITIALIZE);
    c = front_expect(f, CMD_SESSION_OPEN);
    assert_true(id_eq(c->session, f->session));
    command_free(c);
    front_done(f);
    assert_non_null(strstr(f->body.data, "\"serverInfo\""));
}

PIPE_TEST(an_initialize_that_opened_the_session_before_is_answered_and_another_is_refused)
{
    struct front *f = *state;

    front_post(f, INITIALIZE);
    expect_error(f, "-32600", "initialized already");
    f->is_repeat = true;
    front_post(f, INITIALIZE);
    assert_non_null(strstr(f->body.data, "\"protocolVersion\":\"2025-03-26\"")); /* as it was */
    front_expect_nothing(f);
}

PIPE_TEST(before_the_session_a_ping_is_answered_and_another_request_is_not_served)
{
    struct front *f = *state;

    front_post_outside(f, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}");
    assert_non_null(strstr(f->body.data, "\"result\":{}"));
    front_post_outside(f, CALL);
    expect_error(f, "-32600", "send initialize first");
    front_post_outside(f, CANCEL);
    expect_silence(f);
    front_expect_nothing(f);
}

/* ---- calls ---- */

PIPE_TEST(a_call_is_begun_as_one_whose_stream_nobody_resumes)
{
    struct front *f = *state;
    struct command *c;

    front_post(f, CALL);
    c = front_expect(f, CMD_CALL_START);
    assert_true(c->start.cannot_resume);
    assert_false(c->start.knows_prime);
    command_free(c);
}

PIPE_TEST(calls_are_refused_while_there_are_too_many_and_nothing_else_is)
{
    struct front *f = *state;

    f->is_crowded = true;
    front_post(f, CALL);
    expect_error(f, "-32000", "too many requests wait");
    front_post(f, PEEK);
    expect_error(f, "-32000", "too many requests wait");
    front_expect_nothing(f);
    front_post(f, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}");
    assert_non_null(strstr(f->body.data, "\"tools\""));
    front_post(f, CANCEL);
    command_free(front_expect(f, CMD_CANCEL));
}

PIPE_TEST(a_repeat_whose_call_was_cancelled_before_is_not_answered)
{
    struct front *f = *state;

    f->is_repeat = true;
    front_post(f, CALL);
    command_free(front_expect(f, CMD_CALL_START));
    front_reply_as(f, OUTCOME_CANCELLED, "1", "{\"code\":-32800,\"message\":\"cancelled\"}");
    assert_true(f->is_ended);
    assert_int_equal(f->body.len, 0);
    f->is_repeat = false; /* the client itself asks again */
    front_post(f, CALL);
    command_free(front_expect(f, CMD_CALL_START));
    front_reply_as(f, OUTCOME_CANCELLED, "1", "{\"code\":-32800,\"message\":\"cancelled\"}");
    expect_error(f, "-32800", "cancelled");
}

PIPE_TEST(a_batch_is_given_back_as_its_messages)
{
    struct front *f = *state;

    front_post(f, "[" CALL ",\n" CANCEL "]");
    assert_string_equal(f->body.data, CALL "\n" CANCEL "\n");
    front_expect_nothing(f);
}

RUN_TESTS()
