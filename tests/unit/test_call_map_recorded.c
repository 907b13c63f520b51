/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads of maps with an alias: recorded once, the same in every later attempt. Each handler reads,
 * waits for a signal, during which the map is changed, and so reads again.
 */
#include "validate_script.h"

#include "base/limits.h"

#define READ_TEST(sentence) TEST_WITH(recorded_read, sentence, stage_setup, stage_teardown)

struct look {
    const char *alias, *key; /* alias NULL: not recorded */
    const char *key_later;   /* in the second attempt; NULL: the same */
    bool is_range, is_reverse, is_in_body, is_twice;
    int rc; /* of the last attempt */
    char seen[200], text[400];
};

static int read_range(dmcp_call *call, struct look *l, dmcp_map *map)
{
    const dmcp_entry *entries;
    size_t n, at = 0;
    int rc = l->is_reverse ? dmcp_map_reverse_range(map, NULL, NULL, 10, &entries, &n)
                           : dmcp_map_range(map, l->key, NULL, 10, &entries, &n);

    (void)call;
    for (size_t i = 0; rc == DMCP_OK && i < n; i++) {
        at += (size_t)snprintf(l->seen + at, sizeof(l->seen) - at, "%s=%.*s ", entries[i].key,
                               (int)entries[i].size, (const char *)entries[i].value);
    }
    return rc;
}

static int read_map(dmcp_call *call, struct look *l)
{
    dmcp_map *map = l->alias ? dmcp_map_as(call, "m", l->alias) : dmcp_map_open(call, "m");
    bool is_later = dmcp_call_attempt(call) > 1;
    const void *value;
    size_t size;

    snprintf(l->seen, sizeof(l->seen), "%s", "");
    if (l->is_range) {
        return read_range(call, l, map);
    }
    DMCP_TRY(dmcp_map_get(map, is_later && l->key_later ? l->key_later : l->key, &value, &size));
    assert_int_equal(((const char *)value)[size], '\0');
    snprintf(l->seen, sizeof(l->seen), "%.*s", (int)size, (const char *)value);
    return DMCP_OK;
}

static int body(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct look *l = arg;

    DMCP_TRY(read_map(call, l));
    *result = dmcp_string(call, l->seen);
    return dmcp_call_attempt(call) > 1 ? DMCP_OK : dmcp_fail(call, 7, "later");
}

static int look(dmcp_call *call)
{
    struct look *l = dmcp_call_context(call);
    const dmcp_step step = { .alias = "step", .retry = { 1, 1, 1 } };

    l->rc = l->is_in_body ? dmcp_at_least_once_with(call, &step, body, l, NULL) : read_map(call, l);
    if (l->is_twice && l->rc == DMCP_OK) {
        l->rc = read_map(call, l);
    }
    snprintf(l->text, sizeof(l->text), "%s", l->rc == DMCP_OK ? "" : dmcp_error_text(call));
    return dmcp_await_signal(call, "go", 0, NULL);
}

/* The first attempt, and a second one after the map has changed. */
static void look_twice(struct stage *st, struct look *l, const char *key, const char *value)
{
    stage_start(st, look, l, "{}");
    stage_attempt(st);
    stage_write(st, "m", key, value);
    stage_signal(st, "go", "null");
    stage_attempt(st);
    assert_true(stage_is_finished(st));
}

READ_TEST(gives_in_a_later_attempt_what_it_gave_in_the_first)
{
    struct look l = { .alias = "look", .key = "k" };

    stage_write(*state, "m", "k", "old");
    look_twice(*state, &l, "k", "new");
    assert_int_equal(l.rc, DMCP_OK);
    assert_string_equal(l.seen, "old");
}

READ_TEST(without_an_alias_sees_the_map_as_it_is)
{
    struct look l = { .key = "k" };

    stage_write(*state, "m", "k", "old");
    look_twice(*state, &l, "k", "new");
    assert_string_equal(l.seen, "new");
}

READ_TEST(remembers_that_there_was_nothing)
{
    struct look l = { .alias = "look", .key = "k" };

    look_twice(*state, &l, "k", "new");
    assert_int_equal(l.rc, DMCP_E_NOTFOUND);
    assert_string_equal(l.text, "map \"m\" has no key \"k\"");
}

READ_TEST(keeps_bytes_that_are_no_text_and_empty_values)
{
    struct look l = { .alias = "look", .key = "k" };

    stage_write(*state, "m", "k", "\xff\x80x");
    look_twice(*state, &l, "k", "new");
    assert_string_equal(l.seen, "\xff\x80x");
    l.alias = "second";
    stage_write(*state, "m", "k", "");
    look_twice(*state, &l, "k", "new");
    assert_int_equal(l.rc, DMCP_OK);
    assert_string_equal(l.seen, "");
}

READ_TEST(of_a_range_keeps_its_entries_and_their_order)
{
    struct look l = { .alias = "look", .key = "a", .is_range = true };

    stage_write(*state, "m", "a", "1");
    stage_write(*state, "m", "b\xff", "2");
    look_twice(*state, &l, "c", "3");
    assert_string_equal(l.seen, "a=1 b\xff=2 ");
    l.is_reverse = true;
    look_twice(*state, &l, "a", NULL);
    assert_string_equal(l.seen, "c=3 b\xff=2 a=1 ");
}

