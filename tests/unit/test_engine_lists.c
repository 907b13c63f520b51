/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sessions are told of lists that change, and calls that wait for their tool.
 */
#include "harness.h"
#include "rig.h"

#define LISTS_TEST(sentence) TEST_WITH(lists, sentence, rig_setup, rig_teardown)
#define PARK_TEST(sentence) TEST_WITH(parked, sentence, rig_setup, rig_teardown)

#define TOOLS "{\"tools\":1}"
#define PROMPTS "{\"prompts\":1}"
#define RESOURCES "{\"resources\":1}"
#define A_MOMENT_MS 20

static void change(struct rig *r, uint64_t tools, uint64_t prompts, uint64_t resources)
{
    struct command *c = command_new(CMD_LISTS);

    c->lists.digests[0] = tools;
    c->lists.digests[1] = prompts;
    c->lists.digests[2] = resources;
    rig_apply(r, c);
}

/* A server that knows its lists, and a session that began with them. */
static struct id begin(struct rig *r)
{
    r->options.lists_changed[0] = STR(TOOLS);
    r->options.lists_changed[1] = STR(PROMPTS);
    r->options.lists_changed[2] = STR(RESOURCES);
    rig_restart(r);
    change(r, 10, 20, 30);
    return rig_other_session(r);
}

static void follow(struct rig *r, uint64_t peer, struct id session, uint64_t credit)
{
    struct command *c = command_new(CMD_FOLLOW);

    c->peer = peer;
    c->session = c->follow.stream = session;
    c->follow.credit = credit;
    rig_apply(r, c);
}

static void go_away(struct rig *r, uint64_t peer)
{
    rig_of_peer(r, CMD_UNFOLLOW, peer, 0);
    rig_commit(r);
}

/* It listens and has nothing to be told. */
static void listen_quietly(struct rig *r, uint64_t peer, struct id session)
{
    follow(r, peer, session, RIG_CREDIT);
    rig_expect_prime(r, peer, 0);
    rig_commit(r);
    rig_expect_nothing(r);
}

static void pass_a_moment(struct rig *r)
{
    rig_pass(r, A_MOMENT_MS);
    rig_tick(r);
}

/* ---- who listens ---- */

LISTS_TEST(are_told_to_all_who_listen)
{
    struct rig *r = *state;
    struct id one = begin(r), two = rig_other_session(r);

    rig_drop_actions(r);
    listen_quietly(r, 5, one);
    listen_quietly(r, 6, two);
    change(r, 11, 20, 30);
    rig_commit(r);
    rig_expect_nothing(r);
    pass_a_moment(r);
    rig_expect_event(r, 5, 1, TOOLS);
    rig_expect_event(r, 6, 1, TOOLS);
    rig_commit(r);
    pass_a_moment(r);
    rig_expect_nothing(r);
}

LISTS_TEST(that_change_often_within_a_moment_are_told_once)
{
    struct rig *r = *state;
    struct id session = begin(r);

    rig_drop_actions(r);
    listen_quietly(r, 5, session);
    for (uint64_t i = 0; i < 100; i++) {
        change(r, 100 + i, 20, 200 + i);
    }
    assert_int_equal(engine_deadline(r->engine, r->now), r->now.mono_ms + A_MOMENT_MS);
    pass_a_moment(r);
    rig_expect_event(r, 5, 1, TOOLS);
    rig_expect_event(r, 5, 2, RESOURCES);
    rig_expect_nothing(r);
    assert_int_equal(engine_deadline(r->engine, r->now), UINT64_MAX);
}

LISTS_TEST(that_change_back_within_a_moment_are_not_told)
{
    struct rig *r = *state;
    struct id session = begin(r);

    rig_drop_actions(r);
    listen_quietly(r, 5, session);
    change(r, 11, 20, 30);
    change(r, 10, 20, 30);
    pass_a_moment(r);
    rig_expect_nothing(r);
}

LISTS_TEST(are_told_to_many_in_several_commands)
{
    struct rig *r = *state;
    struct id session;

    r->options.max_sessions = 1000;
    session = begin(r);
    rig_drop_actions(r);
    for (uint64_t peer = 1000; peer < 1700; peer++) {
        listen_quietly(r, peer, session);
        session = rig_other_session(r);
        rig_drop_actions(r);
    }
    change(r, 11, 20, 30);
    rig_pass(r, A_MOMENT_MS);
    rig_tick(r);
    assert_int_equal(r->rows.n, 500 * 3);
    assert_int_equal(engine_deadline(r->engine, r->now), r->now.mono_ms);
    rig_commit(r);
    rig_tick(r);
    assert_int_equal(r->rows.n, 200 * 3);
    rig_commit(r);
    rig_tick(r);
    assert_int_equal(r->rows.n, 0);
}

