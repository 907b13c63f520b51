/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prompts, resources and subscriptions over the death of the server: what a client was told before
 * holds after it, and a prompt or a read that was under way goes on as a tool's call does.
 */
#include "harness.h"
#include "site.h"
#include "wait.h"

#define OFFERS_TEST(sentence) TEST_WITH(offers, sentence, offers_setup, site_teardown)

static int offers_setup(void **state)
{
    *state = site_new("tests/offers");
    return 0;
}

static void begin(struct site *s, const char *offers)
{
    proc_env(s->server, "OFFERS", offers);
    site_begin(s);
}

/* ---- requests ---- */

static int next_id = 1;

static char *body_of(int id, const char *method, const char *fmt, va_list ap)
{
    struct buf body;
    char *params = NULL;

    assert_true(vasprintf(&params, fmt, ap) >= 0);
    buf_init(&body, SIZE_MAX / 2);
    buf_addf(&body, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}", id, method,
             params);
    free(params);
    return buf_take(&body, NULL);
}

static void expect_part(const char *answer, const char *part)
{
    if (!strstr(answer, part)) {
        fail_msg("\"%s\" is not in %s", part, answer);
    }
}

static int n_parts(const char *answer, const char *part)
{
    int n = 0;

    for (const char *p = answer; (p = strstr(p, part)); p++) {
        n++;
    }
    return n;
}

/* The answer, be it JSON or the end of a stream; the caller frees it. */
static char *answer_to(const struct talk *t, const char *method, const char *fmt, ...)
    PRINTF(3, 4);

static char *answer_to(const struct talk *t, const char *method, const char *fmt, ...)
{
    struct heard heard;
    struct raw *r;
    char *body, *answer;
    va_list ap;

    va_start(ap, fmt);
    body = body_of(next_id++, method, fmt, ap);
    va_end(ap);
    r = talk_post(t, body);
    heard_init(&heard);
    while (!heard.answer) {
        assert_true(talk_hear_one(r, &heard));
    }
    answer = mem_strdup(heard.answer);
    heard_fini(&heard);
    raw_close(r);
    mem_free(body);
    return answer;
}

static void expect_answer(const struct talk *t, const char *method, const char *params,
                          const char *part)
{
    char *answer = answer_to(t, method, "%s", params);

    expect_part(answer, part);
    mem_free(answer);
}

static void expect_number(const struct talk *t, const char *method, const char *part, int n)
{
    char *answer = answer_to(t, method, "{}");

    if (n_parts(answer, part) != n) {
        fail_msg("%s: \"%s\" is there %d times: %s", method, part, n_parts(answer, part), answer);
    }
    mem_free(answer);
}

static void expect_read(const struct talk *t, const char *uri, const char *part)
{
    char *answer = answer_to(t, "resources/read", "{\"uri\":\"%s\"}", uri);

    expect_part(answer, part);
    mem_free(answer);
}

static void expect_prompt(const struct talk *t, const char *name, const char *arguments,
                          const char *part)
{
    char *answer =
        answer_to(t, "prompts/get", "{\"name\":\"%s\",\"arguments\":%s}", name, arguments);

    expect_part(answer, part);
    mem_free(answer);
}

/* As ask_begin, of any method. */
static void ask_for(struct ask *a, const struct talk *t, const char *method, const char *fmt, ...)
    PRINTF(4, 5);

static void ask_for(struct ask *a, const struct talk *t, const char *method, const char *fmt, ...)
{
    va_list ap;

    *a = (struct ask){ .t = t, .n_posts = 1 };
    va_start(ap, fmt);
    a->body = body_of(next_id++, method, fmt, ap);
    va_end(ap);
    a->raw = talk_post(t, a->body);
    heard_init(&a->heard);
}

/* ---- what is offered, before and after ---- */

OFFERS_TEST(a_resource_that_was_listed_is_read_after_a_crash)
{
    struct site *s = *state;

    begin(s, "settings");
    expect_number(&s->talk, "resources/list", "\"uri\":", 1);
    expect_answer(&s->talk, "resources/list", "{}", "\"uri\":\"config://settings\"");
    expect_number(&s->talk, "resources/templates/list", "\"uriTemplate\":", 0);
    site_crash(s);
    expect_read(&s->talk, "config://settings", "dark");
    expect_read(&s->talk, "config://settings", "\"contents\":[{\"uri\":\"config://settings\",");
}

OFFERS_TEST(a_resource_of_a_template_that_was_listed_is_read_after_a_crash)
{
    struct site *s = *state;

    begin(s, "greeting");
    expect_number(&s->talk, "resources/templates/list", "\"uriTemplate\":", 1);
    expect_answer(&s->talk, "resources/templates/list", "{}",
                  "\"uriTemplate\":\"greeting://{name}\"");
    expect_number(&s->talk, "resources/list", "\"uri\":", 0);
    site_crash(s);
    expect_read(&s->talk, "greeting://World", "\"text\":\"Hello, World!\"");
}

