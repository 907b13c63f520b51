/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores as lines of JSON, and back: byte for byte, or not at all.
 */
#include "admin_fixture.h"

#include "admin/export.h"
#include "base/codec.h"
#include "store/open.h"

static struct err err;

/* ---- there and back ---- */

static char *export_text(struct store *s, size_t piece_bytes)
{
    struct export *x = export_open(s);
    bool is_end = false;
    struct buf out;

    buf_init(&out, 256 * MIB);
    while (!is_end) {
        assert_int_equal(export_read(x, piece_bytes, &out, &is_end, &err), DMCP_OK);
    }
    export_close(x);
    return buf_take(&out, NULL);
}

static int import_text(const char *dir, const char *text, uint64_t *rows_out)
{
    FILE *from = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    int rc;

    assert_non_null(from);
    rc = import_file(dir, from, rows_out, &err);
    fclose(from);
    return rc;
}

/* All rows but those that every store has of its own. */
static void dump(struct store *s, struct buf *out)
{
    struct key format = key_meta(META_FORMAT);
    struct cursor *c = store_scan(s, &(struct range){ 0 });
    struct str key, value;

    while (cursor_next(c, &key, &value, &err) == DMCP_OK) {
        if (!str_eq(key, key_str(&format))) {
            enc_str(out, key);
            enc_str(out, value);
        }
    }
    cursor_close(c);
}

static void expect_same_rows(struct store *a, struct store *b)
{
    struct buf rows_a, rows_b;

    buf_init(&rows_a, 256 * MIB);
    buf_init(&rows_b, 256 * MIB);
    dump(a, &rows_a);
    dump(b, &rows_b);
    assert_true(rows_a.len > 0);
    assert_int_equal(rows_a.len, rows_b.len);
    assert_memory_equal(rows_a.data, rows_b.data, rows_a.len);
    buf_fini(&rows_a);
    buf_fini(&rows_b);
}

static void expect_round_trip(struct store *s)
{
    char *dir = test_dir(), *text = export_text(s, 100);
    struct store *again;
    uint64_t rows;

    assert_int_equal(import_text(dir, text, &rows), DMCP_OK);
    assert_int_equal(store_open(dir, &again, &err), DMCP_OK);
    expect_same_rows(s, again);
    store_close(again);
    mem_free(text);
    free(dir);
}

#define BYTES STR("\xff\x00\x01\"\\\n")

/* A row of every kind, with no field zero, and text that JSON has to escape. */
static void plant_all(struct store *s)
{
    struct id id = id_of(1, 0x81);

    plant(s, key_meta("epoch"), STR("12"));
    PLANT(s, key_of_id(KEY_SESSION, id), session, UINT64_MAX, 2, 3, 255, STR("v"), BYTES,
          STR("{\"name\":\"\xc3\xa4\"}"), STR("{}"));
    PLANT(s, key_of_id(KEY_CALL, id), call, CALL_LEGACY, CALL_TOOL, 9, id, id, STR("\"7\""),
          STR("tool"), STR("{ \"a\" : 1.10 }"));
    PLANT(s, key_of_id(KEY_RESULT, id), result, OUTCOME_CANCELLED, 8, 7, STR("{}"));
    PLANT(s, key_of_id(KEY_UNFINISHED, id), unfinished, UINT32_MAX, 2, 7, 5, 6);
    PLANT(s, key_of_id(KEY_SUSPENDED, id), unfinished, 1, 2, 4, 5, 0);
    PLANT(s, key_journal(id, STR("\x01q\0x")), journal, GUARD_INPUT, STEP_STARTED, 3, 4, 5, id,
          STR("label"), BYTES);
    PLANT(s, key_request(id, STR("\"7\"")), request, id, id);
    PLANT(s, key_event(id, 5), event, 6, STR("{}"));
    PLANT(s, key_of_id(KEY_STREAM, id), stream, 7, 8);
    plant(s, key_timer(9, id, STR("\x01timeout")), STR(""));
    PLANT(s, key_idempotency(id, STR("key")), idempotency, id, id, 10);
    PLANT(s, key_of_id(KEY_INPUT, id), input, id, id, STR("\x01q\0x"));
    PLANT(s, key_watch(STR("users"), STR(""), id), watch, BYTES);
    plant(s, key_watch(STR("users"), STR("ann"), id), STR(""));
    PLANT(s, key_of_id(KEY_WATCHING, id), watch, BYTES);
    PLANT(s, key_of_id(KEY_LISTS, id), lists, { 1, 2, UINT64_MAX });
    plant(s, key_reference(id, BYTES), STR(""));
    plant(s, key_subscription(id, id), STR(""));
    plant(s, key_map(STR("users"), STR("ann")), STR("{ \"b\":1 }"));
    plant(s, key_map(STR("users"), BYTES), BYTES);
    plant(s, key_map(STR("\xfe"), STR("")), STR(""));
}

TEST(export, comes_back_as_the_same_rows_of_every_kind)
{
    struct store *s = store_memory_new();

    plant_all(s);
    expect_round_trip(s);
    store_close(s);
}

