/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aliases: which are taken, which repeat another, and what the error texts tell the author. And
 * what bodies of steps may do and may not.
 */
#include "harness.h"

#include "stage.h"

static int nothing(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)call;
    (void)arg;
    (void)result;
    return DMCP_OK;
}

/* ---- the alias itself ---- */

struct trial {
    const char *alias;
    int rc;
    char text[600];
};

static int try_alias(dmcp_call *call)
{
    struct trial *t = dmcp_call_context(call);

    t->rc = dmcp_at_least_once(call, t->alias, nothing, NULL, NULL);
    snprintf(t->text, sizeof(t->text), "%s", dmcp_error_text(call));
    return t->rc;
}

static int rc_of_alias(struct stage *st, const char *alias, char *text_out)
{
    struct trial t = { .alias = alias };

    stage_call(st, try_alias, &t, "{}");
    if (text_out) {
        memcpy(text_out, t.text, sizeof(t.text));
    }
    return t.rc;
}

TEST_WITH(alias, has_at_least_a_byte, stage_setup, stage_teardown)
{
    char text[600];

    assert_int_equal(rc_of_alias(*state, "", text), DMCP_E_INVALID);
    assert_string_equal(text, "a step in tool \"tool\" has no alias: give it a name of its own, of up "
                              "to 256 bytes");
    assert_int_equal(rc_of_alias(*state, NULL, text), DMCP_E_INVALID);
    assert_int_equal(rc_of_alias(*state, "a", NULL), DMCP_OK);
}

TEST_WITH(alias, has_at_most_256_bytes, stage_setup, stage_teardown)
{
    char alias[258], text[600];

    memset(alias, 'a', sizeof(alias));
    alias[257] = '\0';
    assert_int_equal(rc_of_alias(*state, alias, text), DMCP_E_TOOBIG);
    assert_non_null(strstr(text, "of a step in tool \"tool\" has 257 bytes, more than 256: shorten it"));
    alias[256] = '\0';
    assert_int_equal(rc_of_alias(*state, alias, NULL), DMCP_OK);
}

TEST_WITH(alias, is_utf8_and_begins_with_something_visible, stage_setup, stage_teardown)
{
    char text[600];

    assert_int_equal(rc_of_alias(*state, "caf\xe9", text), DMCP_E_INVALID);
    assert_string_equal(text, "the alias \"caf\xef\xbf\xbd\" of a step in tool \"tool\" is not UTF-8: "
                              "make it of text, not of bytes");
    assert_int_equal(rc_of_alias(*state, "\x01vnow#1", text), DMCP_E_INVALID);
    assert_string_equal(text, "the alias of a step in tool \"tool\" begins with the control "
                              "character 0x01: begin it with something visible");
    assert_int_equal(rc_of_alias(*state, "caf\xc3\xa9 / \"one\"", NULL), DMCP_OK);
}

/* ---- repeats ---- */

static int twice(dmcp_call *call)
{
    int *rc = dmcp_call_context(call);

    DMCP_TRY(dmcp_at_least_once(call, "fetch", nothing, NULL, NULL));
    *rc = dmcp_at_most_once(call, "fetch", nothing, NULL, NULL);
    return *rc;
}

TEST_WITH(alias, used_twice_in_an_attempt_is_an_error_that_says_what_to_do, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;
    int rc = 0;
    const char *result = stage_call(st, twice, &rc, "{}");

    assert_int_equal(rc, DMCP_E_ALIAS);
    assert_non_null(strstr(result, "Error executing tool tool: alias \\\"fetch\\\" was used before "
                                   "in this attempt of tool \\\"tool\\\": give each step an alias "
                                   "of its own; in a loop, put the index in it"));
}

static int once(dmcp_call *call)
{
    return dmcp_at_least_once(call, "fetch", nothing, NULL, NULL);
}

TEST_WITH(alias, may_be_used_again_by_a_later_attempt_and_by_another_call, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;

    stage_start(st, once, NULL, "{}");
    st->cut = 1;
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_string_equal(stage_result(st), "{\"content\":[]}");
    assert_string_equal(stage_call(st, once, NULL, "{}"), "{\"content\":[]}");
}

