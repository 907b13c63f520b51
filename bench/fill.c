/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills a store with calls of the adder's tool `add`, so that a start over many of them can be
 * measured. The engine itself makes the rows, without clients, workers and syncs in between.
 *
 *   fill DIR FINISHED UNFINISHED
 *
 * The unfinished calls are spread evenly among the finished ones; they have been started and have
 * recorded nothing yet.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/ids.h"
#include "engine/engine.h"
#include "store/store.h"

#define CALLS_PER_SESSION 1000
#define COMMANDS_PER_WRITE 512

struct filler {
    struct store *store;
    struct engine *engine;
    struct batch rows;
    struct action_list out;
    struct err err;
    uint64_t position;
    unsigned n_commands;
    struct id session;
    struct uuid7 uuids;
};

static void check(struct filler *f, int rc)
{
    if (rc != DMCP_OK) {
        fprintf(stderr, "fill: %s\n", f->err.text);
        exit(1);
    }
}

static struct engine_time now(void)
{
    return (struct engine_time){ .wall_ms = clock_wall_ms(), .mono_ms = clock_mono_ms() };
}

/* Nobody is connected and there are no workers, so nothing is to be done. */
static void drop_actions(struct filler *f)
{
    struct mail *next;

    for (struct mail *m = f->out.first; m; m = next) {
        next = m->next;
        action_free(action_of(m));
    }
    action_list_init(&f->out);
}

static void write_rows(struct filler *f)
{
    check(f, store_write(f->store, &f->rows, &f->position, &f->err));
    batch_reset(&f->rows);
    check(f, engine_written(f->engine, &f->out, &f->err));
    drop_actions(f);
    f->n_commands = 0;
}

/* Takes the command. */
static void apply(struct filler *f, struct command *c)
{
    int rc = engine_apply(f->engine, now(), c, &f->rows, &f->out, &f->err);

    if (rc == ENGINE_WRITE_FIRST) {
        write_rows(f);
        rc = engine_apply(f->engine, now(), c, &f->rows, &f->out, &f->err);
    }
    check(f, rc);
    command_free(c);
    if (++f->n_commands == COMMANDS_PER_WRITE) {
        write_rows(f);
    }
}

static void open_session(struct filler *f)
{
    struct command *c = command_new(CMD_SESSION_OPEN);

    f->session = id_random();
    c->session = f->session;
    c->open.protocol_version = STR("2025-11-25");
    c->open.principal = STR("");
    c->open.client_info = STR("{\"name\":\"fill\",\"version\":\"1\"}");
    c->open.capabilities = STR("{}");
    apply(f, c);
}

static struct id start_call(struct filler *f, unsigned long i)
{
    struct command *c = command_new(CMD_CALL_START);
    struct id id;
    uint8_t random[10];
    char request_id[24];

    random_bytes(random, sizeof(random));
    id = uuid7_next(&f->uuids, clock_wall_ms(), random);
    id.b[15] = f->session.b[15]; /* its shard (store/keys.h) */
    snprintf(request_id, sizeof(request_id), "%lu", i);
    c->session = f->session;
    c->call = id;
    c->start.record = (struct call_record){
        .era = CALL_LEGACY,
        .method = CALL_TOOL,
        .session = f->session,
        .digest = digest_id(str_of(request_id)),
        .request_id = command_dup(c, str_of(request_id)),
        .name = STR("add"),
        .params = STR("{\"name\":\"add\",\"arguments\":{\"a\":40,\"b\":2}}"),
    };
    apply(f, c);
    return id;
}

static void finish_call(struct filler *f, struct id id)
{
    struct command *c = command_new(CMD_STEP);

    c->call = id;
    c->step.op = STEP_OP_RECORD;
    c->step.guard = GUARD_AT_LEAST_ONCE;
    c->step.alias = STR("sum");
    c->step.body = STR("42");
    apply(f, c);
    c = command_new(CMD_CALL_DONE);
    c->call = id;
    c->done.outcome = OUTCOME_RESULT;
    c->done.body = STR("{\"content\":[{\"type\":\"text\",\"text\":\"42\"}],"
                       "\"structuredContent\":{\"result\":42},\"isError\":false}");
    apply(f, c);
}

static void fill(struct filler *f, unsigned long n_finished, unsigned long n_unfinished)
{
    unsigned long n = n_finished + n_unfinished, n_left = 0;

    for (unsigned long i = 0; i < n; i++) {
        struct id id;

        if (i % CALLS_PER_SESSION == 0) {
            open_session(f);
        }
        id = start_call(f, i);
        if (n_left * n <= i * n_unfinished && n_left < n_unfinished) {
            n_left++;
        } else {
            finish_call(f, id);
        }
    }
    write_rows(f);
    check(f, store_sync(f->store, f->position, &f->err));
}

int main(int argc, char **argv)
{
    const struct engine_options options = { .max_calls = UINT32_MAX,
                                            .max_dispatched = UINT32_MAX,
                                            .max_dispatched_bytes = UINT64_MAX,
                                            .max_sessions = UINT32_MAX,
                                            .session_idle_ms = UINT64_MAX };
    struct filler f = { .n_commands = 0 };

    if (argc != 4) {
        fprintf(stderr, "usage: fill DIR FINISHED UNFINISHED\n");
        return 2;
    }
    check(&f, store_open(argv[1], &f.store, &f.err));
    f.engine = engine_new(f.store, &options);
    batch_init(&f.rows);
    action_list_init(&f.out);
    fill(&f, strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
    engine_free(f.engine);
    batch_fini(&f.rows);
    store_close(f.store);
    return 0;
}
