/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions on maps: which writes they wait for, what they may do, and what is told to authors
 * who ask for something else.
 */
#include "harness.h"

#include "stage.h"

#define UNTIL_TEST(sentence) TEST_WITH(condition, sentence, stage_setup, stage_teardown)

/* A handler with one until, whose condition is the test's. */
struct use {
    struct stage *stage;
    dmcp_condition_fn *condition;
    dmcp_handler_fn *before; /* NULL: nothing */
    const char *alias;
    unsigned n_evaluated;
    int inner; /* what a function gave inside of the condition */
    int rc;
    char text[400];
};

static int handler(dmcp_call *call)
{
    struct use *u = dmcp_call_context(call);

    if (u->before) {
        DMCP_TRY(u->before(call));
    }
    u->rc = dmcp_until(call, u->alias ? u->alias : "x", u->condition, u, 0, NULL);
    snprintf(u->text, sizeof(u->text), "%s", dmcp_error_text(call));
    DMCP_TRY(u->rc);
    return dmcp_reply(call, "s", "done");
}

static void play(struct stage *st, struct use *u)
{
    u->stage = st;
    stage_start(st, handler, u, "{}");
    stage_attempt(st);
}

/* ---- what is waited for ---- */

static int read_range(dmcp_call *call, void *arg, dmcp_value **result)
{
    const dmcp_entry *entries;
    size_t n;

    (void)arg;
    (void)result;
    DMCP_TRY(dmcp_map_range(dmcp_map_open(call, "m"), "b", "d", 10, &entries, &n));
    return n >= 1 ? DMCP_OK : DMCP_E_AGAIN;
}

static int read_reverse(dmcp_call *call, void *arg, dmcp_value **result)
{
    const dmcp_entry *entries;
    size_t n;

    (void)arg;
    (void)result;
    DMCP_TRY(dmcp_map_reverse_range(dmcp_map_open(call, "m"), "d", "b", 10, &entries, &n));
    return n >= 1 ? DMCP_OK : DMCP_E_AGAIN;
}

static int read_prefix(dmcp_call *call, void *arg, dmcp_value **result)
{
    const dmcp_entry *entries;
    size_t n;

    (void)arg;
    (void)result;
    DMCP_TRY(dmcp_map_prefix(dmcp_map_open(call, "m"), "c", 10, &entries, &n));
    return n >= 1 ? DMCP_OK : DMCP_E_AGAIN;
}

static int read_open(dmcp_call *call, void *arg, dmcp_value **result)
{
    const dmcp_entry *entries;
    size_t n;

    (void)arg;
    (void)result;
    DMCP_TRY(dmcp_map_range(dmcp_map_open(call, "m"), NULL, NULL, 1, &entries, &n));
    return n >= 1 ? DMCP_OK : DMCP_E_AGAIN;
}

UNTIL_TEST(waits_for_exactly_what_it_has_read)
{
    static const struct {
        dmcp_condition_fn *condition;
        const char *others[4], *key;
    } cases[] = {
        { read_range, { "a", "az", "d", "e" }, "b" },
        { read_range, { "a", "az", "d", "e" }, "czz" },
        { read_reverse, { "a", "b", "d\x01", "e" }, "d" },
        { read_prefix, { "a", "b\xff", "d", "bc" }, "cc" },
        { read_open, { NULL }, "a" },
    };
    struct stage *st = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct use u = { .condition = cases[i].condition };

        play(st, &u);
        assert_int_equal(u.rc, DMCP_E_SUSPENDED);
        for (size_t j = 0; j < COUNT_OF(cases[i].others) && cases[i].others[j]; j++) {
            stage_write(st, "m", cases[i].others[j], "1");
            assert_null(st->pending);
            stage_write(st, "m", cases[i].others[j], NULL);
        }
        stage_write(st, "m", cases[i].key, "1");
        stage_attempt(st);
        assert_int_equal(u.rc, DMCP_OK);
        stage_write(st, "m", cases[i].key, NULL);
    }
}

/* Entries k0 to kn of one map. */
static int read_many(dmcp_call *call, void *arg, dmcp_value **result)
{
    dmcp_map *m = dmcp_map_open(call, "m");
    const void *value;

    (void)arg;
    (void)result;
    for (int i = 0; i < LIMIT_WATCHES + 1; i++) {
        int rc = dmcp_map_get(m, dmcp_format(call, "k%03d", i), &value, NULL);

        if (rc == DMCP_OK || rc != DMCP_E_NOTFOUND) {
            return rc;
        }
    }
    return DMCP_E_AGAIN;
}

