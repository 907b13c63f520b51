/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON, looking into it and writing it back.
 */
#include "harness.h"

#include <math.h>

#include "base/limits.h"
#include "json/equal.h"
#include "json/json.h"

static void expect_rewritten(const char *text, const char *expected)
{
    yyjson_doc *doc;
    struct err e;
    struct buf out;

    buf_init(&out, MIB);
    assert_int_equal(json_read(str_of(text), &doc, &e), 0);
    json_write(&out, doc->root);
    assert_true(buf_ok(&out));
    assert_string_equal(out.data, expected);
    yyjson_doc_free(doc);
    buf_fini(&out);
}

static void expect_refused(struct str text, int code, const char *error)
{
    yyjson_doc *doc = NULL;
    struct err e = { 0, "" };

    assert_int_equal(json_read(text, &doc, &e), code);
    assert_null(doc);
    assert_int_equal(e.code, code);
    assert_string_equal(e.text, error);
}

static yyjson_doc *read_good(const char *text)
{
    yyjson_doc *doc;

    assert_int_equal(json_read(str_of(text), &doc, NULL), 0);
    return doc;
}

/* An array in an array in an array; the caller frees it. */
static char *nested(size_t depth)
{
    char *text = mem_zalloc(2 * depth + 1);

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return text;
}

TEST(json, text_is_written_back_compact_and_in_its_order)
{
    expect_rewritten(" { \"b\" : [ 1 , true , null ] ,\n\"a\" : \"x\" } ",
                     "{\"b\":[1,true,null],\"a\":\"x\"}");
    expect_rewritten("\"\\u00e4\\ud83d\\ude00\\u0000\\/\"", "\"\xC3\xA4\xF0\x9F\x98\x80\\u0000/\"");
}

TEST(json, numbers_that_fit_come_back_with_the_same_value)
{
    expect_rewritten("[0,-1,18446744073709551615,-9223372036854775808]",
                     "[0,-1,18446744073709551615,-9223372036854775808]");
    expect_rewritten("[1.0,2.50,-0.0,0.1,5e-324,1.7976931348623157e308]",
                     "[1.0,2.5,-0.0,0.1,5e-324,1.7976931348623157e308]");
    expect_rewritten("[1E+2,0e999,0.30000000000000004]", "[100.0,0.0,0.30000000000000004]");
}

TEST(json, numbers_that_a_double_would_damage_come_back_byte_for_byte)
{
    static const char *const texts[] = {
        "18446744073709551616",
        "-9223372036854775809",
        "12345678901234567890123",
        "100000000000000000000",
        "1e400",
        "-1E+400",
        "1e-400",
        "0.1000000000000000055",
        "123456789012345678.5",
        "0.10000000000000001",
        "4.9406564584124654e-324",
        "-0",
        "1e99999999999999999999",
        "0.12345678901234567890e5",
        "1.000000000000000000000000000001",
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        expect_rewritten(texts[i], texts[i]);
    }
}

TEST(json, errors_name_the_byte)
{
    expect_refused(STR(""), DMCP_E_INVALID, "at byte 0: there is no text");
    expect_refused(STR("{\"a\":1,}"), DMCP_E_INVALID, "at byte 6: trailing comma is not allowed");
    expect_refused(STR("[1,2"), DMCP_E_INVALID, "at byte 4: unexpected end of data");
}

TEST(json, text_that_is_not_strict_is_refused)
{
    static const struct str texts[] = {
        { "1 2", 3 },
        { "NaN", 3 },
        { "[Infinity]", 10 },
        { "'a'", 3 },
        { "{a:1}", 5 },
        { "[1/*c*/]", 8 },
        { "01", 2 },
        { "+1", 2 },
        { ".5", 2 },
        { "1.", 2 },
        { "\"\t\"", 3 },
        { "\"\\x41\"", 6 },
        { "\"\xFF\"", 3 },
        { "\"\xC0\x80\"", 4 },
        { "\"\\ud800\"", 8 },
        { "\"\xED\xA0\x80\"", 5 },
        { "1\0", 2 },
        { "\"a\0b\"", 5 },
        { "\xEF\xBB\xBF"
          "1",
          4 },
        { " ", 1 },
    };
    yyjson_doc *doc;

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_int_equal(json_read(texts[i], &doc, NULL), DMCP_E_INVALID);
    }
}

