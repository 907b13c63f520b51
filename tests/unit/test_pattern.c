/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of schemas mean what ECMA-262 says, where PCRE2 would say something else; and the URIs
 * of schemas are resolved as RFC 3986 says.
 */
#include "harness.h"

#include "base/limits.h"
#include "json/schema.h"
#include "json/uri.h"
#include "json/writer.h"

static int compile(const char *pattern, struct schema **out, struct err *e)
{
    struct json_writer w;
    struct buf text;
    int rc;

    buf_init(&text, MIB);
    jw_init(&w, &text);
    jw_object(&w);
    jw_key(&w, "pattern");
    jw_strz(&w, pattern);
    jw_object_end(&w);
    rc = schema_compile(buf_str(&text), NULL, out, e);
    buf_fini(&text);
    return rc;
}

static bool matches(const char *pattern, struct str subject)
{
    struct schema *schema = NULL;
    struct json_writer w;
    yyjson_doc *doc;
    struct buf text;
    struct err e;
    int rc;

    if (compile(pattern, &schema, &e)) {
        fail_msg("%s", e.text);
    }
    buf_init(&text, MIB);
    jw_init(&w, &text);
    jw_str(&w, subject);
    assert_int_equal(json_read(buf_str(&text), &doc, NULL), 0);
    rc = schema_check(schema, doc->root, NULL);
    assert_true(rc == 0 || rc == DMCP_E_INVALID);
    yyjson_doc_free(doc);
    buf_fini(&text);
    schema_free(schema);
    return rc == 0;
}

struct example {
    const char *pattern;
    const char *subject;
    bool matches;
};

static void check_examples(const struct example *examples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (matches(examples[i].pattern, str_of(examples[i].subject)) != examples[i].matches) {
            fail_msg("%s on %s", examples[i].pattern, examples[i].subject);
        }
    }
}

#define ARABIC_FOUR "\xD9\xA4"        /* U+0664 */
#define E_ACUTE "\xC3\xA9"            /* U+00E9 */
#define NO_BREAK_SPACE "\xC2\xA0"     /* U+00A0 */
#define NO_WIDTH_SPACE "\xEF\xBB\xBF" /* U+FEFF */
#define LINE_SEPARATOR "\xE2\x80\xA8" /* U+2028 */
#define NEXT_LINE "\xC2\x85"          /* U+0085 */
#define DRAGON "\xF0\x9F\x90\xB2"     /* U+1F432 */

TEST(pattern, classes_are_those_of_ecma)
{
    static const struct example examples[] = {
        { "^\\d$", "4", true },
        { "^\\d$", ARABIC_FOUR, false },
        { "^\\D$", ARABIC_FOUR, true },
        { "^[\\d]$", ARABIC_FOUR, false },
        { "^\\w$", E_ACUTE, false },
        { "^\\W$", E_ACUTE, true },
        { "^\\s$", NO_BREAK_SPACE, true },
        { "^\\s$", NO_WIDTH_SPACE, true },
        { "^\\s$", LINE_SEPARATOR, true },
        { "^\\s$", "\v", true },
        { "^\\s$", NEXT_LINE, false },
        { "^\\S$", NO_BREAK_SPACE, false },
        { "^\\S$", NEXT_LINE, true },
        { "^[\\sx]$", NO_BREAK_SPACE, true },
        { "^[x\\s-]$", "-", true },
        { "^[\\s-y]$", "y", true },
        { "^[\\w-.]+$", "a-.b", true },
        { "^[\\w-.]+$", "a,b", false },
        { "^[a-\\d]+$", "a-4", true },
        { "^[a-\\d]+$", "b", false },
        { "^[^\\s]$", "\t", false },
        { "^[\\S]$", "x", true },
        { "^[\\S]$", " ", false },
        { "^.$", "\n", false },
        { "^.$", LINE_SEPARATOR, false },
        { "^.$", NEXT_LINE, true },
        { "^.$", DRAGON, true },
        { "^[.]$", "x", false },
        { "^[[:alpha:]]$", "x", false },
        { "^[[:alpha:]]$", ":]", true },
        { "^[^]$", "\n", true },
        { "[]", "x", false },
    };

    check_examples(examples, COUNT_OF(examples));
}