UNTIL_TEST(waits_for_the_whole_map_when_it_reads_more_entries_than_are_watched_one_by_one)
{
    struct stage *st = *state;
    struct use u = { .condition = read_many };

    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_SUSPENDED);
    assert_int_equal(rig_count(st->rig, key_kind_start(KEY_WATCH)), 1);
    stage_write(st, "m", "k256", "1");
    stage_attempt(st);
    assert_int_equal(u.rc, DMCP_OK);
}

static int read_many_maps(dmcp_call *call, void *arg, dmcp_value **result)
{
    int n = ((struct use *)arg)->inner;
    const void *value;

    (void)result;
    for (int i = 0; i < n; i++) {
        int rc = dmcp_map_get(dmcp_map_open(call, dmcp_format(call, "m%d", i)), "k", &value, NULL);

        if (rc != DMCP_E_NOTFOUND) {
            return rc;
        }
    }
    return DMCP_E_AGAIN;
}

UNTIL_TEST(reads_as_many_maps_as_are_watched_at_once_and_no_more)
{
    struct stage *st = *state;
    struct use u = { .condition = read_many_maps, .inner = LIMIT_WATCHES };

    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_SUSPENDED);
    stage_write(st, "m255", "k", "1");
    stage_attempt(st);
    assert_int_equal(u.rc, DMCP_OK);
    stage_write(st, "m255", "k", NULL);
    u.inner = LIMIT_WATCHES + 1;
    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_TOOBIG);
    assert_string_equal(u.text, "the condition of until \"x\" reads 257 maps, more than 256");
}

/* Another entry each time it is run, as one that goes by the clock. */
static int read_another(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct use *u = arg;
    const void *value;
    int rc = dmcp_map_get(dmcp_map_open(call, "m"), dmcp_format(call, "k%u", u->n_evaluated++),
                          &value, NULL);

    (void)result;
    return rc == DMCP_E_NOTFOUND ? DMCP_E_AGAIN : rc;
}

UNTIL_TEST(that_reads_other_entries_each_time_waits_for_their_map)
{
    struct stage *st = *state;
    struct use u = { .condition = read_another };
    unsigned n;

    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_SUSPENDED);
    assert_true(u.n_evaluated < 10);
    n = u.n_evaluated;
    stage_write(st, "m", dmcp_strerror(0), "1"); /* any entry */
    stage_attempt(st);
    assert_int_equal(u.rc, DMCP_E_SUSPENDED);
    assert_true(u.n_evaluated > n);
}

static int read_another_map(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct use *u = arg;
    const void *value;
    int rc = dmcp_map_get(dmcp_map_open(call, dmcp_format(call, "m%u", u->n_evaluated++)), "k",
                          &value, NULL);

    (void)result;
    return rc == DMCP_E_NOTFOUND ? DMCP_E_AGAIN : rc;
}

UNTIL_TEST(that_reads_other_maps_each_time_is_told_so)
{
    struct stage *st = *state;
    struct use u = { .condition = read_another_map };

    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_MISUSE);
    assert_string_equal(u.text,
                        "the condition of until \"x\" reads other maps each time it is run");
    assert_true(stage_is_finished(st));
    assert_int_equal(rig_count(st->rig, key_kind_start(KEY_WATCH)), 0);
}

static int read_nothing(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)call;
    (void)arg;
    (void)result;
    return DMCP_E_AGAIN;
}

UNTIL_TEST(that_reads_no_map_and_does_not_hold_is_told_so)
{
    struct stage *st = *state;
    struct use u = { .condition = read_nothing };

    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_MISUSE);
    assert_string_equal(u.text, "the condition of until \"x\" does not hold, and has read no map: "
                                "nothing would ever wake the call");
}

/* ---- what it may do ---- */

static int step_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)call;
    (void)arg;
    (void)result;
    return DMCP_OK;
}

static int insert(dmcp_call *call)
{
    return dmcp_map_insert(dmcp_map_open(call, "m"), "k", "1", 1);
}

static int write_batch(dmcp_call *call)
{
    return dmcp_batch_write(dmcp_batch_new(call, NULL));
}

static int ask_the_time(dmcp_call *call)
{
    uint64_t now;

    return dmcp_now(call, &now);
}

static int run_step(dmcp_call *call)
{
    return dmcp_at_least_once(call, "s", step_body, NULL, NULL);
}

