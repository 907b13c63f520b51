/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load of a day. See day.h.
 */
#include "day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define STEP_MS 5000
#define MAX_CALLS 40000
#define MAX_SESSIONS 4000
#define SWEEPS_PER_STEP 4

void day_request_id(uint32_t i_call, char text[16])
{
    snprintf(text, 16, "\"r%u\"", i_call);
}

void day_result(uint32_t i_call, char text[16])
{
    snprintf(text, 16, "\"a%u\"", i_call);
}

static bool chance(struct day *d, uint32_t percent)
{
    return random_chance(&d->random, percent);
}

static const char *new_alias(struct day *d, char text[16])
{
    snprintf(text, 16, "s%u", d->n_aliases++);
    return text;
}

/* ---- what came of it ---- */

static struct day_call *find_open(struct day *d, struct id id)
{
    for (uint32_t i = 0; i < d->n_open; i++) {
        if (id_eq(d->calls[d->open[i]].id, id)) {
            return &d->calls[d->open[i]];
        }
    }
    return NULL;
}

/* The last refusal's or response's text for this peer; absent for none. */
static struct str take_actions(struct day *d, uint64_t peer, enum action_kind *kind_out)
{
    static char text[64];
    struct str found = STR_NONE;

    for (struct mail *m = d->rig->queue.first; m; m = m->next) {
        struct action *a = action_of(m);
        struct day_call *call = a->kind == ACT_DISPATCH ? find_open(d, a->call) : NULL;

        if (a->kind == ACT_DISPATCH) {
            assert_non_null(call);
            call->state = DAY_RUNNING;
        } else if (peer && a->peer == peer && (a->kind == ACT_REPLY || a->kind == ACT_REFUSED)) {
            snprintf(text, sizeof(text), "%.*s", STR_FMT(a->text));
            found = str_of(text);
            *kind_out = a->kind;
        }
    }
    rig_drop_actions(d->rig);
    return found;
}

static void commit(struct day *d)
{
    rig_commit(d->rig);
    take_actions(d, 0, NULL);
}

/* ---- sessions ---- */

static uint32_t open_session(struct day *d)
{
    struct command *c = command_new(CMD_SESSION_OPEN);
    struct day_session *s = &d->sessions[d->n_sessions];

    assert_true(d->n_sessions < MAX_SESSIONS);
    *s = (struct day_session){ .touched_ms = d->rig->now.wall_ms, .used_ms = d->rig->now.wall_ms };
    random_fill(&d->random, s->id.b, sizeof(s->id.b));
    c->session = s->id;
    c->open.protocol_version = STR("2025-11-25");
    c->open.principal = STR("");
    c->open.client_info = c->open.capabilities = STR("{}");
    rig_apply(d->rig, c);
    commit(d);
    return d->n_sessions++;
}

static uint32_t random_client(struct day *d)
{
    uint32_t i;

    do {
        i = random_below(&d->random, DAY_CLIENTS);
    } while (d->clients[i].asleep_until_ms > d->rig->now.wall_ms);
    return i;
}

/* As the endpoint does it: the engine is asked only now and then. */
static uint32_t session_of_client(struct day *d)
{
    uint32_t i_client = random_client(d), i = d->clients[i_client].i_session;
    struct day_session *s = &d->sessions[i];
    uint64_t idle_ms, peer = ++d->n_peers;
    enum action_kind kind;

    if (i != DAY_NOBODY) {
        idle_ms = d->rig->now.wall_ms - s->used_ms;
        if (d->rig->now.wall_ms - s->touched_ms <= DAY_IDLE_MS / 16) {
            s->used_ms = d->rig->now.wall_ms;
            return i;
        }
        rig_of_session(d->rig, CMD_SESSION_UPDATE, peer, s->id);
        if (!take_actions(d, peer, &kind).p) {
            s->used_ms = s->touched_ms = d->rig->now.wall_ms;
            return i;
        }
        assert_true(idle_ms > DAY_IDLE_MS * 3 / 4);
        d->n.lost_sessions++;
    }
    return d->clients[i_client].i_session = open_session(d);
}

