/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the simulator knows of the rows: since which write each is as it is, and that no write
 * changes what must not change.
 */
#include "sim_world.h"

bool sim_get(struct sim *s, struct key k, struct buf *value)
{
    struct err err = { 0 };
    int rc = store_get(s->store, key_str(&k), value, &err);

    if (rc != DMCP_OK && rc != DMCP_E_NOTFOUND) {
        sim_fail(s, "store_get: %s", err.text);
    }
    return rc == DMCP_OK;
}

bool sim_has(struct sim *s, struct key k)
{
    struct buf value;
    bool has;

    buf_init(&value, SIZE_MAX / 2);
    has = sim_get(s, k, &value);
    buf_fini(&value);
    return has;
}

int sim_journal(struct sim *s, struct id call, const char *alias, struct buf *value,
                struct journal_record *r)
{
    if (!sim_get(s, key_journal(call, str_of(alias)), value)) {
        return 0;
    }
    if (journal_record_dec(buf_str(value), r) != DMCP_OK) {
        sim_fail(s, "a journal row cannot be decoded");
    }
    return r->state;
}

bool sim_is_durable(struct sim *s, struct key k)
{
    const struct sim_row *row = hmap_get(&s->rows_known, key_str(&k));

    return !row || row->position <= s->synced;
}

/* ---- a batch, before it is written ---- */

static struct key key_of(struct str bytes)
{
    struct key k = { .len = bytes.len };

    memcpy(k.b, bytes.p, bytes.len);
    return k;
}

/* Of a journal row: absent -> anything; started -> done, failed, absent; the others stay. */
static void check_journal(struct sim *s, const struct batch_op *op)
{
    struct journal_record old, new = { 0 };
    struct str alias;
    struct buf value;

    if (op->kind == BATCH_PUT && journal_record_dec(op->value, &new) != DMCP_OK) {
        sim_fail(s, "a journal row that cannot be decoded is written");
    }
    buf_init(&value, SIZE_MAX / 2);
    if (key_journal_alias(op->key, &alias) != DMCP_OK) {
        sim_fail(s, "a journal row without an alias is written");
    }
    if (sim_get(s, key_of(op->key), &value)) {
        if (journal_record_dec(buf_str(&value), &old) != DMCP_OK || old.state != STEP_STARTED ||
            new.state == STEP_STARTED || (op->kind == BATCH_PUT && new.guard != old.guard)) {
            sim_fail(s, "step %.*s is %d and becomes %d", STR_FMT(alias), (int)old.state,
                     (int)new.state);
        }
    } else if (op->kind != BATCH_PUT) {
        sim_fail(s, "step %.*s is not there and is deleted", STR_FMT(alias));
    }
    buf_fini(&value);
}

static void check_new(struct sim *s, const struct batch_op *op, const char *what)
{
    if (op->kind != BATCH_PUT || sim_has(s, key_of(op->key))) {
        sim_fail(s, "%s is changed", what);
    }
}

static void note_map_write(struct sim *s, const struct batch_op *batch_op)
{
    const struct sim_op *op = sim_op_of_text(s, batch_op->value);

    if (!op) {
        sim_fail(s, "a map entry is written that no script has");
    }
    for (uint32_t i = 0; i < s->n_map_writes; i++) {
        if (s->map_writes[i].op == op) {
            sim_fail(s, "map write %s happens twice", op->text);
        }
    }
    s->map_writes[s->n_map_writes++] = (struct sim_map_write){ UINT64_MAX, op };
}

/* A finished call is no longer unfinished, and the other way round. */
static void check_result(struct sim *s, const struct batch_op *result)
{
    struct id call = { { 0 } };
    size_t offset = 0;
    struct batch_op op;
    struct key k;

    check_new(s, result, "a result");
    if (key_id(result->key, &call) != DMCP_OK) {
        sim_fail(s, "a result has a key that is too short");
    }
    k = key_of_id(KEY_UNFINISHED, call);
    while (batch_next(&s->rows, &offset, &op)) {
        if (op.kind == BATCH_DEL && str_eq(op.key, key_str(&k))) {
            return;
        }
    }
    sim_fail(s, "a result is written and its call stays unfinished");
}

void sim_check_batch(struct sim *s)
{
    struct batch_op op;
    size_t offset = 0;

    while (batch_next(&s->rows, &offset, &op)) {
        switch (op.key.p[0]) {
        case KEY_JOURNAL:
            check_journal(s, &op);
            break;
        case KEY_CALL:
            check_new(s, &op, "a call's row");
            break;
        case KEY_RESULT:
            check_result(s, &op);
            break;
        case KEY_REQUEST:
            check_new(s, &op, "a request's row");
            break;
        case KEY_EVENT:
            if (op.kind != BATCH_DEL_RANGE) { /* the stream of a session that is closed */
                check_new(s, &op, "an event");
            }
            break;
        case KEY_MAP:
            note_map_write(s, &op);
            break;
        default:
            break;
        }
    }
}

/* ---- after it ---- */

void sim_note_written(struct sim *s)
{
    struct batch_op op;
    size_t offset = 0;

    while (batch_next(&s->rows, &offset, &op)) {
        struct sim_row *row = hmap_get(&s->rows_known, op.key);

        if (!row) {
            row = mem_alloc(sizeof(*row));
            hmap_put(&s->rows_known, op.key, row);
        }
        row->position = s->written;
    }
    for (uint32_t i = s->n_map_writes; i > 0 && s->map_writes[i - 1].position == UINT64_MAX; i--) {
        s->map_writes[i - 1].position = s->written;
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
    while (s->n_map_writes > 0 && s->map_writes[s->n_map_writes - 1].position > s->written) {
        s->n_map_writes--;
    }
}
