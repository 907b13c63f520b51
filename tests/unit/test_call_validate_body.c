/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Effect validation of the bodies of steps, and of the iterations of loops.
 */
#include "base/clock.h"
#include "validate_script.h"

/* ---- bodies of steps ---- */

struct step_script {
    unsigned n_handlers, n_bodies;
    dmcp_step_fn *body;
    dmcp_step step;
    int guard, rc;
};

static int one_step(dmcp_call *call)
{
    struct step_script *s = dmcp_call_context(call);
    dmcp_value *v = NULL;

    s->n_handlers++;
    s->rc = s->guard == GUARD_AT_MOST_ONCE
                ? dmcp_at_most_once_with(call, &s->step, s->body, s, &v)
                : dmcp_at_least_once_with(call, &s->step, s->body, s, &v);
    if (s->rc == DMCP_E_DIVERGED) {
        return dmcp_reply(call, "s", "never mind");
    }
    DMCP_TRY(s->rc);
    return dmcp_reply(call, "v", v);
}

/* Does all that a body may. */
static int steady(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct step_script *s = arg;
    char uuid[37];

    s->n_bodies++;
    DMCP_TRY(dmcp_uuid7(call, uuid));
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "m"), uuid, "v", 1));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "made %s", uuid));
    *result = dmcp_string(call, uuid);
    return DMCP_OK;
}

TEST_WITH(validation, runs_the_body_of_an_at_least_once_step_twice, stage_setup,
          validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct step_script s = { .body = steady, .step = { .alias = "make" } };

    assert_null(strstr(stage_call(st, one_step, &s, "{}"), "differs"));
    assert_int_equal(s.n_bodies, 2);
    assert_int_equal(s.n_handlers, 2);
    assert_int_equal(rig_count(st->rig, key_map(STR("m"), STR(""))), 1);
    assert_null(stage_event(st, 2));
}

TEST_WITH(validation, does_not_run_a_body_that_was_recorded_by_an_earlier_attempt, stage_setup,
          validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct step_script s = { .body = steady, .step = { .alias = "make" } };

    stage_start(st, one_step, &s, "{}");
    st->cut = 4; /* all but the outcome */
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_true(stage_is_finished(st));
    assert_int_equal(s.n_bodies, 2);
    assert_int_equal(s.n_handlers, 4);
}

static int counting(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct step_script *s = arg;

    *result = dmcp_integer(call, ++s->n_bodies);
    return DMCP_OK;
}

TEST_WITH(validation, of_a_body_compares_its_results_and_fails_the_call_whatever_it_returns,
          stage_setup, validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct step_script s = { .body = counting, .step = { .alias = "count" } };
    const char *text = stage_call(st, one_step, &s, "{}");

    assert_in_text(text, "step \\\"count\\\" of tool \\\"tool\\\" differs when it is run again "
                         "(--validate-effects), as it would be after a crash: it gives 2, not 1. "
                         "Take");
    assert_int_equal(s.rc, DMCP_E_DIVERGED);
    assert_int_equal(s.n_handlers, 1);
    assert_int_equal(rig_journal_state(st->rig, st->call, "count"), 0);
}

TEST_WITH(validation, that_is_quiet_records_what_a_body_gave_first, stage_setup,
          validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_QUIET);
    struct step_script s = { .body = counting, .step = { .alias = "count" } };

    assert_in_text(stage_call(st, one_step, &s, "{}"), "{\"result\":1}");
    assert_int_equal(s.n_bodies, 2);
    assert_int_equal(s.n_handlers, 2);
    assert_int_equal(rig_journal_state(st->rig, st->call, "count"), STEP_DONE);
}

TEST_WITH(validation, leaves_a_body_alone_whose_step_says_so, stage_setup, validate_teardown)
{
    struct step_script s = { .body = counting, .step = { .alias = "count", .run_once = true } };

    assert_in_text(stage_call(validating(*state, VALIDATE_ON), one_step, &s, "{}"),
                   "{\"result\":1}");
    assert_int_equal(s.n_bodies, 1);
    assert_int_equal(s.n_handlers, 2);
}

TEST_WITH(validation, never_runs_the_body_of_an_at_most_once_step_again, stage_setup,
          validate_teardown)
{
    struct step_script s = {
        .body = counting, .step = { .alias = "count" }, .guard = GUARD_AT_MOST_ONCE
    };

    assert_in_text(stage_call(validating(*state, VALIDATE_ON), one_step, &s, "{}"),
                   "{\"result\":1}");
    assert_int_equal(s.n_bodies, 1);
    assert_int_equal(s.n_handlers, 2);
}

static int other_key(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct step_script *s = arg;

    (void)result;
    return dmcp_map_insert(dmcp_map_open(call, "m"), dmcp_format(call, "k%u", ++s->n_bodies), "v",
                           1);
}

