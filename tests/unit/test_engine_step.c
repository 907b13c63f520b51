/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: every state of a step against everything that a worker can ask for.
 */
#include "base/limits.h"
#include "harness.h"
#include "rig.h"

#define STEP_TEST(sentence) TEST_WITH(step, sentence, rig_setup, rig_teardown)

enum { ABSENT = 0, STARTED = STEP_STARTED, DONE = STEP_DONE, FAILED = STEP_FAILED };

struct ask {
    enum step_op op;
    const char *body;
};

static const struct ask asks[] = {
    { STEP_OP_RECORD, "\"same\"" }, { STEP_OP_RECORD, "\"other\"" }, { STEP_OP_BEGIN, "" },
    { STEP_OP_FAIL, "\"same\"" },   { STEP_OP_FAIL, "\"other\"" },   { STEP_OP_RESET, "" },
};

/* What each ask gets in each state, and the state it leaves. */
static const struct {
    int from;
    int codes[COUNT_OF(asks)], to[COUNT_OF(asks)];
} table[] = {
    /* clang-format off */
    /*           record same      other            begin            fail same        other            reset */
    { ABSENT,  { DMCP_OK,         DMCP_OK,         DMCP_OK,         DMCP_OK,         DMCP_OK,         DMCP_OK },
               { DONE,            DONE,            STARTED,         FAILED,          FAILED,          ABSENT } },
    { STARTED, { DMCP_OK,         DMCP_OK,         DMCP_E_ATTEMPTED, DMCP_OK,        DMCP_OK,         DMCP_OK },
               { DONE,            DONE,            STARTED,         FAILED,          FAILED,          ABSENT } },
    { DONE,    { DMCP_OK,         DMCP_E_CONFLICT, DMCP_E_CONFLICT, DMCP_E_CONFLICT, DMCP_E_CONFLICT, DMCP_E_CONFLICT },
               { DONE,            DONE,            DONE,            DONE,            DONE,            DONE } },
    { FAILED,  { DMCP_E_CONFLICT, DMCP_E_CONFLICT, DMCP_E_ATTEMPTED, DMCP_OK,        DMCP_E_CONFLICT, DMCP_E_CONFLICT },
               { FAILED,          FAILED,          FAILED,          FAILED,          FAILED,          FAILED } },
    /* clang-format on */
};

static void reach(struct rig *r, struct id call, int state, const char *alias)
{
    if (state != ABSENT) {
        rig_step(r, call, STEP_OP_BEGIN, GUARD_AT_MOST_ONCE, alias, "");
    }
    if (state == DONE) {
        rig_step(r, call, STEP_OP_RECORD, GUARD_AT_MOST_ONCE, alias, "\"same\"");
    } else if (state == FAILED) {
        rig_step(r, call, STEP_OP_FAIL, GUARD_AT_MOST_ONCE, alias, "\"same\"");
    }
}

static enum action_when when_of(enum step_op op)
{
    return op == STEP_OP_RECORD ? WHEN_VISIBLE : WHEN_DURABLE;
}

/* The step comes to its state, `between` happens, then it is asked: for each state and each ask. */
static void try_table(struct rig *r, void (*between)(struct rig *r))
{
    struct id call = rig_start_quietly(r);

    for (size_t s = 0; s < COUNT_OF(table); s++) {
        for (size_t i = 0; i < COUNT_OF(asks); i++) {
            char alias[16];

            snprintf(alias, sizeof(alias), "%zu.%zu", s, i);
            reach(r, call, table[s].from, alias);
            between(r);
            rig_drop_actions(r);
            rig_step(r, call, asks[i].op, GUARD_AT_MOST_ONCE, alias, asks[i].body);
            rig_expect_wake(r, when_of(asks[i].op), table[s].codes[i]);
            rig_expect_nothing(r);
            rig_commit(r);
            assert_int_equal(rig_journal_state(r, call, alias), table[s].to[i]);
        }
    }
}

static void power_loss(struct rig *r)
{
    rig_commit(r);
    rig_crash(r, 0);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
}

static void nothing(struct rig *r)
{
    (void)r;
}

STEP_TEST(every_state_answers_everything_that_can_be_asked)
{
    try_table(*state, rig_commit);
}

STEP_TEST(it_answers_the_same_while_its_rows_are_not_written_yet)
{
    try_table(*state, nothing);
}

STEP_TEST(it_answers_the_same_in_the_attempt_after_a_power_loss)
{
    try_table(*state, power_loss);
}

STEP_TEST(a_result_is_visible_at_once_and_a_begin_only_when_durable)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "a", "1");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_step(r, call, STEP_OP_BEGIN, GUARD_AT_MOST_ONCE, "b", "");
    rig_expect_wake(r, WHEN_DURABLE, DMCP_OK);
    rig_write(r);
    rig_crash(r, 0);
    assert_int_equal(rig_journal_state(r, call, "a"), ABSENT);
    assert_int_equal(rig_journal_state(r, call, "b"), ABSENT);
}

