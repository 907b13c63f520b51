/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The acceptance scenarios of the original, with what was only printed there asserted. Its own tests
 * run with effect validation, and so do these, and without it, too. Their list is in
 * docs/TESTING.md.
 */
#include "trial.h"
#include "wait.h"

/* A scenario is played without effect validation and with it. */
#define SCENARIO(sentence)                                                                         \
    static void scenario_##sentence(const char *validate);                                         \
    TEST(acceptance, sentence)                                                                     \
    {                                                                                              \
        scenario_##sentence("off");                                                                \
        scenario_##sentence("on");                                                                 \
    }                                                                                              \
    static void scenario_##sentence(const char *validate)

SCENARIO(a_tool_that_was_listed_is_called_after_a_reboot)
{
    struct trial t;
    struct ask a;

    trial_begin(&t, "plain", validate);
    trial_expect(&t, "tools/list", "{}",
                 "{\"name\":\"add\",\"description\":\"Add two integers.\",\"inputSchema\":{"
                 "\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},"
                 "\"b\":{\"type\":\"integer\"}},\"required\":[\"a\",\"b\"]");
    trial_reboot(&t);
    trial_add(&t, &a);
    assert_true(ask_finish(&a));
    trial_expect_eight(&a);
    ask_end(&a);
    trial_end(&t);
}

/* ---- notifications on the call's stream ---- */

/* Event ids name the stream and the place in it: two parts, which a client must not take apart. */
static void expect_event_id(const char *id)
{
    size_t n = strspn(id, "0123456789abcdef");

    assert_int_equal(n, 32);
    assert_int_equal(id[n], '-');
    assert_int_equal(strspn(id + n + 1, "0123456789"), strlen(id + n + 1));
}

static void notify_once(const char *add, const char *validate, const char *notification)
{
    struct trial t;
    struct ask a;

    trial_begin(&t, add, validate);
    trial_add(&t, &a);
    assert_true(ask_hear(&a, 1));
    trial_expect_part(a.heard.messages[0], notification);
    expect_event_id(a.heard.last_id);
    trial_expect_adds(&t, "\"5 + 3\"");
    trial_reboot_and_resume(&t, &a);
    trial_expect_eight(&a);
    assert_int_equal(a.heard.n, 1); /* over both connections */
    trial_expect_adds(&t, "\"5 + 3\"");
    ask_end(&a);
    trial_end(&t);
}

SCENARIO(progress_is_told_once_and_its_call_goes_on_after_a_reboot)
{
    notify_once("progress", validate,
                "\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,"
                "\"progress\":0.5,\"total\":1");
}

SCENARIO(a_log_message_is_told_once_and_its_call_goes_on_after_a_reboot)
{
    notify_once("message", validate,
                "\"method\":\"notifications/message\",\"params\":{\"level\":\"info\","
                "\"data\":\"Hello, logging!\"}");
}

/* ---- lists that changed, on the session's stream ---- */

/* What comes next on the session's own stream are these three. */
static void expect_announced(struct trial *t, struct raw *r, struct heard *h)
{
    static const char *const lists[] = { "tools", "prompts", "resources" };
    size_t n = h->n;
    char part[64];

    trial_expect(t, "tools/call", "{\"name\":\"announce\"}", "announced");
    assert_true(talk_hear(r, h, n + 3));
    for (size_t i = 0; i < 3; i++) {
        snprintf(part, sizeof(part), "notifications/%s/list_changed", lists[i]);
        trial_expect_part(h->messages[n + i], part);
    }
}

static void change_once(const char *list, const char *validate)
{
    struct trial t;
    struct raw *own;
    struct heard heard;
    struct ask a;
    char part[64];

    snprintf(part, sizeof(part), "notifications/%s/list_changed", list);
    trial_begin(&t, list, validate);
    own = talk_get(&t.talk, NULL);
    heard_init(&heard);
    trial_add(&t, &a);
    assert_true(talk_hear(own, &heard, 1));
    trial_expect_part(heard.messages[0], part);
    assert_true(ask_hear(&a, 1));
    trial_expect_part(a.heard.messages[0], "notifications/progress");
    raw_close(own);
    trial_reboot_and_resume(&t, &a);
    trial_expect_eight(&a);
    assert_int_equal(a.heard.n, 1);
    own = talk_get(&t.talk, heard.last_id);
    expect_announced(&t, own, &heard); /* nothing came in between */
    trial_expect_adds(&t, "\"5 + 3\"");
    heard_fini(&heard);
    raw_close(own);
    ask_end(&a);
    trial_end(&t);
}

SCENARIO(a_change_of_the_tools_is_told_once)
{
    change_once("tools", validate);
}

SCENARIO(a_change_of_the_prompts_is_told_once)
{
    change_once("prompts", validate);
}

SCENARIO(a_change_of_the_resources_is_told_once)
{
    change_once("resources", validate);
}

