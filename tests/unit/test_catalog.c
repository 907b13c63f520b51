/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server offers: adding, finding, removing, pages; by one thread and by several.
 */
#include "harness.h"

#include <pthread.h>

#include "base/limits.h"
#include "mcp/catalog.h"

static int open_catalog(void **state)
{
    struct catalog *c = mem_zalloc(sizeof(*c));

    catalog_init(c);
    *state = c;
    return 0;
}

static int close_catalog(void **state)
{
    catalog_fini(*state);
    mem_free(*state);
    return 0;
}

#define CATALOG_TEST(subject, sentence) TEST_WITH(subject, sentence, open_catalog, close_catalog)

static int nothing(struct dmcp_call *call)
{
    (void)call;
    return DMCP_OK;
}

static int add(struct catalog *c, const char *name)
{
    const struct tool_spec spec = { .method = CALL_TOOL,
                                    .name = str_of(name),
                                    .input_schema = STR("{\"type\":\"object\"}"),
                                    .handler = { nothing, NULL },
                                    .complete = { nothing, NULL } };
    struct err e;

    return catalog_add(c, &spec, &e);
}

static int add_resource(struct catalog *c, const char *uri)
{
    const struct tool_spec spec = { .method = CALL_RESOURCE,
                                    .name = STR("r"),
                                    .uri = str_of(uri),
                                    .handler = { nothing, NULL } };
    struct err e;

    return catalog_add(c, &spec, &e);
}

static int drop(struct catalog *c, const char *name)
{
    return catalog_remove(c, CALL_TOOL, str_of(name));
}

/* A page's names, with blanks between them, in `names`. */
static bool page(struct catalog *c, struct tool_place after, size_t n, char names[256],
                 struct tool_place *last)
{
    static const char key[] = "\"name\":\"";
    struct buf out;
    bool has_more;

    names[0] = '\0';
    buf_init(&out, SIZE_MAX / 2);
    has_more = catalog_page(c, OFFER_TOOLS, after, n, &out, last);
    buf_addc(&out, '\0');
    for (const char *p = out.data; (p = strstr(p, key)); p++) {
        const char *name = p + sizeof(key) - 1;

        snprintf(names + strlen(names), 256 - strlen(names), "%s%.*s", names[0] ? " " : "",
                 (int)strcspn(name, "\""), name);
    }
    buf_fini(&out);
    return has_more;
}

static const struct tool_place start;

/* ---- tools ---- */

CATALOG_TEST(tool, that_was_added_is_found_and_one_that_was_removed_is_not)
{
    struct catalog *c = *state;
    const struct tool *tool;

    assert_int_equal(add(c, "a"), DMCP_OK);
    assert_int_equal(add(c, "a"), DMCP_E_CONFLICT);
    tool = catalog_hold_in(c, OFFER_TOOLS, STR("a"));
    assert_non_null(tool);
    tool_release(tool);
    assert_int_equal(drop(c, "a"), DMCP_OK);
    assert_int_equal(drop(c, "a"), DMCP_E_NOTFOUND);
    assert_null(catalog_hold_in(c, OFFER_TOOLS, STR("a")));
    assert_int_equal(add(c, "a"), DMCP_OK);
}

CATALOG_TEST(tool, that_is_held_outlasts_its_removal)
{
    struct catalog *c = *state;
    const struct tool *tool, *completion;

    assert_int_equal(add(c, "a"), DMCP_OK);
    tool = catalog_hold(c, CALL_TOOL, STR("a"), NULL, NULL);
    completion = tool_hold(tool->completion);
    assert_int_equal(drop(c, "a"), DMCP_OK);
    tool_release(tool);
    assert_true(str_eqz(completion->name, "a")); /* or a sanitizer complains */
    tool_release(completion);
}

