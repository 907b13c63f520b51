/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated process: a mailbox, the engine, a sync under way; its death and its restart. It
 * does what engine.h asks of a driver, in steps small enough to die between any two of them.
 */
#include <assert.h>

#include "sim_world.h"

void sim_post(struct sim *s, struct command *c)
{
    assert(s->is_up);
    c->mail.next = NULL;
    *s->last_mail = &c->mail;
    s->last_mail = &c->mail.next;
}

static void free_commands(struct sim *s)
{
    while (s->mail) {
        struct mail *next = s->mail->next;

        command_free(CONTAINER_OF(s->mail, struct command, mail));
        s->mail = next;
    }
    s->last_mail = &s->mail;
}

static void free_actions(struct action_list *l)
{
    while (l->first) {
        struct mail *next = l->first->next;

        action_free(action_of(l->first));
        l->first = next;
    }
    action_list_init(l);
}

static void append(struct action_list *l, struct action *a)
{
    a->mail.next = NULL;
    *l->last = &a->mail;
    l->last = &a->mail.next;
}

/* ---- releasing actions ---- */

static void release(struct sim *s, struct action *a)
{
    struct sim_conn *conn;

    switch (a->kind) {
    case ACT_DISPATCH:
        sim_handler_start(s, a);
        break;
    case ACT_WAKE:
        sim_handler_wake(s, a->waiter, a);
        break;
    case ACT_SESSION_GONE:
        break;
    default:
        sim_check_release(s, a);
        conn = sim_conn_find(s, a->peer);
        s->stats.takeovers += a->kind == ACT_END && conn && conn->is_lost;
        if (conn && !conn->is_lost) {
            append(&conn->queue, a);
            return;
        }
        break;
    }
    action_free(a);
}

/* Those that may be seen go out; the others wait for the sync of this position. */
static void release_visible(struct sim *s)
{
    struct mail *m = s->out.first, *next;

    action_list_init(&s->out);
    for (; m; m = next) {
        struct action *a = action_of(m);

        next = m->next;
        a->position = s->written;
        if (a->when == WHEN_DURABLE) {
            append(&s->durable, a);
        } else {
            release(s, a);
        }
    }
}

static void release_durable(struct sim *s)
{
    while (s->durable.first && action_of(s->durable.first)->position <= s->synced) {
        struct action *a = action_of(s->durable.first);

        s->durable.first = a->mail.next;
        if (!s->durable.first) {
            s->durable.last = &s->durable.first;
        }
        release(s, a);
    }
}

/* ---- steps ---- */

void sim_apply(struct sim *s)
{
    struct command *c = s->mail ? CONTAINER_OF(s->mail, struct command, mail) : NULL;
    struct err err = { 0 };
    int rc;

    if (!s->is_up || !c || s->has_written || s->was_recovered) {
        return;
    }
    rc = engine_apply(s->engine, s->now, c, &s->rows, &s->out, &err);
    if (rc == ENGINE_WRITE_FIRST) {
        s->stats.write_firsts++;
        if (s->rows.n == 0) {
            sim_fail(s, "the engine wants a write first, but there is nothing to write");
        }
        sim_trace(s, "apply %d: write first", (int)c->kind);
        sim_write(s);
        return;
    }
    if (rc != DMCP_OK) {
        sim_fail(s, "engine_apply: %s", err.text);
    }
    sim_trace(s, "apply %d of peer %u: %zu rows so far", (int)c->kind, (unsigned)c->peer,
              s->rows.n);
    s->stats.commands++;
    s->is_tick_posted = s->is_tick_posted && c->kind != CMD_TICK;
    s->mail = c->mail.next;
    if (!s->mail) {
        s->last_mail = &s->mail;
    }
    command_free(c);
}

/* One of two steps: the rows become visible; the engine hears of it and the actions go out. */
void sim_write(struct sim *s)
{
    struct err err = { 0 };

    if (!s->is_up) {
        return;
    }
    if (s->has_written) {
        s->has_written = false;
        if (engine_written(s->engine, &s->out, &err) != DMCP_OK) {
            sim_fail(s, "engine_written: %s", err.text);
        }
        release_visible(s);
        return;
    }
    if (s->rows.n > 0 && sim_wild_chance(s, 1)) {
        s->stats.failed_writes++;
        store_memory_fail(s->store, 0, DMCP_E_FULL);
    }
    sim_check_batch(s);
    if (store_write(s->store, &s->rows, &s->written, &err) != DMCP_OK) {
        sim_die(s, DEATH_OF_BOTH, NULL);
        return;
    }
    sim_trace(s, "write %zu rows: position %u", s->rows.n, (unsigned)s->written);
    sim_note_written(s);
    batch_reset(&s->rows);
    s->stats.writes++;
    s->has_written = true;
    s->was_recovered = false;
}

