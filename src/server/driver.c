/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engine thread and sync thread. See driver.h.
 */
#include "server/driver.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "server/delivery.h"
#include "server/janitor.h"

#define BATCH_COMMANDS 1024       /* written at the latest after so many, */
#define BATCH_BYTES (4 * MIB)     /* or so many bytes of rows */
#define LAZY_SYNC_NS 10000000u    /* rows that nobody waits for */
#define MIB (1024u * 1024u)

struct driver {
    struct store *store;
    struct engine *engine;
    struct delivery delivery;
    struct mailbox commands, syncs; /* syncs takes durable actions */
    pthread_t engine_thread, sync_thread;
    atomic_bool is_engine_last, is_sync_last; /* set behind the last mail; then one more wakes */
    atomic_int failure;      /* DMCP_OK, or the code that ended the store's use */
    atomic_uint_fast64_t n_commands, n_writes, n_syncs;

    /* The engine thread's. */
    struct batch rows;
    struct action_list out;
    uint64_t position; /* of the last write */
    uint64_t handed;   /* the last position that the sync thread was told of */
    uint64_t dirty_ns; /* since when position > handed */
    struct janitor janitor;
};

static struct engine_time now_time(void)
{
    return (struct engine_time){ .wall_ms = clock_wall_ms(), .mono_ms = clock_mono_ms() };
}

static void fail(struct driver *d, int code, const char *text)
{
    int ok = DMCP_OK;

    assert(code < 0);
    if (atomic_compare_exchange_strong(&d->failure, &ok, code)) {
        log_error("store: %s", text);
        d->delivery.ops.failed(d->delivery.ops.arg, code, text);
    }
}

/* ---- engine thread ---- */

static void split_actions(struct driver *d, struct mail **visible_out, struct mail **durable_out,
                          struct mail **durable_last_out)
{
    struct mail **visible = visible_out, **durable = durable_out, *next;

    for (struct mail *m = d->out.first; m; m = next) {
        struct action *a = action_of(m);

        next = m->next;
        m->next = NULL;
        a->position = d->position;
        if (a->when == WHEN_VISIBLE) {
            *visible = m;
            visible = &m->next;
        } else {
            *durable = m;
            durable = &m->next;
            *durable_last_out = m;
        }
    }
    action_list_init(&d->out);
}

/* What was applied is not written: no is the answer to all who wait for it. */
static void drop_batch(struct driver *d, int code)
{
    batch_reset(&d->rows);
    delivery_refuse(&d->delivery, d->out.first, code);
    action_list_init(&d->out);
}

/* Writes what was applied, and releases its actions. */
static int commit(struct driver *d, struct err *e)
{
    struct mail *visible = NULL, *durable = NULL, *durable_last = NULL;
    int rc = DMCP_OK;

    if (d->rows.n > 0) {
        rc = store_write(d->store, &d->rows, &d->position, e);
        batch_reset(&d->rows);
        atomic_fetch_add(&d->n_writes, 1);
        if (rc == DMCP_OK && d->dirty_ns == 0) {
            d->dirty_ns = clock_mono_ns();
        }
    }
    if (rc == DMCP_OK) {
        rc = engine_written(d->engine, &d->out, e);
    }
    if (rc != DMCP_OK) {
        drop_batch(d, rc);
        return rc;
    }
    split_actions(d, &visible, &durable, &durable_last);
    if (durable) {
        mailbox_put_list(&d->syncs, durable, durable_last);
        d->handed = d->position;
        d->dirty_ns = 0;
    }
    delivery_carry_out(&d->delivery, visible);
    return DMCP_OK;
}

static int apply(struct driver *d, const struct command *c, struct err *e)
{
    int rc = engine_apply(d->engine, now_time(), c, &d->rows, &d->out, e);

    if (rc == ENGINE_WRITE_FIRST) {
        rc = commit(d, e);
        if (rc == DMCP_OK) {
            rc = engine_apply(d->engine, now_time(), c, &d->rows, &d->out, e);
            assert(rc != ENGINE_WRITE_FIRST);
        }
    }
    return rc;
}

