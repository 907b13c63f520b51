/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema: what is said of values that do not fit, and of schemas that are none. What fits is
 * the business of test_schema_suite.c.
 */
#include "harness.h"

#include "base/limits.h"
#include "json/schema.h"

/* The verdict as it is shown to a user, "" when the value fits. */
static void expect(const char *schema_text, const char *instance_text, const char *expected)
{
    struct schema_error error = { "", "" };
    struct schema *schema = NULL;
    yyjson_doc *instance;
    struct buf shown;
    struct err e;
    int rc = schema_compile(str_of(schema_text), NULL, &schema, &e);

    if (rc) {
        fail_msg("%s", e.text);
    }
    assert_int_equal(json_read(str_of(instance_text), &instance, NULL), 0);
    buf_init(&shown, KIB);
    rc = schema_check(schema, instance->root, &error);
    assert_int_equal(schema_check(schema, instance->root, NULL), rc);
    if (rc) {
        assert_int_equal(rc, DMCP_E_INVALID);
        schema_error_write(&shown, "arguments", &error);
    }
    assert_string_equal(shown.data ? shown.data : "", expected);
    buf_fini(&shown);
    yyjson_doc_free(instance);
    schema_free(schema);
}

static void expect_refused(const char *schema_text, int code, const char *expected)
{
    struct schema *schema = NULL;
    struct err e = { 0, "" };

    assert_int_equal(schema_compile(str_of(schema_text), NULL, &schema, &e), code);
    assert_null(schema);
    assert_string_equal(e.text, expected);
    assert_int_equal(schema_compile(str_of(schema_text), NULL, &schema, NULL), code);
}

TEST(schema, a_wrong_type_is_told_with_its_place)
{
    const char *schema =
        "{\"properties\":{\"user\":{\"properties\":{\"age\":{\"type\":\"integer\"}}},"
        "\"tags\":{\"items\":{\"type\":[\"string\",\"null\"]}}}}";

    expect(schema, "{\"user\":{\"age\":12}}", "");
    expect(schema, "{\"user\":{\"age\":\"12\"}}",
           "arguments/user/age: expected integer, got string \"12\"");
    expect(schema, "{\"user\":{\"age\":1.5}}",
           "arguments/user/age: expected integer, got number 1.5");
    expect(schema, "{\"tags\":[\"a\",null,7]}",
           "arguments/tags/2: expected string or null, got integer 7");
    expect("{\"type\":\"object\"}", "[]", "arguments: expected object, got array with 0 items");
}

TEST(schema, missing_properties_are_told_all_at_once)
{
    const char *schema = "{\"required\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}";

    expect(schema, "{\"a\":1,\"b\":1,\"c\":1,\"d\":1}",
           "arguments: missing required property \"e\"");
    expect(schema, "{\"a\":1,\"c\":1,\"d\":1}",
           "arguments: missing required properties \"b\", \"e\"");
    expect(schema, "{}", "arguments: missing required properties \"a\", \"b\", \"c\" and 2 more");
    expect("{\"dependentRequired\":{\"card\":[\"name\"]}}", "{\"card\":1}",
           "arguments: missing required property \"name\", because there is \"card\"");
}

TEST(schema, an_unexpected_property_is_told_with_those_that_are_allowed)
{
    expect("{\"properties\":{\"zip\":{},\"city\":{}},\"additionalProperties\":false}",
           "{\"zip\":1,\"town\":2}",
           "arguments: unexpected property \"town\"; allowed are \"zip\", \"city\"");
    expect("{\"additionalProperties\":false}", "{\"town\":2}",
           "arguments: unexpected property \"town\"");
    expect("{\"properties\":{\"a\":false}}", "{\"a\":2}", "arguments: unexpected property \"a\"");
    expect("{\"allOf\":[{\"properties\":{\"a\":{}}}],\"unevaluatedProperties\":false}",
           "{\"a\":1,\"b\":2}", "arguments: unexpected property \"b\"");
    expect(
        "{\"propertyNames\":{\"maxLength\":2}}", "{\"abc\":1}",
        "arguments: property name \"abc\": expected at most 2 characters, got 3: string \"abc\"");
}

TEST(schema, constants_are_told_by_name)
{
    expect("{\"enum\":[\"red\",\"green\",3]}", "\"blue\"",
           "arguments: expected \"red\", \"green\" or 3, got string \"blue\"");
    expect("{\"const\":{\"a\":[1,null]}}", "{}",
           "arguments: expected {\"a\":[1,null]}, got object with 0 members");
    expect("{\"enum\":[]}", "1", "arguments: expected nothing, got integer 1");
    expect("{\"const\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23]}", "1",
           "arguments: expected a certain array with 23 items, got integer 1");
}

