/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that nobody uses go, with the events of their own streams; those in use do not. What
 * was handed out of a session's own stream goes earlier.
 */
#include "harness.h"
#include "base/limits.h"
#include "rig.h"

#define KEEP_MS 100000
#define SLACK_MS (RIG_IDLE_MS / 8) /* longer than the pause between two rounds */

static int setup(void **state)
{
    struct rig *r = rig_new();

    r->options.keep_calls_ms = r->options.keep_events_ms = KEEP_MS;
    r->options.max_calls = r->options.max_dispatched = 10000;
    rig_restart(r);
    *state = r;
    return 0;
}

#define SWEEP_TEST(sentence) TEST_WITH(sweep, sentence, setup, rig_teardown)

static void pass_and_sweep(struct rig *r, uint64_t ms)
{
    rig_pass(r, ms);
    rig_sweep_all(r);
}

static void finish(struct rig *r, struct id call)
{
    rig_done(r, call, "{}");
    rig_commit(r);
    rig_drop_actions(r);
}

/* Events from..to of the session's own stream, each its number. */
static void send(struct rig *r, int from, int to)
{
    struct id call;

    rig_drop_actions(r);
    call = rig_start_quietly(r);
    for (int i = from; i <= to; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%d", i);
        rig_session_event(r, call, text, text);
    }
    finish(r, call);
}

static void expect_events(struct rig *r, uint64_t peer, int from, int to)
{
    for (int i = from; i <= to; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%d", i);
        rig_expect_event(r, peer, (uint64_t)i, text);
    }
    rig_expect_nothing(r);
}

static size_t count_events(struct rig *r)
{
    return rig_count(r, key_kind_start(KEY_EVENT));
}

static bool is_there(struct rig *r)
{
    return rig_has_id(r, KEY_SESSION, r->session);
}

/* The session answers; it is used by that. */
static void expect_alive(struct rig *r)
{
    struct action *a;

    rig_of_session(r, CMD_SESSION_GET, 9, r->session);
    a = rig_expect(r, ACT_SESSION, WHEN_DURABLE);
    assert_true(id_eq(a->session, r->session));
}

/* It waits for "signal". */
static void suspend(struct rig *r, struct id call)
{
    rig_wait(r, call, "signal", 0);
    rig_suspend(r, call);
    rig_drop_actions(r);
}

/* ---- sessions ---- */

SWEEP_TEST(a_session_that_nobody_uses_goes_with_its_stream_and_the_caches_are_told)
{
    struct rig *r = *state;
    struct action *a;

    send(r, 1, 3);
    pass_and_sweep(r, RIG_IDLE_MS);
    assert_true(is_there(r));
    assert_int_equal(engine_counts(r->engine).sessions, 1);
    rig_expect_nothing(r);
    pass_and_sweep(r, SLACK_MS);
    a = rig_expect(r, ACT_SESSION_GONE, WHEN_DURABLE);
    assert_true(id_eq(a->session, r->session));
    rig_expect_nothing(r);
    assert_false(is_there(r));
    assert_false(rig_has_id(r, KEY_STREAM, r->session));
    assert_int_equal(count_events(r), 0);
    assert_int_equal(engine_counts(r->engine).sessions, 0);
    assert_int_equal(engine_counts(r->engine).swept_sessions, 1);
    rig_of_session(r, CMD_SESSION_GET, 9, r->session);
    rig_expect_refused(r, 9, DMCP_E_GONE);
}

SWEEP_TEST(a_session_that_is_used_stays)
{
    struct rig *r = *state;

    for (int i = 0; i < 10; i++) {
        pass_and_sweep(r, RIG_IDLE_MS / 2);
        rig_of_session(r, CMD_SESSION_UPDATE, 0, r->session);
        rig_commit(r);
    }
    assert_true(is_there(r));
}

SWEEP_TEST(a_session_whose_call_waits_for_weeks_stays_and_answers)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    suspend(r, call);
    for (int i = 0; i < 5; i++) {
        rig_pass(r, RIG_IDLE_MS + SLACK_MS);
        if (i != 3) { /* whoever comes first, the janitor or the client */
            rig_sweep_all(r);
        }
        assert_true(is_there(r));
        expect_alive(r);
        rig_restart(r);
    }
    assert_true(rig_has_id(r, KEY_SUSPENDED, call));
}

