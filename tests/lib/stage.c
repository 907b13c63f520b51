/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls played in one thread. See stage.h.
 */
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- the driver ---- */

static void set_pending(struct stage *s, const struct action *a)
{
    struct run *r = run_of(a);

    assert_null(s->pending);
    r->tool = tool_hold(&s->tool);
    s->pending = r;
}

static void cancel(struct stage *s, const struct action *a)
{
    struct run *run = s->running ? s->running : s->pending;

    if (run && id_eq(run->call, a->call)) {
        atomic_fetch_or(&run->told, a->dispatch.flags);
    }
}

static void deliver(struct stage *s, enum action_when when, struct mail *first)
{
    for (struct mail *m = first; m; m = m->next) {
        struct action *a = action_of(m);

        if (a->when != when) {
            continue;
        }
        if (a->kind == ACT_WAKE) {
            waiter_wake(a->waiter, a->code, a->text);
        } else if (a->kind == ACT_DISPATCH) {
            set_pending(s, a);
        } else if (a->kind == ACT_CANCEL) {
            cancel(s, a);
        }
    }
}

static bool has_durable(const struct mail *first)
{
    for (const struct mail *m = first; m; m = m->next) {
        if (action_of((struct mail *)m)->when == WHEN_DURABLE) {
            return true;
        }
    }
    return false;
}

void stage_drive(struct stage *s)
{
    struct err err = { 0 };
    struct mail *first, *next;

    rig_write(s->rig);
    first = s->rig->queue.first;
    action_list_init(&s->rig->queue);
    deliver(s, WHEN_VISIBLE, first);
    if (has_durable(first)) {
        assert_int_equal(store_sync(s->rig->store, s->rig->position, &err), DMCP_OK);
        s->n_syncs++;
    }
    deliver(s, WHEN_DURABLE, first);
    for (; first; first = next) {
        next = first->next;
        action_free(action_of(first));
    }
}

static void take_commands(void *arg)
{
    struct stage *s = arg;
    struct mail *m = mailbox_take(&s->commands), *next;

    for (; m; m = next) {
        struct command *c = CONTAINER_OF(m, struct command, mail);

        next = m->next;
        if (s->n_applied >= s->cut) {
            s->n_lost[c->kind]++;
            if (c->waiter) {
                waiter_wake(c->waiter, s->refusal, str_of(dmcp_strerror(s->refusal)));
            }
            command_free(c);
            continue;
        }
        s->n_applied++;
        s->n_commands[c->kind]++;
        rig_apply(s->rig, c);
        stage_drive(s);
    }
}

/* ---- life ---- */

struct stage *stage_new(void)
{
    struct stage *s = mem_zalloc(sizeof(*s));

    s->rig = rig_new();
    s->rig->options.max_calls = 1000;
    s->rig->options.max_dispatched_bytes = 64 * MIB;
    rig_restart(s->rig); /* with these options */
    mailbox_init(&s->commands, take_commands, s);
    mailbox_init(&s->io, NULL, NULL);
    waiter_init(&s->waiter);
    s->env = (struct call_env){
        .engine = &s->commands, .io = &s->io, .store = s->rig->store, .is_stopping = &s->is_stopping
    };
    s->tool = (struct tool){
        .method = CALL_TOOL, .name = STR("tool"), .fallbacks = STR("{}"), .n_holders = 1
    };
    s->cut = STAGE_NO_CUT;
    s->refusal = DMCP_E_STORE;
    return s;
}

static void drop_pending(struct stage *s)
{
    if (s->pending) {
        run_free(s->pending);
        s->pending = NULL;
    }
}

void stage_free(struct stage *s)
{
    drop_pending(s);
    mem_free(s->result);
    waiter_fini(&s->waiter);
    mailbox_fini(&s->io);
    mailbox_fini(&s->commands);
    rig_free(s->rig);
    mem_free(s);
}

int stage_setup(void **state)
{
    *state = stage_new();
    return 0;
}

int stage_teardown(void **state)
{
    stage_free(*state);
    return 0;
}

/* ---- calls ---- */

void stage_start_params(struct stage *s, dmcp_handler_fn *fn, void *context, const char *params)
{
    char request_id[16];
    struct command *c;

    snprintf(request_id, sizeof(request_id), "%u", ++s->n_calls);
    s->tool.handler = (struct call_handler){ fn, context };
    c = rig_start_command(s->rig, 0, request_id, params);
    c->start.log_level = s->log_level;
    c->start.client = s->client;
    c->start.timeout_ms = s->tool.timeout_ms = s->timeout_ms;
    s->call = c->call;
    rig_apply(s->rig, c);
    rig_commit(s->rig);
    stage_drive(s);
    assert_non_null(s->pending);
}

