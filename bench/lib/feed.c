/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making rows. See feed.h.
 */
#include "feed.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/keys.h"

#define COMMANDS_PER_WRITE 512

static void check(struct feed *f, int rc)
{
    if (rc != DMCP_OK) {
        fprintf(stderr, "%s: %s\n", f->program, f->err.text);
        exit(1);
    }
}

struct engine_options feed_options(void)
{
    return (struct engine_options){ .max_calls = UINT32_MAX,
                                    .max_dispatched = UINT32_MAX,
                                    .max_dispatched_bytes = UINT64_MAX,
                                    .max_sessions = UINT32_MAX,
                                    .session_idle_ms = UINT64_MAX };
}

void feed_open(struct feed *f, const char *program, const char *dir,
               const struct engine_options *options)
{
    *f = (struct feed){ .program = program };
    f->now = (struct engine_time){ .wall_ms = clock_wall_ms(), .mono_ms = clock_mono_ms() };
    check(f, store_open(dir, &f->store, &f->err));
    f->engine = engine_new(f->store, options);
    batch_init(&f->rows);
    action_list_init(&f->out);
}

void feed_close(struct feed *f)
{
    feed_write(f);
    feed_sync(f);
    engine_free(f->engine);
    batch_fini(&f->rows);
    store_close(f->store);
}

/* Nobody is connected and there are no workers, so nothing is to be done. */
static void drop_actions(struct feed *f)
{
    struct mail *next;

    for (struct mail *m = f->out.first; m; m = next) {
        next = m->next;
        action_free(action_of(m));
    }
    action_list_init(&f->out);
}

void feed_write(struct feed *f)
{
    check(f, store_write(f->store, &f->rows, &f->position, &f->err));
    batch_reset(&f->rows);
    check(f, engine_written(f->engine, &f->out, &f->err));
    drop_actions(f);
    f->n_commands = 0;
}

void feed_sync(struct feed *f)
{
    check(f, store_sync(f->store, f->position, &f->err));
}

void feed_apply(struct feed *f, struct command *c)
{
    int rc = engine_apply(f->engine, f->now, c, &f->rows, &f->out, &f->err);

    if (rc == ENGINE_WRITE_FIRST) {
        feed_write(f);
        rc = engine_apply(f->engine, f->now, c, &f->rows, &f->out, &f->err);
    }
    check(f, rc);
    command_free(c);
    if (++f->n_commands == COMMANDS_PER_WRITE) {
        feed_write(f);
    }
}

void feed_session(struct feed *f)
{
    struct command *c = command_new(CMD_SESSION_OPEN);

    f->session = id_random();
    c->session = f->session;
    c->open.protocol_version = STR("2025-11-25");
    c->open.principal = STR("");
    c->open.client_info = STR("{\"name\":\"feed\",\"version\":\"1\"}");
    c->open.capabilities = STR("{}");
    feed_apply(f, c);
}

struct id feed_start(struct feed *f, const char *tool, const char *params)
{
    struct command *c = command_new(CMD_CALL_START);
    struct id call;
    uint8_t random[10];
    char request_id[ID_HEX_BYTES + 3] = "\"";

    random_bytes(random, sizeof(random));
    call = uuid7_next(&f->uuids, f->now.wall_ms, random);
    call.b[15] = f->session.b[15]; /* its shard (store/keys.h) */
    id_to_hex(call, request_id + 1);
    request_id[ID_HEX_BYTES + 1] = '"';
    request_id[ID_HEX_BYTES + 2] = '\0';
    c->session = f->session;
    c->call = call;
    c->start.record = (struct call_record){
        .era = CALL_LEGACY,
        .method = CALL_TOOL,
        .session = f->session,
        .digest = digest_id(str_of(params)),
        .request_id = command_dup(c, str_of(request_id)),
        .name = command_dup(c, str_of(tool)),
        .params = command_dup(c, str_of(params)),
    };
    feed_apply(f, c);
    return call;
}

void feed_finish(struct feed *f, struct id call)
{
    struct command *c = command_new(CMD_STEP);

    c->call = call;
    c->step.op = STEP_OP_RECORD;
    c->step.guard = GUARD_AT_LEAST_ONCE;
    c->step.alias = STR("sum");
    c->step.body = STR("42");
    feed_apply(f, c);
    c = command_new(CMD_CALL_DONE);
    c->call = call;
    c->done.outcome = OUTCOME_RESULT;
    c->done.body = STR("{\"content\":[{\"type\":\"text\",\"text\":\"42\"}],"
                       "\"structuredContent\":{\"result\":42},\"isError\":false}");
    feed_apply(f, c);
}

void feed_suspend(struct feed *f, struct id call, const char *signal, uint64_t timeout_ms)
{
    struct command *c = command_new(CMD_WAIT);
    struct buf alias;

    buf_init(&alias, SIZE_MAX / 2);
    key_signal_alias(&alias, str_of(signal));
    c->call = call;
    c->wait.alias = command_dup(c, buf_str(&alias));
    c->wait.label = STR("signal");
    c->wait.delay_ms = timeout_ms;
    c->wait.body = STR("");
    buf_fini(&alias);
    feed_apply(f, c);
    c = command_new(CMD_CALL_SUSPEND);
    c->call = call;
    feed_apply(f, c);
}
