/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tools that take the server down with them: it comes back, the calls beside them go on, and a tool
 * that does it again and again is stopped.
 */
#include <signal.h>

#include "harness.h"
#include "site.h"
#include "wait.h"

static bool never(void *arg)
{
    (void)arg;
    return false;
}

/* Lets time pass: it is what is tested. */
static void pass(uint64_t ms)
{
    wait_until(never, NULL, ms);
}

static int setup(void **state)
{
    struct site *s = site_new("tests/torture");

    *state = s;
    site_begin(s);
    return 0;
}

#define TOOL_TEST(sentence) TEST_WITH(crash, sentence, setup, site_teardown)

/* One step of that guard that crashes behind its side effect. */
static void begin_crash(struct site *s, struct ask *a, int id, const char *guard, const char *crash)
{
    ask_begin(a, &s->talk, id, "run",
              "{\"id\":\"%d\",\"log\":\"%s\",\"steps\":[{\"alias\":\"first\",\"guard\":"
              "\"at_least_once\"},{\"alias\":\"crash\",\"guard\":\"%s\",\"crash\":\"%s\"}]}",
              id, s->log, guard, crash);
}

static void begin_slow(struct site *s, struct ask *a, int id, const char *guard)
{
    ask_begin(a, &s->talk, id, "run",
              "{\"id\":\"%d\",\"log\":\"%s\",\"steps\":[{\"alias\":\"first\",\"guard\":"
              "\"at_least_once\"},{\"alias\":\"slow\",\"guard\":\"%s\",\"after_ms\":1500},"
              "{\"alias\":\"last\",\"guard\":\"at_least_once\"}]}",
              id, s->log, guard);
}

static void expect_crashed(struct ask *a, const char *how)
{
    ask_finish_anyhow(a);
    ask_expect(a, "\"isError\":true");
    ask_expect(a, "crashed the server 3 times");
    ask_expect(a, how);
    ask_end(a);
}

TOOL_TEST(a_segmentation_fault_fails_its_call_after_three_times_and_the_other_calls_go_on)
{
    struct site *s = *state;
    struct ask crash, least, most;

    begin_slow(s, &least, 1, "at_least_once");
    begin_slow(s, &most, 2, "at_most_once");
    site_await(s, "1 slow", 1);
    site_await(s, "2 slow", 1);
    begin_crash(s, &crash, 3, "at_least_once", "segv");
    expect_crashed(&crash, "Segmentation fault");
    assert_int_equal(site_count(s, "3 first"), 1);
    assert_int_equal(site_count(s, "3 crash"), 3);
    ask_finish_anyhow(&least);
    ask_expect(&least, "{\"alias\":\"slow\",\"outcome\":\"ok\"},{\"alias\":\"last\",\"outcome\":\"ok\"");
    ask_finish_anyhow(&most);
    ask_expect(&most, "{\"alias\":\"slow\",\"outcome\":\"attempted\"},{\"alias\":\"last\","
                      "\"outcome\":\"ok\"");
    assert_int_equal(site_count(s, "1 first"), 1);
    assert_int_equal(site_count(s, "2 slow"), 1);
    ask_end(&least);
    ask_end(&most);
}

TOOL_TEST(an_abort_counts_as_a_crash)
{
    struct site *s = *state;
    struct ask a;

    begin_crash(s, &a, 1, "at_least_once", "abort");
    expect_crashed(&a, "Aborted");
    assert_int_equal(site_count(s, "1 crash"), 3);
}

TOOL_TEST(an_at_most_once_step_crashes_the_server_once_and_its_call_goes_on)
{
    struct site *s = *state;
    struct ask a;

    begin_crash(s, &a, 1, "at_most_once", "segv");
    ask_finish_anyhow(&a);
    ask_expect(&a, "{\"alias\":\"crash\",\"outcome\":\"attempted\"}");
    assert_int_equal(site_count(s, "1 crash"), 1);
    ask_end(&a);
}

TOOL_TEST(a_call_that_was_failed_for_its_crashes_stays_failed_after_a_restart)
{
    struct site *s = *state;
    struct ask a, again;

    begin_crash(s, &a, 1, "at_least_once", "segv");
    ask_finish_anyhow(&a);
    site_crash(s);
    begin_crash(s, &again, 1, "at_least_once", "segv");
    assert_true(ask_finish(&again));
    assert_string_equal(again.heard.answer, a.heard.answer);
    assert_int_equal(site_count(s, "1 crash"), 3);
    ask_end(&a);
    ask_end(&again);
}

TOOL_TEST(two_tools_that_crash_are_each_failed_for_their_own_crashes)
{
    struct site *s = *state;
    struct ask a[2], slow;

    begin_slow(s, &slow, 9, "at_least_once");
    for (int i = 0; i < 2; i++) {
        begin_crash(s, &a[i], 1 + i, "at_least_once", "segv");
    }
    for (int i = 0; i < 2; i++) {
        expect_crashed(&a[i], "Segmentation fault");
    }
    ask_finish_anyhow(&slow);
    ask_expect(&slow, "{\"alias\":\"slow\",\"outcome\":\"ok\"}");
    ask_end(&slow);
}

/* ---- what a tool prints ---- */

static int count_said(const struct proc *p, const char *text)
{
    char *said = proc_said(p), *at = said;
    int n = 0;

    while ((at = strstr(at, text))) {
        at += strlen(text);
        n++;
    }
    mem_free(said);
    return n;
}

TEST(crash, what_a_tool_has_printed_is_there_when_its_process_is_killed_and_nothing_is_printed_twice)
{
    struct site *s = site_new("tests/chatter");
    struct ask a;

    site_begin(s);
    ask_begin(&a, &s->talk, 1, "say", "{}");
    ask_finish_anyhow(&a);
    ask_end(&a);
    assert_int_equal(kill(proc_worker(s->server), SIGKILL), 0);
    proc_await_said(s->server, "starting it again");
    ask_begin(&a, &s->talk, 2, "say", "{}");
    ask_finish_anyhow(&a);
    ask_end(&a);
    assert_int_equal(proc_stop(s->server), 0);
    assert_int_equal(count_said(s->server, "chatter: a line\n"), 2);
    assert_int_equal(count_said(s->server, "chatter: before it serves"), 1);
    assert_int_equal(count_said(s->server, "chatter: behind the end"), 1);
    site_free(s);
}

/* ---- calls that wait ---- */

TOOL_TEST(a_call_whose_time_comes_while_the_server_is_down_goes_on_at_its_start)
{
    struct site *s = *state;
    struct ask a;

    for (int id = 1; id <= 5; id++) {
        ask_begin(&a, &s->talk, id, "run",
                  "{\"id\":\"%d\",\"log\":\"%s\",\"steps\":[{\"alias\":\"first\",\"guard\":"
                  "\"at_least_once\"},{\"alias\":\"wait\",\"guard\":\"sleep\",\"after_ms\":30},"
                  "{\"alias\":\"last\",\"guard\":\"at_least_once\"}]}",
                  id, s->log);
        ask_hear_id(&a); /* so it waits, durably */
        proc_kill(s->server);
        pass(50);
        proc_start(s->server);
        ask_finish_anyhow(&a);
        ask_expect(&a, "{\"alias\":\"last\",\"outcome\":\"ok\"}");
        ask_end(&a);
    }
    assert_int_equal(site_count(s, "1 first"), 1);
    assert_int_equal(site_count(s, "1 last"), 1);
}

RUN_TESTS()
