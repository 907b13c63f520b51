/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema: what schemas and values from peers may cost, and use by many threads.
 */
#include "harness.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/limits.h"
#include "json/schema.h"

static struct schema *compile(const char *text)
{
    struct schema *schema = NULL;
    struct err e;

    if (schema_compile(str_of(text), NULL, &schema, &e)) {
        fail_msg("%s", e.text);
    }
    return schema;
}

/* The verdict on a value; its text goes to *error. */
static int check(const struct schema *schema, struct str instance_text, struct schema_error *error)
{
    yyjson_doc *instance;
    int rc;

    assert_int_equal(json_read(instance_text, &instance, NULL), 0);
    rc = schema_check(schema, instance->root, error);
    yyjson_doc_free(instance);
    return rc;
}

static void expect_given_up(const char *schema_text, struct str instance, const char *text)
{
    struct schema *schema = compile(schema_text);
    struct schema_error error = { "", "" };
    uint64_t begin_ms = clock_mono_ms();

    assert_int_equal(check(schema, instance, &error), DMCP_E_TOOBIG);
    assert_string_equal(error.path, "");
    assert_string_equal(error.text, text);
    assert_int_equal(check(schema, instance, NULL), DMCP_E_TOOBIG);
    assert_true(clock_mono_ms() - begin_ms < 20000);
    schema_free(schema);
}

static const char too_much_work[] = "checking this against its schema takes too much work";

TEST(schema, a_reference_to_itself_is_refused)
{
    static const char *const texts[] = {
        "{\"$ref\":\"#\"}",
        "{\"allOf\":[{\"$ref\":\"#\"}]}",
        "{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"allOf\":[true,{\"$ref\":\"#/$defs/"
        "c\"}]},"
        "\"c\":{\"$ref\":\"#/$defs/a\"}}}",
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct schema *schema;
        struct err e;

        assert_int_equal(schema_compile(str_of(texts[i]), NULL, &schema, &e), DMCP_E_INVALID);
        assert_non_null(strstr(e.text, "this schema refers to itself without end"));
    }
}

TEST(schema, a_reference_to_itself_that_only_some_values_meet_ends_their_check)
{
    const char *schema_text = "{\"anyOf\":[{\"type\":\"string\"},{\"$ref\":\"#\"}]}";
    struct schema *schema = compile(schema_text);

    assert_int_equal(check(schema, STR("\"x\""), NULL), 0);
    schema_free(schema);
    expect_given_up(schema_text, STR("7"),
                    "the schema refers to itself without end, or nests more than 512 deep");
    expect_given_up("{\"$dynamicAnchor\":\"a\",\"$dynamicRef\":\"#a\"}", STR("7"),
                    "the schema refers to itself without end, or nests more than 512 deep");
}

/* n references in a row. */
static char *chain(int n)
{
    struct buf text;

    buf_init(&text, MIB);
    buf_addz(&text, "{\"$ref\":\"#/$defs/1\",\"$defs\":{");
    for (int i = 1; i < n; i++) {
        buf_addf(&text, "\"%d\":{\"$ref\":\"#/$defs/%d\"},", i, i + 1);
    }
    buf_addf(&text, "\"%d\":{}}}", n);
    return buf_take(&text, NULL);
}

TEST(schema, references_are_followed_up_to_the_depth_limit_and_not_past_it)
{
    char *allowed = chain(LIMIT_SCHEMA_DEPTH - 1), *refused = chain(LIMIT_SCHEMA_DEPTH);
    struct schema *schema = compile(allowed);

    assert_int_equal(check(schema, STR("7"), NULL), 0);
    schema_free(schema);
    expect_given_up(refused, STR("7"),
                    "the schema refers to itself without end, or nests more than 512 deep");
    mem_free(allowed);
    mem_free(refused);
}

TEST(schema, a_chain_of_very_many_references_is_compiled)
{
    char *text = chain(20000);

    schema_free(compile(text));
    mem_free(text);
}

TEST(schema, recursive_values_are_checked_as_deep_as_they_can_be_read)
{
    struct schema *schema = compile(
        "{\"anyOf\":[{\"type\":\"integer\"},{\"allOf\":[{\"type\":\"array\","
        "\"items\":{\"$ref\":\"#\"}}]}]}");
    char text[2 * LIMIT_JSON_DEPTH + 2];
    struct schema_error error;

    memset(text, '[', LIMIT_JSON_DEPTH);
    text[LIMIT_JSON_DEPTH] = '7';
    memset(text + LIMIT_JSON_DEPTH + 1, ']', LIMIT_JSON_DEPTH);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(check(schema, str_of(text), &error), 0);
    text[LIMIT_JSON_DEPTH] = ' ';
    assert_int_equal(check(schema, str_of(text), &error), 0);
    schema_free(schema);
}

