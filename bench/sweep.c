/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sweeps all finished calls out of a store that `fill` made, and tells how long a command of the
 * sweep took: that is what a call may have to wait for. Nothing else uses the store meanwhile.
 *
 *   sweep DIR LOOKS DELETIONS
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "feed.h"

#define MAX_COMMANDS 1000000
#define FAR_MS 100000000 /* everything is over */

struct sweeper {
    struct feed feed;
    uint64_t *times_ns;
    size_t n;
};

static void sweep_once(struct sweeper *s, uint32_t n_looks, uint32_t n_deletions)
{
    struct command *c = command_new(CMD_SWEEP);
    uint64_t began_ns = clock_mono_ns();

    s->feed.now.mono_ms = clock_mono_ms();
    c->sweep.n_looks = n_looks;
    c->sweep.n_deletions = n_deletions;
    feed_apply(&s->feed, c);
    if (s->feed.rows.n > 0) {
        feed_write(&s->feed);
        s->times_ns[s->n++] = clock_mono_ns() - began_ns;
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void show(struct sweeper *s)
{
    uint64_t n_calls = engine_counts(s->feed.engine).swept_calls, sum_ns = 0;

    for (size_t i = 0; i < s->n; i++) {
        sum_ns += s->times_ns[i];
    }
    if (s->n == 0 || n_calls == 0) {
        printf("nothing was swept\n");
        return;
    }
    qsort(s->times_ns, s->n, sizeof(*s->times_ns), compare);
    printf("calls %llu, %.1f us each; commands %zu: p50 %.2f ms, p99 %.2f ms, p999 %.2f ms, "
           "longest %.2f ms\n",
           (unsigned long long)n_calls, (double)sum_ns / 1e3 / (double)n_calls, s->n,
           (double)s->times_ns[s->n / 2] / 1e6, (double)s->times_ns[s->n * 99 / 100] / 1e6,
           (double)s->times_ns[s->n * 999 / 1000] / 1e6, (double)s->times_ns[s->n - 1] / 1e6);
}

int main(int argc, char **argv)
{
    struct engine_options options = feed_options();
    struct sweeper s = { .n = 0 };

    if (argc != 4) {
        fprintf(stderr, "usage: sweep DIR LOOKS DELETIONS\n");
        return 2;
    }
    options.keep_calls_ms = 1;
    feed_open(&s.feed, "sweep", argv[1], &options);
    s.feed.now.wall_ms += FAR_MS;
    s.times_ns = mem_zalloc_n(MAX_COMMANDS, sizeof(*s.times_ns));
    while (engine_sweep_due(s.feed.engine) <= clock_mono_ms() && s.n < MAX_COMMANDS) {
        sweep_once(&s, (uint32_t)strtoul(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10));
    }
    show(&s);
    feed_close(&s.feed);
    mem_free(s.times_ns);
    return 0;
}
