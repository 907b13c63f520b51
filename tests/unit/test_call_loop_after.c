/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands behind a loop that ended with an error which its handler does not mind: the loop goes
 * on in the next attempt, and what was recorded behind it is still there.
 */
#include "loop_script.h"

struct later {
    unsigned n_iterations[4], n_steps, n_conditions;
    int rc;
};

static int count(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)call;
    (void)result;
    ++*(unsigned *)arg;
    return DMCP_OK;
}

/* The second one fails once. */
static int fails_once(dmcp_call *call, dmcp_iteration *it)
{
    struct later *l = it->arg;

    it->is_last = it->index == 2;
    if (++l->n_iterations[it->index] == 1 && it->index == 1) {
        return dmcp_fail(call, 5, "not now");
    }
    return DMCP_OK;
}

static int goes_on(dmcp_call *call)
{
    struct later *l = dmcp_call_context(call);

    l->rc = dmcp_loop(call, "l", 0, fails_once, l, NULL);
    DMCP_TRY(dmcp_at_least_once(call, "step", count, &l->n_steps, NULL));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "behind it"));
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "m"), "k", "v", 1));
    DMCP_TRY(dmcp_sleep(call, 10));
    return dmcp_reply(call, "s", "done");
}

LOOP_TEST(that_fails_and_is_over_in_a_later_attempt_lets_nothing_behind_the_loop_be_done_again)
{
    struct stage *st = *state;
    struct later l = { .n_steps = 0 };

    stage_call(st, goes_on, &l, "{}");
    assert_int_equal(l.rc, 5);
    assert_true(stage_is_waiting(st));
    stage_pass(st, 20);
    stage_attempt(st);
    assert_int_equal(l.rc, DMCP_OK);
    assert_int_equal(l.n_iterations[0], 1);
    assert_int_equal(l.n_iterations[1], 2);
    assert_int_equal(l.n_steps, 1);
    assert_null(stage_event(st, 2));
    assert_true(stage_is_finished(st));
    assert_non_null(strstr(stage_result(st), "done"));
}

/* ---- a condition that fails ---- */

static int never(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct later *l = arg;
    const void *value;
    int rc = dmcp_map_get(dmcp_map_open(call, "door"), "state", &value, NULL);

    (void)result;
    l->n_conditions++;
    if (rc == DMCP_OK) {
        return dmcp_fail(call, 9, "the door is broken");
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_E_AGAIN : rc;
}

static int minds_nothing(dmcp_call *call)
{
    struct later *l = dmcp_call_context(call);

    l->rc = dmcp_until(call, "open", never, l, 86400000, NULL);
    if (l->rc == DMCP_E_SUSPENDED) {
        return l->rc;
    }
    DMCP_TRY(dmcp_await_signal(call, "go", 0, NULL));
    return dmcp_reply(call, "s", "done");
}

static size_t n_rows(struct stage *st, enum key_kind kind)
{
    return rig_count(st->rig, key_kind_start(kind));
}

TEST_WITH(condition, that_fails_while_it_waits_leaves_nothing_to_wake_the_call, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;
    struct later l = { .n_steps = 0 };

    stage_call(st, minds_nothing, &l, "{}");
    assert_true(stage_is_waiting(st));
    assert_int_equal(n_rows(st, KEY_TIMER), 1);
    stage_write(st, "door", "state", "broken");
    stage_attempt(st);
    assert_int_equal(l.rc, 9);
    assert_true(stage_is_waiting(st));
    assert_int_equal(n_rows(st, KEY_TIMER), 0);
    assert_int_equal(n_rows(st, KEY_WATCH), 0);
    assert_int_equal(n_rows(st, KEY_WATCHING), 0);
    stage_write(st, "door", "state", "still broken");
    assert_true(stage_is_waiting(st));
    stage_signal(st, "go", "1");
    stage_attempt(st);
    assert_true(stage_is_finished(st));
}

/* ---- the same in iterations ---- */

static int watches(dmcp_call *call, dmcp_iteration *it)
{
    struct later *l = it->arg;
    int rc = dmcp_until(call, "open", never, l, 86400000, NULL);

    it->is_last = it->index == 9;
    return rc == 9 ? DMCP_OK : rc;
}

static int polls(dmcp_call *call)
{
    return dmcp_loop(call, "l", 0, watches, dmcp_call_context(call), NULL);
}

LOOP_TEST(whose_condition_fails_leaves_no_timer_behind)
{
    struct stage *st = *state;
    struct later l = { .n_steps = 0 };

    stage_start(st, polls, &l, "{}");
    stage_attempt(st);
    assert_true(stage_is_waiting(st));
    stage_write(st, "door", "state", "broken");
    stage_attempt(st);
    assert_true(stage_is_finished(st));
    assert_int_equal(n_rows(st, KEY_TIMER), 0);
}

/* ---- an iteration of a call that is cancelled ---- */

static int asks_in_vain(dmcp_call *call, dmcp_iteration *it)
{
    struct later *l = it->arg;

    l->n_iterations[it->index]++;
    l->rc = DMCP_OK;
    if (it->index == 1) {
        l->rc = dmcp_list_roots(call, "roots", 86400000, NULL);
    }
    return l->rc;
}

static int asks(dmcp_call *call)
{
    return dmcp_loop(call, "l", 0, asks_in_vain, dmcp_call_context(call), NULL);
}

LOOP_TEST(that_waits_when_the_call_is_cancelled_is_told_so_and_its_question_is_taken_back)
{
    struct stage *st = *state;
    struct later l = { .n_steps = 0 };

    stage_set_client(st, SESSION_ROOTS);
    stage_call(st, asks, &l, "{}");
    assert_true(stage_is_waiting(st));
    stage_cancel(st);
    stage_attempt(st);
    assert_int_equal(l.rc, DMCP_E_CANCELLED);
    assert_int_equal(l.n_iterations[1], 2);
    assert_int_equal(l.n_iterations[2], 0);
    assert_true(stage_is_finished(st));
    assert_non_null(strstr(stage_last_event(st), "notifications/cancelled"));
    assert_int_equal(n_rows(st, KEY_TIMER), 0);
    assert_int_equal(n_rows(st, KEY_INPUT), 0);
}

static int ignores_all(dmcp_call *call, dmcp_iteration *it)
{
    struct later *l = it->arg;

    l->n_iterations[it->index]++;
    if (it->index == 1) {
        l->rc = dmcp_sleep(call, 10);
        return l->rc == DMCP_E_SUSPENDED ? l->rc : DMCP_OK;
    }
    return DMCP_OK;
}

static int goes_round(dmcp_call *call)
{
    return dmcp_loop(call, "l", 0, ignores_all, dmcp_call_context(call), NULL);
}

LOOP_TEST(that_does_not_mind_being_cancelled_is_the_last_one)
{
    struct stage *st = *state;
    struct later l = { .n_steps = 0 };

    stage_call(st, goes_round, &l, "{}");
    stage_cancel(st);
    stage_attempt(st);
    assert_int_equal(l.rc, DMCP_E_CANCELLED);
    assert_int_equal(l.n_iterations[1], 2);
    assert_int_equal(l.n_iterations[2], 0);
    assert_true(stage_is_finished(st));
}

RUN_TESTS()