CATALOG_TEST(tool, of_one_name_is_another_one_in_each_list)
{
    struct catalog *c = *state;
    const struct tool *tool;

    assert_int_equal(add(c, "a"), DMCP_OK);
    assert_int_equal(add_resource(c, "a"), DMCP_OK);
    assert_int_equal(add_resource(c, "a{x}"), DMCP_OK);
    assert_int_equal(catalog_remove(c, CALL_PROMPT, STR("a")), DMCP_E_NOTFOUND);
    assert_int_equal(catalog_remove(c, CALL_RESOURCE, STR("a")), DMCP_OK);
    tool = catalog_hold(c, CALL_RESOURCE, STR("a{x}"), NULL, NULL);
    assert_non_null(tool);
    tool_release(tool);
    assert_int_equal(catalog_remove(c, CALL_RESOURCE, STR("a{x}")), DMCP_OK);
    assert_int_equal(drop(c, "a"), DMCP_OK);
}

static void count(void *arg)
{
    ++*(unsigned *)arg;
}

CATALOG_TEST(missing, tool_is_told_of_while_nothing_can_be_added)
{
    struct catalog *c = *state;
    unsigned n = 0;

    assert_null(catalog_hold(c, CALL_TOOL, STR("a"), count, &n));
    assert_int_equal(n, 1);
    assert_int_equal(add(c, "a"), DMCP_OK);
    tool_release(catalog_hold(c, CALL_TOOL, STR("a"), count, &n));
    assert_int_equal(n, 1);
}

/* ---- pages ---- */

CATALOG_TEST(page, shows_no_entry_twice_and_skips_none_while_others_come_and_go)
{
    struct catalog *c = *state;
    struct tool_place last;
    char names[256];

    assert_int_equal(add(c, "a") + add(c, "b") + add(c, "c") + add(c, "d") + add(c, "e"), 0);
    assert_true(page(c, start, 2, names, &last));
    assert_string_equal(names, "a b");
    assert_int_equal(drop(c, "a") + drop(c, "b") + drop(c, "d") + add(c, "f") + add(c, "a"), 0);
    assert_true(page(c, last, 2, names, &last));
    assert_string_equal(names, "c e");
    assert_false(page(c, last, 2, names, &last));
    assert_string_equal(names, "f a"); /* a is another one, which came later */
}

CATALOG_TEST(page, behind_all_entries_is_empty_and_the_last)
{
    struct catalog *c = *state;
    struct tool_place last;
    char names[256];

    assert_int_equal(add(c, "a") + add(c, "b"), 0);
    assert_true(page(c, start, 1, names, &last));
    assert_int_equal(drop(c, "b"), 0);
    assert_false(page(c, last, 1, names, &last));
    assert_string_equal(names, "");
    assert_int_equal(last.number, 1);
}

CATALOG_TEST(place, stands_where_the_same_was_added_in_the_same_order)
{
    struct catalog *c = *state, other;
    struct tool_place last;
    char names[256];

    assert_int_equal(add(c, "a") + add(c, "b") + add(c, "c"), 0);
    assert_true(page(c, start, 2, names, &last));
    catalog_init(&other);
    assert_int_equal(add(&other, "a"), 0);
    assert_false(catalog_stands(&other, OFFER_TOOLS, last)); /* it ends before */
    assert_int_equal(add(&other, "b") + add(&other, "x"), 0);
    assert_true(catalog_stands(&other, OFFER_TOOLS, last));
    assert_int_equal(drop(&other, "a"), 0);
    assert_true(catalog_stands(&other, OFFER_TOOLS, last)); /* its page would not change */
    assert_int_equal(drop(&other, "b"), 0);
    assert_false(catalog_stands(&other, OFFER_TOOLS, last));
    catalog_fini(&other);
    catalog_init(&other);
    assert_int_equal(add(&other, "b") + add(&other, "a"), 0);
    assert_false(catalog_stands(&other, OFFER_TOOLS, last));
    assert_true(catalog_knows(c, OFFER_TOOLS, 3));
    assert_false(catalog_knows(c, OFFER_TOOLS, 4));
    catalog_fini(&other);
}

/* ---- changes ---- */

struct seen {
    unsigned n;
    uint64_t digests[N_LISTS];
    char added[64];
};

static void see(void *arg, const struct catalog_change *change)
{
    struct seen *s = arg;
    struct str name = change->added ? change->added->name : STR("");

    s->n++;
    memcpy(s->digests, change->digests, sizeof(s->digests));
    snprintf(s->added, sizeof(s->added), "%.*s", STR_FMT(name));
}