TEST(json, nesting_is_allowed_up_to_its_limit_and_refused_past_it)
{
    char *allowed = nested(LIMIT_JSON_DEPTH), *refused = nested(LIMIT_JSON_DEPTH + 1);

    expect_rewritten(allowed, allowed);
    expect_refused(str_of(refused), DMCP_E_TOOBIG, "at byte 64: nested more than 64 deep");
    mem_free(allowed);
    mem_free(refused);
}

TEST(json, depth_counts_what_is_open_and_not_what_was)
{
    struct buf text;

    buf_init(&text, MIB);
    buf_addc(&text, '[');
    for (int i = 0; i < 1000; i++) {
        buf_addz(&text, "[[]],{\"a\":{}},");
    }
    buf_addz(&text, "\"[[[\"]");
    expect_rewritten(text.data, text.data);
    buf_fini(&text);
}

TEST(json, the_place_of_nesting_too_deep_is_found_behind_brackets_in_strings)
{
    struct buf text;
    char *deep = nested(LIMIT_JSON_DEPTH);

    buf_init(&text, MIB);
    buf_addz(&text, "{\"\\\"[\":");
    buf_addz(&text, deep);
    buf_addc(&text, '}');
    expect_refused(buf_str(&text), DMCP_E_TOOBIG, "at byte 70: nested more than 64 deep");
    buf_fini(&text);
    mem_free(deep);
}

TEST(json, a_key_that_is_there_twice_is_refused)
{
    expect_refused(STR("{\"a\":1,\"b\":{\"x\":1,\"y\":2,\"x\":3}}"), DMCP_E_INVALID,
                   "at byte 24: the key \"x\" is there twice");
    /* However it is written. */
    expect_refused(STR("{\"a\":1,\"\\u0061\":1}"), DMCP_E_INVALID,
                   "at byte 7: the key \"a\" is there twice");
    expect_refused(STR("{\"\":1,\"\":1}"), DMCP_E_INVALID,
                   "at byte 6: the key \"\" is there twice");
    /* One is the other's beginning, up to a NUL. */
    expect_rewritten("{\"a\":1,\"a\\u0000\":2}", "{\"a\":1,\"a\\u0000\":2}");
    expect_rewritten("[{\"a\":1},{\"a\":1}]", "[{\"a\":1},{\"a\":1}]");
}

static void add_keys(struct buf *text, int n)
{
    buf_addc(text, '{');
    for (int i = 0; i < n; i++) {
        buf_addf(text, "\"key%d\":[%d],", i, i);
    }
}

TEST(json, a_key_that_is_there_twice_among_many_is_refused)
{
    for (int n = 1; n < 3000; n = n * 2 - 1 + n / 16) {
        struct buf text;
        yyjson_doc *doc;

        buf_init(&text, MIB);
        add_keys(&text, n);
        buf_addz(&text, "\"last\":1}");
        doc = read_good(text.data);
        yyjson_doc_free(doc);

        buf_reset(&text);
        add_keys(&text, n);
        buf_addf(&text, "\"key%d\":1}", n / 2);
        assert_int_equal(json_read(buf_str(&text), &doc, NULL), DMCP_E_INVALID);
        buf_fini(&text);
        n++;
    }
}

TEST(json, members_are_found_by_key_and_type)
{
    yyjson_doc *doc = read_good("{\"s\":\"x\",\"e\":\"\",\"n\":7,\"t\":true,\"d\":0.5}");
    const yyjson_val *root = doc->root;
    uint64_t u = 0;
    int64_t i = 0;
    double d = 0;
    bool b = false;

    assert_true(str_eq(json_get_str(root, "s"), STR("x")));
    assert_non_null(json_get_str(root, "e").p);
    assert_null(json_get_str(root, "n").p);
    assert_null(json_get_str(root, "absent").p);
    assert_null(json_get_str(json_get(root, "s"), "s").p);
    assert_null(json_get(NULL, "s"));

    assert_int_equal(json_get_uint(root, "n", &u), 0);
    assert_int_equal(u, 7);
    assert_int_equal(json_get_int(root, "absent", &i), DMCP_E_NOTFOUND);
    assert_int_equal(json_get_int(root, "s", &i), DMCP_E_INVALID);
    assert_int_equal(json_get_int(root, "d", &i), DMCP_E_INVALID);
    assert_int_equal(json_get_double(root, "d", &d), 0);
    assert_true(d == 0.5);
    assert_int_equal(json_get_bool(root, "t", &b), 0);
    assert_true(b);
    assert_int_equal(json_get_bool(root, "n", &b), DMCP_E_INVALID);
    assert_int_equal(json_get_bool(root, "absent", &b), DMCP_E_NOTFOUND);
    yyjson_doc_free(doc);
}

