/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls: start, repeat, end, priming.
 */
#include "harness.h"
#include "rig.h"

#define CALL_TEST(sentence) TEST_WITH(call, sentence, rig_setup, rig_teardown)

static struct id start_with(struct rig *r, uint64_t peer, const char *request_id,
                            const char *params)
{
    struct command *c = rig_start_command(r, peer, request_id, params);
    struct id call = c->call;

    rig_apply(r, c);
    return call;
}

static struct id start(struct rig *r, uint64_t peer, const char *request_id)
{
    return start_with(r, peer, request_id, "{}");
}

static bool is_unfinished(struct rig *r, struct id call)
{
    return rig_has_id(r, KEY_UNFINISHED, call);
}

/* ---- start and end ---- */

CALL_TEST(a_start_dispatches_the_handler_and_writes_the_rows_that_a_restart_needs)
{
    struct rig *r = *state;
    struct id call = start_with(r, 1, "7", "{\"a\":1}");
    struct action *a = rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);

    assert_true(id_eq(a->call, call) && id_eq(a->session, r->session));
    assert_int_equal(a->dispatch.attempt, 1);
    assert_int_equal(a->dispatch.log_level, 4);
    assert_string_equal(a->dispatch.record.params.p, "{\"a\":1}");
    assert_string_equal(a->dispatch.record.name.p, "tool");
    assert_string_equal(a->dispatch.record.request_id.p, "7");
    assert_true(a->dispatch.record.created_ms == r->now.wall_ms);
    rig_expect_nothing(r);
    rig_commit(r);
    assert_true(rig_has_id(r, KEY_CALL, call));
    assert_true(rig_has(r, key_request(r->session, STR("7"))));
    assert_true(is_unfinished(r, call));
    assert_false(rig_has_id(r, KEY_RESULT, call));
}

CALL_TEST(its_end_writes_the_result_and_answers_when_that_is_durable)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");
    struct action *a;

    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_done(r, call, "{\"ok\":true}");
    a = rig_expect(r, ACT_REPLY, WHEN_DURABLE);
    assert_int_equal(a->peer, 1);
    assert_int_equal(a->event.outcome, OUTCOME_RESULT);
    assert_int_equal(a->event.sequence, 1);
    assert_true(id_eq(a->event.stream, call));
    assert_string_equal(a->event.request_id.p, "7");
    assert_string_equal(a->text.p, "{\"ok\":true}");
    rig_commit(r);
    rig_expect_nothing(r);
    assert_true(rig_has_id(r, KEY_RESULT, call));
    assert_false(is_unfinished(r, call));
    assert_int_equal(engine_counts(r->engine).calls, 0);
    assert_int_equal(engine_counts(r->engine).followers, 0);
}

CALL_TEST(start_and_end_in_one_batch_leave_a_finished_call)
{
    struct rig *r = *state;
    struct id call = start(r, 1, "7");

    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 1, 1, "{}");
    rig_commit(r);
    assert_true(rig_has_id(r, KEY_RESULT, call));
    assert_false(is_unfinished(r, call));
    rig_restart(r);
    rig_expect_nothing(r);
}

CALL_TEST(an_error_is_an_outcome_like_another)
{
    struct rig *r = *state;
    struct command *c = command_new(CMD_CALL_DONE);

    c->call = rig_start(r, 1, "7");
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    c->done.outcome = OUTCOME_ERROR;
    c->done.body = STR("{\"code\":-32603}");
    rig_apply(r, c);
    assert_int_equal(rig_expect(r, ACT_REPLY, WHEN_DURABLE)->event.outcome, OUTCOME_ERROR);
    rig_commit(r);
    start(r, 2, "7");
    assert_int_equal(rig_expect(r, ACT_REPLY, WHEN_DURABLE)->event.outcome, OUTCOME_ERROR);
}

CALL_TEST(a_call_that_nobody_waits_for_runs_all_the_same)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_done(r, call, "{}");
    rig_commit(r);
    rig_expect_nothing(r);
    assert_true(rig_has_id(r, KEY_RESULT, call));
}

CALL_TEST(a_second_end_changes_nothing)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");

    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_done(r, call, "\"first\"");
    rig_done(r, call, "\"second\"");
    rig_commit(r);
    rig_done(r, call, "\"third\"");
    rig_commit(r);
    rig_expect_reply(r, 1, 1, "\"first\"");
    rig_expect_nothing(r);
    start(r, 2, "7");
    rig_expect_reply(r, 2, 1, "\"first\"");
}

