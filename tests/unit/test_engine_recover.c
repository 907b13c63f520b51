/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plant and recover: the rows that a crash can leave, and some that it cannot, and what a restart
 * makes of each.
 */
#include "base/limits.h"
#include "harness.h"
#include "rig.h"

#define RECOVER_TEST(sentence) TEST_WITH(recover, sentence, rig_setup, rig_teardown)

/* ---- planting ---- */

static void plant_call(struct rig *r, struct id call, const char *request_id)
{
    struct call_record record = { .era = CALL_LEGACY,
                                  .method = CALL_TOOL,
                                  .created_ms = 5,
                                  .session = r->session,
                                  .digest = digest_id(STR("{}")),
                                  .request_id = str_of(request_id),
                                  .name = STR("tool"),
                                  .params = STR("{}") };
    struct request_record request = { .call = call, .digest = record.digest };
    struct buf value;

    buf_init(&value, 1000);
    call_record_enc(&value, &record);
    rig_put(r, key_of_id(KEY_CALL, call), buf_str(&value));
    buf_reset(&value);
    request_record_enc(&value, &request);
    rig_put(r, key_request(r->session, str_of(request_id)), buf_str(&value));
    buf_fini(&value);
}

static void plant_unfinished(struct rig *r, struct id call, uint32_t attempt, uint32_t crashes)
{
    struct unfinished_record record = { .attempt = attempt, .crashes = crashes };
    struct buf value;

    buf_init(&value, 1000);
    unfinished_record_enc(&value, &record);
    rig_put(r, key_of_id(KEY_UNFINISHED, call), buf_str(&value));
    buf_fini(&value);
}

static void plant_result(struct rig *r, struct id call, uint64_t n_events)
{
    struct result_record record = { .outcome = OUTCOME_RESULT,
                                    .finished_ms = 6,
                                    .n_events = n_events,
                                    .body = STR("\"planted\"") };
    struct buf value;

    buf_init(&value, 1000);
    result_record_enc(&value, &record);
    rig_put(r, key_of_id(KEY_RESULT, call), buf_str(&value));
    buf_fini(&value);
}

static void plant_step(struct rig *r, struct id call, enum step_guard guard, enum step_state state,
                       const char *alias, const char *body)
{
    struct journal_record record = {
        .guard = (uint8_t)guard, .attempt = 1, .label = STR(""), .body = str_of(body)
    };
    struct buf value;

    record.state = (uint8_t)state;
    buf_init(&value, 1000);
    journal_record_enc(&value, &record);
    rig_put(r, key_journal(call, str_of(alias)), buf_str(&value));
    buf_fini(&value);
}

static void plant_event(struct rig *r, struct id stream, uint64_t sequence, const char *message)
{
    struct event_record record = { .at_ms = 1, .message = str_of(message) };
    struct buf value;

    buf_init(&value, 1000);
    event_record_enc(&value, &record);
    rig_put(r, key_event(stream, sequence), buf_str(&value));
    buf_fini(&value);
}

static struct id plant_running(struct rig *r, const char *request_id)
{
    struct id call = rig_id(r);

    plant_call(r, call, request_id);
    plant_unfinished(r, call, 1, 0);
    return call;
}

static void expect_dispatched(struct rig *r, struct id call, uint32_t attempt)
{
    struct action *a = rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);

    assert_true(id_eq(a->call, call));
    assert_int_equal(a->dispatch.attempt, attempt);
}

static void repeat(struct rig *r, uint64_t peer, const char *request_id)
{
    rig_apply(r, rig_start_command(r, peer, request_id, "{}"));
}

/* ---- what a crash can leave ---- */

RECOVER_TEST(of_nothing_nothing_comes)
{
    struct rig *r = *state;

    rig_restart(r);
    rig_expect_nothing(r);
    assert_int_equal(engine_counts(r->engine).calls, 0);
    assert_int_equal(engine_counts(r->engine).sessions, 1);
}

RECOVER_TEST(an_unfinished_call_runs_in_a_new_attempt_with_all_that_it_was_started_with)
{
    struct rig *r = *state;
    struct id call = rig_id(r);
    struct action *a;

    plant_call(r, call, "7");
    plant_unfinished(r, call, 4, 0);
    rig_restart(r);
    a = rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    assert_true(id_eq(a->call, call) && id_eq(a->session, r->session));
    assert_int_equal(a->dispatch.attempt, 5);
    assert_string_equal(a->dispatch.record.name.p, "tool");
    assert_string_equal(a->dispatch.record.params.p, "{}");
    assert_true(a->dispatch.record.created_ms == 5);
    rig_expect_nothing(r);
}

