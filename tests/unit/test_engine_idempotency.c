/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency keys: which call a key leads to, from where, for how long, and what a second request
 * gets in each state of the first.
 */
#include "base/limits.h"
#include "harness.h"
#include "rig.h"

#define KEY_TEST(sentence) TEST_WITH(idempotency, sentence, rig_setup, rig_teardown)

static const struct id no_id;

/* From the rig's session; committed. */
static struct id start(struct rig *r, uint64_t peer, const char *request_id, const char *key)
{
    struct command *c = rig_keyed(r, peer, r->session, request_id, key, "{}");
    struct id call = c->call;

    rig_apply(r, c);
    rig_commit(r);
    return call;
}

static void repeat(struct rig *r, uint64_t peer, struct id session, const char *request_id)
{
    rig_apply(r, rig_keyed(r, peer, session, request_id, "k", "{}"));
}

static struct id running(struct rig *r, uint64_t peer)
{
    struct id call = start(r, peer, "1", "k");

    rig_expect_dispatch(r, call, 1);
    return call;
}

static struct id finished(struct rig *r)
{
    struct id call = running(r, 0);

    rig_done(r, call, "\"once\"");
    rig_commit(r);
    return call;
}

/* The queue has a new call and nothing else. */
static void expect_new(struct rig *r, struct id old)
{
    struct action *a = rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);

    assert_false(id_eq(a->call, old));
    assert_int_equal(a->dispatch.attempt, 1);
    rig_expect_nothing(r);
}

/* ---- while it runs ---- */

KEY_TEST(a_second_request_attaches_to_the_running_call)
{
    struct rig *r = *state;
    struct id call = running(r, 1);

    repeat(r, 2, r->session, "2");
    rig_expect_prime(r, 1, 0);
    rig_expect_prime(r, 2, 0);
    rig_expect_nothing(r);
    rig_commit(r);
    rig_done(r, call, "\"once\"");
    rig_expect_reply(r, 1, 1, "\"once\"");
    assert_true(str_eqz(rig_expect(r, ACT_REPLY, WHEN_DURABLE)->event.request_id, "2"));
}

/* Resuming its stream would bring the response to the first request, which is not the second's. */
KEY_TEST(a_second_request_of_the_same_session_cannot_resume_the_stream_either)
{
    struct rig *r = *state;
    struct id call = running(r, 1);
    struct action *a;

    repeat(r, 2, r->session, "2");
    a = rig_expect(r, ACT_PRIME, WHEN_DURABLE);
    assert_true(id_eq(a->event.stream, call));
    a = rig_expect(r, ACT_PRIME, WHEN_DURABLE);
    assert_true(id_eq(a->event.stream, no_id));
    rig_commit(r);
    repeat(r, 3, r->session, "1");
    a = rig_expect(r, ACT_PRIME, WHEN_DURABLE);
    assert_true(id_eq(a->event.stream, call));
    rig_done(r, call, "\"once\"");
    rig_commit(r);
    rig_drop_actions(r);
    repeat(r, 4, r->session, "2");
    a = rig_expect(r, ACT_REPLY, WHEN_DURABLE);
    assert_true(id_eq(a->event.stream, no_id));
    assert_true(str_eqz(a->event.request_id, "2"));
}

/* Who resumes a stream has lost its connection; the second request has a connection of its own. */
KEY_TEST(who_resumes_the_first_requests_stream_does_not_cut_off_the_second_request)
{
    struct rig *r = *state;
    struct id call = running(r, 1);

    repeat(r, 2, r->session, "2");
    rig_commit(r);
    rig_drop_actions(r);
    rig_follow(r, 3, call, 0, 1000);
    assert_int_equal(rig_expect(r, ACT_END, WHEN_DURABLE)->peer, 1);
    rig_expect_prime(r, 3, 0);
    rig_expect_nothing(r);
    rig_done(r, call, "\"once\"");
    assert_int_equal(rig_expect(r, ACT_REPLY, WHEN_DURABLE)->peer, 2);
    assert_int_equal(rig_expect(r, ACT_REPLY, WHEN_DURABLE)->peer, 3);
}