SWEEP_TEST(a_session_with_a_running_call_stays)
{
    struct rig *r = *state;

    rig_start_quietly(r);
    pass_and_sweep(r, 3 * RIG_IDLE_MS);
    expect_alive(r);
}

SWEEP_TEST(the_answer_of_a_call_that_took_long_can_be_fetched_for_the_whole_idle_time)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 0, "7");

    r->options.keep_calls_ms = 10 * RIG_IDLE_MS;
    rig_restart(r);
    suspend(r, call);
    for (int i = 0; i < 6; i++) {
        pass_and_sweep(r, RIG_IDLE_MS / 2);
    }
    rig_signal(r, 0, call, "signal", "1");
    rig_commit(r);
    rig_drop_actions(r);
    finish(r, call);
    pass_and_sweep(r, RIG_IDLE_MS);
    expect_alive(r);
    rig_follow(r, 4, call, 0, RIG_CREDIT);
    rig_expect_prime(r, 4, 0);
    rig_expect_reply(r, 4, 1, "{}");
}

SWEEP_TEST(a_session_that_somebody_listens_to_stays)
{
    struct rig *r = *state;

    rig_follow_fresh(r, 3, RIG_CREDIT);
    rig_drop_actions(r);
    pass_and_sweep(r, RIG_IDLE_MS + SLACK_MS);
    pass_and_sweep(r, RIG_IDLE_MS + SLACK_MS);
    assert_true(is_there(r));
    rig_of_peer(r, CMD_UNFOLLOW, 3, 0); /* a lost connection is not the end of the session */
    rig_commit(r);
    pass_and_sweep(r, RIG_IDLE_MS / 2);
    assert_true(is_there(r));
    pass_and_sweep(r, RIG_IDLE_MS);
    assert_false(is_there(r));
}

SWEEP_TEST(a_session_one_of_whose_answers_is_being_read_stays)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_event(r, call, "a", "\"e1\"");
    rig_event(r, call, "b", "\"e2\"");
    finish(r, call);
    rig_follow(r, 3, call, 0, 10);
    pass_and_sweep(r, RIG_IDLE_MS + SLACK_MS);
    assert_true(is_there(r));
}

SWEEP_TEST(a_session_with_many_requests_goes_too_in_parts)
{
    struct rig *r = *state;
    bool was_partial = false;

    r->options.keep_calls_ms = 10 * RIG_IDLE_MS;
    rig_restart(r);
    for (int i = 0; i < 1000; i++) {
        finish(r, rig_start_quietly(r));
    }
    rig_pass(r, RIG_IDLE_MS + SLACK_MS);
    for (int i = 0; i < 100 && is_there(r); i++) {
        was_partial = i > 10;
        rig_sweep(r, 100, RIG_SWEEP_DELETIONS);
    }
    assert_false(is_there(r));
    assert_true(was_partial);
    assert_int_equal(rig_count(r, key_kind_start(KEY_CALL)), 1000); /* they have their own time */
}

SWEEP_TEST(a_session_with_many_requests_one_of_them_unfinished_stays)
{
    struct rig *r = *state;
    struct id call;

    r->options.keep_calls_ms = 10 * RIG_IDLE_MS;
    rig_restart(r);
    for (int i = 0; i < 999; i++) {
        finish(r, rig_start_quietly(r));
    }
    call = rig_start(r, 0, "z"); /* behind all others, which are hexadecimal */
    suspend(r, call);
    rig_pass(r, RIG_IDLE_MS + SLACK_MS);
    for (int i = 0; i < 100; i++) {
        rig_sweep(r, 9, RIG_SWEEP_DELETIONS);
    }
    rig_sweep_all(r);
    assert_true(is_there(r));
}