static void listen_or_leave(struct day *d)
{
    struct rig *r = d->rig;
    struct day_session *s = &d->sessions[session_of_client(d)];

    if (s->listener) {
        rig_of_peer(r, CMD_UNFOLLOW, s->listener, 0);
        s->listener = 0;
        s->used_ms = r->now.wall_ms;
    } else {
        s->listener = ++d->n_peers;
        r->session = s->id;
        rig_follow_fresh(r, s->listener, RIG_CREDIT * 1000u);
        d->n.listeners++;
    }
    commit(d);
}

/* For some hours, or for ever. */
static void client_disappears(struct day *d)
{
    uint32_t i_client = random_client(d), i = d->clients[i_client].i_session;

    if (i != DAY_NOBODY && d->sessions[i].listener) {
        rig_of_peer(d->rig, CMD_UNFOLLOW, d->sessions[i].listener, 0);
        d->sessions[i].listener = 0;
        d->sessions[i].used_ms = d->rig->now.wall_ms;
    }
    if (chance(d, 50)) {
        d->clients[i_client].i_session = DAY_NOBODY;
    } else if (i_client > 0) { /* one is always awake */
        d->clients[i_client].asleep_until_ms =
            d->rig->now.wall_ms + random_below(&d->random, 4 * (uint32_t)HOUR_MS);
    }
}

/* ---- calls ---- */

static struct command *start_command(struct day *d, uint32_t i_call, uint32_t i_session,
                                     const char *request_id)
{
    struct day_call *call = &d->calls[i_call];
    struct id session = d->sessions[i_session].id;
    char key[16];
    struct command *c;

    snprintf(key, sizeof(key), "k%u", i_call);
    if (call->has_key) {
        c = rig_keyed(d->rig, ++d->n_peers, session, request_id, key, "{}");
    } else {
        d->rig->session = session;
        c = rig_start_command(d->rig, ++d->n_peers, request_id, "{}");
    }
    c->call.b[15] = session.b[15];
    return c;
}

static void start_call(struct day *d)
{
    uint32_t i = d->n_calls, i_session = session_of_client(d);
    struct command *c;
    char request_id[16];

    assert_true(i < MAX_CALLS);
    d->n_calls++;
    d->calls[i] = (struct day_call){ .i_session = i_session, .has_key = chance(d, 30) };
    day_request_id(i, request_id);
    c = start_command(d, i, i_session, request_id);
    d->calls[i].id = c->call;
    d->open[d->n_open++] = i;
    rig_apply(d->rig, c);
    rig_of_peer(d->rig, CMD_UNFOLLOW, d->n_peers, 0);
    commit(d);
}

static void finish(struct day *d, uint32_t i_open)
{
    uint32_t i = d->open[i_open];
    struct day_call *call = &d->calls[i];
    char result[16];

    day_result(i, result);
    rig_done(d->rig, call->id, result);
    call->state = DAY_FINISHED;
    call->finished_ms = d->rig->now.wall_ms;
    d->sessions[call->i_session].used_ms = call->finished_ms;
    for (uint32_t k = 0; k < call->n_others; k++) {
        d->sessions[call->i_others[k]].kept_ms = call->finished_ms;
    }
    d->open[i_open] = d->open[--d->n_open];
}

static void wait_for_something(struct day *d, struct day_call *call)
{
    uint64_t ms = random_below(&d->random, 3 * (uint32_t)HOUR_MS) + 1;
    char alias[16];

    snprintf(alias, sizeof(alias), "w%u", call->n_waits++);
    call->has_signal = chance(d, 70);
    if (call->has_signal) {
        rig_wait(d->rig, call->id, alias, ms);
        d->n.waits++;
    } else {
        rig_ask(d->rig, call->id, alias, ms); /* nobody answers: its time runs out */
        call->n_events++;
        d->n.questions++;
    }
    call->n_journal++;
    rig_suspend(d->rig, call->id);
    call->state = DAY_WAITING;
}

