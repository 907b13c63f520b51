/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading maps: one entry, ranges in both directions, prefixes, limits. The entries are written
 * from outside of tools, where a write needs no name.
 */
#include "harness.h"

#include "stage.h"

#define MAP "numbers"

static int run(struct stage *st, dmcp_handler_fn *fn, void *context, char *text_out)
{
    struct call_handler h = { fn, context };
    struct err e = { 0 };
    int rc = call_execute_outside(&st->env, &st->waiter, &h, &e);

    if (text_out) {
        snprintf(text_out, sizeof(e.text), "%s", e.text);
    }
    return rc;
}

static int fill(dmcp_call *call)
{
    char key[16];

    for (int i = 0; i <= 10; i++) {
        snprintf(key, sizeof(key), "%02d", i);
        DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, MAP), key, &"abcdefghijk"[i], 1));
    }
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "number"), "05", "x", 1)); /* neighbours */
    return dmcp_map_insert(dmcp_map_open(call, "numbers2"), "05", "x", 1);
}

static int open_map(void **state)
{
    stage_setup(state);
    return run(*state, fill, NULL, NULL);
}

/* ---- ranges ---- */

enum way { UP, DOWN, PREFIX };

struct question {
    enum way way;
    const char *start, *end;
    size_t limit;
    char answer[200]; /* "00=a 01=b" */
    char text[256];
};

static int ask(dmcp_call *call)
{
    struct question *q = dmcp_call_context(call);
    dmcp_map *m = dmcp_map_open(call, MAP);
    const dmcp_entry *entries = NULL;
    size_t n = 999, at = 0;
    int rc = q->way == UP     ? dmcp_map_range(m, q->start, q->end, q->limit, &entries, &n)
             : q->way == DOWN ? dmcp_map_reverse_range(m, q->start, q->end, q->limit, &entries, &n)
                              : dmcp_map_prefix(m, q->start, q->limit, &entries, &n);

    if (rc != DMCP_OK) {
        assert_null(entries);
        assert_int_equal(n, 999);
    }
    for (size_t i = 0; rc == DMCP_OK && i < n; i++) {
        assert_int_equal(entries[i].size, 1);
        assert_int_equal(((const char *)entries[i].value)[1], '\0');
        at += (size_t)snprintf(q->answer + at, sizeof(q->answer) - at, "%s%s", i ? " " : "",
                               entries[i].key);
    }
    return rc;
}

static int rc_of(struct stage *st, struct question *q)
{
    return run(st, ask, q, q->text);
}

#define assert_range(way, start, end, limit, expected)                                             \
    do {                                                                                           \
        struct question q_ = { way, start, end, limit, "", "" };                                   \
        assert_int_equal(rc_of(*state, &q_), DMCP_OK);                                             \
        assert_string_equal(q_.answer, expected);                                                  \
    } while (0)

#define assert_refused(way, start, end, limit, code, expected)                                     \
    do {                                                                                           \
        struct question q_ = { way, start, end, limit, "", "" };                                   \
        assert_int_equal(rc_of(*state, &q_), code);                                                \
        assert_string_equal(q_.text, expected);                                                    \
    } while (0)

TEST_WITH(range, goes_up_from_its_start_to_just_before_its_end, open_map, stage_teardown)
{
    assert_range(UP, NULL, NULL, 100, "00 01 02 03 04 05 06 07 08 09 10");
    assert_range(UP, NULL, "05", 100, "00 01 02 03 04");
    assert_range(UP, "05", NULL, 100, "05 06 07 08 09 10");
    assert_range(UP, "03", "05", 100, "03 04");
    assert_range(UP, "03a", "05a", 100, "04 05");
    assert_range(UP, "11", NULL, 100, "");
    assert_range(UP, NULL, "00", 100, "");
    assert_range(UP, "05", NULL, 2, "05 06");
}

