/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions: open, looked up, changed, closed, gone by idling. Each test applies commands, looks
 * at the actions and reads the rows back.
 */
#include "harness.h"
#include "rig.h"

#define SESSION_TEST(sentence) TEST_WITH(session, sentence, rig_setup, rig_teardown)

static struct command *open_command(struct rig *r, uint64_t peer)
{
    struct command *c = command_new(CMD_SESSION_OPEN);

    c->peer = peer;
    c->session = rig_id(r);
    c->open.protocol_version = STR("2025-06-18");
    c->open.principal = STR("bob");
    c->open.client_info = STR("{\"name\":\"x\"}");
    c->open.capabilities = STR("{\"roots\":{}}");
    return c;
}

static struct id open_session(struct rig *r, uint64_t peer)
{
    struct command *c = open_command(r, peer);
    struct id session = c->session;

    rig_apply(r, c);
    return session;
}

static void update(struct rig *r, struct id session, int log_level, uint8_t flags)
{
    struct command *c = command_new(CMD_SESSION_UPDATE);

    c->peer = 1;
    c->session = session;
    c->update.log_level = log_level;
    c->update.flags = flags;
    rig_apply(r, c);
}

static const struct session_record *get(struct rig *r, struct id session)
{
    struct action *a;

    rig_of_session(r, CMD_SESSION_GET, 1, session);
    a = rig_expect(r, ACT_SESSION, WHEN_DURABLE);
    assert_int_equal(a->peer, 1);
    assert_true(id_eq(a->session, session));
    return &a->record;
}

static void expect_gone(struct rig *r, struct id session)
{
    rig_of_session(r, CMD_SESSION_GET, 9, session);
    rig_expect_refused(r, 9, DMCP_E_GONE);
}

SESSION_TEST(its_id_is_told_once_its_row_is_durable)
{
    struct rig *r = *state;
    struct id session = open_session(r, 7);
    struct action *a = rig_expect(r, ACT_DONE, WHEN_DURABLE);

    assert_int_equal(a->peer, 7);
    assert_true(id_eq(a->session, session));
    rig_expect_nothing(r);
    assert_false(rig_has_id(r, KEY_SESSION, session));
    rig_commit(r);
    assert_true(rig_has_id(r, KEY_SESSION, session));
}

SESSION_TEST(it_remembers_what_it_was_opened_with_also_after_a_restart)
{
    struct rig *r = *state;
    struct id session = open_session(r, 0);

    rig_commit(r);
    for (int i = 0; i < 2; i++) {
        const struct session_record *s = get(r, session);

        assert_string_equal(s->protocol_version.p, "2025-06-18");
        assert_string_equal(s->principal.p, "bob");
        assert_string_equal(s->client_info.p, "{\"name\":\"x\"}");
        assert_string_equal(s->capabilities.p, "{\"roots\":{}}");
        assert_true(s->created_ms == r->now.wall_ms && s->seen_ms == r->now.wall_ms);
        assert_int_equal(s->flags, 0);
        rig_restart(r);
    }
}

SESSION_TEST(one_that_never_was_is_gone)
{
    struct rig *r = *state;

    expect_gone(r, rig_id(r));
    update(r, rig_id(r), 3, 0);
    rig_expect_refused(r, 1, DMCP_E_GONE);
    rig_of_session(r, CMD_SESSION_CLOSE, 2, rig_id(r));
    rig_expect_refused(r, 2, DMCP_E_GONE);
    rig_expect_nothing(r);
}

SESSION_TEST(an_update_changes_what_it_names_and_leaves_the_rest)
{
    struct rig *r = *state;

    update(r, r->session, 5, 0);
    rig_expect(r, ACT_DONE, WHEN_DURABLE);
    rig_commit(r);
    update(r, r->session, -1, SESSION_INITIALIZED);
    rig_expect(r, ACT_DONE, WHEN_DURABLE);
    rig_commit(r);
    assert_int_equal(get(r, r->session)->log_level, 5);
    assert_int_equal(get(r, r->session)->flags, SESSION_INITIALIZED);
    assert_string_equal(get(r, r->session)->principal.p, "ann");
}

/* Each reads what the one before it wrote, though nothing is in the store yet. */
SESSION_TEST(open_update_get_and_close_may_come_in_one_batch)
{
    struct rig *r = *state;
    struct id session = open_session(r, 0);

    update(r, session, 5, 0);
    rig_expect(r, ACT_DONE, WHEN_DURABLE);
    update(r, session, -1, SESSION_INITIALIZED);
    rig_expect(r, ACT_DONE, WHEN_DURABLE);
    assert_int_equal(get(r, session)->log_level, 5);
    rig_of_session(r, CMD_SESSION_CLOSE, 1, session);
    rig_expect(r, ACT_SESSION_GONE, WHEN_DURABLE);
    rig_expect(r, ACT_DONE, WHEN_DURABLE);
    rig_of_session(r, CMD_SESSION_CLOSE, 1, session);
    rig_expect_refused(r, 1, DMCP_E_GONE);
    assert_int_equal(r->n_write_first, 4); /* the get found all written, the others did not */
}

