/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at the simulated store.
 */
#include "sim_world.h"

bool sim_get(struct sim *s, struct key k, struct buf *value)
{
    struct err err = { 0 };
    int rc;

    buf_reset(value);
    rc = store_get(s->store, key_str(&k), value, &err);
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

struct key sim_key(struct str bytes)
{
    struct key k = { .len = bytes.len };

    memcpy(k.b, bytes.p, bytes.len);
    return k;
}

struct key sim_turn_key(const struct sim_turn *t, struct id call)
{
    return key_journal(call, str_make(t->row, t->row_len));
}

int sim_journal(struct sim *s, struct key k, struct buf *value, struct journal_record *r)
{
    if (!sim_get(s, k, value)) {
        return 0;
    }
    if (journal_record_dec(buf_str(value), r) != DMCP_OK) {
        sim_fail(s, "a journal row cannot be decoded");
    }
    return r->state;
}

bool sim_is_finished(struct sim *s, struct id call)
{
    return sim_has(s, key_of_id(KEY_RESULT, call));
}

bool sim_is_durable(struct sim *s, struct key k)
{
    const struct sim_row *row = hmap_get(&s->rows_known, key_str(&k));

    return !row || row->position <= s->synced;
}

bool sim_is_durably_there(struct sim *s, struct key k)
{
    const struct sim_row *row = hmap_get(&s->rows_known, key_str(&k));

    return !row || row->since <= s->synced;
}

size_t sim_scan(struct sim *s, struct str from, struct str to, sim_row_fn *fn)
{
    struct range range = { .from = from, .to = to };
    struct cursor *cursor = store_scan(s->store, &range);
    struct err err = { 0 };
    struct str key, value;
    size_t n = 0;

    for (; cursor_next(cursor, &key, &value, &err) == DMCP_OK; n++) {
        if (fn) {
            fn(s, key, value);
        }
    }
    cursor_close(cursor);
    return n;
}

size_t sim_count(struct sim *s, enum key_kind kind)
{
    struct key from = key_kind_start(kind), to = key_prefix_end(key_str(&from));

    return sim_scan(s, key_str(&from), key_str(&to), NULL);
}
