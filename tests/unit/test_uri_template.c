/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URI templates: which are understood, which URIs are of them, and what their variables take.
 */
#include "harness.h"

#include "json/writer.h"
#include "mcp/uri_template.h"

/* The values as an object's text, owned by *out; false when the URI is not of the template. */
static bool match(const char *text, const char *uri, struct buf *out)
{
    struct json_writer w;
    struct err e;
    bool is_match;

    assert_int_equal(uri_template_check(str_of(text), &e), DMCP_OK);
    buf_init(out, SIZE_MAX / 2);
    jw_init(&w, out);
    jw_object(&w);
    is_match = uri_template_match(str_of(text), str_of(uri), &w);
    if (is_match) {
        jw_object_end(&w);
    }
    return is_match;
}

static void expect(const char *text, const char *uri, const char *values)
{
    struct buf out;

    if (!match(text, uri, &out)) {
        fail_msg("%s is not of %s", uri, text);
    }
    assert_string_equal(out.data, values);
    buf_fini(&out);
}

static void expect_none(const char *text, const char *uri)
{
    struct buf out;

    if (match(text, uri, &out)) {
        fail_msg("%s is of %s: %s", uri, text, out.data);
    }
    buf_fini(&out);
}

static void expect_refused(const char *text, const char *why)
{
    struct err e = { 0 };

    if (uri_template_check(str_of(text), &e) != DMCP_E_INVALID || !strstr(e.text, why)) {
        fail_msg("%s: \"%s\", not \"%s\"", text, e.text, why);
    }
}

/* ---- one part of a path ---- */

TEST(uri_template, variable_takes_one_part_of_a_path)
{
    expect("user://{id}/profile", "user://7/profile", "{\"id\":\"7\"}");
    expect("{a}", "x", "{\"a\":\"x\"}");
    expect("a://{b_1.c}", "a://x=y&z", "{\"b_1.c\":\"x=y&z\"}");
    expect("a://{b}/{c}.txt", "a://1/2.3.txt", "{\"b\":\"1\",\"c\":\"2.3\"}");
}

TEST(uri_template, variable_takes_no_slash_no_question_mark_and_no_fragment)
{
    expect_none("a://{b}", "a://1/2");
    expect_none("a://{b}", "a://1?2");
    expect_none("a://{b}", "a://1#2");
    expect_none("a://{b}/c", "a://1/2/c");
}

TEST(uri_template, variable_takes_at_least_one_character)
{
    expect_none("a://{b}", "a://");
    expect_none("a://{b}/c", "a:///c");
    expect_none("a://{+b}", "a://");
}

TEST(uri_template, stands_for_the_whole_uri)
{
    expect_none("a://{b}", "xa://1");
    expect_none("a://{b}/c", "a://1/cd");
    expect_none("a://{b}/c", "a://1/");
    expect_none("a://{b}", "A://1");
    expect_none("a://{b}", "");
}

TEST(uri_template, first_variable_takes_as_little_as_it_can)
{
    expect("{a}-{b}", "1-2-3", "{\"a\":\"1\",\"b\":\"2-3\"}");
    expect("x{a}xx{b}", "xxxxx", "{\"a\":\"x\",\"b\":\"x\"}");
    expect("{a}-{b}.c", "1-2.c-3.c", "{\"a\":\"1\",\"b\":\"2.c-3\"}");
}

/* ---- reserved characters, queries ---- */

TEST(uri_template, reserved_variable_takes_several_parts_of_a_path)
{
    expect("file:///{+path}", "file:///a/b/c.txt", "{\"path\":\"a/b/c.txt\"}");
    expect("file:///{+path}/{name}", "file:///a/b/c", "{\"path\":\"a/b\",\"name\":\"c\"}");
    expect_none("file:///{+path}", "file:///a?b");
    expect_none("file:///{+path}", "file:///a#b");
}

TEST(uri_template, query_gives_its_parameters_in_any_order_and_some_or_none)
{
    expect("a://b{?c,d}", "a://b", "{}");
    expect("a://b{?c,d}", "a://b?", "{}");
    expect("a://b{?c,d}", "a://b?d=2&c=1", "{\"d\":\"2\",\"c\":\"1\"}");
    expect("a://b{?c,d}", "a://b?d", "{\"d\":\"\"}");
    expect("a://b{?c}", "a://b?c=x=y?/", "{\"c\":\"x=y?/\"}");
    expect("a://{b}{?c}", "a://1?c=2", "{\"b\":\"1\",\"c\":\"2\"}");
    expect("a://{+b}{?c}", "a://1/2", "{\"b\":\"1/2\"}");
}

TEST(uri_template, query_parameter_that_is_not_in_the_template_is_none_of_its)
{
    expect_none("a://b{?c}", "a://b?d=1");
    expect_none("a://b{?c}", "a://b?c=1&d=2");
    expect_none("a://b{?c}", "a://b?c=1&&");
    expect_none("a://b{?c}", "a://b&c=1");
}

