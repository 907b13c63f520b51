/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Map writes: whole batches, and within a call exactly once.
 */
#include "harness.h"
#include "rig.h"

#define MAP_TEST(sentence) TEST_WITH(map, sentence, rig_setup, rig_teardown)

MAP_TEST(a_write_of_a_call_is_visible_when_it_returns_with_its_note_in_the_journal)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_map(r, call, "w", "k", "v");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    assert_true(rig_map_holds(r, "k", NULL));
    rig_write(r);
    assert_true(rig_map_holds(r, "k", "v"));
    assert_int_equal(rig_journal_state(r, call, "w"), STEP_DONE);
}

MAP_TEST(the_write_and_its_note_are_lost_together_or_kept_together)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_map(r, call, "w", "k", "v");
    rig_write(r);
    rig_crash(r, 0);
    assert_true(rig_map_holds(r, "k", NULL));
    assert_int_equal(rig_journal_state(r, call, "w"), 0);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    rig_drop_actions(r);
    rig_map(r, call, "w", "k", "v");
    rig_write(r);
    rig_crash(r, 1);
    assert_true(rig_map_holds(r, "k", "v"));
    assert_int_equal(rig_journal_state(r, call, "w"), STEP_DONE);
}

/* Between the attempts somebody else wrote the entry: a replay must not undo that. */
MAP_TEST(a_replayed_write_does_not_write_again)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r), other = rig_start_quietly(r);

    rig_map(r, call, "w", "k", "mine");
    rig_commit(r);
    rig_map(r, other, "w", "k", "theirs");
    rig_commit(r);
    rig_restart(r);
    rig_drop_actions(r);
    rig_map(r, call, "w", "k", "mine");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    assert_int_equal(r->rows.n, 0);
    rig_commit(r);
    assert_true(rig_map_holds(r, "k", "theirs"));
}

MAP_TEST(a_write_repeated_in_one_batch_is_one_write)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r), other = rig_start_quietly(r);

    rig_map(r, call, "w", "k", "mine");
    rig_map(r, other, "w", "k", "theirs");
    rig_map(r, call, "w", "k", "mine");
    rig_commit(r);
    assert_true(rig_map_holds(r, "k", "theirs"));
}

MAP_TEST(other_entries_under_the_alias_than_in_an_earlier_attempt_are_a_divergence)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    struct action *a;

    rig_map(r, call, "w", "k", "v");
    rig_commit(r);
    rig_drop_actions(r);
    rig_map(r, call, "w", "k", "another");
    a = rig_expect(r, ACT_WAKE, WHEN_VISIBLE);
    assert_int_equal(a->code, DMCP_E_DIVERGED);
    assert_string_equal(
        a->text.p,
        "m.put was recorded with other entries in an earlier attempt; compute what varies "
        "(time, random numbers, answers from outside) in a step of its own");
    assert_int_equal(r->rows.n, 0);
    assert_true(rig_map_holds(r, "k", "v"));
}

MAP_TEST(an_alias_of_another_kind_of_step_is_a_divergence)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    struct action *a;

    rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "w", "1");
    rig_commit(r);
    rig_drop_actions(r);
    rig_map(r, call, "w", "k", "v");
    a = rig_expect(r, ACT_WAKE, WHEN_VISIBLE);
    assert_int_equal(a->code, DMCP_E_DIVERGED);
    assert_string_equal(a->text.p,
                        "the journal has an at-least-once step under alias \"w\", the handler asks "
                        "for a map write");
    assert_int_equal(r->rows.n, 0);
}

MAP_TEST(a_batch_is_applied_in_its_order_with_deletions_and_ranges)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    struct key a = key_map(STR("m"), STR("a")), b = key_map(STR("m"), STR("b")),
               c = key_map(STR("m"), STR("c"));
    struct command *write = command_new(CMD_MAP);

    rig_map(r, call, "before", "b", "old");
    rig_map(r, call, "before2", "c", "old");
    rig_commit(r);
    write->call = call;
    write->map.alias = STR("w");
    write->map.label = STR("m.apply");
    batch_put(&write->map.rows, key_str(&a), STR("1"));
    batch_del_range(&write->map.rows, key_str(&a), key_str(&c));
    batch_put(&write->map.rows, key_str(&b), STR("2"));
    batch_del(&write->map.rows, key_str(&c));
    rig_apply(r, write);
    rig_commit(r);
    assert_true(rig_map_holds(r, "a", NULL));
    assert_true(rig_map_holds(r, "b", "2"));
    assert_true(rig_map_holds(r, "c", NULL));
}

MAP_TEST(a_write_from_outside_of_calls_returns_when_it_is_durable)
{
    struct rig *r = *state;
    struct id nobody = { { 0 } };

    rig_map(r, nobody, "", "k", "v");
    rig_expect_wake(r, WHEN_DURABLE, DMCP_OK);
    rig_map(r, nobody, "", "k", "w");
    rig_expect_wake(r, WHEN_DURABLE, DMCP_OK);
    rig_commit(r);
    assert_true(rig_map_holds(r, "k", "w"));
    assert_int_equal(rig_count(r, key_kind_start(KEY_JOURNAL)), 0);
}

RUN_TESTS()
