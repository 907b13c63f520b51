/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers that were told to end and do not: they are told again, more and more seldom, with the time
 * since which they know, so that the server can say so.
 */
#include "harness.h"
#include "rig.h"

#define STUBBORN_TEST(sentence) TEST_WITH(stubborn, sentence, rig_setup, rig_teardown)

#define FIRST_MS 10000
#define HOUR_MS 3600000

static struct id running(struct rig *r)
{
    struct id call = rig_start(r, 0, "7");

    rig_expect_dispatch(r, call, 1);
    return call;
}

static void cancel(struct rig *r)
{
    rig_cancel(r, 0, "7");
    rig_commit(r);
    rig_drop_actions(r);
}

/* What comes so much later. */
static void pass(struct rig *r, uint64_t ms)
{
    rig_pass(r, ms);
    rig_tick(r);
    rig_commit(r);
}

static void expect_told_again(struct rig *r, struct id call, uint8_t why, uint64_t since_ms)
{
    struct action *a = rig_expect(r, ACT_CANCEL, WHEN_VISIBLE);

    assert_true(id_eq(a->call, call));
    assert_int_equal(a->dispatch.flags, why);
    assert_int_equal(a->dispatch.told_ms, since_ms);
    rig_expect_nothing(r);
}

STUBBORN_TEST(a_handler_is_told_again_more_and_more_seldom_and_at_least_once_an_hour)
{
    struct rig *r = *state;
    struct id call = running(r);
    uint64_t since_ms = r->now.wall_ms;

    cancel(r);
    assert_int_equal(engine_deadline(r->engine, r->now), r->now.mono_ms + FIRST_MS);
    pass(r, FIRST_MS - 1);
    rig_expect_nothing(r);
    pass(r, 1);
    expect_told_again(r, call, UNFINISHED_CANCELLED, since_ms);
    for (uint64_t wait_ms = 2 * FIRST_MS; wait_ms < HOUR_MS; wait_ms *= 2) {
        pass(r, wait_ms - 1);
        rig_expect_nothing(r);
        pass(r, 1);
        expect_told_again(r, call, UNFINISHED_CANCELLED, since_ms);
    }
    for (int i = 0; i < 3; i++) {
        pass(r, HOUR_MS);
        expect_told_again(r, call, UNFINISHED_CANCELLED, since_ms);
    }
}

STUBBORN_TEST(one_whose_time_is_over_is_told_that)
{
    struct rig *r = *state;
    struct command *c = rig_start_command(r, 0, "7", "{}");
    struct id call = c->call;

    c->start.timeout_ms = 1000;
    rig_apply(r, c);
    rig_commit(r);
    rig_expect_dispatch(r, call, 1);
    pass(r, 1000);
    rig_drop_actions(r);
    pass(r, FIRST_MS);
    expect_told_again(r, call, UNFINISHED_LATE, r->now.wall_ms - FIRST_MS);
}

STUBBORN_TEST(one_that_ends_in_time_is_not_told_again)
{
    struct rig *r = *state;
    struct id call = running(r);

    cancel(r);
    pass(r, FIRST_MS - 1);
    rig_done(r, call, "{}");
    rig_commit(r);
    rig_drop_actions(r);
    pass(r, HOUR_MS);
    rig_expect_nothing(r);
    assert_int_equal(engine_deadline(r->engine, r->now), UINT64_MAX);
}

STUBBORN_TEST(one_that_nobody_told_runs_for_as_long_as_it_takes)
{
    struct rig *r = *state;

    running(r);
    pass(r, HOUR_MS);
    rig_expect_nothing(r);
}

STUBBORN_TEST(one_whose_call_waits_is_not_told)
{
    struct rig *r = *state;
    struct id call = running(r);

    rig_wait(r, call, "sleep", 0);
    rig_commit(r);
    rig_drop_actions(r);
    cancel(r);
    rig_suspend(r, call);
    rig_expect_dispatch(r, call, 2); /* so that it can clean up */
    rig_drop_actions(r);
    pass(r, FIRST_MS - 1);
    rig_expect_nothing(r);
}

STUBBORN_TEST(the_next_life_of_the_server_knows_since_when)
{
    struct rig *r = *state;
    struct id call = running(r);
    uint64_t since_ms = r->now.wall_ms;

    cancel(r);
    rig_pass(r, 5000);
    rig_restart(r);
    rig_expect_dispatch(r, call, 2);
    rig_drop_actions(r);
    pass(r, FIRST_MS);
    expect_told_again(r, call, UNFINISHED_CANCELLED, since_ms);
}

RUN_TESTS()
