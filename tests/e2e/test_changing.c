/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that changes what it offers while it runs: what clients see of it, those that listen and
 * those that come back, and what becomes of calls whose tool is not there.
 */
#include <fcntl.h>

#include "harness.h"
#include "json/json.h"
#include "proc.h"
#include "talk.h"

struct scene {
    struct proc *server;
    struct talk talk;
    int n_requests;
};

static int open_scene(void **state)
{
    struct scene *s = mem_zalloc(sizeof(*s));

    s->server = proc_new("tests/changing");
    proc_option(s->server, "--page", "2");
    proc_start(s->server);
    talk_begin(&s->talk, s->server->port, "2025-11-25");
    *state = s;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *s = *state;

    proc_free(s->server);
    mem_free(s);
    return 0;
}

#define CHANGING_TEST(sentence) TEST_WITH(changing, sentence, open_scene, close_scene)

/* The answer's text; the caller frees it with mem_free. */
static char *answer_to(struct scene *s, const struct talk *t, const char *method,
                       const char *params)
{
    struct buf body;
    char *answer;

    buf_init(&body, SIZE_MAX / 2);
    buf_addf(&body, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}",
             ++s->n_requests, method, params);
    answer = talk_request(t, body.data);
    buf_fini(&body);
    return answer;
}

static void expect(struct scene *s, const char *method, const char *params, const char *part)
{
    char *answer = answer_to(s, &s->talk, method, params);

    if (!strstr(answer, part)) {
        printf("# %s\n", answer);
        fail_msg("%s answers without %s", method, part);
    }
    mem_free(answer);
}

static void do_thing(struct scene *s, const char *what, const char *kind, const char *name,
                     bool keep, const char *part)
{
    char params[256];

    snprintf(params, sizeof(params),
             "{\"name\":\"%s\",\"arguments\":{\"kind\":\"%s\",\"name\":\"%s\",\"keep\":%s}}", what,
             kind, name, keep ? "true" : "false");
    expect(s, "tools/call", params, part);
}

static void offer(struct scene *s, const char *kind, const char *name)
{
    do_thing(s, "offer", kind, name, false, "offered");
}

static void withdraw(struct scene *s, const char *kind, const char *name)
{
    do_thing(s, "withdraw", kind, name, false, "withdrawn");
}

static void crash(struct scene *s)
{
    proc_kill(s->server);
    proc_start(s->server);
}

/* The next messages on the session's own stream are these and no others: what is sent behind them
 * by a tool that stays would come next. */
static void expect_told(struct raw *r, size_t n, const char *const lists[])
{
    struct heard heard;

    heard_init(&heard);
    assert_true(talk_hear(r, &heard, n));
    for (size_t i = 0; i < n; i++) {
        char method[64];

        snprintf(method, sizeof(method), "notifications/%s/list_changed", lists[i]);
        assert_non_null(strstr(heard.messages[i], method));
    }
    heard_fini(&heard);
}

/* Listens from here on: the stream is open when this returns. */
static struct raw *listen_to(const struct talk *t)
{
    struct raw *r = talk_get(t, NULL);
    struct raw_event event;

    assert_int_equal(raw_status(r), 200);
    assert_true(raw_event(r, &event)); /* the priming one */
    return r;
}

/* ---- lists and calls ---- */

CHANGING_TEST(server_offers_what_a_handler_added_until_it_is_removed)
{
    struct scene *s = *state;

    offer(s, "tool", "new");
    expect(s, "tools/call", "{\"name\":\"new\"}", "this is new");
    do_thing(s, "offer", "tool", "new", false, "offered");
    withdraw(s, "tool", "new");
    expect(s, "tools/call", "{\"name\":\"new\"}", "Unknown tool: new");
    offer(s, "prompt", "new");
    expect(s, "prompts/get", "{\"name\":\"new\"}", "this is new");
    withdraw(s, "prompt", "new");
    expect(s, "prompts/get", "{\"name\":\"new\"}", "Unknown prompt: new");
    offer(s, "resource", "note://{id}");
    expect(s, "resources/read", "{\"uri\":\"note://1\"}", "this is note://{id}");
    withdraw(s, "resource", "note://{id}");
    expect(s, "resources/read", "{\"uri\":\"note://1\"}", "-32002");
}

