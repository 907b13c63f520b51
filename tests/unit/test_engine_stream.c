/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who follows a stream gets every event of it once and in order, whatever it missed and however
 * slowly it takes them.
 */
#include "harness.h"
#include "rig.h"

#define STREAM_TEST(sentence) TEST_WITH(stream, sentence, rig_setup, rig_teardown)
#define N_EVENTS 5

static const char *const texts[N_EVENTS + 1] = { "",       "\"e1\"", "\"e2\"",
                                                 "\"e3\"", "\"e4\"", "\"e5\"" };

/* Each event of the call is its number; the alias says so too. */
static void send(struct rig *r, struct id call, int from, int to)
{
    for (int i = from; i <= to; i++) {
        rig_event(r, call, texts[i], texts[i]);
    }
}

static void send_to_session(struct rig *r, struct id call, int from, int to)
{
    for (int i = from; i <= to; i++) {
        rig_session_event(r, call, texts[i], texts[i]);
    }
}

static struct id call_with_events(struct rig *r, int n)
{
    struct id call = rig_start(r, 1, "7");

    send(r, call, 1, n);
    rig_of_peer(r, CMD_UNFOLLOW, 1, 0);
    rig_commit(r);
    rig_drop_actions(r);
    return call;
}

static void expect_events(struct rig *r, uint64_t peer, int from, int to)
{
    for (int i = from; i <= to; i++) {
        rig_expect_event(r, peer, (uint64_t)i, texts[i]);
    }
}

static void expect_end(struct rig *r, uint64_t peer)
{
    assert_int_equal(rig_expect(r, ACT_END, WHEN_DURABLE)->peer, peer);
}

/* ---- a call's stream ---- */

STREAM_TEST(events_reach_who_waits_for_the_call_and_the_response_comes_last)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");

    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    for (int i = 1; i <= 3; i++) {
        send(r, call, i, i);
        rig_expect_event(r, 1, (uint64_t)i, texts[i]);
        rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    }
    rig_done(r, call, "{}");
    rig_expect_reply(r, 1, 4, "{}");
    rig_expect_nothing(r);
}

STREAM_TEST(a_replay_after_k_of_a_running_call_is_exactly_the_suffix_and_then_the_live_ones)
{
    struct rig *r = *state;
    struct id call = call_with_events(r, N_EVENTS - 1);

    for (uint64_t k = 0; k < N_EVENTS; k++) {
        rig_follow(r, 100 + k, call, k, RIG_CREDIT);
        if (k > 0) {
            expect_end(r, 99 + k); /* the newcomer is the same client, back again */
        }
        rig_expect_prime(r, 100 + k, k);
        expect_events(r, 100 + k, (int)k + 1, N_EVENTS - 1);
        rig_expect_nothing(r);
    }
    send(r, call, N_EVENTS, N_EVENTS);
    expect_events(r, 104, N_EVENTS, N_EVENTS);
    rig_drop_actions(r);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 104, N_EVENTS + 1, "{}");
}

STREAM_TEST(a_replay_after_k_of_a_finished_call_is_the_suffix_and_the_response_also_after_a_restart)
{
    struct rig *r = *state;
    struct id call = call_with_events(r, N_EVENTS);

    rig_done(r, call, "{}");
    rig_commit(r);
    for (int is_restarted = 0; is_restarted < 2; is_restarted++) {
        for (uint64_t k = 0; k <= N_EVENTS; k++) {
            struct action *reply;

            rig_follow(r, 100 + k, call, k, RIG_CREDIT);
            rig_expect_prime(r, 100 + k, k);
            expect_events(r, 100 + k, (int)k + 1, N_EVENTS);
            reply = rig_expect(r, ACT_REPLY, WHEN_DURABLE);
            assert_int_equal(reply->event.sequence, N_EVENTS + 1);
            assert_string_equal(reply->event.request_id.p, "7");
            rig_expect_nothing(r);
        }
        rig_restart(r);
    }
}

