/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the simulator knows of the rows: since which write each is as it is, and that no write
 * changes what must not change.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim_world.h"

/* Whether the batch puts, or deletes, such a row. */
static bool batch_has(struct sim *s, enum batch_kind kind, struct key k)
{
    struct batch_op op;
    size_t offset = 0;

    while (batch_next(&s->rows, &offset, &op)) {
        if (op.kind == kind && str_eq(op.key, key_str(&k))) {
            return true;
        }
    }
    return false;
}

static struct id id_of(struct sim *s, const struct batch_op *op)
{
    struct id id = { { 0 } };

    if (key_id(op->key, &id) != DMCP_OK) {
        sim_fail(s, "a key of kind %d is too short", op->key.p[0]);
    }
    return id;
}

static void check_new(struct sim *s, const struct batch_op *op, const char *what)
{
    if (sim_has(s, sim_key(op->key))) {
        sim_fail(s, "%s is changed", what);
    }
}

/* ---- the journal ---- */

/* Waits are asked again and run out of time, loops go on. */
static bool may_stay_started(const struct journal_record *old, const struct journal_record *new)
{
    switch (old->guard) {
    case GUARD_LOOP:
        return true;
    case GUARD_UNTIL:
        return str_eqz(new->body, "expired");
    case GUARD_INPUT:
        return atoi(new->body.p) == atoi(old->body.p) + 1;
    default:
        return false;
    }
}

/* What came from outside was said by somebody who may say it. */
static void check_word(struct sim *s, struct id call, struct str alias,
                       const struct journal_record *r)
{
    int word = r->guard == GUARD_INPUT && r->state == STEP_DONE ? sim_word_in(r->body) : 0;
    const struct sim_word *w = &s->words[word];

    if (!word) {
        return;
    }
    if (w->is_foreign || w->op->deed != sim_deed_of_call(s, call) ||
        (w->op->turns[0].row_len &&
         !str_eq(alias, str_make(w->op->turns[0].row, w->op->turns[0].row_len)))) {
        sim_fail(s, "word %d is recorded where it was not meant", word);
    }
}

/* The event is in the same write as the note that it was sent. */
static void check_sent(struct sim *s, const struct sim_turn *t, struct id stream, bool is_expected)
{
    struct key prefix = key_of_id(KEY_EVENT, stream);
    bool is_changed = t->op->kind == OP_CHANGED;
    struct event_record r;
    struct batch_op op;
    size_t offset = 0;
    int n = 0;

    while (batch_next(&s->rows, &offset, &op)) {
        if (op.kind == BATCH_PUT && str_starts(op.key, key_str(&prefix)) &&
            event_record_dec(op.value, &r) == DMCP_OK) {
            const char *text = is_changed ? "list_changed" : t->text;

            n += memmem(r.message.p, r.message.len, text, strlen(text)) != NULL;
        }
    }
    if (is_changed && n > 1) {
        n = 1; /* several calls may say the same in one batch */
    }
    if (n != (is_expected ? 1 : 0)) {
        sim_fail(s, "event %s is sent %d times", t->text, n);
    }
}

/* Whether the session has subscribed, in the store or in the batch before the update at hand. */
static bool has_subscribed(struct sim *s, struct key k, struct str update)
{
    bool has = sim_has(s, k);
    struct batch_op op;
    size_t offset = 0;

    while (batch_next(&s->rows, &offset, &op) && !str_eq(op.key, update)) {
        if (str_eq(op.key, key_str(&k))) {
            has = op.kind == BATCH_PUT;
        }
    }
    return has;
}

static void check_told(struct sim *s, const struct sim_turn *t, struct str update)
{
    char uri[48];

    snprintf(uri, sizeof(uri), "u:%s", t->text);
    for (uint32_t i = 0; i < s->n_clients; i++) {
        struct id session = s->clients[i].session;
        struct key k = key_subscription(digest_id(str_of(uri)), session);
        bool is_told = has_subscribed(s, k, update) && sim_has(s, key_of_id(KEY_SESSION, session));

        s->stats.updates += is_told;
        check_sent(s, t, session, is_told);
    }
}

