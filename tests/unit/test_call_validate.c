/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Effect validation of handlers: what has succeeded is run a second time against its journal, and
 * whatever it does otherwise then is reported. Steps' bodies and loops are in
 * test_call_validate_body.c.
 */
#include "validate_script.h"

/* ---- a handler that keeps to the rules ---- */

static int charge(dmcp_call *call, void *arg, dmcp_value **result)
{
    ++*(unsigned *)arg;
    *result = dmcp_string(call, "paid");
    return DMCP_OK;
}

static int decline(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)result;
    ++*(unsigned *)arg;
    return dmcp_fail(call, 8, "declined");
}

/* All that can be recorded, once; and what fails goes on. */
static int everything(dmcp_call *call)
{
    struct runs *r = dmcp_call_context(call);
    const dmcp_step once = { .alias = "fails", .retry = { 1, 1, 1 } };
    unsigned char bytes[4];
    char uuid[37];
    uint64_t ms;
    dmcp_value *paid;
    dmcp_batch *b;

    r->n++;
    DMCP_TRY(dmcp_now(call, &ms));
    DMCP_TRY(dmcp_now(call, &ms));
    DMCP_TRY(dmcp_random(call, bytes, sizeof(bytes)));
    DMCP_TRY(dmcp_uuid7(call, uuid));
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "m"), uuid, "v", 1));
    b = dmcp_batch_new(call, NULL);
    dmcp_batch_insert(b, "m", "k", "v", 1);
    DMCP_TRY(dmcp_batch_write(b));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "at %s", uuid));
    DMCP_TRY(dmcp_list_changed(call, DMCP_TOOLS, "why"));
    DMCP_TRY(dmcp_at_most_once(call, "charge", charge, &r->n_bodies, &paid));
    assert_int_equal(dmcp_at_most_once(call, "decline", decline, &r->n_bodies, NULL),
                     dmcp_call_attempt(call) == 1 ? 8 : DMCP_E_ATTEMPTED);
    assert_int_equal(dmcp_at_least_once_with(call, &once, decline, &r->n_bodies, NULL), 8);
    assert_string_equal(dmcp_error_text(call), "declined");
    return dmcp_reply(call, "{s:s, s:v, s:I}", "id", uuid, "paid", paid, "at", (int64_t)ms);
}

TEST_WITH(validation, runs_a_handler_twice_and_sends_and_writes_everything_once, stage_setup,
          validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct runs r = { 0 };

    assert_non_null(strstr(stage_call(st, everything, &r, "{}"), "\"paid\":\"paid\""));
    assert_int_equal(r.n, 2);
    assert_int_equal(r.n_bodies, 3);
    assert_null(stage_event(st, 2));
    assert_null(stage_session_event(st, 2));
    assert_int_equal(st->n_commands[CMD_MAP], 2);
    assert_int_equal(st->n_commands[CMD_EVENT], 2);
    assert_int_equal(rig_count(st->rig, key_map(STR("m"), STR(""))), 2);
}

TEST_WITH(validation, that_is_off_runs_nothing_twice, stage_setup, validate_teardown)
{
    struct runs r = { 0 };

    stage_call(validating(*state, VALIDATE_OFF), everything, &r, "{}");
    assert_int_equal(r.n, 1);
}

static int equal_numbers(dmcp_call *call)
{
    struct runs *r = dmcp_call_context(call);

    return r->n++ ? dmcp_reply(call, "{s:j, s:i}", "a", "1.0", "b", 2)
                  : dmcp_reply(call, "{s:i, s:i}", "b", 2, "a", 1);
}

TEST_WITH(validation, compares_structured_results_as_values, stage_setup, validate_teardown)
{
    struct runs r = { 0 };
    const char *text = stage_call(validating(*state, VALIDATE_ON), equal_numbers, &r, "{}");

    assert_non_null(strstr(text, "\"structuredContent\":{\"b\":2,\"a\":1}"));
    assert_null(strstr(text, "differs"));
    assert_int_equal(r.n, 2);
}

static int reads(dmcp_call *call)
{
    ++((struct runs *)dmcp_call_context(call))->n;
    DMCP_TRY(dmcp_add_text(call, "first"));
    return dmcp_reply(call, "{s:i}", "n", 1);
}

