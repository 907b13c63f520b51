/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers on stdin and stdout: lines, the beginning and the end of a session, and all that HTTP
 * serves. What happens when a process dies is in tests/crash/test_crash_stdio.c.
 */
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "harness.h"
#include "host.h"

static int setup(const char *program, void **state)
{
    struct host *h = host_new(program);

    *state = h;
    host_start(h);
    return 0;
}

static int gates(void **state)
{
    return setup("tests/gates", state);
}

static int offers(void **state)
{
    return setup("tests/offers", state);
}

static int everything(void **state)
{
    return setup("tests/everything", state);
}

static int teardown(void **state)
{
    host_free(*state);
    return 0;
}

#define GATES_TEST(sentence) TEST_WITH(stdio, sentence, gates, teardown)
#define OFFERS_TEST(sentence) TEST_WITH(stdio, sentence, offers, teardown)
#define EVERYTHING_TEST(sentence) TEST_WITH(stdio, sentence, everything, teardown)

static void expect(const char *line, const char *text)
{
    if (!strstr(line, text)) {
        fail_msg("%s is not in %s", text, line);
    }
}

/* ---- lines ---- */

GATES_TEST(each_answer_is_a_line_and_nothing_else_is_on_stdout)
{
    struct host *h = *state;

    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}");
    expect(host_answer(h, 2), "\"name\":\"walk\"");
    host_call(h, 3, "hold", "{}");
    expect(host_answer(h, 3), "held");
    assert_int_equal(host_leave(h), 0);
    assert_int_equal(h->n_lines, 3);
}

GATES_TEST(many_messages_in_one_piece_and_one_message_in_many_pieces_are_the_same)
{
    static const char two[] = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\n"
                              "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}\n";
    struct host *h = *state;

    host_write(h, two, strlen(two));
    (void)host_answer(h, 3);
    assert_int_equal(host_answers(h, 2), 1);
    for (size_t i = 0; i < strlen(two); i++) {
        host_write(h, two + i, 1);
    }
    host_ping(h, 4);
    assert_int_equal(host_answers(h, 2), 2);
    assert_int_equal(host_answers(h, 3), 2);
}

GATES_TEST(empty_lines_are_nothing_and_lines_may_end_in_crlf)
{
    static const char bytes[] = "\n\r\n  \t \n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\r\n\n";
    struct host *h = *state;

    host_write(h, bytes, strlen(bytes));
    (void)host_answer(h, 2);
    host_ping(h, 3);
    assert_int_equal(h->n_lines, 3);
}

GATES_TEST(the_last_line_needs_no_end)
{
    static const char bytes[] = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}";
    struct host *h = *state;

    host_write(h, bytes, strlen(bytes));
    assert_int_equal(host_leave(h), 0);
    assert_int_equal(host_answers(h, 2), 1);
}

GATES_TEST(what_is_no_message_is_answered_with_an_error_and_the_next_line_is_read)
{
    struct host *h = *state;

    host_say(h, "{\"jsonrpc\":\"2.0\",");
    expect(host_await(h, "-32700"), "\"id\":null");
    host_say(h, "[1,2]");
    expect(host_await(h, "-32600"), "batches are not part");
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":5}");
    expect(host_answer(h, 8), "-32600");
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"no/such\"}");
    expect(host_answer(h, 9), "-32601");
    host_ping(h, 10);
    assert_int_equal(h->n_lines, 6);
}

/* Of --max-body bytes, and of one more. */
TEST(stdio, a_line_that_is_too_long_gets_an_error_and_the_next_one_its_answer)
{
    static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\",\"params\":{\"a\":\"";
    static const char tail[] = "\"}}";
    struct host *h = host_new("tests/gates");
    char line[2002];

    proc_option(h->p, "--max-body", "2000");
    host_start(h);
    memset(line, 'x', sizeof(line));
    memcpy(line, head, strlen(head));
    memcpy(line + 2000 - strlen(tail), tail, strlen(tail));
    line[2000] = '\n';
    host_write(h, line, 2001);
    expect(host_answer(h, 2), "\"result\":{}");
    memset(line + 2000 - strlen(tail), 'x', strlen(tail) + 2);
    line[2001] = '\n';
    host_write(h, line, 2002);
    expect(host_await(h, "longer than 2000 bytes"), "-32600");
    for (int i = 0; i < 2000; i++) { /* and of very much more */
        host_write(h, line, 1000);
    }
    host_write(h, "\n", 1);
    host_ping(h, 3);
    assert_int_equal(host_count(h, "longer than 2000 bytes"), 2);
    host_free(h);
}

