/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server on stdin and stdout that loses the process which does the work, at known places: the host
 * does not notice. And hosts that end, or lose the whole server, and start it again.
 */
#include <signal.h>

#include "harness.h"
#include "host.h"
#include "wait.h"
#include "lines.h"

static const char all_ok[] = "{\"outcomes\":[\"ok\",\"ok\",\"ok\"]}";

struct scene {
    struct host *host;
    char *gate, *log;
};

static int setup(const char *program, void **state)
{
    struct scene *s = mem_zalloc(sizeof(*s));

    s->host = host_new(program);
    s->gate = proc_path(s->host->p, "gate");
    s->log = proc_path(s->host->p, "log");
    host_start(s->host);
    *state = s;
    return 0;
}

static int gates(void **state)
{
    return setup("tests/gates", state);
}

static int torture(void **state)
{
    return setup("tests/torture", state);
}

static int teardown(void **state)
{
    struct scene *s = *state;

    host_free(s->host);
    mem_free(s->gate);
    mem_free(s->log);
    mem_free(s);
    return 0;
}

#define GATES_TEST(sentence) TEST_WITH(crash_stdio, sentence, gates, teardown)
#define TORTURE_TEST(sentence) TEST_WITH(crash_stdio, sentence, torture, teardown)

static void expect(const char *line, const char *text)
{
    if (!strstr(line, text)) {
        fail_msg("%s is not in %s", text, line);
    }
}

static void open_gate(const struct scene *s)
{
    fclose(fopen(s->gate, "w"));
}

static int count_in_log(const struct scene *s, const char *wanted)
{
    return lines_count(s->log, wanted);
}

struct awaited {
    const struct scene *scene;
    const char *line;
};

static bool is_in_log(void *arg)
{
    const struct awaited *a = arg;

    return count_in_log(a->scene, a->line) > 0;
}

static void await_in_log(const struct scene *s, const char *line)
{
    struct awaited a = { s, line };

    assert_true(wait_until(is_in_log, &a, WAIT_MS));
}

/* Three steps; the second waits at the gate. Then `key` is its idempotency key. */
static void begin_walk(struct scene *s, int id, const char *guard, const char *key)
{
    host_say(s->host,
             "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{\"name\":\"walk\","
             "\"arguments\":{\"id\":\"x\",\"log\":\"%s\",\"n\":3,\"guard\":\"%s\",\"at\":2,"
             "\"gate\":\"%s\"},\"_meta\":{\"mcp_tx\":{\"idempotency_key\":\"%s\"}}}}",
             id, s->log, guard, s->gate, key);
    await_in_log(s, "x 2");
}

/* ---- the process that does the work ---- */

GATES_TEST(a_call_within_which_the_worker_is_killed_is_answered_once)
{
    struct scene *s = *state;

    begin_walk(s, 2, "at_least_once", "k");
    host_crash(s->host);
    open_gate(s);
    expect(host_answer(s->host, 2), all_ok);
    host_ping(s->host, 3);
    assert_int_equal(host_leave(s->host), 0);
    assert_int_equal(s->host->n_lines, 3);
    assert_int_equal(count_in_log(s, "x 1"), 1);
    assert_int_equal(count_in_log(s, "x 2"), 2);
    assert_int_equal(count_in_log(s, "x 3"), 1);
}

GATES_TEST(a_step_at_most_once_that_was_cut_short_is_not_run_again)
{
    struct scene *s = *state;

    begin_walk(s, 2, "at_most_once", "k");
    host_crash(s->host);
    open_gate(s);
    expect(host_answer(s->host, 2), "{\"outcomes\":[\"ok\",\"attempted\",\"ok\"]}");
    assert_int_equal(count_in_log(s, "x 2"), 1);
}

static void emit(struct scene *s, int id, const char *tool, const char *kind)
{
    host_call(s->host, id, tool, "{\"n\":6,\"at\":3,\"gate\":\"%s\",\"kind\":\"%s\"}", s->gate, kind);
}

static void expect_progress(const struct host *h, int id)
{
    char text[64];
    size_t at = 0;

    for (int i = 1; i <= 6; i++) {
        snprintf(text, sizeof(text), "\"progressToken\":%d,\"progress\":%d.0,", id, i);
        assert_int_equal(host_count(h, text), 1);
        while (!strstr(h->lines[at], text)) { /* runs over the end when it stood earlier */
            assert_true(++at < h->n_lines);
        }
    }
}

GATES_TEST(progress_is_told_once_and_in_order_though_the_worker_is_killed)
{
    struct scene *s = *state;

    emit(s, 2, "emit", "progress");
    (void)host_await(s->host, "\"progress\":3.0,");
    host_crash(s->host);
    open_gate(s);
    (void)host_answer(s->host, 2);
    expect_progress(s->host, 2);
}

/* It runs from its beginning again, for nothing of it is on disk. */
GATES_TEST(so_is_that_of_an_ephemeral_tool)
{
    struct scene *s = *state;

    emit(s, 2, "peek", "progress");
    (void)host_await(s->host, "\"progress\":3.0,");
    host_crash(s->host);
    open_gate(s);
    (void)host_answer(s->host, 2);
    expect_progress(s->host, 2);
}