CALL_TEST(what_a_handler_sends_after_the_end_is_answered_with_gone)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_done(r, call, "{}");
    for (int i = 0; i < 2; i++) { /* before and after the rows are written */
        rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "a", "1");
        rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_GONE);
        rig_event(r, call, "e", "{}");
        rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_GONE);
        rig_map(r, call, "m", "k", "v");
        rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_GONE);
        rig_of_call(r, CMD_CALL_RELEASE, call);
        rig_commit(r);
    }
    rig_expect_nothing(r);
    assert_int_equal(rig_count(r, key_journal(call, STR(""))), 0);
    assert_true(rig_map_holds(r, "k", NULL));
    assert_false(is_unfinished(r, call));
}

/* ---- repeated requests ---- */

CALL_TEST(a_repeat_attaches_to_the_running_call_and_both_are_answered)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");

    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    start(r, 2, "7");
    rig_expect_prime(r, 1, 0);
    rig_expect_prime(r, 2, 0);
    rig_expect_nothing(r); /* nothing runs twice */
    rig_done(r, call, "{}");
    rig_expect_reply(r, 1, 1, "{}");
    rig_expect_reply(r, 2, 1, "{}");
    assert_int_equal(engine_counts(r->engine).running, 0);
}

CALL_TEST(a_repeat_gets_the_events_that_it_missed_first)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");

    rig_event(r, call, "a", "\"one\"");
    rig_event(r, call, "b", "\"two\"");
    rig_drop_actions(r);
    start(r, 2, "7"); /* the events are not written yet */
    assert_int_equal(r->n_write_first, 1);
    rig_expect_prime(r, 2, 0);
    rig_expect_event(r, 2, 1, "\"one\"");
    rig_expect_event(r, 2, 2, "\"two\"");
    rig_event(r, call, "c", "\"three\"");
    rig_expect_event(r, 1, 3, "\"three\"");
    rig_expect_event(r, 2, 3, "\"three\"");
}

CALL_TEST(a_repeat_of_a_finished_call_gets_its_recorded_answer_also_after_a_restart)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");

    rig_event(r, call, "a", "\"one\"");
    rig_done(r, call, "\"once\"");
    rig_commit(r);
    rig_drop_actions(r);
    for (int i = 0; i < 2; i++) {
        start(r, 2, "7");
        rig_expect_event(r, 2, 1, "\"one\"");
        rig_expect_reply(r, 2, 2, "\"once\"");
        rig_expect_nothing(r);
        assert_int_equal(r->rows.n, 0);
        rig_restart(r);
        rig_expect_nothing(r);
    }
}

/* The call is not in the store yet and no longer in the list of those that run. */
CALL_TEST(start_end_and_repeat_in_one_batch_run_once_and_answer_twice)
{
    struct rig *r = *state;
    struct id call = start(r, 1, "7");

    rig_done(r, call, "{}");
    start(r, 2, "7");
    assert_int_equal(r->n_write_first, 1);
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_expect_reply(r, 1, 1, "{}");
    rig_expect_reply(r, 2, 1, "{}");
    rig_commit(r);
    rig_expect_nothing(r);
    assert_int_equal(rig_count(r, key_kind_start(KEY_CALL)), 1);
}

CALL_TEST(start_end_and_a_conflicting_repeat_in_one_batch_conflict)
{
    struct rig *r = *state;
    struct id call = start(r, 1, "7");

    rig_done(r, call, "{}");
    start_with(r, 2, "7", "{\"other\":1}");
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_expect_reply(r, 1, 1, "{}");
    rig_expect_refused(r, 2, DMCP_E_CONFLICT);
    rig_expect_nothing(r);
}

CALL_TEST(the_same_request_id_with_other_parameters_is_a_conflict_running_or_finished)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");

    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    start_with(r, 2, "7", "{\"other\":1}");
    rig_expect_refused(r, 2, DMCP_E_CONFLICT);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 1, 1, "{}");
    rig_commit(r);
    start_with(r, 2, "7", "{\"other\":1}");
    rig_expect_refused(r, 2, DMCP_E_CONFLICT);
    rig_restart(r);
    start_with(r, 2, "7", "{\"other\":1}");
    rig_expect_refused(r, 2, DMCP_E_CONFLICT);
    rig_expect_nothing(r);
    assert_int_equal(rig_count(r, key_kind_start(KEY_CALL)), 1);
}

CALL_TEST(the_same_request_id_in_another_session_or_of_another_type_is_another_call)
{
    struct rig *r = *state;
    struct id first = r->session;

    start(r, 1, "7");
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    start(r, 2, "\"7\"");
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    r->session = rig_id(r);
    start_with(r, 3, "7", "{\"other\":1}");
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    r->session = first;
    rig_commit(r);
    assert_int_equal(rig_count(r, key_kind_start(KEY_REQUEST)), 3);
}