TEST_WITH(validation, of_a_body_writes_no_other_entries, stage_setup, validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct step_script s = { .body = other_key, .step = { .alias = "put" } };

    assert_in_text(stage_call(st, one_step, &s, "{}"),
                   "step \\\"put\\\" of tool \\\"tool\\\" differs when it is run again "
                   "(--validate-effects), as it would be after a crash: dmcp_map_insert on map "
                   "\\\"m\\\" writes other entries");
    assert_null(stage_map_value(st, "m", "k2"));
}

static int logs_once(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct step_script *s = arg;

    (void)result;
    return s->n_bodies++ ? DMCP_OK : dmcp_log(call, DMCP_LOG_INFO, NULL, "begun");
}

TEST_WITH(validation, of_a_body_names_what_it_leaves_out, stage_setup, validate_teardown)
{
    struct step_script s = { .body = logs_once, .step = { .alias = "log" } };

    assert_in_text(stage_call(validating(*state, VALIDATE_ON), one_step, &s, "{}"),
                   "log(level='info', message='begun', logger_name=None) is left out");
}

/* Fails once, and then does what it did before it failed. */
static int tried_twice(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct step_script *s = arg;
    uint64_t ms;

    DMCP_TRY(dmcp_now(call, &ms));
    if (s->n_bodies++ == 0) {
        return dmcp_fail(call, 1, "not yet");
    }
    *result = dmcp_integer(call, (int64_t)ms);
    return DMCP_OK;
}

TEST_WITH(validation, of_a_body_that_was_tried_again_is_of_the_try_that_succeeded, stage_setup,
          validate_teardown)
{
    struct step_script s = { .body = tried_twice, .step = { .alias = "try", .retry = { 2, 1, 1 } } };

    assert_null(strstr(stage_call(validating(*state, VALIDATE_ON), one_step, &s, "{}"), "differs"));
    assert_int_equal(s.n_bodies, 3);
}

static int fails_again(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct step_script *s = arg;

    (void)result;
    return s->n_bodies++ ? dmcp_fail(call, 3, "it is there already") : DMCP_OK;
}

TEST_WITH(validation, tells_the_error_of_a_body, stage_setup, validate_teardown)
{
    struct step_script s = { .body = fails_again, .step = { .alias = "create" } };

    assert_in_text(stage_call(validating(*state, VALIDATE_ON), one_step, &s, "{}"),
                   "step \\\"create\\\" of tool \\\"tool\\\" differs");
    assert_int_equal(s.n_bodies, 2);
}

/* ---- loops ---- */

struct loop_script {
    unsigned n_iterations, n_runs[8];
    dmcp_iteration_fn *body;
    uint64_t interval_ms;
};

static int one_loop(dmcp_call *call)
{
    struct loop_script *s = dmcp_call_context(call);
    dmcp_value *state;

    DMCP_TRY(dmcp_loop(call, "poll", s->interval_ms, s->body, s, &state));
    return dmcp_reply(call, "v", state);
}

static int nothing(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)call;
    (void)arg;
    (void)result;
    return DMCP_OK;
}

/* Counts in its state, which it changes in place. */
static int steady_iteration(dmcp_call *call, dmcp_iteration *it)
{
    struct loop_script *s = it->arg;

    s->n_runs[it->index]++;
    DMCP_TRY(dmcp_at_least_once(call, "fetch", nothing, NULL, NULL));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "round %llu", (unsigned long long)it->index));
    if (!it->state) {
        it->state = dmcp_pack(call, "[]");
    }
    DMCP_TRY(dmcp_array_add(call, it->state, dmcp_integer(call, (int64_t)it->index)));
    it->is_last = it->index + 1 == s->n_iterations;
    return DMCP_OK;
}

TEST_WITH(validation, runs_each_iteration_of_a_loop_twice_with_the_state_it_began_with, stage_setup,
          validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct loop_script s = { .n_iterations = 3, .body = steady_iteration };

    assert_in_text(stage_call(st, one_loop, &s, "{}"), "{\"result\":[0,1,2]}");
    assert_int_equal(s.n_runs[0], 2);
    assert_int_equal(s.n_runs[1], 2);
    assert_int_equal(s.n_runs[2], 2);
    assert_non_null(stage_event(st, 3));
    assert_null(stage_event(st, 4));
}

TEST_WITH(validation, of_an_iteration_is_of_the_attempt_that_ends_it, stage_setup,
          validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct loop_script s = { .n_iterations = 2, .body = steady_iteration, .interval_ms = 10 };

    stage_call(st, one_loop, &s, "{}");
    assert_true(stage_is_waiting(st));
    assert_int_equal(s.n_runs[0], 2);
    stage_pass(st, 20);
    stage_attempt(st);
    assert_in_text(stage_result(st), "{\"result\":[0,1]}");
    assert_int_equal(s.n_runs[0], 2);
    assert_int_equal(s.n_runs[1], 2);
}