STEP_TEST(what_was_recorded_is_there_in_the_next_attempt_byte_for_byte)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    struct journal_record record;
    struct buf value;
    struct key k = key_journal(call, STR("a"));
    struct err err = { 0 };

    rig_step(r, call, STEP_OP_RECORD, GUARD_VALUE, "a", "\"v\"");
    rig_commit(r);
    rig_restart(r);
    buf_init(&value, 1000);
    assert_int_equal(store_get(r->store, key_str(&k), &value, &err), DMCP_OK);
    assert_int_equal(journal_record_dec(buf_str(&value), &record), DMCP_OK);
    assert_int_equal(record.guard, GUARD_VALUE);
    assert_int_equal(record.attempt, 1);
    assert_true(record.at_ms == r->now.wall_ms);
    assert_true(str_eqz(record.body, "\"v\""));
    buf_fini(&value);
}

/* The acknowledgement was lost and the worker asks again, with other words for one of them. */
STEP_TEST(a_lost_acknowledgement_costs_nothing_and_changes_nothing)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    for (int i = 0; i < 3; i++) {
        rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "a", "1");
        rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
        assert_int_equal(r->rows.n, i == 0 ? 1 : 0);
        rig_commit(r);
    }
    rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "a", "2");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_CONFLICT);
    assert_int_equal(r->rows.n, 0);
}

STEP_TEST(another_kind_of_step_under_a_known_alias_names_both_kinds)
{
    static const char *const names[] = { "",        "an at-least-once step", "an at-most-once step",
                                         "a value", "a map write",           "an event",
                                         "an input", "a condition", "a loop" };
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    char expected[200];
    struct action *a;

    for (int old = GUARD_AT_LEAST_ONCE; old <= GUARD_LOOP; old++) {
        for (int asked = GUARD_AT_LEAST_ONCE; asked <= GUARD_LOOP; asked++) {
            char alias[16];

            if (asked == old) {
                continue;
            }
            snprintf(alias, sizeof(alias), "%d.%d", old, asked);
            rig_step(r, call, STEP_OP_RECORD, (enum step_guard)old, alias, "1");
            rig_commit(r);
            rig_drop_actions(r);
            rig_step(r, call, STEP_OP_RECORD, (enum step_guard)asked, alias, "1");
            a = rig_expect(r, ACT_WAKE, WHEN_VISIBLE);
            snprintf(expected, sizeof(expected),
                     "the journal has %s under alias \"%s\", the handler asks for %s", names[old],
                     alias, names[asked]);
            assert_int_equal(a->code, DMCP_E_DIVERGED);
            assert_string_equal(a->text.p, expected);
            assert_int_equal(r->rows.n, 0);
        }
    }
}

STEP_TEST(a_failed_step_gives_its_reason_whole_however_long_it_is)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    char reason[5000];
    struct action *a;

    memset(reason, 'x', sizeof(reason));
    reason[sizeof(reason) - 1] = '\0';
    rig_step(r, call, STEP_OP_BEGIN, GUARD_AT_MOST_ONCE, "pay", "");
    rig_commit(r);
    rig_step(r, call, STEP_OP_FAIL, GUARD_AT_MOST_ONCE, "pay", reason);
    rig_commit(r);
    rig_drop_actions(r);
    rig_step(r, call, STEP_OP_BEGIN, GUARD_AT_MOST_ONCE, "pay", "");
    a = rig_expect(r, ACT_WAKE, WHEN_DURABLE);
    assert_int_equal(a->code, DMCP_E_ATTEMPTED);
    assert_string_equal(a->text.p, reason);
}

STEP_TEST(the_longest_alias_is_named_whole_in_a_conflict)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    char alias[LIMIT_ALIAS_BYTES + 1], expected[LIMIT_ALIAS_BYTES + 100];

    memset(alias, 'a', sizeof(alias));
    alias[LIMIT_ALIAS_BYTES] = '\0';
    rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, alias, "1");
    rig_commit(r);
    rig_drop_actions(r);
    rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, alias, "2");
    snprintf(expected, sizeof(expected), "step \"%s\" is recorded already, with another outcome",
             alias);
    assert_string_equal(rig_expect(r, ACT_WAKE, WHEN_VISIBLE)->text.p, expected);
}

STEP_TEST(the_steps_of_two_calls_share_nothing)
{
    struct rig *r = *state;
    struct id one = rig_start_quietly(r), two = rig_start_quietly(r);

    rig_step(r, one, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "a", "1");
    rig_step(r, two, STEP_OP_RECORD, GUARD_AT_MOST_ONCE, "a", "2");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_step(r, one, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "ab", "3");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    assert_int_equal(r->n_write_first, 0);
    rig_commit(r);
    assert_int_equal(rig_count(r, key_journal(one, STR(""))), 2);
    assert_int_equal(rig_count(r, key_journal(two, STR(""))), 1);
}

STEP_TEST(a_journal_row_that_cannot_be_decoded_is_reported_as_corrupt)
{
    struct rig *r = *state;
    struct command *c = command_new(CMD_STEP);
    struct err err = { 0 };

    c->call = rig_start_quietly(r);
    c->step.guard = GUARD_AT_LEAST_ONCE;
    c->step.alias = STR("a");
    c->step.body = STR("1");
    rig_put(r, key_journal(c->call, STR("a")), STR("\x01"));
    rig_restart(r);
    rig_drop_actions(r);
    assert_int_equal(engine_apply(r->engine, r->now, c, &r->rows, &r->queue, &err), DMCP_E_CORRUPT);
    rig_expect_nothing(r);
    command_free(c);
}

RUN_TESTS()