static void check_event_note(struct sim *s, struct id call, struct str key,
                             const struct journal_record *r)
{
    const char *text = memmem(r->label.p, r->label.len, "<", 1);
    struct sim_turn *t = text ? sim_turn_of_text(s, text) : NULL;
    struct call_record c;
    struct buf value;

    if (!t) {
        sim_fail(s, "an event that no script has: %.*s", STR_FMT(r->label));
    }
    switch (t->op->kind) {
    case OP_UPDATED:
        check_told(s, t, key);
        break;
    case OP_CHANGED:
        buf_init(&value, SIZE_MAX / 2);
        if (sim_get(s, key_of_id(KEY_CALL, call), &value) &&
            call_record_dec(buf_str(&value), &c) == DMCP_OK) {
            check_sent(s, t, c.session, sim_has(s, key_of_id(KEY_SESSION, c.session)));
        }
        buf_fini(&value);
        break;
    default:
        check_sent(s, t, call, true);
        break;
    }
}

/* Of a journal row: absent -> anything; started -> an end, or the same again; the ends stay. */
static void check_journal_put(struct sim *s, const struct batch_op *op)
{
    struct id call = id_of(s, op);
    struct journal_record old, new;
    struct str alias;
    struct buf value;
    int state;

    if (journal_record_dec(op->value, &new) != DMCP_OK ||
        key_journal_alias(op->key, &alias) != DMCP_OK) {
        sim_fail(s, "a journal row that cannot be decoded is written");
    }
    buf_init(&value, SIZE_MAX / 2);
    state = sim_journal(s, sim_key(op->key), &value, &old);
    if (state && (state != STEP_STARTED || old.guard != new.guard ||
                  (new.state == STEP_STARTED && !may_stay_started(&old, &new)))) {
        sim_fail(s, "row %.*s is %d and becomes %d", STR_FMT(alias), state, (int)new.state);
    }
    if (new.guard == GUARD_LOOP) {
        sim_check_iteration(s, call, sim_key(op->key), &new);
    } else if (new.guard == GUARD_EVENT) {
        check_event_note(s, call, op->key, &new);
    }
    s->stats.timeouts += new.state == STEP_EXPIRED;
    check_word(s, call, alias, &new);
    buf_fini(&value);
}

/* One that began is taken back, or is a wait that is given up; else its call has expired, or a loop
 * goes on without it. */
static void check_journal_del(struct sim *s, const struct batch_op *op)
{
    struct journal_record old;
    struct buf value;
    int state;

    buf_init(&value, SIZE_MAX / 2);
    state = sim_journal(s, sim_key(op->key), &value, &old);
    if (!(state == STEP_STARTED && (old.guard == GUARD_AT_MOST_ONCE || old.guard == GUARD_UNTIL ||
                                    old.guard == GUARD_INPUT)) &&
        !batch_has(s, BATCH_DEL, key_of_id(KEY_RESULT, id_of(s, op)))) {
        sim_fail(s, "a journal row in state %d is deleted", state);
    }
    buf_fini(&value);
}

/* ---- maps ---- */

static struct sim_write *note_write(struct sim *s, const struct batch_op *op)
{
    struct sim_write *w = &s->writes[s->n_writes++];
    struct str map, key;

    if (s->n_writes == MAX_WRITES || key_map_parts(op->key, &map, &key) != DMCP_OK) {
        sim_fail(s, "too many map writes, or a key that cannot be decoded");
    }
    *w = (struct sim_write){ .position = UINT64_MAX };
    snprintf(w->key, sizeof(w->key), "%.*s/%.*s", STR_FMT(map), STR_FMT(key));
    if (op->kind == BATCH_PUT) {
        snprintf(w->value, sizeof(w->value), "%.*s", STR_FMT(op->value));
    }
    return w;
}

