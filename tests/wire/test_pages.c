/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists that fill a page, and lists that do not fit into one.
 */
#include "harness.h"
#include "json/json.h"
#include "proc.h"
#include "talk.h"

#define PAGE 1000

static const struct {
    const char *method, *key;
} lists[] = {
    { "tools/list", "tools" },
    { "prompts/list", "prompts" },
    { "resources/list", "resources" },
    { "resources/templates/list", "resourceTemplates" },
};

static void with_entries(struct proc **p, struct talk *t, const char *n)
{
    *p = proc_new("tests/many");
    proc_env(*p, "MANY", n);
    proc_start(*p);
    talk_begin(t, (*p)->port, "2025-11-25");
}

/* One page behind the cursor (NULL: the first): its entries, and the cursor of the next, which the
 * caller frees with mem_free; NULL: there is none. */
static size_t read_page(const struct talk *t, size_t i, const char *cursor, char **next_out)
{
    char body[300], *answer;
    struct str next;
    yyjson_doc *doc;
    yyjson_val *result;
    struct err e;
    size_t n;

    snprintf(body, sizeof(body),
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s%s%s}}",
             lists[i].method, cursor ? "\"cursor\":\"" : "", cursor ? cursor : "",
             cursor ? "\"" : "");
    answer = talk_request(t, body);
    assert_int_equal(json_read(str_of(answer), &doc, &e), DMCP_OK);
    result = json_get(yyjson_doc_get_root(doc), "result");
    assert_non_null(result);
    n = yyjson_arr_size(json_get(result, lists[i].key));
    next = json_get_str(result, "nextCursor");
    *next_out = next.p ? mem_dup(next.p, next.len) : NULL;
    yyjson_doc_free(doc);
    mem_free(answer);
    return n;
}

TEST(list, of_a_full_page_is_one_page)
{
    struct proc *p;
    struct talk t;
    char *next;

    with_entries(&p, &t, "1000");
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        assert_int_equal(read_page(&t, i, NULL, &next), PAGE);
        assert_null(next);
    }
    proc_free(p);
}

TEST(list, of_one_more_has_a_second_page_behind_its_cursor)
{
    char *next, *last;
    struct proc *p;
    struct talk t;

    with_entries(&p, &t, "1001");
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        assert_int_equal(read_page(&t, i, NULL, &next), PAGE);
        assert_non_null(next);
        assert_int_equal(read_page(&t, i, next, &last), 1);
        assert_null(last);
        mem_free(next);
    }
    proc_free(p);
}

TEST(cursor, holds_after_a_crash_of_the_server)
{
    char *next, *last;
    struct proc *p;
    struct talk t;

    with_entries(&p, &t, "1001");
    assert_int_equal(read_page(&t, 0, NULL, &next), PAGE);
    proc_kill(p);
    proc_start(p);
    assert_int_equal(read_page(&t, 0, next, &last), 1);
    assert_null(last);
    mem_free(next);
    proc_free(p);
}

TEST(cursor, behind_the_end_of_a_list_is_refused)
{
    static const char body[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\","
                               "\"params\":{\"cursor\":\"at-1000\"}}";
    struct proc *p;
    struct talk t;
    char *answer;

    with_entries(&p, &t, "1000");
    answer = talk_request(&t, body);
    assert_non_null(strstr(answer, "\"code\":-32602"));
    mem_free(answer);
    proc_free(p);
}

RUN_TESTS()