READ_TEST(of_another_key_in_a_later_attempt_is_a_divergence)
{
    struct look l = { .alias = "look", .key = "k", .key_later = "other" };

    stage_write(*state, "m", "k", "old");
    look_twice(*state, &l, "k", "new");
    assert_int_equal(l.rc, DMCP_E_DIVERGED);
    assert_non_null(
        strstr(l.text, "dmcp_map_get on map \"m\" as \"look\" asks for something else"));
}

READ_TEST(under_one_alias_is_done_once_in_an_attempt)
{
    struct look l = { .alias = "look", .key = "k", .is_twice = true };

    stage_write(*state, "m", "k", "old");
    look_twice(*state, &l, "k", "new");
    assert_int_equal(l.rc, DMCP_E_ALIAS);
    assert_non_null(strstr(l.text,
                           "alias \"look\" was used before in this attempt of tool \"tool\", "
                           "for another dmcp_map_get on map \"m\""));
}

READ_TEST(in_a_body_is_the_same_when_the_body_runs_again)
{
    struct look l = { .alias = "look", .key = "k", .is_in_body = true };

    stage_write(*state, "m", "k", "old");
    look_twice(*state, &l, "k", "new");
    assert_int_equal(l.rc, DMCP_OK);
    assert_string_equal(l.seen, "old");
}

READ_TEST(survives_a_crash_when_it_was_made_durable)
{
    struct look l = { .alias = "look", .key = "k" };
    struct stage *st = *state;

    stage_write(st, "m", "k", "old");
    stage_start(st, look, &l, "{}");
    stage_attempt(st);
    stage_write(st, "m", "k", "new");
    stage_crash(st, SIZE_MAX);
    stage_signal(st, "go", "null");
    stage_attempt(st);
    assert_string_equal(l.seen, "old");
}

/* ---- too large, and where it cannot be ---- */

static int read_too_much(dmcp_call *call)
{
    static char value[12 * 1024 * 1024];
    const dmcp_entry *entries;
    size_t n;
    int rc;

    memset(value, 'x', sizeof(value));
    DMCP_TRY(dmcp_map_insert(dmcp_map_as(call, "m", "one"), "a", value, sizeof(value)));
    DMCP_TRY(dmcp_map_insert(dmcp_map_as(call, "m", "two"), "b", value, sizeof(value)));
    DMCP_TRY(dmcp_map_range(dmcp_map_open(call, "m"), NULL, NULL, 10, &entries, &n));
    rc = dmcp_map_range(dmcp_map_as(call, "m", "look"), NULL, NULL, 10, &entries, &n);
    assert_int_equal(rc, DMCP_E_TOOBIG);
    DMCP_TRY(dmcp_map_range(dmcp_map_as(call, "m", "less"), NULL, NULL, 1, &entries, &n));
    return dmcp_reply(call, "s", "read");
}

READ_TEST(has_a_limit_that_others_do_not_have)
{
    assert_non_null(strstr(stage_call(*state, read_too_much, NULL, "{}"), "read"));
}

/* Four entries of the largest size, and a few bytes: more than a range may have. */
static void write_too_much(struct stage *st)
{
    char *value = mem_alloc(LIMIT_RESULT_BYTES + 1), key[2] = "a";

    memset(value, 'x', LIMIT_RESULT_BYTES);
    value[LIMIT_RESULT_BYTES] = '\0';
    for (; key[0] <= 'e'; key[0]++) {
        stage_write(st, "m", key, value);
    }
    mem_free(value);
}

static int read_more_than_a_range(dmcp_call *call)
{
    const dmcp_entry *entries;
    size_t n;
    int rc = dmcp_map_range(dmcp_map_as(call, "m", "look"), NULL, NULL, 10, &entries, &n);

    assert_int_equal(rc, DMCP_E_TOOBIG);
    return dmcp_reply(call, "s", dmcp_error_text(call));
}

TEST_WITH(recorded_read, that_is_too_large_is_the_same_error_when_effects_are_validated,
          stage_setup, validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);

    write_too_much(st);
    assert_non_null(strstr(stage_call(st, read_more_than_a_range, NULL, "{}"),
                           "the range of map \\\"m\\\" is larger than"));
}

static int condition(dmcp_call *call, void *arg, dmcp_value **result)
{
    const void *value;

    (void)arg;
    (void)result;
    return dmcp_map_get(dmcp_map_as(call, "m", "look"), "k", &value, NULL);
}

static int wait_for_it(dmcp_call *call)
{
    return dmcp_until(call, "until", condition, NULL, 0, NULL);
}

READ_TEST(is_no_part_of_a_condition)
{
    stage_write(*state, "m", "k", "v");
    assert_non_null(strstr(stage_call(*state, wait_for_it, NULL, "{}"), "may only read maps"));
}

static int read_here(dmcp_call *call)
{
    const void *value;

    DMCP_TRY(dmcp_map_get(dmcp_map_as(call, "m", "look"), "k", &value, NULL));
    DMCP_TRY(dmcp_map_get(dmcp_map_as(call, "m", "look"), "k", &value, NULL));
    return dmcp_reply(call, "s", value);
}

READ_TEST(is_like_any_other_where_nothing_is_recorded)
{
    stage_write(*state, "m", "k", "v");
    assert_non_null(strstr(stage_call_ephemeral(*state, read_here, NULL, "{}"), "\"text\":\"v\""));
}

RUN_TESTS()
