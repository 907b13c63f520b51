/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients send besides requests: answers to questions, and cancellations.
 */
#include "dmcp.h"
#include "front.h"
#include "harness.h"

#define ANSWER_TEST(sentence) TEST_WITH(answer, sentence, front_setup, front_teardown)
#define CANCEL_TEST(sentence) TEST_WITH(cancellation, sentence, front_setup, front_teardown)

#define QUESTION "00112233445566778899aabbccddeeff"

static void expect_answer(struct front *f, bool is_error, const char *body)
{
    struct command *c = front_expect(f, CMD_ANSWER);
    char hex[ID_HEX_BYTES + 1];

    id_to_hex(c->answer.input, hex);
    assert_string_equal(hex, QUESTION);
    assert_true(id_eq(c->session, f->session));
    assert_int_equal(c->answer.is_error, is_error);
    assert_true(str_eqz(c->answer.body, body));
    command_free(c);
}

static void expect_accepted(struct front *f)
{
    assert_int_equal(f->status, 202);
    assert_int_equal(f->body.len, 0);
    front_expect_nothing(f);
}

/* ---- answers ---- */

ANSWER_TEST(a_result_goes_to_the_question_that_it_names_and_is_accepted_once_it_is_durable)
{
    struct front *f = *state;

    front_post(f, "{\"jsonrpc\":\"2.0\",\"id\":\"" QUESTION "\",\"result\":{\"action\":\"accept\", "
                  "\"content\":{\"n\":1.5}}}");
    assert_int_equal(f->status, 0);
    expect_answer(f, false, "{\"action\":\"accept\",\"content\":{\"n\":1.5}}");
    front_done(f);
    expect_accepted(f);
}

ANSWER_TEST(an_error_goes_there_as_its_code_and_text)
{
    struct front *f = *state;

    front_post(f, "{\"jsonrpc\":\"2.0\",\"id\":\"" QUESTION "\",\"error\":{\"code\":-1,"
                  "\"message\":\"rejected by the user\",\"data\":[1]}}");
    expect_answer(f, true, "-1: rejected by the user");
}

ANSWER_TEST(the_text_of_an_error_is_cut_between_two_characters)
{
    struct front *f = *state;
    struct buf body, expected;

    buf_init(&body, 10000);
    buf_init(&expected, 10000);
    buf_addz(&body,
             "{\"jsonrpc\":\"2.0\",\"id\":\"" QUESTION "\",\"error\":{\"code\":7,\"message\":\"x");
    buf_addz(&expected, "7: x");
    for (int i = 0; i < 400; i++) {
        buf_addz(&body, "\xc3\xa4");
        buf_addz(&expected, i < 149 ? "\xc3\xa4" : "");
    }
    buf_addz(&body, "\"}}");
    front_post(f, body.data);
    expect_answer(f, true, expected.data);
    buf_fini(&body);
    buf_fini(&expected);
}

ANSWER_TEST(one_to_what_nobody_asked_is_accepted_and_goes_nowhere)
{
    static const char *const ids[] = {
        "7", "\"7\"", "\"" QUESTION "0\"", "\"\"", "\"zz112233445566778899aabbccddeeff\"", "1234567"
    };
    char body[200];

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}", ids[i]);
        front_post(*state, body);
        expect_accepted(*state);
    }
    front_post(*state,
               "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"m\"}}");
    expect_accepted(*state);
}

/* ---- cancellations ---- */

static void expect_cancel(struct front *f, const char *id, const char *request_id)
{
    struct command *c;
    char body[200];

    snprintf(body, sizeof(body),
             "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
             "\"params\":{\"requestId\":%s,\"reason\":\"no more\"}}",
             id);
    front_post(f, body);
    if (!request_id) {
        expect_accepted(f);
        return;
    }
    c = front_expect(f, CMD_CANCEL);
    assert_true(id_eq(c->session, f->session));
    assert_true(str_eqz(c->cancel.request_id, request_id));
    command_free(c);
    assert_int_equal(f->status, 0);
    front_done(f);
    expect_accepted(f);
}

CANCEL_TEST(one_names_a_request_however_its_id_is_written)
{
    expect_cancel(*state, "7", "7");
    expect_cancel(*state, "7.0", "7");
    expect_cancel(*state, "\"a\"", "\"a\"");
    expect_cancel(*state, "\"\\u0061\"", "\"a\"");
}

/* Whether it is one of the client's requests or one of ours is known to the engine alone. */
CANCEL_TEST(one_that_names_what_could_be_a_question_says_why_it_is_given_up)
{
    struct front *f = *state;
    struct command *c;
    char hex[ID_HEX_BYTES + 1];

    front_post(f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                  "\"params\":{\"requestId\":\"" QUESTION "\",\"reason\":\"no more\"}}");
    c = front_expect(f, CMD_CANCEL);
    id_to_hex(c->cancel.input, hex);
    assert_string_equal(hex, QUESTION);
    assert_true(str_eqz(c->cancel.reason, "-32800: the question was cancelled: no more"));
    assert_true(str_eqz(c->cancel.request_id, "\"" QUESTION "\""));
    command_free(c);
    front_done(f);
    expect_accepted(f);
    front_post(f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                  "\"params\":{\"requestId\":\"" QUESTION "\"}}");
    c = front_expect(f, CMD_CANCEL);
    assert_true(str_eqz(c->cancel.reason, "-32800: the question was cancelled: no reason was given"));
    command_free(c);
}

CANCEL_TEST(one_that_names_what_cannot_be_a_request_is_accepted_and_goes_nowhere)
{
    expect_cancel(*state, "null", NULL);
    expect_cancel(*state, "1.5", NULL);
    expect_cancel(*state, "[7]", NULL);
    front_post(*state, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\"}");
    expect_accepted(*state);
}

CANCEL_TEST(a_stream_that_it_ends_is_empty_when_it_was_not_open_yet)
{
    struct front *f = *state;

    front_post(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
                  "\"params\":{\"name\":\"add\"}}");
    command_free(front_expect(f, CMD_CALL_START));
    front_end(f);
    assert_int_equal(f->status, 200);
    assert_true(f->is_open && f->is_ended);
    assert_int_equal(f->body.len, 0);
}

/* ---- other notifications ---- */

static int nothing(dmcp_call *call)
{
    (void)call;
    return DMCP_OK;
}

ANSWER_TEST(changed_roots_of_a_client_that_declared_none_begin_nothing)
{
    const struct tool_spec spec = { .method = CALL_NOTICE,
                                    .name = STR(NOTICE_ROOTS),
                                    .handler = { .fn = nothing } };
    struct front *f = *state;
    struct err e;

    assert_int_equal(catalog_add(&f->catalog, &spec, &e), DMCP_OK);
    front_post(f, "{\"jsonrpc\":\"2.0\",\"method\":\"" NOTICE_ROOTS "\"}");
    expect_accepted(f);
}

RUN_TESTS()
