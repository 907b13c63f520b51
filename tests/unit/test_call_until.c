/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a condition on maps, as a handler sees it.
 */
#include "harness.h"

#include "random.h"
#include "stage.h"

#define UNTIL_TEST(sentence) TEST_WITH(until, sentence, stage_setup, stage_teardown)

/* A handler that waits for m["k"], and what it met. */
struct until {
    struct stage *stage;
    uint64_t timeout_ms;
    unsigned n_evaluated;
    unsigned write_at; /* the run of the condition in which somebody writes, after it has read */
    int fails_with;    /* the condition */
    int rc;            /* what dmcp_until returned */
    char value[100], text[400];
};

static int entry_is_there(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct until *u = arg;
    int rc = dmcp_map_get_value(dmcp_map_open(call, "m"), "k", result);

    u->n_evaluated++;
    if (u->n_evaluated == u->write_at) {
        stage_write(u->stage, "m", "k", "\"just now\"");
    }
    if (u->fails_with) {
        return dmcp_fail(call, u->fails_with, "the condition broke");
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_E_AGAIN : rc;
}

static int wait_for_entry(dmcp_call *call)
{
    struct until *u = dmcp_call_context(call);
    dmcp_value *v = NULL;

    u->rc = dmcp_until(call, "paid", entry_is_there, u, u->timeout_ms, &v);
    snprintf(u->text, sizeof(u->text), "%s", dmcp_error_text(call));
    DMCP_TRY(u->rc);
    snprintf(u->value, sizeof(u->value), "%s", dmcp_json_text(call, v));
    return dmcp_reply(call, "v", v);
}

static void start(struct stage *st, struct until *u)
{
    u->stage = st;
    stage_start(st, wait_for_entry, u, "{}");
    stage_attempt(st);
}

static void expect_waiting(struct stage *st, const struct until *u)
{
    assert_int_equal(u->rc, DMCP_E_SUSPENDED);
    assert_null(st->pending);
    assert_false(stage_is_finished(st));
}

static size_t n_watch_rows(struct stage *st)
{
    return rig_count(st->rig, key_kind_start(KEY_WATCH)) +
           rig_count(st->rig, key_kind_start(KEY_WATCHING));
}

/* ---- what it is for ---- */

UNTIL_TEST(returns_at_once_when_the_condition_holds)
{
    struct stage *st = *state;
    struct until u = { 0 };

    stage_write(st, "m", "k", "{\"a\":[1]}");
    start(st, &u);
    assert_int_equal(u.rc, DMCP_OK);
    assert_string_equal(u.value, "{\"a\":[1]}");
    assert_true(stage_is_finished(st));
    assert_int_equal(u.n_evaluated, 1);
    assert_int_equal(st->n_commands[CMD_WATCH], 0);
}

UNTIL_TEST(waits_without_a_thread_and_is_woken_by_the_write)
{
    struct stage *st = *state;
    struct until u = { 0 };

    start(st, &u);
    expect_waiting(st, &u);
    stage_write(st, "m", "other", "1");
    stage_write(st, "n", "k", "1");
    expect_waiting(st, &u);
    stage_write(st, "m", "k", "1");
    stage_attempt(st);
    assert_int_equal(u.rc, DMCP_OK);
    assert_string_equal(u.value, "1");
    assert_true(stage_is_finished(st));
    assert_int_equal(n_watch_rows(st), 0);
}

UNTIL_TEST(goes_on_waiting_when_the_write_does_not_make_it_hold)
{
    struct stage *st = *state;
    struct until u = { 0 };

    start(st, &u);
    for (int i = 0; i < 3; i++) {
        stage_write(st, "m", "k", NULL);
        stage_attempt(st);
        expect_waiting(st, &u);
        assert_int_equal(u.n_evaluated, 3 + i); /* twice the first time, once for each write */
    }
    stage_write(st, "m", "k", "1");
    stage_attempt(st);
    assert_int_equal(u.rc, DMCP_OK);
}

UNTIL_TEST(remembers_its_result_whatever_the_map_holds_later)
{
    struct stage *st = *state;
    struct until u = { 0 };

    stage_write(st, "m", "k", "1");
    stage_start(st, wait_for_entry, &u, "{}");
    st->cut = 1;
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    stage_write(st, "m", "k", "2");
    stage_attempt(st);
    assert_string_equal(u.value, "1");
    assert_int_equal(u.n_evaluated, 1);
}

UNTIL_TEST(survives_a_restart_and_a_power_loss_while_it_waits)
{
    struct stage *st = *state;
    struct until u = { 0 };

    start(st, &u);
    rig_commit(st->rig);
    for (int i = 0; i < 2; i++) {
        stage_crash(st, i ? SIZE_MAX : 0);
        expect_waiting(st, &u);
    }
    stage_write(st, "m", "k", "1");
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(u.rc, DMCP_OK);
}

/* ---- no write is missed ---- */

UNTIL_TEST(sees_a_write_that_came_after_it_read_and_before_it_watched)
{
    struct stage *st = *state;
    struct until u = { .write_at = 1 };

    start(st, &u);
    assert_int_equal(u.rc, DMCP_OK);
    assert_string_equal(u.value, "\"just now\"");
    assert_int_equal(u.n_evaluated, 2);
    assert_int_equal(n_watch_rows(st), 0);
}

UNTIL_TEST(is_run_again_for_a_write_that_came_before_it_was_suspended)
{
    struct stage *st = *state;
    struct until u = { .write_at = 2 };

    start(st, &u);
    assert_int_equal(u.rc, DMCP_E_SUSPENDED);
    assert_non_null(st->pending);
    stage_attempt(st);
    assert_string_equal(u.value, "\"just now\"");
}

/* A condition on three entries. Somebody writes them at random moments, and the server dies at
 * others: once all three are there, nothing more is needed for the call to end. */
struct world {
    struct stage *stage;
    struct random random;
    unsigned n_written;
};

static void maybe_write(struct world *w, uint32_t percent)
{
    char key[8];

    if (w->n_written < 3 && random_chance(&w->random, percent)) {
        snprintf(key, sizeof(key), "e%u", w->n_written++);
        stage_write(w->stage, "m", key, "1");
    }
}

static int all_are_there(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct world *w = arg;
    char key[8];

    (void)result;
    for (unsigned i = 0; i < 3; i++) {
        const dmcp_entry *entries;
        size_t n;

        snprintf(key, sizeof(key), "e%u", i);
        maybe_write(w, 20);
        DMCP_TRY(dmcp_map_prefix(dmcp_map_open(call, "m"), key, 1, &entries, &n));
        maybe_write(w, 20);
        if (n == 0) {
            return DMCP_E_AGAIN;
        }
    }
    return DMCP_OK;
}

static int wait_for_all(dmcp_call *call)
{
    struct world *w = dmcp_call_context(call);
    uint64_t now;

    maybe_write(w, 10);
    DMCP_TRY(dmcp_now(call, &now));
    DMCP_TRY(dmcp_until(call, "all", all_are_there, w, 0, NULL));
    maybe_write(w, 10);
    return dmcp_reply(call, "s", "done");
}

static void play_world(uint64_t seed)
{
    struct world w = { .stage = stage_new(), .random = { seed } };

    stage_start(w.stage, wait_for_all, &w, "{}");
    for (int i = 0; i < 50 && !stage_is_finished(w.stage); i++) {
        if (random_chance(&w.random, 20)) {
            w.stage->cut = random_below(&w.random, 6);
        }
        if (w.stage->pending) {
            stage_attempt(w.stage);
        }
        if (w.stage->cut != STAGE_NO_CUT || random_chance(&w.random, 20)) {
            stage_crash(w.stage, SIZE_MAX);
        }
        maybe_write(&w, 30);
        if (w.n_written == 3 && !w.stage->pending && !stage_is_finished(w.stage)) {
            fail_msg("seed %llu: a write was missed", (unsigned long long)seed);
        }
    }
    assert_true(stage_is_finished(w.stage));
    assert_int_equal(n_watch_rows(w.stage), 0);
    stage_free(w.stage);
}

TEST(until, misses_no_write_whenever_it_comes_and_the_server_dies)
{
    for (uint64_t seed = 1; seed <= 400; seed++) {
        play_world(seed);
    }
}

/* ---- how it ends otherwise ---- */

UNTIL_TEST(passes_on_what_its_condition_returns_and_records_nothing_of_it)
{
    struct stage *st = *state;
    struct until u = { .fails_with = 7 };

    start(st, &u);
    assert_int_equal(u.rc, 7);
    assert_string_equal(u.text, "the condition broke");
    assert_true(stage_is_finished(st));
    assert_int_equal(st->n_commands[CMD_WATCH] + st->n_commands[CMD_STEP], 0);
}

UNTIL_TEST(that_fails_while_it_waits_leaves_nothing_behind)
{
    struct stage *st = *state;
    struct until u = { 0 };

    start(st, &u);
    assert_true(n_watch_rows(st) > 0);
    u.fails_with = 7;
    stage_write(st, "m", "k", "1");
    stage_attempt(st);
    assert_int_equal(u.rc, 7);
    assert_true(stage_is_finished(st));
    assert_int_equal(n_watch_rows(st), 0);
}

UNTIL_TEST(ends_when_its_time_is_over_and_remembers_that)
{
    struct stage *st = *state;
    struct until u = { .timeout_ms = 5000 };

    start(st, &u);
    stage_pass(st, 4999);
    expect_waiting(st, &u);
    stage_pass(st, 1);
    st->cut = 1; /* the call does not get to its end */
    stage_attempt(st);
    assert_int_equal(u.rc, DMCP_E_TIMEOUT);
    assert_string_equal(u.text, "until \"paid\": the condition did not hold in time");
    assert_int_equal(n_watch_rows(st), 0);
    stage_crash(st, 0);
    stage_write(st, "m", "k", "1");
    stage_attempt(st);
    assert_int_equal(u.rc, DMCP_E_TIMEOUT);
    assert_true(stage_is_finished(st));
}

UNTIL_TEST(holds_when_it_holds_though_its_time_is_over)
{
    struct stage *st = *state;
    struct until u = { .timeout_ms = 5000 };

    start(st, &u);
    stage_write(st, "m", "k", "1");
    stage_crash(st, SIZE_MAX);
    stage_pass(st, 10000); /* before the handler could look */
    stage_attempt(st);
    assert_int_equal(u.rc, DMCP_OK);
    assert_string_equal(u.value, "1");
    assert_int_equal(rig_count(st->rig, key_kind_start(KEY_TIMER)), 0);
}

UNTIL_TEST(that_was_answered_takes_its_timer_with_it)
{
    struct stage *st = *state;
    struct until u = { .timeout_ms = 5000 };

    start(st, &u);
    assert_int_equal(rig_count(st->rig, key_kind_start(KEY_TIMER)), 1);
    stage_write(st, "m", "k", "1");
    stage_attempt(st);
    assert_int_equal(rig_count(st->rig, key_kind_start(KEY_TIMER)), 0);
}

UNTIL_TEST(ends_when_the_call_is_cancelled)
{
    struct stage *st = *state;
    struct until u = { .timeout_ms = 5000 };
    unsigned n;

    start(st, &u);
    n = u.n_evaluated;
    stage_cancel(st);
    stage_attempt(st);
    assert_int_equal(u.rc, DMCP_E_CANCELLED);
    assert_int_equal(u.n_evaluated, n);
    assert_int_equal(n_watch_rows(st), 0);
    assert_int_equal(rig_count(st->rig, key_kind_start(KEY_TIMER)), 0);
}

/* ---- crashes ---- */

static bool play_cut(unsigned cut, size_t n_writes_to_keep)
{
    struct stage *st = stage_new();
    struct until u = { .stage = st, .timeout_ms = 100000 };
    bool was_cut;

    stage_start(st, wait_for_entry, &u, "{}");
    st->cut = cut;
    stage_attempt(st);
    was_cut = st->n_applied == cut;
    if (u.rc == DMCP_E_SUSPENDED) {
        stage_write(st, "m", "k", "1");
    }
    stage_crash(st, n_writes_to_keep);
    if (!st->pending) {
        stage_write(st, "m", "k", "2"); /* the first one was lost */
    }
    st->cut = cut;
    stage_attempt(st);
    stage_crash(st, n_writes_to_keep);
    for (int i = 0; i < 3 && !stage_is_finished(st); i++) {
        stage_write(st, "m", "k", "3");
        stage_attempt(st);
    }
    assert_true(stage_is_finished(st));
    assert_int_equal(u.rc, DMCP_OK);
    assert_int_equal(n_watch_rows(st), 0);
    stage_free(st);
    return was_cut;
}

TEST(until, comes_to_its_end_wherever_the_server_dies)
{
    unsigned cut = 0;

    while (play_cut(cut, SIZE_MAX)) {
        play_cut(cut, 0);
        play_cut(cut, 1);
        cut++;
    }
    assert_true(cut >= 3);
}

RUN_TESTS()