CHANGING_TEST(lists_are_read_right_while_threads_change_them)
{
    struct scene *s = *state;
    struct raw *churn = talk_post(&s->talk, "{\"jsonrpc\":\"2.0\",\"id\":\"churn\",\"method\":"
                                            "\"tools/call\",\"params\":{\"name\":\"churn\","
                                            "\"arguments\":{\"rounds\":3000}}}");
    struct heard heard;

    for (int i = 0; i < 200; i++) { /* pages of two */
        expect(s, "tools/list", "{}", "\"offer\"");
        expect(s, "tools/call", "{\"name\":\"churn\",\"arguments\":{\"rounds\":0}}", "\"0\"");
    }
    heard_init(&heard);
    while (talk_hear_one(churn, &heard) && !heard.answer) {
    }
    assert_non_null(strstr(heard.answer, "\"0\""));
    heard_fini(&heard);
    raw_close(churn);
    expect(s, "tools/call", "{\"name\":\"churn-1\"}", "Unknown tool");
}

static char *next_cursor(struct scene *s, const char *params, const char *part)
{
    char *answer = answer_to(s, &s->talk, "tools/list", params);
    struct str cursor;
    yyjson_doc *doc;
    struct err e;
    char *copy;

    assert_non_null(strstr(answer, part));
    assert_int_equal(json_read(str_of(answer), &doc, &e), DMCP_OK);
    cursor = json_get_str(json_get(yyjson_doc_get_root(doc), "result"), "nextCursor");
    copy = cursor.p ? mem_dup(cursor.p, cursor.len) : NULL;
    yyjson_doc_free(doc);
    mem_free(answer);
    return copy;
}

CHANGING_TEST(cursor_leads_on_when_its_entry_is_removed_and_others_come)
{
    struct scene *s = *state;
    char *cursor, params[128];

    offer(s, "tool", "a");
    cursor = next_cursor(s, "{}", "\"withdraw\"");
    snprintf(params, sizeof(params), "{\"cursor\":\"%s\"}", cursor);
    mem_free(cursor);
    cursor = next_cursor(s, params, "\"churn\"");
    assert_null(cursor);
    offer(s, "tool", "b");
    cursor = next_cursor(s, params, "\"a\"");
    snprintf(params, sizeof(params), "{\"cursor\":\"%s\"}", cursor);
    mem_free(cursor);
    withdraw(s, "tool", "a");
    assert_null(next_cursor(s, params, "\"b\""));
    crash(s); /* a stood where nothing stands now */
    expect(s, "tools/list", params, "-32602");
}

/* ---- who is told ---- */

CHANGING_TEST(lists_are_told_to_all_who_listen)
{
    struct scene *s = *state;
    struct raw *one = listen_to(&s->talk), *two;
    struct talk other;

    talk_begin(&other, s->server->port, "2025-11-25");
    two = listen_to(&other);
    offer(s, "tool", "new");
    expect_told(one, 1, (const char *const[]){ "tools" });
    expect_told(two, 1, (const char *const[]){ "tools" });
    offer(s, "prompt", "new");
    expect_told(one, 1, (const char *const[]){ "prompts" });
    expect_told(two, 1, (const char *const[]){ "prompts" });
    offer(s, "resource", "note://{id}");
    expect_told(one, 1, (const char *const[]){ "resources" });
    withdraw(s, "resource", "note://{id}");
    expect_told(one, 1, (const char *const[]){ "resources" });
    raw_close(one);
    raw_close(two);
}

CHANGING_TEST(lists_are_told_once_to_who_comes_back)
{
    struct scene *s = *state;
    struct raw *r = listen_to(&s->talk);
    const char *const lists[] = { "tools", "prompts", "resources" };

    raw_close(r);
    offer(s, "tool", "a");
    offer(s, "tool", "b");
    withdraw(s, "tool", "a");
    offer(s, "prompt", "p");
    r = talk_get(&s->talk, NULL);
    expect_told(r, 2, lists);
    offer(s, "resource", "note://1");
    expect_told(r, 1, lists + 2); /* nothing between */
    raw_close(r);
}

/* Before it listens to anything, too. */
CHANGING_TEST(lists_are_told_to_who_knows_them_from_its_beginning)
{
    struct scene *s = *state;
    struct raw *r;

    offer(s, "tool", "a");
    r = talk_get(&s->talk, NULL);
    expect_told(r, 1, (const char *const[]){ "tools" });
    raw_close(r);
}

