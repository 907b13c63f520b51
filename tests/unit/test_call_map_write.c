/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to maps in calls: exactly once, named when there are several, whole when they are
 * batches.
 */
#include "harness.h"

#include "stage.h"

static int insert(dmcp_call *call, const char *map, const char *alias, const char *key,
                  const char *value)
{
    return dmcp_map_insert(dmcp_map_as(call, map, alias), key, value, strlen(value));
}

/* ---- exactly once ---- */

struct once {
    const char *key, *value;
    int rc;
    char text[600];
};

static int write_one(dmcp_call *call)
{
    struct once *o = dmcp_call_context(call);

    o->rc = insert(call, "m", NULL, o->key, o->value);
    snprintf(o->text, sizeof(o->text), "%s", dmcp_error_text(call));
    return o->rc;
}

static int write_from_outside(dmcp_call *call)
{
    return insert(call, "m", NULL, "k", "from outside");
}

TEST_WITH(map_write, happens_once_however_often_the_handler_runs, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct once o = { .key = "k", .value = "v" };
    struct call_handler outside = { write_from_outside, NULL };

    stage_start(st, write_one, &o, "{}");
    st->cut = 1;
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    assert_string_equal(stage_map_value(st, "m", "k"), "v");
    assert_int_equal(call_execute_outside(&st->env, &st->waiter, &outside, NULL), DMCP_OK);
    stage_attempt(st);
    assert_int_equal(o.rc, DMCP_OK);
    assert_string_equal(stage_map_value(st, "m", "k"), "from outside");
}

TEST_WITH(map_write, of_other_entries_in_a_later_attempt_is_noticed, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct once o = { .key = "k", .value = "v" };

    stage_start(st, write_one, &o, "{}");
    st->cut = 1;
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    o.value = "w";
    stage_attempt(st);
    assert_int_equal(o.rc, DMCP_E_DIVERGED);
    assert_string_equal(o.text, "dmcp_map_insert on map \"m\" was recorded with other entries in "
                                "an earlier attempt; compute what varies (time, random numbers, "
                                "answers from outside) in a step of its own: was the handler of "
                                "tool \"tool\" changed under a running call? Give a changed step "
                                "a new alias");
    assert_string_equal(stage_map_value(st, "m", "k"), "v");
}

TEST_WITH(map_write, that_fails_poisons_the_attempt, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct once o = { .key = "k", .value = "v" };

    stage_start(st, write_one, &o, "{}");
    st->cut = 0;
    st->refusal = DMCP_E_FULL;
    stage_attempt(st);
    assert_int_equal(o.rc, DMCP_E_FULL);
    assert_false(stage_is_finished(st));
    assert_null(stage_map_value(st, "m", "k"));
}

/* ---- names ---- */

static int write_twice(dmcp_call *call)
{
    DMCP_TRY(insert(call, "m", NULL, "a", "1"));
    DMCP_TRY(insert(call, "n", NULL, "a", "1"));              /* another map */
    DMCP_TRY(dmcp_map_remove(dmcp_map_open(call, "m"), "a")); /* another function */
    DMCP_TRY(insert(call, "m", "second", "b", "2"));          /* named */
    DMCP_TRY(insert(call, "n", "second", "b", "2"));          /* the same name elsewhere */
    DMCP_TRY(dmcp_map_remove(dmcp_map_as(call, "m", "second"), "b"));
    assert_int_equal(insert(call, "m", "second", "c", "3"), DMCP_E_ALIAS);
    assert_string_equal(dmcp_error_text(call),
                        "alias \"second\" was used before in this attempt of tool \"tool\", for "
                        "another dmcp_map_insert on map \"m\": give each write an alias of its "
                        "own; in a loop, put the index or the key in it");
    assert_int_equal(insert(call, "m", "\xff", "c", "3"), DMCP_E_INVALID);
    assert_int_equal(insert(call, "m", "", "c", "3"), DMCP_E_INVALID);
    return insert(call, "m", NULL, "c", "3");
}

TEST_WITH(map_write, repeated_on_one_map_wants_a_name, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    assert_non_null(strstr(stage_call(st, write_twice, NULL, "{}"),
                           "to call dmcp_map_insert on map \\\"m\\\" more than once in one call of "
                           "tool \\\"tool\\\", name each write: get the map with dmcp_map_as(call, \\\"m\\\", "
                           "alias)"));
    assert_null(stage_map_value(st, "m", "c"));
}

static int long_names(dmcp_call *call)
{
    char map[129], alias[257];

    memset(map, 'm', sizeof(map));
    memset(alias, 'a', sizeof(alias));
    map[128] = alias[256] = '\0';
    return insert(call, map, alias, "k", "v");
}

static int long_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)arg;
    (void)result;
    return long_names(call);
}

static int long_step(dmcp_call *call)
{
    char alias[257];

    memset(alias, 's', sizeof(alias));
    alias[256] = '\0';
    return dmcp_at_least_once(call, alias, long_body, NULL, NULL);
}

TEST_WITH(map_write, takes_the_longest_names_in_the_longest_step, stage_setup, stage_teardown)
{
    assert_string_equal(stage_call(*state, long_names, NULL, "{}"), "{\"content\":[]}");
    assert_string_equal(stage_call(*state, long_step, NULL, "{}"), "{\"content\":[]}");
}