TEST_WITH(reverse_range, goes_down_from_its_start_to_just_before_its_end, open_map, stage_teardown)
{
    assert_range(DOWN, NULL, NULL, 100, "10 09 08 07 06 05 04 03 02 01 00");
    assert_range(DOWN, NULL, "05", 100, "10 09 08 07 06");
    assert_range(DOWN, "05", NULL, 100, "05 04 03 02 01 00");
    assert_range(DOWN, "05", "03", 100, "05 04");
    assert_range(DOWN, "05a", "03a", 100, "05 04");
    assert_range(DOWN, "/", NULL, 100, "");
    assert_range(DOWN, NULL, "10", 100, "");
    assert_range(DOWN, "05", NULL, 2, "05 04");
}

TEST_WITH(prefix, gives_the_keys_that_begin_with_it, open_map, stage_teardown)
{
    assert_range(PREFIX, "1", NULL, 100, "10");
    assert_range(PREFIX, "0", NULL, 3, "00 01 02");
    assert_range(PREFIX, "05", NULL, 3, "05");
    assert_range(PREFIX, "05x", NULL, 3, "");
    assert_range(PREFIX, "", NULL, 2, "00 01");
    assert_range(PREFIX, NULL, NULL, 2, "00 01");
}

TEST_WITH(range, has_a_limit, open_map, stage_teardown)
{
    assert_refused(UP, NULL, NULL, 0, DMCP_E_INVALID,
                   "dmcp_map_range requires a limit from 1 to 100000; got 0");
    assert_refused(DOWN, NULL, NULL, 0, DMCP_E_INVALID,
                   "dmcp_map_reverse_range requires a limit from 1 to 100000; got 0");
    assert_refused(PREFIX, "a", NULL, 0, DMCP_E_INVALID,
                   "dmcp_map_prefix requires a limit from 1 to 100000; got 0");
    assert_refused(UP, "foo", "foo", 100001, DMCP_E_INVALID,
                   "dmcp_map_range requires a limit from 1 to 100000; got 100001");
    assert_range(UP, "10", NULL, 100000, "10");
}

TEST_WITH(range, has_bounds_in_its_own_order, open_map, stage_teardown)
{
    assert_refused(UP, "foo", "foo", 1, DMCP_E_INVALID,
                   "dmcp_map_range requires the end to be larger than the start; got "
                   "start=\"foo\" and end=\"foo\"");
    assert_refused(DOWN, "foo", "foo", 1, DMCP_E_INVALID,
                   "dmcp_map_reverse_range requires the end to be smaller than the start; got "
                   "start=\"foo\" and end=\"foo\"");
    assert_refused(UP, "b", "a", 1, DMCP_E_INVALID,
                   "dmcp_map_range requires the end to be larger than the start; got "
                   "start=\"b\" and end=\"a\"");
    assert_refused(UP, "", NULL, 1, DMCP_E_INVALID, "a map's key is empty");
    assert_refused(DOWN, NULL, "", 1, DMCP_E_INVALID, "a map's key is empty");
}

static int never_written(dmcp_call *call)
{
    dmcp_map *m = dmcp_map_open(call, "nobody wrote this");
    const dmcp_entry *entries;
    const void *value;
    size_t n;

    DMCP_TRY(dmcp_map_range(m, NULL, NULL, 10, &entries, &n));
    assert_int_equal(n, 0);
    DMCP_TRY(dmcp_map_reverse_range(m, NULL, NULL, 10, &entries, &n));
    assert_int_equal(n, 0);
    DMCP_TRY(dmcp_map_remove(m, "a"));
    return dmcp_map_get(m, "a", &value, NULL);
}

TEST_WITH(map, that_was_never_written_is_empty, stage_setup, stage_teardown)
{
    char text[256];

    assert_int_equal(run(*state, never_written, NULL, text), DMCP_E_NOTFOUND);
    assert_string_equal(text, "map \"nobody wrote this\" has no key \"a\"");
}

/* ---- entries ---- */

