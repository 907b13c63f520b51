/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The orderly end: what runs may finish, what waits stays on disk, who listens is told to come back.
 */
#include <signal.h>

#include "base/clock.h"
#include "harness.h"
#include "site.h"
#include "wait.h"

#define STOP_TEST(sentence) TEST_WITH(stop, sentence, site_setup, site_teardown)

static struct site *site_with(const char *option, const char *value)
{
    struct site *s = site_new("tests/gates");

    proc_option(s->server, option, value);
    site_begin(s);
    return s;
}

static void begin_hold(struct site *s, struct ask *a, int id)
{
    ask_begin(a, &s->talk, id, "hold", "{\"gate\":\"%s\"}", s->gate);
}

static bool is_refused(void *arg)
{
    const struct site *s = arg;
    struct raw *r = raw_try_open(s->server->port);

    raw_close(r);
    return r == NULL;
}

/* SIGTERM was taken when nobody listens there any more. Without a supervisor, which would hold the
 * socket open until its process has ended. */
static void begin_stop(struct site *s)
{
    proc_signal(s->server, SIGTERM);
    assert_true(wait_until(is_refused, s, WAIT_MS));
}

TEST(stop, a_tool_that_runs_may_finish_and_its_client_gets_the_answer)
{
    struct site *s = site_with("--no-supervisor", NULL);
    struct ask a;

    begin_hold(s, &a, 1);
    ask_hear_id(&a);
    begin_stop(s);
    site_open_gate(s);
    assert_true(ask_finish(&a));
    ask_expect(&a, "held");
    assert_int_equal(proc_wait(s->server), 0);
    ask_end(&a);
    site_free(s);
}

STOP_TEST(the_supervisor_passes_the_signal_on)
{
    struct site *s = *state;
    struct ask a;

    begin_hold(s, &a, 1);
    ask_hear_id(&a);
    proc_signal(s->server, SIGINT);
    proc_signal(s->server, SIGTERM); /* impatience changes nothing */
    site_open_gate(s);
    assert_true(ask_finish(&a));
    assert_int_equal(proc_wait(s->server), 0);
    ask_end(&a);
}

STOP_TEST(a_server_with_nothing_to_do_ends_at_once)
{
    struct site *s = *state;
    struct raw *idle = raw_open(s->server->port), *listening = talk_get(&s->talk, NULL);
    struct heard h;

    heard_init(&h);
    assert_true(talk_hear_one(listening, &h));
    assert_int_equal(proc_stop(s->server), 0);
    while (talk_hear_one(listening, &h)) {
    }
    assert_true(listening->is_over); /* in order */
    assert_true(raw_is_closed(idle));
    heard_fini(&h);
    raw_close(idle);
    raw_close(listening);
}

TEST(stop, a_call_that_was_queued_is_run_by_the_next_server)
{
    struct site *s = site_new("tests/gates");
    struct ask first, queued;

    proc_option(s->server, "--workers", "1");
    proc_option(s->server, "--no-supervisor", NULL);
    site_begin(s);
    begin_hold(s, &first, 1);
    ask_hear_id(&first);
    site_walk(s, &queued, 2, "at_most_once");
    ask_hear_id(&queued);
    begin_stop(s);
    site_open_gate(s);
    assert_int_equal(proc_wait(s->server), 0);
    assert_true(ask_finish(&first));
    assert_false(ask_finish(&queued));
    assert_true(queued.raw->is_over); /* told to come back, and not cut off */
    site_expect_steps(s, 2, 0, 0, 0);
    proc_start(s->server);
    site_await(s, "2 3", 1); /* by itself */
    ask_finish_anyhow(&queued);
    ask_expect(&queued, "[\"ok\",\"ok\",\"ok\"]");
    site_expect_steps(s, 2, 1, 1, 1);
    ask_end(&first);
    ask_end(&queued);
    site_free(s);
}

static void stop_within_step(const char *guard)
{
    struct site *s = site_with("--no-supervisor", NULL);
    struct ask a;

    site_walk(s, &a, 1, guard);
    site_await(s, "1 2", 1);
    begin_stop(s);
    site_open_gate(s);
    assert_int_equal(proc_wait(s->server), 0);
    site_expect_steps(s, 1, 1, 1, 0); /* no further step was begun */
    proc_start(s->server);
    ask_finish_anyhow(&a);
    ask_expect(&a, "[\"ok\",\"ok\",\"ok\"]");
    site_expect_steps(s, 1, 1, 1, 1);
    ask_end(&a);
    site_free(s);
}

