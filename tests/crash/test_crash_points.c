/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 at every fault point of the server, at its first passage, its second, and so on until
 * what is done is over before the point is reached so often.
 */
#include <signal.h>

#include "harness.h"
#include "site.h"

/* Every point of the source, in the order of their names, and in which call it is passed. */
#define POINTS(POINT)                                                                              \
    POINT("act.run.before", before_anything_leaves, PLAIN)                                         \
    POINT("body.after", behind_a_body, PLAIN)                                                      \
    POINT("body.before", before_a_body, PLAIN)                                                     \
    POINT("handler.after", behind_its_handler, PLAIN)                                              \
    POINT("handler.before", before_its_handler, PLAIN)                                             \
    POINT("map.written", behind_a_map_write, PLAIN)                                                \
    POINT("step.failed", behind_the_failure_of_a_step, FAILING)                                    \
    POINT("step.recorded", behind_the_record_of_a_step, PLAIN)                                     \
    POINT("step.reset", behind_the_reset_of_a_step, FAILING)                                       \
    POINT("store.sync.after", behind_a_sync, PLAIN)                                                \
    POINT("store.sync.before", before_a_sync, PLAIN)                                               \
    POINT("store.write.after", behind_a_write, PLAIN)                                              \
    POINT("store.write.before", before_a_write, PLAIN)                                             \
    POINT("until.watched", while_it_looks_at_its_condition_again, WAITING)

#define PLAIN "{\"alias\":\"wait\",\"guard\":\"sleep\",\"after_ms\":15}"
#define FAILING                                                                                    \
    "{\"alias\":\"final\",\"guard\":\"at_most_once\",\"fail\":\"final\"},"                         \
    "{\"alias\":\"shaky\",\"guard\":\"at_most_once\",\"fail\":\"retryable\"}"
#define WAITING "{\"alias\":\"entry\",\"guard\":\"until\"}"

#define NAME(point, sentence, steps) point,

static const char *const points[] = { POINTS(NAME) };

static int run_shell(const char *command)
{
    FILE *f = popen(command, "r");

    assert_non_null(f);
    return pclose(f);
}

TEST(points, each_one_that_fails_instead_of_killing_is_used_by_a_test)
{
    assert_int_equal(run_shell("for p in $(grep -rhoE 'FAULT_ERROR\\(\"[a-z.]+\"' src | cut -d'\"' -f2);"
                               "do grep -q \"$p:\" tests/crash/*.c || exit 1; done"),
                     0);
}

/* But for those that only --validate-effects passes: tests/e2e/test_validate.c. */
TEST(points, each_one_in_the_source_is_known_here)
{
    FILE *f = popen("grep -rhoE 'FAULT_POINT\\(\"[a-z.]+\"' src | cut -d'\"' -f2 |"
                    " grep -v '^validate' | LC_ALL=C sort -u", "r");
    char name[64];
    size_t n = 0;

    assert_non_null(f);
    for (; fgets(name, sizeof(name), f); n++) {
        name[strcspn(name, "\n")] = '\0';
        assert_true(n < COUNT_OF(points));
        assert_string_equal(name, points[n]);
    }
    assert_int_equal(pclose(f), 0);
    assert_int_equal(n, COUNT_OF(points));
}

/* ---- a call with steps of every kind ---- */

static int setup(void **state)
{
    struct site *s = site_new("tests/torture");

    *state = s;
    proc_option(s->server, "--no-supervisor", NULL);
    site_begin(s);
    assert_int_equal(proc_stop(s->server), 0);
    return 0;
}

static void begin(struct site *s, struct ask *a, int id, const char *steps)
{
    ask_begin(a, &s->talk, id, "run",
              "{\"id\":\"%d\",\"log\":\"%s\",\"steps\":["
              "{\"alias\":\"one\",\"guard\":\"at_least_once\"},{\"alias\":\"map\",\"guard\":\"map\"},"
              "%s,"
              "{\"alias\":\"two\",\"guard\":\"at_most_once\"},"
              "{\"alias\":\"three\",\"guard\":\"at_least_once\"}]}",
              id, s->log, steps);
}

/* What the call waits for, if it does, comes when the server is back. */
static void insert_entry(struct site *s, int id)
{
    struct ask a;

    ask_begin(&a, &s->talk, 10000 + id, "run",
              "{\"id\":\"%d\",\"log\":\"%s\",\"steps\":[{\"alias\":\"entry\",\"guard\":\"map\"}]}", id,
              s->log);
    ask_finish_anyhow(&a);
    ask_expect(&a, "{\"alias\":\"entry\",\"outcome\":\"ok\"}");
    ask_end(&a);
}

static int count(const struct site *s, int id, const char *alias)
{
    char line[64];

    snprintf(line, sizeof(line), "%d %s", id, alias);
    return site_count(s, line);
}