TEST(schema, bounds_are_told_as_they_are_written)
{
    expect("{\"maximum\":3}", "3.0001", "arguments: expected at most 3, got number 3.0001");
    expect("{\"exclusiveMaximum\":3}", "3", "arguments: expected less than 3, got integer 3");
    expect("{\"minimum\":-2.5}", "-3", "arguments: expected at least -2.5, got integer -3");
    expect("{\"exclusiveMinimum\":0}", "-0", "arguments: expected more than 0, got integer -0");
    expect("{\"multipleOf\":0.01}", "1.005",
           "arguments: expected a multiple of 0.01, got number 1.005");
    expect("{\"minLength\":2}", "\"\xF0\x9F\x98\x80\"",
           "arguments: expected at least 2 characters, got 1: string \"\xF0\x9F\x98\x80\"");
    expect("{\"maxLength\":1}", "\"ab\"",
           "arguments: expected at most 1 character, got 2: string \"ab\"");
    expect("{\"pattern\":\"^[a-z]+$\"}", "\"A\"",
           "arguments: expected a string that matches the pattern \"^[a-z]+$\", got string \"A\"");
    expect("{\"minItems\":1}", "[]", "arguments: expected at least 1 item, got 0");
    expect("{\"maxProperties\":1}", "{\"a\":1,\"b\":2}",
           "arguments: expected at most 1 property, got 2");
    expect("{\"prefixItems\":[{}],\"items\":false}", "[1,2]",
           "arguments: expected at most 1 item, got 2");
    expect("{\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},3,{\"b\":2.0,\"a\":1}]",
           "arguments: expected items that all differ, but 0 and 2 are equal");
    expect("{\"contains\":{\"type\":\"string\"}}", "[1]",
           "arguments: expected at least 1 item that fits what the array must contain, got 0");
}

TEST(schema, numbers_are_compared_exactly)
{
    expect("{\"maximum\":9007199254740992}", "9007199254740993",
           "arguments: expected at most 9007199254740992, got integer 9007199254740993");
    expect("{\"maximum\":1e400}", "1e399", "");
    expect("{\"maximum\":1e400}", "1e401", "arguments: expected at most 1e400, got integer 1e401");
    expect("{\"const\":12345678901234567890123}", "12345678901234567890124",
           "arguments: expected 12345678901234567890123, got integer 12345678901234567890124");
    expect("{\"const\":12345678901234567890123}", "1234567890123456789012.3e1", "");
    expect("{\"multipleOf\":0.1}", "0.3", "");
    expect("{\"multipleOf\":0.0001}", "123456789012345678901234567890.1234", "");
    expect("{\"multipleOf\":7}", "1e300", "arguments: expected a multiple of 7, got integer 1e300");
    expect("{\"type\":\"integer\"}", "1e400", "");
    expect("{\"type\":\"integer\"}", "0.1000000000000000000001",
           "arguments: expected integer, got number 0.1000000000000000000001");
}

TEST(schema, of_alternatives_the_one_that_was_meant_is_explained)
{
    const char *animals =
        "{\"anyOf\":[{\"properties\":{\"kind\":{\"const\":\"cat\"},\"lives\":{\"type\":\"integer\"}"
        "},"
        "\"required\":[\"kind\",\"lives\"]},{\"properties\":{\"kind\":{\"const\":\"dog\"},"
        "\"tail\":{\"type\":\"boolean\"}},\"required\":[\"kind\",\"tail\"]}]}";

    expect(animals, "{\"kind\":\"dog\"}", "arguments: missing required property \"tail\"");
    expect(animals, "{\"kind\":\"cat\",\"lives\":\"9\"}",
           "arguments/lives: expected integer, got string \"9\"");
    expect(animals, "{\"kind\":\"cow\"}",
           "arguments/kind: expected \"cat\" or \"dog\", got string \"cow\"");
    /* Another type than the alternative's: that one was not meant. */
    expect("{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"object\",\"required\":[\"a\"]}]}", "{}",
           "arguments: missing required property \"a\"");
    expect("{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"array\"},{\"type\":\"string\"}]}", "5",
           "arguments: expected string or array, got integer 5");
    expect("{\"anyOf\":[{\"const\":\"auto\"},{\"type\":\"integer\"}]}", "\"x\"",
           "arguments: expected \"auto\" or integer, got string \"x\"");
    expect(
        "{\"oneOf\":[{\"minimum\":1},{\"minimum\":5},{\"minimum\":3}]}", "4",
        "arguments: expected to fit exactly one of 3 alternatives, but fits number 1 and number 3");
    expect("{\"not\":{\"type\":\"string\"}}", "\"x\"",
           "arguments: string \"x\" fits what is not allowed here");
}

