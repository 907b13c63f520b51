/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing JSON with an expectation. See match.h.
 */
#include "match.h"

#include "json/equal.h"
#include "json/json.h"

static bool match(yyjson_val *expected, yyjson_val *actual, const char *at, struct buf *why);

static bool differ(yyjson_val *expected, yyjson_val *actual, const char *at, struct buf *why)
{
    buf_addf(why, "%s: expected ", at[0] ? at : "the whole");
    json_write(why, expected);
    buf_addz(why, ", got ");
    if (actual) {
        json_write(why, actual);
    } else {
        buf_addz(why, "nothing");
    }
    return false;
}

static bool match_object(yyjson_val *expected, yyjson_val *actual, const char *at, struct buf *why)
{
    size_t i, n;
    yyjson_val *key, *value;

    if (!yyjson_is_obj(actual)) {
        return differ(expected, actual, at, why);
    }
    yyjson_obj_foreach(expected, i, n, key, value) {
        yyjson_val *member = yyjson_obj_get(actual, yyjson_get_str(key));
        char path[256];

        snprintf(path, sizeof(path), "%s.%s", at, yyjson_get_str(key));
        if (yyjson_equals_str(value, "!")) {
            if (member) {
                return differ(value, member, path, why);
            }
        } else if (!match(value, member, path, why)) {
            return false;
        }
    }
    return true;
}

static bool match_array(yyjson_val *expected, yyjson_val *actual, const char *at, struct buf *why)
{
    size_t i, n;
    yyjson_val *value;

    if (!yyjson_is_arr(actual) || yyjson_arr_size(actual) != yyjson_arr_size(expected)) {
        return differ(expected, actual, at, why);
    }
    yyjson_arr_foreach(expected, i, n, value) {
        char path[256];

        snprintf(path, sizeof(path), "%s[%zu]", at, i);
        if (!match(value, yyjson_arr_get(actual, i), path, why)) {
            return false;
        }
    }
    return true;
}

static bool match_string(yyjson_val *expected, yyjson_val *actual, const char *at, struct buf *why)
{
    const char *text = yyjson_get_str(expected);

    if (strcmp(text, "*") == 0 && actual) {
        return true;
    }
    if (text[0] == '~' && yyjson_is_str(actual) && strstr(yyjson_get_str(actual), text + 1)) {
        return true;
    }
    return (actual && json_equal(expected, actual)) || differ(expected, actual, at, why);
}

static bool match(yyjson_val *expected, yyjson_val *actual, const char *at, struct buf *why)
{
    if (yyjson_is_obj(expected)) {
        return match_object(expected, actual, at, why);
    } else if (yyjson_is_arr(expected)) {
        return match_array(expected, actual, at, why);
    } else if (yyjson_is_str(expected)) {
        return match_string(expected, actual, at, why);
    }
    return (actual && json_equal(expected, actual)) || differ(expected, actual, at, why);
}

bool match_json(const char *expected, const char *actual, struct buf *why)
{
    yyjson_doc *e = NULL, *a = NULL;
    struct err err;
    bool is_match = false;

    if (json_read(str_of(expected), &e, &err) != DMCP_OK) {
        buf_addf(why, "the expectation %s is no JSON: %s", expected, err.text);
    } else if (json_read(str_of(actual), &a, &err) != DMCP_OK) {
        buf_addf(why, "\"%s\" is no JSON: %s", actual, err.text);
    } else {
        is_match = match(yyjson_doc_get_root(e), yyjson_doc_get_root(a), "", why);
    }
    yyjson_doc_free(e);
    yyjson_doc_free(a);
    return is_match;
}