CALL_TEST(the_key_of_a_call_that_ends_in_the_same_batch_finds_its_answer)
{
    struct rig *r = *state;
    struct command *first = rig_keyed(r, 1, r->session, "7", "k", "{}");
    struct id call = first->call;

    rig_apply(r, first);
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_commit(r);
    rig_done(r, call, "{\"ok\":true}");
    rig_apply(r, rig_keyed(r, 2, r->session, "8", "k", "{}"));
    rig_expect_reply(r, 1, 1, "{\"ok\":true}");
    rig_expect_reply(r, 2, 1, "{\"ok\":true}");
    rig_expect_nothing(r);
}

CALL_TEST(a_request_that_came_with_the_key_finds_the_answer_of_a_call_that_ends_in_the_same_batch)
{
    struct rig *r = *state;
    struct command *first = rig_keyed(r, 1, r->session, "7", "k", "{}");
    struct id call = first->call;

    rig_apply(r, first);
    rig_apply(r, rig_keyed(r, 2, r->session, "8", "k", "{}"));
    rig_commit(r);
    rig_drop_actions(r);
    rig_done(r, call, "{\"ok\":true}");
    rig_drop_actions(r);
    rig_apply(r, rig_keyed(r, 3, r->session, "8", "k", "{}"));
    rig_expect_reply(r, 3, 1, "{\"ok\":true}");
    rig_expect_nothing(r);
}

/* ---- priming ---- */

CALL_TEST(a_quick_call_is_never_primed)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");

    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    assert_true(engine_deadline(r->engine, r->now) == r->now.mono_ms + RIG_PRIME_MS);
    rig_pass(r, RIG_PRIME_MS - 1);
    rig_tick(r);
    rig_expect_nothing(r);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 1, 1, "{}");
    rig_commit(r);
    assert_true(engine_deadline(r->engine, r->now) == UINT64_MAX);
    rig_pass(r, RIG_PRIME_MS);
    rig_tick(r);
    rig_expect_nothing(r);
}

CALL_TEST(a_slow_call_is_primed_at_its_deadline_and_once)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");
    struct action *a;

    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_pass(r, RIG_PRIME_MS / 2);
    rig_start(r, 2, "8");
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_pass(r, RIG_PRIME_MS / 2);
    rig_tick(r);
    a = rig_expect(r, ACT_PRIME, WHEN_DURABLE);
    assert_int_equal(a->peer, 1);
    assert_true(id_eq(a->event.stream, call) && a->event.sequence == 0);
    rig_expect_nothing(r);
    assert_true(engine_deadline(r->engine, r->now) == r->now.mono_ms + RIG_PRIME_MS / 2);
    rig_pass(r, RIG_PRIME_MS);
    rig_tick(r);
    rig_expect_prime(r, 2, 0);
    rig_expect_nothing(r);
    assert_true(engine_deadline(r->engine, r->now) == UINT64_MAX);
}

CALL_TEST(it_is_primed_when_it_waits_for_the_disk_anyway)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");

    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_of_call(r, CMD_CALL_FLUSH, call);
    rig_expect_prime(r, 1, 0);
    rig_expect_wake(r, WHEN_DURABLE, DMCP_OK);
    rig_of_call(r, CMD_CALL_FLUSH, call);
    rig_expect_wake(r, WHEN_DURABLE, DMCP_OK);
    call = rig_start(r, 2, "8");
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_step(r, call, STEP_OP_BEGIN, GUARD_AT_MOST_ONCE, "a", "");
    rig_expect_prime(r, 2, 0);
    rig_expect_wake(r, WHEN_DURABLE, DMCP_OK);
    assert_true(engine_deadline(r->engine, r->now) == UINT64_MAX);
}

CALL_TEST(an_event_opens_the_stream_so_that_it_needs_no_priming)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");

    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_event(r, call, "a", "{}");
    rig_expect_event(r, 1, 1, "{}");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_pass(r, RIG_PRIME_MS);
    rig_tick(r);
    rig_expect_nothing(r);
}

CALL_TEST(a_client_that_left_is_not_primed)
{
    struct rig *r = *state;

    rig_start(r, 1, "7");
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_of_peer(r, CMD_UNFOLLOW, 1, 0);
    rig_pass(r, RIG_PRIME_MS);
    rig_tick(r);
    rig_expect_nothing(r);
}

RUN_TESTS()
