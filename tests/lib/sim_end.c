/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be there when the process is down, and what may be left at the end of the world.
 */
#include <stdio.h>

#include "sim_world.h"

/* ---- when the process is down ---- */

static void check_deed(struct sim *s, const struct sim_deed *d)
{
    struct result_record result;
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    if (!sim_has(s, key_of_id(KEY_CALL, d->call))) {
        sim_fail(s, "deed %u was acknowledged and is lost", d->i);
    }
    if (d->has_answer && (!sim_get(s, key_of_id(KEY_RESULT, d->call), &value) ||
                          result_record_dec(buf_str(&value), &result) != DMCP_OK ||
                          !str_eqz(result.body, d->answer))) {
        sim_fail(s, "deed %u was answered and its result is lost", d->i);
    }
    if (d->is_cancelled && sim_get(s, key_of_id(KEY_RESULT, d->call), &value) &&
        (result_record_dec(buf_str(&value), &result) != DMCP_OK ||
         result.outcome != OUTCOME_CANCELLED)) {
        sim_fail(s, "deed %u was cancelled and has a result", d->i);
    }
    buf_fini(&value);
}

static void check_signals(struct sim *s, const struct sim_deed *d)
{
    struct journal_record r;
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    for (uint32_t i = 0; i < d->n_ops; i++) {
        const struct sim_op *op = &d->ops[i];

        if (op->signal_word &&
            (sim_journal(s, sim_turn_key(&op->turns[0], d->call), &value, &r) != STEP_DONE ||
             sim_word_in(r.body) != op->signal_word)) {
            sim_fail(s, "signal w%d was accepted and is lost", op->signal_word);
        }
    }
    buf_fini(&value);
}

static void check_request(struct sim *s, const struct sim_request *r)
{
    struct key k = key_request(r->client->session, str_of(r->request_id));
    struct request_record request;
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    if (!sim_get(s, k, &value) || request_record_dec(buf_str(&value), &request) != DMCP_OK ||
        !id_eq(request.call, r->deed->call)) {
        sim_fail(s, "request %s of client %u was acknowledged and is lost", r->request_id,
                 r->client->i);
    }
    buf_fini(&value);
}

/* Every entry holds what the last write that was kept put there. */
static void check_map_entry(struct sim *s, const char *map, uint32_t i)
{
    char name[16], key[16];
    const char *expected = "";
    struct buf value;
    bool is_there;

    snprintf(name, sizeof(name), "%u", i);
    snprintf(key, sizeof(key), "%s/%u", map, i);
    for (uint32_t j = 0; j < s->n_writes; j++) {
        if (strcmp(s->writes[j].key, key) == 0) {
            expected = s->writes[j].value;
        }
    }
    buf_init(&value, SIZE_MAX / 2);
    is_there = sim_get(s, key_map(str_of(map), str_of(name)), &value);
    if (is_there != (expected[0] != '\0') || (is_there && !str_eqz(buf_str(&value), expected))) {
        sim_fail(s, "map entry %s is %s, not %s", key, is_there ? value.data : "absent", expected);
    }
    buf_fini(&value);
}

void sim_check_restart(struct sim *s)
{
    sim_fsck(s);
    for (uint32_t i = 0; i < s->n_clients; i++) {
        struct sim_client *c = &s->clients[i];
        bool is_there = sim_has(s, key_of_id(KEY_SESSION, c->session));

        if (c->is_acked && c->state == SESSION_OPEN && !is_there && !c->is_expired) {
            sim_fail(s, "session %u was acknowledged and is lost", (unsigned)c->i);
        }
        if (c->is_close_released && is_there) {
            sim_fail(s, "session %u was closed and is back", (unsigned)c->i);
        }
        for (uint32_t j = 0; j < c->n_requests; j++) {
            if (c->requests[j].is_acked && !c->requests[j].deed->is_swept) {
                check_request(s, &c->requests[j]);
            }
        }
    }
    for (uint32_t i = 0; i < s->n_deeds; i++) {
        if (s->deeds[i].is_acked && !s->deeds[i].is_swept) {
            check_deed(s, &s->deeds[i]);
            check_signals(s, &s->deeds[i]);
        }
    }
    for (uint32_t i = 0; i < N_MAP_KEYS; i++) {
        check_map_entry(s, "m", i);
        check_map_entry(s, "w", i);
    }
}

/* ---- at the end ---- */

/* What the deed was to do it did, if it came to its end. */
static void check_effects(struct sim *s, const struct sim_deed *d)
{
    for (uint32_t i = 0; i < d->n_ops; i++) {
        const struct sim_op *op = &d->ops[i];
        uint32_t n_turns = 1;

        for (uint32_t j = 0; op->is_in_loop && j < i; j++) {
            n_turns = d->ops[j].kind == OP_LOOP ? d->ops[j].n_turns : n_turns;
        }
        for (uint32_t turn = 0; turn < n_turns; turn++) {
            const struct sim_turn *t = &op->turns[turn];
            int n = 0;

            for (uint32_t j = 0; j < s->n_writes; j++) {
                n += strcmp(s->writes[j].value, t->text) == 0;
            }
            if ((op->kind == OP_MAP && n != 1) || (op->kind == OP_BATCH && n != 2)) {
                sim_fail(s, "%s was written to %d entries", t->text, n);
            }
        }
    }
}