static void signal(struct day *d, struct day_call *call)
{
    char alias[16];

    snprintf(alias, sizeof(alias), "w%u", call->n_waits - 1);
    rig_signal(d->rig, 0, call->id, alias, "1");
}

/* A handler does something. */
static void go_on(struct day *d, uint32_t i_open)
{
    struct day_call *call = &d->calls[d->open[i_open]];
    uint32_t what = random_below(&d->random, 100);
    char alias[16];

    if (call->state == DAY_WAITING) {
        if (call->has_signal && what < 5) {
            signal(d, call);
        }
    } else if (what < 40) {
        finish(d, i_open);
    } else if (what < 60) {
        rig_step(d->rig, call->id, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, new_alias(d, alias), "1");
        call->n_journal++;
    } else if (what < 75) {
        rig_event(d->rig, call->id, new_alias(d, alias), "\"e\"");
        call->n_journal++;
        call->n_events++;
    } else if (what < 90) {
        rig_session_event(d->rig, call->id, new_alias(d, alias), "\"s\"");
        call->n_journal++;
    } else {
        wait_for_something(d, call);
    }
    commit(d);
}

/* ---- coming back ---- */

/* The same request again, of a call that is over: its recorded answer, or a new call. */
static void ask_again(struct day *d)
{
    uint32_t i = random_below(&d->random, d->n_calls);
    struct day_call *call = &d->calls[i];
    uint64_t age_ms = d->rig->now.wall_ms - call->finished_ms;
    char request_id[16], result[16];
    enum action_kind kind;
    struct str text;

    if (call->state != DAY_FINISHED || age_ms >= DAY_KEEP_CALLS_MS) {
        return;
    }
    day_request_id(i, request_id);
    day_result(i, result);
    rig_apply(d->rig, start_command(d, i, call->i_session, request_id));
    text = take_actions(d, d->n_peers, &kind);
    assert_true(text.p && kind == ACT_REPLY);
    assert_string_equal(text.p, result);
    d->n.repeats++;
    commit(d);
}

/* Another client has the key: the same call, for as long as the key counts. */
static void ask_by_key(struct day *d)
{
    uint32_t i = random_below(&d->random, d->n_calls);
    struct day_call *call = &d->calls[i];
    uint32_t i_session = session_of_client(d);
    uint64_t age_ms = d->rig->now.wall_ms - call->finished_ms;
    bool is_over = call->state == DAY_FINISHED;
    char request_id[16], result[16];
    enum action_kind kind;
    struct str text;

    if (!call->has_key || call->n_others == DAY_OTHERS || call->state == DAY_SWEPT ||
        (is_over && age_ms >= DAY_KEEP_KEYS_MS)) {
        return;
    }
    snprintf(request_id, sizeof(request_id), "\"k%u\"", d->n_aliases++);
    rig_apply(d->rig, start_command(d, i, i_session, request_id));
    text = take_actions(d, d->n_peers, &kind);
    assert_int_equal(text.p != NULL, is_over);
    if (is_over) {
        day_result(i, result);
        assert_string_equal(text.p, result);
    } else {
        rig_of_peer(d->rig, CMD_UNFOLLOW, d->n_peers, 0);
    }
    call->i_others[call->n_others++] = i_session;
    d->n.keys++;
    commit(d);
}

/* ---- time ---- */