static const struct {
    const char *text;
    int int_code;
    int64_t as_int;
    int uint_code;
    uint64_t as_uint;
} integers[] = {
    { "0", 0, 0, 0, 0 },
    { "-0", 0, 0, 0, 0 },
    { "-0.0", 0, 0, 0, 0 },
    { "12.0", 0, 12, 0, 12 },
    { "1.2e1", 0, 12, 0, 12 },
    { "1200e-2", 0, 12, 0, 12 },
    { "-5", 0, -5, DMCP_E_TOOBIG, 0 },
    { "-5.0", 0, -5, DMCP_E_TOOBIG, 0 },
    { "1e18", 0, 1000000000000000000, 0, 1000000000000000000u },
    { "9223372036854775807", 0, INT64_MAX, 0, INT64_MAX },
    { "9223372036854775808", DMCP_E_TOOBIG, 0, 0, (uint64_t)INT64_MAX + 1 },
    { "-9223372036854775808", 0, INT64_MIN, DMCP_E_TOOBIG, 0 },
    { "-9223372036854775808.0", 0, INT64_MIN, DMCP_E_TOOBIG, 0 },
    { "-9223372036854775809", DMCP_E_TOOBIG, 0, DMCP_E_TOOBIG, 0 },
    { "18446744073709551615", DMCP_E_TOOBIG, 0, 0, UINT64_MAX },
    { "18446744073709551616", DMCP_E_TOOBIG, 0, DMCP_E_TOOBIG, 0 },
    { "1e999999999999", DMCP_E_TOOBIG, 0, DMCP_E_TOOBIG, 0 },
    { "1.5", DMCP_E_INVALID, 0, DMCP_E_INVALID, 0 },
    { "1e-1", DMCP_E_INVALID, 0, DMCP_E_INVALID, 0 },
    { "9007199254740993.1", DMCP_E_INVALID, 0, DMCP_E_INVALID, 0 },
    { "\"1\"", DMCP_E_INVALID, 0, DMCP_E_INVALID, 0 },
    { "true", DMCP_E_INVALID, 0, DMCP_E_INVALID, 0 },
};

TEST(json, integers_are_read_exactly_however_they_are_written)
{
    for (size_t i = 0; i < COUNT_OF(integers); i++) {
        yyjson_doc *doc = read_good(integers[i].text);
        int64_t as_int = 0;
        uint64_t as_uint = 0;

        assert_int_equal(json_to_int(doc->root, &as_int), integers[i].int_code);
        assert_true(as_int == integers[i].as_int);
        assert_int_equal(json_to_uint(doc->root, &as_uint), integers[i].uint_code);
        assert_true(as_uint == integers[i].as_uint);
        yyjson_doc_free(doc);
    }
}

TEST(json, doubles_are_the_nearest_or_infinite)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        { "3", 3 },
        { "-3", -3 },
        { "0.1", 0.1 },
        { "12345678901234567890123", 12345678901234567890123.0 },
        { "0.1000000000000000055", 0.1 },
        { "1e400", HUGE_VAL },
        { "-1e400", -HUGE_VAL },
        { "1e-400", 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        yyjson_doc *doc = read_good(cases[i].text);
        double d = 1;

        assert_int_equal(json_to_double(doc->root, &d), 0);
        assert_true(d == cases[i].value);
        yyjson_doc_free(doc);
    }
}

