/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streaming JSON writer, and the base64 and UTF-8 that it stands on.
 */
#include "harness.h"

#include <math.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "json/json.h"
#include "json/writer.h"

static int open_buffer(void **state)
{
    struct buf *b = mem_alloc(sizeof(*b));

    buf_init(b, MIB);
    *state = b;
    return 0;
}

static int close_buffer(void **state)
{
    buf_fini(*state);
    mem_free(*state);
    return 0;
}

TEST_WITH(writer, sets_commas_and_colons, open_buffer, close_buffer)
{
    struct buf *b = *state;
    struct json_writer w;

    jw_init(&w, b);
    jw_object(&w);
    jw_key(&w, "empty");
    jw_array(&w);
    jw_array_end(&w);
    jw_key_str(&w, STR("list"));
    jw_array(&w);
    jw_int(&w, 1);
    jw_object(&w);
    jw_object_end(&w);
    jw_array(&w);
    jw_null(&w);
    jw_bool(&w, true);
    jw_array_end(&w);
    jw_strz(&w, "x");
    jw_array_end(&w);
    jw_key(&w, "raw");
    jw_raw(&w, STR("{\"a\":[1]}"));
    assert_false(jw_is_complete(&w));
    jw_object_end(&w);
    assert_true(jw_is_complete(&w));
    assert_string_equal(b->data,
                        "{\"empty\":[],\"list\":[1,{},[null,true],\"x\"],\"raw\":{\"a\":[1]}}");
}

TEST_WITH(writer, writes_numbers_at_the_ends_of_their_ranges, open_buffer, close_buffer)
{
    struct buf *b = *state;
    struct json_writer w;

    jw_init(&w, b);
    jw_array(&w);
    jw_int(&w, INT64_MIN);
    jw_int(&w, INT64_MAX);
    jw_uint(&w, UINT64_MAX);
    jw_int(&w, 0);
    jw_double(&w, 0.1);
    jw_double(&w, 1.7976931348623157e308);
    jw_double(&w, 5e-324);
    jw_double(&w, 3);
    jw_double(&w, -0.0);
    jw_double(&w, NAN);
    jw_double(&w, -INFINITY);
    jw_array_end(&w);
    assert_string_equal(b->data, "[-9223372036854775808,9223372036854775807,18446744073709551615,"
                                 "0,0.1,1.7976931348623157e308,5e-324,3.0,-0.0,null,null]");
}

TEST_WITH(writer, escapes_what_json_does_not_allow_in_strings, open_buffer, close_buffer)
{
    struct buf *b = *state;
    struct json_writer w;

    jw_init(&w, b);
    jw_object(&w);
    jw_key(&w, "a\"b");
    jw_str(&w, STR("\"\\/\b\f\n\r\t\x01\x1f\x7f"
                   "\0z"));
    jw_object_end(&w);
    assert_string_equal(b->data,
                        "{\"a\\\"b\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001F\x7f\\u0000z\"}");
}

TEST_WITH(writer, every_byte_survives_a_round_trip_or_is_replaced, open_buffer, close_buffer)
{
    struct buf *b = *state;
    struct json_writer w;
    char all[256];

    for (int i = 0; i < 256; i++) {
        all[i] = (char)i;
    }
    for (size_t n = 0; n <= sizeof(all); n++) {
        struct str s = str_make(all, n), back;
        yyjson_doc *doc;

        buf_reset(b);
        jw_init(&w, b);
        jw_str(&w, s);
        assert_int_equal(json_read(buf_str(b), &doc, NULL), 0);
        back = json_str(doc->root);
        assert_true(str_starts(back, str_make(all, n < 128 ? n : 128)));
        assert_int_equal(back.len, n <= 128 ? n : 128 + 3 * (n - 128));
        yyjson_doc_free(doc);
    }
}

TEST_WITH(writer, replaces_what_is_not_utf8, open_buffer, close_buffer)
{
#define R UTF8_REPLACEMENT
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "a\xFFz", "\"a" R "z\"" },
        { "\xC3\xA4", "\"\xC3\xA4\"" },
        { "\xC3", "\"" R "\"" },
        { "\xC0\x80", "\"" R R "\"" },                  /* overlong NUL */
        { "\xE0\x80\x80", "\"" R R R "\"" },            /* overlong */
        { "\xED\xA0\x80", "\"" R R R "\"" },            /* a surrogate */
        { "\xF4\x90\x80\x80", "\"" R R R R "\"" },      /* above U+10FFFF */
        { "\xF4\x8F\xBF\xBF", "\"\xF4\x8F\xBF\xBF\"" }, /* U+10FFFF */
        { "\xE2\x82"
          "x",
          "\"" R R "x\"" },
    };
#undef R
    struct buf *b = *state;
    struct json_writer w;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        buf_reset(b);
        jw_init(&w, b);
        jw_strz(&w, cases[i].in);
        assert_string_equal(b->data, cases[i].out);
    }
}