/* ---- who is away ---- */

LISTS_TEST(that_change_while_nobody_listens_write_nothing)
{
    struct rig *r = *state;

    begin(r);
    rig_commit(r);
    change(r, 11, 21, 31);
    pass_a_moment(r);
    assert_int_equal(r->rows.n, 0);
}

LISTS_TEST(are_told_once_to_who_comes_back)
{
    struct rig *r = *state;
    struct id session = begin(r);

    rig_drop_actions(r);
    listen_quietly(r, 5, session);
    go_away(r, 5);
    change(r, 11, 20, 30);
    change(r, 12, 20, 31);
    pass_a_moment(r);
    follow(r, 6, session, RIG_CREDIT);
    rig_expect_prime(r, 6, 0);
    rig_expect_event(r, 6, 1, TOOLS);
    rig_expect_event(r, 6, 2, RESOURCES);
    rig_commit(r);
    go_away(r, 6);
    follow(r, 7, session, RIG_CREDIT);
    rig_expect_prime(r, 7, 2);
    rig_expect_nothing(r);
}

LISTS_TEST(are_told_over_a_restart_if_they_differ)
{
    struct rig *r = *state;
    struct id session = begin(r);

    rig_restart(r);
    change(r, 10, 20, 30); /* the same server */
    listen_quietly(r, 5, session);
    rig_restart(r);
    change(r, 10, 99, 30); /* another one */
    follow(r, 6, session, RIG_CREDIT);
    rig_expect_prime(r, 6, 0);
    rig_expect_event(r, 6, 1, PROMPTS);
    rig_commit(r);
    rig_restart(r);
    change(r, 10, 99, 30);
    follow(r, 7, session, RIG_CREDIT);
    rig_expect_prime(r, 7, 1);
    rig_expect_nothing(r);
}

LISTS_TEST(that_were_told_and_lost_with_the_disk_are_told_again)
{
    struct rig *r = *state;
    struct id session = begin(r);

    rig_commit(r);
    rig_drop_actions(r);
    listen_quietly(r, 5, session);
    change(r, 11, 20, 30);
    pass_a_moment(r);
    rig_expect_event(r, 5, 1, TOOLS);
    rig_write(r);
    rig_crash(r, 0);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    change(r, 11, 20, 30);
    follow(r, 6, session, RIG_CREDIT);
    rig_expect_prime(r, 6, 0);
    rig_expect_event(r, 6, 1, TOOLS);
}

/* The rig's own session began when the engine did not know its lists. */
LISTS_TEST(are_told_to_a_session_of_which_it_is_not_known_what_it_knows)
{
    struct rig *r = *state;

    begin(r);
    rig_drop_actions(r);
    follow(r, 5, r->session, RIG_CREDIT);
    rig_expect_prime(r, 5, 0);
    rig_expect_event(r, 5, 1, TOOLS);
    rig_expect_event(r, 5, 2, PROMPTS);
    rig_expect_event(r, 5, 3, RESOURCES);
}

/* Two events that nobody has come for, 4 and 5, and then a change. */
static void leave_events(struct rig *r)
{
    struct id call;

    begin(r);
    rig_follow_fresh(r, 4, RIG_CREDIT); /* so that only what comes from now on is told */
    rig_commit(r);
    go_away(r, 4);
    rig_drop_actions(r);
    call = rig_start_quietly(r);
    rig_session_event(r, call, "a", "{\"n\":1}");
    rig_session_event(r, call, "b", "{\"n\":2}");
    rig_commit(r);
    rig_drop_actions(r);
    change(r, 11, 20, 30);
}

LISTS_TEST(are_told_behind_what_waited_for_the_listener)
{
    struct rig *r = *state;

    leave_events(r);
    rig_follow_fresh(r, 6, RIG_CREDIT);
    rig_expect_prime(r, 6, 3);
    rig_expect_event(r, 6, 4, "{\"n\":1}");
    rig_expect_event(r, 6, 5, "{\"n\":2}");
    rig_expect_event(r, 6, 6, TOOLS);
    rig_expect_nothing(r);
}

/* It reads the rest, and what was told, as rows. */
LISTS_TEST(are_told_behind_what_a_slow_listener_has_not_taken)
{
    struct rig *r = *state;

    leave_events(r);
    rig_follow_fresh(r, 6, 1);
    rig_expect_prime(r, 6, 3);
    rig_expect_event(r, 6, 4, "{\"n\":1}");
    rig_expect_nothing(r);
    rig_of_peer(r, CMD_CREDIT, 6, RIG_CREDIT);
    rig_expect_event(r, 6, 5, "{\"n\":2}");
    rig_expect_event(r, 6, 6, TOOLS);
    rig_expect_nothing(r);
}