TEST(export, puts_every_known_row_into_named_fields)
{
    struct store *s = store_memory_new();
    char *text;

    plant_all(s);
    text = export_text(s, 100);
    assert_null(strstr(text, "\"kind\":\"raw\""));
    assert_non_null(strstr(text, "{\"kind\":\"export\",\"format\":1}\n"));
    assert_non_null(strstr(text, "{\"kind\":\"map\",\"map\":\"users\",\"key\":\"ann\","
                                 "\"value\":\"{ \\\"b\\\":1 }\"}\n"));
    assert_non_null(strstr(text, "\"params\":\"{ \\\"a\\\" : 1.10 }\"}\n"));
    assert_non_null(strstr(text, "\"value\":{\"base64\":\"/wABIlwK\"}"));
    assert_non_null(strstr(text, "{\"kind\":\"end\",\"rows\":22}\n"));
    mem_free(text);
    store_close(s);
}

static void plant_bytes(struct store *s, struct str key, struct str value)
{
    struct key k = { .len = key.len };

    memcpy(k.b, key.p, key.len);
    plant(s, k, value);
}

TEST(export, carries_rows_that_it_cannot_read_as_they_are)
{
    struct store *s = store_memory_new();
    struct key other_shard = key_of_id(KEY_SESSION, id_of(1, 1));
    char *text;

    other_shard.b[1]++;
    plant(s, other_shard, STR("\x01"));
    plant(s, key_of_id(KEY_STREAM, id_of(1, 1)), STR("\x02layout of a later version"));
    plant(s, key_of_id(KEY_INPUT, id_of(1, 1)), STR(""));
    plant_bytes(s, STR("\x7f of a kind to come"), STR("value"));
    plant_bytes(s, STR("\x20no NUL"), STR(""));
    plant_bytes(s, STR("\xff"), STR("\xff"));
    text = export_text(s, 100);
    expect_round_trip(s);
    assert_non_null(strstr(text, "{\"kind\":\"raw\",\"key\":\"/w==\",\"value\":\"/w==\"}\n"));
    mem_free(text);
    store_close(s);
}

TEST(export, of_an_empty_store_makes_an_empty_store)
{
    struct store *s = store_memory_new(), *again;
    char *dir = test_dir(), *text = export_text(s, 1);
    uint64_t rows = 9;

    assert_int_equal(import_text(dir, text, &rows), DMCP_OK);
    assert_int_equal(rows, 0);
    assert_int_equal(store_open(dir, &again, &err), DMCP_OK);
    store_close(again);
    store_close(s);
    mem_free(text);
    free(dir);
}

TEST(export, takes_the_longest_values_through)
{
    struct store *s = store_memory_new();
    char *value = mem_alloc(LIMIT_RESULT_BYTES);

    for (size_t i = 0; i < LIMIT_RESULT_BYTES; i++) {
        value[i] = '\x01'; /* six bytes as JSON */
    }
    plant(s, key_map(STR("m"), STR("k")), str_make(value, LIMIT_RESULT_BYTES));
    expect_round_trip(s);
    mem_free(value);
    store_close(s);
}

TEST(export, shows_the_rows_of_the_moment_in_which_it_began)
{
    struct store *s = store_memory_new();
    struct export *x;
    bool is_end = false;
    struct buf out;

    plant(s, key_map(STR("m"), STR("a")), STR("old"));
    plant(s, key_map(STR("m"), STR("b")), STR("old"));
    x = export_open(s);
    buf_init(&out, MIB);
    assert_int_equal(export_read(x, 1, &out, &is_end, &err), DMCP_OK);
    plant(s, key_map(STR("m"), STR("b")), STR("new"));
    plant(s, key_map(STR("m"), STR("c")), STR("new"));
    while (!is_end) {
        assert_int_equal(export_read(x, 1, &out, &is_end, &err), DMCP_OK);
    }
    assert_null(strstr(out.data, "new"));
    assert_int_equal(export_rows(x), 2);
    export_close(x);
    buf_fini(&out);
    store_close(s);
}

/* ---- what is refused ---- */

#define FIRST "{\"kind\":\"export\",\"format\":1}\n"
#define ROW "{\"kind\":\"map\",\"map\":\"m\",\"key\":\"k\",\"value\":\"v\"}\n"
#define END(n) "{\"kind\":\"end\",\"rows\":" n "}\n"

static void expect_import(const char *text, int code, const char *why)
{
    char *dir = test_dir();

    assert_int_equal(import_text(dir, text, NULL), code);
    if (why && !strstr(err.text, why)) {
        print_error("not there: %s\nin: %s\n", why, err.text);
        fail();
    }
    free(dir);
}

TEST(import, takes_what_an_export_would_have_written)
{
    expect_import(FIRST ROW END("1"), DMCP_OK, NULL);
}

TEST(import, refuses_what_is_no_export)
{
    expect_import("\n", DMCP_E_INVALID, "line 1: ");
    expect_import("hello", DMCP_E_INVALID, "line 1: it is cut short");
    expect_import("hello\n", DMCP_E_INVALID, "line 1: ");
    expect_import("{}\n", DMCP_E_INVALID, "line 1: not the beginning of an export");
    expect_import(ROW, DMCP_E_INVALID, "line 1: not the beginning of an export");
    expect_import("{\"kind\":\"export\",\"format\":2}\n", DMCP_E_VERSION, "format 2");
}

