/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at the rows, and planting some. See rig.h.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool get(struct rig *r, struct key k, struct buf *value)
{
    struct err err = { 0 };
    int rc = store_get(r->store, key_str(&k), value, &err);

    assert_true(rc == DMCP_OK || rc == DMCP_E_NOTFOUND);
    return rc == DMCP_OK;
}

struct str rig_row(struct rig *r, struct key k)
{
    buf_reset(&r->row);
    return get(r, k, &r->row) ? buf_str(&r->row) : STR_NONE;
}

bool rig_has(struct rig *r, struct key k)
{
    struct buf value;
    bool is_there;

    buf_init(&value, SIZE_MAX / 2);
    is_there = get(r, k, &value);
    buf_fini(&value);
    return is_there;
}

bool rig_has_id(struct rig *r, enum key_kind kind, struct id id)
{
    return rig_has(r, key_of_id(kind, id));
}

size_t rig_count(struct rig *r, struct key prefix)
{
    struct key to = key_prefix_end(key_str(&prefix));
    struct range range = { .from = key_str(&prefix), .to = key_str(&to) };
    struct cursor *cursor = store_scan(r->store, &range);
    struct err err = { 0 };
    struct str key, value;
    size_t n = 0;

    while (cursor_next(cursor, &key, &value, &err) == DMCP_OK) {
        n++;
    }
    cursor_close(cursor);
    return n;
}

int rig_journal_state(struct rig *r, struct id call, const char *alias)
{
    struct journal_record record = { 0 };
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    if (get(r, key_journal(call, str_of(alias)), &value)) {
        assert_int_equal(journal_record_dec(buf_str(&value), &record), DMCP_OK);
    }
    buf_fini(&value);
    return record.state;
}

/* A value of NULL: no such entry. */
bool rig_map_holds(struct rig *r, const char *key, const char *value)
{
    struct buf found;
    bool holds;

    buf_init(&found, SIZE_MAX / 2);
    holds = get(r, key_map(STR("m"), str_of(key)), &found)
                ? value && str_eqz(buf_str(&found), value)
                : !value;
    buf_fini(&found);
    return holds;
}

static void write_durably(struct rig *r, const struct batch *b)
{
    struct err err = { 0 };

    assert_int_equal(store_write(r->store, b, &r->position, &err), DMCP_OK);
    assert_int_equal(store_sync(r->store, r->position, &err), DMCP_OK);
}

void rig_put(struct rig *r, struct key k, struct str value)
{
    struct batch b;

    batch_init(&b);
    batch_put(&b, key_str(&k), value);
    write_durably(r, &b);
    batch_fini(&b);
}

void rig_del(struct rig *r, struct key k)
{
    struct batch b;

    batch_init(&b);
    batch_del(&b, key_str(&k));
    write_durably(r, &b);
    batch_fini(&b);
}