TEST(uri_template, query_parameter_that_comes_twice_counts_the_first_time)
{
    expect("a://b{?c}", "a://b?c=1&c=2", "{\"c\":\"1\"}");
}

/* ---- decoding ---- */

TEST(uri_template, values_are_percent_decoded_once)
{
    expect("a://{b}", "a://a%20b", "{\"b\":\"a b\"}");
    expect("a://{b}", "a://a%2fb%2Fc", "{\"b\":\"a/b/c\"}");
    expect("a://{b}", "a://%2520", "{\"b\":\"%20\"}");
    expect("a://{b}", "a://%C3%A4", "{\"b\":\"\xc3\xa4\"}");
    expect("a://b{?c}", "a://b?c=1%262", "{\"c\":\"1&2\"}");
    expect("a://{b}", "a://a+b", "{\"b\":\"a+b\"}");
}

TEST(uri_template, percent_sign_without_two_digits_stands_for_itself)
{
    expect("a://{b}", "a://%", "{\"b\":\"%\"}");
    expect("a://{b}", "a://%2", "{\"b\":\"%2\"}");
    expect("a://{b}", "a://%zz%4", "{\"b\":\"%zz%4\"}");
    expect("a://{b}", "a://%%41", "{\"b\":\"%A\"}");
}

/* What is decoded is read again as JSON, so it must be some. */
TEST(uri_template, bytes_that_are_no_text_become_one)
{
    expect("a://{b}", "a://x%00y", "{\"b\":\"x\\u0000y\"}");
    expect("a://{b}", "a://x%FFy", "{\"b\":\"x\xef\xbf\xbdy\"}");
    expect("a://{b}", "a://%22%5C%0A", "{\"b\":\"\\\"\\\\\\n\"}");
}

/* ---- what is no template of ours ---- */

TEST(uri_template, form_that_is_not_understood_is_refused_with_the_reason)
{
    expect_refused("a://{b", "{ without its }");
    expect_refused("a://b}", "} without its {");
    expect_refused("a://{b}}", "} without its {");
    expect_refused("a://{}", "\"\" is no name");
    expect_refused("a://{+}", "\"\" is no name");
    expect_refused("a://{?}", "\"\" is no name");
    expect_refused("a://{?a,}", "\"\" is no name");
    expect_refused("a://{/b}", "\"/b\" is no name");
    expect_refused("a://{b*}", "\"b*\" is no name");
    expect_refused("a://{b:3}", "\"b:3\" is no name");
    expect_refused("a://{b{c}}", "\"b{c\" is no name");
    expect_refused("a://{a,b}", "only {name}");
    expect_refused("a://{+a,b}", "only {name}");
    expect_refused("a://{ a }", "only {name}");
    expect_refused("a://{?a, b}", "only {name}");
    expect_refused("a://{?b}/c", "only {name}");
    expect_refused("a://{?b}{?c}", "only {name}");
    expect_refused("a://{b}{c}", "nothing between");
    expect_refused("a://{b}{+c}", "nothing between");
}

TEST(uri_template, variable_that_stands_there_twice_is_refused)
{
    expect_refused("a://{b}/{b}", "b stands there twice");
    expect_refused("a://{b}/{+b}", "b stands there twice");
    expect_refused("a://{b}{?c,b}", "b stands there twice");
}

TEST(uri_template, has_eight_variables_at_most)
{
    expect("{a}/{b}/{c}/{d}/{e}/{f}/{g}{?h}", "1/2/3/4/5/6/7?h=8",
           "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\",\"d\":\"4\",\"e\":\"5\",\"f\":\"6\",\"g\":\"7\","
           "\"h\":\"8\"}");
    expect_refused("{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", "more than 8 variables");
    expect_refused("a{?a,b,c,d,e,f,g,h,i}", "more than 8 variables");
}

TEST(uri_template, text_without_braces_is_none_and_passes)
{
    struct err e;

    assert_false(uri_template_is(STR("a://b?c=d")));
    assert_false(uri_template_is(STR("")));
    assert_true(uri_template_is(STR("a://{b}")));
    assert_int_equal(uri_template_check(STR("a://b?c=d"), &e), DMCP_OK);
}

/* Eight variables between letters that the URI is full of: to try every way of dividing 200 of them
 * would outlast the machine. */
TEST(uri_template, search_for_a_match_has_an_end)
{
    char uri[202];

    memset(uri, 'x', sizeof(uri) - 2);
    uri[sizeof(uri) - 2] = '!';
    uri[sizeof(uri) - 1] = '\0';
    expect_none("{a}x{b}x{c}x{d}x{e}x{f}x{g}x{h}x", uri);
    uri[sizeof(uri) - 2] = 'x';
    expect("{a}x{b}x{c}x{d}xxxx", "xxxxxxxxxxx",
           "{\"a\":\"x\",\"b\":\"x\",\"c\":\"x\",\"d\":\"x\"}");
}

RUN_TESTS()
