/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in the iterations of a loop: aliases, waits, signals, and what may not be there.
 */
#include "harness.h"

#include "stage.h"

#define LOOP_TEST(sentence) TEST_WITH(iteration, sentence, stage_setup, stage_teardown)

struct use {
    struct stage *stage;
    dmcp_iteration_fn *body;
    dmcp_handler_fn *before, *after; /* NULL: nothing */
    uint64_t last;
    unsigned n_iterations;
    char keys[10][33], seen[10][100];
    int rc;
    char text[400];
    const char *state; /* JSON text */
};

static int handler(dmcp_call *call)
{
    struct use *u = dmcp_call_context(call);
    dmcp_value *state;

    if (u->before) {
        DMCP_TRY(u->before(call));
    }
    u->rc = dmcp_loop(call, "l", 0, u->body, u, &state);
    snprintf(u->text, sizeof(u->text), "%s", dmcp_error_text(call));
    DMCP_TRY(u->rc);
    if (u->after) {
        u->rc = u->after(call);
        snprintf(u->text, sizeof(u->text), "%s", dmcp_error_text(call));
        DMCP_TRY(u->rc);
    }
    return dmcp_reply(call, "v", state);
}

static void play(struct stage *st, struct use *u)
{
    u->stage = st;
    stage_start(st, handler, u, "{}");
    stage_attempt(st);
}

static int nothing(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)call;
    (void)arg;
    (void)result;
    return DMCP_OK;
}

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
    assert_non_null(strstr(u.text, "alias \"step\" was used before in this attempt of tool "));
}

/* ---- waiting ---- */

static int is_there(dmcp_call *call, void *arg, dmcp_value **result)
{
    int rc = dmcp_map_get_value(dmcp_map_open(call, "m"), arg, result);

    return rc == DMCP_E_NOTFOUND ? DMCP_E_AGAIN : rc;
}

static int wait_for_key(dmcp_call *call, dmcp_iteration *it)
{
    struct use *u = it->arg;
    char key[8];
    dmcp_value *v;

    snprintf(key, sizeof(key), "k%u", (unsigned)it->index);
    DMCP_TRY(dmcp_until(call, "wait", is_there, key, 100000, &v));
    snprintf(u->seen[it->index], sizeof(u->seen[0]), "%s", dmcp_json_text(call, v));
    it->is_last = it->index == u->last;
    return DMCP_OK;
}

LOOP_TEST(waits_for_conditions)
{
    struct stage *st = *state;
    struct use u = { .body = wait_for_key, .last = 2 };

    play(st, &u);
    for (int i = 0; i < 3; i++) {
        char key[8];

        assert_int_equal(u.rc, DMCP_E_SUSPENDED);
        assert_null(st->pending);
        snprintf(key, sizeof(key), "k%d", i);
        stage_write(st, "m", key, key + 1);
        stage_attempt(st);
        assert_string_equal(u.seen[i], key + 1);
    }
    assert_int_equal(u.rc, DMCP_OK);
    assert_int_equal(rig_count(st->rig, key_kind_start(KEY_TIMER)), 0);
    assert_int_equal(rig_count(st->rig, key_kind_start(KEY_WATCH)), 0);
}

static int wait_for_signal(dmcp_call *call, dmcp_iteration *it)
{
    struct use *u = it->arg;
    const dmcp_value *v = NULL;
    int rc = dmcp_await_signal(call, "go", 5000, &v);

    if (rc != DMCP_OK && rc != DMCP_E_TIMEOUT) {
        return rc;
    }
    snprintf(u->seen[it->index], sizeof(u->seen[0]), "%s",
             rc == DMCP_OK ? dmcp_json_text(call, v) : "timeout");
    it->is_last = it->index == u->last;
    return DMCP_OK;
}

/* The second comes before it is waited for, the third in time, the fourth not. */
LOOP_TEST(gets_each_signal_once)
{
    struct stage *st = *state;
    struct use u = { .body = wait_for_signal, .last = 4 };

    play(st, &u);
    assert_int_equal(u.rc, DMCP_E_SUSPENDED);
    stage_signal(st, "go", "1");
    stage_attempt(st);
    assert_string_equal(u.seen[0], "1");
    assert_int_equal(u.rc, DMCP_E_SUSPENDED);
    stage_pass(st, 3000); /* no timer of the first wait ends the second */
    stage_signal(st, "go", "2");
    stage_attempt(st);
    assert_string_equal(u.seen[1], "2");
    stage_pass(st, 4999);
    assert_null(st->pending);
    stage_pass(st, 1);
    stage_attempt(st);
    assert_string_equal(u.seen[2], "timeout");
    stage_signal(st, "go", "4");
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_string_equal(u.seen[3], "4");
    stage_signal(st, "go", "5");
    stage_attempt(st);
    assert_string_equal(u.seen[4], "5");
    assert_int_equal(u.rc, DMCP_OK);
    assert_true(stage_is_finished(st));
    assert_int_equal(rig_count(st->rig, key_kind_start(KEY_TIMER)), 0);
}

