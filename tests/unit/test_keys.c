/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys: their bytes, and that the order of the bytes is the order of the meaning.
 */
#include "harness.h"
#include "random.h"
#include "store/keys.h"

#define N_PAIRS 20000

static const struct id sample = { { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
                                    0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0xee } };

#define SHARD_AND_SAMPLE "\xee\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xee"

static void expect_bytes(struct key k, struct str golden)
{
    assert_int_equal(k.len, golden.len);
    assert_memory_equal(k.b, golden.p, golden.len);
}

TEST(keys, every_kind_has_the_bytes_that_its_picture_shows)
{
    expect_bytes(key_meta("format"), STR("\x01"
                                         "format"));
    expect_bytes(key_of_id(KEY_SESSION, sample), STR("\x02" SHARD_AND_SAMPLE));
    expect_bytes(key_of_id(KEY_CALL, sample), STR("\x03" SHARD_AND_SAMPLE));
    expect_bytes(key_of_id(KEY_RESULT, sample), STR("\x04" SHARD_AND_SAMPLE));
    expect_bytes(key_of_id(KEY_UNFINISHED, sample), STR("\x05" SHARD_AND_SAMPLE));
    expect_bytes(key_journal(sample, STR("pay")), STR("\x06" SHARD_AND_SAMPLE "pay"));
    expect_bytes(key_request(sample, STR("\"r\"")), STR("\x07" SHARD_AND_SAMPLE "\"r\""));
    expect_bytes(key_event(sample, UINT64_C(0x0102030405060708)),
                 STR("\x08" SHARD_AND_SAMPLE "\x01\x02\x03\x04\x05\x06\x07\x08"));
    expect_bytes(key_of_id(KEY_STREAM, sample), STR("\x09" SHARD_AND_SAMPLE));
    expect_bytes(key_watch(STR("users"), STR("ann"), sample),
                 STR("\x11users\0ann\0" SHARD_AND_SAMPLE));
    expect_bytes(key_watch(STR("users"), STR(""), sample), STR("\x11users\0\0" SHARD_AND_SAMPLE));
    expect_bytes(key_of_id(KEY_WATCHING, sample), STR("\x12" SHARD_AND_SAMPLE));
    expect_bytes(key_timer(UINT64_C(0x0102030405060708), sample, STR("z")),
                 STR("\x0a\x01\x02\x03\x04\x05\x06\x07\x08" SHARD_AND_SAMPLE "z"));
    expect_bytes(key_idempotency(sample, STR("key")), STR("\x0b" SHARD_AND_SAMPLE "key"));
    expect_bytes(key_of_id(KEY_INPUT, sample), STR("\x0c" SHARD_AND_SAMPLE));
    expect_bytes(key_of_id(KEY_SUSPENDED, sample), STR("\x0d" SHARD_AND_SAMPLE));
    expect_bytes(key_reference(sample, STR("\x0bk")), STR("\x0e" SHARD_AND_SAMPLE "\x0bk"));
    expect_bytes(key_map(STR("users"), STR("ann")), STR("\x20users\0ann"));
}

TEST(keys, a_prefix_begins_every_key_that_it_stands_for)
{
    struct key journal = key_journal(sample, STR("alias")), map = key_map(STR("m"), STR("k"));
    struct key of_call = key_journal(sample, STR("")), of_map = key_map(STR("m"), STR(""));
    struct key kind = key_kind_start(KEY_JOURNAL);

    assert_true(str_starts(key_str(&journal), key_str(&of_call)));
    assert_true(str_starts(key_str(&journal), key_str(&kind)));
    assert_true(str_starts(key_str(&map), key_str(&of_map)));
}

/* ---- order ---- */

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_ids(struct id a, struct id b)
{
    int by_shard = compare_u64(key_shard(a), key_shard(b));

    return by_shard ? by_shard : sign(memcmp(a.b, b.b, sizeof(a.b)));
}

static int compare_keys(struct key a, struct key b)
{
    return sign(str_cmp(key_str(&a), key_str(&b)));
}