CATALOG_TEST(change, is_told_with_digests_that_are_the_same_for_the_same_entries)
{
    struct catalog *c = *state;
    struct seen s = { 0 }, before, with_a;

    catalog_watch(c, see, &s);
    assert_int_equal(s.n, 1);
    before = s;
    assert_true(s.digests[0] != 0);
    assert_int_equal(add(c, "a"), 0);
    assert_string_equal(s.added, "a");
    with_a = s;
    assert_true(s.digests[0] != before.digests[0]);
    assert_memory_equal(s.digests + 1, before.digests + 1, 2 * sizeof(uint64_t));
    assert_int_equal(add(c, "b") + drop(c, "a") + add(c, "a") + drop(c, "b"), 0);
    assert_int_equal(s.n, 6);
    assert_string_equal(s.added, "");
    assert_memory_equal(s.digests, with_a.digests, sizeof(s.digests));
    assert_int_equal(add(c, "a"), DMCP_E_CONFLICT); /* is no change */
    assert_int_equal(add_resource(c, "x://{y}"), 0);
    assert_int_equal(s.n, 7);
    assert_true(s.digests[2] != before.digests[2]);
    catalog_watch(c, NULL, NULL);
    assert_int_equal(drop(c, "a"), 0);
    assert_int_equal(s.n, 7);
}

CATALOG_TEST(kind, stays_offered_when_the_last_of_it_is_gone)
{
    struct catalog *c = *state;

    assert_false(catalog_kinds(c).has[0]);
    assert_false(catalog_kinds(c).has_completion);
    assert_int_equal(add(c, "a") + drop(c, "a"), 0);
    assert_true(catalog_kinds(c).has[0]);
    assert_true(catalog_kinds(c).has_completion);
    assert_false(catalog_kinds(c).has[1]);
    catalog_expect(c, 1);
    assert_true(catalog_kinds(c).has[1]);
    assert_int_equal(add_resource(c, "x://{y}"), 0);
    assert_true(catalog_kinds(c).has[2]);
}

/* ---- threads ---- */

#define ROUNDS 2000

static void *come_and_go(void *arg)
{
    struct catalog *c = ((void **)arg)[0];
    const char *name = ((void **)arg)[1];

    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(add(c, name), DMCP_OK);
        assert_int_equal(drop(c, name), DMCP_OK);
    }
    return NULL;
}

/* While two threads add and remove, what is there all the while is found, and on every page. */
CATALOG_TEST(name, has_at_most_128_bytes)
{
    char name[LIMIT_NAME_BYTES + 2];

    memset(name, 'n', sizeof(name));
    name[LIMIT_NAME_BYTES + 1] = '\0';
    assert_int_equal(add(*state, name), DMCP_E_INVALID);
    name[LIMIT_NAME_BYTES] = '\0';
    assert_int_equal(add(*state, name), DMCP_OK);
}

CATALOG_TEST(catalog, is_read_right_while_threads_change_it)
{
    struct catalog *c = *state;
    void *first[] = { c, (void *)(uintptr_t)"x" }, *second[] = { c, (void *)(uintptr_t)"y" };
    pthread_t threads[2];
    struct tool_place last;
    char names[256];

    assert_int_equal(add(c, "a") + add(c, "b"), 0);
    assert_int_equal(pthread_create(&threads[0], NULL, come_and_go, first), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, come_and_go, second), 0);
    for (int i = 0; i < ROUNDS; i++) {
        const struct tool *there = catalog_hold(c, CALL_TOOL, STR("b"), NULL, NULL);
        const struct tool *perhaps = catalog_hold_after(c, OFFER_TOOLS, there->place.number);

        assert_true(str_eqz(there->name, "b"));
        assert_true(!perhaps || perhaps->entry.len > 0);
        tool_release(there);
        tool_release(perhaps);
        (void)page(c, start, 100, names, &last);
        assert_int_equal(strncmp(names, "a b", 3), 0);
    }
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_false(page(c, start, 100, names, &last));
    assert_string_equal(names, "a b");
}

RUN_TESTS()
