/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops: where they go on, what their iterations may do, and that nothing piles up.
 */
#include "harness.h"

#include "stage.h"

#define LOOP_TEST(sentence) TEST_WITH(loop, sentence, stage_setup, stage_teardown)

/* A handler with one loop that counts. */
struct count {
    struct stage *stage;
    dmcp_iteration_fn *body;
    uint64_t interval_ms;
    uint64_t last;      /* the index of the last iteration */
    uint64_t crash_in;  /* the iteration whose second step finds the store failed, from 1 */
    bool crashes_after; /* the loop: the call does not get to its end */
    unsigned n_before;  /* bodies of the step in front of the loop */
    unsigned n_bodies[50], n_second[50]; /* of two steps in each iteration */
    unsigned n_attempts, n_iterations;
    int rc;
    char state[100], text[400];
};

static int count_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)call;
    (void)result;
    ++*(unsigned *)arg;
    return DMCP_OK;
}

static int count_iteration(dmcp_call *call, dmcp_iteration *it)
{
    struct count *c = it->arg;
    int64_t sum = it->state ? dmcp_int(dmcp_get(it->state, "sum")) : 0;

    c->n_iterations++;
    DMCP_TRY(dmcp_at_least_once(call, "first", count_body, &c->n_bodies[it->index], NULL));
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "m"), "last", "x", 1));
    if (c->crash_in == it->index + 1) {
        c->crash_in = 0;
        c->stage->cut = 0;
    }
    DMCP_TRY(dmcp_at_most_once(call, "second", count_body, &c->n_second[it->index], NULL));
    it->state = dmcp_pack(call, "{s:I}", "sum", sum + (int64_t)it->index);
    it->is_last = it->index == c->last;
    return DMCP_OK;
}

static int counting(dmcp_call *call)
{
    struct count *c = dmcp_call_context(call);
    dmcp_value *state = NULL;

    c->n_attempts++;
    DMCP_TRY(dmcp_at_least_once(call, "before", count_body, &c->n_before, NULL));
    c->rc = dmcp_loop(call, "count", c->interval_ms, c->body ? c->body : count_iteration, c,
                      &state);
    snprintf(c->text, sizeof(c->text), "%s", dmcp_error_text(call));
    DMCP_TRY(c->rc);
    snprintf(c->state, sizeof(c->state), "%s", dmcp_json_text(call, state));
    if (c->crashes_after) {
        c->stage->cut = 0;
    }
    return dmcp_reply(call, "v", state);
}

static void start(struct stage *st, struct count *c)
{
    c->stage = st;
    stage_start(st, counting, c, "{}");
    stage_attempt(st);
}

static size_t n_journal(struct stage *st)
{
    return rig_count(st->rig, key_journal(st->call, STR("")));
}

/* ---- what it is for ---- */

LOOP_TEST(runs_iterations_from_0_to_the_one_that_says_it_is_the_last)
{
    struct stage *st = *state;
    struct count c = { .last = 9 };

    start(st, &c);
    assert_int_equal(c.rc, DMCP_OK);
    assert_string_equal(c.state, "{\"sum\":45}");
    assert_int_equal(c.n_attempts, 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(c.n_bodies[i], 1);
        assert_int_equal(c.n_second[i], 1);
    }
    assert_int_equal(c.n_bodies[10], 0);
    assert_true(stage_is_finished(st));
}

LOOP_TEST(goes_on_in_the_iteration_that_was_not_over)
{
    struct stage *st = *state;
    struct count c = { .last = 9, .crash_in = 5 };

    start(st, &c);
    assert_int_equal(c.rc, DMCP_E_STORE);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(c.rc, DMCP_OK);
    assert_string_equal(c.state, "{\"sum\":45}");
    assert_int_equal(c.n_before, 1);
    assert_int_equal(c.n_iterations, 11); /* the fifth twice, and none else */
    for (int i = 0; i < 10; i++) {
        assert_int_equal(c.n_bodies[i], 1);
        assert_int_equal(c.n_second[i], 1);
    }
}

LOOP_TEST(that_is_over_is_not_run_again_and_keeps_its_result)
{
    struct stage *st = *state;
    struct count c = { .last = 2, .crashes_after = true };

    start(st, &c);
    assert_int_equal(c.rc, DMCP_OK);
    assert_false(stage_is_finished(st));
    stage_crash(st, SIZE_MAX);
    c.state[0] = '\0';
    c.crashes_after = false;
    stage_attempt(st);
    assert_int_equal(c.n_iterations, 3);
    assert_string_equal(c.state, "{\"sum\":3}");
}