OFFERS_TEST(a_prompt_that_was_listed_is_got_after_a_crash)
{
    static const char text[] =
        "\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"Please write a "
        "warm, friendly greeting for someone named Alice.\"}}]";
    struct site *s = *state;

    begin(s, "plain");
    expect_answer(&s->talk, "prompts/list", "{}",
                  "\"arguments\":[{\"name\":\"name\",\"description\":\"whom\",\"required\":true},"
                  "{\"name\":\"style\",\"description\":\"how\",\"required\":false}]");
    site_crash(s);
    expect_prompt(&s->talk, "greet_user", "{\"name\":\"Alice\",\"style\":\"friendly\"}", text);
    expect_prompt(&s->talk, "greet_user", "{\"name\":\"Alice\"}", text);
}

OFFERS_TEST(a_uri_without_variables_is_no_template_whatever_its_scheme)
{
    struct site *s = *state;

    begin(s, "plain");
    expect_answer(&s->talk, "resources/list", "{}", "\"uri\":\"template://with-context\"");
    expect_answer(&s->talk, "resources/list", "{}", "\"uri\":\"template://no-params\"");
    expect_number(&s->talk, "resources/templates/list", "\"uriTemplate\":", 0);
    expect_read(&s->talk, "template://with-context", "\"with-context-data\"");
    expect_read(&s->talk, "template://no-params", "\"no-params-data\"");
    site_crash(s);
    expect_read(&s->talk, "template://with-context", "\"with-context-data\"");
}

static void expect_notified(const struct talk *t, const char *method, const char *params,
                            const char *notification, const char *part)
{
    struct ask a;

    ask_for(&a, t, method, "%s", params);
    assert_true(ask_finish(&a));
    ask_expect(&a, part);
    assert_int_equal(a.heard.n, 1);
    expect_part(a.heard.messages[0], notification);
    ask_end(&a);
}

OFFERS_TEST(resources_do_what_tools_do)
{
    struct site *s = *state;

    begin(s, "all");
    expect_read(&s->talk, "basic://config", "\"config-data\"");
    expect_read(&s->talk, "progress://test", "\"Processed test\"");
    expect_notified(&s->talk, "resources/read",
                    "{\"uri\":\"progress://data\",\"_meta\":{\"progressToken\":\"p\"}}",
                    "\"progressToken\":\"p\",\"progress\":0.5", "\"Processed data\"");
    expect_read(&s->talk, "logging://debug", "\"Logged at debug\"");
    expect_notified(&s->talk, "resources/read", "{\"uri\":\"logging://info\"}",
                    "\"data\":\"at info\"", "\"Logged at info\"");
    expect_read(&s->talk, "sync://data", "\"sync-data\"");
    site_crash(s);
    expect_read(&s->talk, "basic://config", "\"config-data\"");
}

OFFERS_TEST(prompts_do_what_tools_do)
{
    struct site *s = *state;
    char *answer;

    begin(s, "all");
    expect_prompt(&s->talk, "write_about", "{\"topic\":\"AI\"}", "\"Please write about AI\"");
    expect_notified(&s->talk, "prompts/get",
                    "{\"name\":\"progress\",\"arguments\":{\"task\":\"data\"},"
                    "\"_meta\":{\"progressToken\":1}}",
                    "\"progress\":0.5", "analyze data");
    expect_notified(&s->talk, "prompts/get",
                    "{\"name\":\"logging\",\"arguments\":{\"level\":\"debug\"}}",
                    "\"data\":\"prompting\"", "debug logging");
    answer = answer_to(&s->talk, "prompts/get", "{\"name\":\"steps\"}");
    assert_int_equal(n_parts(answer, "\"role\":"), 3);
    assert_int_equal(n_parts(answer, "\"role\":\"assistant\""), 1);
    expect_part(answer, "analyze the problem");
    expect_part(answer, "propose solutions");
    expect_part(answer, "evaluate trade-offs");
    mem_free(answer);
    site_crash(s);
    expect_prompt(&s->talk, "write_about", "{\"topic\":\"testing\"}", "about testing\"");
}

OFFERS_TEST(an_error_of_a_handler_is_an_answer)
{
    struct site *s = *state;

    begin(s, "all");
    expect_prompt(&s->talk, "broken", "{}",
                  "\"error\":{\"code\":-32603,\"message\":\"it is broken\"}");
    expect_read(&s->talk, "broken://one",
                "\"error\":{\"code\":-32603,\"message\":\"it is broken\","
                "\"data\":{\"uri\":\"broken://one\"}}");
    expect_read(&s->talk, "user://1", "\"contents\":[{\"uri\":\"user://1\",");
    expect_read(&s->talk, "user://2",
                "\"error\":{\"code\":-32002,\"message\":\"there is no user 2\","
                "\"data\":{\"uri\":\"user://2\"}}");
}

/* ---- under way ---- */