KEY_TEST(a_second_request_of_another_session_attaches_and_cannot_resume_the_stream)
{
    struct rig *r = *state;
    struct id call = running(r, 1), other = rig_other_session(r);
    struct action *a;

    rig_drop_actions(r);
    rig_event(r, call, "a", "\"one\"");
    rig_commit(r);
    rig_drop_actions(r);
    repeat(r, 2, other, "1");
    a = rig_expect(r, ACT_PRIME, WHEN_DURABLE);
    assert_true(id_eq(a->session, other) && id_eq(a->event.stream, no_id));
    a = rig_expect(r, ACT_EVENT, WHEN_DURABLE);
    assert_string_equal(a->text.p, "\"one\"");
    assert_true(id_eq(a->event.stream, no_id));
    rig_commit(r);
    rig_event(r, call, "b", "\"two\"");
    rig_expect_event(r, 1, 2, "\"two\"");
    a = rig_expect(r, ACT_EVENT, WHEN_DURABLE);
    assert_int_equal(a->peer, 2);
    assert_true(id_eq(a->event.stream, no_id));
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_done(r, call, "\"once\"");
    rig_expect_reply(r, 1, 3, "\"once\"");
    a = rig_expect(r, ACT_REPLY, WHEN_DURABLE);
    assert_int_equal(a->peer, 2);
    assert_true(id_eq(a->event.stream, no_id));
    rig_commit(r);
    rig_apply(r, rig_start_command(r, 3, "other", "{}"));
    rig_drop_actions(r);
}

KEY_TEST(two_requests_in_one_batch_are_one_call)
{
    struct rig *r = *state;
    struct command *first = rig_keyed(r, 1, r->session, "1", "k", "{}");
    struct id call = first->call;

    rig_apply(r, first);
    repeat(r, 2, r->session, "2");
    rig_expect_dispatch(r, call, 1);
    rig_expect_prime(r, 1, 0);
    rig_expect_prime(r, 2, 0);
    rig_commit(r);
    rig_expect_nothing(r);
    assert_int_equal(rig_count(r, key_kind_start(KEY_CALL)), 1);
    assert_int_equal(rig_count(r, key_kind_start(KEY_REQUEST)), 2);
}

KEY_TEST(a_request_that_attached_attaches_again_when_it_is_repeated)
{
    struct rig *r = *state;
    struct id call = running(r, 1);

    repeat(r, 2, r->session, "2");
    rig_apply(r, rig_start_command(r, 3, "2", "{}")); /* in the same batch, without the key */
    rig_commit(r);
    rig_drop_actions(r);
    rig_done(r, call, "\"once\"");
    rig_expect_reply(r, 1, 1, "\"once\"");
    rig_expect_reply(r, 2, 1, "\"once\"");
    rig_expect_reply(r, 3, 1, "\"once\"");
}

KEY_TEST(a_request_that_attached_is_refused_when_it_is_repeated_with_other_parameters)
{
    struct rig *r = *state;

    running(r, 1);
    repeat(r, 2, r->session, "2");
    rig_commit(r);
    rig_drop_actions(r);
    rig_apply(r, rig_start_command(r, 3, "2", "[\"other\"]"));
    rig_expect_refused(r, 3, DMCP_E_CONFLICT);
}

KEY_TEST(a_repeat_attaches_to_a_suspended_call)
{
    struct rig *r = *state;
    struct id call = running(r, 0);

    rig_wait(r, call, "z", 1000);
    rig_suspend(r, call);
    rig_drop_actions(r);
    repeat(r, 2, r->session, "2");
    rig_expect_prime(r, 2, 0);
    rig_commit(r);
    rig_expect_nothing(r);
    rig_pass(r, 1000);
    rig_tick(r);
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    rig_done(r, call, "\"once\"");
    rig_expect_reply(r, 2, 1, "\"once\"");
}

KEY_TEST(a_repeat_attaches_to_a_call_that_was_recovered)
{
    struct rig *r = *state;
    struct id call = running(r, 1), other = rig_other_session(r);

    rig_restart(r);
    rig_expect_dispatch(r, call, 2);
    repeat(r, 2, other, "9");
    rig_expect(r, ACT_PRIME, WHEN_DURABLE);
    rig_done(r, call, "\"once\"");
    rig_expect_reply(r, 2, 1, "\"once\"");
    assert_int_equal(rig_flags(r, call), UNFINISHED_KEYED);
}

/* ---- when it is over ---- */

