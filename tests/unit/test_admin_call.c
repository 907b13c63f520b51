/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators see of one call: made by real handlers, so that what they are shown is what is
 * really recorded.
 */
#include "admin_fixture.h"

#include "stage.h"

#define CALL_TEST(sentence) TEST_WITH(timeline, sentence, stage_setup, stage_teardown)

#define PARAMS "{\"name\":\"tool\",\"arguments\":{\"a\":1.10},\"_meta\":{\"progressToken\":1}}"

static const char *inspect(struct stage *st, struct admin_query q)
{
    q.view = DMCP_VIEW_CALL;
    q.name = str_of(hex_of(st->call));
    return answer(st->rig->store, q);
}

/* ---- what is shown of what ---- */

static int create(dmcp_call *call, void *arg, dmcp_value **result)
{
    uint64_t ms;

    (void)arg;
    DMCP_TRY(dmcp_now(call, &ms));
    *result = dmcp_string(call, "ann");
    return DMCP_OK;
}

static int refuse(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)arg;
    (void)result;
    return dmcp_fail(call, 7, "no answer from \"mail\"");
}

static int do_everything(dmcp_call *call)
{
    dmcp_batch *batch;
    char uuid[37];

    DMCP_TRY(dmcp_at_least_once(call, "create user", create, NULL, NULL));
    (void)dmcp_at_most_once(call, "mail", refuse, NULL, NULL); /* fails */
    DMCP_TRY(dmcp_uuid7(call, uuid));
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "users"), "k", "v", 1));
    DMCP_TRY(dmcp_map_remove(dmcp_map_as(call, "users", "second"), "k"));
    batch = dmcp_batch_new(call, "all");
    dmcp_batch_insert(batch, "users", "l", "w", 1);
    DMCP_TRY(dmcp_batch_write(batch));
    DMCP_TRY(dmcp_progress(call, 1, 2, "half"));
    DMCP_TRY(dmcp_sleep(call, 1000));
    DMCP_TRY(dmcp_await_signal(call, "go", 0, NULL));
    return dmcp_reply(call, "{s:b}", "done", 1);
}

CALL_TEST(shows_everything_that_a_handler_did_in_words)
{
    struct stage *st = *state;

    stage_start_params(st, do_everything, NULL, PARAMS);
    stage_attempt(st);
    inspect(st, (struct admin_query){ .limit = 0 });
    expect_part("\"status\":\"suspended\",\"attempt\":1,");
    expect_part("\"params\":{\"name\":\"tool\",\"arguments\":{\"a\":1.1},");
    expect_part("{\"what\":\"create user\",\"kind\":\"step\",\"guard\":\"at_least_once\","
                "\"state\":\"done\",\"attempt\":1,");
    expect_part("\"result_bytes\":5,\"result\":\"ann\"}");
    expect_part("{\"what\":\"now#1 in \\\"create user\\\"\",\"kind\":\"value\",\"state\":\"done\"");
    expect_part("{\"what\":\"mail\",\"kind\":\"step\",\"guard\":\"at_most_once\","
                "\"state\":\"failed\"");
    expect_part("\"reason\":\"no answer from \\\"mail\\\"\"}");
    expect_part("{\"what\":\"uuid7#1\",\"kind\":\"value\"");
    expect_part("{\"what\":\"map insert users\",\"kind\":\"map\",\"state\":\"done\"");
    expect_part("{\"what\":\"map remove users as \\\"second\\\"\",\"kind\":\"map\"");
    expect_part("{\"what\":\"batch \\\"all\\\"\",\"kind\":\"batch\"");
    expect_part("{\"what\":\"report_progress(progress=1, total=2, message=half)\","
                "\"kind\":\"event\"");
    expect_part("{\"what\":\"sleep 1\",\"kind\":\"sleep\",\"state\":\"started\"");
    expect_not("\"kind\":\"other\"");
}

CALL_TEST(shows_the_end_of_a_sleep_as_what_it_waited_for)
{
    struct stage *st = *state;

    stage_start_params(st, do_everything, NULL, PARAMS);
    stage_attempt(st);
    stage_pass(st, 1000);
    stage_attempt(st);
    inspect(st, (struct admin_query){ .limit = 0 });
    expect_part("{\"what\":\"sleep 1\",\"kind\":\"sleep\",\"state\":\"done\",\"attempt\":1,");
    expect_part("{\"what\":\"signal \\\"go\\\"\",\"kind\":\"signal\",\"state\":\"started\","
                "\"attempt\":2,");
}

CALL_TEST(shows_the_result_of_a_call_that_is_over)
{
    struct stage *st = *state;

    stage_start_params(st, do_everything, NULL, PARAMS);
    stage_attempt(st);
    stage_pass(st, 1000);
    stage_attempt(st);
    stage_signal(st, "go", "{\"by\":\"ann\"}");
    stage_attempt(st);
    inspect(st, (struct admin_query){ .limit = 0 });
    expect_part("\"status\":\"finished\",\"outcome\":\"result\",\"is_error\":false,");
    expect_part("\"kind\":\"signal\",\"state\":\"done\",");
    expect_part("\"result\":{\"by\":\"ann\"}");
    expect_part("\"structuredContent\":{\"done\":true}}},\"journal\":[");
}