SWEEP_TEST(a_session_that_comes_back_while_its_requests_are_looked_through_stays)
{
    struct rig *r = *state;

    r->options.keep_calls_ms = 10 * RIG_IDLE_MS;
    rig_restart(r);
    for (int i = 0; i < 2000; i++) { /* more than are looked at while a client waits */
        finish(r, rig_start_quietly(r));
    }
    rig_pass(r, RIG_IDLE_MS + SLACK_MS);
    for (int i = 0; i < 20; i++) {
        rig_sweep(r, 50, RIG_SWEEP_DELETIONS);
    }
    expect_alive(r);
    rig_commit(r);
    rig_sweep_all(r);
    pass_and_sweep(r, RIG_IDLE_MS / 2);
    assert_true(is_there(r));
}

SWEEP_TEST(a_session_that_makes_room_lets_another_one_in)
{
    struct rig *r = *state;

    r->options.max_sessions = 1;
    rig_restart(r);
    for (int i = 0; i < 2; i++) {
        struct command *c = command_new(CMD_SESSION_OPEN);

        c->peer = 5;
        c->session = rig_id(r);
        c->open.protocol_version = c->open.principal = STR("");
        c->open.client_info = c->open.capabilities = STR("{}");
        rig_apply(r, c);
        rig_commit(r);
        if (i == 0) {
            rig_expect_refused(r, 5, DMCP_E_BUSY);
            pass_and_sweep(r, RIG_IDLE_MS + SLACK_MS);
            rig_expect(r, ACT_SESSION_GONE, WHEN_DURABLE);
        } else {
            rig_expect(r, ACT_DONE, WHEN_DURABLE);
        }
    }
}

SWEEP_TEST(a_session_that_cannot_be_decoded_is_left)
{
    struct rig *r = *state;

    rig_put(r, key_of_id(KEY_SESSION, r->session), STR("?"));
    rig_put(r, key_of_id(KEY_STREAM, r->session), STR("?"));
    rig_put(r, key_of_id(KEY_INPUT, r->session), STR("?"));
    pass_and_sweep(r, RIG_IDLE_MS + SLACK_MS);
    assert_true(is_there(r) && rig_has_id(r, KEY_STREAM, r->session));
}

SWEEP_TEST(a_session_that_is_closed_takes_the_events_of_its_own_stream_along)
{
    struct rig *r = *state;

    send(r, 1, 3);
    assert_int_equal(count_events(r), 3);
    rig_of_session(r, CMD_SESSION_CLOSE, 1, r->session);
    rig_commit(r);
    assert_int_equal(count_events(r), 0);
}

SWEEP_TEST(subscriptions_go_when_their_session_has_gone)
{
    struct rig *r = *state;
    struct id uri = digest_id(STR("file:///a")), other = rig_other_session(r);

    rig_put(r, key_subscription(uri, r->session), STR(""));
    rig_put(r, key_subscription(uri, other), STR(""));
    rig_of_session(r, CMD_SESSION_CLOSE, 0, other);
    rig_commit(r);
    pass_and_sweep(r, RIG_IDLE_MS / 2);
    assert_true(rig_has(r, key_subscription(uri, r->session)));
    assert_false(rig_has(r, key_subscription(uri, other)));
    pass_and_sweep(r, RIG_IDLE_MS);
    pass_and_sweep(r, SLACK_MS);
    assert_int_equal(rig_count(r, key_kind_start(KEY_SUBSCRIPTION)), 0);
}

/* ---- events of a session's own stream ---- */

SWEEP_TEST(events_that_were_handed_out_go_and_the_numbers_go_on)
{
    struct rig *r = *state;

    send(r, 1, 3);
    rig_follow_fresh(r, 3, RIG_CREDIT);
    rig_commit(r);
    rig_drop_actions(r);
    rig_of_peer(r, CMD_UNFOLLOW, 3, 0);
    pass_and_sweep(r, KEEP_MS - 1);
    assert_int_equal(count_events(r), 3);
    send(r, 4, 5);
    pass_and_sweep(r, KEEP_MS / 2);
    assert_int_equal(count_events(r), 2); /* not handed out yet */
    rig_restart(r);
    send(r, 6, 6);
    rig_follow_fresh(r, 4, RIG_CREDIT);
    rig_expect_prime(r, 4, 3);
    expect_events(r, 4, 4, 6);
}