TEST(pattern, escapes_are_those_of_ecma)
{
    static const struct example examples[] = {
        { "^\\u0041\\x42\\u{43}$", "ABC", true },
        { "^\\uD83D\\uDC32$", DRAGON, true },
        { "^\\u{1F432}*$", DRAGON DRAGON, true },
        { "^[\\uD83D\\uDC32]$", DRAGON, true },
        { "^\\cJ\\t\\n\\r\\f\\v$", "\n\t\n\r\f\v", true },
        { "^[\\b]$", "\b", true },
        { "\\bx\\b", "a x b", true },
        { "x\\B", "ax", false },
        { "^\\/\\-\\.\\@$", "/-.@", true },
        { "^(a)(b)?\\2\\1$", "aa", true },
        { "^(?<first>.)\\k<first>$", "xx", true },
        { "^(?<first>.)\\k<first>$", "xy", false },
    };

    check_examples(examples, COUNT_OF(examples));
    assert_true(matches("^a\\0b$", STR("a\0b")));
}

TEST(pattern, properties_have_their_long_names)
{
    static const struct example examples[] = {
        { "^\\p{Letter}+$", "a" E_ACUTE, true },
        { "^\\p{Letter}+$", "a4", false },
        { "^\\p{L}\\P{L}$", "a4", true },
        { "^[\\p{Uppercase_Letter}]$", "A", true },
        { "^\\p{General_Category=Decimal_Number}$", ARABIC_FOUR, true },
        { "^\\p{gc=Nd}$", ARABIC_FOUR, true },
        { "^\\p{Script=Greek}$", "\xCE\xB1", true },
        { "^\\p{Script=Greek}$", "a", false },
    };

    check_examples(examples, COUNT_OF(examples));
}

TEST(pattern, anchors_and_groups_are_those_of_ecma)
{
    static const struct example examples[] = {
        { "a$", "a\n", false },
        { "^b", "a\nb", false },
        { "^a{2,3}?$", "aaa", true },
        { "^a{,2}$", "a{,2}", true },
        { "^{}$", "{}", true },
        { "^x]$", "x]", true },
        { "(?<=a)b", "ab", true },
        { "(?<!a)b", "ab", false },
        { "^(?:a|b)+(?=c)", "abac", true },
        { "^(?!a).", "b", true },
        { "", "x", true },
        { "(?:)", "", true },
    };

    check_examples(examples, COUNT_OF(examples));
}

TEST(pattern, what_only_pcre_has_is_refused)
{
    static const char *const patterns[] = {
        "(*ACCEPT)", "(*UTF)x",    "(?i)x",   "(?>a)", "(?#c)",  "(?R)",
        "(?|a)",     "(?P<n>a)",   "(?1)",    "a++",   "a*+",    "a{2}+",
        "a**",       "*a",         "a|*",     "\\A",   "\\Z",    "\\z",
        "\\G",       "\\h",        "\\R",     "\\X",   "\\N",    "\\C",
        "\\K",       "\\Qa\\E",    "\\e",     "\\a",   "\\g{1}", "\\o{1}",
        "\\p",       "\\pL",       "\\p{^L}", "\\p{",  "\\p{X}", "\\k{n}",
        "\\c1",      "\\01",       "\\x4",    "\\u12", "\\u{}",  "\\u{110000}",
        "\\uD83D",   "[b-a]",      "[a",      "a)",    "(a",     "\\",
        "\\_",       "\\\xC3\xA9", "\\1",     "[\\B]", "[\\1]",  "(?<a>x)(?<a>y)",
    };
    struct schema *schema = NULL;

    for (size_t i = 0; i < COUNT_OF(patterns); i++) {
        struct err e = { 0, "" };

        if (compile(patterns[i], &schema, &e) != DMCP_E_INVALID) {
            fail_msg("%s", patterns[i]);
        }
        assert_non_null(strstr(e.text, "at /pattern: the pattern "));
        assert_null(schema);
    }
}