SESSION_TEST(a_closed_one_is_gone_for_everybody_and_for_ever)
{
    struct rig *r = *state;
    struct action *gone;

    rig_of_session(r, CMD_SESSION_CLOSE, 3, r->session);
    gone = rig_expect(r, ACT_SESSION_GONE, WHEN_DURABLE);
    assert_true(id_eq(gone->session, r->session));
    assert_int_equal(rig_expect(r, ACT_DONE, WHEN_DURABLE)->peer, 3);
    rig_commit(r);
    assert_false(rig_has_id(r, KEY_SESSION, r->session));
    expect_gone(r, r->session);
    rig_restart(r);
    expect_gone(r, r->session);
}

SESSION_TEST(closing_it_ends_its_streams_and_no_others)
{
    struct rig *r = *state;
    struct id session = open_session(r, 0);

    rig_commit(r);
    rig_follow_fresh(r, 20, RIG_CREDIT); /* of the rig's session */
    rig_expect_prime(r, 20, 0);
    rig_of_session(r, CMD_SESSION_CLOSE, 0, session);
    rig_expect(r, ACT_SESSION_GONE, WHEN_DURABLE);
    rig_expect_nothing(r);
    rig_start(r, 21, "1");
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_of_session(r, CMD_SESSION_CLOSE, 0, r->session);
    rig_expect(r, ACT_CANCEL, WHEN_DURABLE); /* to the running call */
    assert_int_equal(rig_expect(r, ACT_END, WHEN_DURABLE)->peer +
                         rig_expect(r, ACT_END, WHEN_DURABLE)->peer,
                     20 + 21);
    rig_expect(r, ACT_SESSION_GONE, WHEN_DURABLE);
    rig_expect_nothing(r);
    assert_int_equal(engine_counts(r->engine).followers, 0);
}

SESSION_TEST(its_running_call_goes_on_to_its_end_when_it_is_closed)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_of_session(r, CMD_SESSION_CLOSE, 0, r->session);
    rig_commit(r);
    rig_drop_actions(r);
    rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "a", "1");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_done(r, call, "{}");
    rig_commit(r);
    assert_true(rig_has_id(r, KEY_RESULT, call));
    assert_false(rig_has_id(r, KEY_UNFINISHED, call));
}

SESSION_TEST(a_session_event_of_a_call_leaves_nothing_of_a_closed_session_behind)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_session_event(r, call, "before", "{}");
    rig_of_session(r, CMD_SESSION_CLOSE, 0, r->session);
    rig_session_event(r, call, "in the same batch", "{}");
    rig_commit(r);
    rig_session_event(r, call, "after", "{}");
    rig_commit(r);
    assert_false(rig_has_id(r, KEY_STREAM, r->session));
}

SESSION_TEST(one_that_idles_for_too_long_is_gone_and_at_the_limit_it_is_not)
{
    struct rig *r = *state;
    struct id unused = open_session(r, 0);

    rig_commit(r);
    rig_pass(r, RIG_IDLE_MS);
    get(r, r->session);
    rig_commit(r);
    rig_pass(r, 1);
    get(r, r->session);
    expect_gone(r, unused);
    update(r, unused, 1, 0);
    rig_expect_refused(r, 1, DMCP_E_GONE);
}

SESSION_TEST(use_keeps_it_alive_at_the_cost_of_a_write_now_and_then)
{
    struct rig *r = *state;
    size_t n_writes = 0;

    for (int i = 0; i < 320; i++) { /* ten times its idle time */
        rig_pass(r, RIG_IDLE_MS / 32);
        get(r, r->session);
        n_writes += r->rows.n;
        rig_commit(r);
    }
    assert_true(n_writes > 0 && n_writes < 160);
}

SESSION_TEST(a_clock_that_steps_back_does_not_end_it)
{
    struct rig *r = *state;

    r->now.wall_ms -= 10 * (uint64_t)RIG_IDLE_MS;
    get(r, r->session);
    assert_int_equal(r->rows.n, 0);
}

SESSION_TEST(one_past_their_limit_is_refused_until_another_is_closed)
{
    struct rig *r = *state;
    struct id last = { { 0 } };

    for (int i = 0; i < 3; i++) { /* the rig has one */
        last = open_session(r, 1);
        rig_expect(r, ACT_DONE, WHEN_DURABLE);
    }
    open_session(r, 1);
    rig_expect_refused(r, 1, DMCP_E_BUSY);
    rig_commit(r);
    rig_restart(r);
    assert_int_equal(engine_counts(r->engine).sessions, 4);
    open_session(r, 1);
    rig_expect_refused(r, 1, DMCP_E_BUSY);
    rig_of_session(r, CMD_SESSION_CLOSE, 0, last);
    rig_expect(r, ACT_SESSION_GONE, WHEN_DURABLE);
    open_session(r, 1);
    rig_expect(r, ACT_DONE, WHEN_DURABLE);
}

SESSION_TEST(a_row_that_cannot_be_decoded_is_reported_as_corrupt)
{
    struct rig *r = *state;
    struct command *c = command_new(CMD_SESSION_GET);
    struct err err = { 0 };
    char expected[80] = "session ";

    rig_put(r, key_of_id(KEY_SESSION, r->session), STR("\x01nonsense"));
    c->session = r->session;
    c->peer = 1;
    assert_int_equal(engine_apply(r->engine, r->now, c, &r->rows, &r->queue, &err), DMCP_E_CORRUPT);
    id_to_hex(r->session, expected + strlen(expected));
    strcat(expected, " cannot be decoded");
    assert_string_equal(err.text, expected);
    rig_expect_nothing(r);
    command_free(c);
}

RUN_TESTS()
