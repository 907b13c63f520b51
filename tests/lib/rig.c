/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine driven by hand: life, death, actions. See rig.h; commands and rows are in
 * rig_command.c and rig_rows.c.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define START_MS UINT64_C(1699000000000)

static void start_engine(struct rig *r)
{
    r->engine = engine_new(r->store, &r->options);
    batch_init(&r->rows);
    action_list_init(&r->queue);
}

struct rig *rig_new(void)
{
    struct rig *r = mem_zalloc(sizeof(*r));
    struct command *open;

    r->store = store_memory_new();
    r->options = (struct engine_options){ .max_calls = 10,
                                          .max_dispatched = 5,
                                          .max_dispatched_bytes = 1000,
                                          .max_sessions = 4,
                                          .session_idle_ms = RIG_IDLE_MS,
                                          .key_ms = RIG_KEY_MS,
                                          .prime_ms = RIG_PRIME_MS,
                                          .cancelled = STR(RIG_CANCELLED) };
    buf_init(&r->row, SIZE_MAX / 2);
    r->now = (struct engine_time){ .wall_ms = START_MS, .mono_ms = 1000 };
    start_engine(r);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK); /* as every process does */
    r->session = rig_id(r);
    open = command_new(CMD_SESSION_OPEN);
    open->session = r->session;
    open->open.protocol_version = STR("2025-06-18");
    open->open.principal = STR("ann");
    open->open.client_info = STR("{}");
    open->open.capabilities = STR("{}");
    rig_apply(r, open);
    rig_commit(r);
    return r;
}

static void free_mail(struct mail *m)
{
    while (m) {
        struct mail *next = m->next;

        action_free(action_of(m));
        m = next;
    }
}

static void stop_engine(struct rig *r)
{
    engine_free(r->engine);
    batch_fini(&r->rows);
    free_mail(r->queue.first);
    action_list_init(&r->queue);
}

void rig_free(struct rig *r)
{
    stop_engine(r);
    free_mail(r->seen);
    buf_fini(&r->row);
    store_close(r->store);
    mem_free(r);
}

int rig_setup(void **state)
{
    *state = rig_new();
    return 0;
}

int rig_teardown(void **state)
{
    rig_free(*state);
    return 0;
}

struct id rig_id(struct rig *r)
{
    static const uint8_t zeros[10];
    struct id id = uuid7_next(&r->uuids, r->now.wall_ms, zeros);

    id.b[15] = 0x5a;
    return id;
}

void rig_pass(struct rig *r, uint64_t ms)
{
    r->now.wall_ms += ms;
    r->now.mono_ms += ms;
}

/* ---- the driver's duties ---- */

void rig_apply(struct rig *r, struct command *c)
{
    struct err err = { 0 };
    int rc = engine_apply(r->engine, r->now, c, &r->rows, &r->queue, &err);

    if (rc == ENGINE_WRITE_FIRST) {
        r->n_write_first++;
        rig_write(r);
        rc = engine_apply(r->engine, r->now, c, &r->rows, &r->queue, &err);
    }
    if (rc != DMCP_OK) {
        fail_msg("engine_apply: %d %s", rc, err.text);
    }
    command_free(c);
}

void rig_write(struct rig *r)
{
    struct err err = { 0 };

    assert_int_equal(store_write(r->store, &r->rows, &r->position, &err), DMCP_OK);
    batch_reset(&r->rows);
    assert_int_equal(engine_written(r->engine, &r->queue, &err), DMCP_OK);
}

void rig_commit(struct rig *r)
{
    struct err err = { 0 };

    rig_write(r);
    assert_int_equal(store_sync(r->store, r->position, &err), DMCP_OK);
}

void rig_crash(struct rig *r, size_t n_writes_to_keep)
{
    stop_engine(r);
    store_memory_crash_keep(r->store, n_writes_to_keep);
    start_engine(r);
}

int rig_recover(struct rig *r, const struct id *crashed)
{
    struct err err = { 0 };
    int rc = engine_recover(r->engine, r->now, crashed, STR("\"crashed\""), &r->rows, &err);

    if (rc == DMCP_OK) {
        rig_commit(r);
    }
    return rc;
}

void rig_restart(struct rig *r)
{
    rig_crash(r, SIZE_MAX);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
}

/* ---- what came out ---- */

struct action *rig_expect(struct rig *r, enum action_kind kind, enum action_when when)
{
    struct mail *m = r->queue.first;
    struct action *a = action_of(m);

    if (!a) {
        fail_msg("no action, but one of kind %d was expected", (int)kind);
        return NULL;
    }
    r->queue.first = m->next;
    if (!m->next) {
        r->queue.last = &r->queue.first;
    }
    m->next = r->seen;
    r->seen = m;
    assert_int_equal(a->kind, kind);
    assert_int_equal(a->when, when);
    return a;
}

struct action *rig_skip_to(struct rig *r, enum action_kind kind)
{
    struct action *a = action_of(r->queue.first);

    while (a && a->kind != kind) {
        rig_expect(r, a->kind, a->when);
        a = action_of(r->queue.first);
    }
    return rig_expect(r, kind, a ? a->when : WHEN_VISIBLE);
}

void rig_expect_nothing(struct rig *r)
{
    struct action *a = action_of(r->queue.first);

    if (a) {
        fail_msg("an action of kind %d was not expected", (int)a->kind);
    }
}

void rig_expect_wake(struct rig *r, enum action_when when, int code)
{
    struct action *a = rig_expect(r, ACT_WAKE, when);

    assert_ptr_equal(a->waiter, r);
    assert_int_equal(a->code, code);
}

void rig_expect_refused(struct rig *r, uint64_t peer, int code)
{
    struct action *a = rig_expect(r, ACT_REFUSED, WHEN_VISIBLE);

    assert_int_equal(a->peer, peer);
    assert_int_equal(a->code, code);
    assert_true(a->text.len > 0);
}

void rig_expect_event(struct rig *r, uint64_t peer, uint64_t sequence, const char *message)
{
    struct action *a = rig_expect(r, ACT_EVENT, WHEN_DURABLE);

    assert_int_equal(a->peer, peer);
    assert_int_equal(a->event.sequence, sequence);
    assert_string_equal(a->text.p, message);
}

void rig_expect_reply(struct rig *r, uint64_t peer, uint64_t sequence, const char *body)
{
    struct action *a = rig_expect(r, ACT_REPLY, WHEN_DURABLE);

    assert_int_equal(a->peer, peer);
    assert_int_equal(a->event.sequence, sequence);
    assert_string_equal(a->text.p, body);
}

void rig_expect_prime(struct rig *r, uint64_t peer, uint64_t sequence)
{
    struct action *a = rig_expect(r, ACT_PRIME, WHEN_DURABLE);

    assert_int_equal(a->peer, peer);
    assert_int_equal(a->event.sequence, sequence);
}

void rig_drop_actions(struct rig *r)
{
    free_mail(r->queue.first);
    action_list_init(&r->queue);
}
