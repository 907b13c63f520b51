/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys: what was put into one is read from it, keys stand in the order of what is in them, and any
 * bytes at all are read as a key or refused. The input is bytes of a key; its halves are names and
 * ids.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "store/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static bool is_inside(struct str part, struct str whole)
{
    return part.p >= whole.p && part.p + part.len <= whole.p + whole.len;
}

/* ---- any bytes ---- */

static void read_anything(struct str key)
{
    struct str a = STR(""), b = STR("");
    struct id id;
    uint64_t number;

    assert(key_map_parts(key, &a, &b) || (is_inside(a, key) && is_inside(b, key)));
    assert(key_watch_parts(key, &a, &b, &id) || (is_inside(a, key) && is_inside(b, key)));
    assert(key_timer_parts(key, &number, &id, &a) || (is_inside(a, key) && a.len > 0));
    assert(key_journal_alias(key, &a) || (is_inside(a, key) && a.len > 0));
    assert(key_request_id(key, &a) || is_inside(a, key));
    assert(key_reference_target(key, &a) || is_inside(a, key));
    assert(key_id(key, &id) == DMCP_OK || key.len < 18);
    assert(key_subscriber(key, &id) || key.len == 34);
    assert(key_event_sequence(key, &number) || key.len == 26);
}

/* As its fields, and back. */
static void take_apart(struct str key)
{
    const struct row_kind *kind = key.len ? row_kind_of((uint8_t)key.p[0]) : NULL;
    struct field_value values[FIELDS_MAX];
    struct buf again;

    if (!kind || fields_dec(kind->key, str_make(key.p + 1, key.len - 1), values)) {
        return;
    }
    assert(row_kind_named(str_of(kind->name)) == kind);
    buf_init(&again, MIB);
    buf_addc(&again, key.p[0]);
    fields_enc(&again, kind->key, values);
    assert(str_eq(buf_str(&again), key));
    buf_fini(&again);
}

static void look_around(struct str key)
{
    struct key after, end;

    if (key.len == 0 || key.len >= KEY_BYTES_MAX || (uint8_t)key.p[0] == 0xff) {
        return;
    }
    after = key_after(key);
    end = key_prefix_end(key);
    assert(str_cmp(key, key_str(&after)) < 0);
    assert(str_cmp(key_str(&after), key_str(&end)) <= 0);
    assert(str_starts(key_str(&after), key) && !str_starts(key_str(&end), key));
}

/* ---- keys of meaning ---- */

struct parts {
    struct id id;
    uint64_t number;
    struct str text; /* not empty */
};

static struct parts parts_of(struct str bytes)
{
    struct parts p = { .text = STR("x") };

    for (size_t i = 0; i < bytes.len && i < sizeof(p.id.b); i++) {
        p.id.b[i] = (uint8_t)bytes.p[i];
        p.number = p.number << 8 | (uint8_t)bytes.p[i];
    }
    if (bytes.len > sizeof(p.id.b)) {
        p.text = str_make(bytes.p + sizeof(p.id.b), bytes.len - sizeof(p.id.b));
        p.text.len = p.text.len > LIMIT_ALIAS_BYTES ? LIMIT_ALIAS_BYTES : p.text.len;
    }
    return p;
}

static void build_and_read(const struct parts *p)
{
    struct key journal = key_journal(p->id, p->text), timer = key_timer(p->number, p->id, p->text);
    struct key event = key_event(p->id, p->number), request = key_request(p->id, p->text);
    struct key prefix = key_of_id(KEY_JOURNAL, p->id);
    struct str text;
    uint64_t number;
    struct id id;

    assert(key_journal_alias(key_str(&journal), &text) == DMCP_OK && str_eq(text, p->text));
    assert(key_id(key_str(&journal), &id) == DMCP_OK && id_eq(id, p->id));
    assert(str_starts(key_str(&journal), key_str(&prefix)));
    assert(key_timer_parts(key_str(&timer), &number, &id, &text) == DMCP_OK);
    assert(number == p->number && id_eq(id, p->id) && str_eq(text, p->text));
    assert(key_event_sequence(key_str(&event), &number) == DMCP_OK && number == p->number);
    assert(key_request_id(key_str(&request), &text) == DMCP_OK && str_eq(text, p->text));
    take_apart(key_str(&journal));
    take_apart(key_str(&timer));
    take_apart(key_str(&event));
    take_apart(key_str(&request));
}

static struct str up_to_nul(struct str text)
{
    const char *nul = memchr(text.p, 0, text.len);

    text.len = nul ? (size_t)(nul - text.p) : text.len;
    text.len = text.len > LIMIT_NAME_BYTES ? LIMIT_NAME_BYTES : text.len;
    return text;
}

static void expect_order(const struct parts *a, const struct parts *b)
{
    struct str map_a = up_to_nul(a->text), map_b = up_to_nul(b->text), map, map_key;
    struct key timer_a = key_timer(a->number, a->id, a->text);
    struct key timer_b = key_timer(b->number, b->id, b->text);
    struct key event_a = key_event(a->id, a->number), event_b = key_event(a->id, b->number);
    struct key entry_a = key_map(map_a, a->text), entry_b = key_map(map_b, b->text);
    struct key watch = key_watch(map_a, b->text, a->id);
    int by_number = (a->number > b->number) - (a->number < b->number);
    int by_map = sign(str_cmp(map_a, map_b));
    struct id id;

    assert(by_number == 0 || sign(str_cmp(key_str(&timer_a), key_str(&timer_b))) == by_number);
    assert(sign(str_cmp(key_str(&event_a), key_str(&event_b))) == by_number);
    assert(sign(str_cmp(key_str(&entry_a), key_str(&entry_b))) ==
           (by_map ? by_map : sign(str_cmp(a->text, b->text))));
    assert(key_map_parts(key_str(&entry_a), &map, &map_key) == DMCP_OK);
    assert(str_eq(map, map_a) && str_eq(map_key, a->text));
    assert(key_watch_parts(key_str(&watch), &map, &map_key, &id) == DMCP_OK);
    assert(str_eq(map, map_a) && str_eq(map_key, b->text) && id_eq(id, a->id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = str_make(data, size);
    struct parts a = parts_of(str_make(data, size / 2));
    struct parts b = parts_of(str_make(data + size / 2, size - size / 2));

    if (size == 0) {
        return 0;
    }
    read_anything(all);
    take_apart(all);
    look_around(all);
    build_and_read(&a);
    build_and_read(&b);
    expect_order(&a, &b);
    return 0;
}