/* One crash repeats at most one body, and none under at-most-once. */
static void check_promises(const struct site *s, const struct ask *a, int id)
{
    int one = count(s, id, "one"), two = count(s, id, "two"), three = count(s, id, "three");

    ask_expect(a, "{\"steps\":[{\"alias\":\"one\",\"outcome\":\"ok\"},{\"alias\":\"map\",\"outcome\":"
                  "\"ok\"},");
    ask_expect(a, "{\"alias\":\"three\",\"outcome\":\"ok\"}]");
    assert_true(one >= 1 && three >= 1);
    assert_true(one + three <= 3);
    assert_true(count(s, id, "final") <= 1);
    assert_true(count(s, id, "shaky") <= 3 + 3); /* each life has its tries */
    if (strstr(a->heard.answer, "{\"alias\":\"two\",\"outcome\":\"ok\"}")) {
        assert_int_equal(two, 1);
    } else {
        ask_expect(a, "{\"alias\":\"two\",\"outcome\":\"attempted\"}");
        assert_true(two <= 1);
    }
}

/* What was answered before the crash is answered afterwards. */
static void check_answer(struct site *s, const char *answer, int id, const char *steps)
{
    struct ask again;

    begin(s, &again, id, steps);
    assert_true(ask_finish(&again));
    assert_string_equal(again.heard.answer, answer);
    ask_end(&again);
}

/* True when the server got to the n-th passage of the point, and so died. */
static bool crash_at(struct site *s, const char *point, int n, const char *steps)
{
    bool waits = strstr(steps, "\"until\"");
    struct ask a;
    char fault[64];
    bool is_alive;
    int status;

    snprintf(fault, sizeof(fault), "%s:%d", point, n);
    proc_fault(s->server, fault);
    is_alive = proc_try_start(s->server);
    begin(s, &a, n, steps);
    if (is_alive && waits && n > 1) { /* the call comes to its point once */
        insert_entry(s, n);
    }
    status = is_alive && ask_finish(&a) ? proc_stop(s->server) : proc_wait(s->server);
    assert_true(status == 0 || status == -SIGKILL);
    proc_fault(s->server, NULL);
    proc_start(s->server);
    if (waits && n == 1) {
        insert_entry(s, n);
    }
    ask_finish_anyhow(&a);
    check_promises(s, &a, n);
    check_answer(s, a.heard.answer, n, steps);
    assert_int_equal(proc_stop(s->server), 0);
    ask_end(&a);
    return status == -SIGKILL;
}

static void crash_at_each(struct site *s, const char *point, const char *steps)
{
    int n = 1;

    while (crash_at(s, point, n, steps)) {
        n++;
        assert_true(n < 200);
    }
    printf("# %s: %d times\n", point, n - 1);
    assert_true(n > 1);
}

#define POINT_TEST(point, sentence, steps)                                               \
    TEST_WITH(points, a_call_keeps_its_promises_when_killed_##sentence, setup, site_teardown) \
    {                                                                                    \
        crash_at_each(*state, point, steps);                                             \
    }

POINTS(POINT_TEST)

/* ---- what sessions were told ---- */

static const char init_body[] =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
    "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"x\",\"version\":\"1\"}}}";

/* The session's id, if the server lived long enough to tell it. */
static char *try_initialize(struct site *s)
{
    struct raw *r = raw_try_open(s->server->port);
    char *session = NULL;

    if (r) {
        raw_sendf(r, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nContent-Type: "
                     "application/json\r\nContent-Length: %zu\r\n\r\n%s",
                  strlen(init_body), init_body);
        if (raw_status(r) == 200) {
            session = raw_field(r, "Mcp-Session-Id", 0);
        }
        raw_close(r);
    }
    return session;
}

static int ping_status(const struct talk *t)
{
    struct raw *r = talk_post(t, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
    int status = raw_status(r);

    raw_close(r);
    return status;
}

/* True when the server died. */
static bool session_at(struct site *s, const char *point, int n)
{
    struct talk t = { .port = s->server->port, .version = "2025-11-25" };
    bool is_deleted = false;
    char fault[64], *session = NULL;
    struct raw *r;
    int status;

    snprintf(fault, sizeof(fault), "%s:%d", point, n);
    proc_fault(s->server, fault);
    if (proc_try_start(s->server) && (session = try_initialize(s))) {
        snprintf(t.session, sizeof(t.session), "%s", session);
        r = raw_try_open(t.port);
        if (r) {
            raw_sendf(r, "DELETE /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: %s\r\n\r\n",
                      session);
            is_deleted = raw_status(r) == 200;
            raw_close(r);
        }
    }
    status = proc_is_running(s->server) && is_deleted ? proc_stop(s->server) : proc_wait(s->server);
    proc_fault(s->server, NULL);
    proc_start(s->server);
    if (is_deleted) {
        assert_int_equal(ping_status(&t), 404);
    } else if (session) { /* told, and DELETE not answered: it may be carried out or not */
        status = ping_status(&t) == 200 || status == -SIGKILL ? status : 1;
    }
    assert_true(status == 0 || status == -SIGKILL);
    assert_int_equal(proc_stop(s->server), 0);
    mem_free(session);
    return status == -SIGKILL;
}

TEST_WITH(points, what_a_session_was_told_is_true_after_a_kill, setup, site_teardown)
{
    static const char *const where[] = { "store.write.before", "store.write.after",
                                         "store.sync.before", "store.sync.after",
                                         "act.run.before" };
    struct site *s = *state;

    for (size_t i = 0; i < COUNT_OF(where); i++) {
        int n = 1;

        while (session_at(s, where[i], n)) {
            n++;
        }
        assert_true(n > 1);
    }
}

RUN_TESTS()
