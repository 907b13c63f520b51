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
#include "base/ids.h"
#include "engine/engine.h"
#include "store/store.h"

#define CALLS_PER_SESSION 1000
#define COMMANDS_PER_WRITE 256
#define CALLS_PER_MS 1
#define N_REPORTS 20

struct ager {
    struct store *store;
    struct engine *engine;
    struct batch rows;
    struct action_list out;
    struct err err;
    struct engine_time now;
    uint64_t position, longest_ns, sweep_ns;
    unsigned n_commands;
    struct id session;
    struct uuid7 uuids;
    char params[600];
};

static void check(struct ager *a, int rc)
{
    if (rc != DMCP_OK) {
        fprintf(stderr, "age: %s\n", a->err.text);
        exit(1);
    }
}

static void drop_actions(struct ager *a)
{
    struct mail *next;

    for (struct mail *m = a->out.first; m; m = next) {
        next = m->next;
        action_free(action_of(m));
    }
    action_list_init(&a->out);
}

static void write_rows(struct ager *a)
{
    check(a, store_write(a->store, &a->rows, &a->position, &a->err));
    batch_reset(&a->rows);
    check(a, engine_written(a->engine, &a->out, &a->err));
    drop_actions(a);
    a->n_commands = 0;
}

static void apply(struct ager *a, struct command *c)
{
    int rc = engine_apply(a->engine, a->now, c, &a->rows, &a->out, &a->err);

    if (rc == ENGINE_WRITE_FIRST) {
        write_rows(a);
        rc = engine_apply(a->engine, a->now, c, &a->rows, &a->out, &a->err);
    }
    check(a, rc);
    command_free(c);
    if (++a->n_commands == COMMANDS_PER_WRITE) {
        write_rows(a);
    }
}

static void open_session(struct ager *a)
{
    struct command *c = command_new(CMD_SESSION_OPEN);

    a->session = id_random();
    c->session = a->session;
    c->open.protocol_version = STR("2025-11-25");
    c->open.principal = STR("");
    c->open.client_info = STR("{\"name\":\"age\",\"version\":\"1\"}");
    c->open.capabilities = STR("{}");
    apply(a, c);
}

/* Parameters that do not compress much. */
static struct id start_call(struct ager *a, unsigned long i)
{
    struct command *c = command_new(CMD_CALL_START);
    struct id id;
    uint8_t random[10];
    char request_id[24];

    random_bytes(random, sizeof(random));
    for (size_t k = 0; k + ID_HEX_BYTES < sizeof(a->params); k += ID_HEX_BYTES) {
        id_to_hex(id_random(), a->params + k);
    }
    id = uuid7_next(&a->uuids, a->now.wall_ms, random);
    id.b[15] = a->session.b[15];
    snprintf(request_id, sizeof(request_id), "%lu", i);
    c->session = a->session;
    c->call = id;
    c->start.record = (struct call_record){
        .era = CALL_LEGACY,
        .method = CALL_TOOL,
        .session = a->session,
        .digest = digest_id(str_of(request_id)),
        .request_id = command_dup(c, str_of(request_id)),
        .name = STR("add"),
        .params = command_dup(c, str_of(a->params)),
    };
    apply(a, c);
    return id;
}

static void finish_call(struct ager *a, struct id id)
{
    struct command *c = command_new(CMD_STEP);

    c->call = id;
    c->step.op = STEP_OP_RECORD;
    c->step.guard = GUARD_AT_LEAST_ONCE;
    c->step.alias = STR("sum");
    c->step.body = STR("42");
    apply(a, c);
    c = command_new(CMD_CALL_DONE);
    c->call = id;
    c->done.outcome = OUTCOME_RESULT;
    c->done.body = STR("{\"content\":[{\"type\":\"text\",\"text\":\"42\"}],"
                       "\"structuredContent\":{\"result\":42},\"isError\":false}");
    apply(a, c);
}

static void sweep(struct ager *a)
{
    struct command *c;
    uint64_t began_ns, ns;

    if (engine_sweep_due(a->engine) > a->now.mono_ms) {
        return;
    }
    write_rows(a);
    began_ns = clock_mono_ns();
    c = command_new(CMD_SWEEP);
    c->sweep.n_looks = 500;
    c->sweep.n_deletions = 200;
    apply(a, c);
    write_rows(a);
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

    check(a, store_sync(a->store, a->position, &a->err));
    snprintf(path, sizeof(path), "%s/rocksdb", dir);
    printf("calls %lu, swept %llu: %llu MB on disk; sweeping took %.2f s, the longest command "
           "%.1f ms\n",
           n, (unsigned long long)engine_counts(a->engine).swept_calls, megabytes(path),
           (double)a->sweep_ns / 1e9, (double)a->longest_ns / 1e6);
    fflush(stdout);
    a->longest_ns = a->sweep_ns = 0;
}

static void age(struct ager *a, const char *dir, unsigned long n_calls)
{
    for (unsigned long i = 0; i < n_calls; i++) {
        if (i % CALLS_PER_SESSION == 0) {
            open_session(a);
        }
        finish_call(a, start_call(a, i));
        if (i % 40 == 39) {
            a->now.wall_ms += 40 / CALLS_PER_MS;
            a->now.mono_ms += 40 / CALLS_PER_MS;
            sweep(a);
        }
        if ((i + 1) % (n_calls / N_REPORTS) == 0) {
            write_rows(a);
            report(a, dir, i + 1);
        }
    }
}

int main(int argc, char **argv)
{
    struct engine_options options = { .max_calls = UINT32_MAX,
                                      .max_dispatched = UINT32_MAX,
                                      .max_dispatched_bytes = UINT64_MAX,
                                      .max_sessions = UINT32_MAX };
    struct ager a = { .n_commands = 0 };
    unsigned long n_calls;

    if (argc != 4 || (n_calls = strtoul(argv[2], NULL, 10)) < N_REPORTS) {
        fprintf(stderr, "usage: age DIR CALLS KEPT\n");
        return 2;
    }
    options.keep_calls_ms = options.session_idle_ms = strtoul(argv[3], NULL, 10) / CALLS_PER_MS;
    check(&a, store_open(argv[1], &a.store, &a.err));
    a.engine = engine_new(a.store, &options);
    a.now = (struct engine_time){ .wall_ms = clock_wall_ms(), .mono_ms = 1000 };
    batch_init(&a.rows);
    action_list_init(&a.out);
    age(&a, argv[1], n_calls);
    engine_free(a.engine);
    batch_fini(&a.rows);
    store_close(a.store);
    return 0;
}
