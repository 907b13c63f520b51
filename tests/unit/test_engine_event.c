/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of a handler: appended once per call and alias.
 */
#include "base/limits.h"
#include "harness.h"
#include "rig.h"

#define EVENT_TEST(sentence) TEST_WITH(event, sentence, rig_setup, rig_teardown)

static size_t count_events(struct rig *r, struct id stream)
{
    return rig_count(r, key_of_id(KEY_EVENT, stream));
}

EVENT_TEST(one_that_an_earlier_attempt_sent_is_not_sent_again)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_event(r, call, "a", "{}");
    rig_session_event(r, call, "b", "{}");
    rig_commit(r);
    rig_restart(r);
    rig_drop_actions(r);
    rig_event(r, call, "a", "{}");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_session_event(r, call, "b", "{}");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    assert_int_equal(r->rows.n, 0);
    assert_int_equal(count_events(r, call), 1);
    assert_int_equal(count_events(r, r->session), 1);
}

EVENT_TEST(one_repeated_in_the_same_batch_is_sent_once)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_event(r, call, "a", "{}");
    rig_event(r, call, "a", "{}");
    rig_event(r, call, "b", "{}");
    rig_session_event(r, call, "c", "{}");
    rig_session_event(r, call, "c", "{}");
    rig_commit(r);
    assert_int_equal(count_events(r, call), 2);
    assert_int_equal(count_events(r, r->session), 1);
}

EVENT_TEST(those_of_different_aliases_share_a_batch)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    for (int i = 0; i < 20; i++) {
        char alias[8];

        snprintf(alias, sizeof(alias), "%d", i);
        rig_event(r, call, alias, "{}");
    }
    assert_int_equal(r->n_write_first, 0);
    rig_commit(r);
    assert_int_equal(count_events(r, call), 20);
}

/* The note without the message would swallow it, the message without the note would double it. */
EVENT_TEST(its_message_and_its_note_are_one_write)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_event(r, call, "a", "{}");
    rig_write(r);
    rig_crash(r, 0);
    assert_int_equal(count_events(r, call), 0);
    assert_int_equal(rig_journal_state(r, call, "a"), 0);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    rig_event(r, call, "a", "{}");
    rig_commit(r);
    assert_int_equal(count_events(r, call), 1);
    assert_int_equal(rig_journal_state(r, call, "a"), STEP_DONE);
}

EVENT_TEST(an_alias_of_another_kind_of_step_is_a_divergence)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    struct action *a;

    rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "a", "1");
    rig_commit(r);
    rig_drop_actions(r);
    rig_event(r, call, "a", "{}");
    a = rig_expect(r, ACT_WAKE, WHEN_VISIBLE);
    assert_int_equal(a->code, DMCP_E_DIVERGED);
    assert_string_equal(a->text.p,
                        "the journal has an at-least-once step under alias \"a\", the handler asks "
                        "for an event");
    rig_commit(r);
    assert_int_equal(count_events(r, call), 0);
}

/* The row of the last event but one, planted: a restart counts from there. */
EVENT_TEST(the_last_that_a_call_may_send_is_taken_and_the_next_refused)
{
    struct rig *r = *state;
    struct event_record record = { .at_ms = 1, .message = STR("{}") };
    struct id call = rig_start_quietly(r);
    struct buf value;

    buf_init(&value, 100);
    event_record_enc(&value, &record);
    rig_put(r, key_event(call, LIMIT_EVENTS_PER_CALL - 1), buf_str(&value));
    buf_fini(&value);
    rig_restart(r);
    rig_drop_actions(r);
    rig_event(r, call, "last", "{}");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_event(r, call, "one more", "{}");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_TOOBIG);
    rig_commit(r);
    assert_int_equal(count_events(r, call), 2);
    assert_int_equal(rig_journal_state(r, call, "one more"), 0);
}

RUN_TESTS()
