/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Iterations that wait, get signals, and leave a state to the next one.
 */
#include "loop_script.h"

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

RUN_TESTS()
