/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finished calls go when their time is over, with all that is theirs, and nothing else goes.
 */
#include "harness.h"
#include "rig.h"

#define KEEP_MS 100000
#define KEY_MS 50000

static int setup(void **state)
{
    struct rig *r = rig_new();

    r->options.keep_calls_ms = KEEP_MS;
    r->options.key_ms = KEY_MS;
    r->options.max_calls = r->options.max_dispatched = 10000;
    rig_restart(r);
    *state = r;
    return 0;
}

#define SWEEP_TEST(sentence) TEST_WITH(sweep, sentence, setup, rig_teardown)

/* Rows that are a call's, or lead to it. */
static size_t count_rows(struct rig *r)
{
    static const enum key_kind kinds[] = { KEY_CALL,    KEY_RESULT, KEY_UNFINISHED,  KEY_JOURNAL,
                                           KEY_REQUEST, KEY_EVENT,  KEY_IDEMPOTENCY, KEY_INPUT,
                                           KEY_SUSPENDED, KEY_REFERENCE };
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        n += rig_count(r, key_kind_start(kinds[i]));
    }
    return n;
}

static struct id start_keyed(struct rig *r, const char *request_id, const char *key)
{
    struct command *c = rig_keyed(r, 0, r->session, request_id, key, "{}");
    struct id call = c->call;

    rig_apply(r, c);
    rig_commit(r);
    return call;
}

static struct key key_row(const char *key)
{
    return key_idempotency(digest_id(STR("tool")), str_of(key));
}

static void finish(struct rig *r, struct id call)
{
    rig_done(r, call, "{}");
    rig_commit(r);
    rig_drop_actions(r);
}

static struct id finished_call(struct rig *r)
{
    struct id call = rig_start_quietly(r);

    finish(r, call);
    return call;
}

static void pass_and_sweep(struct rig *r, uint64_t ms)
{
    rig_pass(r, ms);
    rig_sweep_all(r);
}

/* ---- which, and when ---- */

SWEEP_TEST(a_finished_call_goes_with_all_its_rows_when_its_time_is_over_and_not_before)
{
    struct rig *r = *state;
    struct id call = start_keyed(r, "7", "k");
    size_t n_rows;

    for (int i = 0; i < 20; i++) {
        char alias[8];

        snprintf(alias, sizeof(alias), "%d", i);
        rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, alias, "1");
    }
    rig_event(r, call, "e1", "\"e\"");
    rig_event(r, call, "e2", "\"e\"");
    rig_pass(r, 70000);
    finish(r, call);
    n_rows = count_rows(r);
    pass_and_sweep(r, KEEP_MS - 1);
    assert_int_equal(count_rows(r), n_rows);
    assert_true(n_rows > 25);
    pass_and_sweep(r, 10000);
    assert_int_equal(count_rows(r), 0);
    assert_int_equal(engine_counts(r->engine).swept_calls, 1);
    assert_true(rig_has_id(r, KEY_SESSION, r->session));
}

SWEEP_TEST(what_is_unfinished_stays_however_old_it_is)
{
    struct rig *r = *state;
    struct id running = rig_start_quietly(r), waiting = rig_start_quietly(r);
    struct id parked = rig_start_quietly(r);
    size_t n_rows;

    rig_step(r, running, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "a", "1");
    rig_wait(r, waiting, "signal", 0);
    rig_suspend(r, waiting);
    rig_drop_actions(r);
    rig_of_call(r, CMD_CALL_PARK, parked);
    rig_commit(r);
    finished_call(r);
    n_rows = count_rows(r);
    pass_and_sweep(r, 1000 * KEEP_MS);
    assert_int_equal(count_rows(r), n_rows - 3); /* call, request, result */
    assert_true(rig_has_id(r, KEY_UNFINISHED, running) && rig_has_id(r, KEY_UNFINISHED, parked) &&
                rig_has_id(r, KEY_SUSPENDED, waiting));
    rig_restart(r);
    rig_drop_actions(r);
    pass_and_sweep(r, 1000 * KEEP_MS);
    assert_int_equal(count_rows(r), n_rows - 3);
    assert_int_equal(rig_journal_state(r, running, "a"), STEP_DONE);
}

SWEEP_TEST(a_call_that_took_long_is_kept_from_its_end)
{
    struct rig *r = *state;
    struct id slow = rig_start_quietly(r);

    for (int i = 0; i < 10; i++) {
        finished_call(r);
        pass_and_sweep(r, KEEP_MS);
    }
    finish(r, slow);
    pass_and_sweep(r, KEEP_MS - 1);
    assert_true(rig_has_id(r, KEY_RESULT, slow) && rig_has_id(r, KEY_CALL, slow));
    pass_and_sweep(r, KEEP_MS / 4);
    assert_false(rig_has_id(r, KEY_RESULT, slow));
    assert_int_equal(count_rows(r), 0);
}