/* Each value is written once to an entry, in one write with the journal's note of that. */
static void check_map(struct sim *s, const struct batch_op *op)
{
    const struct sim_write *w = note_write(s, op);
    struct sim_turn *t = sim_turn_of_text(s, w->value);

    for (const struct sim_write *old = s->writes; w->value[0] && old < w; old++) {
        if (strcmp(old->key, w->key) == 0 && strcmp(old->value, w->value) == 0) {
            sim_fail(s, "%s is written to %s twice", w->value, w->key);
        }
    }
    if (t) {
        struct batch_op other;
        size_t offset = 0;
        struct str alias;
        bool is_noted = false;

        while (!is_noted && batch_next(&s->rows, &offset, &other)) {
            is_noted = other.key.p[0] == KEY_JOURNAL && other.kind == BATCH_PUT &&
                       key_journal_alias(other.key, &alias) == DMCP_OK &&
                       str_eq(alias, str_make(t->row, t->row_len));
        }
        if (!is_noted) {
            sim_fail(s, "%s is written to %s and not noted", w->value, w->key);
        }
    }
}

/* ---- ends ---- */

/* A finished call is neither unfinished nor suspended any more. */
static void check_result(struct sim *s, const struct batch_op *op)
{
    struct id call = id_of(s, op);

    check_new(s, op, "a result");
    if (!batch_has(s, BATCH_DEL, key_of_id(KEY_UNFINISHED, call))) {
        sim_fail(s, "a result is written and its call stays unfinished");
    }
}

/* Only what has expired is swept. */
static void check_swept(struct sim *s, const struct batch_op *op)
{
    struct id call = id_of(s, op);
    struct sim_deed *d = sim_deed_of_call(s, call);
    struct result_record r;
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    if (!sim_get(s, sim_key(op->key), &value) ||
        result_record_dec(buf_str(&value), &r) != DMCP_OK || !s->options.keep_calls_ms ||
        r.finished_ms + s->options.keep_calls_ms > s->latest_ms) {
        sim_fail(s, "a result is deleted before its time");
    }
    buf_fini(&value);
    s->stats.swept_calls++;
    sim_trace(s, "deed %d is swept", d ? (int)d->i : -1);
    if (d && (!d->is_acked || id_eq(d->call, call))) {
        d->is_swept = true;
        d->swept_position = UINT64_MAX;
    }
}

static bool has_unfinished(struct sim *s, const struct sim_client *c)
{
    for (uint32_t i = 0; i < c->n_requests; i++) {
        struct id call = c->requests[i].deed->call;

        if (c->requests[i].is_acked && !sim_is_finished(s, call) &&
            (sim_has(s, key_of_id(KEY_UNFINISHED, call)) ||
             sim_has(s, key_of_id(KEY_SUSPENDED, call)))) {
            return true;
        }
    }
    return false;
}

static void check_session_del(struct sim *s, const struct batch_op *op)
{
    struct id session = id_of(s, op);
    struct session_record r;
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    for (uint32_t i = 0; i < s->n_clients; i++) {
        struct sim_client *c = &s->clients[i];

        if (!id_eq(c->session, session) || sim_client_is_gone(c)) {
            continue;
        }
        if (!sim_get(s, sim_key(op->key), &value) ||
            session_record_dec(buf_str(&value), &r) != DMCP_OK ||
            r.seen_ms + s->options.session_idle_ms >= s->latest_ms || has_unfinished(s, c)) {
            sim_fail(s, "session %u is deleted and is in use", c->i);
        }
        c->is_expired = true;
        s->stats.swept_sessions++;
    }
    buf_fini(&value);
}

/* ---- a batch, before it is written ---- */

