/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of rows: it says of every kind of row what keys.h and records.h say.
 */
#include "harness.h"

#include "base/limits.h"
#include "store/fields.h"
#include "store/records.h"

#define TIMES 0x0102030405060708u

static const struct id call = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };

static void check_fields(const struct field *fields, struct str bytes)
{
    struct field_value values[FIELDS_MAX];
    struct buf again;

    assert_int_equal(fields_dec(fields, bytes, values), DMCP_OK);
    buf_init(&again, MIB);
    fields_enc(&again, fields, values);
    assert_true(str_eq(buf_str(&again), bytes));
    buf_fini(&again);
}

/* The table takes the row to pieces, and the pieces give the same bytes. */
static void check_row(const char *name, struct key k, const struct buf *value)
{
    const struct row_kind *kind = row_kind_of(k.b[0]);
    struct str bytes = buf_str(value);

    assert_non_null(kind);
    assert_string_equal(kind->name, name);
    assert_ptr_equal(row_kind_named(str_of(name)), kind);
    check_fields(kind->key, str_make(k.b + 1, k.len - 1));
    if (kind->has_layout) {
        assert_int_equal(bytes.p[0], 1);
        bytes = str_make(bytes.p + 1, bytes.len - 1);
    }
    check_fields(kind->value, bytes);
}

#define CHECK(kind, key, ...) CHECK_AS(kind, #kind, key, __VA_ARGS__)
#define CHECK_AS(kind, name, key, ...)                                                             \
    do {                                                                                           \
        struct kind##_record r_ = { __VA_ARGS__ };                                                 \
        struct buf b_;                                                                             \
        buf_init(&b_, MIB);                                                                        \
        kind##_record_enc(&b_, &r_);                                                               \
        check_row(name, key, &b_);                                                                 \
        buf_fini(&b_);                                                                             \
    } while (0)

TEST(fields, take_every_record_to_pieces_and_put_it_together_again)
{
    CHECK(session, key_of_id(KEY_SESSION, call), TIMES, TIMES, 3, 9, STR("version"), STR("me"),
          STR("{}"), STR("{\"a\":1}"));
    CHECK(call, key_of_id(KEY_CALL, call), CALL_LEGACY, CALL_TOOL, TIMES, call, call, STR("7"),
          STR("tool"), STR("{}"));
    CHECK(result, key_of_id(KEY_RESULT, call), OUTCOME_ERROR, TIMES, TIMES, STR("{}"));
    CHECK(unfinished, key_of_id(KEY_UNFINISHED, call), 2, 1, 4, TIMES, TIMES);
    CHECK(journal, key_journal(call, STR("\x01m\0x")), GUARD_MAP, STEP_DONE, 2, TIMES, TIMES, call,
          STR("label"), STR("body"));
    CHECK(request, key_request(call, STR("\"7\"")), call, call);
    CHECK(event, key_event(call, TIMES), TIMES, STR("{}"));
    CHECK(stream, key_of_id(KEY_STREAM, call), TIMES, TIMES);
    CHECK(idempotency, key_idempotency(call, STR("key")), call, call, TIMES);
    CHECK(input, key_of_id(KEY_INPUT, call), call, call, STR("\x01q"));
    CHECK_AS(watch, "watching", key_of_id(KEY_WATCHING, call), STR("ranges"));
}

TEST(fields, take_the_rows_without_a_record_too)
{
    struct unfinished_record suspended = { 2, 1, 4, TIMES, TIMES };
    struct buf b;

    buf_init(&b, MIB);
    check_row("watch", key_watch(STR("users"), STR("a key"), call), &b);
    check_row("timer", key_timer(TIMES, call, STR("alias")), &b);
    check_row("reference", key_reference(call, STR("a key")), &b);
    buf_addz(&b, "any bytes");
    check_row("map", key_map(STR("users"), STR("a key")), &b);
    check_row("meta", key_meta("epoch"), &b);
    buf_reset(&b);
    unfinished_record_enc(&b, &suspended);
    check_row("suspended", key_of_id(KEY_SUSPENDED, call), &b);
    buf_fini(&b);
}

static int dec_key(struct key k, size_t len)
{
    struct field_value values[FIELDS_MAX];

    return fields_dec(row_kind_of(k.b[0])->key, str_make(k.b + 1, len - 1), values);
}

TEST(fields, refuse_a_key_that_is_cut_or_stands_in_another_shard)
{
    struct key k = key_of_id(KEY_CALL, call), map = key_map(STR("users"), STR(""));

    assert_int_equal(dec_key(k, k.len), DMCP_OK);
    assert_int_equal(dec_key(k, k.len - 1), DMCP_E_CORRUPT);
    k.b[1]++;
    assert_int_equal(dec_key(k, k.len), DMCP_E_CORRUPT);
    assert_int_equal(dec_key(map, map.len), DMCP_OK);
    assert_int_equal(dec_key(map, map.len - 1), DMCP_E_CORRUPT);
}

/* The registry as it is written down: a kind without fields would be exported unreadable. */
TEST(fields, are_known_of_every_kind_in_the_registry)
{
    FILE *registry = fopen("src/store/keys.h", "r");
    char line[256], name[64];
    unsigned code, n = 0;

    assert_non_null(registry);
    while (fgets(line, sizeof(line), registry)) {
        if (sscanf(line, " KEY_%63[A-Z_] = 0x%x,", name, &code) == 2) {
            if (!row_kind_of((uint8_t)code)) {
                print_error("src/store/fields.c lacks %s\n", name);
                fail();
            }
            n++;
        }
    }
    fclose(registry);
    assert_true(n >= 18);
}

TEST(fields, do_not_know_kinds_that_are_not_given)
{
    assert_null(row_kind_of(0));
    assert_null(row_kind_of(0xff));
    assert_null(row_kind_named(STR("sessions")));
}

RUN_TESTS()