TEST(import, refuses_an_export_that_is_not_whole)
{
    expect_import(FIRST, DMCP_E_INVALID, "the end is missing");
    expect_import(FIRST ROW, DMCP_E_INVALID, "line 3: the end is missing");
    expect_import(FIRST "{\"kind\":\"map\",\"ma", DMCP_E_INVALID, "line 2: it is cut short");
    expect_import(FIRST ROW END("2"), DMCP_E_INVALID, "lines are missing");
    expect_import(FIRST ROW END("1") "x\n", DMCP_E_INVALID, "behind the end");
}

TEST(import, refuses_rows_that_cannot_be)
{
    static const struct {
        const char *row, *why;
    } rows[] = {
        { "{}", "\"kind\"" },
        { "{\"kind\":\"cat\"}", "\"kind\"" },
        { "{\"kind\":\"map\",\"map\":\"m\",\"key\":\"k\"}", "\"value\" is not a string" },
        { "{\"kind\":\"map\",\"map\":\"m\\u0000\",\"key\":\"k\",\"value\":\"\"}", "a NUL" },
        { "{\"kind\":\"map\",\"map\":\"m\",\"key\":{\"base64\":\"!\"},\"value\":\"\"}", "base64" },
        { "{\"kind\":\"stream\",\"session\":\"12\",\"next\":1,\"sent\":1}", "not an id" },
        { "{\"kind\":\"unfinished\",\"call\":\"0190a6f0c1d27bcf8f6a1a2b3c4d5e6f\","
          "\"attempt\":4294967296,\"crashes\":0,\"flags\":0,\"epoch\":1}",
          "\"attempt\" is not a number" },
        { "{\"kind\":\"unfinished\",\"call\":\"0190a6f0c1d27bcf8f6a1a2b3c4d5e6f\","
          "\"attempt\":1,\"crashes\":-1,\"flags\":0,\"epoch\":1}",
          "\"crashes\" is not a number" },
        { "{\"kind\":\"raw\",\"key\":\"\",\"value\":\"\"}", "too long" },
        { "{\"kind\":\"raw\",\"key\":7,\"value\":\"\"}", "base64" },
        { "{\"kind\":\"meta\",\"name\":\"format\",\"value\":\"2\"}", "no export has such a row" },
        { "{\"kind\":\"meta\",\"name\":\"filling\",\"value\":\"1\"}", "no export has such a row" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[1024];

        snprintf(text, sizeof(text), FIRST "%s\n" END("1"), rows[i].row);
        expect_import(text, DMCP_E_INVALID, "line 2: ");
        assert_non_null(strstr(err.text, rows[i].why));
    }
}

/* Whoever goes on behind a key needs room for one byte more. */
TEST(import, refuses_a_key_that_is_longer_than_any)
{
    static const int max = KEY_BYTES_MAX - 1 - 3; /* in map "m" */
    const int lengths[] = { max, max + 1, 4096 };
    char text[8192], key[4096];

    memset(key, 'k', sizeof(key));
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        snprintf(text, sizeof(text),
                 FIRST "{\"kind\":\"map\",\"map\":\"m\",\"key\":\"%.*s\",\"value\":\"\"}\n" END(
                     "1"),
                 lengths[i], key);
        expect_import(text, i ? DMCP_E_INVALID : DMCP_OK, i ? "too long" : NULL);
    }
}

TEST(import, leaves_a_store_with_data_as_it_is_whatever_the_file_says)
{
    char *dir = test_dir();
    struct store *s;

    assert_int_equal(import_text(dir, FIRST ROW END("1"), NULL), DMCP_OK);
    assert_int_equal(import_text(dir, FIRST END("0"), NULL), DMCP_E_CONFLICT);
    assert_int_equal(store_open(dir, &s, &err), DMCP_OK);
    answer(s, (struct admin_query){ .view = DMCP_VIEW_MAP, .name = STR("m") });
    expect_part("\"key\":\"k\"");
    store_close(s);
    free(dir);
}

TEST(import, that_failed_can_be_done_again)
{
    char *dir = test_dir();
    struct store *s;

    assert_int_equal(import_text(dir, FIRST ROW, NULL), DMCP_E_INVALID);
    assert_int_equal(store_open(dir, &s, &err), DMCP_E_CORRUPT);
    assert_int_equal(import_text(dir, FIRST ROW END("1"), NULL), DMCP_OK);
    assert_int_equal(store_open(dir, &s, &err), DMCP_OK);
    store_close(s);
    free(dir);
}

TEST(import, does_not_make_a_store_for_a_file_that_is_no_export)
{
    char *parent = test_dir(), *dir = NULL;

    assert_int_not_equal(asprintf(&dir, "%s/new", parent), -1);
    assert_int_equal(import_text(dir, "hello\n", NULL), DMCP_E_INVALID);
    assert_int_not_equal(access(dir, F_OK), 0);
    free(dir);
    free(parent);
}

RUN_TESTS()
