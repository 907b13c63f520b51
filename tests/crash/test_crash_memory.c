/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that runs out of memory aborts, and starts again: what was answered is there, and what
 * was not goes on.
 *
 * OOM_STEP: how much later each life's memory ends than the one's before; 1 for every allocation.
 * Unless it is set, the steps get longer.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "harness.h"
#include "site.h"
#include "wait.h"

/* ---- at one allocation after the other ---- */

static const char *guard_of(int id)
{
    return id % 2 ? "at_least_once" : "at_most_once";
}

/* One crash repeats at most one body, and none under at-most-once. */
static void check_walk(const struct site *s, const struct ask *a, int id)
{
    int total = 0;
    char line[32];

    ask_expect(a, "[\"");
    for (int i = 1; i <= 3; i++) {
        int n;

        snprintf(line, sizeof(line), "%d %d", id, i);
        n = site_count(s, line);
        total += n;
        assert_true(id % 2 ? n >= 1 : n <= 1);
    }
    assert_true(total <= 4);
    if (id % 2) {
        ask_expect(a, "[\"ok\",\"ok\",\"ok\"]");
    }
}

/* True when the n-th allocation was reached, and so ended the server. */
static bool end_at_allocation(struct site *s, int n, int id)
{
    char fault[64];
    struct ask a, again;
    bool is_alive;
    int status;

    snprintf(fault, sizeof(fault), "mem.alloc:%d:enomem", n);
    proc_fault(s->server, fault);
    is_alive = proc_try_start(s->server);
    site_walk(s, &a, id, guard_of(id));
    status = is_alive && ask_finish(&a) ? proc_stop(s->server) : proc_wait(s->server);
    assert_true(status == 0 || status == -SIGABRT);
    assert_int_equal(proc_has_said(s->server, "out of memory: "), status != 0);
    proc_fault(s->server, NULL);
    proc_start(s->server);
    ask_finish_anyhow(&a);
    check_walk(s, &a, id);
    site_walk(s, &again, id, guard_of(id));
    assert_true(ask_finish(&again));
    assert_string_equal(again.heard.answer, a.heard.answer);
    assert_int_equal(proc_stop(s->server), 0);
    ask_end(&a);
    ask_end(&again);
    return status != 0;
}

TEST(memory, a_call_keeps_its_promises_wherever_memory_ends)
{
    struct site *s = site_new("tests/gates");
    const char *step = getenv("OOM_STEP");
    int n = 1, n_ends = 0;

    proc_option(s->server, "--no-supervisor", NULL);
    site_begin(s);
    assert_int_equal(proc_stop(s->server), 0);
    site_open_gate(s);
    while (end_at_allocation(s, n, n_ends + 1)) {
        n_ends++;
        n += step ? atoi(step) : 1 + n / 8;
    }
    printf("# it ended %d times, and not at allocation %d\n", n_ends, n);
    assert_true(n_ends > 20);
    site_free(s);
}

/* ---- for real ---- */

#define HEADROOM (32u << 20)

/* Its address space may grow by so much and no more. */
static void limit_memory(pid_t pid)
{
    struct rlimit limit;
    char path[64];
    unsigned long pages;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu", &pages), 1);
    fclose(f);
    limit.rlim_cur = limit.rlim_max = pages * (unsigned long)sysconf(_SC_PAGESIZE) + HEADROOM;
    assert_int_equal(prlimit(pid, RLIMIT_AS, &limit, NULL), 0);
}

/* The most of a body, which the server keeps until the rest comes. */
static struct raw *send_most(uint16_t port, const char *body, size_t n)
{
    struct raw *r = raw_try_open(port);
    struct timeval second = { .tv_sec = 1 };

    if (r) {
        setsockopt(r->fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
        raw_sendf(r, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", n + 1);
        for (size_t at = 0; at < n;) {
            ssize_t sent = send(r->fd, body + at, n - at, MSG_NOSIGNAL);

            if (sent < 0) {
                break; /* it has ended meanwhile */
            }
            at += (size_t)sent;
        }
    }
    return r;
}

TEST(memory, a_server_that_has_no_more_is_started_again_and_calls_go_on)
{
    enum { N_BODIES = 50, BODY = 4 * MIB - 1 };
    struct site *s = site_new("tests/gates");
    struct raw *bodies[N_BODIES] = { NULL };
    char *body = mem_zalloc(BODY);
    struct ask a;
    pid_t worker;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    mem_free(body);
    site_free(s);
    test_skip("a build without sanitizers");
#endif
    site_begin(s);
    site_walk(s, &a, 1, "at_least_once");
    ask_hear_id(&a);
    site_await(s, "1 2", 1);
    worker = proc_worker(s->server);
    limit_memory(worker);
    for (int i = 0; i < N_BODIES && proc_worker(s->server) == worker; i++) {
        bodies[i] = send_most(s->server->port, body, BODY);
    }
    proc_await_other_worker(s->server, worker);
    assert_true(proc_has_said(s->server, "out of memory: "));
    assert_true(proc_has_said(s->server, "died of signal 6"));
    assert_true(proc_has_said(s->server, "call=none"));
    for (int i = 0; i < N_BODIES; i++) {
        raw_close(bodies[i]);
    }
    site_open_gate(s);
    ask_finish_anyhow(&a);
    ask_expect(&a, "[\"ok\",\"ok\",\"ok\"]");
    site_expect_steps(s, 1, 1, 2, 1);
    ask_end(&a);
    mem_free(body);
    site_free(s);
}

RUN_TESTS()