void stage_start(struct stage *s, dmcp_handler_fn *fn, void *context, const char *arguments)
{
    struct buf params;

    buf_init(&params, SIZE_MAX / 2);
    buf_addf(&params, "{\"name\":\"tool\",\"arguments\":%s}", arguments);
    stage_start_params(s, fn, context, params.data);
    buf_fini(&params);
}

void stage_attempt(struct stage *s)
{
    struct run *run = s->pending;

    assert_non_null(run);
    s->pending = NULL;
    s->running = run;
    s->n_applied = s->n_syncs = 0;
    memset(s->n_commands, 0, sizeof(s->n_commands));
    memset(s->n_lost, 0, sizeof(s->n_lost));
    call_execute(&s->env, &s->waiter, run);
    s->running = NULL;
    run_free(run);
}

void stage_crash(struct stage *s, size_t n_writes_to_keep)
{
    drop_pending(s);
    s->cut = STAGE_NO_CUT;
    atomic_store(&s->is_stopping, false);
    rig_crash(s->rig, n_writes_to_keep);
    assert_int_equal(rig_recover(s->rig, NULL), DMCP_OK);
    stage_drive(s);
}

static const char *keep(struct stage *s, struct str text)
{
    char *copy = mem_dup(text.p, text.len);

    mem_free(s->result);
    s->result = copy;
    return copy;
}

static bool read_row(struct stage *s, struct key k, struct buf *value)
{
    struct err err = { 0 };
    int rc;

    buf_init(value, SIZE_MAX / 2);
    rc = store_get(s->rig->store, key_str(&k), value, &err);
    assert_true(rc == DMCP_OK || rc == DMCP_E_NOTFOUND);
    return rc == DMCP_OK;
}

bool stage_is_finished(struct stage *s)
{
    return rig_has_id(s->rig, KEY_RESULT, s->call);
}

const char *stage_result(struct stage *s)
{
    struct result_record r = { .body = STR("") };
    struct buf value;

    if (read_row(s, key_of_id(KEY_RESULT, s->call), &value)) {
        assert_int_equal(result_record_dec(buf_str(&value), &r), DMCP_OK);
    }
    keep(s, r.body);
    buf_fini(&value);
    return s->result;
}

const char *stage_call(struct stage *s, dmcp_handler_fn *fn, void *context, const char *arguments)
{
    stage_start(s, fn, context, arguments);
    stage_attempt(s);
    return stage_result(s);
}

const char *stage_call_ephemeral(struct stage *s, dmcp_handler_fn *fn, void *context,
                                 const char *params)
{
    struct run *run = run_new(CALL_EPHEMERAL);
    struct mail *m, *next;
    struct buf all;

    s->tool.handler = (struct call_handler){ fn, context };
    run->tool = tool_hold(&s->tool);
    run->call = rig_id(s->rig);
    run->session = s->rig->session;
    run->peer = 7;
    run->request_id = STR("\"e\"");
    run->params = str_of(params);
    run->log_level = s->log_level;
    s->n_applied = s->n_syncs = 0;
    memset(s->n_commands, 0, sizeof(s->n_commands));
    memset(s->n_lost, 0, sizeof(s->n_lost));
    call_execute(&s->env, &s->waiter, run);
    run_free(run);
    buf_init(&all, SIZE_MAX / 2);
    for (m = mailbox_take(&s->io); m; m = next) {
        struct action *a = action_of(m);

        next = m->next;
        assert_int_equal(a->peer, 7);
        assert_int_equal(a->event.sequence, 0);
        assert_int_equal(a->kind, next ? ACT_EVENT : ACT_REPLY);
        buf_add_str(&all, a->text);
        if (next) {
            buf_addc(&all, '\n');
        } else {
            assert_int_equal(a->event.outcome, OUTCOME_RESULT);
            assert_true(str_eqz(a->event.request_id, "\"e\""));
        }
        action_free(a);
    }
    keep(s, buf_str(&all));
    buf_fini(&all);
    return s->result;
}

/* ---- rows ---- */

const char *stage_map_value(struct stage *s, const char *map, const char *key)
{
    const char *found = NULL;
    struct buf value;

    if (read_row(s, key_map(str_of(map), str_of(key)), &value)) {
        found = keep(s, buf_str(&value));
    }
    buf_fini(&value);
    return found;
}

static const char *event(struct stage *s, struct id stream, uint64_t i)
{
    const char *found = NULL;
    struct event_record r;
    struct buf value;

    if (read_row(s, key_event(stream, i), &value)) {
        assert_int_equal(event_record_dec(buf_str(&value), &r), DMCP_OK);
        found = keep(s, r.message);
    }
    buf_fini(&value);
    return found;
}

const char *stage_event(struct stage *s, uint64_t i)
{
    return event(s, s->call, i);
}

const char *stage_session_event(struct stage *s, uint64_t i)
{
    return event(s, s->rig->session, i);
}