static void expect_resumed(struct site *s, struct ask *a)
{
    char log[512];
    struct stat st;

    assert_true(ask_hear(a, 1)); /* behind the step */
    ask_hear_id(a);
    site_crash(s);
    site_open_gate(s);
    ask_finish_anyhow(a);
    ask_expect(a, "\"text\":\"it ran\"");
    assert_int_equal(a->heard.n, 1);
    assert_int_equal(a->n_posts, 1);
    snprintf(log, sizeof(log), "%s.log", s->gate);
    assert_int_equal(stat(log, &st), 0);
    assert_int_equal(st.st_size, sizeof("ran\n") - 1);
    ask_end(a);
}

OFFERS_TEST(a_read_goes_on_behind_its_last_step_after_a_crash)
{
    struct site *s = *state;
    struct ask a;

    begin(s, "all");
    ask_for(&a, &s->talk, "resources/read",
            "{\"uri\":\"held://%s\",\"_meta\":{\"progressToken\":1}}", s->gate);
    expect_resumed(s, &a);
}

OFFERS_TEST(a_prompt_goes_on_behind_its_last_step_after_a_crash)
{
    struct site *s = *state;
    struct ask a;

    begin(s, "all");
    ask_for(&a, &s->talk, "prompts/get",
            "{\"name\":\"held\",\"arguments\":{\"gate\":\"%s\"},\"_meta\":{\"progressToken\":1}}",
            s->gate);
    expect_resumed(s, &a);
}

OFFERS_TEST(a_prompt_that_sleeps_wakes_after_a_crash)
{
    struct site *s = *state;
    struct ask a;

    begin(s, "all");
    ask_for(&a, &s->talk, "prompts/get", "{\"name\":\"later\",\"_meta\":{\"progressToken\":1}}");
    assert_true(ask_hear(&a, 1));
    site_crash(s);
    ask_finish_anyhow(&a);
    ask_expect(&a, "\"text\":\"It is later.\"");
    assert_int_equal(a.heard.n, 1);
    ask_end(&a);
}

/* ---- subscriptions ---- */

#define UPDATED(uri) "\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"" uri "\"}"

static void subscribe(const struct talk *t, const char *method, const char *uri)
{
    char *answer = answer_to(t, method, "{\"uri\":\"%s\"}", uri);

    expect_part(answer, "\"result\":{}");
    mem_free(answer);
}

static void touch(const struct talk *t, const char *uri)
{
    char *answer = answer_to(t, "tools/call",
                             "{\"name\":\"touch\",\"arguments\":{\"uri\":\"%s\"}}", uri);

    expect_part(answer, "touched");
    mem_free(answer);
}

/* The next message on the session's own stream. */
static void expect_told(const struct talk *t, const char *part)
{
    struct raw *r = talk_get(t, NULL);
    struct heard heard;

    heard_init(&heard);
    assert_true(talk_hear(r, &heard, 1));
    expect_part(heard.messages[0], part);
    heard_fini(&heard);
    raw_close(r);
}

OFFERS_TEST(a_subscription_holds_after_a_crash)
{
    struct site *s = *state;

    begin(s, "all");
    subscribe(&s->talk, "resources/subscribe", "user://1");
    site_crash(s);
    touch(&s->talk, "user://1");
    expect_told(&s->talk, UPDATED("user://1"));
}

OFFERS_TEST(an_update_is_told_to_all_who_subscribed_and_to_nobody_else)
{
    struct talk others[2];
    struct site *s = *state;

    begin(s, "all");
    for (int i = 0; i < 2; i++) {
        talk_begin(&others[i], s->server->port, "2025-06-18");
    }
    subscribe(&s->talk, "resources/subscribe", "user://1");
    subscribe(&others[0], "resources/subscribe", "user://1");
    subscribe(&others[1], "resources/subscribe", "user://2");
    site_crash(s);
    touch(&others[1], "user://1");
    touch(&others[1], "user://2");
    expect_told(&s->talk, UPDATED("user://1"));
    expect_told(&others[0], UPDATED("user://1"));
    expect_told(&others[1], UPDATED("user://2"));
}

OFFERS_TEST(a_subscription_that_was_ended_does_not_come_back_with_a_crash)
{
    struct site *s = *state;

    begin(s, "all");
    subscribe(&s->talk, "resources/subscribe", "user://1");
    subscribe(&s->talk, "resources/subscribe", "user://2");
    subscribe(&s->talk, "resources/unsubscribe", "user://1");
    site_crash(s);
    touch(&s->talk, "user://1");
    touch(&s->talk, "user://2");
    expect_told(&s->talk, UPDATED("user://2"));
}

OFFERS_TEST(an_update_that_nobody_heard_is_heard_after_a_crash)
{
    struct site *s = *state;

    begin(s, "all");
    subscribe(&s->talk, "resources/subscribe", "user://1");
    touch(&s->talk, "user://1");
    site_crash(s);
    expect_told(&s->talk, UPDATED("user://1"));
}

OFFERS_TEST(a_start_can_tell_who_subscribed_before_it)
{
    struct site *s = *state;

    begin(s, "all");
    subscribe(&s->talk, "resources/subscribe", "basic://config");
    proc_env(s->server, "TOUCH", "basic://config");
    site_crash(s);
    expect_told(&s->talk, UPDATED("basic://config"));
}

RUN_TESTS()