STREAM_TEST(who_had_the_response_already_is_sent_nothing_more)
{
    struct rig *r = *state;
    struct id call = call_with_events(r, 1);

    rig_done(r, call, "{}");
    rig_commit(r);
    rig_follow(r, 2, call, 2, RIG_CREDIT);
    rig_expect_prime(r, 2, 2);
    expect_end(r, 2);
    rig_expect_nothing(r);
}

STREAM_TEST(a_place_that_names_no_event_of_the_session_is_refused)
{
    struct rig *r = *state;
    struct id call = call_with_events(r, 2);

    rig_follow(r, 2, rig_id(r), 0, RIG_CREDIT); /* no such stream */
    rig_expect_refused(r, 2, DMCP_E_NOTFOUND);
    rig_follow(r, 2, call, 3, RIG_CREDIT); /* not sent yet */
    rig_expect_refused(r, 2, DMCP_E_NOTFOUND);
    rig_follow(r, 2, r->session, 1, RIG_CREDIT); /* nor of the session's own stream */
    rig_expect_refused(r, 2, DMCP_E_NOTFOUND);
    r->session = rig_id(r);
    rig_follow(r, 2, call, 1, RIG_CREDIT); /* another session's */
    rig_expect_refused(r, 2, DMCP_E_NOTFOUND);
    rig_expect_nothing(r);
    assert_int_equal(engine_counts(r->engine).followers, 0);
}

STREAM_TEST(a_resumed_stream_takes_over_from_an_open_connection_only)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");
    struct command *repeat;

    rig_drop_actions(r);
    rig_follow(r, 2, call, 0, RIG_CREDIT); /* peer 1 was sent nothing: it still waits */
    rig_expect_prime(r, 2, 0);
    rig_expect_nothing(r);
    repeat = rig_start_command(r, 3, "7", "{}");
    rig_apply(r, repeat); /* this opens the others' streams */
    rig_expect_prime(r, 1, 0);
    rig_expect_prime(r, 3, 0);
    rig_follow(r, 4, call, 0, RIG_CREDIT);
    expect_end(r, 1);
    expect_end(r, 2);
    expect_end(r, 3);
    rig_expect_prime(r, 4, 0);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 4, 1, "{}");
    rig_expect_nothing(r);
}

STREAM_TEST(a_lost_connection_loses_nothing_of_the_call)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "7");

    rig_drop_actions(r);
    send(r, call, 1, 1);
    expect_events(r, 1, 1, 1);
    rig_drop_actions(r);
    rig_of_peer(r, CMD_UNFOLLOW, 1, 0);
    rig_of_peer(r, CMD_UNFOLLOW, 1, 0);
    send(r, call, 2, 2);
    rig_done(r, call, "{}");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_expect_nothing(r);
    rig_follow(r, 2, call, 1, RIG_CREDIT);
    rig_expect_prime(r, 2, 1);
    expect_events(r, 2, 2, 2);
    rig_expect_reply(r, 2, 3, "{}");
}

/* ---- slow peers ---- */

/* Every message costs its bytes and a fixed part; the first one always goes. */
#define COST (4 + 64)

STREAM_TEST(a_peer_without_credit_is_sent_nothing_until_it_takes_more)
{
    struct rig *r = *state;
    struct id call = call_with_events(r, 0);

    rig_follow(r, 2, call, 0, 2 * COST);
    rig_expect_prime(r, 2, 0);
    send(r, call, 1, N_EVENTS);
    expect_events(r, 2, 1, 1);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    expect_events(r, 2, 2, 2);
    rig_drop_actions(r);
    rig_commit(r);
    rig_of_peer(r, CMD_CREDIT, 2, 1); /* any credit is enough for one */
    expect_events(r, 2, 3, 3);
    rig_expect_nothing(r);
    rig_of_peer(r, CMD_CREDIT, 2, RIG_CREDIT);
    expect_events(r, 2, 4, N_EVENTS);
    rig_expect_nothing(r);
}