static int loop(dmcp_call *call)
{
    for (int i = 0; i < 50; i++) {
        DMCP_TRY(dmcp_at_least_once(call, dmcp_format(call, "fetch %d", i), nothing, NULL, NULL));
    }
    return dmcp_reply(call, "s", "done");
}

TEST_WITH(alias, with_the_index_in_it_serves_a_loop, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    stage_call(st, loop, NULL, "{}");
    assert_int_equal(rig_count(st->rig, key_journal(st->call, STR(""))), 50);
}

/* ---- how many ---- */

static int many_values(dmcp_call *call)
{
    unsigned n = *(unsigned *)dmcp_call_context(call);
    uint64_t ms;

    for (unsigned i = 0; i < n; i++) {
        DMCP_TRY(dmcp_now(call, &ms));
    }
    return dmcp_reply(call, "s", "done");
}

TEST_WITH(call, records_as_much_as_the_limit_says_and_no_more, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    unsigned n = LIMIT_STEPS_PER_CALL;

    assert_non_null(strstr(stage_call(st, many_values, &n, "{}"), "done"));
    n++;
    assert_non_null(strstr(stage_call(st, many_values, &n, "{}"),
                           "the call has recorded 100000 steps, values, map writes and events, "
                           "which is all that one call of tool \\\"tool\\\" may: use dmcp_loop"));
}

static int half_of_all(dmcp_call *call, void *arg, dmcp_value **result)
{
    unsigned *n_runs = arg;
    uint64_t ms;

    (void)result;
    for (unsigned i = 0; i < LIMIT_STEPS_PER_CALL / 2 + 1; i++) {
        DMCP_TRY(dmcp_now(call, &ms));
    }
    return ++*n_runs < 3 ? dmcp_fail(call, 1, "again") : DMCP_OK;
}

static int big_body(dmcp_call *call)
{
    const dmcp_step step = { .alias = "big", .retry = { 3, 1, 1 } };

    return dmcp_at_least_once_with(call, &step, half_of_all, dmcp_call_context(call), NULL);
}

TEST_WITH(call, does_not_count_twice_what_a_body_that_is_tried_again_finds, stage_setup,
          stage_teardown)
{
    unsigned n_runs = 0;

    assert_string_equal(stage_call(*state, big_body, &n_runs, "{}"), "{\"content\":[]}");
    assert_int_equal(n_runs, 3);
}

/* ---- in bodies ---- */

struct inner {
    unsigned n_runs, n_failures;
    uint64_t now[4];
    int rc;
    char text[400];
};

static int nested_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct inner *in = arg;

    (void)result;
    in->n_runs++;
    in->rc = dmcp_at_least_once(call, "inner", nothing, NULL, NULL);
    snprintf(in->text, sizeof(in->text), "%s", dmcp_error_text(call));
    return in->rc;
}

static int nested(dmcp_call *call)
{
    return dmcp_at_least_once(call, "outer", nested_body, dmcp_call_context(call), NULL);
}

TEST_WITH(body, cannot_run_a_step_and_is_not_tried_again_for_trying, stage_setup, stage_teardown)
{
    struct inner in = { 0 };

    stage_call(*state, nested, &in, "{}");
    assert_int_equal(in.rc, DMCP_E_MISUSE);
    assert_string_equal(in.text, "step \"inner\" stands in the body of step \"outer\": a step is "
                                 "one unit, so run one after the other, from the handler");
    assert_int_equal(in.n_runs, 1);
}

static int replying_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct inner *in = arg;

    (void)result;
    in->rc = dmcp_reply(call, "i", 1);
    assert_int_equal(dmcp_reply_error(call, "no"), DMCP_E_MISUSE);
    assert_int_equal(dmcp_add_text(call, "text"), DMCP_E_MISUSE);
    assert_int_equal(dmcp_add_image(call, "image/png", "x", 1), DMCP_E_MISUSE);
    return DMCP_OK;
}

static int replying(dmcp_call *call)
{
    return dmcp_at_least_once(call, "a", replying_body, dmcp_call_context(call), NULL);
}

