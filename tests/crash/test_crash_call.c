/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 while a call runs: the client that comes back gets its one answer, what was recorded is
 * not done again, and every event arrives once.
 */
#include <signal.h>

#include "harness.h"
#include "site.h"

#define CALL_TEST(sentence) TEST_WITH(crash, sentence, site_setup, site_teardown)

static const char all_ok[] = "\"structuredContent\":{\"outcomes\":[\"ok\",\"ok\",\"ok\"]}";

/* ---- steps ---- */

CALL_TEST(a_client_that_comes_back_gets_its_answer_and_recorded_steps_are_not_run_again)
{
    struct site *s = *state;
    struct ask a;

    site_walk(s, &a, 1, "at_least_once");
    site_await(s, "1 2", 1);
    ask_hear_id(&a);
    site_crash(s);
    assert_false(ask_finish(&a));
    site_await(s, "1 2", 2); /* the call went on by itself */
    site_open_gate(s);
    ask_finish_anyhow(&a);
    ask_expect(&a, all_ok);
    assert_int_equal(a.n_posts, 1);
    site_expect_steps(s, 1, 1, 2, 1);
    ask_end(&a);
}

CALL_TEST(an_at_most_once_step_that_was_cut_short_is_not_run_again_and_says_so)
{
    struct site *s = *state;
    struct ask a;

    site_walk(s, &a, 1, "at_most_once");
    site_await(s, "1 2", 1);
    site_crash(s);
    site_open_gate(s);
    ask_finish_anyhow(&a);
    ask_expect(&a, "{\"outcomes\":[\"ok\",\"attempted\",\"ok\"]}");
    site_expect_steps(s, 1, 1, 1, 1);
    ask_end(&a);
}

CALL_TEST(a_call_survives_one_kill_after_the_other)
{
    struct site *s = *state;
    struct ask a;

    site_walk(s, &a, 1, "at_least_once");
    for (int n = 1; n <= 5; n++) {
        site_await(s, "1 2", n);
        site_crash(s);
    }
    site_open_gate(s);
    ask_finish_anyhow(&a);
    ask_expect(&a, all_ok);
    assert_int_equal(site_count(s, "1 1"), 1);
    assert_int_equal(site_count(s, "1 3"), 1);
    ask_end(&a);
}

CALL_TEST(a_kill_of_the_process_under_the_supervisor_is_a_moment_and_no_connection_is_refused)
{
    struct site *s = *state;
    pid_t worker = proc_worker(s->server);
    struct ask a;
    char *answer;

    site_walk(s, &a, 1, "at_least_once");
    site_await(s, "1 2", 1);
    assert_int_equal(kill(worker, SIGKILL), 0);
    site_open_gate(s);
    answer = talk_request(&s->talk, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ping\"}");
    assert_string_equal(answer, "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}");
    mem_free(answer);
    assert_int_not_equal(proc_worker(s->server), worker);
    ask_finish_anyhow(&a);
    ask_expect(&a, all_ok);
    site_expect_steps(s, 1, 1, 2, 1);
    ask_end(&a);
}

CALL_TEST(calls_of_several_sessions_go_on_side_by_side)
{
    struct site *s = *state;
    struct talk other;
    struct ask a, b, c;

    talk_begin(&other, s->server->port, "2025-06-18");
    site_walk(s, &a, 1, "at_least_once");
    site_walk(s, &b, 2, "at_most_once");
    ask_begin(&c, &other, 1, "hold", "{\"gate\":\"%s\"}", s->gate);
    site_await(s, "1 2", 1);
    site_await(s, "2 2", 1);
    site_crash(s);
    site_open_gate(s);
    ask_finish_anyhow(&b);
    ask_finish_anyhow(&c);
    ask_finish_anyhow(&a);
    ask_expect(&a, all_ok);
    ask_expect(&b, "[\"ok\",\"attempted\",\"ok\"]");
    ask_expect(&c, "held");
    ask_end(&a);
    ask_end(&b);
    ask_end(&c);
}

