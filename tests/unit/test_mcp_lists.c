/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of lists and their cursors, as an endpoint gives and takes them. Its pages have two entries.
 */
#include "front.h"
#include "harness.h"
#include "json/json.h"

#define LIST_TEST(subject, sentence) TEST_WITH(subject, sentence, front_setup, front_teardown)

static int nothing(struct dmcp_call *call)
{
    (void)call;
    return DMCP_OK;
}

static void add(struct front *f, enum call_method method, const char *name)
{
    const struct tool_spec spec = { .method = method,
                                    .name = str_of(name),
                                    .input_schema = STR("{\"type\":\"object\"}"),
                                    .handler = { nothing, NULL } };
    struct err e;

    assert_int_equal(catalog_add(&f->catalog, &spec, &e), DMCP_OK);
}

/* One page; `next` is the cursor behind it, empty for none. */
static void list(struct front *f, const char *method, const char *cursor, char next[128])
{
    char body[300];
    yyjson_doc *doc;
    struct str text;
    struct err e;

    snprintf(body, sizeof(body),
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s%s%s}}", method,
             cursor ? "\"cursor\":\"" : "", cursor ? cursor : "", cursor ? "\"" : "");
    front_post(f, body);
    assert_int_equal(f->status, 200);
    assert_int_equal(json_read(buf_str(&f->body), &doc, &e), DMCP_OK);
    text = json_get_str(json_get(yyjson_doc_get_root(doc), "result"), "nextCursor");
    snprintf(next, 128, "%.*s", text.p ? (int)text.len : 0, text.p ? text.p : "");
    yyjson_doc_free(doc);
}

static void expect(struct front *f, const char *part)
{
    if (!strstr(buf_str(&f->body).p, part)) {
        fail_msg("%s is not in %s", part, buf_str(&f->body).p);
    }
}

static void expect_refused(struct front *f, const char *method, const char *cursor)
{
    char next[128];

    list(f, method, cursor, next);
    expect(f, "\"code\":-32602");
    expect(f, "cursor");
}

LIST_TEST(cursor, leads_from_page_to_page)
{
    struct front *f = *state;
    char next[128];

    add(f, CALL_TOOL, "third");
    list(f, "tools/list", NULL, next);
    expect(f, "\"add\"");
    expect(f, "\"peek\"");
    list(f, "tools/list", next, next);
    expect(f, "\"third\"");
    assert_string_equal(next, "");
}

LIST_TEST(cursor, is_good_again_and_again)
{
    struct front *f = *state;
    char next[128], last[128];

    add(f, CALL_TOOL, "third");
    list(f, "tools/list", NULL, next);
    for (int i = 0; i < 3; i++) {
        list(f, "tools/list", next, last);
        expect(f, "\"third\"");
    }
}

LIST_TEST(cursor, of_one_list_is_refused_by_another)
{
    struct front *f = *state;
    char next[128], ignored[128];

    add(f, CALL_TOOL, "third");
    for (int i = 0; i < 3; i++) {
        snprintf(ignored, sizeof(ignored), "p%d", i);
        add(f, CALL_PROMPT, ignored);
    }
    list(f, "tools/list", NULL, next);
    expect_refused(f, "prompts/list", next);
    list(f, "prompts/list", NULL, next);
    expect_refused(f, "tools/list", next);
    list(f, "prompts/list", next, ignored);
    expect(f, "\"p2\"");
}

LIST_TEST(cursor, that_was_changed_is_refused)
{
    struct front *f = *state;
    char next[128], changed[130];

    add(f, CALL_TOOL, "third");
    list(f, "tools/list", NULL, next);
    for (size_t i = 0; i < 33; i++) { /* the list, the number, the history are not all that counts */
        snprintf(changed, sizeof(changed), "%s", next);
        changed[40] = changed[40] == '0' ? '1' : '0'; /* of the life of the server */
        changed[i] = changed[i] == '0' ? '1' : '0';
        expect_refused(f, "tools/list", changed);
    }
    snprintf(changed, sizeof(changed), "%s0", next);
    expect_refused(f, "tools/list", changed);
    changed[strlen(next) - 1] = '\0';
    expect_refused(f, "tools/list", changed);
    snprintf(changed, sizeof(changed), "%s", next);
    changed[1] = 'f'; /* a number that was not given yet */
    expect_refused(f, "tools/list", changed);
    expect_refused(f, "tools/list", "");
}

/* A restart: the same tools are added in the same order, or others. */
LIST_TEST(cursor, of_another_life_holds_where_the_same_was_added)
{
    struct front *f = *state;
    char next[128], ignored[128];

    add(f, CALL_TOOL, "third");
    list(f, "tools/list", NULL, next);
    next[40] = next[40] == '0' ? '1' : '0';
    list(f, "tools/list", next, ignored);
    expect(f, "\"third\"");
    assert_int_equal(catalog_remove(&f->catalog, CALL_TOOL, STR("peek")), DMCP_OK);
    expect_refused(f, "tools/list", next);
    add(f, CALL_TOOL, "peek");
    expect_refused(f, "tools/list", next);
}

RUN_TESTS()