TEST(stop, a_step_that_runs_is_finished_and_recorded_and_the_next_ones_run_after_the_restart)
{
    stop_within_step("at_least_once");
}

TEST(stop, an_at_most_once_step_is_not_lost_to_an_orderly_end)
{
    stop_within_step("at_most_once");
}

TEST(stop, a_tool_that_outlasts_the_time_given_is_left_and_goes_on_at_the_next_start)
{
    struct site *s = site_with("--stop-within", "100ms");
    uint64_t began_ms;
    struct ask a;

    site_walk(s, &a, 1, "at_least_once");
    site_await(s, "1 2", 1);
    ask_hear_id(&a);
    began_ms = clock_mono_ms();
    assert_int_equal(proc_stop(s->server), 0);
    assert_true(clock_mono_ms() - began_ms >= 100);
    assert_true(proc_has_said(s->server, "did not end within the time given"));
    assert_false(ask_finish(&a));
    assert_true(a.raw->is_over); /* told to come back, and not cut off */
    proc_start(s->server);
    site_open_gate(s);
    ask_finish_anyhow(&a);
    ask_expect(&a, "[\"ok\",\"ok\",\"ok\"]");
    assert_int_equal(site_count(s, "1 1"), 1);
    ask_end(&a);
    site_free(s);
}

TEST(stop, a_request_that_is_still_arriving_is_told_to_come_later)
{
    struct site *s = site_with("--no-supervisor", NULL);
    struct raw *r = raw_open(s->server->port);
    struct ask a;
    char *value;

    begin_hold(s, &a, 1);
    ask_hear_id(&a);
    raw_sendf(r, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nContent-Type: "
                 "application/json\r\nMcp-Session-Id: %s\r\nContent-Length: 40\r\n\r\n{",
              s->talk.session);
    mem_free(talk_request(&s->talk, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}"));
    begin_stop(s);
    raw_sendf(r, "\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
    assert_int_equal(raw_status(r), 503);
    value = raw_field(r, "Retry-After", 0);
    assert_string_equal(value, "1");
    mem_free(value);
    raw_close(r);
    site_open_gate(s);
    assert_true(ask_finish(&a));
    assert_int_equal(proc_wait(s->server), 0);
    ask_end(&a);
    site_free(s);
}

STOP_TEST(nothing_that_was_answered_is_lost_by_an_orderly_end)
{
    struct site *s = *state;
    struct ask a, again;

    site_open_gate(s);
    site_walk(s, &a, 1, "at_most_once");
    assert_true(ask_finish(&a));
    assert_int_equal(proc_stop(s->server), 0);
    proc_start(s->server);
    site_walk(s, &again, 1, "at_most_once");
    assert_true(ask_finish(&again));
    assert_string_equal(again.heard.answer, a.heard.answer);
    site_expect_steps(s, 1, 1, 1, 1);
    ask_end(&a);
    ask_end(&again);
}

/* A SIGTERM that comes before the server listens must not be missed. */
TEST(stop, a_server_can_be_stopped_while_it_starts)
{
    struct site *s = site_new("tests/gates");

    for (int i = 0; i < 5; i++) {
        proc_launch(s->server);
        proc_signal(s->server, SIGTERM);
        assert_in_range(-proc_wait(s->server), 0, SIGTERM);
    }
    site_begin(s);
    site_free(s);
}

/* The first write behind those of the beginning, of a session, and of a call up to its gate. */
#define WRITE_BEHIND_THE_GATE "6"

/* The server asks for room by writing this file. */
static void take_all_room(const struct site *s)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/.room", s->server->store);
    assert_int_equal(mkdir(path, 0700), 0);
}

TEST(stop, a_disk_that_fills_up_meanwhile_does_not_keep_it_from_ending)
{
    struct site *s = site_new("tests/gates");
    struct ask a;

    proc_option(s->server, "--no-supervisor", NULL);
    proc_fault(s->server, "store.write:" WRITE_BEHIND_THE_GATE ":enospc");
    site_begin(s);
    begin_hold(s, &a, 1);
    ask_hear_id(&a);
    take_all_room(s);
    begin_stop(s);
    site_open_gate(s);
    assert_int_not_equal(proc_wait(s->server), 0);
    assert_false(ask_finish(&a));
    ask_end(&a);
    site_free(s);
}

RUN_TESTS()
