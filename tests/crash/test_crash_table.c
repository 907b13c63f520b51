/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kill leaves of a step, moment by moment, under each guard: the table in engine/step.c and
 * docs/DESIGN.md, line by line, on real servers. Each test makes a call of one step, kills the
 * server at that moment, starts it again, and compares what the client hears and how often the body
 * ran in all.
 *
 *   the process dies                                 at least once      at most once
 *   before the step begins                           runs               runs
 *   behind its beginning, before its body            runs               never: attempted
 *   while its body runs                              runs again         never again: attempted
 *   behind its body, before the result is recorded   runs again         never again: attempted
 *   behind a harmless error, before it is reset      is tried again     never again: attempted
 *   behind the reset                                 is tried again     is tried again
 *   behind another error, before that is recorded    is tried again     never again: attempted
 *   behind the record of that error                  is tried again     never again: attempted
 *   behind the record of its result                  has its result     has its result
 */
#include <signal.h>

#include "harness.h"
#include "site.h"

#define TRIES_AT_LEAST_ONCE 5
#define TRIES_AT_MOST_ONCE 3
#define LEAST "at_least_once"
#define MOST "at_most_once"

static int setup(void **state)
{
    struct site *s = site_new("tests/torture");

    *state = s;
    proc_option(s->server, "--no-supervisor", NULL);
    site_begin(s);
    return 0;
}

#define TABLE_TEST(sentence) TEST_WITH(table, sentence, setup, site_teardown)

struct expected {
    int n_killed; /* bodies until the kill */
    int n_all;    /* and in all */
    const char *outcome;
};

static void begin(struct site *s, struct ask *a, const char *guard, const char *more)
{
    ask_begin(a, &s->talk, 1, "run",
              "{\"id\":\"1\",\"log\":\"%s\",\"steps\":[{\"alias\":\"it\",\"guard\":\"%s\"%s},"
              "{\"alias\":\"next\",\"guard\":\"at_least_once\"}]}",
              s->log, guard, more);
}

/* The server is dead. */
static void expect(struct site *s, struct ask *a, struct expected e)
{
    char steps[128];

    assert_int_equal(site_count(s, "1 it"), e.n_killed);
    proc_fault(s->server, NULL);
    proc_start(s->server);
    ask_finish_anyhow(a);
    snprintf(steps, sizeof(steps),
             "{\"steps\":[{\"alias\":\"it\",\"outcome\":\"%s\"},{\"alias\":\"next\",\"outcome\":\"ok\"}]}",
             e.outcome);
    ask_expect(a, steps);
    assert_int_equal(site_count(s, "1 it"), e.n_all);
    assert_int_equal(site_count(s, "1 next"), 1);
    ask_end(a);
}

/* Killed at this passage of this point. */
static void kill_at(struct site *s, const char *point, const char *guard, const char *more,
                    struct expected e)
{
    struct ask a;

    assert_int_equal(proc_stop(s->server), 0);
    proc_fault(s->server, point);
    proc_start(s->server);
    begin(s, &a, guard, more);
    assert_int_equal(proc_wait(s->server), -SIGKILL);
    expect(s, &a, e);
}

/* ---- a step that succeeds ---- */

TABLE_TEST(before_it_begins_an_at_least_once_step_runs)
{
    kill_at(*state, "handler.before:1", LEAST, "", (struct expected){ 0, 1, "ok" });
}

TABLE_TEST(before_it_begins_an_at_most_once_step_runs)
{
    kill_at(*state, "handler.before:1", MOST, "", (struct expected){ 0, 1, "ok" });
}

TABLE_TEST(behind_its_beginning_an_at_least_once_step_runs)
{
    kill_at(*state, "body.before:1", LEAST, "", (struct expected){ 0, 1, "ok" });
}

TABLE_TEST(behind_its_beginning_an_at_most_once_step_never_runs)
{
    kill_at(*state, "body.before:1", MOST, "", (struct expected){ 0, 0, "attempted" });
}

static void kill_in_body(struct site *s, const char *guard, struct expected e)
{
    struct ask a;

    begin(s, &a, guard, ",\"after_ms\":500");
    site_await(s, "1 it", 1);
    proc_kill(s->server);
    expect(s, &a, e);
}

TABLE_TEST(in_its_body_an_at_least_once_step_runs_again)
{
    kill_in_body(*state, LEAST, (struct expected){ 1, 2, "ok" });
}

TABLE_TEST(in_its_body_an_at_most_once_step_never_runs_again)
{
    kill_in_body(*state, MOST, (struct expected){ 1, 1, "attempted" });
}