static int entries(dmcp_call *call)
{
    dmcp_map *m = dmcp_map_open(call, "m");
    const void *value = "untouched";
    const dmcp_entry *all;
    dmcp_value *v = NULL;
    size_t size = 9, n;

    DMCP_TRY(dmcp_map_insert(m, "k1", "a\0b", 3));
    DMCP_TRY(dmcp_map_insert(m, "k2", NULL, 0));
    DMCP_TRY(dmcp_map_insert_value(m, "k3", dmcp_pack(call, "{s:i}", "n", 1)));
    DMCP_TRY(dmcp_map_insert_value(m, "k4", NULL));
    DMCP_TRY(dmcp_map_get(m, "k1", &value, &size));
    assert_int_equal(size, 3);
    assert_memory_equal(value, "a\0b", 4);
    DMCP_TRY(dmcp_map_get(m, "k2", &value, &size));
    assert_int_equal(size, 0);
    assert_string_equal(value, "");
    DMCP_TRY(dmcp_map_get_value(m, "k3", &v));
    assert_int_equal(dmcp_int(dmcp_get(v, "n")), 1);
    DMCP_TRY(dmcp_map_get_value(m, "k4", &v));
    assert_int_equal(dmcp_value_type(v), DMCP_NULL);
    assert_int_equal(dmcp_map_get_value(m, "k1", &v), DMCP_E_INVALID);
    assert_non_null(strstr(dmcp_error_text(call), "map \"m\", key \"k1\": JSON: at byte 0"));
    value = "untouched";
    assert_int_equal(dmcp_map_get(m, "k", &value, &size), DMCP_E_NOTFOUND);
    assert_string_equal(value, "untouched");
    DMCP_TRY(dmcp_map_insert(m, "k2", "new", 3));
    DMCP_TRY(dmcp_map_remove(m, "k1"));
    DMCP_TRY(dmcp_map_remove(m, "missing"));
    DMCP_TRY(dmcp_map_range(m, NULL, NULL, 10, &all, &n));
    assert_int_equal(n, 3);
    assert_string_equal(all[0].key, "k2");
    assert_string_equal(all[0].value, "new");
    return DMCP_OK;
}

TEST_WITH(map, keeps_what_is_inserted_until_it_is_replaced_or_removed, stage_setup, stage_teardown)
{
    assert_int_equal(run(*state, entries, NULL, NULL), DMCP_OK);
}

static int byte_order(dmcp_call *call)
{
    static const char *const sorted[] = { "/",     "A",  "Z", "\\",       "a",
                                          "a\x01", "aa", "b", "\xc3\xa9", "\xff" };
    static const size_t mixed[] = { 7, 2, 9, 0, 4, 1, 8, 6, 3, 5 };
    dmcp_map *m = dmcp_map_open(call, "order");
    const dmcp_entry *all;
    size_t n;

    for (size_t i = 0; i < COUNT_OF(mixed); i++) {
        DMCP_TRY(dmcp_map_insert(m, sorted[mixed[i]], "", 0));
    }
    DMCP_TRY(dmcp_map_range(m, NULL, NULL, 100, &all, &n));
    assert_int_equal(n, COUNT_OF(sorted));
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(all[i].key, sorted[i]);
    }
    DMCP_TRY(dmcp_map_prefix(m, "\xff", 100, &all, &n));
    assert_int_equal(n, 1);
    return DMCP_OK;
}

TEST_WITH(map, is_ordered_by_bytes, stage_setup, stage_teardown)
{
    assert_int_equal(run(*state, byte_order, NULL, NULL), DMCP_OK);
}

/* ---- limits ---- */

static const char *repeat(dmcp_call *call, char c, size_t n)
{
    char *text = mem_alloc(n + 1);
    const char *copy;

    memset(text, c, n);
    text[n] = '\0';
    copy = dmcp_format(call, "%s", text);
    mem_free(text);
    return copy;
}

