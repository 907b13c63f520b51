/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The torture server, seen from outside: every guard with every failure and every crash does what
 * the head of tests/programs/torture.c says. Whoever torments a server with it relies on that.
 */
#include "harness.h"
#include "site.h"

#define CAN_ELICIT "{\"elicitation\":{}}"

static void begin_site(struct site *s)
{
    proc_start(s->server);
    talk_begin_as(&s->talk, s->server->port, "2025-11-25", CAN_ELICIT);
}

static int setup(void **state)
{
    *state = site_new("tests/torture");
    begin_site(*state);
    return 0;
}

#define TORTURE_TEST(sentence) TEST_WITH(torture, sentence, setup, site_teardown)

static void begin(const struct site *s, struct ask *a, int id, const char *steps)
{
    ask_begin(a, &s->talk, id, "run", "{\"id\":\"%d\",\"log\":\"%s\",\"steps\":[%s]}", id, s->log,
              steps);
}

static const char accept_it[] = "\"result\":{\"action\":\"accept\",\"content\":{\"ok\":true}}";

/* Until there is an answer to the call; each question is answered so. */
static void finish(struct ask *a, const char *says)
{
    a->says = says;
    ask_finish_anyhow(a);
}

static int count(const struct site *s, int id, const char *alias)
{
    char line[64];

    snprintf(line, sizeof(line), "%d %s", id, alias);
    return site_count(s, line);
}

/* How many entries the map has for this call. */
static int entries(const struct site *s, int id, const char *alias)
{
    char command[512], text[64];
    FILE *f;
    int n = 0;

    snprintf(command, sizeof(command),
             "$BUILD/dmcp inspect --store %s map torture --prefix %d/%s --json | grep -o '\"key\"'",
             s->server->store, id, alias);
    f = popen(command, "r");
    assert_non_null(f);
    while (fgets(text, sizeof(text), f)) {
        n++;
    }
    pclose(f);
    return n;
}

/* ---- failures ---- */

/* Three steps of a guard: one that is not told to fail, one for each way to. */
static void expect_failures(struct site *s, const char *guard, int n_retryable, int n_final,
                            int n_plain)
{
    char steps[512];
    struct ask a;

    snprintf(steps, sizeof(steps),
             "{\"alias\":\"plain\",\"guard\":\"%s\"},"
             "{\"alias\":\"retryable\",\"guard\":\"%s\",\"fail\":\"retryable\"},"
             "{\"alias\":\"final\",\"guard\":\"%s\",\"fail\":\"final\"}",
             guard, guard, guard);
    begin(s, &a, 1, steps);
    finish(&a, accept_it);
    ask_expect(&a, "\"structuredContent\":{\"steps\":[{\"alias\":\"plain\",\"outcome\":\"ok\"},"
                   "{\"alias\":\"retryable\",\"outcome\":\"failed\"},"
                   "{\"alias\":\"final\",\"outcome\":\"failed\"}]}");
    assert_int_equal(count(s, 1, "plain"), n_plain);
    assert_int_equal(count(s, 1, "retryable"), n_retryable);
    assert_int_equal(count(s, 1, "final"), n_final);
    ask_end(&a);
}

TORTURE_TEST(an_at_least_once_step_that_fails_is_tried_five_times_whatever_its_error)
{
    expect_failures(*state, "at_least_once", 5, 5, 1);
}

TORTURE_TEST(an_at_most_once_step_is_tried_three_times_after_a_harmless_error_and_once_else)
{
    expect_failures(*state, "at_most_once", 3, 1, 1);
}

TORTURE_TEST(a_step_without_a_guard_fails_at_once)
{
    expect_failures(*state, "none", 1, 1, 1);
}

TORTURE_TEST(a_map_write_that_fails_behind_it_is_there)
{
    struct site *s = *state;

    expect_failures(s, "map", 0, 0, 0);
    assert_int_equal(entries(s, 1, "plain"), 1);
    assert_int_equal(entries(s, 1, "retryable"), 1);
    assert_int_equal(entries(s, 1, "final"), 1);
}

TORTURE_TEST(a_sleep_that_fails_behind_it_is_over)
{
    expect_failures(*state, "sleep", 0, 0, 0);
}

TORTURE_TEST(a_question_that_fails_behind_its_answer_was_asked)
{
    expect_failures(*state, "elicit", 0, 0, 0);
}

/* ---- crashes ---- */

static const char *const crashes[] = { "abort", "segv" };
static const char *const failures[] = { "", ",\"fail\":\"retryable\"", ",\"fail\":\"final\"" };

/* A server of its own for each: its supervisor makes one that dies again and again wait. The step
 * never comes to its failure. */
static void expect_crash(const char *guard, const char *crash, const char *failure, int n_lines)
{
    struct site *s = site_new("tests/torture");
    bool is_at_most_once = strcmp(guard, "at_most_once") == 0;
    char steps[512];
    struct ask a;

    begin_site(s);
    snprintf(steps, sizeof(steps),
             "{\"alias\":\"first\",\"guard\":\"at_least_once\"},"
             "{\"alias\":\"it\",\"guard\":\"%s\",\"crash\":\"%s\"%s},"
             "{\"alias\":\"last\",\"guard\":\"at_least_once\"}",
             guard, crash, failure);
    begin(s, &a, 1, steps);
    finish(&a, accept_it);
    if (is_at_most_once) {
        ask_expect(&a, "{\"steps\":[{\"alias\":\"first\",\"outcome\":\"ok\"},"
                       "{\"alias\":\"it\",\"outcome\":\"attempted\"},"
                       "{\"alias\":\"last\",\"outcome\":\"ok\"}]}");
    } else {
        ask_expect(&a, "crashed the server 3 times");
        ask_expect(&a, "\"isError\":true");
    }
    /* Plain code does not wait until what stands before it is recorded. */
    assert_in_range(count(s, 1, "first"), 1, strcmp(guard, "none") == 0 ? 3 : 1);
    assert_int_equal(count(s, 1, "it"), n_lines);
    assert_int_equal(count(s, 1, "last"), is_at_most_once);
    assert_int_equal(entries(s, 1, "it"), strcmp(guard, "map") == 0);
    ask_end(&a);
    site_free(s);
}