TEST(schema, alternatives_that_multiply_end_at_the_work_limit)
{
    struct buf text;

    buf_init(&text, MIB);
    buf_addz(&text, "{\"$ref\":\"#/$defs/0\",\"$defs\":{");
    for (int i = 0; i < 40; i++) {
        buf_addf(&text, "\"%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/%d\"},{\"$ref\":\"#/$defs/%d\"}]},",
                 i, i + 1, i + 1);
    }
    buf_addz(&text, "\"40\":false}}");
    expect_given_up(text.data, STR("7"), too_much_work);
    buf_fini(&text);
}

TEST(schema, work_grows_with_the_value)
{
    struct schema *schema = compile(
        "{\"items\":{\"type\":\"integer\",\"minimum\":0,\"enum\":[1,2,3]},"
        "\"uniqueItems\":false}");
    struct buf text;

    buf_init(&text, 4 * MIB);
    buf_addc(&text, '[');
    while (text.len < 4 * MIB - 8) {
        buf_addz(&text, "1,3,");
    }
    buf_addz(&text, "2]");
    assert_int_equal(check(schema, buf_str(&text), NULL), 0);
    buf_fini(&text);
    schema_free(schema);
}

/* Pairs of objects that are equal but for the order of their members, and as unlike as possible
 * to look up in one another. */
TEST(schema, unique_items_are_found_in_reasonable_time)
{
    struct schema *schema = compile("{\"uniqueItems\":true}");
    struct schema_error error;
    struct buf text;

    buf_init(&text, 4 * MIB);
    buf_addz(&text, "[{");
    for (int i = 0; i < 100000; i++) {
        buf_addf(&text, "\"%d\":%d,", i, i);
    }
    buf_addz(&text, "\"x\":1},{\"x\":1");
    for (int i = 99999; i >= 0; i--) {
        buf_addf(&text, ",\"%d\":%d.0", i, i);
    }
    buf_addz(&text, "}]");
    assert_int_equal(check(schema, buf_str(&text), &error), DMCP_E_INVALID);
    assert_string_equal(error.text, "expected items that all differ, but 0 and 1 are equal");

    buf_reset(&text);
    buf_addc(&text, '[');
    for (int i = 0; i < 200000; i++) {
        buf_addf(&text, "[%d],", i);
    }
    buf_addz(&text, "0]");
    assert_int_equal(check(schema, buf_str(&text), &error), 0);
    buf_fini(&text);
    schema_free(schema);
}

TEST(schema, a_pattern_that_backtracks_without_end_is_given_up)
{
    char text[64];

    memset(text, 'a', sizeof(text));
    text[0] = text[sizeof(text) - 1] = '"';
    text[sizeof(text) - 2] = '!';
    expect_given_up("{\"pattern\":\"^(a+)+$\"}", str_make(text, sizeof(text)),
                    "matching a string with the pattern \"^(a+)+$\" takes too much work");
}

TEST(schema, many_patterns_that_backtrack_end_at_the_work_limit)
{
    struct buf text;

    buf_init(&text, 4 * MIB);
    buf_addc(&text, '[');
    for (int i = 0; i < 50000; i++) {
        buf_addz(&text, "\"aaaaaaaaaaaa!\",");
    }
    buf_addz(&text, "\"\"]");
    expect_given_up("{\"items\":{\"not\":{\"pattern\":\"^(a+)+$\"}}}", buf_str(&text),
                    too_much_work);
    buf_fini(&text);
}

TEST(schema, long_strings_are_matched_by_patterns_that_need_a_step_for_every_byte)
{
    struct schema *schema = compile("{\"pattern\":\"[0-9][a-z]{2}$\"}");
    struct buf text;

    buf_init(&text, 4 * MIB);
    buf_addc(&text, '"');
    while (text.len < 1 * MIB) {
        buf_addz(&text, "5ab0xx");
    }
    buf_addz(&text, "9zz\"");
    assert_int_equal(check(schema, buf_str(&text), NULL), 0);
    buf_fini(&text);
    schema_free(schema);
}

