/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills a store with calls, so that a start over many of them can be measured. The engine itself
 * makes the rows, without clients, workers and syncs in between.
 *
 *   fill DIR FINISHED UNFINISHED            of the adder's tool `add`; the unfinished ones are spread
 *                                           evenly among the others, and have recorded nothing yet
 *   fill DIR suspended N FIFO               of the waiter's tool `hold`, which tells FIFO when it is
 *                                           woken: every other one has a timer, of an hour to a day.
 *                                           Prints the ids of a thousand of the rest
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"

#define CALLS_PER_SESSION 1000
#define HOUR_MS UINT64_C(3600000)
#define N_SHOWN 1000

static void fill(struct feed *f, unsigned long n_finished, unsigned long n_unfinished)
{
    unsigned long n = n_finished + n_unfinished, n_left = 0;

    for (unsigned long i = 0; i < n; i++) {
        struct id call;

        if (i % CALLS_PER_SESSION == 0) {
            feed_session(f);
        }
        call = feed_start(f, "add", "{\"name\":\"add\",\"arguments\":{\"a\":40,\"b\":2}}");
        if (n_left * n <= i * n_unfinished && n_left < n_unfinished) {
            n_left++;
        } else {
            feed_finish(f, call);
        }
    }
}

static void show(struct id call)
{
    char hex[ID_HEX_BYTES + 1];

    id_to_hex(call, hex);
    puts(hex);
}

/* A call has to run before it can wait, so they go in groups. */
static void fill_suspended(struct feed *f, unsigned long n, const char *fifo)
{
    struct id calls[CALLS_PER_SESSION];
    char params[512];
    size_t n_shown = 0;

    snprintf(params, sizeof(params), "{\"name\":\"hold\",\"arguments\":{\"fifo\":\"%s\"}}", fifo);
    for (unsigned long i = 0; i < n; i += CALLS_PER_SESSION) {
        feed_session(f);
        for (size_t k = 0; k < CALLS_PER_SESSION; k++) {
            calls[k] = feed_start(f, "hold", params);
        }
        feed_write(f);
        for (size_t k = 0; k < CALLS_PER_SESSION; k++) {
            bool has_timer = k % 2 == 1;

            feed_suspend(f, calls[k], "go", has_timer ? HOUR_MS + (i + k) * 23 * HOUR_MS / n : 0);
            if (k == 2 * (n_shown % 500) && n_shown < N_SHOWN) {
                show(calls[k]);
                n_shown++;
            }
        }
    }
}

int main(int argc, char **argv)
{
    const struct engine_options options = feed_options();
    struct feed f;

    if (argc == 5 && strcmp(argv[2], "suspended") == 0) {
        feed_open(&f, "fill", argv[1], &options);
        fill_suspended(&f, strtoul(argv[3], NULL, 10), argv[4]);
    } else if (argc == 4) {
        feed_open(&f, "fill", argv[1], &options);
        fill(&f, strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
    } else {
        fprintf(stderr, "usage: fill DIR FINISHED UNFINISHED | fill DIR suspended N FIFO\n");
        return 2;
    }
    feed_close(&f);
    return 0;
}