/* ---- the beginning ---- */

TEST(stdio, before_initialize_there_is_ping_and_nothing_else)
{
    struct host *h = host_new("tests/gates");

    host_launch(h);
    host_ping(h, 1);
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}");
    expect(host_answer(h, 2), "send initialize first");
    host_say(h, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"initialize\",\"params\":{}}");
    expect(host_answer(h, 3), "-32602");
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"initialize\",\"params\":{"
                "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
                "\"clientInfo\":{\"name\":\"x\",\"version\":\"1\"}}}");
    expect(host_answer(h, 4), "\"serverInfo\"");
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/list\"}");
    expect(host_answer(h, 5), "\"tools\"");
    assert_int_equal(h->n_lines, 5);
    host_free(h);
}

/* A host that does not wait for answers, like one that is a file. */
TEST(stdio, what_is_written_behind_initialize_waits_for_the_session)
{
    static const char all[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
        "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"x\",\"version\":\"1\"}}}\n"
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"}}\n"
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"initialize\",\"params\":{}}\n";
    struct host *h = host_new("tests/gates");

    host_launch(h);
    host_write(h, all, strlen(all));
    assert_int_equal(host_leave(h), 0);
    expect(host_answer(h, 1), "\"serverInfo\"");
    expect(host_answer(h, 2), "held");
    expect(host_answer(h, 3), "initialized already");
    assert_int_equal(h->n_lines, 3);
    host_free(h);
}

static void expect_version(const char *asked, const char *told)
{
    struct host *h = host_new("tests/gates");
    char text[64];

    h->version = asked;
    host_start(h);
    snprintf(text, sizeof(text), "\"protocolVersion\":\"%s\"", told);
    expect(host_answer(h, 1), text);
    host_call(h, 2, "emit", "{\"n\":2}");
    expect(host_answer(h, 2), "\"result\"");
    assert_int_equal(host_count(h, "notifications/progress"), 2);
    host_free(h);
}

TEST(stdio, each_revision_is_spoken_to_who_asks_for_it_and_the_latest_to_others)
{
    expect_version("2025-03-26", "2025-03-26");
    expect_version("2025-06-18", "2025-06-18");
    expect_version("2025-11-25", "2025-11-25");
    expect_version("2024-11-05", "2025-11-25");
}

TEST(stdio, a_batch_of_2025_03_26_is_answered_message_by_message)
{
    struct host *h = host_new("tests/gates");

    h->version = "2025-03-26";
    host_start(h);
    host_say(h, "[{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"},"
                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"},"
                "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{"
                "\"name\":\"emit\",\"arguments\":{\"n\":3},\"_meta\":{\"progressToken\":1}}},"
                "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":{"
                "\"name\":\"hold\"}}, 7]");
    expect(host_answer(h, 2), "{}");
    expect(host_answer(h, 3), "\"result\"");
    expect(host_answer(h, 4), "held");
    expect(host_await(h, "\"id\":null"), "-32600");
    assert_int_equal(host_leave(h), 0);
    assert_int_equal(h->n_lines, 1 + 4 + 3);
    host_free(h);
}

/* ---- what else is written ---- */

TEST(stdio, what_a_tool_and_its_libraries_print_goes_to_stderr)
{
    struct host *h = host_new("tests/chatter");

    host_start(h);
    host_call(h, 2, "chat", "{}");
    expect(host_answer(h, 2), "chatted");
    host_call(h, 3, "pretty", "{}");
    expect(host_answer(h, 3), "\"structuredContent\"");
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/list\"}");
    expect(host_answer(h, 4), "pretty");
    assert_int_equal(host_leave(h), 0); /* each line was looked at when it was heard */
    assert_int_equal(h->n_lines, 4);
    assert_true(proc_has_said(h->p, "chatter: by puts"));
    assert_true(proc_has_said(h->p, "chatter: by write"));
    assert_true(proc_has_said(h->p, "chatter: of a child"));
    assert_true(proc_has_said(h->p, "chatter: behind the end"));
    host_free(h);
}

/* ---- what is served ---- */