/* Few different bytes, so that pairs often share a long beginning or are equal. */
static struct id random_id(struct random *r)
{
    static const uint8_t bytes[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
    struct id id;

    memset(id.b, 0x55, sizeof(id.b));
    for (int i = 0; i < 3; i++) {
        id.b[random_below(r, 2) ? 15 : random_below(r, 16)] = bytes[random_below(r, sizeof(bytes))];
    }
    return id;
}

static uint64_t random_number(struct random *r)
{
    return random_u64(r) >> random_below(r, 64);
}

static struct str random_text(struct random *r, char text[8])
{
    size_t len = random_below(r, 8);

    for (size_t i = 0; i < len; i++) {
        text[i] = "\x01"
                  "ab\xff"[random_below(r, 4)];
    }
    return str_make(text, len);
}

TEST(keys, events_order_by_stream_and_then_by_sequence)
{
    struct random r = { 1 };

    for (int i = 0; i < N_PAIRS; i++) {
        struct id a = random_id(&r), b = random_chance(&r, 50) ? a : random_id(&r);
        uint64_t m = random_number(&r), n = random_number(&r);
        int by_stream = compare_ids(a, b);

        assert_int_equal(compare_keys(key_event(a, m), key_event(b, n)),
                         by_stream ? by_stream : compare_u64(m, n));
    }
}

TEST(keys, rows_of_an_id_order_by_kind_then_shard_then_id)
{
    static const enum key_kind kinds[] = { KEY_SESSION, KEY_CALL,  KEY_RESULT,   KEY_UNFINISHED,
                                           KEY_STREAM,  KEY_INPUT, KEY_SUSPENDED };
    struct random r = { 2 };

    for (int i = 0; i < N_PAIRS; i++) {
        enum key_kind k = kinds[random_below(&r, COUNT_OF(kinds))];
        enum key_kind l = kinds[random_below(&r, COUNT_OF(kinds))];
        struct id a = random_id(&r), b = random_id(&r);
        int by_kind = compare_u64(k, l);

        assert_int_equal(compare_keys(key_of_id(k, a), key_of_id(l, b)),
                         by_kind ? by_kind : compare_ids(a, b));
    }
}

TEST(keys, steps_order_by_call_and_then_by_alias)
{
    struct random r = { 3 };
    char one[8], two[8];

    for (int i = 0; i < N_PAIRS; i++) {
        struct id a = random_id(&r), b = random_chance(&r, 50) ? a : random_id(&r);
        struct str s = random_text(&r, one), t = random_text(&r, two);
        int by_call = compare_ids(a, b);

        assert_int_equal(compare_keys(key_journal(a, s), key_journal(b, t)),
                         by_call ? by_call : sign(str_cmp(s, t)));
        assert_int_equal(compare_keys(key_request(a, s), key_request(b, t)),
                         by_call ? by_call : sign(str_cmp(s, t)));
    }
}

TEST(keys, timers_order_by_time_then_by_call_and_then_by_alias)
{
    struct random r = { 6 };
    char one[8], two[8];

    for (int i = 0; i < N_PAIRS; i++) {
        struct id a = random_id(&r), b = random_chance(&r, 50) ? a : random_id(&r);
        uint64_t m = random_number(&r), n = random_chance(&r, 50) ? m : random_number(&r);
        struct str s = random_text(&r, one), t = random_text(&r, two);
        int by_call = compare_ids(a, b), by_alias = by_call ? by_call : sign(str_cmp(s, t));

        assert_int_equal(compare_keys(key_timer(m, a, s), key_timer(n, b, t)),
                         m != n ? compare_u64(m, n) : by_alias);
    }
}

TEST(keys, map_entries_order_by_map_and_then_by_key)
{
    struct random r = { 4 };
    char one[8], two[8], three[8], four[8];

    for (int i = 0; i < N_PAIRS; i++) {
        struct str m = random_text(&r, one), k = random_text(&r, three);
        struct str n = random_chance(&r, 50) ? m : random_text(&r, two);
        struct str l = random_text(&r, four);
        int by_map = sign(str_cmp(m, n));

        assert_int_equal(compare_keys(key_map(m, k), key_map(n, l)),
                         by_map ? by_map : sign(str_cmp(k, l)));
    }
}

/* A map's entries are a range, and no entry of a map whose name begins alike is in it. */
TEST(keys, the_range_of_a_map_holds_its_entries_and_no_others)
{
    struct key from = key_map(STR("ab"), STR("")), to = key_prefix_end(key_str(&from));
    struct key in[] = { key_map(STR("ab"), STR("")), key_map(STR("ab"), STR("\xff\xff")) };
    struct key out[] = { key_map(STR("a"), STR("b")), key_map(STR("abc"), STR("")),
                         key_map(STR("ab\x01"), STR("")), key_map(STR("a"), STR("\xff")) };

    for (size_t i = 0; i < COUNT_OF(in); i++) {
        assert_true(compare_keys(from, in[i]) <= 0 && compare_keys(in[i], to) < 0);
    }
    for (size_t i = 0; i < COUNT_OF(out); i++) {
        assert_false(compare_keys(from, out[i]) <= 0 && compare_keys(out[i], to) < 0);
    }
}

/* ---- prefix ends ---- */

TEST(keys, a_prefix_ends_at_the_next_byte_carried_over_trailing_0xff)
{
    expect_bytes(key_prefix_end(STR("a")), STR("b"));
    expect_bytes(key_prefix_end(STR("a\xff")), STR("b"));
    expect_bytes(key_prefix_end(STR("a\xff\xff\xff")), STR("b"));
    expect_bytes(key_prefix_end(STR("a\xff"
                                    "b")),
                 STR("a\xff"
                     "c"));
    expect_bytes(key_prefix_end(STR("\x00")), STR("\x01"));
    expect_bytes(key_prefix_end(STR("\xfe\xff")), STR("\xff"));
}

TEST(keys, the_end_of_a_prefix_is_behind_all_that_begins_with_it_and_nothing_else)
{
    struct random r = { 5 };
    char one[8], two[8];

    for (int i = 0; i < N_PAIRS; i++) {
        struct str prefix = random_text(&r, one), s = random_text(&r, two);
        struct key p = key_map(STR("m"), prefix), k = key_map(STR("m"), s);
        struct key end = key_prefix_end(key_str(&p));
        bool is_inside = compare_keys(p, k) <= 0 && compare_keys(k, end) < 0;

        assert_int_equal(is_inside, str_starts(s, prefix));
    }
}

TEST(keys, nothing_stands_between_a_key_and_the_first_behind_it)
{
    struct random r = { 6 };
    char one[8], two[8];

    for (int i = 0; i < N_PAIRS; i++) {
        struct key a = key_map(STR("m"), random_text(&r, one));
        struct key b = key_map(STR("m"), random_text(&r, two)), after = key_after(key_str(&a));

        assert_int_equal(compare_keys(a, b) < 0, compare_keys(after, b) <= 0);
    }
}

TEST(keys, the_greatest_id_has_a_range_too)
{
    struct key from, to, event;
    struct id id;

    memset(id.b, 0xff, sizeof(id.b));
    from = key_of_id(KEY_EVENT, id);
    to = key_prefix_end(key_str(&from));
    event = key_event(id, UINT64_MAX);
    expect_bytes(to, STR("\x09"));
    assert_true(compare_keys(from, event) < 0 && compare_keys(event, to) < 0);
}

/* ---- parsing ---- */

TEST(keys, the_parts_of_a_key_come_back)
{
    struct key call = key_of_id(KEY_CALL, sample), journal = key_journal(sample, STR("a\0b"));
    struct key event = key_event(sample, UINT64_MAX - 1), map = key_map(STR("m"), STR("k\0l"));
    struct key empty = key_map(STR("m"), STR("")), reference = key_reference(sample, STR("\x07x"));
    struct key watch = key_watch(STR("m"), STR("k"), sample);
    struct key timer = key_timer(77, sample, STR("\x01z")), request = key_request(sample, STR("\"r\""));
    struct str alias, name, key, to;
    uint64_t sequence, due_ms;
    struct id id;

    assert_int_equal(key_id(key_str(&call), &id), DMCP_OK);
    assert_true(id_eq(id, sample));
    assert_int_equal(key_id(key_str(&event), &id), DMCP_OK);
    assert_true(id_eq(id, sample));
    assert_int_equal(key_journal_alias(key_str(&journal), &alias), DMCP_OK);
    assert_true(str_eq(alias, STR("a\0b")));
    assert_int_equal(key_request_id(key_str(&request), &to), DMCP_OK);
    assert_true(str_eqz(to, "\"r\""));
    assert_int_equal(key_reference_target(key_str(&reference), &to), DMCP_OK);
    assert_true(str_eqz(to, "\x07x"));
    assert_int_equal(key_event_sequence(key_str(&event), &sequence), DMCP_OK);
    assert_true(sequence == UINT64_MAX - 1);
    memset(&id, 0, sizeof(id));
    assert_int_equal(key_timer_parts(key_str(&timer), &due_ms, &id, &alias), DMCP_OK);
    assert_true(due_ms == 77 && id_eq(id, sample) && str_eq(alias, STR("\x01z")));
    assert_int_equal(key_map_parts(key_str(&map), &name, &key), DMCP_OK);
    assert_true(str_eqz(name, "m") && str_eq(key, STR("k\0l")));
    assert_int_equal(key_map_parts(key_str(&empty), &name, &key), DMCP_OK);
    assert_true(str_eqz(name, "m") && key.len == 0);
    assert_int_equal(key_watch_parts(key_str(&watch), &name, &key, &id), DMCP_OK);
    assert_true(str_eqz(name, "m") && str_eqz(key, "k") && id_eq(id, sample));
    watch = key_watch(STR("m"), STR(""), sample);
    assert_int_equal(key_watch_parts(key_str(&watch), &name, &key, &id), DMCP_OK);
    assert_true(str_eqz(name, "m") && key.len == 0 && id_eq(id, sample));
}

TEST(keys, keys_that_are_too_short_or_too_long_are_corrupt)
{
    struct key call = key_of_id(KEY_CALL, sample), event = key_event(sample, 1);
    struct key watch = key_watch(STR("m"), STR("k"), sample);
    struct key timer = key_timer(1, sample, STR(""));
    char long_timer[KEY_BYTES_MAX + 2] = "\x0a";
    struct str part;
    uint64_t sequence, due_ms;
    struct id id;

    for (size_t n = 0; n < watch.len; n++) {
        assert_int_equal(key_watch_parts(str_make(watch.b, n), &part, &part, &id), DMCP_E_CORRUPT);
    }
    for (size_t n = 0; n < call.len; n++) {
        assert_int_equal(key_id(str_make(call.b, n), &id), DMCP_E_CORRUPT);
        assert_int_equal(key_journal_alias(str_make(call.b, n), &part), DMCP_E_CORRUPT);
        assert_int_equal(key_request_id(str_make(call.b, n), &part), DMCP_E_CORRUPT);
    }
    assert_int_equal(key_journal_alias(key_str(&call), &part), DMCP_E_CORRUPT);
    assert_int_equal(key_reference_target(key_str(&call), &part), DMCP_E_CORRUPT);
    for (size_t n = 0; n < event.len; n++) {
        assert_int_equal(key_event_sequence(str_make(event.b, n), &sequence), DMCP_E_CORRUPT);
    }
    assert_int_equal(key_event_sequence(str_make(event.b, event.len + 1), &sequence),
                     DMCP_E_CORRUPT);
    for (size_t n = 0; n <= timer.len; n++) { /* without an alias it names nothing */
        assert_int_equal(key_timer_parts(str_make(timer.b, n), &due_ms, &id, &part),
                         DMCP_E_CORRUPT);
    }
    assert_int_equal(key_timer_parts(str_make(long_timer, KEY_BYTES_MAX), &due_ms, &id, &part),
                     DMCP_OK);
    assert_int_equal(key_timer_parts(str_make(long_timer, KEY_BYTES_MAX + 1), &due_ms, &id, &part),
                     DMCP_E_CORRUPT);
    assert_int_equal(key_map_parts(STR(""), &part, &part), DMCP_E_CORRUPT);
    assert_int_equal(key_map_parts(STR("\x20"), &part, &part), DMCP_E_CORRUPT);
    assert_int_equal(key_map_parts(STR("\x20users"), &part, &part), DMCP_E_CORRUPT);
}

RUN_TESTS()
