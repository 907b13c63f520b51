/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A person as a part of a call: asks wait until somebody approves or rejects, over kills of the
 * server, and clicking twice does no harm.
 */
#include "desk.h"
#include "lines.h"

#include <signal.h>

static int setup(void **state)
{
    struct desk *d = desk_new("tests/approval");

    *state = d;
    desk_begin(d);
    return 0;
}

#define APPROVAL_TEST(sentence) TEST_WITH(approval, sentence, setup, desk_teardown)

static void publish(struct desk *d, struct ask *a, int id, const char *text, int within_ms)
{
    ask_begin(a, &d->talk, id, "publish", "{\"text\":\"%s\",\"press\":\"%s\",\"within_ms\":%d}",
              text, d->log, within_ms);
}

static int n_copies(const struct desk *d)
{
    return lines_count(d->log, NULL);
}

static void crash(struct desk *d)
{
    proc_kill(d->server);
    proc_start(d->server);
}

APPROVAL_TEST(what_a_person_approves_is_published_once_however_often_the_server_dies_meanwhile)
{
    struct desk *d = *state;
    struct ask a, again;
    char *call;

    publish(d, &a, 1, "news", 0);
    mem_free(desk_await_input(d));
    crash(d);
    call = desk_await_input(d);
    crash(d);
    desk_ask(d, "signal %s decision '{\"verdict\":\"approve\",\"by\":\"ann\"}'", call);
    ask_finish_anyhow(&a);
    ask_expect(&a, "\"structuredContent\":{\"status\":\"published\",\"by\":\"ann\"}");
    crash(d);
    publish(d, &again, 1, "news", 0); /* the same request */
    ask_finish_anyhow(&again);
    assert_string_equal(again.heard.answer, a.heard.answer);
    assert_int_equal(n_copies(d), 1);
    ask_end(&a);
    ask_end(&again);
    mem_free(call);
}

/* Asked for, and decided by one person. Gives the call's id. */
static char *decide(struct desk *d, struct ask *a, const char *decision)
{
    char *call;

    publish(d, a, 1, "rumour", 0);
    call = desk_await_input(d);
    desk_ask(d, "signal %s decision '%s'", call, decision);
    return call;
}

APPROVAL_TEST(what_a_person_rejects_is_not_published)
{
    struct desk *d = *state;
    struct ask a;

    mem_free(decide(d, &a, "{\"verdict\":\"reject\",\"by\":\"bob\"}"));
    ask_finish_anyhow(&a);
    ask_expect(&a, "{\"status\":\"rejected\",\"by\":\"bob\"}");
    assert_int_equal(n_copies(d), 0);
    ask_end(&a);
}

APPROVAL_TEST(a_second_decision_is_refused_and_changes_nothing)
{
    struct desk *d = *state;
    struct ask a;
    char *call = decide(d, &a, "{\"verdict\":\"approve\",\"by\":\"ann\"}");

    assert_int_equal(desk_dmcp(d, "signal %s decision '{\"verdict\":\"reject\"}'", call), 1);
    ask_finish_anyhow(&a);
    ask_expect(&a, "{\"status\":\"published\",\"by\":\"ann\"}");
    assert_int_equal(n_copies(d), 1);
    ask_end(&a);
    mem_free(call);
}

APPROVAL_TEST(what_nobody_decides_in_time_expires_also_while_the_server_is_down)
{
    struct desk *d = *state;
    struct ask a;
    char *call;

    publish(d, &a, 1, "late", 300);
    call = desk_await_input(d);
    crash(d);
    ask_finish_anyhow(&a);
    ask_expect(&a, "{\"status\":\"expired\"}");
    assert_int_equal(desk_dmcp(d, "signal %s decision '{\"verdict\":\"approve\"}'", call), 1);
    assert_int_equal(n_copies(d), 0);
    ask_end(&a);
    mem_free(call);
}

RUN_TESTS()