TEST_WITH(validation, compares_what_resources_gave_though_a_reply_becomes_one_more_of_it,
          stage_setup, validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct runs r = { 0 };

    st->tool.method = CALL_RESOURCE;
    assert_in_text(stage_call(st, reads, &r, "{}"), "{\"contents\":[");
    assert_int_equal(r.n, 2);
}

static int failing(dmcp_call *call)
{
    struct runs *r = dmcp_call_context(call);

    r->n++;
    return dmcp_fail(call, 5, "no %u", r->n);
}

TEST_WITH(validation, does_not_run_again_what_failed, stage_setup, validate_teardown)
{
    struct runs r = { 0 };

    assert_non_null(strstr(stage_call(validating(*state, VALIDATE_ON), failing, &r, "{}"),
                           "Error executing tool tool: no 1"));
    assert_int_equal(r.n, 1);
}

/* ---- what differs ---- */

static int nothing(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)call;
    (void)arg;
    (void)result;
    return DMCP_OK;
}

static int ever(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)call;
    (void)arg;
    (void)result;
    return DMCP_OK;
}

static int at_once(dmcp_call *call, dmcp_iteration *it)
{
    (void)call;
    it->is_last = true;
    return DMCP_OK;
}

/* Does one thing in one of its runs only. */
static int one_more(dmcp_call *call)
{
    struct runs *r = dmcp_call_context(call);
    bool is_first = r->n++ == 0;
    char uuid[37];
    uint64_t ms;
    int rc = DMCP_OK;

    DMCP_TRY(dmcp_at_least_once(call, "always", nothing, NULL, NULL));
    if (is_first != r->in_first) {
        return dmcp_reply(call, "s", "done");
    }
    switch (r->what) {
    case A_STEP:
        rc = dmcp_at_least_once(call, "fetch", nothing, NULL, NULL);
        break;
    case A_FINAL_STEP:
        rc = dmcp_at_most_once(call, "charge", nothing, NULL, NULL);
        break;
    case A_TIME:
        rc = dmcp_now(call, &ms);
        break;
    case A_UUID:
        rc = dmcp_uuid7(call, uuid);
        break;
    case A_WRITE:
        rc = dmcp_map_remove(dmcp_map_as(call, "m", "again"), "k");
        break;
    case A_BATCH:
        rc = dmcp_batch_write(dmcp_batch_new(call, "b"));
        break;
    case AN_EVENT:
        rc = dmcp_log(call, DMCP_LOG_INFO, NULL, "hello");
        break;
    case A_SLEEP:
        rc = dmcp_sleep(call, 10);
        break;
    case AN_UNTIL:
        rc = dmcp_until(call, "open", ever, NULL, 0, NULL);
        break;
    case A_LOOP:
        rc = dmcp_loop(call, "poll", 0, at_once, NULL, NULL);
        break;
    }
    r->rc = rc;
    DMCP_TRY(rc);
    return dmcp_reply(call, "s", "done");
}

static const struct {
    enum what what;
    const char *name;
} things[] = {
    { A_STEP, "step \\\"fetch\\\"" },
    { A_FINAL_STEP, "step \\\"charge\\\"" },
    { A_TIME, "now#1" },
    { A_UUID, "uuid7#1" },
    { A_WRITE, "dmcp_map_remove on map \\\"m\\\" as \\\"again\\\"" },
    { A_BATCH, "batch \\\"b\\\"" },
    { AN_EVENT, "log(level='info', message='hello', logger_name=None)" },
    { A_SLEEP, "sleep 1" },
    { AN_UNTIL, "until \\\"open\\\"" },
    { A_LOOP, "loop \\\"poll\\\"" },
};

