/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscriptions of sessions to resources, and who is told what.
 */
#include "base/limits.h"
#include "harness.h"
#include "rig.h"

#define SUBSCRIBE_TEST(sentence) TEST_WITH(subscription, sentence, rig_setup, rig_teardown)

static const struct id weather = { { 1, 2, 3 } }, news = { { 1, 2, 4 } };

static void subscribe(struct rig *r, uint64_t peer, struct id session, struct id uri, bool is_end)
{
    struct command *c = command_new(CMD_SUBSCRIBE);

    c->peer = peer;
    c->session = session;
    c->subscribe.uri = uri;
    c->subscribe.is_end = is_end;
    rig_apply(r, c);
}

/* Durable, and told so. */
static void subscribed(struct rig *r, struct id session, struct id uri)
{
    subscribe(r, 1, session, uri, false);
    rig_commit(r);
    rig_expect_done(r, 1);
}

/* By a handler, or by a start function (no call, no alias). */
static void update(struct rig *r, struct id call, const char *alias, struct id uri,
                   const char *message)
{
    struct command *c = command_new(CMD_EVENT);

    c->waiter = r;
    c->call = call;
    c->event.to_subscribers = true;
    c->event.uri = uri;
    c->event.alias = command_dup(c, str_of(alias));
    c->event.message = command_dup(c, str_of(message));
    c->event.label = STR("");
    rig_apply(r, c);
}

static size_t n_told(struct rig *r, struct id session)
{
    return rig_count(r, key_of_id(KEY_EVENT, session));
}

SUBSCRIBE_TEST(is_answered_when_it_is_durable)
{
    struct rig *r = *state;

    subscribe(r, 5, r->session, weather, false);
    rig_expect_done(r, 5);
    rig_write(r);
    rig_crash(r, 0);
    assert_false(rig_has(r, key_subscription(weather, r->session)));
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    subscribed(r, r->session, weather);
    rig_restart(r);
    assert_true(rig_has(r, key_subscription(weather, r->session)));
}

SUBSCRIBE_TEST(of_two_sessions_tells_both_and_nobody_else)
{
    struct rig *r = *state;
    struct id other = rig_other_session(r), third = rig_other_session(r);
    struct id call = rig_start_quietly(r);

    rig_drop_actions(r);
    subscribed(r, r->session, weather);
    subscribed(r, other, weather);
    subscribed(r, third, news);
    update(r, call, "a", weather, "{}");
    rig_commit(r);
    assert_int_equal(n_told(r, r->session), 1);
    assert_int_equal(n_told(r, other), 1);
    assert_int_equal(n_told(r, third), 0);
}

SUBSCRIBE_TEST(made_twice_is_told_once)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    subscribed(r, r->session, weather);
    subscribed(r, r->session, weather);
    update(r, call, "a", weather, "{}");
    rig_commit(r);
    assert_int_equal(n_told(r, r->session), 1);
}

SUBSCRIBE_TEST(reaches_who_listens_on_the_own_stream_of_its_session)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    subscribed(r, r->session, weather);
    rig_follow_fresh(r, 9, RIG_CREDIT);
    rig_expect_prime(r, 9, 0);
    update(r, call, "a", weather, "{\"n\":1}");
    rig_expect_event(r, 9, 1, "{\"n\":1}");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_expect_nothing(r);
}

SUBSCRIBE_TEST(is_known_after_a_restart)
{
    struct rig *r = *state;
    struct id call;

    subscribed(r, r->session, weather);
    rig_restart(r);
    call = rig_start_quietly(r);
    update(r, call, "a", weather, "{}");
    rig_commit(r);
    assert_int_equal(n_told(r, r->session), 1);
}

SUBSCRIBE_TEST(of_the_same_batch_counts)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    subscribe(r, 1, r->session, weather, false);
    update(r, call, "a", weather, "{}");
    rig_commit(r);
    assert_int_equal(n_told(r, r->session), 1);
    assert_int_equal(r->n_write_first, 1);
}

SUBSCRIBE_TEST(that_ended_is_told_nothing_more)
{
    struct rig *r = *state;
    struct id other = rig_other_session(r);
    struct id call = rig_start_quietly(r);

    rig_drop_actions(r);
    subscribed(r, r->session, weather);
    subscribed(r, other, weather);
    subscribe(r, 2, r->session, weather, true);
    rig_commit(r);
    rig_expect_done(r, 2);
    update(r, call, "a", weather, "{}");
    rig_commit(r);
    assert_int_equal(n_told(r, r->session), 0);
    assert_int_equal(n_told(r, other), 1);
}

SUBSCRIBE_TEST(that_never_was_can_be_ended)
{
    struct rig *r = *state;

    subscribe(r, 2, r->session, weather, true);
    rig_commit(r);
    rig_expect_done(r, 2);
}