static int other_state(dmcp_call *call, dmcp_iteration *it)
{
    struct loop_script *s = it->arg;

    it->state = dmcp_integer(call, ++s->n_runs[0]);
    it->is_last = it->index == 1;
    return DMCP_OK;
}

TEST_WITH(validation, of_an_iteration_compares_the_state_that_it_leaves, stage_setup,
          validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct loop_script s = { .body = other_state };

    assert_in_text(stage_call(st, one_loop, &s, "{}"),
                   "iteration 0 of loop \\\"poll\\\" in tool \\\"tool\\\" differs when it is run "
                   "again (--validate-effects), as it would be after a crash: it gives "
                   "[[1,2],false], not [[1,1],false]. Take");
    validating(st, VALIDATE_QUIET);
    s.n_runs[0] = 0;
    assert_in_text(stage_call(st, one_loop, &s, "{}"), "{\"result\":3}");
    /* It is logged for the loop, not for each iteration. */
    assert_false(validation_may_log(st->env.validation, "loop \"poll\" in tool \"tool\"",
                                    clock_mono_ms()));
}

static int ends_once(dmcp_call *call, dmcp_iteration *it)
{
    struct loop_script *s = it->arg;

    (void)call;
    it->is_last = s->n_runs[0]++ == 0;
    return DMCP_OK;
}

TEST_WITH(validation, of_an_iteration_sees_that_it_does_not_end_the_loop_again, stage_setup,
          validate_teardown)
{
    struct loop_script s = { .body = ends_once };

    assert_in_text(stage_call(validating(*state, VALIDATE_ON), one_loop, &s, "{}"),
                   "it gives [[1,null],false], not [[1,null],true]");
}

static int more_steps(dmcp_call *call, dmcp_iteration *it)
{
    struct loop_script *s = it->arg;

    it->is_last = it->index == 1;
    return dmcp_at_least_once(call, dmcp_format(call, "s%u", ++s->n_runs[0]), nothing, NULL, NULL);
}

TEST_WITH(validation, of_an_iteration_names_the_step_that_is_new, stage_setup, validate_teardown)
{
    struct loop_script s = { .body = more_steps };

    assert_in_text(stage_call(validating(*state, VALIDATE_ON), one_loop, &s, "{}"),
                   "step \\\"s2\\\" is not what it did the first time");
}

static int leaves_out(dmcp_call *call, dmcp_iteration *it)
{
    struct loop_script *s = it->arg;

    it->is_last = true;
    return s->n_runs[0]++ ? DMCP_OK
                          : dmcp_at_least_once(call, "only", nothing, NULL, NULL);
}

TEST_WITH(validation, of_an_iteration_names_the_step_that_is_left_out, stage_setup,
          validate_teardown)
{
    struct loop_script s = { .body = leaves_out };

    assert_in_text(stage_call(validating(*state, VALIDATE_ON), one_loop, &s, "{}"),
                   "step \\\"only\\\" is left out");
}

/* ---- conditions ---- */

static int is_open(dmcp_call *call, void *arg, dmcp_value **result)
{
    unsigned *n = arg;
    int rc = dmcp_map_get_value(dmcp_map_open(call, "door"), "state", result);

    ++*n;
    return rc == DMCP_E_NOTFOUND ? DMCP_E_AGAIN : rc;
}

static int until_open(dmcp_call *call)
{
    dmcp_value *v;

    DMCP_TRY(dmcp_until(call, "open", is_open, dmcp_call_context(call), 0, &v));
    return dmcp_reply(call, "v", v);
}

TEST_WITH(validation, does_not_run_a_condition_again, stage_setup, validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    unsigned n = 0;

    stage_write(st, "door", "state", "1");
    assert_in_text(stage_call(st, until_open, &n, "{}"), "{\"result\":1}");
    assert_int_equal(n, 1);
}

static int broken(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)result;
    ++*(unsigned *)arg;
    return dmcp_fail(call, 4, "the door is gone");
}

static int survives(dmcp_call *call)
{
    int rc = dmcp_until(call, "open", broken, dmcp_call_context(call), 0, NULL);

    return dmcp_reply(call, "{s:i, s:s}", "rc", rc, "why", dmcp_error_text(call));
}

TEST_WITH(validation, gives_the_error_of_a_condition_again, stage_setup, validate_teardown)
{
    unsigned n = 0;

    assert_in_text(stage_call(validating(*state, VALIDATE_ON), survives, &n, "{}"),
                   "{\"rc\":4,\"why\":\"the door is gone\"}");
    assert_int_equal(n, 1);
}

RUN_TESTS()