GATES_TEST(progress_comes_in_order_and_before_the_answer)
{
    struct host *h = *state;
    char text[32];

    host_call(h, 2, "emit", "{\"n\":50}");
    (void)host_answer(h, 2);
    assert_int_equal(h->n_lines, 52);
    for (int i = 1; i <= 50; i++) {
        snprintf(text, sizeof(text), "\"progress\":%d.0,", i);
        expect(h->lines[i], text);
    }
    host_call(h, 3, "peek", "{\"n\":3}"); /* an ephemeral tool's */
    (void)host_answer(h, 3);
    assert_int_equal(h->n_lines, 56);
}

GATES_TEST(a_log_message_comes_when_its_level_is_wanted)
{
    struct host *h = *state;

    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"logging/setLevel\",\"params\":{"
                "\"level\":\"error\"}}");
    host_call(h, 3, "emit", "{\"n\":2,\"kind\":\"log\"}");
    (void)host_answer(h, 3);
    assert_int_equal(host_count(h, "notifications/message"), 0);
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"logging/setLevel\",\"params\":{"
                "\"level\":\"info\"}}");
    host_call(h, 5, "emit", "{\"n\":2,\"kind\":\"log\"}");
    (void)host_answer(h, 5);
    assert_int_equal(host_count(h, "notifications/message"), 2);
}

GATES_TEST(a_cancelled_request_gets_no_answer)
{
    struct host *h = *state;
    char *gate = proc_path(h->p, "gate");

    host_call(h, 2, "emit", "{\"n\":5,\"at\":1,\"gate\":\"%s\"}", gate);
    (void)host_await(h, "notifications/progress");
    host_say(h, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                "\"requestId\":2}}");
    host_ping(h, 3);
    fclose(fopen(gate, "w"));
    assert_int_equal(host_leave(h), 0);
    assert_int_equal(host_answers(h, 2), 0);
    assert_int_equal(h->n_lines, 3);
    mem_free(gate);
}

OFFERS_TEST(prompts_and_resources_are_got_with_their_events)
{
    struct host *h = *state;

    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"prompts/get\",\"params\":{\"name\":"
                "\"progress\",\"arguments\":{\"task\":\"x\"},\"_meta\":{\"progressToken\":5}}}");
    expect(host_answer(h, 2), "Please analyze x");
    assert_int_equal(host_count(h, "notifications/progress"), 1);
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"resources/read\",\"params\":{\"uri\":"
                "\"basic://config\"}}");
    expect(host_answer(h, 3), "config-data");
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"resources/read\",\"params\":{\"uri\":"
                "\"no://such\"}}");
    expect(host_answer(h, 4), "-32002");
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"prompts/get\",\"params\":{\"name\":"
                "\"later\"}}");
    expect(host_answer(h, 5), "It is later.");
}

OFFERS_TEST(a_subscriber_is_told_of_an_update_once)
{
    struct host *h = *state;

    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/subscribe\",\"params\":{"
                "\"uri\":\"basic://config\"}}");
    host_call(h, 3, "touch", "{\"uri\":\"basic://config\"}");
    expect(host_await(h, "notifications/resources/updated"), "basic://config");
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"resources/unsubscribe\",\"params\":{"
                "\"uri\":\"basic://config\"}}");
    host_call(h, 5, "touch", "{\"uri\":\"basic://config\"}");
    (void)host_answer(h, 5);
    host_ping(h, 6);
    assert_int_equal(host_count(h, "notifications/resources/updated"), 1);
}

/* The id of a question as it stands in it, quotes included. */
static void question_id(const char *line, char id[64])
{
    const char *at = strstr(line, "\"id\":") + strlen("\"id\":");

    snprintf(id, 64, "%.*s", (int)strcspn(at, ","), at);
}

EVERYTHING_TEST(questions_to_the_host_are_answered_by_it)
{
    struct host *h = *state;
    char id[64];

    host_call(h, 2, "test_elicitation", "{\"message\":\"who?\"}");
    question_id(host_await(h, "elicitation/create"), id);
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"action\":\"accept\",\"content\":{"
                "\"username\":\"ada\",\"email\":\"a@b.c\",\"response\":\"yes\"}}}", id);
    expect(host_answer(h, 2), "accept");
    host_call(h, 3, "test_sampling", "{\"prompt\":\"say\"}");
    question_id(host_await(h, "sampling/createMessage"), id);
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-1,\"message\":\"no\"}}", id);
    expect(host_answer(h, 3), "\"isError\":true");
}