STREAM_TEST(a_peer_that_lags_when_the_call_ends_gets_the_rest_and_the_response_later)
{
    struct rig *r = *state;
    struct id call = call_with_events(r, 0);

    rig_follow(r, 2, call, 0, 1);
    rig_expect_prime(r, 2, 0);
    send(r, call, 1, 3);
    rig_done(r, call, "{}");
    expect_events(r, 2, 1, 1);
    rig_drop_actions(r);
    rig_commit(r);
    rig_of_peer(r, CMD_CREDIT, 2, 1);
    expect_events(r, 2, 2, 2);
    rig_expect_nothing(r);
    rig_of_peer(r, CMD_CREDIT, 2, 1);
    expect_events(r, 2, 3, 3);
    rig_expect_nothing(r); /* its credit went on the event */
    rig_of_peer(r, CMD_CREDIT, 2, 1);
    rig_expect_reply(r, 2, 4, "{}");
    rig_of_peer(r, CMD_CREDIT, 2, 1);
    rig_expect_nothing(r);
    assert_int_equal(engine_counts(r->engine).followers, 0);
}

STREAM_TEST(credit_in_the_same_batch_as_what_the_peer_missed_reads_it_from_the_store)
{
    struct rig *r = *state;
    struct id call = call_with_events(r, 0);

    rig_follow(r, 2, call, 0, 1);
    rig_expect_prime(r, 2, 0);
    r->n_write_first = 0;
    send(r, call, 1, 3);
    rig_done(r, call, "{}");
    rig_of_peer(r, CMD_CREDIT, 2, RIG_CREDIT);
    assert_int_equal(r->n_write_first, 1);
    expect_events(r, 2, 1, 1);
    for (int i = 0; i < 3; i++) {
        rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    }
    expect_events(r, 2, 2, 3);
    rig_expect_reply(r, 2, 4, "{}");
}

STREAM_TEST(a_peer_at_the_head_without_credit_gets_the_response_all_the_same)
{
    struct rig *r = *state;
    struct id call = call_with_events(r, 0);

    rig_follow(r, 2, call, 0, 1);
    rig_expect_prime(r, 2, 0);
    send(r, call, 1, 1);
    expect_events(r, 2, 1, 1);
    rig_drop_actions(r);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 2, 2, "{}");
}

STREAM_TEST(a_repeated_request_can_be_slow_too)
{
    struct rig *r = *state;
    struct id call = call_with_events(r, 3);
    struct command *repeat = rig_start_command(r, 2, "7", "{}");

    repeat->start.credit = 1;
    rig_apply(r, repeat);
    rig_expect_prime(r, 2, 0);
    expect_events(r, 2, 1, 1);
    rig_expect_nothing(r);
    rig_done(r, call, "{}");
    rig_commit(r);
    rig_expect_nothing(r);
    rig_of_peer(r, CMD_CREDIT, 2, RIG_CREDIT);
    expect_events(r, 2, 2, 3);
    rig_expect_reply(r, 2, 4, "{}");
}

STREAM_TEST(credit_of_a_peer_that_left_means_nothing)
{
    struct rig *r = *state;

    rig_of_peer(r, CMD_CREDIT, 77, 1000);
    rig_expect_nothing(r);
}

/* ---- a session's own stream ---- */

STREAM_TEST(events_for_the_session_wait_for_someone_who_listens)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    send_to_session(r, call, 1, 2);
    rig_commit(r);
    rig_drop_actions(r);
    rig_follow_fresh(r, 2, RIG_CREDIT);
    rig_expect_prime(r, 2, 0);
    expect_events(r, 2, 1, 2);
    send_to_session(r, call, 3, 3);
    expect_events(r, 2, 3, 3);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_expect_nothing(r);
}

STREAM_TEST(who_listens_anew_goes_on_after_what_was_sent_last_also_after_a_restart)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    send_to_session(r, call, 1, 3);
    rig_follow_fresh(r, 2, COST + 1); /* takes two of them */
    rig_commit(r);
    rig_drop_actions(r);
    rig_restart(r);
    rig_drop_actions(r);
    rig_follow_fresh(r, 3, RIG_CREDIT);
    rig_expect_prime(r, 3, 2);
    expect_events(r, 3, 3, 3);
    rig_of_peer(r, CMD_UNFOLLOW, 3, 0);
    send_to_session(r, call, 4, 4);
    rig_drop_actions(r);
    rig_follow_fresh(r, 4, RIG_CREDIT);
    rig_expect_prime(r, 4, 3);
    expect_events(r, 4, 4, 4);
}

