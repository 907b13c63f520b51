/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ages a store: calls start, finish, and are swept, at full speed under a clock that runs as it
 * is told, so that a day's load passes in minutes. Tells from time to time what is on disk, and
 * how long the longest command of the sweep took since.
 *
 *   age DIR CALLS KEPT       so many calls in all, the last so many of which are kept
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "feed.h"

#define CALLS_PER_SESSION 1000
#define CALLS_PER_MS 1
#define N_REPORTS 20

struct ager {
    struct feed feed;
    uint64_t longest_ns, sweep_ns;
};

/* Parameters that do not compress much. */
static struct id start_call(struct feed *f)
{
    char params[600];

    for (size_t k = 0; k + ID_HEX_BYTES < sizeof(params); k += ID_HEX_BYTES) {
        id_to_hex(id_random(), params + k);
    }
    return feed_start(f, "add", params);
}

static void sweep(struct ager *a)
{
    struct feed *f = &a->feed;
    struct command *c;
    uint64_t began_ns, ns;

    if (engine_sweep_due(f->engine) > f->now.mono_ms) {
        return;
    }
    feed_write(f);
    began_ns = clock_mono_ns();
    c = command_new(CMD_SWEEP);
    c->sweep.n_looks = 500;
    c->sweep.n_deletions = 200;
    feed_apply(f, c);
    feed_write(f);
    ns = clock_mono_ns() - began_ns;
    a->sweep_ns += ns;
    a->longest_ns = ns > a->longest_ns ? ns : a->longest_ns;
}

static unsigned long long megabytes(const char *dir)
{
    unsigned long long sum = 0;
    DIR *d = opendir(dir);
    struct dirent *entry;

    while (d && (entry = readdir(d))) {
        struct stat st;

        if (fstatat(dirfd(d), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode)) {
            sum += (unsigned long long)st.st_blocks * 512;
        }
    }
    if (d) {
        closedir(d);
    }
    return sum >> 20;
}

static void report(struct ager *a, const char *dir, unsigned long n)
{
    char path[4096];

    feed_write(&a->feed);
    feed_sync(&a->feed);
    snprintf(path, sizeof(path), "%s/rocksdb", dir);
    printf("calls %lu, swept %llu: %llu MB on disk; sweeping took %.2f s, the longest command "
           "%.1f ms\n",
           n, (unsigned long long)engine_counts(a->feed.engine).swept_calls, megabytes(path),
           (double)a->sweep_ns / 1e9, (double)a->longest_ns / 1e6);
    fflush(stdout);
    a->longest_ns = a->sweep_ns = 0;
}

static void age(struct ager *a, const char *dir, unsigned long n_calls)
{
    struct feed *f = &a->feed;

    for (unsigned long i = 0; i < n_calls; i++) {
        if (i % CALLS_PER_SESSION == 0) {
            feed_session(f);
        }
        feed_finish(f, start_call(f));
        if (i % 40 == 39) {
            f->now.wall_ms += 40 / CALLS_PER_MS;
            f->now.mono_ms += 40 / CALLS_PER_MS;
            sweep(a);
        }
        if ((i + 1) % (n_calls / N_REPORTS) == 0) {
            report(a, dir, i + 1);
        }
    }
}

int main(int argc, char **argv)
{
    struct engine_options options = feed_options();
    struct ager a = { .longest_ns = 0 };
    unsigned long n_calls;

    if (argc != 4 || (n_calls = strtoul(argv[2], NULL, 10)) < N_REPORTS) {
        fprintf(stderr, "usage: age DIR CALLS KEPT\n");
        return 2;
    }
    options.keep_calls_ms = options.session_idle_ms = strtoul(argv[3], NULL, 10) / CALLS_PER_MS;
    feed_open(&a.feed, "age", argv[1], &options);
    a.feed.now.mono_ms = 1000;
    age(&a, argv[1], n_calls);
    feed_close(&a.feed);
    return 0;
}