static void check_put(struct sim *s, const struct batch_op *op)
{
    switch (op->key.p[0]) {
    case KEY_JOURNAL:
        check_journal_put(s, op);
        break;
    case KEY_CALL:
        check_new(s, op, "a call's row");
        break;
    case KEY_RESULT:
        check_result(s, op);
        break;
    case KEY_REQUEST:
        check_new(s, op, "a request's row");
        break;
    case KEY_EVENT:
        check_new(s, op, "an event");
        break;
    case KEY_MAP:
        check_map(s, op);
        break;
    default:
        break;
    }
}

static void check_del(struct sim *s, const struct batch_op *op)
{
    switch (op->key.p[0]) {
    case KEY_JOURNAL:
        check_journal_del(s, op);
        break;
    case KEY_RESULT:
        check_swept(s, op);
        break;
    case KEY_SESSION:
        check_session_del(s, op);
        break;
    case KEY_MAP:
        note_write(s, op);
        break;
    default:
        break;
    }
}

static struct sim_row *known_row(struct sim *s, struct str key)
{
    struct sim_row *row = hmap_get(&s->rows_known, key);

    if (!row) {
        row = mem_zalloc(sizeof(*row));
        row->is_there = sim_has(s, sim_key(key)); /* before the batch */
        hmap_put(&s->rows_known, key, row);
    }
    return row;
}

static void note_in_range(struct sim *s, struct str key, struct str value)
{
    (void)value;
    known_row(s, key)->position = UINT64_MAX;
    s->has_range = true;
}

void sim_check_batch(struct sim *s)
{
    struct batch_op op;
    size_t offset = 0;

    while (batch_next(&s->rows, &offset, &op)) {
        (void)known_row(s, op.key);
        if (op.kind == BATCH_PUT) {
            check_put(s, &op);
        } else if (op.kind == BATCH_DEL) {
            check_del(s, &op);
        } else {
            sim_scan(s, op.key, op.value, note_in_range);
        }
    }
}

/* ---- after it ---- */

static void note_range_written(struct sim *s)
{
    struct hmap_entry *cursor = NULL;
    struct sim_row *row;

    while ((row = hmap_next(&s->rows_known, &cursor, NULL))) {
        if (row->position == UINT64_MAX) {
            *row = (struct sim_row){ s->written, s->written, false };
        }
    }
    s->has_range = false;
}

void sim_note_written(struct sim *s)
{
    struct batch_op op;
    size_t offset = 0;

    while (batch_next(&s->rows, &offset, &op)) {
        struct sim_row *row = known_row(s, op.key);

        row->position = s->written;
        if (row->is_there != (op.kind == BATCH_PUT)) {
            row->is_there = op.kind == BATCH_PUT;
            row->since = s->written;
        }
    }
    if (s->has_range) {
        note_range_written(s);
    }
    for (uint32_t i = s->n_writes; i > 0 && s->writes[i - 1].position == UINT64_MAX; i--) {
        s->writes[i - 1].position = s->written;
    }
    for (uint32_t i = 0; i < s->n_deeds; i++) {
        if (s->deeds[i].is_swept && s->deeds[i].swept_position == UINT64_MAX) {
            s->deeds[i].swept_position = s->written;
        }
    }
}

/* What the dead process had written behind this point never was. */
void sim_note_death(struct sim *s)
{
    struct hmap_entry *cursor = NULL;
    struct sim_row *row;
    struct str key;

    while ((row = hmap_next(&s->rows_known, &cursor, &key))) {
        if (row->position > s->written) {
            hmap_del(&s->rows_known, key);
            mem_free(row);
        }
    }
    s->has_range = false;
    while (s->n_writes > 0 && s->writes[s->n_writes - 1].position > s->written) {
        s->n_writes--;
    }
    for (uint32_t i = 0; i < s->n_deeds; i++) {
        s->deeds[i].is_swept = s->deeds[i].is_swept && s->deeds[i].swept_position <= s->written;
    }
}