SWEEP_TEST(a_call_that_ends_behind_the_place_where_the_sweep_is_goes_too)
{
    struct rig *r = *state;
    struct id slow = rig_start_quietly(r);

    for (int i = 0; i < 50; i++) {
        finished_call(r);
    }
    rig_pass(r, KEEP_MS + 10000);
    while (engine_counts(r->engine).swept_calls < 20) {
        rig_sweep(r, RIG_SWEEP_LOOKS, 10);
    }
    finish(r, slow);
    rig_sweep_all(r);
    assert_int_equal(engine_counts(r->engine).swept_calls, 50);
    assert_true(rig_has_id(r, KEY_RESULT, slow));
    pass_and_sweep(r, KEEP_MS + 10000);
    assert_int_equal(count_rows(r), 0);
}

SWEEP_TEST(calls_that_are_kept_do_not_hide_those_behind_them)
{
    struct rig *r = *state;
    struct id slow = rig_start_quietly(r), young;

    for (int i = 0; i < 5; i++) {
        finished_call(r);
    }
    rig_pass(r, KEEP_MS - 1);
    finish(r, slow);
    young = finished_call(r);
    pass_and_sweep(r, 1);
    assert_int_equal(count_rows(r), 6);
    assert_true(rig_has_id(r, KEY_RESULT, slow) && rig_has_id(r, KEY_RESULT, young));
}

SWEEP_TEST(a_clock_that_was_set_back_deletes_nothing)
{
    struct rig *r = *state;

    finished_call(r);
    r->now.wall_ms -= 1000 * KEEP_MS;
    r->now.mono_ms += KEEP_MS;
    rig_sweep_all(r);
    assert_int_equal(count_rows(r), 3);
}

SWEEP_TEST(calls_without_a_time_to_keep_them_stay)
{
    struct rig *r = *state;

    r->options.keep_calls_ms = 0;
    rig_restart(r);
    finished_call(r);
    pass_and_sweep(r, 1000 * KEEP_MS);
    assert_int_equal(count_rows(r), 3);
}

/* ---- what leads to it ---- */

SWEEP_TEST(a_repeat_of_its_request_is_a_new_call)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 0, "7"), again;

    finish(r, call);
    pass_and_sweep(r, KEEP_MS + 10000);
    again = rig_start(r, 2, "7");
    assert_true(id_eq(rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE)->call, again));
    rig_expect_nothing(r);
}

SWEEP_TEST(who_resumes_its_stream_is_told_that_there_is_none)
{
    struct rig *r = *state;
    struct id call = finished_call(r);

    pass_and_sweep(r, KEEP_MS + 10000);
    rig_follow(r, 2, call, 0, RIG_CREDIT);
    rig_expect_refused(r, 2, DMCP_E_NOTFOUND);
    rig_expect_nothing(r);
}

SWEEP_TEST(its_key_goes_with_it_and_so_do_the_requests_that_came_with_the_key)
{
    struct rig *r = *state;
    struct id call = start_keyed(r, "1", "k");

    start_keyed(r, "2", "k");
    start_keyed(r, "3", "k");
    finish(r, call);
    assert_int_equal(rig_count(r, key_kind_start(KEY_REQUEST)), 3);
    assert_true(rig_has(r, key_row("k")));
    pass_and_sweep(r, KEEP_MS + 10000);
    assert_int_equal(count_rows(r), 0);
    call = start_keyed(r, "2", "k");
    assert_true(id_eq(rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE)->call, call));
}

SWEEP_TEST(a_key_that_was_given_to_a_newer_call_meanwhile_stays)
{
    struct rig *r = *state;
    struct id old = start_keyed(r, "1", "k"), new;

    finish(r, old);
    rig_pass(r, KEEP_MS - 10000); /* the key has expired by now */
    new = start_keyed(r, "2", "k");
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    pass_and_sweep(r, 20000);
    assert_false(rig_has_id(r, KEY_CALL, old));
    assert_true(rig_has_id(r, KEY_CALL, new) && rig_has(r, key_row("k")));
    rig_apply(r, rig_keyed(r, 5, r->session, "3", "k", "{}"));
    rig_expect_prime(r, 5, 0); /* it attached and waits */
    rig_done(r, new, "{}");
    rig_expect_reply(r, 5, 1, "{}");
}

