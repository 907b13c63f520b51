/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that cannot be read: the process ends, as it does when it cannot write, and does not run
 * the same call again and again.
 */
#include "harness.h"
#include "site.h"

TEST(read, of_a_journal_that_fails_ends_the_process_and_the_call_goes_on_in_the_next)
{
    struct site *s = site_new("tests/gates");
    struct ask a;

    proc_option(s->server, "--no-supervisor", NULL);
    site_begin(s);
    ask_begin(&a, &s->talk, 1, "walk",
              "{\"id\":\"1\",\"log\":\"%s\",\"gate\":\"%s\",\"n\":2,\"at\":2}", s->log, s->gate);
    site_await(s, "1 2", 1);
    proc_kill(s->server);
    site_open_gate(s);
    proc_fault(s->server, "journal.read:1:eio");
    proc_launch(s->server);
    assert_int_equal(proc_wait(s->server), 1);
    assert_true(proc_has_said(s->server, "store: read the call's journal: get: Input/output error"));
    assert_int_equal(site_count(s, "1 2"), 1);
    proc_fault(s->server, NULL);
    proc_start(s->server);
    ask_finish_anyhow(&a);
    ask_expect(&a, "[\"ok\",\"ok\"]");
    assert_int_equal(site_count(s, "1 1"), 1);
    assert_int_equal(site_count(s, "1 2"), 2);
    ask_end(&a);
    site_free(s);
}

TEST(read, of_a_map_that_fails_ends_the_process_and_the_call_goes_on_in_the_next)
{
    struct site *s = site_new("tests/fickle");
    struct ask a;

    proc_option(s->server, "--no-supervisor", NULL);
    proc_fault(s->server, "map.read:1:eio");
    site_begin(s);
    ask_begin(&a, &s->talk, 1, "look", "{}");
    assert_int_equal(proc_wait(s->server), 1);
    assert_true(proc_has_said(s->server, "store: read map \"runs\": get: Input/output error"));
    ask_hang_up(&a); /* what came is the refusal */
    proc_fault(s->server, NULL);
    proc_start(s->server);
    ask_finish_anyhow(&a);
    ask_expect(&a, "\"result\":0");
    ask_end(&a);
    site_free(s);
}

TEST(read, of_a_map_that_fails_in_an_ephemeral_tool_is_its_answer)
{
    struct site *s = site_new("tests/fickle");
    struct ask a;

    proc_fault(s->server, "map.read:1:eio");
    site_begin(s);
    ask_begin(&a, &s->talk, 1, "glance", "{}");
    ask_finish_anyhow(&a);
    assert_non_null(strstr(a.heard.answer, "read map \\\"runs\\\": get: Input/output error"));
    assert_true(proc_is_running(s->server));
    ask_end(&a);
    site_free(s);
}

RUN_TESTS()