EVERYTHING_TEST(a_completion_and_a_closed_stream_are_answered)
{
    struct host *h = *state;

    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"completion/complete\",\"params\":{\"ref\":"
                "{\"type\":\"ref/prompt\",\"name\":\"test_prompt_with_arguments\"},"
                "\"argument\":{\"name\":\"arg1\",\"value\":\"t\"}}}");
    expect(host_answer(h, 2), "\"completion\"");
    host_call(h, 3, "test_reconnection", "{}"); /* there is nothing that it could close */
    expect(host_answer(h, 3), "\"result\"");
    host_call(h, 4, "test_trigger_tool_change", "{}");
    (void)host_await(h, "notifications/tools/list_changed");
}

/* ---- the end ---- */

GATES_TEST(what_was_asked_before_the_host_left_is_answered)
{
    struct host *h = *state;

    for (int id = 2; id < 50; id++) {
        host_call(h, id, "emit", "{\"n\":3}");
    }
    assert_int_equal(host_leave(h), 0);
    for (int id = 2; id < 50; id++) {
        assert_int_equal(host_answers(h, id), 1);
    }
    assert_int_equal(host_count(h, "notifications/progress"), 48 * 3);
}

static uint64_t leave_ms(struct host *h)
{
    uint64_t began = clock_mono_ms();

    assert_int_equal(host_leave(h), 0);
    return clock_mono_ms() - began;
}

TEST(stdio, a_tool_that_does_not_end_is_left_when_its_time_is_over)
{
    struct host *h = host_new("tests/gates");
    char *gate = proc_path(h->p, "gate");

    proc_option(h->p, "--stop-within", "1s");
    host_start(h);
    host_call(h, 2, "emit", "{\"n\":2,\"at\":1,\"gate\":\"%s\"}", gate);
    (void)host_await(h, "\"progress\":1.0,");
    assert_in_range(leave_ms(h), 900, 15000);
    assert_int_equal(host_answers(h, 2), 0);
    mem_free(gate);
    host_free(h);
}

TEST(stdio, who_left_is_not_waited_for_to_answer_a_question)
{
    struct host *h = host_new("tests/everything");

    proc_option(h->p, "--stop-within", "30s");
    host_start(h);
    host_call(h, 2, "test_elicitation", "{\"message\":\"who?\"}");
    (void)host_await(h, "elicitation/create");
    assert_in_range(leave_ms(h), 0, 10000);
    host_free(h);
}

GATES_TEST(sigterm_ends_it_in_order)
{
    struct host *h = *state;

    host_ping(h, 2);
    proc_signal(h->p, SIGTERM);
    host_read_to_end(h);
    assert_int_equal(proc_wait(h->p), 0);
}

GATES_TEST(a_host_that_closes_its_end_of_stdout_ends_it)
{
    struct host *h = *state;

    host_ping(h, 2);
    close(h->p->from);
    h->p->from = -1;
    assert_int_equal(proc_wait(h->p), 0);
}

TEST(stdio, it_does_without_a_port_and_not_without_its_supervisor)
{
    struct host *h = host_new("tests/gates");

    proc_option(h->p, "--listen", "256.0.0.1:1"); /* could not be bound */
    host_start(h);
    assert_int_equal(host_leave(h), 0);
    proc_option(h->p, "--no-supervisor", NULL);
    assert_int_equal(proc_run(h->p), 2);
    assert_true(proc_has_said(h->p, "--stdio needs the supervisor"));
    host_free(h);
}

/* By a shell, which can close what every other start leaves open. */
static int run_by_shell(struct host *h, const char *redirections)
{
    char command[1000];
    int status;

    snprintf(command, sizeof(command), "'%s' --stdio --store '%s' %s 2>'%s'", h->p->program,
             h->p->store, redirections, h->p->log);
    status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

TEST(stdio, a_descriptor_that_is_closed_is_named_and_devices_and_files_will_do)
{
    struct host *h = host_new("tests/gates");

    assert_int_equal(run_by_shell(h, "<&-"), 2);
    assert_true(proc_has_said(h->p, "cannot start: --stdio: stdin and stdout must be open"));
    assert_int_equal(run_by_shell(h, "</dev/null >&-"), 2);
    assert_true(proc_has_said(h->p, "cannot start: --stdio: stdin and stdout must be open"));
    assert_int_equal(run_by_shell(h, "</dev/null >/dev/null"), 0);
    assert_int_equal(run_by_shell(h, "<README.md >/dev/null"), 0);
    host_free(h);
}

RUN_TESTS()
