/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that wait for each other's writes, in a server that dies again and again: one wake-up that
 * is lost, or one write, and none of them comes to its end.
 */
#include <signal.h>

#include "harness.h"
#include "site.h"

#define PLACES 6
#define ROUNDS 600 /* more than the server's lives have time for */
#define LIVES 20

static const char *const points[] = { "until.watched", "map.written", "store.write.before",
                                      "store.write.after", "step.recorded", "handler.before" };

TEST(until, misses_no_write_of_another_call_though_the_server_dies_at_any_moment)
{
    struct site *s = site_new("tests/ring");
    struct ask asks[PLACES];
    char fault[64];

    proc_option(s->server, "--no-supervisor", NULL);
    site_begin(s);
    proc_kill(s->server);
    for (int life = 0; life < LIVES; life++) {
        snprintf(fault, sizeof(fault), "%s:%d", points[(size_t)life % COUNT_OF(points)],
                 50 + 7 * life);
        proc_fault(s->server, fault);
        proc_start(s->server);
        for (int i = 0; life == 0 && i < PLACES; i++) {
            ask_begin(&asks[i], &s->talk, 1 + i, "pass",
                      "{\"place\":%d,\"places\":%d,\"rounds\":%d}", i, PLACES, ROUNDS);
        }
        assert_int_equal(proc_wait(s->server), -SIGKILL);
    }
    proc_fault(s->server, NULL);
    proc_start(s->server);
    for (int i = 0; i < PLACES; i++) {
        ask_finish_anyhow(&asks[i]);
        ask_expect(&asks[i], "{\"passed\":600}");
        ask_end(&asks[i]);
    }
    site_free(s);
}

RUN_TESTS()
