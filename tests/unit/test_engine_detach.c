/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing the connections of a call that goes on: of those who can come back.
 */
#include "harness.h"
#include "rig.h"

#define DETACH_TEST(sentence) TEST_WITH(detach, sentence, rig_setup, rig_teardown)

/* A call that this peer waits for, dispatched and durable. */
static struct id start(struct rig *r, uint64_t peer, bool knows_prime)
{
    struct command *c = rig_start_command(r, peer, "1", "{}");
    struct id call = c->call;

    c->start.knows_prime = knows_prime;
    rig_apply(r, c);
    rig_commit(r);
    rig_drop_actions(r);
    return call;
}

static void detach(struct rig *r, struct id call)
{
    struct command *c = command_new(CMD_CALL_DETACH);

    c->call = call;
    rig_apply(r, c);
}

DETACH_TEST(opens_the_stream_and_ends_it_when_that_tells_where_to_resume)
{
    struct rig *r = *state;
    struct id call = start(r, 1, true);

    detach(r, call);
    rig_expect_prime(r, 1, 0);
    rig_expect(r, ACT_END, WHEN_DURABLE);
    rig_expect_nothing(r);
    rig_follow(r, 2, call, 0, RIG_CREDIT);
    rig_expect_prime(r, 2, 0);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 2, 1, "{}");
}

DETACH_TEST(keeps_the_connection_of_who_was_told_no_id)
{
    struct rig *r = *state;
    struct id call = start(r, 1, false);

    detach(r, call);
    rig_expect_prime(r, 1, 0);
    rig_expect_nothing(r);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 1, 1, "{}");
}

DETACH_TEST(ends_a_stream_on_which_an_event_came)
{
    struct rig *r = *state;
    struct id call = start(r, 1, false);

    rig_event(r, call, "a", "{}");
    rig_commit(r);
    rig_drop_actions(r);
    detach(r, call);
    rig_expect(r, ACT_END, WHEN_DURABLE);
    rig_expect_nothing(r);
}

DETACH_TEST(ends_a_stream_that_was_resumed)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_follow(r, 2, call, 0, RIG_CREDIT);
    rig_expect_prime(r, 2, 0);
    detach(r, call);
    rig_expect(r, ACT_END, WHEN_DURABLE);
    rig_expect_nothing(r);
}

DETACH_TEST(keeps_the_connection_of_another_session)
{
    struct rig *r = *state;
    struct id other = rig_other_session(r);
    struct command *c;
    struct id call;

    rig_drop_actions(r);
    c = rig_keyed(r, 1, r->session, "1", "k", "{}");
    call = c->call;
    rig_apply(r, c);
    rig_commit(r);
    c = rig_keyed(r, 2, other, "1", "k", "{}");
    c->start.knows_prime = true;
    rig_apply(r, c);
    rig_commit(r);
    rig_drop_actions(r);
    detach(r, call);
    rig_expect_nothing(r);
    rig_done(r, call, "{}");
    rig_skip_to(r, ACT_REPLY);
}

DETACH_TEST(of_a_call_that_is_over_does_nothing)
{
    struct rig *r = *state;
    struct id call = start(r, 1, true);

    rig_done(r, call, "{}");
    rig_commit(r);
    rig_drop_actions(r);
    detach(r, call);
    rig_expect_nothing(r);
}

RUN_TESTS()