TEST(schema, the_branch_of_a_condition_is_explained)
{
    const char *schema = "{\"if\":{\"properties\":{\"a\":{\"const\":1}}},"
                         "\"then\":{\"required\":[\"b\"]},\"else\":{\"required\":[\"c\"]}}";

    expect(schema, "{\"a\":1}", "arguments: missing required property \"b\"");
    expect(schema, "{\"a\":2}", "arguments: missing required property \"c\"");
}

TEST(schema, paths_are_escaped_and_lose_their_beginning_when_too_long)
{
    struct buf instance;

    expect("{\"additionalProperties\":{\"type\":\"null\"}}", "{\"a/b~c\\n\":1}",
           "arguments/a~1b~0c?: expected null, got integer 1");
    buf_init(&instance, KIB);
    for (int i = 0; i < 10; i++) {
        buf_addz(&instance, "{\"a rather long name of it\":");
    }
    buf_addz(&instance, "true}}}}}}}}}}");
    expect("{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"object\","
           "\"additionalProperties\":{\"$ref\":\"#/$defs/a\"}}}}",
           instance.data,
           "arguments/... of it/a rather long name of it/a rather long name of it/"
           "a rather long name of it/a rather long name of it/a rather long name of it/"
           "a rather long name of it: expected object, got boolean true");
    buf_fini(&instance);
}

TEST(schema, the_metaschema_is_at_hand)
{
    const char *schema = "{\"$ref\":\"https://json-schema.org/draft/2020-12/schema\"}";

    expect(schema, "{\"properties\":{\"a\":{\"minLength\":2,\"$defs\":{}}}}", "");
    expect(schema, "{\"properties\":{\"a\":{\"minLength\":-2}}}",
           "arguments/properties/a/minLength: expected at least 0, got integer -2");
    expect(schema, "{\"allOf\":[]}", "arguments/allOf: expected at least 1 item, got 0");
    expect(schema, "{\"items\":[true]}",
           "arguments/items: expected object or boolean, got array with 1 item");
}