TEST_WITH(validation, names_what_a_second_run_does_anew_and_does_not_do_it, stage_setup,
          validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);

    for (size_t i = 0; i < COUNT_OF(things); i++) {
        struct runs r = { .what = things[i].what, .in_first = false };
        const char *text = stage_call(st, one_more, &r, "{}");

        assert_int_equal(r.rc, DMCP_E_DIVERGED);
        assert_in_text(text, "Error executing tool tool: tool \\\"tool\\\" differs when it is run "
                             "again (--validate-effects), as it would be after a crash: ");
        assert_in_text(text, things[i].name);
        assert_in_text(text, " is not what it did the first time. Take what may vary");
        assert_true(stage_is_finished(st));
        assert_null(stage_event(st, 1));
        assert_int_equal(rig_count(st->rig, key_journal(st->call, STR(""))), 1);
    }
}

TEST_WITH(validation, names_what_a_second_run_leaves_out, stage_setup, validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);

    for (size_t i = 0; i < COUNT_OF(things); i++) {
        struct runs r = { .what = things[i].what, .in_first = true };
        const char *text;

        stage_start(st, one_more, &r, "{}");
        stage_attempt(st);
        if (things[i].what == A_SLEEP) {
            r.n = 0;
            stage_pass(st, 20);
            stage_attempt(st);
        }
        text = stage_result(st);
        assert_in_text(text, things[i].name);
        assert_in_text(text, " is left out. Take what may vary");
    }
}

static int other_entries(dmcp_call *call)
{
    struct runs *r = dmcp_call_context(call);

    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "m"), "k", r->n++ ? "2" : "1", 1));
    return dmcp_reply(call, "s", "done");
}

TEST_WITH(validation, names_a_write_of_other_entries_and_does_not_do_it, stage_setup,
          validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct runs r = { 0 };

    assert_in_text(stage_call(st, other_entries, &r, "{}"),
                   "dmcp_map_insert on map \\\"m\\\" writes other entries. Take");
    assert_string_equal(stage_map_value(st, "m", "k"), "1");
}

static int counts(dmcp_call *call)
{
    struct runs *r = dmcp_call_context(call);

    return dmcp_reply(call, "{s:i}", "n", (int)++r->n);
}

TEST_WITH(validation, shows_both_results_when_they_differ, stage_setup, validate_teardown)
{
    struct runs r = { 0 };
    const char *text = stage_call(validating(*state, VALIDATE_ON), counts, &r, "{}");

    assert_in_text(text, "it gives [\\\"result\\\",{\\\"n\\\":2}], not [\\\"result\\\",{\\\"n\\\":1}]. Take");
    assert_in_text(text, "\"isError\":true");
}

static int fails_then(dmcp_call *call)
{
    struct runs *r = dmcp_call_context(call);

    return r->n++ ? dmcp_fail(call, 7, "the file is there already") : DMCP_OK;
}

TEST_WITH(validation, tells_the_error_of_a_second_run, stage_setup, validate_teardown)
{
    struct runs r = { 0 };

    assert_in_text(stage_call(validating(*state, VALIDATE_ON), fails_then, &r, "{}"),
                   "it fails with code 7 (the file is there already). Take");
}

static int reads_what_it_wrote(dmcp_call *call)
{
    dmcp_map *m = dmcp_map_open(call, "counter");
    const void *value = "0";
    char next[16];
    int rc = dmcp_map_get(m, "n", &value, NULL);

    if (rc != DMCP_OK && rc != DMCP_E_NOTFOUND) {
        return rc;
    }
    snprintf(next, sizeof(next), "%d", atoi(value) + 1);
    DMCP_TRY(dmcp_map_insert(m, "n", next, strlen(next)));
    return dmcp_reply(call, "s", next);
}

TEST_WITH(validation, finds_a_count_that_a_crash_would_let_diverge, stage_setup,
          validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);

    assert_in_text(stage_call(st, reads_what_it_wrote, NULL, "{}"),
                   "dmcp_map_insert on map \\\"counter\\\" writes other entries");
    assert_string_equal(stage_map_value(st, "counter", "n"), "1");
}

/* ---- quiet ---- */

TEST_WITH(validation, that_is_quiet_gives_the_first_result, stage_setup, validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_QUIET);
    struct runs r = { 0 };

    assert_in_text(stage_call(st, counts, &r, "{}"), "\"structuredContent\":{\"n\":1}");
    assert_int_equal(r.n, 2);
}