TEST(json, values_are_equal_by_what_they_mean)
{
    static const struct {
        const char *a, *b;
        bool is_equal;
    } cases[] = {
        { "1", "1.0", true },
        { "100", "1e2", true },
        { "1e400", "10e399", true },
        { "-0", "0.0", true },
        { "1", "-1", false },
        { "9007199254740993", "9007199254740993.0", true },
        { "9007199254740993", "9007199254740992.0", false },
        { "\"a\"", "\"\\u0061\"", true },
        { "\"1\"", "1", false },
        { "true", "1", false },
        { "null", "false", false },
        { "[1,2]", "[2,1]", false },
        { "[1]", "[1,1]", false },
        { "[]", "{}", false },
        { "{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true },
        { "{\"a\":1}", "{\"a\":1,\"b\":1}", false },
        { "{\"a\":1,\"b\":1}", "{\"a\":1}", false },
        { "{\"a\":1}", "{\"b\":1}", false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        yyjson_doc *a = read_good(cases[i].a), *b = read_good(cases[i].b);

        assert_true(json_equal(a->root, b->root) == cases[i].is_equal);
        assert_true((json_hash(a->root) == json_hash(b->root)) == cases[i].is_equal);
        yyjson_doc_free(a);
        yyjson_doc_free(b);
    }
}

TEST(json, long_text_is_written_as_well_as_short)
{
    struct buf text;

    buf_init(&text, MIB);
    buf_addc(&text, '[');
    for (int i = 0; i < 20000; i++) {
        buf_addf(&text, "\"item %d\",", i);
    }
    buf_addz(&text, "0]");
    expect_rewritten(text.data, text.data);
    buf_fini(&text);
}

TEST(json, a_buffer_that_is_too_small_fails)
{
    yyjson_doc *doc = read_good("[1,2,3]");
    struct buf out;

    buf_init(&out, 6);
    json_write(&out, doc->root);
    assert_false(buf_ok(&out));
    buf_fini(&out);
    buf_init(&out, 7);
    json_write(&out, doc->root);
    assert_true(buf_ok(&out));
    buf_fini(&out);
    yyjson_doc_free(doc);
}

TEST(json, a_mutable_document_that_is_not_utf8_fails_the_buffer)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *array = yyjson_mut_arr(doc);
    struct buf out;

    yyjson_mut_arr_add_real(doc, array, NAN);
    yyjson_mut_arr_add_str(doc, array, "x");
    buf_init(&out, KIB);
    json_write_mut(&out, array);
    assert_string_equal(out.data, "[null,\"x\"]");
    yyjson_mut_arr_add_str(doc, array, "\xFF");
    json_write_mut(&out, array);
    assert_false(buf_ok(&out));
    buf_fini(&out);
    yyjson_mut_doc_free(doc);
}

static void expect_quoted(struct str s, size_t size, const char *expected)
{
    char text[64];

    memset(text, '#', sizeof(text));
    json_quote(s, text, size);
    assert_string_equal(text, expected);
    assert_int_equal(text[size], '#');
}

TEST(json, quoted_strings_are_escaped_and_cut_between_characters)
{
    expect_quoted(STR("a\"b\n"), 40, "\"a\\\"b\\n\"");
    expect_quoted(STR("12345678901234"), 17, "\"12345678901234\"");
    expect_quoted(STR("123456789012345"), 17, "\"12345678901...\"");
    expect_quoted(STR("1234567890\xC3\xA4\xC3\xA4\xC3\xA4"), 17, "\"1234567890...\"");
    expect_quoted(STR("1234567890a\xC3\xA4\xC3\xA4\xC3\xA4"), 17, "\"1234567890a...\"");
    expect_quoted(STR("\xFF"), 16, "\"\xEF\xBF\xBD\"");
    expect_quoted(STR("\x1f\x01\x02\x03"), 16, "\"\\u001F...\"");
}

static void expect_described(const char *text, const char *expected)
{
    yyjson_doc *doc = read_good(text);
    char described[64];

    json_describe(doc->root, described, 48);
    assert_string_equal(described, expected);
    yyjson_doc_free(doc);
}

TEST(json, values_are_described_in_a_few_words)
{
    expect_described("null", "null");
    expect_described("false", "boolean false");
    expect_described("12", "integer 12");
    expect_described("12.0", "integer 12.0");
    expect_described("12.5", "number 12.5");
    expect_described("1234567890123456789012345678901234567890",
                     "integer 12345678901234567890123456789012...");
    expect_described("\"x\"", "string \"x\"");
    expect_described("[]", "array with 0 items");
    expect_described("[1]", "array with 1 item");
    expect_described("{\"a\":1,\"b\":2}", "object with 2 members");
    expect_described("\"0123456789012345678901234567890123456789\"",
                     "string \"01234567890123456789012345678901234...\"");
}

RUN_TESTS()