RECOVER_TEST(who_repeats_the_request_of_a_recovered_call_attaches_to_it)
{
    struct rig *r = *state;
    struct id call = plant_running(r, "7");

    rig_restart(r);
    expect_dispatched(r, call, 2);
    repeat(r, 1, "7");
    rig_expect_prime(r, 1, 0);
    rig_done(r, call, "{}");
    rig_expect_reply(r, 1, 1, "{}");
    rig_expect_nothing(r);
}

RECOVER_TEST(a_finished_call_is_not_looked_at_and_still_answers)
{
    struct rig *r = *state;
    struct id call = rig_id(r);

    plant_call(r, call, "7");
    plant_result(r, call, 1);
    plant_event(r, call, 1, "\"e\"");
    rig_restart(r);
    rig_expect_nothing(r);
    assert_int_equal(engine_counts(r->engine).calls, 0);
    repeat(r, 1, "7");
    rig_expect_event(r, 1, 1, "\"e\"");
    rig_expect_reply(r, 1, 2, "\"planted\"");
    rig_expect_nothing(r);
}

RECOVER_TEST(a_started_step_is_known_as_attempted_and_a_recorded_one_as_recorded)
{
    struct rig *r = *state;
    struct id call = plant_running(r, "7");
    struct action *a;

    plant_step(r, call, GUARD_AT_MOST_ONCE, STEP_STARTED, "lost", "");
    plant_step(r, call, GUARD_AT_MOST_ONCE, STEP_FAILED, "failed", "\"why\"");
    plant_step(r, call, GUARD_AT_LEAST_ONCE, STEP_DONE, "done", "1");
    rig_restart(r);
    rig_drop_actions(r);
    rig_step(r, call, STEP_OP_BEGIN, GUARD_AT_MOST_ONCE, "lost", "");
    rig_expect_wake(r, WHEN_DURABLE, DMCP_E_ATTEMPTED);
    rig_step(r, call, STEP_OP_BEGIN, GUARD_AT_MOST_ONCE, "failed", "");
    a = rig_expect(r, ACT_WAKE, WHEN_DURABLE);
    assert_int_equal(a->code, DMCP_E_ATTEMPTED);
    assert_string_equal(a->text.p, "\"why\"");
    rig_step(r, call, STEP_OP_RECORD, GUARD_AT_LEAST_ONCE, "done", "2");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_CONFLICT);
    rig_step(r, call, STEP_OP_BEGIN, GUARD_AT_MOST_ONCE, "new", "");
    rig_expect_wake(r, WHEN_DURABLE, DMCP_OK);
}

RECOVER_TEST(the_events_of_an_unfinished_call_are_counted_on)
{
    struct rig *r = *state;
    struct id call = plant_running(r, "7");

    plant_event(r, call, 1, "\"one\"");
    plant_event(r, call, 2, "\"two\"");
    rig_restart(r);
    expect_dispatched(r, call, 2);
    rig_event(r, call, "c", "\"three\"");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_done(r, call, "{}");
    rig_commit(r);
    rig_follow(r, 1, call, 1, RIG_CREDIT);
    rig_expect_prime(r, 1, 1);
    rig_expect_event(r, 1, 2, "\"two\"");
    rig_expect_event(r, 1, 3, "\"three\"");
    rig_expect_reply(r, 1, 4, "{}");
}

/* Not a call's stream only: neighbours in the order of keys must not count. */
RECOVER_TEST(the_events_of_neighbouring_streams_are_not_counted)
{
    struct rig *r = *state;
    struct id before = rig_id(r), call = plant_running(r, "7"), after = rig_id(r);

    plant_event(r, before, 9, "{}");
    plant_event(r, after, 9, "{}");
    rig_restart(r);
    rig_drop_actions(r);
    rig_event(r, call, "a", "{}");
    rig_commit(r);
    assert_true(rig_has(r, key_event(call, 1)));
}