TEST_WITH(body, cannot_reply, stage_setup, stage_teardown)
{
    struct inner in = { 0 };

    assert_string_equal(stage_call(*state, replying, &in, "{}"), "{\"content\":[]}");
    assert_int_equal(in.rc, DMCP_E_MISUSE);
}

static int logging_twice(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct inner *in = arg;

    (void)result;
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "working"));
    in->rc = dmcp_log(call, DMCP_LOG_INFO, NULL, "working");
    snprintf(in->text, sizeof(in->text), "%s", dmcp_error_text(call));
    return in->rc;
}

static int logs_twice(dmcp_call *call)
{
    return dmcp_at_least_once(call, "say", logging_twice, dmcp_call_context(call), NULL);
}

TEST_WITH(body, that_repeats_an_alias_is_named_with_it, stage_setup, stage_teardown)
{
    struct inner in = { 0 };

    stage_call(*state, logs_twice, &in, "{}");
    assert_int_equal(in.rc, DMCP_E_ALIAS);
    assert_string_equal(in.text, "dmcp_log was called before in this run of step \"say\" in tool "
                                 "\"tool\" with the same arguments, which tell one notification from "
                                 "another: let them differ");
}

/* Writes, asks the time and logs, and fails at first. */
static int busy_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct inner *in = arg;
    unsigned run = in->n_runs++;

    DMCP_TRY(dmcp_now(call, &in->now[run]));
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "m"), "k", "v", 1));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "working"));
    if (run < in->n_failures) {
        return dmcp_fail(call, 1, "not yet");
    }
    *result = dmcp_integer(call, (int64_t)in->now[run]);
    return DMCP_OK;
}

static const dmcp_step fast = { .alias = "busy", .retry = { 5, 1, 1 } };

static int busy(dmcp_call *call)
{
    dmcp_value *v;
    uint64_t now;

    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "m"), "k", "u", 1));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "working"));
    DMCP_TRY(dmcp_now(call, &now));
    DMCP_TRY(dmcp_at_least_once_with(call, &fast, busy_body, dmcp_call_context(call), &v));
    return dmcp_reply(call, "v", v);
}

TEST_WITH(body, that_is_tried_again_finds_what_its_first_try_recorded, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct inner in = { .n_failures = 2 };

    stage_call(st, busy, &in, "{}");
    assert_int_equal(in.n_runs, 3);
    assert_true(in.now[0] > 0);
    assert_int_equal(in.now[0], in.now[2]);
    assert_string_equal(stage_map_value(st, "m", "k"), "v");
    assert_non_null(stage_event(st, 2)); /* the handler's and the body's */
    assert_null(stage_event(st, 3));
}

TEST_WITH(body, that_runs_in_a_later_attempt_finds_it_too, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct inner in = { 0 };

    stage_start(st, busy, &in, "{}");
    st->cut = 7; /* all but the step's own record */
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(in.n_runs, 2);
    assert_int_equal(in.now[0], in.now[1]);
    assert_null(stage_event(st, 3));
}

static int other_entry(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct inner *in = arg;

    (void)result;
    in->n_runs++;
    in->rc = dmcp_map_insert(dmcp_map_open(call, "m"), dmcp_format(call, "k%u", in->n_runs), "v",
                             1);
    snprintf(in->text, sizeof(in->text), "%s", dmcp_error_text(call));
    DMCP_TRY(in->rc);
    return dmcp_fail(call, 1, "not yet");
}

static int diverging(dmcp_call *call)
{
    return dmcp_at_least_once_with(call, &fast, other_entry, dmcp_call_context(call), NULL);
}

TEST_WITH(body, that_writes_something_else_when_tried_again_diverges, stage_setup, stage_teardown)
{
    struct inner in = { 0 };

    stage_call(*state, diverging, &in, "{}");
    assert_int_equal(in.rc, DMCP_E_DIVERGED);
    assert_int_equal(in.n_runs, 2);
    assert_non_null(
        strstr(in.text, "dmcp_map_insert on map \"m\" was recorded with other entries"));
}

RUN_TESTS()