LOOP_TEST(sleeps_between_iterations_without_a_thread)
{
    struct stage *st = *state;
    struct count c = { .last = 3, .interval_ms = 60000 };

    start(st, &c);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(c.rc, DMCP_E_SUSPENDED);
        assert_int_equal(c.n_iterations, i);
        assert_null(st->pending);
        stage_pass(st, 59999);
        assert_null(st->pending);
        if (i == 2) {
            stage_crash(st, SIZE_MAX);
            assert_null(st->pending);
        }
        stage_pass(st, 1);
        stage_attempt(st);
    }
    assert_int_equal(c.rc, DMCP_OK);
    assert_string_equal(c.state, "{\"sum\":6}");
}

/* ---- nothing piles up ---- */

static int recording_iteration(dmcp_call *call, dmcp_iteration *it)
{
    struct count *c = it->arg;
    uint8_t random[16];
    char uuid[37];
    uint64_t now;

    c->n_iterations++;
    DMCP_TRY(dmcp_now(call, &now));
    DMCP_TRY(dmcp_random(call, random, sizeof(random)));
    DMCP_TRY(dmcp_uuid7(call, uuid));
    DMCP_TRY(dmcp_at_least_once(call, "step", count_body, &c->n_before, NULL));
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "m"), "k", uuid, 36));
    DMCP_TRY(dmcp_batch_write(dmcp_batch_new(call, NULL)));
    DMCP_TRY(dmcp_sleep(call, 1000));
    DMCP_TRY(dmcp_sleep(call, 2000));
    it->is_last = it->index == c->last;
    return DMCP_OK;
}

LOOP_TEST(deletes_what_its_iterations_recorded)
{
    struct stage *st = *state;
    struct count c = { .body = recording_iteration, .last = 40 };
    size_t most = 0;

    start(st, &c);
    for (int i = 0; !stage_is_finished(st); i++) {
        size_t n = n_journal(st);

        assert_true(i < 200);
        most = n > most ? n : most;
        stage_pass(st, 2000);
        stage_attempt(st);
    }
    assert_true(most > 5 && most < 15);
    assert_int_equal(n_journal(st), 2); /* the step before, and the loop */
    assert_int_equal(rig_count(st->rig, key_kind_start(KEY_TIMER)), 0);
}

static int empty_iteration(dmcp_call *call, dmcp_iteration *it)
{
    struct count *c = it->arg;

    c->n_iterations++;
    (void)dmcp_format(call, "%*s", 500, ""); /* something that stays until the attempt ends */
    it->is_last = it->index == c->last;
    return DMCP_OK;
}

/* It would have 1.6 MB of formatted text by its end, and the limit of steps behind it. */
LOOP_TEST(gives_the_thread_back_from_time_to_time_and_goes_on)
{
    struct stage *st = *state;
    struct count c = { .body = empty_iteration, .last = 3300 };

    start(st, &c);
    while (!stage_is_finished(st)) {
        assert_int_equal(c.rc, DMCP_E_SUSPENDED);
        assert_non_null(st->pending); /* at once */
        stage_attempt(st);
    }
    assert_int_equal(c.n_iterations, 3301);
    assert_int_equal(c.n_attempts, 4);
    assert_int_equal(c.n_before, 1);
}

static int big_iteration(dmcp_call *call, dmcp_iteration *it)
{
    struct count *c = it->arg;

    c->n_iterations++;
    (void)dmcp_format(call, "%*s", 3 << 20, "");
    it->is_last = it->index == c->last;
    return DMCP_OK;
}

LOOP_TEST(gives_the_thread_back_earlier_when_it_takes_much_memory)
{
    struct stage *st = *state;
    struct count c = { .body = big_iteration, .last = 9 };

    start(st, &c);
    while (!stage_is_finished(st)) {
        stage_attempt(st);
    }
    assert_int_equal(c.n_iterations, 10);
    assert_int_equal(c.n_attempts, 4); /* three iterations in each */
}

static int many_steps(dmcp_call *call, dmcp_iteration *it)
{
    struct count *c = it->arg;

    for (int i = 0; i < 600; i++) {
        DMCP_TRY(
            dmcp_at_least_once(call, dmcp_format(call, "%d", i), count_body, &c->n_before, NULL));
    }
    it->is_last = it->index == c->last;
    return DMCP_OK;
}

