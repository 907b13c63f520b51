/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that keep what is over for a moment: what clients see when it is gone.
 */
#include "harness.h"
#include "proc.h"
#include "talk.h"
#include "wait.h"
#include "lines.h"

static struct proc *start(const char *session_idle, const char *max_sessions)
{
    struct proc *p = proc_new("tests/gates");

    proc_option(p, "--keep-calls", "3s");
    proc_option(p, "--keep-keys", "3s");
    proc_option(p, "--session-idle", session_idle);
    proc_option(p, "--max-sessions", max_sessions);
    proc_start(p);
    return p;
}

/* Each run of the handler adds a line to the log. */
static void emit(const struct talk *t, const char *log, struct ask *a)
{
    ask_begin(a, t, 7, "emit", "{\"n\":2,\"id\":\"x\",\"log\":\"%s\"}", log);
    ask_finish_anyhow(a);
}

struct resumption {
    const struct talk *talk;
    const char *last_id;
};

static bool is_unknown(void *arg)
{
    const struct resumption *r = arg;
    struct raw *raw = talk_get(r->talk, r->last_id);
    int status = raw_status(raw);

    raw_close(raw);
    assert_true(status == 200 || status == 404);
    return status == 404;
}

TEST(retention, a_call_that_has_gone_has_no_stream_and_a_repeat_of_its_request_runs_anew)
{
    struct proc *p = start("7d", "10");
    char *log = proc_path(p, "log");
    struct talk t;
    struct ask first, second, third;
    struct resumption r;

    talk_begin(&t, p->port, "2025-11-25");
    emit(&t, log, &first);
    emit(&t, log, &second);
    assert_int_equal(lines_count(log, NULL), 1); /* the same call */
    r = (struct resumption){ &t, first.heard.last_id };
    assert_non_null(r.last_id);
    assert_true(wait_until(is_unknown, &r, WAIT_MS));
    emit(&t, log, &third);
    assert_int_equal(lines_count(log, NULL), 2);
    assert_string_equal(third.heard.answer, first.heard.answer);
    ask_end(&first);
    ask_end(&second);
    ask_end(&third);
    mem_free(log);
    proc_free(p);
}

TEST(retention, a_call_that_waits_outlives_those_that_have_ended_and_a_restart)
{
    struct proc *p = start("7d", "10");
    char *log = proc_path(p, "log"), *gate = proc_path(p, "gate");
    struct ask held, other;
    struct resumption r;
    struct talk t;
    FILE *f;

    talk_begin(&t, p->port, "2025-11-25");
    ask_begin(&held, &t, 1, "hold", "{\"gate\":\"%s\"}", gate);
    emit(&t, log, &other);
    r = (struct resumption){ &t, other.heard.last_id };
    assert_true(wait_until(is_unknown, &r, WAIT_MS));
    proc_kill(p);
    proc_start(p);
    f = fopen(gate, "w");
    assert_non_null(f);
    fclose(f);
    ask_finish_anyhow(&held);
    ask_expect(&held, "held");
    ask_end(&held);
    ask_end(&other);
    mem_free(log);
    mem_free(gate);
    proc_free(p);
}

static bool is_let_in(void *arg)
{
    static const char body[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
        "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"late\",\"version\":\"1\"}}}";
    const struct proc *p = arg;
    struct raw *raw = raw_open(p->port);
    int status;

    raw_sendf(raw, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                   "Accept: application/json, text/event-stream\r\nContent-Length: %zu\r\n\r\n%s",
              sizeof(body) - 1, body);
    status = raw_status(raw);
    raw_close(raw);
    assert_true(status == 200 || status == 503);
    return status == 200;
}

TEST(retention, a_session_that_nobody_uses_makes_room_for_another_and_its_client_gets_404)
{
    struct proc *p = start("1s", "1");
    struct talk t;
    struct raw *raw;

    talk_begin(&t, p->port, "2025-11-25");
    assert_true(wait_until(is_let_in, p, WAIT_MS));
    raw = talk_post(&t, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}");
    assert_int_equal(raw_status(raw), 404);
    raw_close(raw);
    proc_free(p);
}

TEST(retention, keys_that_outlive_their_calls_are_refused_at_the_start)
{
    struct proc *p = proc_new("tests/gates");

    proc_option(p, "--keep-calls", "1h");
    assert_int_equal(proc_run(p), 2);
    assert_true(proc_has_said(p, "--keep-keys is longer than --keep-calls"));
    proc_free(p);
}

RUN_TESTS()