TEST(schema, what_is_no_schema_is_refused_with_its_place)
{
    static const char *const cases[][2] = {
        { "[]", "a schema is an object or a boolean" },
        { "{\"a\":1,}", "at byte 6: trailing comma is not allowed" },
        { "{\"properties\":{\"a/b\":7}}",
          "at /properties/a~1b: a schema is an object or a boolean" },
        { "{\"allOf\":[true,{\"type\":\"int\"}]}", "at /allOf/1/type: this is no name of a type" },
        { "{\"type\":[]}", "at /type: this names no type" },
        { "{\"type\":[\"string\",7]}", "at /type/1: this is no name of a type" },
        { "{\"anyOf\":[]}", "at /anyOf: this is not an array of one or more schemas" },
        { "{\"minLength\":-1}", "at /minLength: this is not an integer of 0 or more" },
        { "{\"maxItems\":1.5}", "at /maxItems: this is not an integer of 0 or more" },
        { "{\"minContains\":\"1\"}", "at /minContains: this is not an integer of 0 or more" },
        { "{\"maximum\":\"3\"}", "at /maximum: this is not a number" },
        { "{\"multipleOf\":0}", "at /multipleOf: multipleOf is not greater than 0" },
        { "{\"multipleOf\":-0.5}", "at /multipleOf: multipleOf is not greater than 0" },
        { "{\"required\":[\"a\",1]}", "at /required/1: this is not a string" },
        { "{\"required\":true}", "at /required: this is not an array of strings" },
        { "{\"uniqueItems\":1}", "at /uniqueItems: uniqueItems is not a boolean" },
        { "{\"enum\":{}}", "at /enum: enum is not an array" },
        { "{\"pattern\":\"a(\"}",
          "at /pattern: the pattern \"a(\" cannot be used: missing closing parenthesis" },
        { "{\"pattern\":\"\\\\a\"}",
          "at /pattern: the pattern \"\\\\a\" is not of ECMA-262: there is no such escape" },
        { "{\"patternProperties\":{\"[\":{}}}", "at /patternProperties/[: the pattern \"[\" is not "
                                                "of ECMA-262: a bracket is not closed" },
        { "{\"$ref\":7}", "at /$ref: a reference is a string" },
        { "{\"$ref\":\"#/$defs/a\"}", "at /$ref: it refers to what is not there" },
        { "{\"$ref\":\"#a\"}", "at /$ref: there is no such anchor" },
        { "{\"$ref\":\"other.json#/a\"}", "at /$ref: there is no schema \"other.json\"" },
        { "{\"$anchor\":\"a b\"}",
          "at /$anchor: an anchor is letters, digits, \"-\", \"_\" and \".\"" },
        { "{\"$anchor\":\"a\",\"items\":{\"$anchor\":\"a\"}}",
          "at /items/$anchor: there are two anchors of this name" },
        { "{\"$id\":\"http://x/#a\"}", "at /$id: $id has a fragment" },
        { "{\"$defs\":{\"a\":{\"$id\":\"x\"},\"b\":{\"$id\":\"x\"}}}",
          "at /$defs/b: there are two schemas \"x\"" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        expect_refused(cases[i][0], DMCP_E_INVALID, cases[i][1]);
    }
}

TEST(schema, other_dialects_and_vocabularies_are_refused_as_such)
{
    expect_refused(
        "{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}", DMCP_E_VERSION,
        "at /$schema: the dialect \"http://json-schema.org/draft-07/schema\" is not known");
    expect("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema#\",\"type\":\"null\"}", "1",
           "arguments: expected null, got integer 1");
}

static int find_metaschema(void *arg, struct str uri, struct str *text_out)
{
    (void)uri;
    *text_out = str_of(arg);
    return 0;
}

TEST(schema, an_unknown_vocabulary_is_refused_only_when_it_is_required)
{
    static const char format[] = "{\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/vocab/"
                                 "validation\":true,\"http://x/mine\":%s}}";
    struct str text = STR("{\"$schema\":\"http://x/meta\",\"type\":\"null\",\"properties\":7}");
    struct schema_resolver remotes = { find_metaschema, NULL };
    struct schema *schema;
    char metaschema[200];
    struct err e;

    remotes.arg = metaschema;
    snprintf(metaschema, sizeof(metaschema), format, "true");
    assert_int_equal(schema_compile(text, &remotes, &schema, &e), DMCP_E_VERSION);
    assert_string_equal(e.text, "at /$schema: it wants the vocabulary \"http://x/mine\"");
    /* Without the applicator vocabulary `properties` means nothing. */
    snprintf(metaschema, sizeof(metaschema), format, "false");
    assert_int_equal(schema_compile(text, &remotes, &schema, &e), 0);
    schema_free(schema);
}

static int remember_uri(void *arg, struct str uri, struct str *text_out)
{
    snprintf(arg, 100, "%.*s", STR_FMT(uri));
    *text_out = STR("{\"type\":\"null\"}");
    return 0;
}

TEST(schema, a_pointer_into_another_resource_takes_its_base_with_it)
{
    struct str text = STR(
        "{\"$ref\":\"#/$defs/a/our-own/b\",\"$defs\":{\"a\":{\"$id\":\"http://x/y/\","
        "\"our-own\":{\"b\":{\"$ref\":\"z#\"}}}}}");
    char uri[100] = "";
    struct schema_resolver remotes = { remember_uri, uri };
    struct schema *schema;
    yyjson_doc *doc;

    assert_int_equal(schema_compile(text, &remotes, &schema, NULL), 0);
    assert_string_equal(uri, "http://x/y/z");
    assert_int_equal(json_read(STR("7"), &doc, NULL), 0);
    assert_int_equal(schema_check(schema, doc->root, NULL), DMCP_E_INVALID);
    yyjson_doc_free(doc);
    schema_free(schema);
}

TEST(schema, errors_in_other_documents_name_them)
{
    struct str text = STR("{\"items\":{\"$ref\":\"http://x/y#/a\"}}");
    struct schema_resolver remotes = { find_metaschema, "{\"minLength\":true}" };
    struct schema *schema;
    struct err e;

    assert_int_equal(schema_compile(text, &remotes, &schema, &e), DMCP_E_INVALID);
    assert_string_equal(e.text, "schema \"http://x/y\": at /minLength: this is not an integer of 0 "
                                "or more");
    remotes.arg = "{";
    assert_int_equal(schema_compile(text, &remotes, &schema, &e), DMCP_E_INVALID);
    assert_string_equal(e.text, "schema \"http://x/y\": at byte 1: unexpected end of data");
}

RUN_TESTS()