RECOVER_TEST(more_calls_than_workers_all_run_in_the_end)
{
    struct rig *r = *state;
    struct id calls[12]; /* more than may be unfinished at a time, too */
    char text[8];

    for (int i = 0; i < 12; i++) {
        snprintf(text, sizeof(text), "%d", i);
        calls[i] = plant_running(r, text);
    }
    rig_restart(r);
    assert_int_equal(engine_counts(r->engine).running, 5);
    rig_drop_actions(r);
    repeat(r, 1, "new");
    rig_expect_refused(r, 1, DMCP_E_BUSY);
    for (int i = 0; i < 12; i++) {
        rig_done(r, calls[i], "{}");
        rig_commit(r);
    }
    assert_int_equal(rig_count(r, key_kind_start(KEY_RESULT)), 12);
    assert_int_equal(rig_count(r, key_kind_start(KEY_UNFINISHED)), 0);
    assert_int_equal(engine_counts(r->engine).calls, 0);
    rig_drop_actions(r);
    repeat(r, 1, "new");
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
}

RECOVER_TEST(a_call_whose_session_was_closed_runs_on)
{
    struct rig *r = *state;
    struct id call = plant_running(r, "7");

    rig_del(r, key_of_id(KEY_SESSION, r->session));
    rig_restart(r);
    assert_int_equal(rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE)->dispatch.log_level, 0);
    rig_session_event(r, call, "a", "{}");
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_OK);
    rig_done(r, call, "{}");
    rig_commit(r);
    assert_true(rig_has_id(r, KEY_RESULT, call));
    assert_false(rig_has_id(r, KEY_STREAM, r->session));
}

/* ---- when it dies ---- */

RECOVER_TEST(a_start_that_was_not_written_never_was_and_one_that_was_runs)
{
    struct rig *r = *state;
    struct command *c = rig_start_command(r, 1, "7", "{}");
    struct id call = c->call;

    repeat(r, 1, "7");
    rig_restart(r); /* before the write */
    rig_expect_nothing(r);
    repeat(r, 1, "7");
    rig_write(r);
    rig_crash(r, 0); /* a power loss before the sync */
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    rig_expect_nothing(r);
    rig_apply(r, c);
    rig_write(r);
    rig_restart(r); /* the process alone */
    expect_dispatched(r, call, 2);
}

RECOVER_TEST(an_end_that_was_lost_runs_the_call_again_and_one_that_was_kept_does_not)
{
    struct rig *r = *state;
    struct id call = rig_start_quietly(r);

    rig_done(r, call, "{}");
    rig_write(r);
    rig_crash(r, 0);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    expect_dispatched(r, call, 2);
    rig_done(r, call, "{}");
    rig_write(r);
    rig_crash(r, 1);
    assert_int_equal(rig_recover(r, NULL), DMCP_OK);
    rig_expect_nothing(r);
}

RECOVER_TEST(dying_during_recovery_changes_nothing)
{
    struct rig *r = *state;
    struct id call = plant_running(r, "7");
    struct err err = { 0 };

    for (int i = 0; i < 3; i++) { /* the rows of recovery are made and lost */
        rig_crash(r, 0);
        assert_int_equal(engine_recover(r->engine, r->now, NULL, STR_NONE, &r->rows, &err),
                         DMCP_OK);
    }
    rig_restart(r);
    expect_dispatched(r, call, 2);
    rig_expect_nothing(r);
}

/* ---- calls that take the process with them ---- */

RECOVER_TEST(a_call_that_keeps_crashing_the_process_is_failed_at_the_limit)
{
    struct rig *r = *state;
    struct id call = plant_running(r, "7"), innocent = plant_running(r, "8");

    for (uint32_t i = 1; i < LIMIT_CRASHES; i++) {
        rig_crash(r, SIZE_MAX);
        assert_int_equal(rig_recover(r, &call), DMCP_OK);
        expect_dispatched(r, call, i + 1);
        expect_dispatched(r, innocent, i + 1);
        rig_restart(r); /* of other reasons, in between: they do not count */
        rig_drop_actions(r);
        plant_unfinished(r, call, i + 1, i);
        plant_unfinished(r, innocent, i + 1, 0);
    }
    rig_crash(r, SIZE_MAX);
    assert_int_equal(rig_recover(r, &call), DMCP_OK);
    expect_dispatched(r, innocent, LIMIT_CRASHES + 1);
    rig_expect_nothing(r);
    assert_false(rig_has_id(r, KEY_UNFINISHED, call));
    repeat(r, 1, "7");
    rig_expect_reply(r, 1, 1, "\"crashed\"");
}