/* ---- batches ---- */

static int two_maps(dmcp_call *call)
{
    dmcp_batch *b = dmcp_batch_new(call, NULL);

    DMCP_TRY(insert(call, "m", NULL, "old", "1"));
    dmcp_batch_insert(b, "m", "a", "1", 1);
    dmcp_batch_insert(b, "n", "a", "2", 1);
    dmcp_batch_insert(b, "m", "a", "3", 1);
    dmcp_batch_remove(b, "m", "old");
    return dmcp_batch_write(b);
}

TEST_WITH(batch, writes_to_several_maps_at_once_and_in_order, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    assert_string_equal(stage_call(st, two_maps, NULL, "{}"), "{\"content\":[]}");
    assert_string_equal(stage_map_value(st, "m", "a"), "3");
    assert_string_equal(stage_map_value(st, "n", "a"), "2");
    assert_null(stage_map_value(st, "m", "old"));
}

static int bad_batch(dmcp_call *call)
{
    dmcp_batch *b = dmcp_batch_new(call, NULL);
    int rc;

    dmcp_batch_insert(b, "m", "a", "1", 1);
    dmcp_batch_remove(b, "m", "");
    dmcp_batch_insert(b, NULL, "a", "1", 1);
    rc = dmcp_batch_write(b);
    assert_int_equal(rc, DMCP_E_INVALID);
    assert_string_equal(dmcp_error_text(call), "operation 2 of the batch: a map's key is empty");
    return rc;
}

TEST_WITH(batch, with_a_bad_operation_writes_nothing, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    stage_call(st, bad_batch, NULL, "{}");
    assert_null(stage_map_value(st, "m", "a"));
    assert_int_equal(st->n_commands[CMD_MAP], 0);
}

static int several_batches(dmcp_call *call)
{
    dmcp_batch *b = dmcp_batch_new(call, NULL);

    DMCP_TRY(dmcp_batch_write(b)); /* an empty one is fine */
    assert_int_equal(dmcp_batch_write(b), DMCP_E_MISUSE);
    assert_int_equal(dmcp_batch_write(dmcp_batch_new(call, NULL)), DMCP_E_ALIAS);
    assert_string_equal(dmcp_error_text(call),
                        "to write more than one batch in one call of tool \"tool\", name each: "
                        "give dmcp_batch_new an alias");
    DMCP_TRY(dmcp_batch_write(dmcp_batch_new(call, "b")));
    assert_int_equal(dmcp_batch_write(dmcp_batch_new(call, "b")), DMCP_E_ALIAS);
    assert_non_null(strstr(dmcp_error_text(call), "alias \"b\" was used before"));
    dmcp_batch_insert(dmcp_batch_new(call, "never written"), "m", "k", "v", 1);
    return dmcp_reply(call, "s", "done");
}

TEST_WITH(batch, is_written_once_and_named_when_there_are_several, stage_setup, stage_teardown)
{
    assert_non_null(strstr(stage_call(*state, several_batches, NULL, "{}"), "done"));
}

struct size {
    unsigned n_ops;
    size_t value_bytes;
    int rc;
    char text[200];
};

static int sized_batch(dmcp_call *call)
{
    struct size *s = dmcp_call_context(call);
    dmcp_batch *b = dmcp_batch_new(call, NULL);
    char *value = mem_zalloc(s->value_bytes + 1);
    char key[16];

    for (unsigned i = 0; i < s->n_ops; i++) {
        snprintf(key, sizeof(key), "%u", i);
        dmcp_batch_insert(b, "m", key, value, s->value_bytes);
    }
    mem_free(value);
    s->rc = dmcp_batch_write(b);
    snprintf(s->text, sizeof(s->text), "%s", dmcp_error_text(call));
    return DMCP_OK;
}

TEST_WITH(batch, takes_operations_and_bytes_up_to_its_limits, stage_setup, stage_teardown)
{
    struct size s = { .n_ops = LIMIT_BATCH_OPS };

    stage_call(*state, sized_batch, &s, "{}");
    assert_int_equal(s.rc, DMCP_OK);
    s.n_ops++;
    stage_call(*state, sized_batch, &s, "{}");
    assert_int_equal(s.rc, DMCP_E_TOOBIG);
    assert_string_equal(s.text, "a batch has at most 10000 operations");
    s = (struct size){ .n_ops = 4, .value_bytes = LIMIT_BATCH_BYTES / 4 - 32 };
    stage_call(*state, sized_batch, &s, "{}");
    assert_int_equal(s.rc, DMCP_OK);
    s.value_bytes = LIMIT_BATCH_BYTES / 4;
    stage_call(*state, sized_batch, &s, "{}");
    assert_int_equal(s.rc, DMCP_E_TOOBIG);
    assert_string_equal(s.text, "a batch has at most 67108864 bytes");
}

TEST_WITH(batch, is_repeated_whole_or_noticed, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct size s = { .n_ops = 3 };

    stage_start(st, sized_batch, &s, "{}");
    st->cut = 1;
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    st->cut = 1;
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_OK);
    stage_crash(st, SIZE_MAX);
    s.n_ops = 4;
    stage_attempt(st);
    assert_int_equal(s.rc, DMCP_E_DIVERGED);
    assert_null(stage_map_value(st, "m", "3"));
}

RUN_TESTS()