static void expect_crashes(const char *guard, int n_lines)
{
    for (size_t i = 0; i < COUNT_OF(crashes); i++) {
        for (size_t j = 0; j < COUNT_OF(failures); j++) {
            expect_crash(guard, crashes[i], failures[j], n_lines);
        }
    }
}

TEST(torture, a_crash_in_an_at_least_once_step_is_repeated_until_the_call_is_failed_for_it)
{
    expect_crashes("at_least_once", 3);
}

TEST(torture, a_crash_in_an_at_most_once_step_is_not_repeated_and_the_call_goes_on)
{
    expect_crashes("at_most_once", 1);
}

TEST(torture, a_crash_in_a_step_without_a_guard_is_repeated_until_the_call_is_failed_for_it)
{
    expect_crashes("none", 3);
}

TEST(torture, a_crash_behind_a_map_write_does_not_repeat_the_write)
{
    expect_crashes("map", 0);
}

TEST(torture, a_crash_behind_a_sleep_is_repeated_until_the_call_is_failed_for_it)
{
    expect_crashes("sleep", 0);
}

TEST(torture, a_crash_behind_an_answer_is_repeated_until_the_call_is_failed_for_it)
{
    expect_crashes("elicit", 0);
}

/* ---- questions ---- */

static void expect_outcome(struct site *s, int id, const char *says, const char *outcome)
{
    char expected[128];
    struct ask a;

    begin(s, &a, id, "{\"alias\":\"q\",\"guard\":\"elicit\",\"before_ms\":5,\"after_ms\":5}");
    assert_true(ask_hear(&a, 1));
    assert_non_null(strstr(a.heard.messages[0], "\"requestedSchema\":{\"type\":\"object\","
                                                "\"properties\":{\"ok\":{\"type\":\"boolean\""));
    finish(&a, says);
    snprintf(expected, sizeof(expected), "{\"steps\":[{\"alias\":\"q\",\"outcome\":\"%s\"}]}",
             outcome);
    ask_expect(&a, expected);
    ask_end(&a);
}

TORTURE_TEST(what_the_user_answers_is_the_outcome_of_a_question)
{
    struct site *s = *state;

    expect_outcome(s, 1, accept_it, "ok");
    expect_outcome(s, 2, "\"result\":{\"action\":\"decline\"}", "declined");
    expect_outcome(s, 3, "\"result\":{\"action\":\"cancel\"}", "cancelled");
    expect_outcome(s, 4, "\"error\":{\"code\":-1,\"message\":\"no\"}", "failed");
    expect_outcome(s, 5, "\"result\":{\"action\":\"accept\",\"content\":{\"ok\":7}}", "failed");
}

TORTURE_TEST(a_client_that_cannot_ask_makes_a_question_fail)
{
    struct site *s = *state;
    struct ask a;

    talk_begin(&s->talk, s->server->port, "2025-06-18");
    begin(s, &a, 1, "{\"alias\":\"q\",\"guard\":\"elicit\"}");
    ask_finish_anyhow(&a);
    ask_expect(&a, "{\"steps\":[{\"alias\":\"q\",\"outcome\":\"failed\"}]}");
    ask_end(&a);
}

/* ---- order, and what may be left out ---- */

TORTURE_TEST(outcomes_stand_in_the_order_of_the_steps)
{
    struct site *s = *state;
    struct ask a;

    begin(s, &a, 1,
          "{\"alias\":\"g\",\"guard\":\"none\",\"before_ms\":1},"
          "{\"alias\":\"f\",\"guard\":\"map\",\"after_ms\":1},"
          "{\"alias\":\"e\",\"guard\":\"elicit\"},"
          "{\"alias\":\"d\",\"guard\":\"sleep\",\"before_ms\":10,\"after_ms\":10},"
          "{\"alias\":\"c\",\"guard\":\"at_most_once\",\"fail\":null,\"crash\":null},"
          "{\"alias\":\"b\",\"guard\":\"at_least_once\",\"before_ms\":null},"
          "{\"alias\":\"a\"}");
    finish(&a, accept_it);
    ask_expect(&a, "{\"steps\":[{\"alias\":\"g\",\"outcome\":\"ok\"},{\"alias\":\"f\",\"outcome\":"
                   "\"ok\"},{\"alias\":\"e\",\"outcome\":\"ok\"},{\"alias\":\"d\",\"outcome\":\"ok\"},"
                   "{\"alias\":\"c\",\"outcome\":\"ok\"},{\"alias\":\"b\",\"outcome\":\"ok\"},"
                   "{\"alias\":\"a\",\"outcome\":\"ok\"}]}");
    /* The call was suspended twice, so plain code ran three times. */
    assert_int_equal(count(s, 1, "g"), 3);
    assert_int_equal(count(s, 1, "a"), 1);
    ask_end(&a);
}

RUN_TESTS()
