/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions as operators see them and end them, by `dmcp` and by HTTP on the store's socket.
 */
#include "desk.h"

#include <dmcp_admin.h>

#define SESSION_TEST(sentence) TEST_WITH(sessions, sentence, desk_setup, desk_teardown)

#define STEP(alias, guard) "{\"alias\":\"" alias "\",\"guard\":\"" guard "\"}"

static int ping(const struct talk *t)
{
    struct raw *r = talk_post(t, "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}");
    int status = raw_status(r);

    raw_close(r);
    return status;
}

SESSION_TEST(one_is_shown_with_its_client_and_its_calls_and_no_others)
{
    struct desk *d = *state;
    struct talk other;
    struct ask mine, others;

    talk_begin_as(&other, d->server->port, "2025-06-18", "{\"roots\":{}}");
    desk_run(d, &mine, 1, "[" STEP("one", "at_least_once") "]");
    ask_finish_anyhow(&mine);
    ask_begin(&others, &other, 1, "nothing", "{}");
    desk_ask(d, "inspect session %s", d->talk.session);
    desk_expect(d, "client        talk 1\n");
    desk_expect(d, "protocol      2025-11-25\n");
    desk_expect(d, "events        0 on its own stream, 0 sent\n");
    desk_expect(d, "  run   finished: result  ");
    desk_ask(d, "inspect session %s --json", other.session);
    desk_expect(d, "\"capabilities\":{\"roots\":{}}");
    desk_expect(d, "\"calls\":[]");
    assert_int_equal(desk_dmcp(d, "inspect session 00112233445566778899aabbccddeeff"), 1);
    desk_expect(d, "there is no session");
    ask_end(&mine);
    ask_end(&others);
}

SESSION_TEST(one_that_is_ended_takes_its_streams_and_calls_with_it)
{
    struct desk *d = *state;
    struct raw *listens = talk_get(&d->talk, NULL);
    struct raw_event event;
    struct talk other;
    struct ask waits;
    char *call;

    talk_begin(&other, d->server->port, "2025-11-25");
    assert_int_equal(raw_status(listens), 200);
    desk_run(d, &waits, 1, "[" STEP("go", "signal") "]");
    call = desk_await_input(d);
    desk_ask(d, "end-session %s", d->talk.session);
    while (raw_event(listens, &event)) {
    }
    assert_true(listens->is_over);
    assert_false(ask_finish(&waits)); /* the stream ends, and there is no response */
    desk_await(d, "inspect calls --json", "\"outcome\":\"cancelled\"");
    assert_int_equal(ping(&d->talk), 404);
    assert_int_equal(ping(&other), 200);
    desk_ask(d, "inspect sessions --json");
    desk_expect_not(d, d->talk.session);
    desk_expect(d, other.session);
    assert_int_equal(desk_dmcp(d, "end-session %s %s", d->talk.session, other.session), 1);
    desk_expect(d, "no such session");
    assert_int_equal(ping(&other), 200); /* the first that is not there ends the command */
    raw_close(listens);
    ask_end(&waits);
    mem_free(call);
}

SESSION_TEST(one_that_was_ended_stays_so_when_the_server_is_killed)
{
    struct desk *d = *state;

    desk_ask(d, "end-session %s", d->talk.session);
    proc_kill(d->server);
    proc_start(d->server);
    assert_int_equal(ping(&d->talk), 404);
}

SESSION_TEST(programs_can_end_one_and_are_told_what_is_wrong)
{
    struct desk *d = *state;
    dmcp_admin *admin = dmcp_admin_new(d->server->store);

    assert_int_equal(dmcp_admin_end_session(admin, NULL), DMCP_E_INVALID);
    assert_int_equal(dmcp_admin_end_session(admin, "7"), DMCP_E_INVALID);
    assert_non_null(strstr(dmcp_admin_error(admin), "not the id of a session"));
    assert_int_equal(dmcp_admin_end_session(admin, "00112233445566778899aabbccddeeff"),
                     DMCP_E_NOTFOUND);
    assert_int_equal(dmcp_admin_end_session(admin, d->talk.session), DMCP_OK);
    assert_int_equal(ping(&d->talk), 404);
    assert_int_equal(dmcp_admin_end_session(admin, d->talk.session), DMCP_E_NOTFOUND);
    assert_int_equal(proc_stop(d->server), 0);
    assert_int_equal(dmcp_admin_end_session(admin, d->talk.session), DMCP_E_GONE);
    dmcp_admin_free(admin);
}

RUN_TESTS()
