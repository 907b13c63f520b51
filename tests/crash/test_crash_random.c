/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills at random moments, of the whole server or of the process under its supervisor, and losses
 * of power, while calls of several sessions run and their clients come back as they like. What was
 * answered stays answered; at the end every call has its one answer, and the log shows that no guard
 * was broken.
 *
 * CRASH_KILLS: how many kills (30). SEED: repeats a run's choices, though not its timing.
 */
#include <signal.h>

#include "base/clock.h"
#include "harness.h"
#include "power.h"
#include "random.h"
#include "site.h"
#include "wait.h"

#define N_CLIENTS 4
#define STEPS "[%s{\"alias\":\"last\",\"guard\":\"at_least_once\"}]"

/* One client: a session, and one call after the other. */
struct client {
    struct talk talk;
    struct ask ask;
    bool is_asking;
    int id; /* of the request that runs or ran last */
    char *answer; /* to the last one that was answered; NULL: none */
};

struct world {
    struct site *site;
    struct random random;
    struct client clients[N_CLIENTS];
    int n_calls, n_kills;
    int n_attempted;
    long lost; /* bytes that were not on the disk when the power went */
};

static long from_environment(const char *name, long fallback)
{
    const char *text = getenv(name);

    return text && text[0] ? strtol(text, NULL, 10) : fallback;
}

/* ---- calls ---- */

static const char *const guards[] = { "at_least_once", "at_most_once", "map", "sleep", "elicit" };

static void forget_call(struct client *c)
{
    if (c->answer) {
        ask_end(&c->ask);
        mem_free(c->answer);
        c->answer = NULL;
    }
}

/* Two to five steps of random guards; what client and call they are of stands in the log. */
static void begin_call(struct world *w, int who)
{
    struct client *c = &w->clients[who];
    uint32_t n = 2 + random_below(&w->random, 4);
    char steps[1024] = "";
    size_t at = 0;

    for (uint32_t i = 0; i < n; i++) {
        at += (size_t)snprintf(steps + at, sizeof(steps) - at,
                               "{\"alias\":\"%u\",\"guard\":\"%s\",\"before_ms\":%u,\"after_ms\":%u},",
                               i, guards[random_below(&w->random, COUNT_OF(guards))],
                               random_below(&w->random, 8), random_below(&w->random, 12));
    }
    forget_call(c);
    c->id++;
    w->n_calls++;
    ask_begin(&c->ask, &c->talk, c->id, "run", "{\"id\":\"%d/%d\",\"log\":\"%s\",\"steps\":" STEPS "}",
              who, c->id, w->site->log, steps);
    c->ask.says = "\"result\":{\"action\":\"accept\",\"content\":{\"ok\":true}}";
    c->is_asking = true;
}

static int count(const struct world *w, int who, int id, const char *alias, size_t len)
{
    char line[64];

    snprintf(line, sizeof(line), "%d/%d %.*s", who, id, (int)len, alias);
    return site_count(w->site, line);
}

/* What the answer says of each step must agree with the log. */
static void check_answer(struct world *w, int who)
{
    struct client *c = &w->clients[who];
    const char *at = strstr(c->ask.heard.answer, "\"structuredContent\"");
    char *guard = mem_strdup(c->ask.body), *guard_at = guard;

    assert_non_null(at);
    while ((at = strstr(at, "\"alias\":\"")) && (guard_at = strstr(guard_at, "\"alias\":\""))) {
        const char *alias = at + strlen("\"alias\":\"");
        size_t len = strcspn(alias, "\"");
        bool is_ok = strncmp(alias + len, "\",\"outcome\":\"ok\"", 16) == 0;
        int n = count(w, who, c->id, alias, len);

        at = alias + len;
        guard_at = strstr(guard_at, "\"guard\":\"") + strlen("\"guard\":\"");
        if (strncmp(guard_at, "at_least_once", 13) == 0) {
            assert_true(is_ok);
            assert_true(n >= 1);
        } else if (strncmp(guard_at, "at_most_once", 12) == 0) {
            assert_true(is_ok ? n == 1 : n <= 1);
            w->n_attempted += !is_ok;
        } else {
            assert_true(is_ok);
        }
    }
    assert_true(count(w, who, c->id, "last", 4) >= 1);
    mem_free(guard);
}