KEY_TEST(a_repeat_of_a_finished_call_gets_its_recorded_outcome_in_any_session)
{
    struct rig *r = *state;
    struct id other = rig_other_session(r);
    struct action *a;

    rig_drop_actions(r);
    finished(r);
    repeat(r, 2, r->session, "2");
    rig_expect_reply(r, 2, 1, "\"once\"");
    repeat(r, 3, other, "1");
    a = rig_expect(r, ACT_REPLY, WHEN_DURABLE);
    assert_string_equal(a->text.p, "\"once\"");
    assert_true(id_eq(a->event.stream, no_id));
    rig_expect_nothing(r);
}

KEY_TEST(an_outcome_that_is_an_error_is_replayed_too)
{
    struct rig *r = *state;
    struct id call = running(r, 0);
    struct command *c = command_new(CMD_CALL_DONE);

    c->call = call;
    c->done.outcome = OUTCOME_ERROR;
    c->done.body = STR("{\"code\":-1}");
    rig_apply(r, c);
    rig_commit(r);
    repeat(r, 2, r->session, "2");
    assert_int_equal(rig_expect(r, ACT_REPLY, WHEN_DURABLE)->event.outcome, OUTCOME_ERROR);
}

KEY_TEST(a_repeat_in_the_batch_that_ends_the_call_gets_its_outcome)
{
    struct rig *r = *state;
    struct id call = running(r, 1);

    rig_done(r, call, "\"once\"");
    repeat(r, 2, r->session, "2");
    rig_expect_reply(r, 1, 1, "\"once\"");
    rig_expect_reply(r, 2, 1, "\"once\"");
    rig_expect_nothing(r);
}

KEY_TEST(a_repeat_of_a_cancelled_call_gets_the_error)
{
    struct rig *r = *state;
    struct id call = running(r, 1);

    rig_cancel(r, 0, "1");
    rig_done(r, call, "\"once\"");
    rig_commit(r);
    rig_drop_actions(r);
    repeat(r, 2, r->session, "2");
    assert_int_equal(rig_expect(r, ACT_REPLY, WHEN_DURABLE)->event.outcome, OUTCOME_CANCELLED);
}

KEY_TEST(a_cancellation_of_the_request_that_attached_cancels_the_call)
{
    struct rig *r = *state;
    struct id call = running(r, 1);

    repeat(r, 2, r->session, "2");
    rig_commit(r);
    rig_drop_actions(r);
    rig_cancel(r, 0, "2");
    rig_commit(r);
    assert_int_equal(rig_flags(r, call), UNFINISHED_KEYED | UNFINISHED_CANCELLED);
}

/* ---- what is another call ---- */

KEY_TEST(other_arguments_are_a_conflict_whether_it_runs_or_is_over)
{
    struct rig *r = *state;
    struct id call = running(r, 1);

    rig_apply(r, rig_keyed(r, 2, r->session, "2", "k", "{\"other\":1}"));
    rig_expect_refused(r, 2, DMCP_E_CONFLICT);
    rig_done(r, call, "{}");
    rig_commit(r);
    rig_drop_actions(r);
    rig_apply(r, rig_keyed(r, 3, r->session, "2", "k", "{\"other\":1}"));
    rig_expect_refused(r, 3, DMCP_E_CONFLICT);
    rig_expect_nothing(r);
    assert_int_equal(r->rows.n, 0);
}

KEY_TEST(another_key_is_another_call)
{
    struct rig *r = *state;
    struct id call = running(r, 1);

    start(r, 2, "2", "kk");
    expect_new(r, call);
}

KEY_TEST(the_same_key_for_another_tool_is_another_call)
{
    struct rig *r = *state;
    struct id call = running(r, 1);
    struct command *c = rig_keyed(r, 2, r->session, "2", "k", "{}");

    c->start.key_scope = digest_id(STR("another tool"));
    rig_apply(r, c);
    expect_new(r, call);
}

KEY_TEST(a_request_id_that_was_used_before_counts_more_than_a_key)
{
    struct rig *r = *state;

    running(r, 1);
    rig_apply(r, rig_keyed(r, 2, r->session, "1", "another", "{}"));
    rig_expect_prime(r, 1, 0);
    rig_expect_prime(r, 2, 0);
    rig_expect_nothing(r);
    assert_int_equal(rig_count(r, key_kind_start(KEY_IDEMPOTENCY)), 1);
}

