/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that wait for maps to be written: whom a write wakes, and that none is missed.
 */
#include "watch_script.h"

/* ---- whom a write wakes ---- */

WATCH_TEST(a_write_of_the_entry_wakes_the_call_and_others_do_not)
{
    struct rig *r = *state;
    struct id call = waiting(r, "k");

    write_map(r, "m", "j", "1");
    write_map(r, "m", "ka", "1");
    write_map(r, "n", "k", "1");
    rig_expect_nothing(r);
    assert_true(rig_has_id(r, KEY_SUSPENDED, call));
    write_map(r, "m", "k", "1");
    expect_dispatch(r, call, 2);
    rig_expect_nothing(r);
    assert_false(rig_has_id(r, KEY_SUSPENDED, call));
    assert_true(rig_has_id(r, KEY_UNFINISHED, call));
}

WATCH_TEST(a_removal_wakes_as_an_insertion_does)
{
    struct rig *r = *state;
    struct id call = waiting(r, "k");

    write_map(r, "m", "k", NULL);
    expect_dispatch(r, call, 2);
}

WATCH_TEST(a_range_is_woken_from_its_first_key_up_to_its_end)
{
    struct rig *r = *state;
    struct id call = waiting(r, "b-d");

    write_map(r, "m", "a", "1");
    write_map(r, "m", "d", "1");
    write_map(r, "m", "\xff", "1");
    write_map(r, "n", "b", "1");
    rig_expect_nothing(r);
    write_map(r, "m", "czz", "1");
    expect_dispatch(r, call, 2);
}

WATCH_TEST(a_whole_map_is_woken_by_any_entry_of_it_and_of_no_other)
{
    struct rig *r = *state;
    struct id call = waiting(r, "*");

    write_map(r, "m\x01", "a", "1");
    write_map(r, "mm", "a", "1");
    rig_expect_nothing(r);
    write_map(r, "m", "\xff\xff", "1");
    expect_dispatch(r, call, 2);
}

WATCH_TEST(entries_and_ranges_of_many_maps_may_be_watched_at_once)
{
    static const char *const all[] = { "m:a", "m:b-d", "m:f", "n:*", "o:k" };
    static const char *const keys[][2] = { { "m", "a" }, { "m", "c" }, { "m", "f" }, { "n", "z" },
                                           { "o", "k" } };
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    watch_for(r, call, 0, all, COUNT_OF(all));
    rig_commit(r);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_AGAIN);
    assert_int_equal(rig_count(r, key_kind_start(KEY_WATCH)), 5);
    for (uint32_t i = 0; i < COUNT_OF(keys); i++) {
        watch_for(r, call, 0, all, COUNT_OF(all));
        rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
        suspend(r, call);
        write_map(r, "m", "e", "1");
        write_map(r, "o", "l", "1");
        rig_expect_nothing(r);
        write_map(r, keys[i][0], keys[i][1], "1");
        expect_dispatch(r, call, i + 2);
    }
}

WATCH_TEST(a_batch_wakes_by_any_of_its_entries)
{
    struct rig *r = *state;
    struct id one = waiting(r, "k"), two = waiting(r, "n:a-c"), three = waiting(r, "n:x-z");
    static const char *const entries[][2] = { { "m", "a" }, { "n", "d" }, { "m", "k" }, { "n", "b" } };
    struct command *c = command_new(CMD_MAP);

    c->map.alias = c->map.label = STR("");
    for (size_t i = 0; i < COUNT_OF(entries); i++) {
        struct key k = key_map(str_of(entries[i][0]), str_of(entries[i][1]));

        batch_put(&c->map.rows, key_str(&k), STR("1"));
    }
    rig_apply(r, c);
    rig_write(r);
    expect_dispatch(r, two, 2);
    expect_dispatch(r, one, 2);
    rig_expect_nothing(r);
    assert_true(rig_has_id(r, KEY_SUSPENDED, three));
}

WATCH_TEST(a_range_that_is_deleted_wakes_all_who_watch_its_map)
{
    struct rig *r = *state;
    struct id call = waiting(r, "k");
    struct command *c = command_new(CMD_MAP);
    struct key from = key_map(STR("m"), STR("")), to = key_prefix_end(key_str(&from));

    c->map.alias = c->map.label = STR("");
    batch_del_range(&c->map.rows, key_str(&from), key_str(&to));
    rig_apply(r, c);
    rig_write(r);
    expect_dispatch(r, call, 2);
}