static int ask_user(dmcp_call *call)
{
    static const dmcp_param ok[] = { { .name = "ok", .type = DMCP_BOOLEAN }, { .name = NULL } };

    return dmcp_elicit(call, &(dmcp_question){ .alias = "sure", .message = "Sure?", .params = ok },
                       NULL, NULL);
}

CALL_TEST(finds_the_inputs_that_real_handlers_wait_for)
{
    struct stage *st = *state;

    stage_set_client(st, SESSION_ELICIT_FORM);
    stage_start_params(st, ask_user, NULL, PARAMS);
    stage_attempt(st);
    answer(st->rig->store, (struct admin_query){ .view = DMCP_VIEW_INPUTS });
    expect_part("\"kind\":\"question\",\"name\":\"sure\",\"what\":\"question \\\"sure\\\"\"");
}

/* ---- order and size ---- */

static int count_to(dmcp_call *call)
{
    for (int i = 0; i < 40; i++) {
        /* Aliases in the opposite order of time. */
        const char *alias = dmcp_format(call, "step %02d", 39 - i);

        DMCP_TRY(dmcp_at_least_once(call, alias, create, NULL, NULL));
        if (i % 10 == 9) {
            DMCP_TRY(dmcp_sleep(call, 5));
        }
    }
    return DMCP_OK;
}

static void count_and_sleep(struct stage *st)
{
    stage_start_params(st, count_to, NULL, PARAMS);
    for (int i = 0; i < 4; i++) {
        stage_attempt(st);
        stage_pass(st, 5);
    }
    stage_attempt(st);
    assert_true(stage_is_finished(st));
}

/* 40 steps with a value each, and 4 sleeps. */
CALL_TEST(is_in_the_order_of_time_on_pages_of_any_size)
{
    struct stage *st = *state;
    struct admin_query q = { .limit = 7 };
    unsigned n = 0;
    long long last_ms = 0;

    count_and_sleep(st);
    do {
        inspect(st, q);
        for (const char *at = answer_text; (at = strstr(at, "\"at_ms\":")); n++) {
            long long ms = atoll(at += 8);

            assert_true(ms >= last_ms);
            last_ms = ms;
        }
        q.after = next_of_answer();
    } while (q.after.len);
    assert_int_equal(n, 84);
}

CALL_TEST(of_a_call_that_began_to_wait_ends_with_that)
{
    struct stage *st = *state;

    stage_start_params(st, count_to, NULL, PARAMS);
    stage_attempt(st); /* ten steps and a sleep, in one and the same millisecond */
    inspect(st, (struct admin_query){ .limit = 0 });
    assert_int_equal(count_parts("\"what\""), 21);
    assert_non_null(strstr(strstr(answer_text, "\"what\":\"sleep 1\""), "}]}"));
    assert_null(strstr(strstr(answer_text, "\"what\":\"sleep 1\""), "\"what\":\"step"));
}

static int grow(dmcp_call *call, void *arg, dmcp_value **result)
{
    static char text[100001];

    (void)arg;
    memset(text, 'x', sizeof(text) - 1);
    *result = dmcp_string(call, text);
    return DMCP_OK;
}

static int grow_much(dmcp_call *call)
{
    for (int i = 0; i < 100; i++) {
        DMCP_TRY(dmcp_at_least_once(call, dmcp_format(call, "%d", i), grow, NULL, NULL));
    }
    return DMCP_OK;
}

CALL_TEST(shows_the_beginning_of_what_is_long)
{
    struct stage *st = *state;

    stage_start_params(st, grow_much, NULL, PARAMS);
    stage_attempt(st);
    inspect(st, (struct admin_query){ .limit = 1, .text = 10 });
    expect_part("\"result_bytes\":100002,\"result_start\":\"\\\"xxxxxxxxx\"");
}

CALL_TEST(has_pages_of_bounded_size_however_long_its_values_are)
{
    struct stage *st = *state;
    struct admin_query q = { .limit = 1000, .text = LIMIT_RESULT_BYTES };
    unsigned n = 0, pages = 0;

    stage_start_params(st, grow_much, NULL, PARAMS);
    stage_attempt(st);
    do {
        inspect(st, q);
        assert_true(strlen(answer_text) < sizeof(answer_text) - 1);
        n += count_parts("\"what\"");
        pages++;
        q.after = next_of_answer();
    } while (q.after.len);
    assert_int_equal(n, 100);
    assert_true(pages > 1);
}

CALL_TEST(of_a_call_that_is_not_there_is_not_found)
{
    struct stage *st = *state;

    assert_int_equal(ask(st->rig->store,
                         (struct admin_query){ .view = DMCP_VIEW_CALL,
                                               .name = STR("0190a6f0c1d27bcf8f6a1a2b3c4d5e6f") }),
                     DMCP_E_NOTFOUND);
    expect_part("there is no call 0190a6f0c1d27bcf8f6a1a2b3c4d5e6f");
}

RUN_TESTS()
