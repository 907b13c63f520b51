/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that a notification of the client began: accepted when they are durable, without a response,
 * and heard on their session's own stream.
 */
#include "harness.h"
#include "rig.h"

#define NOTICE_TEST(sentence) TEST_WITH(notice, sentence, rig_setup, rig_teardown)

static struct id begin(struct rig *r, uint64_t peer)
{
    struct command *c = rig_start_command(r, peer, "", "{}");
    char request_id[80], hex[ID_HEX_BYTES + 1];
    struct id call = c->call;

    id_to_hex(call, hex);
    snprintf(request_id, sizeof(request_id), NOTICE_REQUEST "%s\"", hex);
    c->start.record.request_id = command_dup(c, str_of(request_id));
    c->start.record.method = CALL_NOTICE;
    c->start.is_notice = true;
    rig_apply(r, c);
    return call;
}

/* It waits for the answer to a question. */
static struct id asking(struct rig *r, struct id *input_out)
{
    struct id call = begin(r, 0);

    rig_commit(r);
    *input_out = rig_ask(r, call, "q", 0);
    rig_suspend(r, call);
    rig_drop_actions(r);
    return call;
}

NOTICE_TEST(one_is_accepted_when_its_call_is_durable)
{
    struct rig *r = *state;
    struct id call = begin(r, 5);

    rig_expect_done(r, 5);
    rig_expect_dispatch(r, call, 1);
    rig_write(r);
    rig_expect_nothing(r);
    rig_crash(r, 0);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    assert_false(rig_has_id(r, KEY_CALL, call));

    call = begin(r, 6);
    rig_commit(r);
    rig_crash(r, 0);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    rig_skip_to(r, ACT_DISPATCH);
    assert_true(rig_has_id(r, KEY_UNFINISHED, call));
}

NOTICE_TEST(one_that_is_over_has_a_result_that_nobody_is_sent)
{
    struct rig *r = *state;
    struct id call = begin(r, 0);

    rig_commit(r);
    rig_drop_actions(r);
    rig_done(r, call, "{\"a\":1}");
    rig_commit(r);
    rig_expect_nothing(r);
    assert_true(str_eqz(rig_result(r, call).body, "{\"a\":1}"));
}

NOTICE_TEST(what_it_says_and_asks_is_heard_on_the_own_stream_of_its_session)
{
    struct rig *r = *state;
    struct id call = begin(r, 0);

    rig_commit(r);
    rig_follow_fresh(r, 7, RIG_CREDIT);
    rig_commit(r);
    rig_drop_actions(r);
    rig_event(r, call, "a", "\"said\"");
    rig_expect_event(r, 7, 1, "\"said\"");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_ask(r, call, "q", 0);
    rig_expect_event(r, 7, 2, "\"ask\"");
    rig_commit(r);
    assert_int_equal(rig_count(r, key_of_id(KEY_EVENT, call)), 0);
    rig_done(r, call, "{}");
    rig_commit(r);
    assert_int_equal(rig_result(r, call).n_events, 0);
}

NOTICE_TEST(an_answer_wakes_it)
{
    struct rig *r = *state;
    struct id input, call = asking(r, &input);

    rig_answer(r, 9, input, "1");
    rig_expect_done(r, 9);
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    assert_int_equal(rig_journal_state(r, call, "q"), STEP_DONE);
}

NOTICE_TEST(a_question_that_is_taken_back_is_told_where_it_was_asked)
{
    struct rig *r = *state;
    struct id input, call = asking(r, &input);

    rig_follow(r, 7, r->session, 1, RIG_CREDIT);
    rig_drop_actions(r);
    rig_take_back(r, call, "q", input);
    rig_expect_event(r, 7, 2, "\"cancel\"");
}

/* As with a call that its client follows again. */
NOTICE_TEST(a_question_of_another_life_is_asked_again_when_its_client_listens)
{
    struct rig *r = *state;
    struct id input, call = asking(r, &input);

    rig_follow_fresh(r, 7, RIG_CREDIT);
    rig_commit(r);
    rig_drop_actions(r);
    rig_of_peer(r, CMD_UNFOLLOW, 7, 0);
    rig_follow_fresh(r, 8, RIG_CREDIT); /* of this life it knows */
    rig_commit(r);
    assert_true(rig_has_id(r, KEY_SUSPENDED, call));
    rig_restart(r);
    rig_drop_actions(r);
    rig_follow_fresh(r, 9, RIG_CREDIT);
    rig_commit(r);
    rig_skip_to(r, ACT_DISPATCH);
    assert_false(rig_has_id(r, KEY_SUSPENDED, call));
    assert_int_equal(rig_flags(r, call) & UNFINISHED_OWN, UNFINISHED_OWN);
}

NOTICE_TEST(closing_its_session_cancels_it_and_it_speaks_to_nobody_any_more)
{
    struct rig *r = *state;
    struct id call = begin(r, 0), input;

    rig_commit(r);
    rig_of_session(r, CMD_SESSION_CLOSE, 9, r->session);
    rig_commit(r);
    assert_true(rig_flags(r, call) & UNFINISHED_CANCELLED);
    rig_drop_actions(r);
    rig_event(r, call, "a", "\"said\"");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    input = rig_ask(r, call, "q", 0);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_commit(r);
    rig_expect_nothing(r);
    assert_true(rig_has_id(r, KEY_INPUT, input));
    assert_int_equal(rig_count(r, key_of_id(KEY_EVENT, r->session)), 0);
}

NOTICE_TEST(over_the_limit_of_calls_one_is_refused_like_any)
{
    struct rig *r = *state;

    for (size_t i = 0; i < r->options.max_calls; i++) {
        begin(r, 0);
    }
    rig_commit(r);
    rig_drop_actions(r);
    begin(r, 5);
    rig_expect_refused(r, 5, DMCP_E_BUSY);
}

NOTICE_TEST(each_is_a_call_of_its_own)
{
    struct rig *r = *state;
    struct id one = begin(r, 0), two = begin(r, 0);

    rig_commit(r);
    assert_true(rig_has_id(r, KEY_UNFINISHED, one));
    assert_true(rig_has_id(r, KEY_UNFINISHED, two));
}

RUN_TESTS()