WATCH_TEST(a_write_of_a_call_wakes_once_and_its_replay_does_not)
{
    struct rig *r = *state;
    struct id call = waiting(r, "k"), writer = rig_start_quietly(r);

    rig_map(r, writer, "w", "k", "1");
    rig_write(r);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    expect_dispatch(r, call, 2);
    watch(r, call, "k");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    suspend(r, call);
    rig_map(r, writer, "w", "k", "1");
    rig_write(r);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_expect_nothing(r);
}

/* ---- no write is missed ---- */

/* The write comes while the handler is on its way out: after it looked, before it is suspended. */
WATCH_TEST(a_write_before_the_call_is_suspended_makes_it_run_again_at_once)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    watch(r, call, "k");
    rig_write(r);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_AGAIN);
    watch(r, call, "k");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    write_map(r, "m", "k", "1");
    rig_expect_nothing(r);
    suspend(r, call);
    rig_write(r);
    expect_dispatch(r, call, 2);
}

/* The same within one batch of commands, where the watch rows are not in the store yet. */
WATCH_TEST(a_write_in_the_same_batch_as_the_watch_is_not_missed)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    int before = r->n_write_first;

    watch(r, call, "k");
    suspend(r, call);
    rig_map(r, no_id, "", "k", "1");
    assert_int_equal(r->n_write_first, before + 1);
    rig_write(r);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_AGAIN);
    rig_expect_wake(r, WHEN_DURABLE, DMCP_OK);
    expect_dispatch(r, call, 2);
}

WATCH_TEST(other_ranges_than_before_take_the_place_of_the_old_ones)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    watch(r, call, "a-c");
    rig_write(r);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_AGAIN);
    watch(r, call, "k");
    rig_write(r);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_AGAIN);
    watch(r, call, "k");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    assert_int_equal(n_watch_rows(r), 2);
    suspend(r, call);
    write_map(r, "m", "b", "1");
    rig_expect_nothing(r);
    write_map(r, "m", "k", "1");
    expect_dispatch(r, call, 2);
}

WATCH_TEST(a_restart_keeps_what_is_watched)
{
    struct rig *r = *state;
    struct id one = waiting(r, "k"), two = waiting(r, "n:a-c"), three = waiting(r, "n:k");

    rig_restart(r);
    rig_expect_nothing(r);
    write_map(r, "m", "j", "1");
    rig_expect_nothing(r);
    write_map(r, "m", "k", "1");
    expect_dispatch(r, one, 2);
    write_map(r, "n", "b", "1");
    expect_dispatch(r, two, 2);
    write_map(r, "n", "k", "1");
    expect_dispatch(r, three, 2);
}

WATCH_TEST(the_write_and_the_waking_are_lost_together_or_kept_together)
{
    struct rig *r = *state;
    struct id call = waiting(r, "k");

    write_map(r, "m", "k", "1");
    rig_crash(r, 0);
    assert_true(rig_map_holds(r, "k", NULL));
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    rig_expect_nothing(r);
    assert_true(rig_has_id(r, KEY_SUSPENDED, call));
    write_map(r, "m", "k", "1");
    rig_drop_actions(r);
    rig_crash(r, 1);
    assert_true(rig_map_holds(r, "k", "1"));
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    expect_dispatch(r, call, 3);
}

/* ---- many ---- */

#define MANY 1300

WATCH_TEST(a_write_that_many_wait_for_wakes_them_part_by_part)
{
    static const char *const texts[] = { "k", "a-z" };
    struct rig *r = *state;
    size_t n_awake, parts = 1;

    r->options.max_calls = 2 * MANY;
    rig_restart(r);
    for (int i = 0; i < MANY; i++) {
        waiting(r, texts[i % 2]);
    }
    assert_int_equal(rig_count(r, key_kind_start(KEY_SUSPENDED)), MANY);
    write_map(r, "m", "k", "1");
    n_awake = rig_count(r, key_kind_start(KEY_UNFINISHED));
    assert_true(n_awake > 0 && n_awake < MANY);
    rig_restart(r); /* the rest is on disk */
    for (; engine_deadline(r->engine, r->now) != UINT64_MAX; parts++) {
        rig_pass(r, 1000); /* those that were woken wait for workers */
        rig_tick(r);
        rig_commit(r);
        assert_true(parts < 10);
    }
    assert_true(parts > 2);
    assert_int_equal(rig_count(r, key_kind_start(KEY_UNFINISHED)), MANY);
    assert_int_equal(rig_count(r, key_kind_start(KEY_SUSPENDED)), 0);
    assert_int_equal(rig_count(r, key_kind_start(KEY_TIMER)), 0);
}

WATCH_TEST(maps_that_nobody_watches_need_no_write_first)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    int before = r->n_write_first;

    watch(r, call, "n:k");
    rig_map(r, no_id, "", "k", "1");
    assert_int_equal(r->n_write_first, before);
}

RUN_TESTS()