TEST(pattern, one_that_grows_too_long_in_translation_is_refused)
{
    struct schema *schema = NULL;
    struct err e = { 0, "" };
    char *pattern = mem_zalloc(900 * KIB + 1);
    int rc;

    for (size_t i = 0; i < 450 * KIB; i++) {
        memcpy(pattern + 2 * i, "\\s", 2);
    }
    rc = compile(pattern, &schema, &e);
    assert_true(rc == DMCP_E_TOOBIG || rc == DMCP_E_INVALID);
    mem_free(pattern);
}

/* ---- URIs ---- */

static void expect_resolved(const char *base, const char *reference, const char *expected)
{
    struct buf out;
    struct str fragment;

    buf_init(&out, KIB);
    fragment = uri_resolve(&out, str_of(base), str_of(reference));
    if (fragment.p) {
        buf_addc(&out, '#');
        buf_add_str(&out, fragment);
    }
    assert_string_equal(out.data ? out.data : "", expected);
    buf_fini(&out);
}

/* The examples of RFC 3986, sections 5.4.1 and 5.4.2. */
TEST(uri, references_are_resolved_as_the_rfc_says)
{
    static const char *const examples[][2] = {
        { "g:h", "g:h" },
        { "g", "http://a/b/c/g" },
        { "./g", "http://a/b/c/g" },
        { "g/", "http://a/b/c/g/" },
        { "/g", "http://a/g" },
        { "//g", "http://g" },
        { "?y", "http://a/b/c/d;p?y" },
        { "g?y", "http://a/b/c/g?y" },
        { "#s", "http://a/b/c/d;p?q#s" },
        { "g#s", "http://a/b/c/g#s" },
        { "g?y#s", "http://a/b/c/g?y#s" },
        { ";x", "http://a/b/c/;x" },
        { "g;x", "http://a/b/c/g;x" },
        { "g;x?y#s", "http://a/b/c/g;x?y#s" },
        { "", "http://a/b/c/d;p?q" },
        { ".", "http://a/b/c/" },
        { "./", "http://a/b/c/" },
        { "..", "http://a/b/" },
        { "../", "http://a/b/" },
        { "../g", "http://a/b/g" },
        { "../..", "http://a/" },
        { "../../", "http://a/" },
        { "../../g", "http://a/g" },
        { "../../../g", "http://a/g" },
        { "../../../../g", "http://a/g" },
        { "/./g", "http://a/g" },
        { "/../g", "http://a/g" },
        { "g.", "http://a/b/c/g." },
        { ".g", "http://a/b/c/.g" },
        { "g..", "http://a/b/c/g.." },
        { "..g", "http://a/b/c/..g" },
        { "./../g", "http://a/b/g" },
        { "./g/.", "http://a/b/c/g/" },
        { "g/./h", "http://a/b/c/g/h" },
        { "g/../h", "http://a/b/c/h" },
        { "g;x=1/./y", "http://a/b/c/g;x=1/y" },
        { "g;x=1/../y", "http://a/b/c/y" },
        { "g?y/./x", "http://a/b/c/g?y/./x" },
        { "g#s/../x", "http://a/b/c/g#s/../x" },
        { "http:g", "http:g" },
    };

    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        expect_resolved("http://a/b/c/d;p?q", examples[i][0], examples[i][1]);
    }
}

TEST(uri, bases_may_be_empty_relative_or_without_a_path)
{
    expect_resolved("", "a/b#c", "a/b#c");
    expect_resolved("", "#c", "#c");
    expect_resolved("", "", "");
    expect_resolved("a/b", "c", "a/c");
    expect_resolved("http://a", "b", "http://a/b");
    expect_resolved("urn:x:y", "#z", "urn:x:y#z");
}

TEST(uri, percent_encoding_is_undone_where_it_is_one)
{
    struct buf out;

    buf_init(&out, KIB);
    uri_decode(&out, STR("a%25b%2fc%zz%4"));
    assert_string_equal(out.data, "a%b/c%zz%4");
    buf_fini(&out);
}

RUN_TESTS()