TEST(schema, patterns_with_many_groups_fit_in_their_memory_or_are_given_up)
{
    struct schema *schema = compile("{\"pattern\":\"^((a|b|(c|d))*(e?))*$\"}");
    struct schema_error error = { "", "" };
    struct buf text;
    int rc;

    buf_init(&text, 4 * MIB);
    buf_addc(&text, '"');
    while (text.len < 2 * MIB) {
        buf_addz(&text, "abcde");
    }
    buf_addz(&text, "\"");
    rc = check(schema, buf_str(&text), &error);
    assert_true(rc == 0 || rc == DMCP_E_TOOBIG);
    buf_fini(&text);
    schema_free(schema);
}

TEST(schema, documents_are_limited_in_size_and_number)
{
    struct buf text;
    struct schema *schema;
    struct err e;

    buf_init(&text, 2 * MIB);
    buf_addz(&text, "{\"title\":\"");
    while (text.len < LIMIT_SCHEMA_BYTES - 2) {
        buf_addc(&text, 'x');
    }
    buf_addz(&text, "\"}");
    assert_int_equal(schema_compile(buf_str(&text), NULL, &schema, &e), 0);
    schema_free(schema);
    buf_addc(&text, ' ');
    assert_int_equal(schema_compile(buf_str(&text), NULL, &schema, &e), DMCP_E_TOOBIG);
    assert_string_equal(e.text, "it is longer than 1048576 bytes");
    buf_fini(&text);
}

/* Every document refers to the next one, up to the last. */
struct row_of_documents {
    struct arena arena;
    uint64_t last;
};

static int find_next(void *arg, struct str uri, struct str *text_out)
{
    struct row_of_documents *row = arg;
    uint64_t n;

    assert_int_equal(str_to_u64(uri, 1000, &n), 0);
    *text_out = n == row->last ? STR("{}")
                               : str_of(arena_printf(&row->arena, "{\"items\":{\"$ref\":\"%d\"}}",
                                                     (int)n + 1));
    return 0;
}

TEST(schema, documents_that_refer_to_ever_more_documents_are_refused)
{
    struct row_of_documents row = { .last = LIMIT_SCHEMA_DOCUMENTS - 2 };
    struct schema_resolver remotes = { find_next, &row };
    struct schema *schema;
    struct err e;

    arena_init(&row.arena);
    assert_int_equal(schema_compile(STR("{\"$ref\":\"0\"}"), &remotes, &schema, &e), DMCP_OK);
    schema_free(schema);
    row.last++;
    assert_int_equal(schema_compile(STR("{\"$ref\":\"0\"}"), &remotes, &schema, &e), DMCP_E_TOOBIG);
    assert_string_equal(e.text, "schema \"63\": it refers to more than 63 other documents");
    arena_fini(&row.arena);
}

/* ---- Threads ---- */

static const struct schema *shared;

static void *check_often(void *arg)
{
    static const struct {
        const char *text;
        int rc;
    } cases[] = {
        { "{\"name\":\"abc\",\"list\":[1,2,3]}", 0 },
        { "{\"name\":\"ABC\",\"list\":[1,2,3]}", DMCP_E_INVALID },
        { "{\"name\":\"abc\",\"list\":[1,2,2]}", DMCP_E_INVALID },
        { "{\"name\":\"abc\",\"list\":[1,2],\"child\":{\"name\":\"x\"}}", 0 },
        { "{\"name\":\"abc\",\"list\":[1,2],\"child\":{\"name\":\"x\",\"other\":1}}",
          DMCP_E_INVALID },
    };
    size_t *n_wrong = arg;

    for (size_t i = 0; i < 2000; i++) {
        size_t k = i % COUNT_OF(cases);
        struct schema_error error;
        yyjson_doc *doc;

        if (json_read(str_of(cases[k].text), &doc, NULL) == 0) {
            *n_wrong += schema_check(shared, doc->root, &error) != cases[k].rc;
            yyjson_doc_free(doc);
        }
    }
    return NULL;
}

TEST(schema, many_threads_check_with_one_schema)
{
    struct schema *schema = compile(
        "{\"$dynamicAnchor\":\"node\",\"properties\":{\"name\":{\"pattern\":\"^[a-z]+$\"},"
        "\"list\":{\"uniqueItems\":true},\"child\":{\"$dynamicRef\":\"#node\"}},"
        "\"unevaluatedProperties\":false}");
    pthread_t threads[4];
    size_t n_wrong[4] = { 0 };

    shared = schema;
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, check_often, &n_wrong[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(n_wrong[i], 0);
    }
    schema_free(schema);
}

RUN_TESTS()