SCENARIO(a_change_behind_a_reboot_is_told_to_who_comes_back)
{
    struct trial t;
    struct raw *own;
    struct heard heard;
    struct ask a;

    trial_begin(&t, "late", validate);
    own = talk_get(&t.talk, NULL);
    heard_init(&heard);
    trial_add(&t, &a);
    assert_true(ask_hear(&a, 1));
    trial_expect_part(a.heard.messages[0], "notifications/progress");
    proc_kill(t.server);
    assert_false(talk_hear(own, &heard, 1));
    assert_int_equal(heard.n, 0); /* nothing before it */
    raw_close(own);
    proc_start(t.server);
    own = talk_get(&t.talk, heard.last_id);
    trial_finish(&t);
    ask_finish_anyhow(&a);
    trial_expect_eight(&a);
    assert_int_equal(a.heard.n, 1);
    assert_true(talk_hear(own, &heard, 1));
    trial_expect_part(heard.messages[0], "notifications/resources/list_changed");
    heard_fini(&heard);
    raw_close(own);
    ask_end(&a);
    trial_end(&t);
}

/* ---- steps ---- */

static void step_once(const char *add, const char *validate, int n_runs)
{
    struct trial t;
    struct ask a;

    trial_begin(&t, add, validate);
    trial_add(&t, &a);
    assert_true(ask_hear(&a, 1));
    trial_expect_part(a.heard.messages[0], "Hello, logging!");
    assert_int_equal(trial_count(&t), n_runs);
    trial_reboot_and_resume(&t, &a);
    trial_expect_eight(&a);
    assert_int_equal(a.heard.n, 1);
    assert_int_equal(trial_count(&t), n_runs);
    ask_end(&a);
    trial_end(&t);
}

SCENARIO(an_at_least_once_step_is_not_run_again_after_a_reboot)
{
    step_once("at_least_once", validate, strcmp(validate, "on") == 0 ? 2 : 1);
}

SCENARIO(an_at_most_once_step_is_run_once_ever)
{
    step_once("at_most_once", validate, 1);
}

SCENARIO(an_at_most_once_step_is_run_once_without_a_reboot)
{
    struct trial t;
    struct ask a;

    trial_begin(&t, "at_most_once", validate);
    trial_add(&t, &a);
    assert_true(ask_hear(&a, 1));
    trial_finish(&t);
    assert_true(ask_finish(&a));
    trial_expect_eight(&a);
    assert_int_equal(trial_count(&t), 1);
    ask_end(&a);
    trial_end(&t);
}

/* ---- what the original lacks ---- */

SCENARIO(numbers_come_back_as_they_were_sent)
{
    struct trial t;

    trial_begin(&t, "plain", validate);
    trial_expect(&t, "tools/call",
                 "{\"name\":\"echo\",\"arguments\":{\"value\":"
                 "[1,2.0,-3,9007199254740993,0.1,{\"n\":[10,2.5]}]}}",
                 "\"structuredContent\":{\"value\":[1,2.0,-3,9007199254740993,0.1,"
                 "{\"n\":[10,2.5]}]}");
    trial_end(&t);
}

#define N_EVENTS 5000

TEST(acceptance, thousands_of_events_come_once_each_and_in_order_over_a_reboot)
{
    struct proc *server = proc_new("tests/gates");
    char *gate = proc_path(server, "gate"), part[64];
    struct talk talk;
    struct ask a;

    proc_start(server);
    talk_begin(&talk, server->port, "2025-11-25");
    ask_begin(&a, &talk, 1, "emit", "{\"n\":%d,\"at\":%d,\"gate\":\"%s\"}", N_EVENTS, N_EVENTS / 2,
              gate);
    assert_true(ask_hear(&a, N_EVENTS / 4)); /* the rest of the half is on its way, or on disk */
    ask_hang_up(&a);
    proc_kill(server);
    assert_int_equal(fclose(fopen(gate, "w")), 0);
    proc_start(server);
    ask_finish_anyhow(&a);
    assert_int_equal(a.heard.n, N_EVENTS);
    for (int i = 0; i < N_EVENTS; i++) {
        snprintf(part, sizeof(part), "\"progress\":%d.0,", i + 1);
        trial_expect_part(a.heard.messages[i], part);
    }
    ask_end(&a);
    mem_free(gate);
    proc_free(server);
}

/* Some clients listen before they have said that they are initialized. */
SCENARIO(a_stream_is_opened_at_once_in_a_session_that_has_just_begun)
{
    struct trial t;
    struct talk fresh;
    struct raw *r;

    trial_begin(&t, "plain", validate);
    talk_initialize(&fresh, t.server->port, "2025-11-25", "{}");
    r = talk_get(&fresh, NULL);
    assert_int_equal(raw_status(r), 200);
    raw_close(r);
    trial_end(&t);
}

RUN_TESTS()