STREAM_TEST(who_says_what_it_saw_gets_exactly_what_came_after)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    send_to_session(r, call, 1, N_EVENTS);
    rig_commit(r);
    rig_drop_actions(r);
    for (uint64_t k = 0; k <= N_EVENTS; k++) {
        rig_follow(r, 100 + k, r->session, k, RIG_CREDIT);
        if (k > 0) {
            expect_end(r, 99 + k);
        }
        rig_expect_prime(r, 100 + k, k);
        expect_events(r, 100 + k, (int)k + 1, N_EVENTS);
        rig_expect_nothing(r);
    }
    rig_follow(r, 200, r->session, N_EVENTS + 1, RIG_CREDIT);
    rig_expect_refused(r, 200, DMCP_E_NOTFOUND);
}

STREAM_TEST(a_second_listener_that_does_not_say_what_it_saw_is_a_conflict)
{
    struct rig *r = *state;

    rig_follow_fresh(r, 2, RIG_CREDIT);
    rig_expect_prime(r, 2, 0);
    rig_follow_fresh(r, 3, RIG_CREDIT);
    rig_expect_refused(r, 3, DMCP_E_CONFLICT);
    rig_of_peer(r, CMD_UNFOLLOW, 2, 0);
    rig_follow_fresh(r, 3, RIG_CREDIT);
    rig_expect_prime(r, 3, 0);
    rig_expect_nothing(r);
}

STREAM_TEST(a_slow_listener_is_caught_up_from_the_store)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_follow_fresh(r, 2, 1);
    rig_expect_prime(r, 2, 0);
    send_to_session(r, call, 1, 3);
    expect_events(r, 2, 1, 1);
    rig_drop_actions(r);
    rig_of_peer(r, CMD_CREDIT, 2, COST + 1);
    rig_drop_actions(r);
    send_to_session(r, call, 4, 4);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_of_peer(r, CMD_CREDIT, 2, RIG_CREDIT);
    expect_events(r, 2, 4, 4);
    rig_expect_nothing(r);
}

/* In one batch with the events that nobody heard, and again while those are not durable. */
STREAM_TEST(a_listener_that_comes_in_the_batch_of_the_events_gets_them)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    send_to_session(r, call, 1, 2);
    rig_drop_actions(r);
    rig_follow_fresh(r, 2, RIG_CREDIT);
    assert_int_equal(r->n_write_first, 1);
    rig_expect_prime(r, 2, 0);
    expect_events(r, 2, 1, 2);
}

STREAM_TEST(sequences_go_on_after_a_restart_and_after_a_power_loss)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    send_to_session(r, call, 1, 1);
    send(r, call, 2, 2);
    rig_commit(r);
    send_to_session(r, call, 3, 3);
    rig_write(r); /* seen by nobody: it may be lost, and its number used again */
    rig_crash(r, 0);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    rig_drop_actions(r);
    send_to_session(r, call, 4, 4);
    send(r, call, 5, 5);
    rig_commit(r);
    rig_drop_actions(r);
    rig_follow(r, 2, r->session, 0, RIG_CREDIT);
    rig_expect_prime(r, 2, 0);
    rig_expect_event(r, 2, 1, texts[1]);
    rig_expect_event(r, 2, 2, texts[4]);
    rig_follow(r, 3, call, 0, RIG_CREDIT);
    rig_expect_prime(r, 3, 0);
    rig_expect_event(r, 3, 1, texts[2]);
    rig_expect_event(r, 3, 2, texts[5]);
}

STREAM_TEST(nobody_listens_to_a_session_that_is_closed)
{
    struct rig *r = *state;

    rig_of_session(r, CMD_SESSION_CLOSE, 0, r->session);
    rig_drop_actions(r);
    rig_follow_fresh(r, 2, RIG_CREDIT); /* it asked before it heard of it */
    rig_expect_refused(r, 2, DMCP_E_GONE);
    rig_expect_nothing(r);
}

RUN_TESTS()
