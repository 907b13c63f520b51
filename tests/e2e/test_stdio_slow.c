/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts that do not read what is said to them, or say too much: neither costs memory without bound,
 * and all of it comes when they read.
 */
#include <poll.h>

#include "base/limits.h"
#include "harness.h"
#include "host.h"
#include "wait.h"
#include "lines.h"

#define N_CALLS 200
#define N_EVENTS 20

struct scene {
    struct host *host;
    char *log;
};

static struct scene begin(const char *option, const char *value)
{
    struct scene s = { .host = host_new("tests/gates") };

    s.log = proc_path(s.host->p, "log");
    if (option) {
        proc_option(s.host->p, option, value);
    }
    host_start(s.host);
    return s;
}

static void end(struct scene *s)
{
    mem_free(s->log);
    host_free(s->host);
}

static bool all_ended(void *arg)
{
    const struct scene *s = arg;

    return lines_count(s->log, NULL) == N_CALLS;
}

/* Of the supervisor, which holds what the host does not take. */
static long supervisor_kib(const struct proc *p)
{
    char path[64], line[256];
    long kib = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", p->pid);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            kib = strtol(line + 6, NULL, 10);
        }
    }
    if (f) {
        fclose(f);
    }
    return kib;
}

/* Sanitizers keep what was freed. */
static void expect_kib(long kib, long max_kib)
{
    const char *san = getenv("SAN");

    if (!san || !san[0]) {
        assert_in_range(kib, 1, max_kib);
    }
}

/* Each event once and in order, and the answer behind them. */
static void expect_all(struct host *h)
{
    int next[N_CALLS + 2] = { 0 }, id, progress;

    for (id = 2; id < 2 + N_CALLS; id++) {
        (void)host_answer(h, id);
    }
    for (size_t i = 0; i < h->n_lines; i++) {
        const char *params = strstr(h->lines[i], "{\"progressToken\":");

        if (params) {
            assert_int_equal(sscanf(params, "{\"progressToken\":%d,\"progress\":%d", &id, &progress), 2);
            assert_in_range(id, 2, N_CALLS + 1);
            assert_int_equal(progress, ++next[id]);
        } else if (sscanf(h->lines[i], "{\"jsonrpc\":\"2.0\",\"id\":%d", &id) == 1 && id > 1) {
            assert_in_range(id, 2, N_CALLS + 1);
            assert_int_equal(next[id]++, N_EVENTS);
        }
    }
    for (id = 2; id < 2 + N_CALLS; id++) {
        assert_int_equal(next[id], N_EVENTS + 1);
    }
}

/* 80 MB of events; all handlers have ended before the host reads the first. */
TEST(stdio_slow, a_host_that_does_not_read_costs_no_memory_and_gets_everything)
{
    struct scene s = begin(NULL, NULL);
    long before_kib = supervisor_kib(s.host->p), worker_kib = proc_peak_kib(s.host->p);

    s.host->is_deaf = true;
    for (int id = 2; id < 2 + N_CALLS; id++) {
        host_call(s.host, id, "emit", "{\"n\":%d,\"size\":20000,\"id\":\"x\",\"log\":\"%s\"}", N_EVENTS,
                  s.log);
    }
    assert_true(wait_until(all_ended, &s, WAIT_MS));
    expect_kib(supervisor_kib(s.host->p), before_kib + 8 * KIB);
    s.host->is_deaf = false;
    expect_all(s.host);
    expect_kib(supervisor_kib(s.host->p), before_kib + 8 * KIB);
    expect_kib(proc_peak_kib(s.host->p), worker_kib + 160 * KIB); /* most of it the store's */
    end(&s);
}

/* Written until the pipe takes no more for a while. */
TEST(stdio_slow, a_host_that_asks_and_does_not_listen_is_not_read_from)
{
    static const char ping[] = "{\"jsonrpc\":\"2.0\",\"id\":\"%07d\",\"method\":\"tools/list\"}\n";
    struct scene s = begin(NULL, NULL);
    long before_kib = supervisor_kib(s.host->p), worker_kib = proc_peak_kib(s.host->p);
    struct pollfd to = { .fd = s.host->p->to, .events = POLLOUT };
    char line[128];
    int n = 0;

    while (poll(&to, 1, 500) == 1) {
        int len = snprintf(line, sizeof(line), ping, n++);

        assert_int_equal(write(to.fd, line, (size_t)len), len);
    }
    assert_in_range(n, 100, 1000000);
    expect_kib(supervisor_kib(s.host->p), before_kib + 16 * KIB);
    expect_kib(proc_peak_kib(s.host->p), worker_kib + 32 * KIB);
    host_ping(s.host, 2);
    for (int i = 0; i < n; i++) {
        snprintf(line, sizeof(line), "\"id\":\"%07d\",\"result\"", i);
        assert_non_null(strstr(s.host->lines[1 + i], line));
    }
    end(&s);
}

TEST(stdio_slow, calls_are_refused_while_requests_of_too_many_bytes_wait)
{
    struct scene s = begin("--max-input", "20000");
    char *gate = proc_path(s.host->p, "gate"), *pad = mem_zalloc(5001);

    memset(pad, 'x', 5000);
    for (int id = 2; id < 8; id++) {
        host_call(s.host, id, "emit", "{\"n\":1,\"at\":1,\"gate\":\"%s\",\"id\":\"%s\"}", gate, pad);
    }
    assert_non_null(strstr(host_answer(s.host, 7), "too many requests wait"));
    host_ping(s.host, 8); /* what needs no call is answered */
    fclose(fopen(gate, "w"));
    for (int id = 2; id < 6; id++) {
        assert_non_null(strstr(host_answer(s.host, id), "\"result\""));
    }
    host_call(s.host, 9, "hold", "{}");
    assert_non_null(strstr(host_answer(s.host, 9), "held"));
    mem_free(pad);
    mem_free(gate);
    end(&s);
}

RUN_TESTS()
