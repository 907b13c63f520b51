/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server on stdin and stdout asks its host, and what becomes of it: pages, questions that the
 * host gives up, roots that change.
 */
#include "harness.h"
#include "host.h"

#define CAPABILITIES "{\"roots\":{\"listChanged\":true},\"elicitation\":{\"form\":{},\"url\":{}}}"

static int setup(void **state)
{
    struct host *h = host_new("tests/asks");

    h->capabilities = CAPABILITIES;
    host_start(h);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    host_free(*state);
    return 0;
}

#define ASKS_TEST(sentence) TEST_WITH(stdio, sentence, setup, teardown)

/* The id of the question in this line; the value of another member. */
static void member(const char *line, const char *name, char out[64])
{
    char key[40];
    const char *at;

    snprintf(key, sizeof(key), "\"%s\":\"", name);
    at = strstr(line, key);
    assert_non_null(at);
    at += strlen(key);
    snprintf(out, 64, "%.*s", (int)strcspn(at, "\""), at);
}

static void expect(const char *line, const char *text)
{
    if (!strstr(line, text)) {
        fail_msg("%s is not in %s", text, line);
    }
}

ASKS_TEST(a_question_that_the_host_gives_up_is_an_error_of_its_call)
{
    struct host *h = *state;
    char id[64];

    host_call(h, 2, "form", "{\"schema\":\"{\\\"type\\\":\\\"object\\\"}\"}");
    member(host_await(h, "elicitation/create"), "id", id);
    host_say(h,
             "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
             "\"params\":{\"requestId\":\"%s\",\"reason\":\"closed\"}}",
             id);
    expect(host_answer(h, 2), "the question was cancelled: closed");
}

ASKS_TEST(a_page_is_asked_for_and_the_host_is_told_when_the_user_is_done)
{
    struct host *h = *state;
    char id[64], page[64], told[200];

    host_call(h, 2, "page", "{}");
    member(host_await(h, "elicitation/create"), "id", id);
    member(host_await(h, "elicitation/create"), "elicitationId", page);
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":{\"action\":\"accept\"}}", id);
    snprintf(told, sizeof(told),
             "\"method\":\"notifications/elicitation/complete\","
             "\"params\":{\"elicitationId\":\"%s\"}",
             page);
    (void)host_await(h, told);
    expect(host_answer(h, 2), "accepted");
}

ASKS_TEST(a_page_that_comes_first_is_an_error_until_it_was_visited)
{
    struct host *h = *state;

    host_call(h, 2, "guarded", "{\"name\":\"Ann\"}");
    expect(host_answer(h, 2), "\"code\":-32042");
    host_call(h, 3, "visited", "{\"name\":\"Ann\"}");
    (void)host_answer(h, 3);
    host_call(h, 4, "guarded", "{\"name\":\"Ann\"}");
    expect(host_answer(h, 4), "welcome, Ann");
}

ASKS_TEST(roots_that_change_are_asked_for)
{
    struct host *h = *state;
    char id[64];

    host_say(h, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}");
    member(host_await(h, "\"method\":\"roots/list\""), "id", id);
    host_say(h,
             "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":{\"roots\":[{\"uri\":\"file:///n\"}]}}",
             id);
    host_call(h, 2, "known", "{}");
    expect(host_answer(h, 2), "file:///n");
}

/* Its host does not die with it, and remembers what it was asked. */
ASKS_TEST(roots_that_change_are_learnt_though_the_worker_dies)
{
    struct host *h = *state;
    char id[64];

    host_say(h, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}");
    member(host_await(h, "\"method\":\"roots/list\""), "id", id);
    host_crash(h);
    host_say(h,
             "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":{\"roots\":[{\"uri\":\"file:///n\"}]}}",
             id);
    host_call(h, 2, "known", "{}");
    expect(host_answer(h, 2), "file:///n");
    assert_int_equal(host_count(h, "\"method\":\"roots/list\""), 1);
}

RUN_TESTS()