static void check_told(struct sim *s, const struct sim_client *c)
{
    const struct sim_conn *conn = c->listener ? sim_conn_find(s, c->listener) : NULL;
    struct lists_record r = { { 0 } };
    struct buf value;

    if (!conn || conn->is_lost || conn->is_cut || !conn->knows_next || c->state != SESSION_OPEN) {
        return;
    }
    buf_init(&value, SIZE_MAX / 2);
    if (!sim_get(s, key_of_id(KEY_LISTS, c->session), &value) ||
        lists_record_dec(buf_str(&value), &r) != DMCP_OK ||
        memcmp(r.digests, s->lists, sizeof(s->lists)) != 0) {
        sim_fail(s, "client %u listens and does not know the lists", (unsigned)c->i);
    }
    buf_fini(&value);
}

static bool came_to_its_end(const struct sim_deed *d)
{
    return d->has_answer && strstr(d->answer, "\"text\":\"") &&
           !strstr(d->answer, "timed out after") && !strstr(d->answer, "cancelled;");
}

static void expect_none(struct sim *s, enum key_kind kind)
{
    size_t n = sim_count(s, kind);

    if (n > 0) {
        sim_fail(s, "%u rows of kind %d are left over", (unsigned)n, (int)kind);
    }
}

static void pass(struct sim *s, uint64_t ms)
{
    s->now.wall_ms += ms;
    s->now.mono_ms += ms;
    s->latest_ms = s->now.wall_ms > s->latest_ms ? s->now.wall_ms : s->latest_ms;
    sim_post(s, command_new(CMD_TICK));
}

static void drain(struct sim *s)
{
    while (s->mail || s->rows.n > 0 || s->has_written) {
        sim_apply(s);
        sim_write(s);
    }
}

/* In steps that a round of the sweep may begin in, until long after everything has expired. */
static void let_all_expire(struct sim *s)
{
    for (int i = 0; i < 20; i++) {
        pass(s, 20000);
        for (int j = 0; s->has_retention && j < 6; j++) {
            struct command *sweep = command_new(CMD_SWEEP);

            sweep->sweep.n_looks = 5000;
            sweep->sweep.n_deletions = 1000;
            sim_post(s, sweep);
        }
        drain(s);
    }
}

static void check_all_expired(struct sim *s)
{
    static const enum key_kind kinds[] = { KEY_SESSION, KEY_CALL,    KEY_RESULT,      KEY_JOURNAL,
                                           KEY_REQUEST, KEY_EVENT,   KEY_STREAM,      KEY_IDEMPOTENCY,
                                           KEY_INPUT,   KEY_REFERENCE, KEY_SUBSCRIPTION, KEY_LISTS };

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        expect_none(s, kinds[i]);
    }
}

static void leave_all(struct sim *s)
{
    for (int i = 0; i < MAX_CONNS; i++) {
        if (s->conns[i].peer) {
            s->conns[i].is_lost = true;
        }
    }
    for (int i = 0; i < MAX_CONNS; i++) {
        sim_notice(s);
    }
}

void sim_check_end(struct sim *s)
{
    size_t n_calls = sim_count(s, KEY_CALL), n_conns = 0;

    pass(s, 100); /* a change of lists is told a moment later */
    drain(s);
    sim_check_restart(s);
    for (int i = 0; i < MAX_CONNS; i++) {
        n_conns += s->conns[i].peer != 0;
    }
    if (engine_counts(s->engine).followers > n_conns) {
        sim_fail(s, "the engine keeps followers that left");
    }
    if (engine_counts(s->engine).calls > 0) {
        sim_fail(s, "the engine keeps calls that are over");
    }
    if (sim_count(s, KEY_RESULT) != n_calls) {
        sim_fail(s, "rows of calls are left over or missing");
    }
    for (uint32_t i = 0; i < s->n_clients; i++) {
        check_told(s, &s->clients[i]);
    }
    for (uint32_t i = 0; i < s->n_deeds; i++) {
        if (came_to_its_end(&s->deeds[i])) {
            check_effects(s, &s->deeds[i]);
        }
    }
    expect_none(s, KEY_UNFINISHED);
    expect_none(s, KEY_SUSPENDED);
    expect_none(s, KEY_WATCH);
    expect_none(s, KEY_WATCHING);
    leave_all(s);
    let_all_expire(s);
    expect_none(s, KEY_TIMER);
    if (s->has_retention) {
        check_all_expired(s);
    }
    sim_fsck(s);
}