CHANGING_TEST(lists_are_told_after_a_crash_if_they_differ)
{
    struct scene *s = *state;
    struct raw *r = listen_to(&s->talk);

    do_thing(s, "offer", "prompt", "kept", true, "offered");
    expect_told(r, 1, (const char *const[]){ "prompts" });
    offer(s, "tool", "lost");
    expect_told(r, 1, (const char *const[]){ "tools" });
    raw_close(r);
    crash(s);
    expect(s, "prompts/list", "{}", "kept");
    expect(s, "tools/call", "{\"name\":\"lost\"}", "Unknown tool");
    r = talk_get(&s->talk, NULL);
    expect_told(r, 1, (const char *const[]){ "tools" });
    offer(s, "resource", "note://1");
    expect_told(r, 1, (const char *const[]){ "resources" }); /* and not of prompts */
    raw_close(r);
}

/* ---- calls without their tool ---- */

static void open_gate(const char *gate)
{
    int fd = open(gate, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
}

CHANGING_TEST(tool_that_is_removed_finishes_the_call_that_runs)
{
    struct scene *s = *state;
    char *gate = proc_path(s->server, "gate");
    struct ask a;

    offer(s, "tool", "new");
    ask_begin(&a, &s->talk, 900, "new", "{\"gate\":\"%s\"}", gate);
    ask_hear_id(&a);
    withdraw(s, "tool", "new");
    open_gate(gate);
    assert_true(ask_finish(&a));
    ask_expect(&a, "this is new");
    ask_end(&a);
    mem_free(gate);
}

static void ask_the_same(struct scene *s, const char *params, const char *part)
{
    int n = s->n_requests;

    expect(s, "tools/call", params, part);
    s->n_requests = n; /* the next one has the same id */
}

CHANGING_TEST(tool_that_is_removed_leaves_the_answers_to_what_was_asked)
{
    struct scene *s = *state;

    offer(s, "tool", "new");
    ask_the_same(s, "{\"name\":\"new\"}", "this is new");
    s->n_requests++;
    withdraw(s, "tool", "new");
    s->n_requests -= 2;
    ask_the_same(s, "{\"name\":\"new\"}", "this is new");
    ask_the_same(s, "{\"name\":\"new\",\"arguments\":{\"ms\":1}}", "Unknown tool: new");
    crash(s);
    ask_the_same(s, "{\"name\":\"new\"}", "this is new");
    s->n_requests += 2;
    expect(s, "tools/call", "{\"name\":\"new\"}", "Unknown tool: new");
}

/* Its first request was for a call that still runs. */
CHANGING_TEST(tool_that_is_removed_can_be_asked_for_again_by_who_lost_the_connection)
{
    struct scene *s = *state;
    char *gate = proc_path(s->server, "gate");
    struct ask a;

    offer(s, "tool", "new");
    ask_begin(&a, &s->talk, 900, "new", "{\"gate\":\"%s\"}", gate);
    ask_hear_id(&a);
    ask_hang_up(&a);
    withdraw(s, "tool", "new");
    mem_free(a.heard.last_id);
    a.heard.last_id = NULL; /* it has heard nothing, and sends its request again */
    assert_true(ask_again(&a));
    ask_hear_id(&a);
    open_gate(gate);
    assert_true(ask_finish(&a));
    ask_expect(&a, "this is new");
    ask_end(&a);
    mem_free(gate);
}

CHANGING_TEST(tool_that_is_removed_keeps_the_call_that_sleeps_until_it_is_added)
{
    struct scene *s = *state;
    struct ask a;

    offer(s, "tool", "new");
    ask_begin(&a, &s->talk, 900, "new", "{\"ms\":100}");
    ask_hear_id(&a);
    withdraw(s, "tool", "new");
    proc_await_said(s->server, "a call of tool new is unfinished");
    offer(s, "tool", "new");
    assert_true(ask_finish(&a));
    ask_expect(&a, "this is new");
    ask_end(&a);
}

CHANGING_TEST(tool_that_a_restart_lacks_finishes_its_call_when_it_is_added)
{
    struct scene *s = *state;
    char *gate = proc_path(s->server, "gate");
    struct ask a;

    offer(s, "tool", "new");
    ask_begin(&a, &s->talk, 900, "new", "{\"gate\":\"%s\"}", gate);
    ask_hear_id(&a);
    crash(s);
    open_gate(gate);
    proc_await_said(s->server, "a call of tool new is unfinished");
    offer(s, "tool", "new");
    ask_finish_anyhow(&a);
    ask_expect(&a, "this is new");
    ask_end(&a);
    mem_free(gate);
}

RUN_TESTS()