static int apply_all(struct driver *d, struct mail *first, struct err *e)
{
    struct mail *next;
    size_t n = 0;
    int rc = DMCP_OK;

    for (struct mail *m = first; m; m = next) {
        struct command *c = CONTAINER_OF(m, struct command, mail);

        next = m->next;
        if (rc == DMCP_OK) {
            rc = apply(d, c, e);
            n++;
        }
        if (rc == DMCP_OK && (n >= BATCH_COMMANDS || d->rows.ops.len >= BATCH_BYTES)) {
            rc = commit(d, e);
            n = 0;
        }
        if (rc != DMCP_OK) {
            delivery_refuse_command(&d->delivery, c, rc);
        }
        command_free(c);
        atomic_fetch_add_explicit(&d->n_commands, 1, memory_order_relaxed);
    }
    if (rc == DMCP_OK) {
        return commit(d, e);
    }
    drop_batch(d, rc);
    return rc;
}

/* A mail for the sync thread that asks for a sync and has nobody waiting. */
static void nudge_sync(struct driver *d)
{
    struct action_list list;
    struct action *a;

    action_list_init(&list);
    a = action_add(&list, ACT_WAKE, WHEN_DURABLE);
    a->position = d->position;
    d->handed = d->position;
    d->dirty_ns = 0;
    mailbox_put(&d->syncs, &a->mail);
}

static uint64_t next_deadline_ns(const struct driver *d)
{
    uint64_t engine_ms = engine_deadline(d->engine, now_time());
    uint64_t at = janitor_deadline_ns(&d->janitor, d->engine);

    if (engine_ms != UINT64_MAX && engine_ms * 1000000u < at) {
        at = engine_ms * 1000000u;
    }
    if (d->dirty_ns && d->dirty_ns + LAZY_SYNC_NS < at) {
        at = d->dirty_ns + LAZY_SYNC_NS;
    }
    return at;
}

static int sweep(struct driver *d, struct err *e)
{
    uint64_t began_ns = clock_mono_ns();
    int rc = apply_all(d, &janitor_command()->mail, e);

    janitor_rest(&d->janitor, d->engine, began_ns, clock_mono_ns());
    return rc;
}

/* What is due by time alone. */
static int run_due(struct driver *d, struct err *e)
{
    struct command *tick;
    int rc = DMCP_OK;

    if (engine_deadline(d->engine, now_time()) <= clock_mono_ms()) {
        tick = command_new(CMD_TICK);
        rc = apply_all(d, &tick->mail, e);
    }
    if (rc == DMCP_OK && janitor_deadline_ns(&d->janitor, d->engine) <= clock_mono_ns()) {
        rc = sweep(d, e);
    }
    if (rc == DMCP_OK && d->dirty_ns && clock_mono_ns() >= d->dirty_ns + LAZY_SYNC_NS) {
        nudge_sync(d);
    }
    return rc;
}

static void refuse_mail(struct driver *d, struct mail *first, int code)
{
    struct mail *next;

    for (struct mail *m = first; m; m = next) {
        struct command *c = CONTAINER_OF(m, struct command, mail);

        next = m->next;
        delivery_refuse_command(&d->delivery, c, code);
        command_free(c);
    }
}

/* The end is looked for before the mailbox is: all that was put there before it is taken then. */
static struct mail *next_mail(struct mailbox *m, atomic_bool *end, uint64_t deadline_ns,
                              bool *is_last_out)
{
    *is_last_out = atomic_load(end);
    return *is_last_out ? mailbox_take(m) : mailbox_wait(m, deadline_ns);
}

static void *engine_main(void *arg)
{
    struct driver *d = arg;
    struct err e = { 0 };

    for (;;) {
        int failure = atomic_load(&d->failure), rc;
        bool is_last;
        struct mail *first = next_mail(&d->commands, &d->is_engine_last,
                                       failure ? UINT64_MAX : next_deadline_ns(d), &is_last);

        if (failure) {
            refuse_mail(d, first, failure);
        } else {
            rc = apply_all(d, first, &e);
            if (rc == DMCP_OK) {
                rc = run_due(d, &e);
            }
            if (rc != DMCP_OK) {
                fail(d, rc, e.text);
            }
        }
        if (is_last) {
            break;
        }
    }
    if (d->dirty_ns && !atomic_load(&d->failure)) {
        nudge_sync(d);
    }
    return NULL;
}

/* ---- sync thread ---- */

static uint64_t last_position(struct mail *first)
{
    uint64_t position = 0;

    for (struct mail *m = first; m; m = m->next) {
        if (action_of(m)->position > position) {
            position = action_of(m)->position;
        }
    }
    return position;
}

/* The engine's nudges and the stop have nobody to be told. */
static struct mail *drop_nudges(struct mail *first)
{
    struct mail *kept = NULL, **last = &kept, *next;

