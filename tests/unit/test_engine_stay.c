/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients on a pipe that outlives the server process: they cannot come back to a stream, and know the
 * questions that they were asked.
 */
#include "harness.h"
#include "rig.h"

static int setup(void **state)
{
    int rc = rig_setup(state);
    struct rig *r = *state;

    r->options.clients_stay = true;
    rig_restart(r); /* the engine has them from its beginning */
    rig_drop_actions(r);
    return rc;
}

#define STAY_TEST(sentence) TEST_WITH(stay, sentence, setup, rig_teardown)

static struct command *request(struct rig *r, uint64_t peer, const char *id)
{
    struct command *c = rig_start_command(r, peer, id, "{}");

    c->start.cannot_resume = true;
    return c;
}

STAY_TEST(a_question_is_not_asked_again_after_a_restart)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);

    rig_restart(r);
    rig_apply(r, request(r, 5, "7"));
    rig_commit(r);
    rig_skip_to(r, ACT_EVENT); /* the question, for who lacks it */
    rig_expect_nothing(r);     /* nobody woke the handler */
    rig_answer(r, 9, input, "1");
    rig_expect_done(r, 9);
    rig_commit(r);
    assert_false(rig_expect_dispatch(r, call, 2)->dispatch.is_reask);
}

STAY_TEST(a_call_that_ran_when_the_process_died_does_not_ask_again)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_restart(r);
    assert_false(rig_expect_dispatch(r, call, 2)->dispatch.is_reask);
}

STAY_TEST(nothing_closes_the_stream_of_who_cannot_come_back)
{
    struct rig *r = *state;
    struct command *c = request(r, 1, "1");
    struct id call = c->call;

    rig_apply(r, c);
    rig_commit(r);
    rig_event(r, call, "a", "{}");
    rig_commit(r);
    rig_drop_actions(r);
    c = command_new(CMD_CALL_DETACH);
    c->call = call;
    rig_apply(r, c);
    rig_expect_nothing(r);
    rig_done(r, call, "{}");
    rig_skip_to(r, ACT_REPLY);
}

/* The ids are for those who resume, the numbers for all. */
STAY_TEST(events_and_the_reply_have_their_number_and_no_stream)
{
    static const struct id none;
    struct rig *r = *state;
    struct command *c = request(r, 1, "1");
    struct id call = c->call;
    struct action *a;

    rig_apply(r, c);
    rig_commit(r);
    rig_drop_actions(r);
    rig_event(r, call, "a", "{}");
    rig_commit(r);
    a = rig_skip_to(r, ACT_EVENT);
    assert_true(id_eq(a->event.stream, none));
    assert_int_equal(a->event.sequence, 1);
    rig_done(r, call, "{}");
    a = rig_skip_to(r, ACT_REPLY);
    assert_true(id_eq(a->event.stream, none));
    assert_int_equal(a->event.sequence, 2);
}

RUN_TESTS()