KEY_TEST(keys_of_the_greatest_length_are_told_apart)
{
    struct rig *r = *state;
    char key[LIMIT_IDEMPOTENCY_KEY_BYTES + 1];
    struct id call;

    memset(key, 'k', sizeof(key));
    key[LIMIT_IDEMPOTENCY_KEY_BYTES] = '\0';
    call = start(r, 1, "1", key);
    rig_expect_dispatch(r, call, 1);
    key[LIMIT_IDEMPOTENCY_KEY_BYTES - 1] = 'l';
    start(r, 2, "2", key);
    expect_new(r, call);
    start(r, 3, "3", key);
    rig_expect_prime(r, 2, 0);
    rig_expect_prime(r, 3, 0);
}

/* ---- for how long ---- */

KEY_TEST(a_key_of_an_unfinished_call_does_not_expire)
{
    struct rig *r = *state;
    struct id call = running(r, 1), waiting = start(r, 0, "w", "kw");

    rig_wait(r, waiting, "z", 0);
    rig_suspend(r, waiting);
    rig_drop_actions(r);
    rig_pass(r, 10 * RIG_KEY_MS);
    repeat(r, 2, r->session, "2");
    rig_expect_prime(r, 1, 0);
    rig_expect_prime(r, 2, 0);
    rig_apply(r, rig_keyed(r, 3, r->session, "3", "kw", "{}"));
    rig_expect_prime(r, 3, 0);
    rig_expect_nothing(r);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 1, 1, "{}");
}

KEY_TEST(a_key_expires_some_time_behind_the_end_of_its_call)
{
    struct rig *r = *state;
    struct id call = running(r, 0);

    rig_pass(r, 10 * RIG_KEY_MS); /* it took long */
    rig_done(r, call, "\"once\"");
    rig_commit(r);
    rig_pass(r, RIG_KEY_MS - 1);
    repeat(r, 2, r->session, "2");
    rig_expect_reply(r, 2, 1, "\"once\"");
    rig_commit(r);
    rig_pass(r, 1);
    start(r, 3, "3", "k");
    expect_new(r, call);
    repeat(r, 4, r->session, "4"); /* to the new one */
    rig_expect_prime(r, 3, 0);
    rig_expect_prime(r, 4, 0);
}

KEY_TEST(a_request_finds_its_call_though_its_key_has_expired)
{
    struct rig *r = *state;

    finished(r);
    rig_pass(r, RIG_KEY_MS);
    repeat(r, 2, r->session, "1");
    rig_expect_reply(r, 2, 1, "\"once\"");
}

KEY_TEST(a_clock_that_is_set_back_expires_nothing)
{
    struct rig *r = *state;

    finished(r);
    r->now.wall_ms -= 100 * RIG_KEY_MS;
    repeat(r, 2, r->session, "2");
    rig_expect_reply(r, 2, 1, "\"once\"");
}

KEY_TEST(a_start_that_power_took_back_leaves_no_key)
{
    struct rig *r = *state;
    struct command *c = rig_keyed(r, 1, r->session, "1", "k", "{}");
    struct id call = c->call;

    rig_apply(r, c);
    rig_write(r);
    rig_crash(r, 0);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    rig_expect_nothing(r);
    start(r, 1, "1", "k");
    expect_new(r, call);
}

/* ---- questions of a call that two sessions follow ---- */

KEY_TEST(a_session_that_came_by_the_key_may_answer_the_calls_question)
{
    struct rig *r = *state;
    struct id call = running(r, 1), other = rig_other_session(r), stranger = rig_other_session(r);
    struct id input = rig_ask(r, call, "q", 0);

    rig_suspend(r, call);
    rig_drop_actions(r);
    rig_answer_from(r, 8, stranger, input, "\"wrong\"");
    rig_expect_done(r, 8);
    rig_commit(r);
    assert_int_equal(rig_journal_state(r, call, "q"), STEP_STARTED);
    repeat(r, 2, other, "1");
    rig_expect(r, ACT_PRIME, WHEN_DURABLE);
    rig_expect_event(r, 2, 1, "\"ask\"");
    rig_of_peer(r, CMD_UNFOLLOW, 2, 0); /* it may have lost its connection meanwhile */
    rig_answer_from(r, 9, other, input, "\"right\"");
    rig_expect_done(r, 9);
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    assert_int_equal(rig_journal_state(r, call, "q"), STEP_DONE);
}

RUN_TESTS()