static int listen_before(dmcp_call *call)
{
    return dmcp_await_signal(call, "go", 0, NULL);
}

LOOP_TEST(cannot_wait_for_a_signal_that_its_handler_has_waited_for)
{
    struct stage *st = *state;
    struct use u = { .body = wait_for_signal, .before = listen_before };

    play(st, &u);
    stage_signal(st, "go", "1");
    stage_attempt(st);
    assert_int_equal(u.rc, DMCP_E_ALIAS);
    assert_non_null(strstr(u.text, "signal \"go\" was waited for before"));
}

static int ask(dmcp_call *call, dmcp_iteration *it)
{
    static const dmcp_param fields[] = { { "x", DMCP_STRING, "x", .required = true }, { 0 } };
    const dmcp_question question = { .alias = "q", .message = "Go on?", .params = fields };
    struct use *u = it->arg;
    const dmcp_value *content = NULL;

    DMCP_TRY(dmcp_elicit(call, &question, NULL, &content));
    snprintf(u->seen[it->index], sizeof(u->seen[0]), "%s", dmcp_str(dmcp_get(content, "x")));
    it->is_last = it->index == u->last;
    return DMCP_OK;
}

LOOP_TEST(asks_its_own_question_under_the_same_alias)
{
    struct stage *st = *state;
    struct use u = { .body = ask, .last = 1 };
    struct id first;

    stage_set_client(st, SESSION_ELICIT_FORM);
    play(st, &u);
    first = stage_question(st);
    stage_answer(st, "{\"action\":\"accept\",\"content\":{\"x\":\"one\"}}");
    stage_attempt(st);
    assert_string_equal(u.seen[0], "one");
    assert_false(id_eq(stage_question(st), first));
    stage_answer_to(st, first, "{\"action\":\"accept\",\"content\":{\"x\":\"again\"}}");
    assert_null(st->pending);
    stage_answer(st, "{\"action\":\"accept\",\"content\":{\"x\":\"two\"}}");
    stage_attempt(st);
    assert_string_equal(u.seen[1], "two");
    assert_true(stage_is_finished(st));
}

/* ---- state ---- */

static int keep_state(dmcp_call *call, dmcp_iteration *it)
{
    struct use *u = it->arg;
    dmcp_value *list = it->state;

    if (it->index == 0) {
        assert_null(it->state);
        list = dmcp_pack(call, "[]");
        it->state = list;
    }
    /* In place, and once more after a crash in the middle: what was not recorded is not there. */
    DMCP_TRY(dmcp_array_add(call, list, dmcp_integer(call, (int64_t)it->index)));
    DMCP_TRY(dmcp_sleep(call, 1000));
    it->is_last = it->index == u->last;
    return DMCP_OK;
}

LOOP_TEST(gets_the_state_that_the_one_before_left)
{
    struct stage *st = *state;
    struct use u = { .body = keep_state, .last = 3 };

    play(st, &u);
    while (!stage_is_finished(st)) {
        stage_crash(st, SIZE_MAX);
        stage_pass(st, 1000);
        stage_attempt(st);
    }
    assert_non_null(strstr(stage_result(st), "\"result\":[0,1,2,3]"));
}

static int leave_state(dmcp_call *call, dmcp_iteration *it)
{
    struct use *u = it->arg;

    it->state = dmcp_json_parse(call, u->state, strlen(u->state));
    it->is_last = true;
    return DMCP_OK;
}

static char *nested(size_t n)
{
    char *text = mem_alloc(2 * n + 1);

    memset(text, '[', n);
    memset(text + n, ']', n);
    text[2 * n] = '\0';
    return text;
}

static char *long_text(size_t n)
{
    char *text = mem_alloc(n + 1);

    memset(text, 'x', n);
    text[0] = text[n - 1] = '"';
    text[n] = '\0';
    return text;
}

LOOP_TEST(leaves_a_state_up_to_its_limits)
{
    static const struct {
        char *(*make)(size_t n);
        size_t most;
        const char *text;
    } limits[] = {
        { nested, 63, "the state of loop \"l\" is nested more than 63 deep" },
        { long_text, LIMIT_RESULT_BYTES, "the state of loop \"l\" is larger than 16777216 bytes" },
    };
    struct stage *st = *state;

    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct use u = { .body = leave_state };
        char *fits = limits[i].make(limits[i].most), *over = limits[i].make(limits[i].most + 1);

        u.state = fits;
        play(st, &u);
        assert_int_equal(u.rc, DMCP_OK);
        u.state = over;
        play(st, &u);
        assert_int_equal(u.rc, DMCP_E_TOOBIG);
        assert_non_null(strstr(u.text, limits[i].text));
        mem_free(fits);
        mem_free(over);
    }
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