TEST(validation, logs_a_place_once_in_five_minutes)
{
    struct validation *v = validation_new(VALIDATE_QUIET);

    assert_true(validation_may_log(v, "tool \"a\"", 1000));
    assert_false(validation_may_log(v, "tool \"a\"", 300999));
    assert_true(validation_may_log(v, "step \"s\" of tool \"a\"", 300999));
    assert_true(validation_may_log(v, "tool \"a\"", 301000));
    assert_false(validation_may_log(v, "tool \"a\"", 301001));
    validation_free(v);
}

TEST(validation, remembers_no_more_places_than_it_has_room_for)
{
    struct validation *v = validation_new(VALIDATE_QUIET);
    char place[32];

    for (unsigned i = 0; i < 5000; i++) {
        snprintf(place, sizeof(place), "step \"%u\"", i);
        assert_true(validation_may_log(v, place, 1));
    }
    assert_false(validation_may_log(v, "step \"4999\"", 2));
    validation_free(v);
}

/* ---- calls that do not end as they began ---- */

/* Waits in the middle. */
static int waits(dmcp_call *call)
{
    struct runs *r = dmcp_call_context(call);
    const dmcp_value *v;

    r->n++;
    DMCP_TRY(dmcp_at_least_once(call, "before", nothing, NULL, NULL));
    DMCP_TRY(dmcp_await_signal(call, "go", 0, &v));
    DMCP_TRY(dmcp_sleep(call, 10));
    return dmcp_reply(call, "v", v);
}

TEST_WITH(validation, of_a_call_that_waited_is_of_the_attempt_that_ends_it, stage_setup,
          validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct runs r = { 0 };

    stage_call(st, waits, &r, "{}");
    assert_true(stage_is_waiting(st));
    assert_int_equal(r.n, 1);
    stage_signal(st, "go", "\"now\"");
    stage_attempt(st);
    stage_pass(st, 20);
    assert_int_equal(r.n, 2);
    stage_attempt(st);
    assert_int_equal(r.n, 4);
    assert_in_text(stage_result(st), "\"structuredContent\":{\"result\":\"now\"}");
}

TEST_WITH(validation, that_a_crash_cuts_short_is_done_again_with_nothing_lost, stage_setup,
          validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct runs r = { 0 };
    unsigned n;

    stage_start(st, everything, &r, "{}");
    stage_attempt(st);
    n = st->n_applied;
    r = (struct runs){ 0 };
    stage_start(st, everything, &r, "{}");
    st->cut = n - 1; /* all but the outcome */
    stage_attempt(st);
    assert_false(stage_is_finished(st));
    assert_int_equal(r.n, 2);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(r.n, 4);
    assert_in_text(stage_result(st), "\"paid\":\"paid\"");
    assert_null(stage_event(st, 2));
}

/* Its client cancels it while it runs for the second time. */
static int is_cancelled_in_between(dmcp_call *call)
{
    struct runs *r = dmcp_call_context(call);

    if (r->n++ > 0) {
        stage_cancel(r->stage);
        return dmcp_cancelled(call) ? DMCP_E_CANCELLED : DMCP_OK;
    }
    return dmcp_reply(call, "s", "done");
}

TEST_WITH(validation, forgives_a_call_that_is_told_to_end_meanwhile, stage_setup,
          validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct runs r = { .stage = st };

    stage_call(st, is_cancelled_in_between, &r, "{}");
    assert_int_equal(r.n, 2);
    assert_null(strstr(stage_result(st), "differs"));
    assert_true(stage_is_finished(st));
}

TEST_WITH(validation, does_not_begin_in_a_server_that_stops, stage_setup, validate_teardown)
{
    struct stage *st = validating(*state, VALIDATE_ON);
    struct runs r = { 0 };

    atomic_store(&st->is_stopping, true);
    assert_in_text(stage_call(st, counts, &r, "{}"), "{\"n\":1}");
    assert_int_equal(r.n, 1);
}

TEST_WITH(validation, leaves_ephemeral_tools_alone, stage_setup, validate_teardown)
{
    struct runs r = { 0 };

    stage_call_ephemeral(validating(*state, VALIDATE_ON), counts, &r, "{\"name\":\"tool\"}");
    assert_int_equal(r.n, 1);
}

RUN_TESTS()
