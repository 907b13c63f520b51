/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: those that are waited for, those that come first, and those that come too late.
 */
#include "harness.h"
#include "rig.h"

#define SIGNAL_TEST(sentence) TEST_WITH(signal, sentence, rig_setup, rig_teardown)

static void expect_row(struct rig *r, struct id call, const char *alias, const char *body)
{
    struct journal_record row = rig_journal(r, call, alias);

    assert_int_equal(row.state, STEP_DONE);
    assert_int_equal(row.guard, GUARD_INPUT);
    assert_string_equal(row.body.p, body);
}

SIGNAL_TEST(a_signal_that_is_waited_for_wakes_the_call_with_its_value)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "s", 0);

    rig_signal(r, 9, call, "s", "\"go\"");
    rig_expect_done(r, 9);
    rig_commit(r);
    rig_expect_dispatch(r, call, 2);
    expect_row(r, call, "s", "\"go\"");
    assert_true(str_eqz(rig_journal(r, call, "s").label, "a wait"));
}

SIGNAL_TEST(a_signal_that_comes_before_its_wait_is_kept_and_the_handler_is_told_to_look)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_signal(r, 9, call, "s", "\"early\"");
    rig_wait(r, call, "s", 1000); /* of the same batch */
    rig_expect_done(r, 9);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_CONFLICT);
    rig_commit(r);
    expect_row(r, call, "s", "\"early\"");
    assert_int_equal(rig_count(r, key_kind_start(KEY_TIMER)), 0);
}

SIGNAL_TEST(a_signal_before_the_call_is_dispatched_is_kept)
{
    struct rig *r = *state;
    struct id running, call;

    r->options.max_dispatched = 1;
    rig_restart(r);
    running = rig_start_quietly(r);
    call = rig_start(r, 0, "7");
    rig_signal(r, 0, call, "s", "\"early\"");
    rig_done(r, running, "{}");
    rig_commit(r);
    rig_expect_dispatch(r, call, 1);
    rig_wait(r, call, "s", 0);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_CONFLICT);
}

SIGNAL_TEST(a_second_signal_of_the_same_name_is_refused)
{
    struct rig *r = *state;
    struct id call = rig_sleeping(r, "s", 0);

    rig_signal(r, 8, call, "s", "\"one\"");
    rig_signal(r, 9, call, "s", "\"two\"");
    rig_expect_done(r, 8);
    rig_expect_dispatch(r, call, 2);
    rig_expect_refused(r, 9, DMCP_E_CONFLICT);
    rig_commit(r);
    expect_row(r, call, "s", "\"one\"");
}

SIGNAL_TEST(a_signal_to_a_call_that_is_over_or_unknown_is_refused)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_done(r, call, "{}");
    rig_signal(r, 8, call, "s", "1"); /* of the same batch */
    rig_expect_refused(r, 8, DMCP_E_NOTFOUND);
    rig_commit(r);
    rig_signal(r, 9, call, "s", "1");
    rig_expect_refused(r, 9, DMCP_E_NOTFOUND);
    rig_signal(r, 10, rig_id(r), "s", "1");
    rig_expect_refused(r, 10, DMCP_E_NOTFOUND);
    rig_commit(r);
    assert_int_equal(rig_journal_state(r, call, "s"), 0);
}

SIGNAL_TEST(an_early_signal_survives_a_restart)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_signal(r, 0, call, "s", "\"early\"");
    rig_commit(r);
    rig_restart(r);
    rig_expect_dispatch(r, call, 2);
    rig_wait(r, call, "s", 0);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_CONFLICT);
    expect_row(r, call, "s", "\"early\"");
}

RUN_TESTS()