/* The ask stays, to be repeated. */
static void end_call(struct world *w, int who)
{
    struct client *c = &w->clients[who];

    check_answer(w, who);
    ask_hang_up(&c->ask);
    c->is_asking = false;
    c->answer = mem_strdup(c->ask.heard.answer);
}

/* Its client sends the same request again, as one that has lost its memory. */
static void expect_same_answer(struct client *c)
{
    heard_fini(&c->ask.heard);
    heard_init(&c->ask.heard);
    c->ask.n_looked = 0;
    ask_finish_anyhow(&c->ask);
    assert_string_equal(c->ask.heard.answer, c->answer);
    ask_hang_up(&c->ask);
}

/* ---- what happens at random ---- */

/* A client comes back, or listens for a while, or hangs up in the middle of it. */
static void move_client(struct world *w, int who)
{
    struct client *c = &w->clients[who];

    if (!c->is_asking) {
        begin_call(w, who);
    } else if (random_chance(&w->random, 20)) {
        ask_hang_up(&c->ask);
    } else if (!c->ask.raw) {
        ask_again(&c->ask);
    } else if (ask_finish(&c->ask)) {
        end_call(w, who);
    } else {
        ask_hang_up(&c->ask);
    }
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void kill_something(struct world *w)
{
    pid_t worker;

    if (random_chance(&w->random, 50)) {
        worker = proc_worker(w->site->server);
        if (worker) { /* else it dies already */
            kill(worker, SIGKILL);
        }
    } else {
        site_crash(w->site);
    }
}

static void lose_power(struct world *w)
{
    w->lost += power_off(w->site->server, &w->random);
    proc_start(w->site->server);
}

static void run_world(struct world *w, void (*strike)(struct world *w))
{
    long n_kills = from_environment("CRASH_KILLS", 30);
    uint64_t seed = (uint64_t)from_environment("SEED", (long)(clock_wall_ms() & 0xffffff));

    printf("# SEED=%llu\n", (unsigned long long)seed);
    w->random.state = seed;
    proc_start(w->site->server);
    for (int i = 0; i < N_CLIENTS; i++) {
        talk_begin_as(&w->clients[i].talk, w->site->server->port,
                      i % 2 ? "2025-06-18" : "2025-11-25", "{\"elicitation\":{}}");
    }
    for (; w->n_kills < n_kills; w->n_kills++) {
        for (int i = 0; i < N_CLIENTS; i++) {
            move_client(w, i);
        }
        wait_until(never, NULL, random_below(&w->random, 40));
        strike(w);
        for (int i = 0; i < N_CLIENTS; i++) {
            if (w->clients[i].answer && random_chance(&w->random, 50)) {
                expect_same_answer(&w->clients[i]);
            }
        }
    }
    for (int i = 0; i < N_CLIENTS; i++) {
        if (w->clients[i].is_asking) {
            ask_finish_anyhow(&w->clients[i].ask);
            end_call(w, i);
        }
        forget_call(&w->clients[i]);
    }
    assert_int_equal(proc_stop(w->site->server), 0);
    printf("# %d kills, %d calls, %d steps cut short, %ld bytes lost\n", w->n_kills, w->n_calls,
           w->n_attempted, w->lost);
    assert_true(w->n_calls >= n_kills / 4);
    site_free(w->site);
}

TEST(random_kills, every_call_has_its_one_answer_and_no_guard_is_broken)
{
    struct world w = { .site = site_new("tests/torture") };

    run_world(&w, kill_something);
}

TEST(random_kills, a_loss_of_power_takes_nothing_that_was_answered_and_breaks_no_guard)
{
    struct world w = { .site = site_new("tests/torture_disk") };

    power_on(w.site->server);
    run_world(&w, lose_power);
    assert_true(w.lost > 0);
}

RUN_TESTS()