    for (struct mail *m = first; m; m = next) {
        struct action *a = action_of(m);

        next = m->next;
        m->next = NULL;
        if (a->kind == ACT_WAKE && !a->waiter) {
            action_free(a);
        } else {
            *last = m;
            last = &m->next;
        }
    }
    return kept;
}

static void *sync_main(void *arg)
{
    struct driver *d = arg;
    struct err e = { 0 };
    uint64_t synced = 0;

    for (;;) {
        bool is_last;
        struct mail *first = next_mail(&d->syncs, &d->is_sync_last, UINT64_MAX, &is_last);
        uint64_t position = last_position(first);
        int rc = atomic_load(&d->failure);

        if (rc == DMCP_OK && position > synced) {
            rc = store_sync(d->store, position, &e);
            atomic_fetch_add(&d->n_syncs, 1);
            synced = position;
            if (rc != DMCP_OK) {
                fail(d, rc, e.text);
            }
        }
        first = drop_nudges(first);
        if (rc == DMCP_OK) {
            FAULT_POINT("act.run.before");
            delivery_carry_out(&d->delivery, first);
        } else {
            delivery_refuse(&d->delivery, first, rc);
        }
        if (is_last) {
            return NULL;
        }
    }
}

/* ---- start and stop ---- */

static int recover(struct driver *d, const struct id *crashed, struct str crash_result,
                   struct err *e)
{
    int rc = engine_recover(d->engine, now_time(), crashed, crash_result, &d->rows, e);

    if (rc == DMCP_OK && d->rows.n > 0) {
        rc = store_write(d->store, &d->rows, &d->position, e);
        batch_reset(&d->rows);
        if (rc == DMCP_OK) {
            rc = store_sync(d->store, d->position, e);
        }
    }
    return rc;
}

int driver_open(struct store *store, const struct engine_options *o, const struct driver_ops *ops,
                struct mailbox *io, const struct id *crashed, struct str crash_result,
                struct driver **driver_out, struct err *e)
{
    struct driver *d = mem_zalloc(sizeof(*d));
    int rc;

    d->store = store;
    d->engine = engine_new(store, o);
    d->delivery = (struct delivery){ .ops = *ops, .io = io };
    batch_init(&d->rows);
    action_list_init(&d->out);
    rc = recover(d, crashed, crash_result, e);
    if (rc != DMCP_OK) {
        engine_free(d->engine);
        batch_fini(&d->rows);
        mem_free(d);
        return err_wrap(e, rc, "recover");
    }
    mailbox_init(&d->commands, NULL, NULL);
    mailbox_init(&d->syncs, NULL, NULL);
    janitor_begin(&d->janitor, clock_mono_ns());
    *driver_out = d;
    return DMCP_OK;
}

void driver_start(struct driver *d)
{
    pthread_create(&d->engine_thread, NULL, engine_main, d);
    pthread_create(&d->sync_thread, NULL, sync_main, d);
    pthread_setname_np(d->engine_thread, "dmcp-engine");
    pthread_setname_np(d->sync_thread, "dmcp-sync");
}

void driver_begin(struct driver *d)
{
    mailbox_put(&d->commands, &command_new(CMD_TICK)->mail);
}

struct mailbox *driver_commands(struct driver *d)
{
    return &d->commands;
}

/* The thread may have seen the flag before the mail that was to wake it. */
static void drop_wakers(struct mail *commands, struct mail *actions)
{
    if (commands) {
        command_free(CONTAINER_OF(commands, struct command, mail));
    }
    if (actions) {
        action_free(action_of(actions));
    }
}

void driver_stop(struct driver *d)
{
    struct action_list list;

    atomic_store(&d->is_engine_last, true);
    mailbox_put(&d->commands, &command_new(CMD_TICK)->mail);
    pthread_join(d->engine_thread, NULL);
    action_list_init(&list);
    atomic_store(&d->is_sync_last, true);
    mailbox_put(&d->syncs, &action_add(&list, ACT_WAKE, WHEN_DURABLE)->mail);
    pthread_join(d->sync_thread, NULL);
    drop_wakers(mailbox_take(&d->commands), mailbox_take(&d->syncs));
    mailbox_fini(&d->commands);
    mailbox_fini(&d->syncs);
    engine_free(d->engine);
    batch_fini(&d->rows);
    mem_free(d);
}

struct driver_counts driver_counts(struct driver *d)
{
    return (struct driver_counts){ .commands = atomic_load(&d->n_commands),
                                   .writes = atomic_load(&d->n_writes),
                                   .syncs = atomic_load(&d->n_syncs) };
}