static void sweep(struct day *d)
{
    for (int i = 0; i < SWEEPS_PER_STEP &&
                    engine_sweep_due(d->rig->engine) <= d->rig->now.mono_ms; i++) {
        struct command *c = command_new(CMD_SWEEP);

        c->sweep.n_looks = RIG_SWEEP_LOOKS;
        c->sweep.n_deletions = RIG_SWEEP_DELETIONS;
        rig_apply(d->rig, c);
        rig_write(d->rig); /* not synced: a loss of power may bring some of it back */
    }
}

static void die(struct day *d)
{
    rig_crash(d->rig, random_below(&d->random, SWEEPS_PER_STEP + 1));
    assert_int_equal(rig_recover(d->rig, NULL), DMCP_OK);
    for (uint32_t i = 0; i < d->n_sessions; i++) {
        if (d->sessions[i].listener) {
            d->sessions[i].listener = 0;
            d->sessions[i].used_ms = d->rig->now.wall_ms;
        }
    }
    take_actions(d, 0, NULL);
    d->n.deaths++;
}

static void step(struct day *d)
{
    rig_pass(d->rig, STEP_MS);
    rig_tick(d->rig);
    commit(d);
    if (chance(d, 60)) {
        start_call(d);
    }
    for (int i = 0; i < 5 && d->n_open > 0; i++) {
        go_on(d, random_below(&d->random, d->n_open));
    }
    if (chance(d, 30) && d->n_calls > 0) {
        ask_again(d);
        ask_by_key(d);
    }
    if (chance(d, 5)) {
        listen_or_leave(d);
        client_disappears(d);
    }
    commit(d);
    sweep(d);
    if (random_below(&d->random, 500) == 0) {
        die(d);
    }
}

void day_pass(struct day *d, uint64_t ms)
{
    for (uint64_t passed = 0; passed < ms; passed += STEP_MS) {
        step(d);
    }
}

void day_finish_all(struct day *d)
{
    rig_pass(d->rig, 4 * HOUR_MS); /* what is waited for has come, or its time has run out */
    while (engine_deadline(d->rig->engine, d->rig->now) <= d->rig->now.mono_ms) {
        rig_tick(d->rig);
        commit(d);
    }
    while (d->n_open > 0) {
        assert_int_equal(d->calls[d->open[0]].state, DAY_RUNNING);
        finish(d, 0);
        commit(d);
    }
    for (uint32_t i = 0; i < d->n_sessions; i++) {
        if (d->sessions[i].listener) {
            rig_of_peer(d->rig, CMD_UNFOLLOW, d->sessions[i].listener, 0);
            d->sessions[i].listener = 0;
        }
    }
    commit(d);
}

void day_begin(struct day *d, uint64_t seed)
{
    *d = (struct day){ .rig = rig_new(), .random = { seed } };
    d->rig->options.keep_calls_ms = DAY_KEEP_CALLS_MS;
    d->rig->options.key_ms = DAY_KEEP_KEYS_MS;
    d->rig->options.keep_events_ms = DAY_KEEP_EVENTS_MS;
    d->rig->options.session_idle_ms = DAY_IDLE_MS;
    d->rig->options.max_calls = d->rig->options.max_dispatched = MAX_CALLS;
    d->rig->options.max_dispatched_bytes = UINT64_MAX;
    d->rig->options.max_sessions = MAX_SESSIONS;
    rig_restart(d->rig);
    d->calls = mem_zalloc_n(MAX_CALLS, sizeof(*d->calls));
    d->open = mem_zalloc_n(MAX_CALLS, sizeof(*d->open));
    d->sessions = mem_zalloc_n(MAX_SESSIONS, sizeof(*d->sessions));
    d->sessions[d->n_sessions++] = (struct day_session){ .id = d->rig->session,
                                                         .used_ms = d->rig->now.wall_ms };
    for (int i = 0; i < DAY_CLIENTS; i++) {
        d->clients[i].i_session = DAY_NOBODY;
    }
}

void day_end(struct day *d)
{
    mem_free(d->calls);
    mem_free(d->open);
    mem_free(d->sessions);
    rig_free(d->rig);
}