LOOP_TEST(may_record_more_in_all_than_a_call_may)
{
    struct stage *st = *state;
    struct count c = { .body = many_steps, .last = LIMIT_STEPS_PER_CALL / 600 + 1 };

    start(st, &c);
    while (!stage_is_finished(st)) {
        assert_int_equal(c.rc, DMCP_E_SUSPENDED);
        stage_attempt(st);
    }
    assert_int_equal(c.rc, DMCP_OK);
    assert_true(c.n_before > LIMIT_STEPS_PER_CALL);
}

/* ---- crashes ---- */

/* Whatever is cut off, each second step ran at most once and each first at least once, and the sum
 * is right. */
static bool play_cut(unsigned cut, size_t n_writes_to_keep, uint64_t interval_ms)
{
    struct stage *st = stage_new();
    struct count c = { .stage = st, .last = 3, .interval_ms = interval_ms };
    bool was_cut = false;

    stage_start(st, counting, &c, "{}");
    for (int i = 0; !stage_is_finished(st); i++) {
        assert_true(i < 20);
        if (!st->pending) {
            stage_pass(st, interval_ms);
        }
        if (i < 2) {
            st->cut = cut;
        }
        stage_attempt(st);
        was_cut |= st->n_applied == cut;
        if (i < 2 && !stage_is_finished(st)) {
            stage_crash(st, n_writes_to_keep);
        }
    }
    if (c.rc == DMCP_OK) {
        assert_string_equal(c.state, "{\"sum\":6}");
    } else {
        assert_int_equal(c.rc, DMCP_E_ATTEMPTED); /* the cut was in the second step */
    }
    for (int i = 0; i < 4; i++) {
        assert_true(c.n_second[i] <= 1);
        assert_true(c.rc != DMCP_OK || c.n_bodies[i] >= 1);
    }
    stage_free(st);
    return was_cut;
}

TEST(loop, keeps_its_promises_wherever_the_server_dies)
{
    static const size_t kept[] = { SIZE_MAX, 0, 1 };

    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        unsigned cut = 0;

        while (play_cut(cut, kept[i], 0)) {
            cut++;
        }
        assert_true(cut > 20);
        for (cut = 0; cut < 8; cut++) {
            play_cut(cut, kept[i], 5000);
        }
    }
}

/* ---- the end ---- */

static int failing_iteration(dmcp_call *call, dmcp_iteration *it)
{
    struct count *c = it->arg;

    c->n_iterations++;
    return it->index == 2 ? dmcp_fail(call, 7, "enough") : DMCP_OK;
}

LOOP_TEST(ends_with_the_error_of_an_iteration)
{
    struct stage *st = *state;
    struct count c = { .body = failing_iteration };

    start(st, &c);
    assert_int_equal(c.rc, 7);
    assert_string_equal(c.text, "enough");
    assert_int_equal(c.n_iterations, 3);
    assert_true(stage_is_finished(st));
}

static int cancelled_iteration(dmcp_call *call, dmcp_iteration *it)
{
    struct count *c = it->arg;

    (void)call;
    c->n_iterations++;
    if (it->index == 2) {
        stage_cancel(c->stage);
    }
    return DMCP_OK;
}

LOOP_TEST(ends_before_the_next_iteration_when_the_call_is_cancelled)
{
    struct stage *st = *state;
    struct count c = { .body = cancelled_iteration };

    start(st, &c);
    assert_int_equal(c.rc, DMCP_E_CANCELLED);
    assert_int_equal(c.n_iterations, 3);
}

static int stopped_iteration(dmcp_call *call, dmcp_iteration *it)
{
    struct count *c = it->arg;

    (void)call;
    if (++c->n_iterations == 3) {
        atomic_store(&c->stage->is_stopping, true);
    }
    it->is_last = it->index == 5;
    return DMCP_OK;
}

LOOP_TEST(is_given_back_between_iterations_when_the_server_stops)
{
    struct stage *st = *state;
    struct count c = { .body = stopped_iteration };

    start(st, &c);
    assert_int_equal(c.rc, DMCP_E_STOPPING);
    assert_int_equal(c.n_iterations, 3);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(c.rc, DMCP_OK);
    assert_int_equal(c.n_iterations, 6);
}

RUN_TESTS()