SWEEP_TEST(events_that_nobody_fetched_go_when_a_session_would)
{
    struct rig *r = *state;

    send(r, 1, 3);
    for (int i = 0; i < 3; i++) { /* in use, but nobody listens */
        pass_and_sweep(r, RIG_IDLE_MS / 4);
        rig_of_session(r, CMD_SESSION_UPDATE, 0, r->session);
        rig_commit(r);
    }
    assert_int_equal(count_events(r), 3);
    send(r, 4, 4);
    pass_and_sweep(r, RIG_IDLE_MS / 2);
    assert_true(is_there(r));
    assert_int_equal(count_events(r), 1);
    rig_follow_fresh(r, 3, RIG_CREDIT);
    rig_expect_prime(r, 3, 0);
    expect_events(r, 3, 4, 4);
}

SWEEP_TEST(who_comes_back_behind_a_gap_gets_what_is_left_and_then_live_ones)
{
    struct rig *r = *state;
    struct id call;

    send(r, 1, 3);
    rig_follow_fresh(r, 3, RIG_CREDIT);
    rig_commit(r);
    rig_drop_actions(r);
    rig_of_peer(r, CMD_UNFOLLOW, 3, 0);
    pass_and_sweep(r, KEEP_MS + SLACK_MS);
    assert_int_equal(count_events(r), 0);
    call = rig_start_quietly(r);
    rig_follow(r, 4, r->session, 1, RIG_CREDIT);
    rig_expect_prime(r, 4, 1);
    rig_session_event(r, call, "4", "4");
    rig_expect_event(r, 4, 4, "4");
}

SWEEP_TEST(a_listener_that_reads_old_events_anew_is_not_cut_off)
{
    struct rig *r = *state;

    send(r, 1, 3);
    rig_follow_fresh(r, 3, RIG_CREDIT);
    rig_commit(r);
    rig_drop_actions(r);
    rig_of_peer(r, CMD_UNFOLLOW, 3, 0);
    rig_pass(r, KEEP_MS + SLACK_MS);
    rig_follow(r, 4, r->session, 0, 1);
    rig_expect_prime(r, 4, 0);
    expect_events(r, 4, 1, 1);
    rig_sweep_all(r);
    assert_int_equal(count_events(r), 2);
    rig_of_peer(r, CMD_CREDIT, 4, RIG_CREDIT);
    expect_events(r, 4, 2, 3);
}

SWEEP_TEST(many_old_events_go_a_little_at_a_time)
{
    struct rig *r = *state;
    size_t n_before = 300;

    send(r, 1, 300);
    rig_follow_fresh(r, 3, RIG_CREDIT);
    rig_commit(r);
    rig_drop_actions(r);
    rig_of_peer(r, CMD_UNFOLLOW, 3, 0);
    rig_pass(r, KEEP_MS + SLACK_MS);
    for (int i = 0; i < 500 && n_before > 0; i++) {
        rig_sweep(r, RIG_SWEEP_LOOKS, 10);
        assert_true(n_before - count_events(r) <= 10);
        n_before = count_events(r);
    }
    assert_int_equal(n_before, 0);
}

SWEEP_TEST(a_stream_that_nobody_ever_reads_keeps_a_bounded_number_of_events)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    struct key first = key_event(r->session, 1), second = key_event(r->session, 2);

    for (int i = 1; i <= LIMIT_EVENTS_PER_SESSION + 1; i++) {
        char text[16];

        if (i == LIMIT_EVENTS_PER_SESSION + 1) {
            rig_commit(r);
            assert_true(rig_has(r, first));
        }
        snprintf(text, sizeof(text), "%d", i);
        rig_session_event(r, call, text, text);
        rig_drop_actions(r);
    }
    rig_commit(r);
    assert_false(rig_has(r, first));
    assert_true(rig_has(r, second));
    assert_int_equal(count_events(r), LIMIT_EVENTS_PER_SESSION);
}

RUN_TESTS()
