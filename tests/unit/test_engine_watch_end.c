/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How waiting for maps ends: nothing stays behind, and the time of a wait.
 */
#include "watch_script.h"

/* ---- the end ---- */

static void end_by_recording(struct rig *r, struct id call)
{
    rig_step(r, call, STEP_OP_RECORD, GUARD_UNTIL, "until", "1");
}

static void end_by_failing(struct rig *r, struct id call)
{
    rig_step(r, call, STEP_OP_FAIL, GUARD_UNTIL, "until", "expired");
}

static void end_by_resetting(struct rig *r, struct id call)
{
    rig_step(r, call, STEP_OP_RESET, GUARD_UNTIL, "until", "");
}

static void end_the_call(struct rig *r, struct id call)
{
    rig_done(r, call, "{}");
}

WATCH_TEST(nothing_stays_behind_whatever_ends_the_wait)
{
    static void (*const ends[])(struct rig * r, struct id call) = {
        end_by_recording, end_by_failing, end_by_resetting, end_the_call
    };
    static const char *const texts[] = { "a", "b-c", "n:*" };
    struct rig *r = *state;

    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct id call = rig_start_quietly(r);

        watch_for(r, call, 1000000, texts, COUNT_OF(texts));
        rig_commit(r);
        assert_int_equal(n_watch_rows(r), 4);
        ends[i](r, call);
        rig_commit(r);
        assert_int_equal(n_watch_rows(r), 0);
        /* A call's end leaves its timer, which is dropped when it is due. */
        assert_int_equal(rig_count(r, key_kind_start(KEY_TIMER)), ends[i] == end_the_call);
        if (ends[i] != end_the_call) {
            rig_done(r, call, "{}");
            rig_commit(r);
        }
        rig_drop_actions(r);
    }
    rig_pass(r, 1000000);
    rig_tick(r);
    rig_commit(r);
    assert_int_equal(rig_count(r, key_kind_start(KEY_TIMER)), 0);
}

WATCH_TEST(nothing_stays_behind_a_call_that_crashed_too_often)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    watch(r, call, "k");
    rig_commit(r);
    for (int i = 0; i < LIMIT_CRASHES; i++) {
        assert_int_equal(n_watch_rows(r), 2);
        rig_crash(r, SIZE_MAX);
        assert_int_equal(rig_recover(r, &call), DMCP_OK);
    }
    assert_true(rig_has_id(r, KEY_RESULT, call));
    assert_int_equal(n_watch_rows(r), 0);
}

WATCH_TEST(a_write_after_the_end_wakes_nobody)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    watch(r, call, "k");
    rig_commit(r);
    rig_drop_actions(r);
    end_by_recording(r, call);
    rig_map(r, no_id, "", "k", "1"); /* the rows are still in the store */
    suspend(r, call);
    rig_commit(r);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_expect_wake(r, WHEN_DURABLE, DMCP_OK);
    rig_expect_nothing(r);
    assert_true(rig_has_id(r, KEY_SUSPENDED, call));
}

/* ---- time ---- */

WATCH_TEST(a_wait_that_is_over_stays_to_be_judged_by_the_handler)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    const char *text = "k";

    watch_for(r, call, 5000, &text, 1);
    rig_write(r);
    suspend(r, call);
    rig_commit(r);
    rig_drop_actions(r);
    rig_pass(r, 4999);
    rig_tick(r);
    rig_commit(r);
    rig_expect_nothing(r);
    rig_pass(r, 1);
    rig_tick(r);
    rig_commit(r);
    expect_dispatch(r, call, 2);
    assert_int_equal(rig_journal_state(r, call, "until"), STEP_STARTED);
    assert_int_equal(n_watch_rows(r), 2);
    end_by_failing(r, call);
    rig_commit(r);
    assert_int_equal(rig_journal_state(r, call, "until"), STEP_FAILED);
    assert_int_equal(n_watch_rows(r), 0);
}

WATCH_TEST(asking_again_does_not_prolong_the_wait)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    const char *texts[] = { "k", "l" };

    watch_for(r, call, 5000, &texts[0], 1);
    rig_commit(r);
    rig_pass(r, 3000);
    watch_for(r, call, 5000, &texts[1], 1);
    suspend(r, call);
    rig_commit(r);
    rig_drop_actions(r);
    assert_int_equal(rig_count(r, key_kind_start(KEY_TIMER)), 1);
    rig_pass(r, 2000);
    rig_tick(r);
    rig_commit(r);
    expect_dispatch(r, call, 2);
}

/* ---- what cannot be ---- */

WATCH_TEST(another_kind_of_step_under_the_alias_is_named)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    struct action *a;

    rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "until", "1");
    rig_commit(r);
    rig_drop_actions(r);
    watch(r, call, "k");
    a = rig_expect(r, ACT_WAKE, WHEN_VISIBLE);
    assert_int_equal(a->code, DMCP_E_DIVERGED);
    assert_non_null(strstr(a->text.p, "an at-least-once step"));
    assert_int_equal(n_watch_rows(r), 0);
}

WATCH_TEST(of_a_wait_that_has_ended_and_of_a_call_that_is_over_is_refused)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    end_by_recording(r, call);
    rig_commit(r);
    rig_drop_actions(r);
    watch(r, call, "k");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_CONFLICT);
    rig_done(r, call, "{}");
    rig_commit(r);
    watch(r, call, "k");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_GONE);
    assert_int_equal(n_watch_rows(r), 0);
}

RUN_TESTS()