TABLE_TEST(behind_its_body_an_at_least_once_step_runs_again)
{
    kill_at(*state, "body.after:1", LEAST, "", (struct expected){ 1, 2, "ok" });
}

TABLE_TEST(behind_its_body_an_at_most_once_step_never_runs_again)
{
    kill_at(*state, "body.after:1", MOST, "", (struct expected){ 1, 1, "attempted" });
}

TABLE_TEST(behind_its_record_an_at_least_once_step_has_its_result)
{
    kill_at(*state, "body.before:2", LEAST, "", (struct expected){ 1, 1, "ok" });
}

TABLE_TEST(behind_its_record_an_at_most_once_step_has_its_result)
{
    kill_at(*state, "body.before:2", MOST, "", (struct expected){ 1, 1, "ok" });
}

/* ---- a harmless error ---- */

static const char harmless[] = ",\"fail\":\"retryable\"";

TABLE_TEST(behind_a_harmless_error_an_at_least_once_step_is_tried_again)
{
    kill_at(*state, "body.after:1", LEAST, harmless,
            (struct expected){ 1, 1 + TRIES_AT_LEAST_ONCE, "failed" });
}

TABLE_TEST(behind_a_harmless_error_that_was_not_reset_an_at_most_once_step_never_runs_again)
{
    kill_at(*state, "body.after:1", MOST, harmless, (struct expected){ 1, 1, "attempted" });
}

TABLE_TEST(behind_the_reset_an_at_most_once_step_is_tried_again)
{
    kill_at(*state, "step.reset:1", MOST, harmless,
            (struct expected){ 1, 1 + TRIES_AT_MOST_ONCE, "failed" });
}

TABLE_TEST(behind_the_reset_of_its_last_try_an_at_most_once_step_is_tried_again)
{
    kill_at(*state, "step.reset:3", MOST, harmless,
            (struct expected){ 3, 3 + TRIES_AT_MOST_ONCE, "failed" });
}

TABLE_TEST(between_two_tries_an_at_least_once_step_is_tried_again)
{
    kill_at(*state, "body.before:2", LEAST, harmless,
            (struct expected){ 1, 1 + TRIES_AT_LEAST_ONCE, "failed" });
}

TABLE_TEST(at_its_second_beginning_an_at_most_once_step_never_runs_again)
{
    kill_at(*state, "body.before:2", MOST, harmless, (struct expected){ 1, 1, "attempted" });
}

/* ---- any other error ---- */

static const char final[] = ",\"fail\":\"final\"";

TABLE_TEST(behind_another_error_an_at_least_once_step_is_tried_again)
{
    kill_at(*state, "body.after:1", LEAST, final,
            (struct expected){ 1, 1 + TRIES_AT_LEAST_ONCE, "failed" });
}

TABLE_TEST(behind_another_error_that_was_not_recorded_an_at_most_once_step_never_runs_again)
{
    kill_at(*state, "body.after:1", MOST, final, (struct expected){ 1, 1, "attempted" });
}

TABLE_TEST(behind_the_record_of_its_failure_an_at_most_once_step_never_runs_again)
{
    kill_at(*state, "step.failed:1", MOST, final, (struct expected){ 1, 1, "attempted" });
}

/* When the tries are used up nothing is recorded: a later attempt has them all again. */
TABLE_TEST(behind_its_last_try_an_at_least_once_step_is_tried_again)
{
    kill_at(*state, "body.after:5", LEAST, final,
            (struct expected){ TRIES_AT_LEAST_ONCE, 2 * TRIES_AT_LEAST_ONCE, "failed" });
}

/* ---- a wait ---- */

TABLE_TEST(a_sleep_goes_on_behind_a_kill_and_its_step_before_it_is_not_run_again)
{
    struct site *s = *state;
    struct ask a;

    ask_begin(&a, &s->talk, 1, "run",
              "{\"id\":\"1\",\"log\":\"%s\",\"steps\":[{\"alias\":\"it\",\"guard\":\"at_most_once\"},"
              "{\"alias\":\"z\",\"guard\":\"sleep\",\"after_ms\":200},"
              "{\"alias\":\"next\",\"guard\":\"at_least_once\"}]}",
              s->log);
    ask_hear_id(&a);
    proc_kill(s->server);
    proc_start(s->server);
    ask_finish_anyhow(&a);
    ask_expect(&a, "{\"alias\":\"z\",\"outcome\":\"ok\"},{\"alias\":\"next\",\"outcome\":\"ok\"}");
    assert_in_range(site_count(s, "1 it"), 0, 1);
    assert_int_equal(site_count(s, "1 next"), 1);
    ask_end(&a);
}

RUN_TESTS()