GATES_TEST(what_is_told_to_the_session_is_told_once)
{
    struct scene *s = *state;

    emit(s, 2, "emit", "changed");
    while (host_count(s->host, "list_changed") < 3) {
        host_ping(s->host, 100);
    }
    host_crash(s->host);
    open_gate(s);
    (void)host_answer(s->host, 2);
    while (host_count(s->host, "list_changed") < 6) {
        host_ping(s->host, 101);
    }
    host_crash(s->host);
    host_ping(s->host, 3);
    assert_int_equal(host_leave(s->host), 0);
    assert_int_equal(host_count(s->host, "list_changed"), 6);
}

/* The worker is stopped, so that it reads nothing of what is written; then it is killed. */
GATES_TEST(what_is_written_while_the_worker_dies_is_not_lost)
{
    struct scene *s = *state;
    pid_t worker = proc_worker(s->host->p);

    kill(worker, SIGSTOP);
    open_gate(s);
    for (int id = 2; id < 40; id++) {
        host_call(s->host, id, "hold", "{\"gate\":\"%s\"}", s->gate);
    }
    kill(worker, SIGKILL);
    for (int id = 2; id < 40; id++) {
        expect(host_answer(s->host, id), "held");
    }
    host_ping(s->host, 40);
    assert_int_equal(s->host->n_lines, 40);
}

GATES_TEST(a_request_that_was_cancelled_stays_without_answer_when_the_worker_is_killed)
{
    struct scene *s = *state;

    emit(s, 2, "emit", "progress");
    (void)host_await(s->host, "\"progress\":3.0,");
    host_say(s->host, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                      "\"requestId\":2}}");
    host_crash(s->host);
    host_ping(s->host, 3); /* the cancellation was taken by now */
    open_gate(s);
    assert_int_equal(host_leave(s->host), 0);
    if (host_answers(s->host, 2) > 0) {
        fail_msg("it was answered: %s", host_answer(s->host, 2));
    }
}

/* ---- tools that crash ---- */

TORTURE_TEST(a_tool_that_segfaults_is_answered_as_such_and_the_session_goes_on)
{
    struct scene *s = *state;

    host_call(s->host, 2, "run", "{\"id\":\"a\",\"log\":\"%s\",\"steps\":[{\"alias\":\"slow\",\"guard\":"
                                 "\"at_least_once\",\"after_ms\":500}]}", s->log);
    host_call(s->host, 3, "run", "{\"id\":\"b\",\"log\":\"%s\",\"steps\":[{\"alias\":\"bad\",\"guard\":"
                                 "\"at_least_once\",\"crash\":\"segv\"}]}", s->log);
    expect(host_answer(s->host, 3), "crashed the server 3 times");
    expect(host_answer(s->host, 2), "\"outcome\":\"ok\"");
    host_ping(s->host, 4);
    assert_int_equal(host_leave(s->host), 0);
    assert_int_equal(s->host->n_lines, 4);
    assert_int_equal(count_in_log(s, "b bad"), 3);
}

/* ---- questions ---- */

static void ask(struct scene *s, int id)
{
    host_call(s->host, id, "run", "{\"id\":\"q\",\"log\":\"%s\",\"steps\":[{\"alias\":\"ask\",\"guard\":"
                                  "\"elicit\"},{\"alias\":\"last\",\"guard\":\"at_most_once\"}]}", s->log);
}

static void answer(struct host *h, const char *question)
{
    const char *at = strstr(question, "\"id\":") + strlen("\"id\":");

    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"action\":\"accept\",\"content\":{"
                "\"ok\":true}}}", (int)strcspn(at, ","), at);
}

TORTURE_TEST(a_question_is_asked_once_and_may_be_answered_to_the_next_worker)
{
    struct scene *s = *state;

    ask(s, 2);
    (void)host_await(s->host, "elicitation/create");
    host_crash(s->host);
    host_ping(s->host, 3);
    answer(s->host, host_await(s->host, "elicitation/create"));
    expect(host_answer(s->host, 2), "{\"alias\":\"ask\",\"outcome\":\"ok\"}");
    assert_int_equal(host_leave(s->host), 0);
    assert_int_equal(s->host->n_lines, 4);
    assert_int_equal(count_in_log(s, "q last"), 1);
}

TORTURE_TEST(an_answer_that_is_on_its_way_when_the_worker_dies_arrives)
{
    struct scene *s = *state;
    pid_t worker;

    ask(s, 2);
    (void)host_await(s->host, "elicitation/create");
    worker = proc_worker(s->host->p);
    kill(worker, SIGSTOP);
    answer(s->host, host_await(s->host, "elicitation/create"));
    kill(worker, SIGKILL);
    expect(host_answer(s->host, 2), "{\"alias\":\"ask\",\"outcome\":\"ok\"}");
    assert_int_equal(host_count(s->host, "elicitation/create"), 1);
}

