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
        if (a->waiter == &s->outside) {
            sim_operator_wake(s, a);
        } else {
            sim_handler_wake(s, a);
        }
        break;
    case ACT_CANCEL:
        sim_handler_cancel(s, a);
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

static struct command *first_mail(struct sim *s)
{
    return s->mail ? CONTAINER_OF(s->mail, struct command, mail) : NULL;
}

static void drop_first_mail(struct sim *s)
{
    struct command *c = first_mail(s);

    s->mail = c->mail.next;
    if (!s->mail) {
        s->last_mail = &s->mail;
    }
    command_free(c);
}

/* What the layer above the engine, or its author's good sense, keeps from it: requests in a session
 * that is gone, and those whose call has expired (they would begin it anew). */
static bool is_of_swept(struct sim *s, const struct command *c)
{
    struct sim_request *r = sim_request_of(s, c->session, c->start.record.request_id);

    if (r && r->deed->is_swept) {
        r->is_given_up = true;
        return true;
    }
    for (uint32_t i = 0; c->start.key.p && i < s->n_deeds; i++) {
        if (s->deeds[i].is_swept && str_eqz(c->start.key, s->deeds[i].key)) {
            return true;
        }
    }
    return false;
}

static bool is_kept_away(struct sim *s, const struct command *c)
{
    struct sim_conn *conn = sim_conn_find(s, c->peer);
    bool is_start = c->kind == CMD_CALL_START;

    if (!is_start && c->kind != CMD_FOLLOW && c->kind != CMD_SUBSCRIBE && c->kind != CMD_ANSWER) {
        return false;
    }
    if (!sim_has(s, key_of_id(KEY_SESSION, c->session))) {
        if (conn && !sim_client_is_gone(conn->client)) {
            if (!conn->client->is_expired) {
                sim_fail(s, "session %u is gone", conn->client->i);
            }
            sim_client_is_lost(s, conn->client);
            return true;
        }
    } else if (!is_start || !is_of_swept(s, c)) {
        return false;
    }
    if (conn) {
        sim_conn_free(conn);
    }
    return true;
}

/* Who asks for it now may be refused: nobody used the session for too long, though nothing has
 * deleted it yet. */
static void note_idle(struct sim *s, const struct command *c)
{
    struct sim_conn *conn = sim_conn_find(s, c->peer);
    struct session_record r;
    struct buf value;

    if (!conn || (c->kind != CMD_SESSION_GET && c->kind != CMD_SESSION_UPDATE)) {
        return;
    }
    buf_init(&value, SIZE_MAX / 2);
    if (sim_get(s, key_of_id(KEY_SESSION, c->session), &value) &&
        session_record_dec(buf_str(&value), &r) == DMCP_OK) {
        conn->client->is_expired |= r.seen_ms + s->options.session_idle_ms < s->now.wall_ms;
    }
    buf_fini(&value);
}

static void note_applied(struct sim *s, const struct command *c)
{
    s->stats.commands++;
    s->is_applied = true;
    s->is_tick_posted = s->is_tick_posted && c->kind != CMD_TICK;
    if (c->kind == CMD_SWEEP) {
        s->is_sweep_posted = false;
        s->stats.sweeps++;
    }
}

void sim_apply(struct sim *s)
{
    struct command *c = first_mail(s);
    struct err err = { 0 };
    int rc;

    if (!s->is_up || !c || s->has_written || s->was_recovered) {
        return;
    }
    if (is_kept_away(s, c)) {
        drop_first_mail(s);
        return;
    }
    note_idle(s, c);
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
    sim_trace(s, "apply %d of peer %u: %zu rows so far", (int)c->kind, (unsigned)c->peer, s->rows.n);
    note_applied(s, c);
    drop_first_mail(s);
}

/* One of two steps: the rows become visible; the engine hears of it and the actions go out. */
void sim_write(struct sim *s)
{
    struct err err = { 0 };

    if (!s->is_up) {
        return;
    }
    if (s->has_written) {
        s->has_written = s->is_applied = false;
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
    if (s->is_thorough) {
        sim_fsck(s);
    }
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

/* A client that is back after a death may not know any more what it was asked. */
static void forget_questions(struct sim *s)
{
    for (uint32_t i = 0; i < s->n_clients; i++) {
        bool forgets = sim_chance(s, 30);

        for (int j = 0; forgets && j < MAX_QUESTIONS; j++) {
            s->clients[i].questions[j].state = QUESTION_NONE;
        }
        s->stats.forgotten += forgets;
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
    sim_handlers_drop(s);
    engine_free(s->engine);
    s->engine = NULL;
    s->is_up = false;
    free_commands(s);
    free_actions(&s->out);
    free_actions(&s->durable);
    batch_reset(&s->rows);
    s->has_written = s->was_recovered = s->is_tick_posted = s->is_sweep_posted = false;
    s->is_outside_waiting = s->is_applied = false;
    s->syncing = 0;
    s->stop_step = 0;
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
        s->blamed = blamed->run->call;
        s->blamed_deed = blamed->deed;
    }
    drop_process(s);
    cut_connections(s);
    forget_questions(s);
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
        s->blamed_deed->n_blamed++;
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
