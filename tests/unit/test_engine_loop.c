/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops in the engine: one row that goes forward, and what each iteration leaves behind is deleted.
 */
#include "harness.h"

#include "rig.h"

#define LOOP_TEST(sentence) TEST_WITH(loop, sentence, rig_setup, rig_teardown)

#define LOOP "\x01l\0x"
#define PREFIX                                                                                     \
    "\x01i"                                                                                        \
    "x\0"

static struct id digest_of(const char *body)
{
    static const struct id none;

    return body ? digest_id(str_of(body)) : none;
}

/* The iteration `number` is over; the row was `old` (NULL: there was none) and becomes `body`. */
static void iterate(struct rig *r, struct id call, const char *number, const char *old,
                    const char *body, bool is_done)
{
    struct command *c = command_new(CMD_LOOP);
    struct key from, to, signal = key_journal(call, STR("\x01g\0go"));
    struct buf prefix;

    buf_init(&prefix, SIZE_MAX / 2);
    buf_add_str(&prefix, STR(PREFIX));
    buf_addz(&prefix, number);
    buf_addc(&prefix, '\0');
    from = key_journal(call, buf_str(&prefix));
    to = key_prefix_end(key_str(&from));
    buf_fini(&prefix);
    c->call = call;
    c->waiter = r;
    c->loop.alias = STR(LOOP);
    c->loop.label = STR("loop \"x\"");
    c->loop.body = command_dup(c, str_of(body));
    c->loop.digest = digest_of(body);
    c->loop.old_digest = digest_of(old);
    c->loop.is_done = is_done;
    batch_del_range(&c->loop.rows, key_str(&from), key_str(&to));
    batch_del(&c->loop.rows, key_str(&signal));
    rig_apply(r, c);
}

static void record(struct rig *r, struct id call, struct str alias)
{
    struct command *c = command_new(CMD_STEP);

    c->call = call;
    c->step.op = STEP_OP_RECORD;
    c->step.guard = GUARD_AT_LEAST_ONCE;
    c->step.alias = command_dup(c, alias);
    c->step.body = STR("1");
    rig_apply(r, c);
}

static bool has(struct rig *r, struct id call, struct str alias)
{
    return rig_has(r, key_journal(call, alias));
}

static int state_of(struct rig *r, struct id call, const char *body)
{
    struct key k = key_journal(call, STR(LOOP));
    struct journal_record j = { 0 };
    struct err err = { 0 };
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = store_get(r->store, key_str(&k), &value, &err);
    if (rc == DMCP_OK) {
        assert_int_equal(journal_record_dec(buf_str(&value), &j), DMCP_OK);
        assert_int_equal(j.guard, GUARD_LOOP);
        assert_true(str_eqz(j.body, body));
    }
    buf_fini(&value);
    return j.state;
}

LOOP_TEST(keeps_what_was_there_before_and_of_the_iteration_nothing)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    record(r, call, STR("before"));
    record(r, call, STR(PREFIX "0\0step"));
    record(r, call, STR(PREFIX "0\0\x01v\0now#1"));
    record(r, call, STR(PREFIX "1\0step"));
    record(r, call, STR(PREFIX "10\0step"));
    record(r, call,
           STR("\x01ixy\0"
               "0\0step"));
    record(r, call, STR("\x01g\0go"));
    record(r, call, STR("\x01g\0other"));
    iterate(r, call, "0", NULL, "[1,null]", false); /* in the same batch */
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_commit(r);
    assert_false(has(r, call, STR(PREFIX "0\0step")));
    assert_false(has(r, call, STR(PREFIX "0\0\x01v\0now#1")));
    assert_false(has(r, call, STR("\x01g\0go")));
    assert_true(has(r, call, STR("before")));
    assert_true(has(r, call, STR(PREFIX "1\0step")));
    assert_true(has(r, call, STR(PREFIX "10\0step")));
    assert_true(has(r, call,
                    STR("\x01ixy\0"
                        "0\0step")));
    assert_true(has(r, call, STR("\x01g\0other")));
    assert_int_equal(state_of(r, call, "[1,null]"), STEP_STARTED);
}

LOOP_TEST(goes_forward_to_its_end)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    iterate(r, call, "0", NULL, "[1,null]", false);
    iterate(r, call, "1", "[1,null]", "[2,null]", false);
    iterate(r, call, "2", "[2,null]", "[3,\"end\"]", true);
    for (int i = 0; i < 3; i++) {
        rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    }
    rig_commit(r);
    assert_int_equal(state_of(r, call, "[3,\"end\"]"), STEP_DONE);
}

LOOP_TEST(takes_the_same_again_as_a_lost_acknowledgement)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    iterate(r, call, "0", NULL, "[1,null]", false);
    iterate(r, call, "0", NULL, "[1,null]", false);
    iterate(r, call, "1", "[1,null]", "[2,null]", true);
    rig_commit(r);
    iterate(r, call, "1", "[1,null]", "[2,null]", true);
    assert_int_equal(r->rows.n, 0);
    for (int i = 0; i < 4; i++) {
        rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    }
}

LOOP_TEST(refuses_to_jump_to_go_back_and_to_go_on_after_its_end)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    static const struct {
        const char *old, *body;
        bool is_done;
    } wrong[] = {
        { "[1,null]", "[2,null]", false }, /* it has not begun */
        { NULL, "[1,5]", false },          /* another first iteration */
        { "[2,null]", "[3,null]", false }, /* ahead */
        { "[1,null]", "[2,1]", false },    /* another second one */
        { "[2,null]", "[3,null]", false }, /* after its end */
        { "[1,null]", "[2,null]", false }, /* its last one, but not as the last */
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (i == 1) {
            iterate(r, call, "0", NULL, "[1,null]", false);
            rig_commit(r);
            rig_drop_actions(r);
        } else if (i == 3) {
            iterate(r, call, "1", "[1,null]", "[2,null]", true);
            rig_commit(r);
            rig_drop_actions(r);
        }
        iterate(r, call, "1", wrong[i].old, wrong[i].body, wrong[i].is_done);
        rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_CONFLICT);
        assert_int_equal(r->rows.n, 0);
    }
}

LOOP_TEST(the_row_and_the_deletions_are_lost_together_or_kept_together)
{
    struct rig *r = *state;

    for (size_t keep = 0; keep < 2; keep++) {
        struct id call = rig_start_quietly(r);

        record(r, call, STR(PREFIX "0\0step"));
        rig_commit(r);
        iterate(r, call, "0", NULL, "[1,null]", false);
        rig_write(r);
        rig_crash(r, keep);
        assert_int_equal(has(r, call, STR(PREFIX "0\0step")), keep == 0);
        assert_int_equal(state_of(r, call, "[1,null]"), keep == 0 ? 0 : STEP_STARTED);
        assert_int_equal(rig_recover(r, NULL), DMCP_OK);
        rig_drop_actions(r);
    }
}

LOOP_TEST(of_another_kind_or_of_a_call_that_is_over_is_refused)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    struct action *a;

    record(r, call, STR(LOOP));
    rig_commit(r);
    iterate(r, call, "0", NULL, "[1,null]", false);
    a = rig_expect(r, ACT_WAKE, WHEN_VISIBLE);
    assert_int_equal(a->code, DMCP_E_DIVERGED);
    assert_non_null(strstr(a->text.p, "an at-least-once step"));
    rig_done(r, call, "{}");
    rig_commit(r);
    iterate(r, call, "0", NULL, "[1,null]", false);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_GONE);
    assert_int_equal(r->rows.n, 0);
}

RUN_TESTS()
