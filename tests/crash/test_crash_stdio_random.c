/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that does the work is killed at random moments, from its first on, while a host sends
 * one request after the other and waits for none. At the end each has its one answer, each event
 * was told once and in order, and the log shows that no guard was broken.
 *
 * CRASH_KILLS: how many kills (a tenth of it, 30 when it is not set). SEED: repeats a run's choices,
 * though not its timing.
 */
#include <signal.h>

#include "base/clock.h"
#include "harness.h"
#include "host.h"
#include "random.h"

#define MAX_CALLS 4000
#define MAX_OPEN 30
#define N_EVENTS 5
#define STABLE_MS 1100 /* behind which the supervisor does not pause */

enum kind { WALK_ONCE, WALK, EMIT, CHANGED, PEEK, LIST, N_KINDS };

struct world {
    struct host *host;
    struct random random;
    char *log;
    enum kind kinds[MAX_CALLS]; /* by request id */
    int n_calls;                /* ids from 1; 1 is initialize */
    pid_t worker, killed; /* the last ones */
    uint64_t worker_ms;   /* since when it is known */
    size_t n_answers, n_looked_at; /* of the lines heard */
    int n_kills;
};

static long from_environment(const char *name, long fallback)
{
    const char *text = getenv(name);

    return text && text[0] ? strtol(text, NULL, 10) : fallback;
}

/* ---- requests ---- */

static void begin_call(struct world *w)
{
    int id = ++w->n_calls;
    enum kind kind = (enum kind)random_below(&w->random, N_KINDS);

    assert_true(id < MAX_CALLS);
    w->kinds[id] = kind;
    switch (kind) {
    case WALK_ONCE:
    case WALK:
        host_call(w->host, id, "walk", "{\"id\":\"%d\",\"log\":\"%s\",\"n\":3,\"guard\":\"%s\"}", id,
                  w->log, kind == WALK ? "at_least_once" : "at_most_once");
        break;
    case EMIT:
    case PEEK:
        host_call(w->host, id, kind == EMIT ? "emit" : "peek", "{\"n\":%d,\"size\":%u}", N_EVENTS,
                  random_below(&w->random, 3000));
        break;
    case CHANGED:
        host_call(w->host, id, "emit", "{\"n\":%d,\"kind\":\"changed\"}", N_EVENTS);
        break;
    case LIST:
    case N_KINDS:
        host_say(w->host, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/list\"}", id);
        break;
    }
}

static size_t n_open(struct world *w)
{
    for (; w->n_looked_at < w->host->n_lines; w->n_looked_at++) {
        w->n_answers += strstr(w->host->lines[w->n_looked_at], "{\"jsonrpc\":\"2.0\",\"id\":") != NULL;
    }
    return (size_t)w->n_calls - w->n_answers;
}

/* ---- kills ---- */

static void find_worker(struct world *w)
{
    pid_t now = proc_worker(w->host->p);

    if (now && now != w->worker) {
        w->worker = now;
        w->worker_ms = clock_mono_ms();
    }
}

/* Three of four die young; then one lives long enough for the supervisor to forget them. */
static void kill_worker(struct world *w)
{
    find_worker(w);
    if (w->worker != w->killed &&
        (w->n_kills % 4 != 3 || clock_mono_ms() >= w->worker_ms + STABLE_MS)) {
        assert_int_equal(kill(w->worker, SIGKILL), 0);
        w->killed = w->worker;
        w->n_kills++;
    }
}

/* ---- what holds ---- */

static int count_in_log(const struct world *w, int id, int step)
{
    FILE *f = fopen(w->log, "r");
    char line[256], wanted[64];
    int n = 0;

    snprintf(wanted, sizeof(wanted), "%d %d\n", id, step);
    while (f && fgets(line, sizeof(line), f)) {
        n += strcmp(line, wanted) == 0;
    }
    if (f) {
        fclose(f);
    }
    return n;
}

