/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in the iterations of a loop: aliases, and what may not be there.
 */
#include "loop_script.h"

/* ---- aliases ---- */

static int step_in_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    uint64_t now;

    (void)arg;
    (void)result;
    DMCP_TRY(dmcp_now(call, &now));
    return dmcp_map_insert(dmcp_map_open(call, "m"), "in body", "1", 1);
}

static int everything(dmcp_call *call, dmcp_iteration *it)
{
    struct use *u = it->arg;
    char value[8], text[37];
    uint64_t now;
    dmcp_batch *b;

    snprintf(value, sizeof(value), "%u", (unsigned)it->index);
    DMCP_TRY(dmcp_at_least_once(call, "step", step_in_body, NULL, NULL));
    DMCP_TRY(dmcp_at_most_once(call, "once", nothing, NULL, NULL));
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "m"), "last", value, strlen(value)));
    DMCP_TRY(dmcp_map_insert(dmcp_map_as(call, "m", "named"), value, value, strlen(value)));
    DMCP_TRY(dmcp_now(call, &now));
    DMCP_TRY(dmcp_uuid7(call, text));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_EMERGENCY, NULL, "the same each time"));
    b = dmcp_batch_new(call, "batch");
    dmcp_batch_insert(b, "n", value, value, strlen(value));
    DMCP_TRY(dmcp_batch_write(b));
    snprintf(u->keys[it->index], sizeof(u->keys[0]), "%s", dmcp_idempotency_key(call, "pay"));
    it->is_last = it->index == u->last;
    return DMCP_OK;
}

static int everything_before(dmcp_call *call)
{
    struct use *u = dmcp_call_context(call);
    dmcp_iteration it = { .arg = u, .index = 9 };

    return everything(call, &it);
}

LOOP_TEST(may_use_the_same_aliases_as_the_others_and_as_the_handler)
{
    struct stage *st = *state;
    struct use u = { .body = everything, .before = everything_before, .last = 2 };

    play(st, &u);
    assert_int_equal(u.rc, DMCP_OK);
    assert_string_equal(stage_map_value(st, "m", "last"), "2");
    for (int i = 0; i < 3; i++) {
        char key[4];

        snprintf(key, sizeof(key), "%d", i);
        assert_string_equal(stage_map_value(st, "m", key), key);
        assert_string_equal(stage_map_value(st, "n", key), key);
        assert_non_null(stage_event(st, (uint64_t)i + 2));
        for (int j = 0; j < 10; j++) {
            assert_true(i == j || strcmp(u.keys[i], u.keys[j]) != 0);
        }
    }
    assert_null(stage_event(st, 5));
}

static int same_twice(dmcp_call *call, dmcp_iteration *it)
{
    (void)it;
    DMCP_TRY(dmcp_at_least_once(call, "step", nothing, NULL, NULL));
    return dmcp_at_least_once(call, "step", nothing, NULL, NULL);
}

LOOP_TEST(uses_an_alias_once)
{
    struct stage *st = *state;
    struct use u = { .body = same_twice };

    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_ALIAS);
    assert_non_null(strstr(u.text, "alias \"step\" was used before in this iteration of loop "
                                   "\"l\" in tool \"tool\": give each step"));
}

/* ---- what may not be there ---- */

static int reply_inside(dmcp_call *call, dmcp_iteration *it)
{
    it->is_last = true;
    return dmcp_reply(call, "s", "inside");
}

static int loop_inside(dmcp_call *call, dmcp_iteration *it)
{
    return dmcp_loop(call, "inner", 0, loop_inside, it->arg, NULL);
}

static int step_with_loop(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)result;
    return dmcp_loop(call, "inner", 0, loop_inside, arg, NULL);
}

static int loop_in_step(dmcp_call *call, dmcp_iteration *it)
{
    return dmcp_at_least_once(call, "step", step_with_loop, it->arg, NULL);
}

LOOP_TEST(cannot_reply_and_holds_no_loop)
{
    static const struct {
        dmcp_iteration_fn *body;
        const char *text;
    } cases[] = {
        { reply_inside, "an iteration of loop \"l\" cannot reply: give the result to the handler" },
        { loop_inside,
          "loop \"inner\" stands in an iteration of loop \"l\": loops do not nest; use a for loop, "
          "with the index in the aliases of what it does" },
        { loop_in_step, "a loop stands in the body of step \"step\": wait in the handler, between "
                        "steps" },
    };
    struct stage *st = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct use u = { .body = cases[i].body };

        play(st, &u);
        assert_int_equal(u.rc, DMCP_E_MISUSE);
        assert_string_equal(u.text, cases[i].text);
    }
}

static int last_at_once(dmcp_call *call, dmcp_iteration *it)
{
    (void)call;
    it->is_last = true;
    return DMCP_OK;
}

static int another_loop(dmcp_call *call)
{
    return dmcp_loop(call, "second", 0, last_at_once, NULL, NULL);
}

static int same_loop(dmcp_call *call)
{
    return dmcp_loop(call, "l", 0, last_at_once, NULL, NULL);
}

LOOP_TEST(may_be_of_one_loop_after_another_with_an_alias_of_its_own)
{
    struct stage *st = *state;
    struct use u = { .body = last_at_once, .after = another_loop };

    play(st, &u);
    assert_int_equal(u.rc, DMCP_OK);
    u.after = same_loop;
    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_ALIAS);
    assert_string_equal(u.text, "loop \"l\" was run before in this attempt of tool \"tool\": give "
                                "each loop an alias of its own");
}

static int loop_in_ephemeral(dmcp_call *call)
{
    assert_int_equal(dmcp_loop(call, "l", 0, last_at_once, NULL, NULL), DMCP_E_MISUSE);
    return dmcp_reply(call, "s", "told");
}

LOOP_TEST(is_not_of_an_ephemeral_tool)
{
    struct stage *st = *state;

    assert_non_null(
        strstr(stage_call_ephemeral(st, loop_in_ephemeral, NULL, "{\"arguments\":{}}"), "told"));
}

/* The batch is not written in its iteration, and cannot be later. */
static dmcp_batch *kept;

static int keep_batch(dmcp_call *call, dmcp_iteration *it)
{
    kept = dmcp_batch_new(call, NULL);
    dmcp_batch_insert(kept, "m", "k", "1", 1);
    it->is_last = true;
    return DMCP_OK;
}

static int write_kept(dmcp_call *call)
{
    (void)call;
    return dmcp_batch_write(kept);
}

LOOP_TEST(takes_its_batches_with_it)
{
    struct stage *st = *state;
    struct use u = { .body = keep_batch, .after = write_kept };

    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_MISUSE);
    assert_null(stage_map_value(st, "m", "k"));
}

/* ---- another loop than the journal's ---- */

static int other_digest(dmcp_call *call)
{
    struct use *u = dmcp_call_context(call);

    u->rc = u->n_iterations++ == 0 ? dmcp_at_least_once(call, "x", nothing, NULL, NULL)
                                   : dmcp_loop(call, "x", 0, last_at_once, NULL, NULL);
    snprintf(u->text, sizeof(u->text), "%s", dmcp_error_text(call));
    u->stage->cut = 1;
    return u->rc;
}

/* A step and a loop of one name are two things. */
LOOP_TEST(has_aliases_apart_from_those_of_steps)
{
    struct stage *st = *state;
    struct use u = { .stage = st };

    stage_start(st, other_digest, &u, "{}");
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(u.rc, DMCP_OK);
}

RUN_TESTS()
