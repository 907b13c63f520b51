/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords for strings (JSON Schema validation, section 6.3). Lengths are in code points.
 */
#include "base/utf8.h"
#include "json/schema_impl.h"
#include "json/schema_pattern.h"

static int fail_length(struct check *c, const char *bound, size_t limit, const yyjson_val *instance)
{
    char described[100];

    if (!c->is_explaining) {
        return SCHEMA_MISMATCH;
    }
    json_describe(instance, described, sizeof(described));
    return schema_fail(c, "expected at %s %zu character%s, got %zu: %s", bound, limit,
                       limit == 1 ? "" : "s", utf8_count(json_str(instance)), described);
}

static int check_max_length(struct check *c, const struct keyword *k, const yyjson_val *instance,
                            struct marks *marks)
{
    size_t limit = ((const struct count_keyword *)k)->limit;
    struct str s = json_str(instance);
    int rc;

    (void)marks;
    if (s.len <= limit) { /* no more characters than bytes */
        return SCHEMA_VALID;
    }
    rc = schema_work(c, s.len / 64);
    if (rc || utf8_count(s) <= limit) {
        return rc;
    }
    return fail_length(c, "most", limit, instance);
}

static int check_min_length(struct check *c, const struct keyword *k, const yyjson_val *instance,
                            struct marks *marks)
{
    size_t limit = ((const struct count_keyword *)k)->limit;
    struct str s = json_str(instance);
    int rc;

    (void)marks;
    if (s.len / 4 >= limit) {
        return SCHEMA_VALID;
    }
    rc = schema_work(c, s.len / 64);
    if (rc || utf8_count(s) >= limit) {
        return rc;
    }
    return fail_length(c, "least", limit, instance);
}

struct pattern_keyword {
    struct keyword keyword;
    const struct pattern *pattern;
};

static int compile_pattern(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                           const yyjson_val *value, struct keyword **out)
{
    struct pattern_keyword *k = schema_keyword_new(c, sizeof(*k), out);

    (void)node;
    (void)siblings;
    if (!json_str(value).p) {
        return schema_refuse(c, value, "a pattern is a string");
    }
    return pattern_compile(c, value, json_str(value), &k->pattern);
}

static int check_pattern(struct check *c, const struct keyword *k, const yyjson_val *instance,
                         struct marks *marks)
{
    const struct pattern *pattern = ((const struct pattern_keyword *)k)->pattern;
    char quoted[100];
    int rc = pattern_check(c, pattern, json_str(instance));

    (void)marks;
    if (rc != SCHEMA_MISMATCH || !c->is_explaining) {
        return rc;
    }
    json_quote(pattern_source(pattern), quoted, sizeof(quoted));
    return schema_fail_expected(c, FINDING_OTHER, instance, "a string that matches the pattern %s",
                                quoted);
}

const struct keyword_kind schema_string_keywords[] = {
    { "maxLength", VOCABULARY_VALIDATION, TYPE_STRING, schema_compile_count, check_max_length },
    { "minLength", VOCABULARY_VALIDATION, TYPE_STRING, schema_compile_count, check_min_length },
    { "pattern", VOCABULARY_VALIDATION, TYPE_STRING, compile_pattern, check_pattern },
    { NULL, 0, 0, NULL, NULL },
};