SUBSCRIBE_TEST(of_a_session_that_is_gone_goes_when_it_is_found)
{
    struct rig *r = *state;
    struct id other = rig_other_session(r);
    struct id call = rig_start_quietly(r);

    rig_drop_actions(r);
    subscribed(r, other, weather);
    subscribed(r, r->session, weather);
    rig_of_session(r, CMD_SESSION_CLOSE, 3, other);
    rig_commit(r);
    rig_drop_actions(r);
    update(r, call, "a", weather, "{}");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_commit(r);
    assert_int_equal(n_told(r, r->session), 1);
    assert_int_equal(n_told(r, other), 0);
    assert_false(rig_has(r, key_subscription(weather, other)));
    assert_true(rig_has(r, key_subscription(weather, r->session)));
}

/* ---- their number ---- */

static void refused(struct rig *r, struct id session, struct id uri)
{
    subscribe(r, 1, session, uri, false);
    rig_expect_refused(r, 1, DMCP_E_BUSY);
    rig_commit(r);
    assert_false(rig_has(r, key_subscription(uri, session)));
}

static void ended(struct rig *r, struct id session, struct id uri)
{
    subscribe(r, 1, session, uri, true);
    rig_commit(r);
    rig_expect_done(r, 1);
}

SUBSCRIBE_TEST(one_past_the_limit_of_a_resource_is_refused_until_another_ends)
{
    struct rig *r = *state;
    struct id second = rig_other_session(r), third = rig_other_session(r);

    r->options.max_subscribers = 2;
    rig_restart(r);
    rig_drop_actions(r);
    subscribed(r, r->session, weather);
    subscribed(r, second, weather);
    refused(r, third, weather);
    subscribed(r, second, weather); /* it is there */
    subscribed(r, third, news);
    rig_restart(r);
    rig_drop_actions(r);
    refused(r, third, weather);
    ended(r, second, weather);
    subscribed(r, third, weather);
    refused(r, second, weather);
}

SUBSCRIBE_TEST(one_past_the_limit_of_all_is_refused_until_another_ends)
{
    struct rig *r = *state;
    struct id other = rig_other_session(r);

    r->options.max_subscriptions = 2;
    rig_restart(r);
    rig_drop_actions(r);
    subscribed(r, r->session, weather);
    subscribed(r, r->session, news);
    refused(r, other, news);
    rig_restart(r);
    rig_drop_actions(r);
    refused(r, other, weather);
    ended(r, r->session, weather);
    subscribed(r, other, news);
    refused(r, other, weather);
}

SUBSCRIBE_TEST(of_as_many_sessions_as_the_limit_tells_each_of_them)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r), session;

    r->options.max_sessions = LIMIT_SUBSCRIBERS + 10;
    rig_restart(r);
    rig_drop_actions(r);
    for (size_t i = 0; i < LIMIT_SUBSCRIBERS; i++) {
        session = rig_other_session(r);
        subscribed(r, session, weather);
        rig_drop_actions(r);
    }
    refused(r, r->session, weather);
    update(r, call, "a", weather, "{}");
    rig_commit(r);
    assert_int_equal(rig_count(r, key_kind_start(KEY_EVENT)), LIMIT_SUBSCRIBERS);
    assert_int_equal(n_told(r, session), 1);
}

SUBSCRIBE_TEST(is_told_once_however_often_the_handler_runs)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    subscribed(r, r->session, weather);
    update(r, call, "a", weather, "{}");
    rig_commit(r);
    rig_restart(r);
    rig_drop_actions(r);
    update(r, call, "a", weather, "{}");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_commit(r);
    assert_int_equal(n_told(r, r->session), 1);
}

/* The note without the messages would swallow them. */
SUBSCRIBE_TEST(messages_and_the_note_of_them_are_one_write)
{
    struct rig *r = *state;
    struct id other = rig_other_session(r);
    struct id call = rig_start_quietly(r);

    rig_drop_actions(r);
    subscribed(r, r->session, weather);
    subscribed(r, other, weather);
    update(r, call, "a", weather, "{}");
    rig_write(r);
    rig_crash(r, 0);
    assert_int_equal(n_told(r, r->session) + n_told(r, other), 0);
    assert_int_equal(rig_journal_state(r, call, "a"), 0);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    update(r, call, "a", weather, "{}");
    rig_commit(r);
    assert_int_equal(n_told(r, r->session), 1);
    assert_int_equal(n_told(r, other), 1);
}

SUBSCRIBE_TEST(is_told_from_outside_of_calls_each_time_and_durably)
{
    struct rig *r = *state;
    struct id none = { { 0 } };

    subscribed(r, r->session, weather);
    update(r, none, "", weather, "{}");
    rig_expect_wake(r, WHEN_DURABLE, DMCP_OK);
    update(r, none, "", weather, "{}");
    rig_expect_wake(r, WHEN_DURABLE, DMCP_OK);
    rig_commit(r);
    assert_int_equal(n_told(r, r->session), 2);
}

SUBSCRIBE_TEST(with_a_key_that_no_id_fits_into_is_corrupt)
{
    struct rig *r = *state;
    struct key k = key_subscription(weather, r->session);
    struct str longer = key_str(&k);
    struct id session;

    assert_int_equal(key_subscriber(longer, &session), DMCP_OK);
    assert_true(id_eq(session, r->session));
    longer.len--;
    assert_int_equal(key_subscriber(longer, &session), DMCP_E_CORRUPT);
}

RUN_TESTS()
