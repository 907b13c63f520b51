/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which call runs when: limits, order, calls that a worker gives back.
 */
#include "harness.h"
#include "rig.h"

#define DISPATCH_TEST(sentence) TEST_WITH(dispatch, sentence, rig_setup, rig_teardown)

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

static void expect_dispatched(struct rig *r, struct id call, uint32_t attempt)
{
    struct action *a = rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);

    assert_true(id_eq(a->call, call));
    assert_int_equal(a->dispatch.attempt, attempt);
}

DISPATCH_TEST(one_past_the_limit_of_unfinished_calls_is_refused_as_busy)
{
    struct rig *r = *state;
    struct id calls[10];
    char text[8];

    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof(text), "%d", i);
        calls[i] = start(r, 1 + (uint64_t)i, text);
    }
    rig_commit(r);
    rig_drop_actions(r);
    start(r, 100, "100");
    rig_expect_refused(r, 100, DMCP_E_BUSY);
    assert_int_equal(r->rows.n, 0);
    start(r, 101, "3"); /* a repeat is not one more */
    rig_drop_actions(r);
    rig_done(r, calls[0], "{}");
    rig_expect_reply(r, 1, 1, "{}");
    start(r, 100, "100");
    rig_expect_nothing(r);
    assert_int_equal(engine_counts(r->engine).ready, 6); /* behind the five that wait */
}

DISPATCH_TEST(calls_past_the_limit_of_workers_wait_and_are_dispatched_in_their_order)
{
    struct rig *r = *state;
    struct id calls[8];
    char text[8];

    for (int i = 0; i < 8; i++) {
        snprintf(text, sizeof(text), "%d", i);
        calls[i] = start(r, 0, text);
    }
    for (int i = 0; i < 5; i++) {
        expect_dispatched(r, calls[i], 1);
    }
    rig_commit(r);
    rig_expect_nothing(r);
    assert_int_equal(engine_counts(r->engine).ready, 3);
    assert_int_equal(engine_counts(r->engine).running, 5);
    rig_done(r, calls[4], "{}");
    rig_expect_nothing(r); /* the worker is free once the end is written */
    rig_commit(r);
    expect_dispatched(r, calls[5], 1);
    rig_done(r, calls[0], "{}");
    rig_done(r, calls[1], "{}");
    rig_commit(r);
    expect_dispatched(r, calls[6], 1);
    expect_dispatched(r, calls[7], 1);
    rig_expect_nothing(r);
}

DISPATCH_TEST(a_new_call_does_not_overtake_those_that_wait)
{
    struct rig *r = *state;
    struct id running, waiting, fresh;

    r->options.max_dispatched = 1;
    rig_restart(r);
    running = start(r, 0, "1");
    expect_dispatched(r, running, 1);
    waiting = start(r, 0, "2");
    rig_commit(r);
    rig_done(r, running, "{}");
    fresh = start(r, 0, "3"); /* in the batch that frees the worker */
    rig_commit(r);
    expect_dispatched(r, waiting, 1);
    rig_expect_nothing(r);
    rig_done(r, waiting, "{}");
    rig_commit(r);
    expect_dispatched(r, fresh, 1);
}

DISPATCH_TEST(large_parameters_wait_until_there_is_room_for_them_in_memory)
{
    struct rig *r = *state;
    char params[1101];
    struct id large, small;

    memset(params, ' ', sizeof(params));
    params[sizeof(params) - 1] = '\0';
    large = start_with(r, 0, "1", params); /* alone it may always run */
    expect_dispatched(r, large, 1);
    small = start(r, 0, "2");
    rig_commit(r);
    rig_expect_nothing(r);
    rig_done(r, large, "{}");
    rig_commit(r);
    expect_dispatched(r, small, 1);
}

DISPATCH_TEST(a_waiting_call_is_dispatched_with_the_log_level_that_its_session_has_by_then)
{
    struct rig *r = *state;
    struct command *update = command_new(CMD_SESSION_UPDATE);
    struct id running;

    r->options.max_dispatched = 1;
    rig_restart(r);
    running = start(r, 0, "1");
    start(r, 0, "2");
    update->session = r->session;
    update->update.log_level = 6;
    rig_apply(r, update);
    rig_done(r, running, "{}");
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_commit(r);
    assert_int_equal(rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE)->dispatch.log_level, 6);
}

/* ---- release ---- */

DISPATCH_TEST(a_released_call_runs_again_in_a_new_attempt_and_answers_those_who_wait)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");

    expect_dispatched(r, call, 1);
    rig_of_call(r, CMD_CALL_RELEASE, call);
    rig_expect_nothing(r);
    rig_commit(r);
    expect_dispatched(r, call, 2);
    rig_expect_nothing(r);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 1, 1, "{}");
}

DISPATCH_TEST(a_released_call_stays_on_disk_for_the_next_process)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_of_call(r, CMD_CALL_RELEASE, call);
    rig_commit(r);
    rig_restart(r);
    expect_dispatched(r, call, 3);
}

/* ---- park ---- */

DISPATCH_TEST(a_parked_call_gives_its_worker_back_and_waits_for_the_next_process)
{
    struct rig *r = *state;
    struct id call, waiting;

    r->options.max_dispatched = 1;
    rig_restart(r);
    call = start(r, 1, "1");
    waiting = start(r, 2, "2");
    rig_commit(r);
    expect_dispatched(r, call, 1);
    rig_of_call(r, CMD_CALL_PARK, call);
    rig_commit(r);
    expect_dispatched(r, waiting, 1);
    rig_done(r, waiting, "{}");
    rig_expect_reply(r, 2, 1, "{}");
    rig_commit(r);
    rig_expect_nothing(r); /* nothing brings it back in this one */
    assert_true(rig_has_id(r, KEY_UNFINISHED, call));
    rig_restart(r);
    expect_dispatched(r, call, 2);
}

DISPATCH_TEST(a_repeat_of_a_parked_call_attaches_to_it)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "1");

    expect_dispatched(r, call, 1);
    rig_of_call(r, CMD_CALL_PARK, call);
    rig_commit(r);
    start(r, 2, "1");
    rig_expect_prime(r, 1, 0);
    rig_expect_prime(r, 2, 0);
    rig_expect_nothing(r);
}

RUN_TESTS()