TEST_WITH(writer, formats_strings_of_any_length, open_buffer, close_buffer)
{
    struct buf *b = *state;
    struct json_writer w;
    char *text = mem_alloc(5001);

    memset(text, 'x', 5000);
    text[5000] = '\0';
    for (size_t n = 505; n < 520; n++) {
        buf_reset(b);
        jw_init(&w, b);
        jw_strf(&w, "%.*s", (int)n, text);
        assert_int_equal(b->len, n + 2);
    }
    buf_reset(b);
    jw_init(&w, b);
    jw_strf(&w, "%s\"%d\"", text, 5);
    assert_int_equal(b->len, 5000 + 5 + 2);
    mem_free(text);
}

TEST_WITH(writer, encodes_bytes_as_base64_strings, open_buffer, close_buffer)
{
    struct buf *b = *state;
    struct json_writer w;

    jw_init(&w, b);
    jw_array(&w);
    jw_base64(&w, STR(""));
    jw_base64(&w, STR("f"));
    jw_base64(&w, STR("fo"));
    jw_base64(&w, STR("foo"));
    jw_base64(&w, STR("\xfb\xff\xfe\x00"));
    jw_array_end(&w);
    assert_string_equal(b->data, "[\"\",\"Zg==\",\"Zm8=\",\"Zm9v\",\"+//+AA==\"]");
}

TEST_WITH(writer, nests_up_to_the_depth_that_the_reader_takes, open_buffer, close_buffer)
{
    struct buf *b = *state;
    struct json_writer w;
    yyjson_doc *doc;

    jw_init(&w, b);
    for (int i = 0; i < LIMIT_JSON_DEPTH; i++) {
        jw_array(&w);
    }
    for (int i = 0; i < LIMIT_JSON_DEPTH; i++) {
        jw_array_end(&w);
    }
    assert_true(jw_is_complete(&w));
    assert_int_equal(json_read(buf_str(b), &doc, NULL), 0);
    yyjson_doc_free(doc);
}

TEST_WITH(writer, takes_values_from_documents, open_buffer, close_buffer)
{
    struct buf *b = *state;
    struct json_writer w;
    yyjson_doc *doc;

    assert_int_equal(json_read(STR("{\"n\":[1e400,\"\\n\"]}"), &doc, NULL), 0);
    jw_init(&w, b);
    jw_array(&w);
    jw_value(&w, doc->root);
    jw_value(&w, json_get(doc->root, "n"));
    jw_array_end(&w);
    assert_string_equal(b->data, "[{\"n\":[1e400,\"\\n\"]},[1e400,\"\\n\"]]");
    yyjson_doc_free(doc);
}

TEST(writer, a_buffer_that_is_full_fails_for_good)
{
    struct json_writer w;
    struct buf b;

    buf_init(&b, 8);
    jw_init(&w, &b);
    jw_array(&w);
    jw_strz(&w, "too long for it");
    jw_int(&w, 1);
    jw_array_end(&w);
    assert_false(buf_ok(&b));
    assert_true(jw_is_complete(&w));
    buf_fini(&b);
}

TEST(base64, decodes_what_it_encoded)
{
    unsigned char data[64];

    for (size_t n = 0; n < sizeof(data); n++) {
        struct buf text, back;

        data[n] = (unsigned char)(n * 37 + 11);
        buf_init(&text, KIB);
        buf_init(&back, KIB);
        base64_enc(&text, str_make(data, n));
        assert_int_equal(base64_dec(&back, buf_str(&text)), 0);
        assert_true(str_eq(buf_str(&back), str_make(data, n)));
        buf_fini(&text);
        buf_fini(&back);
    }
}

TEST(base64, refuses_what_no_encoder_writes)
{
    static const char *const texts[] = {
        "Zg",   "Zg=",  "Zg=a",     "Z===",    "====", "Zm9v\n", "Zm 9",
        "Zh==", "Zm9=", "Zg==Zg==", "Zm9vZg=", "Zm-_", "=AAA",   "A=AA",
    };
    struct buf out;

    buf_init(&out, KIB);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_int_equal(base64_dec(&out, str_of(texts[i])), DMCP_E_INVALID);
        assert_int_equal(out.len, 0);
    }
    buf_fini(&out);
}

TEST(utf8, counts_code_points)
{
    assert_int_equal(utf8_count(STR("")), 0);
    assert_int_equal(utf8_count(STR("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80")), 4);
    assert_int_equal(utf8_count(STR("\xFF\xC3")), 2);
}

TEST(utf8, cuts_between_characters)
{
    struct str s = STR("a\xE2\x82\xAC"
                       "b");

    assert_int_equal(utf8_cut(s, 0).len, 0);
    assert_int_equal(utf8_cut(s, 1).len, 1);
    assert_int_equal(utf8_cut(s, 2).len, 1);
    assert_int_equal(utf8_cut(s, 3).len, 1);
    assert_int_equal(utf8_cut(s, 4).len, 4);
    assert_int_equal(utf8_cut(s, 5).len, 5);
    assert_int_equal(utf8_cut(s, 9).len, 5);
}

RUN_TESTS()