SWEEP_TEST(a_key_counts_for_its_time_from_the_end_of_a_call_that_took_long)
{
    struct rig *r = *state;
    struct id call = start_keyed(r, "1", "k"), again;

    rig_pass(r, 10 * KEY_MS);
    finish(r, call);
    rig_pass(r, KEY_MS - 1);
    rig_apply(r, rig_keyed(r, 5, r->session, "2", "k", "{}"));
    rig_expect_reply(r, 5, 1, "{}");
    rig_pass(r, 1);
    again = start_keyed(r, "3", "k");
    assert_true(id_eq(rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE)->call, again));
}

SWEEP_TEST(a_call_that_is_still_being_read_stays_until_it_was)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_event(r, call, "a", "\"e1\"");
    rig_event(r, call, "b", "\"e2\"");
    finish(r, call);
    rig_follow(r, 3, call, 0, 10); /* takes one event and no more */
    rig_drop_actions(r);
    pass_and_sweep(r, KEEP_MS + 10000);
    rig_of_peer(r, CMD_CREDIT, 3, RIG_CREDIT);
    rig_expect_event(r, 3, 2, "\"e2\"");
    rig_expect_reply(r, 3, 3, "{}");
    pass_and_sweep(r, KEEP_MS);
    assert_int_equal(count_rows(r), 0);
}

SWEEP_TEST(a_follower_that_fell_behind_a_running_call_may_read_on_when_it_is_over)
{
    struct rig *r = *state;
    struct id call = rig_start(r, 3, "7");

    rig_of_peer(r, CMD_CREDIT, 3, 0);
    for (int i = 0; i < 3; i++) {
        char alias[8];

        snprintf(alias, sizeof(alias), "%d", i);
        rig_event(r, call, alias, i == 0 ? "\"e1\"" : "\"e\"");
    }
    rig_commit(r);
    rig_drop_actions(r);
    rig_of_peer(r, CMD_UNFOLLOW, 3, 0);
    rig_follow(r, 4, call, 0, 1);
    finish(r, call);
    pass_and_sweep(r, KEEP_MS + 10000);
    assert_true(rig_has_id(r, KEY_RESULT, call));
    rig_of_peer(r, CMD_UNFOLLOW, 4, 0);
    pass_and_sweep(r, KEEP_MS);
    assert_int_equal(count_rows(r), 0);
}

/* ---- a little at a time ---- */

SWEEP_TEST(a_command_deletes_about_as_much_as_it_may_and_the_next_goes_on)
{
    struct rig *r = *state;
    size_t n_before, n_after;
    int n_commands = 0;

    for (int i = 0; i < 300; i++) {
        struct id call = rig_start_quietly(r);

        rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "a", "1");
        finish(r, call);
    }
    rig_pass(r, KEEP_MS + 10000);
    for (n_before = count_rows(r); n_before > 0; n_before = n_after) {
        rig_sweep(r, 20, 10);
        n_after = count_rows(r);
        assert_true(n_before - n_after <= 13); /* a call at a time */
        n_commands++;
        if (n_commands % 100 == 0) {
            rig_restart(r);
        }
        assert_true(n_commands < 2000);
    }
    assert_true(n_commands > 100);
}

SWEEP_TEST(a_call_with_a_long_journal_goes_whole_and_its_neighbours_stay)
{
    struct rig *r = *state;
    struct id before = rig_start_quietly(r), call = rig_start_quietly(r), after;

    rig_step(r, before, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "z", "1");
    for (int i = 0; i < 1000; i++) {
        char alias[8];

        snprintf(alias, sizeof(alias), "%d", i);
        rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, alias, "1");
    }
    rig_drop_actions(r);
    after = rig_start_quietly(r);
    rig_step(r, after, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "a", "1");
    finish(r, call);
    pass_and_sweep(r, KEEP_MS + 10000);
    assert_int_equal(rig_count(r, key_kind_start(KEY_JOURNAL)), 2);
    assert_int_equal(rig_journal_state(r, before, "z"), STEP_DONE);
    assert_int_equal(rig_journal_state(r, after, "a"), STEP_DONE);
    assert_false(rig_has_id(r, KEY_CALL, call));
}

SWEEP_TEST(a_call_to_which_very_much_leads_goes_in_parts_and_itself_last)
{
    struct rig *r = *state;
    struct id call = start_keyed(r, "first", "k");
    bool was_partial = false;

    for (int i = 0; i < 500; i++) {
        char request_id[16];

        snprintf(request_id, sizeof(request_id), "\"%d\"", i);
        start_keyed(r, request_id, "k");
    }
    finish(r, call);
    rig_pass(r, KEEP_MS + 10000);
    for (int i = 0; i < 1000 && count_rows(r) > 0; i++) {
        size_t n_left = rig_count(r, key_kind_start(KEY_REFERENCE));

        was_partial = was_partial || (n_left > 0 && n_left < 501);
        assert_true(n_left == 0 || rig_has_id(r, KEY_RESULT, call));
        rig_sweep(r, RIG_SWEEP_LOOKS, RIG_SWEEP_DELETIONS);
    }
    assert_true(was_partial);
    assert_int_equal(count_rows(r), 0);
}

