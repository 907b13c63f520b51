/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches: what becomes of the whole when the engine answers its parts one after the other, in
 * another order, or not at all. What goes over the wire stands in tests/wire/batch-*.case.
 */
#include "base/limits.h"
#include "front.h"
#include "harness.h"

#define BATCH_TEST(sentence) TEST_WITH(batch, sentence, front_setup_2025_03_26, front_teardown)

#define CALL(id)                                                                                   \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"add\"}}"
#define PING(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"ping\"}"
#define ANSWER(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{}}"

/* The exchange of the next call that was begun. */
static uint64_t started(struct front *f)
{
    struct command *c = front_expect(f, CMD_CALL_START);
    uint64_t peer = c->peer;

    command_free(c);
    return peer;
}

static void reply(struct front *f, uint64_t peer, const char *id)
{
    f->peer = peer;
    front_reply(f, id, "{}");
}

static void prime(struct front *f, uint64_t peer)
{
    f->peer = peer;
    front_prime(f);
}

static void refuse(struct front *f, uint64_t peer, int code)
{
    f->peer = peer;
    front_refuse(f, code, "because");
}

BATCH_TEST(answers_stand_in_the_order_of_their_requests_whichever_came_first)
{
    struct front *f = *state;
    uint64_t one, three;

    front_post(f, "[" CALL("1") "," PING("2") "," CALL("3") "]");
    one = started(f);
    three = started(f);
    reply(f, three, "3");
    assert_int_equal(f->status, 0);
    reply(f, one, "1");
    assert_int_equal(f->status, 200);
    assert_false(f->is_open);
    assert_string_equal(f->body.data, "[" ANSWER("1") "," ANSWER("2") "," ANSWER("3") "]");
}

BATCH_TEST(a_call_that_takes_long_makes_a_stream_of_the_whole)
{
    struct front *f = *state;
    uint64_t one, three;

    front_post(f, "[" CALL("1") "," PING("2") "," CALL("3") "]");
    one = started(f);
    three = started(f);
    prime(f, three);
    assert_true(f->is_open);
    assert_string_equal(f->body.data, ANSWER("2") "\n");
    reply(f, one, "1");
    assert_false(f->is_ended);
    reply(f, three, "3");
    assert_true(f->is_ended);
    assert_string_equal(f->body.data, ANSWER("2") "\n" ANSWER("1") "\n" ANSWER("3") "\n");
}

BATCH_TEST(the_calls_of_a_batch_share_what_may_be_on_its_way_to_the_client)
{
    struct front *f = *state;
    struct command *c;

    front_post(f, "[" CALL("1") "," PING("2") "," CALL("3") "," PING("4") "]");
    for (int i = 0; i < 2; i++) {
        c = front_expect(f, CMD_CALL_START);
        assert_int_equal(c->start.credit, 16 * KIB);
        command_free(c);
    }
}

/* The client sends all of it again, and finds what was begun. */
BATCH_TEST(a_server_that_cannot_go_on_refuses_the_whole)
{
    struct front *f = *state;
    uint64_t one;

    front_post(f, "[" CALL("1") "," PING("2") "," CALL("3") "]");
    one = started(f);
    started(f);
    refuse(f, one, DMCP_E_FULL);
    assert_int_equal(f->status, 503);
    assert_non_null(strstr(f->body.data, "\"id\":null"));
    assert_int_equal(f->n_unfollowed, 2);
}

BATCH_TEST(a_call_that_is_refused_for_itself_has_its_own_error)
{
    struct front *f = *state;
    uint64_t one, three;

    front_post(f, "[" CALL("1") "," CALL("3") "]");
    one = started(f);
    three = started(f);
    refuse(f, one, DMCP_E_CONFLICT);
    assert_int_equal(f->status, 0);
    refuse(f, three, DMCP_E_BUSY);
    assert_int_equal(f->status, 200);
    assert_non_null(strstr(f->body.data, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32600,"));
    assert_non_null(strstr(f->body.data, "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32000,"));
}

BATCH_TEST(a_stream_ends_without_the_answers_of_a_server_that_cannot_go_on)
{
    struct front *f = *state;
    uint64_t one, three;

    front_post(f, "[" CALL("1") "," CALL("3") "]");
    one = started(f);
    three = started(f);
    prime(f, one);
    refuse(f, one, DMCP_E_FULL);
    assert_false(f->is_ended);
    refuse(f, three, DMCP_E_FULL);
    assert_true(f->is_ended);
    assert_string_equal(f->body.data, "");
}

BATCH_TEST(a_client_that_hangs_up_is_followed_by_none_of_the_calls)
{
    struct front *f = *state;
    uint64_t one;

    front_post(f, "[" CALL("1") "," PING("2") "," CALL("3") "," CALL("4") "]");
    one = started(f);
    started(f);
    started(f);
    reply(f, one, "1");
    front_leave(f);
    assert_int_equal(f->n_unfollowed, 2);
    reply(f, one, "1"); /* to nobody */
    assert_int_equal(f->status, 0);
}

BATCH_TEST(a_server_that_stops_ends_the_streams_and_refuses_the_rest)
{
    struct front *f = *state;
    uint64_t one;

    front_post(f, "[" CALL("1") "," CALL("3") "]");
    one = started(f);
    started(f);
    prime(f, one);
    endpoint_end_streams(f->endpoint);
    assert_true(f->is_ended);

    front_post(f, "[" CALL("1") "," CALL("3") "]");
    endpoint_end_streams(f->endpoint);
    assert_int_equal(f->status, 503);
}

BATCH_TEST(a_batch_of_answers_and_notifications_is_accepted_when_the_last_is_durable)
{
    struct front *f = *state;
    struct command *c;

    front_post(f, "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"},"
                  "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                  "\"params\":{\"requestId\":9}}]");
    command_free(front_expect(f, CMD_SESSION_UPDATE));
    c = front_expect(f, CMD_CANCEL);
    f->peer = c->peer;
    front_done(f);
    assert_int_equal(f->status, 0);
    f->peer = c->peer - 1;
    front_done(f);
    assert_int_equal(f->status, 202);
    command_free(c);
}

RUN_TESTS()