static void check_walk(struct world *w, int id)
{
    const char *at = strstr(host_answer(w->host, id), "\"structuredContent\":{\"outcomes\":[");

    assert_non_null(at);
    at = strchr(at, '[') + 1;
    for (int step = 1; step <= 3; step++) {
        bool is_ok = strncmp(at, "\"ok\"", 4) == 0;
        int n = count_in_log(w, id, step);

        if (w->kinds[id] == WALK) {
            assert_true(is_ok && n >= 1);
        } else {
            assert_true(is_ok ? n == 1 : n <= 1);
        }
        at = strchr(at, ',') ? strchr(at, ',') + 1 : at;
    }
}

/* In the order in which they were sent, and the answer behind them. */
static void check_events(const struct world *w, int id)
{
    char text[64], answer[64];
    int next = 1;

    snprintf(answer, sizeof(answer), "{\"jsonrpc\":\"2.0\",\"id\":%d,", id);
    for (size_t i = 0; i < w->host->n_lines; i++) {
        snprintf(text, sizeof(text), "\"progressToken\":%d,\"progress\":", id);
        if (strstr(w->host->lines[i], text)) {
            snprintf(text, sizeof(text), "\"progressToken\":%d,\"progress\":%d.0,", id, next++);
            assert_non_null(strstr(w->host->lines[i], text));
        } else if (strncmp(w->host->lines[i], answer, strlen(answer)) == 0) {
            assert_int_equal(next, N_EVENTS + 1);
        }
    }
    assert_int_equal(next, N_EVENTS + 1);
}

static void check_all(struct world *w)
{
    size_t n_changed = 0;

    for (int id = 1; id <= w->n_calls; id++) {
        assert_int_equal(host_answers(w->host, id), 1);
        if (id == 1) {
            continue;
        }
        if (w->kinds[id] == WALK || w->kinds[id] == WALK_ONCE) {
            check_walk(w, id);
        } else if (w->kinds[id] == EMIT || w->kinds[id] == PEEK) {
            check_events(w, id);
        }
        n_changed += w->kinds[id] == CHANGED ? N_EVENTS : 0;
    }
    assert_int_equal(host_count(w->host, "tools/list_changed"), n_changed);
}

/* ---- the run ---- */

static void begin(struct world *w, uint64_t seed)
{
    static const char hello[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
        "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"x\",\"version\":\"1\"}}}\n"
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";

    *w = (struct world){ .host = host_new("tests/gates"), .random.state = seed, .n_calls = 1 };
    w->log = proc_path(w->host->p, "log");
    host_launch(w->host);
    host_write(w->host, hello, strlen(hello));
}

static void end(struct world *w)
{
    for (int id = 1; id <= w->n_calls; id++) {
        (void)host_answer(w->host, id);
    }
    while (host_count(w->host, "tools/list_changed") == 0) { /* what is told beside answers */
        begin_call(w);
        (void)host_answer(w->host, w->n_calls);
    }
    host_ping(w->host, 1000000);
    assert_int_equal(host_leave(w->host), 0);
    check_all(w);
    printf("# %d requests, %d kills\n", w->n_calls, w->n_kills);
    mem_free(w->log);
    host_free(w->host);
}

static void run(uint64_t seed, int n_kills)
{
    struct world w;

    begin(&w, seed);
    while (w.n_kills < n_kills) {
        if (n_open(&w) < MAX_OPEN && w.n_calls < MAX_CALLS / 2 && random_chance(&w.random, 50)) {
            begin_call(&w);
        } else {
            host_listen(w.host, (int)random_below(&w.random, 4));
        }
        if (random_chance(&w.random, 8)) {
            kill_worker(&w);
        }
    }
    end(&w);
}

TEST(crash_stdio, whatever_the_moments_at_which_workers_are_killed_the_host_notices_nothing)
{
    uint64_t seed = (uint64_t)from_environment("SEED", (long)(clock_wall_ms() % 1000000));
    int n_kills = (int)from_environment("CRASH_KILLS", 30) / 10 + 1;

    for (int i = 0; i < 4; i++) {
        printf("# SEED=%llu\n", (unsigned long long)seed);
        run(seed++, n_kills);
    }
}

RUN_TESTS()