SWEEP_TEST(what_cannot_be_decoded_is_left_and_the_rest_goes)
{
    struct rig *r = *state;
    struct id broken = finished_call(r), half = finished_call(r);

    finished_call(r);
    rig_put(r, key_of_id(KEY_RESULT, broken), STR("?"));
    rig_put(r, key_of_id(KEY_CALL, half), STR("?"));
    rig_put(r, key_reference(finished_call(r), STR("?")), STR(""));
    pass_and_sweep(r, KEEP_MS + 10000);
    assert_true(rig_has_id(r, KEY_RESULT, broken) && rig_has_id(r, KEY_CALL, broken));
    assert_int_equal(count_rows(r), 4); /* and the request that the broken call row did not name */
}

SWEEP_TEST(all_shards_have_their_turn)
{
    struct rig *r = *state;

    for (int shard = 0; shard < 256; shard++) {
        struct command *c = rig_start_command(r, 0, "7", "{}");
        struct id call;

        c->call.b[15] = c->session.b[15] = (uint8_t)shard;
        c->start.record.session = c->session;
        call = c->call;
        rig_apply(r, c);
        finish(r, call);
    }
    pass_and_sweep(r, KEEP_MS + 10000);
    assert_int_equal(count_rows(r), 0);
}

SWEEP_TEST(it_says_when_it_is_needed)
{
    struct rig *r = *state;

    rig_sweep_all(r);
    assert_true(engine_sweep_due(r->engine) > r->now.mono_ms);
    assert_true(engine_sweep_due(r->engine) <= r->now.mono_ms + KEEP_MS / 10);
    rig_pass(r, KEEP_MS / 10);
    assert_true(engine_sweep_due(r->engine) <= r->now.mono_ms);
}

static void finish_calls(struct rig *r, int n)
{
    for (int i = 0; i < n; i++) {
        finished_call(r);
    }
}

SWEEP_TEST(it_owes_what_came_in_faster_than_it_went_out)
{
    struct rig *r = *state;

    finish_calls(r, 500);
    rig_pass(r, KEEP_MS + 10000);
    rig_sweep(r, RIG_SWEEP_LOOKS, RIG_SWEEP_DELETIONS);
    assert_int_equal(engine_sweep_debt(r->engine), 0); /* it has just begun: that is not late */
    rig_pass(r, KEEP_MS);
    while (engine_counts(r->engine).swept_calls == 0 || engine_sweep_debt(r->engine) == 0) {
        rig_sweep(r, RIG_SWEEP_LOOKS, RIG_SWEEP_DELETIONS);
    }
    assert_in_range(engine_sweep_debt(r->engine), 300, 499);
    rig_sweep_all(r);
    assert_int_equal(count_rows(r), 0);
    assert_int_equal(engine_sweep_debt(r->engine), 0);
}

SWEEP_TEST(it_owes_nothing_for_what_was_there_when_it_began)
{
    struct rig *r = *state;

    finish_calls(r, 500);
    rig_restart(r);
    rig_pass(r, 10 * KEEP_MS);
    while (count_rows(r) > 0) {
        rig_sweep(r, RIG_SWEEP_LOOKS, RIG_SWEEP_DELETIONS);
        assert_int_equal(engine_sweep_debt(r->engine), 0);
    }
}

SWEEP_TEST(it_writes_first_what_was_not_written_yet)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);
    int n_before = r->n_write_first;

    rig_done(r, call, "{}");
    rig_sweep(r, RIG_SWEEP_LOOKS, RIG_SWEEP_DELETIONS);
    assert_int_equal(r->n_write_first, n_before + 1);
    assert_true(rig_has_id(r, KEY_RESULT, call));
}

SWEEP_TEST(a_question_of_a_call_that_is_over_goes_and_one_that_waits_stays)
{
    struct rig *r = *state;
    struct id calls[2] = { rig_start_quietly(r), rig_start_quietly(r) }, inputs[2];

    for (int i = 0; i < 2; i++) {
        inputs[i] = rig_ask(r, calls[i], "q", 0);
    }
    rig_of_call(r, CMD_CALL_SUSPEND, calls[1]);
    finish(r, calls[0]);
    assert_true(rig_has_id(r, KEY_INPUT, inputs[0]) && rig_has_id(r, KEY_INPUT, inputs[1]));
    pass_and_sweep(r, KEEP_MS + 10000);
    assert_false(rig_has_id(r, KEY_INPUT, inputs[0]));
    assert_true(rig_has_id(r, KEY_INPUT, inputs[1]));
}

RUN_TESTS()