LISTS_TEST(of_a_session_go_with_it)
{
    struct rig *r = *state;
    struct id session = begin(r);

    rig_commit(r);
    assert_true(rig_has_id(r, KEY_LISTS, session));
    rig_of_session(r, CMD_SESSION_CLOSE, 5, session);
    rig_commit(r);
    assert_false(rig_has_id(r, KEY_LISTS, session));
}

/* ---- parked calls ---- */

static const struct id add_tool = { { 1, 2, 3 } }, sub_tool = { { 1, 2, 4 } };

static struct id park(struct rig *r, struct id tool)
{
    struct id call = rig_start_quietly(r);
    struct command *c = command_new(CMD_CALL_PARK);

    c->call = call;
    c->park.tool = tool;
    rig_apply(r, c);
    rig_commit(r);
    rig_drop_actions(r);
    return call;
}

static void add(struct rig *r, struct id tool)
{
    struct command *c = command_new(CMD_LISTS);

    c->lists.digests[0] = c->lists.digests[1] = c->lists.digests[2] = 7;
    c->lists.added = tool;
    rig_apply(r, c);
    rig_commit(r);
}

PARK_TEST(calls_run_when_their_tool_is_added_and_others_do_not)
{
    struct rig *r = *state;
    struct id call = park(r, add_tool), other = park(r, sub_tool), third = park(r, add_tool);

    add(r, add_tool);
    rig_expect_dispatch(r, call, 1);
    rig_expect_dispatch(r, third, 1);
    rig_expect_nothing(r);
    add(r, add_tool);
    rig_expect_nothing(r);
    add(r, sub_tool);
    rig_expect_dispatch(r, other, 1);
}

PARK_TEST(calls_stay_when_lists_change_without_them)
{
    struct rig *r = *state;

    park(r, add_tool);
    change(r, 11, 20, 30);
    rig_commit(r);
    rig_expect_nothing(r);
}

/* An attempt that was to ask again, and did not come to that, leaves it to the next one. */
PARK_TEST(call_that_was_to_ask_again_does_so_when_its_tool_is_there_again)
{
    struct rig *r = *state;
    struct id input, call = rig_asking(r, 1, "7", &input);
    struct command *c = command_new(CMD_CALL_PARK);

    rig_restart(r);
    rig_follow(r, 5, call, 1, RIG_CREDIT);
    rig_commit(r);
    assert_true(rig_skip_to(r, ACT_DISPATCH)->dispatch.is_reask);
    c->call = call;
    c->park.tool = add_tool;
    rig_apply(r, c);
    rig_commit(r);
    rig_drop_actions(r);
    add(r, add_tool);
    assert_true(rig_skip_to(r, ACT_DISPATCH)->dispatch.is_reask);
}

PARK_TEST(call_finishes_for_who_asked_when_its_tool_is_there_again)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "1");
    struct command *c = command_new(CMD_CALL_PARK);

    rig_drop_actions(r);
    c->call = call;
    c->park.tool = add_tool;
    rig_apply(r, c);
    rig_commit(r);
    add(r, add_tool);
    rig_expect_dispatch(r, call, 1);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 1, 1, "{}");
}

/* ---- requests whose tool is not there ---- */

static void attach(struct rig *r, uint64_t peer, const char *request_id, const char *params)
{
    struct command *c = rig_start_command(r, peer, request_id, params);

    c->start.only_attaches = true;
    rig_apply(r, c);
}

LISTS_TEST(that_lack_a_tool_let_a_repeat_attach_and_begin_no_call)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 1, "1");

    rig_drop_actions(r);
    attach(r, 2, "2", "{}");
    rig_expect_refused(r, 2, DMCP_E_NOTFOUND);
    attach(r, 3, "1", "{\"other\":1}");
    rig_expect_refused(r, 3, DMCP_E_NOTFOUND);
    attach(r, 4, "1", "{}");
    rig_expect_prime(r, 1, 0);
    rig_expect_prime(r, 4, 0);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 1, 1, "{}");
    rig_expect_reply(r, 4, 1, "{}");
    rig_commit(r);
    attach(r, 5, "1", "{}");
    rig_expect_reply(r, 5, 1, "{}");
    attach(r, 6, "1", "{\"other\":1}");
    rig_expect_refused(r, 6, DMCP_E_NOTFOUND);
    assert_int_equal(rig_count(r, key_kind_start(KEY_CALL)), 1);
}

RUN_TESTS()