static int write_log(dmcp_call *call)
{
    return dmcp_log(call, DMCP_LOG_EMERGENCY, NULL, "text");
}

static int reply(dmcp_call *call)
{
    return dmcp_reply(call, "s", "early");
}

static int nap(dmcp_call *call)
{
    return dmcp_sleep(call, 10);
}

static int wait_inside(dmcp_call *call)
{
    return dmcp_until(call, "inner", read_nothing, NULL, 0, NULL);
}

static dmcp_handler_fn *const forbidden[] = { insert,    write_batch, ask_the_time, run_step,
                                              write_log, reply,       nap,          wait_inside };

static int do_forbidden(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct use *u = arg;

    (void)result;
    u->inner = forbidden[u->n_evaluated](call);
    return u->inner;
}

UNTIL_TEST(may_do_nothing_but_read)
{
    struct stage *st = *state;

    for (unsigned i = 0; i < COUNT_OF(forbidden); i++) {
        struct use u = { .condition = do_forbidden, .n_evaluated = i };

        play(st, &u);
        assert_int_equal(u.inner, DMCP_E_MISUSE);
        assert_int_equal(u.rc, DMCP_E_MISUSE);
        assert_non_null(strstr(u.text, "the condition of until \"x\""));
        assert_true(stage_is_finished(st));
    }
}

static int read_bad(dmcp_call *call, void *arg, dmcp_value **result)
{
    const void *value;

    (void)arg;
    (void)result;
    return dmcp_map_get(dmcp_map_open(call, ""), "k", &value, NULL);
}

UNTIL_TEST(that_fails_ends_the_wait_with_its_error)
{
    struct stage *st = *state;
    struct use u = { .condition = read_bad };

    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_INVALID);
}

/* ---- where it may stand ---- */

static int until_in_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)arg;
    (void)result;
    return dmcp_until(call, "x", read_open, NULL, 0, NULL);
}

static int step_around(dmcp_call *call)
{
    int rc = dmcp_at_least_once(call, "step", until_in_body, NULL, NULL);

    assert_int_equal(rc, DMCP_E_MISUSE);
    assert_string_equal(dmcp_error_text(call),
                        "an until stands in the body of step \"step\": wait in the handler, "
                        "between steps");
    return dmcp_reply(call, "s", "told");
}

static int until_in_ephemeral(dmcp_call *call)
{
    assert_int_equal(dmcp_until(call, "x", read_open, NULL, 0, NULL), DMCP_E_MISUSE);
    return dmcp_reply(call, "s", "told");
}

UNTIL_TEST(stands_in_handlers_of_durable_tools_only)
{
    struct stage *st = *state;

    assert_non_null(strstr(stage_call(st, step_around, NULL, "{}"), "told"));
    assert_non_null(
        strstr(stage_call_ephemeral(st, until_in_ephemeral, NULL, "{\"arguments\":{}}"), "told"));
}

static int holds(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)call;
    (void)arg;
    (void)result;
    return DMCP_OK;
}

static int wait_before(dmcp_call *call)
{
    return dmcp_until(call, "x", holds, NULL, 0, NULL);
}

UNTIL_TEST(has_an_alias_of_its_own)
{
    struct stage *st = *state;
    struct use u = { .condition = holds, .before = wait_before };

    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_ALIAS);
    assert_string_equal(u.text,
                        "until \"x\" was waited for before in this attempt of tool \"tool\": give "
                        "each wait an alias of its own; in a loop, put the index in it");
    u = (struct use){ .condition = holds, .alias = "" };
    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_INVALID);
    assert_string_equal(u.text, "an until in tool \"tool\" has no alias: give it a name of its own, of "
                                "up to 256 bytes");
}

static int big_result(dmcp_call *call, void *arg, dmcp_value **result)
{
    size_t n = ((struct use *)arg)->n_evaluated ? LIMIT_RESULT_BYTES - 1 : LIMIT_RESULT_BYTES - 2;
    char *text = mem_alloc(n + 1);

    memset(text, 'x', n);
    text[n] = '\0';
    *result = dmcp_string(call, text);
    mem_free(text);
    return DMCP_OK;
}

UNTIL_TEST(gives_a_result_that_fits)
{
    struct stage *st = *state;
    struct use u = { .condition = big_result };

    play(st, &u);
    assert_int_equal(u.rc, DMCP_OK);
    u.n_evaluated = 1;
    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_TOOBIG);
    assert_non_null(strstr(u.text, "the result of until \"x\" is larger than 16777216 bytes"));
}

RUN_TESTS()