/* One of two steps: it begins with what is written by now, and ends some time later. */
void sim_sync(struct sim *s)
{
    struct err err = { 0 };

    if (!s->is_up) {
        return;
    }
    if (!s->syncing) {
        s->syncing = s->written;
        return;
    }
    if (sim_wild_chance(s, 1)) {
        s->stats.failed_writes++;
        store_memory_fail_sync(s->store, 0, DMCP_E_STORE);
    }
    if (store_sync(s->store, s->syncing, &err) != DMCP_OK) {
        sim_die(s, DEATH_OF_BOTH, NULL);
        return;
    }
    s->stats.syncs++;
    s->synced = s->syncing;
    s->syncing = 0;
    sim_trace(s, "synced up to %u", (unsigned)s->synced);
    release_durable(s);
}

/* ---- death and restart ---- */

/* What the server had sent may still arrive, or not. */
static void cut_connections(struct sim *s)
{
    for (int i = 0; i < MAX_CONNS; i++) {
        struct sim_conn *conn = &s->conns[i];

        if (conn->is_lost) {
            sim_conn_free(conn);
        } else if (conn->peer) {
            conn->is_cut = true;
            if (sim_chance(s, 50)) {
                free_actions(&conn->queue);
            }
        }
    }
}

static size_t draw_kept(struct sim *s, enum sim_death death)
{
    switch (death) {
    case DEATH_OF_PROCESS:
        return SIZE_MAX;
    case DEATH_OF_POWER:
        return 0;
    default:
        return random_below(&s->random, (uint32_t)store_memory_unsynced(s->store) + 1);
    }
}

static void drop_process(struct sim *s)
{
    engine_free(s->engine);
    s->engine = NULL;
    s->is_up = false;
    free_commands(s);
    free_actions(&s->out);
    free_actions(&s->durable);
    batch_reset(&s->rows);
    s->has_written = s->was_recovered = s->is_tick_posted = false;
    s->syncing = 0;
    for (int i = 0; i < MAX_HANDLERS; i++) {
        s->handlers[i].is_used = false;
    }
}

void sim_die(struct sim *s, enum sim_death death, const struct sim_handler *blamed)
{
    size_t n_kept;

    if (!s->is_up) {
        return;
    }
    s->stats.deaths++;
    s->stats.deaths_in_recovery += s->was_recovered;
    s->has_blamed = blamed || (s->has_blamed && s->was_recovered && sim_chance(s, 50));
    if (blamed) {
        s->blamed = blamed->call;
        s->blamed_request = blamed->request;
    }
    drop_process(s);
    cut_connections(s);
    n_kept = draw_kept(s, death);
    if (s->written - s->synced > n_kept) {
        s->written = s->synced + n_kept;
    }
    s->synced = s->written;
    store_memory_crash_keep(s->store, n_kept);
    sim_trace(s, "death %d: kept up to %u%s", (int)death, (unsigned)s->written,
              s->has_blamed ? ", a call is to blame" : "");
    sim_note_death(s);
}

void sim_restart(struct sim *s)
{
    struct err err = { 0 };
    int rc;

    sim_check_restart(s);
    if (s->has_blamed) {
        s->blamed_request->n_blamed++;
    }
    s->engine = engine_new(s->store, &s->options);
    rc = engine_recover(s->engine, s->now, s->has_blamed ? &s->blamed : NULL, STR(SIM_CRASH_RESULT),
                        &s->rows, &err);
    if (rc != DMCP_OK) {
        sim_fail(s, "engine_recover: %s", err.text);
    }
    s->is_up = true;
    s->was_recovered = true;
    sim_post_lists(s, sim_no_tool);
    sim_trace(s, "restart: %zu rows", s->rows.n);
}

void sim_stop(struct sim *s)
{
    if (s->is_up) {
        drop_process(s);
    }
    for (int i = 0; i < MAX_CONNS; i++) {
        sim_conn_free(&s->conns[i]);
    }
}