static int name_limits(dmcp_call *call)
{
    const char *key = repeat(call, 'k', 1024), *name = repeat(call, 'm', 128);
    const char *too_long = repeat(call, 'k', 1025);
    const void *value;
    const dmcp_entry *all;
    size_t n;

    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, name), key, "v", 1));
    DMCP_TRY(dmcp_map_get(dmcp_map_open(call, name), key, &value, NULL));
    DMCP_TRY(dmcp_map_reverse_range(dmcp_map_open(call, name), key, NULL, 1, &all, &n));
    assert_int_equal(n, 1);
    assert_int_equal(dmcp_map_insert(dmcp_map_open(call, name), too_long, "v", 1), DMCP_E_TOOBIG);
    assert_non_null(strstr(dmcp_error_text(call), "kkk...\" has 1025"));
    assert_int_equal(dmcp_map_get(dmcp_map_open(call, name), too_long, &value, NULL),
                     DMCP_E_TOOBIG);
    assert_int_equal(dmcp_map_prefix(dmcp_map_open(call, name), too_long, 1, &all, &n),
                     DMCP_E_TOOBIG);
    assert_int_equal(dmcp_map_insert(dmcp_map_open(call, name), "", "v", 1), DMCP_E_INVALID);
    assert_int_equal(dmcp_map_remove(dmcp_map_open(call, name), NULL), DMCP_E_INVALID);
    name = repeat(call, 'm', 129);
    assert_int_equal(dmcp_map_insert(dmcp_map_open(call, name), "k", "v", 1), DMCP_E_TOOBIG);
    assert_int_equal(dmcp_map_get(dmcp_map_open(call, name), "k", &value, NULL), DMCP_E_TOOBIG);
    assert_int_equal(dmcp_map_get(dmcp_map_open(call, ""), "k", &value, NULL), DMCP_E_INVALID);
    assert_int_equal(dmcp_map_get(dmcp_map_open(call, NULL), "k", &value, NULL), DMCP_E_INVALID);
    assert_int_equal(dmcp_map_get(dmcp_map_open(call, "\xff"), "k", &value, NULL), DMCP_E_INVALID);
    return DMCP_OK;
}

TEST_WITH(map, takes_names_and_keys_at_their_limits_and_none_past_them, stage_setup, stage_teardown)
{
    assert_int_equal(run(*state, name_limits, NULL, NULL), DMCP_OK);
}

static int value_limits(dmcp_call *call)
{
    const char *big = repeat(call, 'v', LIMIT_RESULT_BYTES + 1);
    dmcp_map *m = dmcp_map_open(call, "m");
    const dmcp_entry *all;
    const void *value;
    size_t size, n;

    DMCP_TRY(dmcp_map_insert(m, "k0", big, LIMIT_RESULT_BYTES));
    DMCP_TRY(dmcp_map_get(m, "k0", &value, &size));
    assert_int_equal(size, LIMIT_RESULT_BYTES);
    assert_int_equal(dmcp_map_insert(m, "k1", big, LIMIT_RESULT_BYTES + 1), DMCP_E_TOOBIG);
    assert_non_null(strstr(dmcp_error_text(call), "map \"m\", key \"k1\": a value has at most "
                                                  "16777216 bytes, this one 16777217"));
    for (int i = 1; i < 4; i++) {
        DMCP_TRY(dmcp_map_insert(m, dmcp_format(call, "k%d", i), big, LIMIT_RESULT_BYTES));
    }
    DMCP_TRY(dmcp_map_range(m, "k1", NULL, 10, &all, &n));
    assert_int_equal(n, 3);
    assert_int_equal(dmcp_map_range(m, NULL, NULL, 10, &all, &n), DMCP_E_TOOBIG);
    assert_non_null(strstr(dmcp_error_text(call), "larger than 67108864 bytes: ask with a smaller "
                                                  "limit"));
    return DMCP_OK;
}

TEST_WITH(map, takes_values_and_gives_ranges_at_their_limits_and_none_past_them, stage_setup,
          stage_teardown)
{
    assert_int_equal(run(*state, value_limits, NULL, NULL), DMCP_OK);
}

RUN_TESTS()