RECOVER_TEST(the_count_of_crashes_is_kept_on_disk)
{
    struct rig *r = *state;
    struct id call = plant_running(r, "7");

    for (int i = 0; i < LIMIT_CRASHES - 1; i++) {
        rig_crash(r, SIZE_MAX);
        assert_int_equal(rig_recover(r, &call), DMCP_OK);
        rig_restart(r);
        assert_true(rig_has_id(r, KEY_UNFINISHED, call));
    }
    rig_crash(r, SIZE_MAX);
    assert_int_equal(rig_recover(r, &call), DMCP_OK);
    assert_false(rig_has_id(r, KEY_UNFINISHED, call));
    assert_true(rig_has_id(r, KEY_RESULT, call));
}

RECOVER_TEST(a_crash_report_about_a_call_that_is_finished_or_unknown_is_ignored)
{
    struct rig *r = *state;
    struct id unknown = rig_id(r), finished = rig_id(r), call = plant_running(r, "7");

    plant_call(r, finished, "8");
    plant_result(r, finished, 0);
    for (int i = 0; i < LIMIT_CRASHES; i++) {
        rig_crash(r, SIZE_MAX);
        assert_int_equal(rig_recover(r, i % 2 ? &unknown : &finished), DMCP_OK);
        expect_dispatched(r, call, (uint32_t)i + 2);
        rig_expect_nothing(r);
    }
    repeat(r, 1, "8");
    rig_expect_reply(r, 1, 1, "\"planted\"");
}

/* ---- what no crash leaves: corruption stops the start ---- */

static void expect_refused_start(struct rig *r, const char *what)
{
    struct err err = { 0 };
    int rc;

    rig_crash(r, SIZE_MAX);
    rc = engine_recover(r->engine, r->now, NULL, STR_NONE, &r->rows, &err);
    if (rc == DMCP_OK) { /* a call's row is read when it is dispatched, at the latest */
        rc = engine_written(r->engine, &r->queue, &err);
    }
    assert_int_equal(rc, DMCP_E_CORRUPT);
    if (strncmp(err.text, what, strlen(what)) != 0) {
        fail_msg("\"%s\" does not begin with \"%s\"", err.text, what);
    }
}

RECOVER_TEST(an_unfinished_row_without_its_call_stops_the_start)
{
    struct rig *r = *state;

    plant_unfinished(r, rig_id(r), 1, 0);
    expect_refused_start(r, "the row of unfinished call ");
}

RECOVER_TEST(an_unfinished_row_beside_a_result_stops_the_start)
{
    struct rig *r = *state;
    struct id call = plant_running(r, "7");

    plant_result(r, call, 0);
    expect_refused_start(r, "unfinished call ");
}

RECOVER_TEST(rows_that_cannot_be_decoded_stop_the_start)
{
    struct rig *r = *state;
    struct id call = plant_running(r, "7");

    rig_put(r, key_of_id(KEY_UNFINISHED, call), STR("\x01\0\0"));
    expect_refused_start(r, "unfinished call ");
    rig_put(r, key_of_id(KEY_UNFINISHED, call), STR("\x02\0\0\0\0\0\0\0\0"));
    expect_refused_start(r, "unfinished call ");
    plant_unfinished(r, call, 1, 0);
    rig_put(r, key_of_id(KEY_CALL, call), STR("\x01nonsense"));
    expect_refused_start(r, "call ");
    plant_call(r, call, "7");
    rig_restart(r); /* all is well again */
    expect_dispatched(r, call, 2);
}

RECOVER_TEST(an_unfinished_key_that_is_too_short_stops_the_start)
{
    struct rig *r = *state;
    struct key k = key_kind_start(KEY_UNFINISHED);

    k.b[k.len++] = 'x';
    rig_put(r, k, STR("\x01\0\0\0\1\0\0\0\0"));
    expect_refused_start(r, "unfinished call ");
}

RECOVER_TEST(an_event_key_that_is_too_long_stops_the_start)
{
    struct rig *r = *state;
    struct id call = plant_running(r, "7");
    struct key k = key_event(call, 1);

    k.b[k.len++] = 'x';
    rig_put(r, k, STR("\x01"));
    expect_refused_start(r, "event of call ");
}

RUN_TESTS()