/* It belongs to no request of the host. */
TEST(crash_stdio, the_servers_own_question_may_be_answered_to_the_next_worker)
{
    struct host *h = host_new("tests/asks");
    const char *question, *at;

    h->capabilities = "{\"roots\":{\"listChanged\":true}}";
    host_start(h);
    host_say(h, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}");
    (void)host_await(h, "roots/list\"");
    host_crash(h);
    host_ping(h, 2);
    question = host_await(h, "roots/list\"");
    at = strstr(question, "\"id\":") + strlen("\"id\":");
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"roots\":[{\"uri\":\"file:///new\"}]}}",
             (int)strcspn(at, ","), at);
    (void)host_await(h, "notifications/resources/list_changed");
    host_call(h, 3, "known", "{}");
    expect(host_answer(h, 3), "file:///new");
    assert_int_equal(host_count(h, "roots/list\""), 1);
    host_free(h);
}

/* ---- hosts that end ---- */

/* The host is another one then, with a session of its own. */
static void restart(struct scene *s)
{
    host_start(s->host);
}

/* What `dmcp inspect calls` says of the only call. */
static void expect_inspected(const struct scene *s, const char *status)
{
    const char *build = getenv("BUILD");
    char command[1000], said[4000] = "";
    FILE *f;

    snprintf(command, sizeof(command), "'%s/dmcp' inspect calls --json --store '%s'",
             build ? build : "build", s->host->p->store);
    f = popen(command, "r");
    assert_non_null(f);
    assert_true(fread(said, 1, sizeof(said) - 1, f) > 0);
    assert_int_equal(pclose(f), 0);
    expect(said, "\"walk\"");
    expect(said, status);
}

GATES_TEST(a_host_that_left_within_a_call_finds_what_it_did_by_its_key)
{
    struct scene *s = *state;

    proc_option(s->host->p, "--stop-within", "100ms");
    assert_int_equal(host_leave(s->host), 0);
    restart(s);
    begin_walk(s, 2, "at_least_once", "k");
    assert_int_equal(host_leave(s->host), 0);
    assert_int_equal(host_answers(s->host, 2), 0);
    expect_inspected(s, "\"unfinished\"");
    open_gate(s);
    restart(s);
    begin_walk(s, 7, "at_least_once", "k");
    expect(host_answer(s->host, 7), all_ok);
    expect_inspected(s, "\"finished\""); /* by the server, which runs */
    assert_int_equal(count_in_log(s, "x 1"), 1);
    assert_int_equal(count_in_log(s, "x 3"), 1);
}

GATES_TEST(a_call_goes_on_at_the_next_start_though_nobody_asks_for_it)
{
    struct scene *s = *state;

    begin_walk(s, 2, "at_least_once", "k");
    proc_kill(s->host->p);
    open_gate(s);
    restart(s);
    await_in_log(s, "x 3");
    assert_int_equal(count_in_log(s, "x 1"), 1);
}

GATES_TEST(the_worker_dies_with_its_supervisor_and_what_was_answered_is_kept)
{
    struct scene *s = *state;
    char *gate = s->gate;

    s->gate = mem_strdup("");
    begin_walk(s, 2, "at_least_once", "k");
    (void)host_answer(s->host, 2);
    proc_kill(s->host->p);
    restart(s); /* it gets the store, which only one process can have */
    begin_walk(s, 2, "at_least_once", "k");
    expect(host_answer(s->host, 2), all_ok);
    assert_int_equal(count_in_log(s, "x 2"), 1);
    mem_free(s->gate);
    s->gate = gate;
}

/* The new host has a session of its own; the question went to the old one. */
TORTURE_TEST(a_question_that_nobody_answered_is_put_to_the_host_that_comes_with_the_key)
{
    static const char call[] =
        "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{\"name\":\"run\","
        "\"arguments\":{\"id\":\"q\",\"log\":\"%s\",\"steps\":[{\"alias\":\"ask\",\"guard\":\"elicit\"}]},"
        "\"_meta\":{\"mcp_tx\":{\"idempotency_key\":\"k\"}}}}";
    struct scene *s = *state;

    host_say(s->host, call, 2, s->log);
    (void)host_await(s->host, "elicitation/create");
    assert_int_equal(host_leave(s->host), 0);
    restart(s);
    host_say(s->host, call, 9, s->log);
    answer(s->host, host_await(s->host, "elicitation/create"));
    expect(host_answer(s->host, 9), "{\"alias\":\"ask\",\"outcome\":\"ok\"}");
}

/* There is nothing to go on with, and nobody could tell the host so. */
TEST(crash_stdio, a_server_that_keeps_nothing_ends_with_its_worker)
{
    struct host *h = host_new("tests/gates");

    mem_free(h->p->store);
    h->p->store = mem_strdup("memory:");
    host_start(h);
    kill(proc_worker(h->p), SIGKILL);
    host_read_to_end(h);
    assert_int_equal(proc_wait(h->p), 2);
    assert_true(proc_has_said(h->p, "did not keep it"));
    host_free(h);
}

RUN_TESTS()