/* ---- the request again ---- */

TEST(crash, who_had_heard_nothing_sends_the_same_request_again_and_gets_the_same_call)
{
    struct site *s = site_new("tests/gates");
    struct ask a;

    site_begin(s);
    assert_int_equal(proc_stop(s->server), 0);
    proc_option(s->server, "--no-supervisor", NULL);
    proc_fault(s->server, "body.after:1");
    proc_start(s->server);
    site_open_gate(s);
    site_walk(s, &a, 1, "at_most_once"); /* ends the server before there is anything to send */
    assert_int_equal(proc_wait(s->server), -SIGKILL);
    ask_hang_up(&a); /* it may have been told where to resume, and has not heard it */
    proc_fault(s->server, NULL);
    proc_start(s->server);
    site_await(s, "1 3", 1); /* nobody asked for that */
    ask_finish_anyhow(&a);
    ask_expect(&a, "[\"attempted\",\"ok\",\"ok\"]");
    assert_int_equal(a.n_posts, 2);
    assert_int_equal(a.n_gets, 0);
    site_expect_steps(s, 1, 1, 1, 1);
    ask_end(&a);
    site_free(s);
}

CALL_TEST(the_answer_is_there_for_who_repeats_its_request_after_a_crash)
{
    struct site *s = *state;
    struct ask a, again;

    site_open_gate(s);
    site_walk(s, &a, 1, "at_least_once");
    ask_finish_anyhow(&a);
    site_crash(s);
    site_walk(s, &again, 1, "at_least_once");
    assert_true(ask_finish(&again));
    assert_string_equal(again.heard.answer, a.heard.answer);
    site_expect_steps(s, 1, 1, 1, 1);
    ask_end(&a);
    ask_end(&again);
}

/* ---- events ---- */

static const char *progress(char text[64], int i)
{
    snprintf(text, 64, "\"progress\":%d.0,", i);
    return text;
}

/* The messages tell of progress from 1 to n, each once, in order. */
static void expect_progress(const struct heard *h, size_t n)
{
    char text[64];

    assert_int_equal(h->n, n);
    for (size_t i = 0; i < n; i++) {
        if (!strstr(h->messages[i], progress(text, (int)i + 1))) {
            fail_msg("message %zu is %s", i, h->messages[i]);
        }
    }
}

CALL_TEST(progress_is_told_once_and_in_order_however_often_the_server_was_killed)
{
    struct site *s = *state;
    struct ask a;

    ask_begin(&a, &s->talk, 1, "emit", "{\"n\":6,\"at\":3,\"gate\":\"%s\"}", s->gate);
    assert_true(ask_hear(&a, 3));
    site_crash(s);
    assert_true(ask_again(&a));
    site_crash(s);
    site_open_gate(s);
    ask_finish_anyhow(&a);
    expect_progress(&a.heard, 6);
    ask_end(&a);
}

CALL_TEST(a_replay_across_restarts_is_exactly_the_suffix)
{
    struct site *s = *state;
    struct raw *r;
    struct ask a;
    char *third;

    ask_begin(&a, &s->talk, 1, "emit", "{\"n\":6,\"at\":5,\"gate\":\"%s\"}", s->gate);
    assert_true(ask_hear(&a, 3));
    third = mem_strdup(a.heard.last_id);
    assert_true(ask_hear(&a, 5));
    site_crash(s);
    site_open_gate(s);
    ask_finish_anyhow(&a);
    expect_progress(&a.heard, 6);
    for (int life = 0; life < 2; life++) {
        struct heard h;
        char text[64];

        heard_init(&h);
        r = talk_get(&s->talk, third);
        while (talk_hear_one(r, &h)) {
        }
        assert_true(r->is_over);
        assert_int_equal(h.n, 3);
        for (int i = 0; i < 3; i++) {
            assert_non_null(strstr(h.messages[i], progress(text, 4 + i)));
        }
        assert_string_equal(h.answer, a.heard.answer);
        heard_fini(&h);
        raw_close(r);
        site_crash(s);
    }
    mem_free(third);
    ask_end(&a);
}

CALL_TEST(an_answer_that_was_sent_is_sent_again_to_who_had_not_seen_it)
{
    struct site *s = *state;
    struct ask a;
    char *first;

    ask_begin(&a, &s->talk, 1, "emit", "{\"n\":2}");
    assert_true(ask_hear(&a, 1));
    first = mem_strdup(a.heard.last_id);
    assert_true(ask_finish(&a));
    site_crash(s);
    for (int i = 0; i < 2; i++) {
        struct raw *r = talk_get(&s->talk, i == 0 ? first : a.heard.last_id);
        struct heard h;

        heard_init(&h);
        while (talk_hear_one(r, &h)) {
        }
        assert_true(r->is_over);
        assert_int_equal(h.n, i == 0 ? 1 : 0); /* behind the answer there is nothing */
        assert_true(i == 0 ? strcmp(h.answer, a.heard.answer) == 0 : h.answer == NULL);
        heard_fini(&h);
        raw_close(r);
    }
    mem_free(first);
    ask_end(&a);
}

/* ---- the session's own stream ---- */

CALL_TEST(a_list_that_changed_is_told_once_on_the_sessions_stream_across_a_restart)
{
    struct site *s = *state;
    struct raw *r = talk_get(&s->talk, NULL);
    struct heard h;
    struct ask a;

    heard_init(&h);
    ask_begin(&a, &s->talk, 1, "emit", "{\"n\":5,\"kind\":\"changed\",\"at\":2,\"gate\":\"%s\"}",
              s->gate);
    assert_true(talk_hear(r, &h, 2));
    site_crash(s);
    assert_false(talk_hear(r, &h, 3));
    raw_close(r);
    site_open_gate(s);
    ask_finish_anyhow(&a);
    r = talk_get(&s->talk, h.last_id);
    assert_true(talk_hear(r, &h, 5));
    raw_close(r);
    r = talk_get(&s->talk, h.last_id);
    ask_end(&a);
    ask_begin(&a, &s->talk, 2, "emit", "{\"n\":1,\"kind\":\"changed\"}");
    assert_true(talk_hear(r, &h, 6)); /* nothing came in between */
    ask_end(&a);
    heard_fini(&h);
    raw_close(r);
}

CALL_TEST(what_was_told_while_nobody_listened_is_heard_after_a_restart)
{
    struct site *s = *state;
    struct raw *r;
    struct heard h;
    struct ask a;

    ask_begin(&a, &s->talk, 1, "emit", "{\"n\":3,\"kind\":\"changed\"}");
    assert_true(ask_finish(&a));
    site_crash(s);
    heard_init(&h);
    r = talk_get(&s->talk, NULL);
    assert_true(talk_hear(r, &h, 3));
    heard_fini(&h);
    raw_close(r);
    ask_end(&a);
}

/* ---- sessions ---- */

CALL_TEST(a_session_that_was_closed_stays_closed)
{
    struct site *s = *state;
    struct raw *r;

    assert_int_equal(talk_delete(&s->talk), 200);
    site_crash(s);
    r = talk_post(&s->talk, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
    assert_int_equal(raw_status(r), 404);
    raw_close(r);
}

CALL_TEST(a_log_level_that_was_set_is_kept)
{
    struct site *s = *state;
    struct ask a;

    mem_free(talk_request(&s->talk, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"logging/setLevel\","
                                    "\"params\":{\"level\":\"error\"}}"));
    site_crash(s);
    ask_begin(&a, &s->talk, 2, "emit", "{\"n\":3,\"kind\":\"log\"}");
    assert_true(ask_finish(&a));
    assert_int_equal(a.heard.n, 0);
    ask_end(&a);
}

RUN_TESTS()
