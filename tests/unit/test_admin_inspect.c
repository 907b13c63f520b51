/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators see of a store: its calls, sessions, maps, timers and what is waited for.
 */
#include "admin_fixture.h"

static int setup(void **state)
{
    *state = store_memory_new();
    return 0;
}

static int teardown(void **state)
{
    store_close(*state);
    return 0;
}

#define INSPECT_TEST(sentence) TEST_WITH(inspect, sentence, setup, teardown)

/* ---- calls ---- */

INSPECT_TEST(shows_calls_of_all_shards_from_the_newest_to_the_oldest)
{
    struct store *s = *state;
    const char *last;

    for (unsigned i = 0; i < 600; i++) {
        plant_call(s, id_of(i, (uint8_t)(i * 7)), KEY_RESULT, "add");
    }
    answer(s, (struct admin_query){ .view = DMCP_VIEW_CALLS, .limit = 1000 });
    assert_int_equal(count_parts("\"id\":"), 600);
    last = answer_text;
    for (unsigned i = 600; i-- > 0;) {
        char id[64];

        snprintf(id, sizeof(id), "\"id\":\"%s\"", hex_of(id_of(i, (uint8_t)(i * 7))));
        last = strstr(last, id);
        assert_non_null(last);
    }
}

INSPECT_TEST(shows_every_call_once_however_small_the_pages_are)
{
    struct store *s = *state;
    struct admin_query q = { .view = DMCP_VIEW_CALLS, .limit = 7 };
    unsigned n = 0, pages = 0;

    for (unsigned i = 0; i < 100; i++) {
        plant_call(s, id_of(i, (uint8_t)(i % 3)), KEY_RESULT, "add");
    }
    do {
        char oldest[64];

        answer(s, q);
        n += count_parts("\"id\":");
        pages++;
        snprintf(oldest, sizeof(oldest), "\"id\":\"%s\"",
                 hex_of(id_of(100 - n, (uint8_t)((100 - n) % 3))));
        expect_part(oldest);
        q.after = next_of_answer();
    } while (q.after.len);
    assert_int_equal(n, 100);
    assert_int_equal(pages, 15);
}

INSPECT_TEST(says_how_far_each_call_is)
{
    struct store *s = *state;
    struct id cancelled = id_of(4, 4);

    plant_call(s, id_of(1, 1), KEY_UNFINISHED, "add");
    plant_call(s, id_of(2, 2), KEY_SUSPENDED, "add");
    plant_call(s, id_of(3, 3), KEY_RESULT, "add");
    plant_call(s, cancelled, KEY_SUSPENDED, "add");
    PLANT(s, key_of_id(KEY_SUSPENDED, cancelled), unfinished, .attempt = 1,
          .flags = UNFINISHED_CANCELLED | UNFINISHED_ASKING, .told_ms = 1500);
    answer(s, (struct admin_query){ .view = DMCP_VIEW_CALLS });
    expect_part("\"tool\":\"add\",\"status\":\"unfinished\",\"attempt\":2,\"crashes\":1,"
                "\"created_ms\":1000");
    expect_part("\"status\":\"suspended\",\"attempt\":2,\"crashes\":1,\"created_ms\"");
    expect_part("\"status\":\"suspended\",\"attempt\":1,\"crashes\":0,\"is_cancelled\":true,"
                "\"told_ms\":1500,\"is_asking\":true");
    expect_part("\"status\":\"finished\",\"outcome\":\"result\",\"is_error\":false,"
                "\"finished_ms\":2000,\"events\":3,\"created_ms\":1000");
    expect_part("\"request_id\":7,\"era\":\"legacy\"");
}

INSPECT_TEST(tells_a_tool_error_from_a_result)
{
    struct store *s = *state;
    struct id id = id_of(1, 1);

    plant_call(s, id, KEY_RESULT, "add");
    PLANT(s, key_of_id(KEY_RESULT, id), result, .outcome = OUTCOME_RESULT,
          .body = STR("{\"content\":[],\"isError\":true}"));
    answer(s, (struct admin_query){ .view = DMCP_VIEW_CALLS });
    expect_part("\"outcome\":\"result\",\"is_error\":true");
}

static unsigned count_calls(struct store *s, const char *status, const char *tool,
                            const char *session)
{
    answer(s, (struct admin_query){ .view = DMCP_VIEW_CALLS,
                                    .status = str_of(status),
                                    .tool = str_of(tool),
                                    .session = str_of(session) });
    return count_parts("\"id\":");
}

INSPECT_TEST(narrows_calls_down_by_status_tool_and_session)
{
    struct store *s = *state;

    plant_call(s, id_of(1, 1), KEY_UNFINISHED, "add");
    plant_call(s, id_of(2, 1), KEY_SUSPENDED, "add");
    plant_call(s, id_of(3, 2), KEY_RESULT, "add");
    plant_call(s, id_of(4, 2), KEY_RESULT, "sub");
    assert_int_equal(count_calls(s, NULL, NULL, NULL), 4);
    assert_int_equal(count_calls(s, "unfinished", NULL, NULL), 1);
    assert_int_equal(count_calls(s, "suspended", NULL, NULL), 1);
    assert_int_equal(count_calls(s, "finished", NULL, NULL), 2);
    assert_int_equal(count_calls(s, NULL, "add", NULL), 3);
    assert_int_equal(count_calls(s, "finished", "sub", NULL), 1);
    assert_int_equal(count_calls(s, NULL, NULL, hex_of(id_of(0, 1))), 2);
    assert_int_equal(count_calls(s, NULL, NULL, hex_of(id_of(9, 1))), 0);
    assert_int_equal(ask(s, (struct admin_query){ .view = DMCP_VIEW_CALLS, .status = STR("done") }),
                     DMCP_E_INVALID);
}

INSPECT_TEST(gives_word_after_many_rows_that_are_not_what_was_asked_for)
{
    struct store *s = *state;
    struct admin_query q = { .view = DMCP_VIEW_CALLS, .tool = STR("sub") };

    plant_call(s, id_of(0, 9), KEY_RESULT, "sub");
    for (unsigned i = 1; i <= 10000; i++) {
        plant_call(s, id_of(i, 9), KEY_RESULT, "add");
    }
    answer(s, q);
    assert_int_equal(count_parts("\"id\":"), 0);
    q.after = next_of_answer();
    assert_true(q.after.len > 0);
    answer(s, q);
    assert_int_equal(count_parts("\"id\":"), 1);
    assert_int_equal(next_of_answer().len, 0);
}

INSPECT_TEST(refuses_a_place_that_no_page_gave)
{
    struct store *s = *state;

    plant_call(s, id_of(1, 1), KEY_RESULT, "add");
    assert_int_equal(ask(s, (struct admin_query){ .view = DMCP_VIEW_CALLS, .after = STR("00") }),
                     DMCP_E_INVALID);
    assert_int_equal(ask(s, (struct admin_query){ .view = DMCP_VIEW_CALLS, .after = STR("xx") }),
                     DMCP_E_INVALID);
    assert_int_equal(ask(s, (struct admin_query){ .view = DMCP_VIEW_MAPS, .after = STR("0") }),
                     DMCP_E_INVALID);
    assert_int_equal(ask(s, (struct admin_query){ .view = DMCP_VIEW_CALL,
                                                  .name = str_of(hex_of(id_of(1, 1))),
                                                  .after = STR("00") }),
                     DMCP_E_INVALID);
}

INSPECT_TEST(reports_a_row_that_cannot_be_read_and_does_not_fall)
{
    struct store *s = *state;
    struct id id = id_of(1, 1);
    static const dmcp_view views[] = { DMCP_VIEW_CALLS, DMCP_VIEW_CALL, DMCP_VIEW_SESSIONS,
                                       DMCP_VIEW_MAPS, DMCP_VIEW_TIMERS };

    plant(s, key_of_id(KEY_CALL, id), STR("?"));
    plant(s, key_of_id(KEY_SESSION, id), STR(""));
    plant(s, key_kind_start(KEY_MAP), STR(""));
    plant(s, key_kind_start(KEY_TIMER), STR(""));
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        struct admin_query q = { .view = views[i] };

        if (views[i] == DMCP_VIEW_CALL) {
            q.name = str_of(hex_of(id));
        }
        assert_int_equal(ask(s, q), DMCP_E_CORRUPT);
        expect_part("cannot be read");
    }
}

/* ---- sessions ---- */

INSPECT_TEST(shows_sessions_with_who_their_clients_are)
{
    struct store *s = *state;

    PLANT(s, key_of_id(KEY_SESSION, id_of(1, 1)), session, .created_ms = 10, .seen_ms = 20,
          .log_level = 3, .flags = SESSION_INITIALIZED, .protocol_version = STR("2025-11-25"),
          .principal = STR("ann"), .client_info = STR("{\"name\":\"c\",\"version\":\"1\"}"),
          .capabilities = STR("{}"));
    answer(s, (struct admin_query){ .view = DMCP_VIEW_SESSIONS });
    expect_part("\"created_ms\":10,\"seen_ms\":20,\"protocol_version\":\"2025-11-25\","
                "\"is_initialized\":true,\"log_level\":\"warning\",\"principal\":\"ann\","
                "\"client_name\":\"c\",\"client_version\":\"1\","
                "\"client_bytes\":26,\"client\":{\"name\":\"c\",\"version\":\"1\"}");
    expect_part(hex_of(id_of(1, 1)));
}

INSPECT_TEST(names_the_client_of_a_session_that_says_more_of_itself_than_is_shown)
{
    struct store *s = *state;

    PLANT(s, key_of_id(KEY_SESSION, id_of(1, 1)), session, .protocol_version = STR("2025-11-25"),
          .client_info = STR("{\"description\":\"a client that likes to talk\",\"name\":\"c\","
                             "\"version\":\"1.234567890123456\"}"),
          .capabilities = STR("{}"));
    answer(s, (struct admin_query){ .view = DMCP_VIEW_SESSIONS, .text = 16 });
    expect_part("\"client_name\":\"c\",\"client_version\":\"1.23456789012345\","
                "\"client_bytes\":86,\"client_start\":\"{\\\"description\\\":\\\"\"");
}

INSPECT_TEST(shows_one_session_with_its_stream_and_its_own_calls)
{
    struct store *s = *state;
    struct id session = id_of(900, 7);
    struct admin_query q = { .view = DMCP_VIEW_SESSION, .name = str_of(hex_of(session)) };

    PLANT(s, key_of_id(KEY_SESSION, session), session, .created_ms = 10, .seen_ms = 20,
          .log_level = 0, .protocol_version = STR("2025-06-18"), .principal = STR(""),
          .client_info = STR("{\"name\":\"c\"}"), .capabilities = STR("{\"roots\":{}}"));
    answer(s, q);
    expect_part("\"capabilities\":{\"roots\":{}},\"events\":0,\"events_sent\":0},\"calls\":[]}");
    PLANT(s, key_of_id(KEY_STREAM, session), stream, .next = 8, .sent = 5);
    for (unsigned i = 1; i <= 3; i++) {
        plant_call_of(s, id_of(i, 7), KEY_RESULT, "add", session);
        plant_call_of(s, id_of(10 + i, 7), KEY_RESULT, "add", id_of(901, 7)); /* in its shard */
    }
    q.limit = 2;
    answer(s, q);
    expect_part("\"events\":7,\"events_sent\":5},\"calls\":[{");
    assert_int_equal(count_parts("\"tool\":\"add\""), 2);
    expect_part(hex_of(id_of(3, 7)));
    q.after = next_of_answer();
    answer(s, q);
    assert_int_equal(count_parts("\"tool\":\"add\""), 1);
    expect_part(hex_of(id_of(1, 7)));
}

INSPECT_TEST(of_a_session_that_is_not_there_says_so)
{
    struct admin_query q = { .view = DMCP_VIEW_SESSION, .name = str_of(hex_of(id_of(1, 1))) };

    assert_int_equal(ask(*state, q), DMCP_E_NOTFOUND);
    expect_part("there is no session");
    q.name = STR("12");
    assert_int_equal(ask(*state, q), DMCP_E_INVALID);
    q.name = STR_NONE;
    assert_int_equal(ask(*state, q), DMCP_E_INVALID);
}

INSPECT_TEST(shows_every_session_once_on_some_page)
{
    struct store *s = *state;
    struct admin_query q = { .view = DMCP_VIEW_SESSIONS, .limit = 4 };
    unsigned n = 0;

    for (unsigned i = 0; i < 9; i++) {
        PLANT(s, key_of_id(KEY_SESSION, id_of(i, (uint8_t)i)), session, .client_info = STR("{}"));
    }
    do {
        answer(s, q);
        n += count_parts("\"id\":");
        q.after = next_of_answer();
    } while (q.after.len);
    assert_int_equal(n, 9);
}

/* ---- maps ---- */

INSPECT_TEST(lists_maps_by_name_and_counts_their_entries)
{
    struct store *s = *state;
    struct admin_query q = { .view = DMCP_VIEW_MAPS, .limit = 2 };

    plant(s, key_map(STR("a"), STR("k")), STR("1"));
    plant(s, key_map(STR("a"), STR("l")), STR("2"));
    plant(s, key_map(STR("a\x01"), STR("k")), STR("3"));
    plant(s, key_map(STR("b"), STR("\xff")), STR("4"));
    answer(s, q);
    assert_string_equal(strstr(answer_text, "["),
                        "[{\"name\":\"a\",\"entries\":2,\"has_more\":false},"
                        "{\"name\":\"a\\u0001\",\"entries\":1,\"has_more\":false}],"
                        "\"next\":\"6101\"}");
    q.after = next_of_answer();
    answer(s, q);
    assert_string_equal(answer_text,
                        "{\"maps\":[{\"name\":\"b\",\"entries\":1,\"has_more\":false}]}");
}

INSPECT_TEST(does_not_count_a_map_to_its_end)
{
    struct store *s = *state;

    for (unsigned i = 0; i <= 10000; i++) {
        char key[16];

        snprintf(key, sizeof(key), "%u", i);
        plant(s, key_map(STR("m"), str_of(key)), STR(""));
        if (i == 9999) {
            answer(s, (struct admin_query){ .view = DMCP_VIEW_MAPS });
            expect_part("\"entries\":10000,\"has_more\":false");
        }
    }
    answer(s, (struct admin_query){ .view = DMCP_VIEW_MAPS });
    expect_part("\"entries\":10000,\"has_more\":true");
}

INSPECT_TEST(shows_the_entries_of_a_map_by_prefix_and_page)
{
    struct store *s = *state;
    struct admin_query q = {
        .view = DMCP_VIEW_MAP, .name = STR("m"), .prefix = STR("a"), .limit = 1
    };

    plant(s, key_map(STR("m"), STR("a1")), STR("one"));
    plant(s, key_map(STR("m"), STR("a2")), STR("two"));
    plant(s, key_map(STR("m"), STR("b1")), STR("three"));
    plant(s, key_map(STR("n"), STR("a1")), STR("four"));
    answer(s, q);
    expect_part("{\"map\":\"m\",\"entries\":[{\"key\":\"a1\",\"value_bytes\":3,\"value\":\"one\"}]"
                ",\"next\":");
    q.after = next_of_answer();
    answer(s, q);
    assert_string_equal(answer_text, "{\"map\":\"m\",\"entries\":[{\"key\":\"a2\","
                                     "\"value_bytes\":3,\"value\":\"two\"}]}");
}

INSPECT_TEST(shows_bytes_that_are_no_text_in_base64_and_long_ones_cut)
{
    struct store *s = *state;

    plant(s, key_map(STR("m"), STR("\xff")), STR("\xff\x00"));
    plant(s, key_map(STR("m"), STR("long")), STR("0123456789"));
    plant(s, key_map(STR("m"), STR("utf8")), STR("123\xc3\xa4"));
    answer(s, (struct admin_query){ .view = DMCP_VIEW_MAP, .name = STR("m"), .text = 4 });
    expect_part("\"key_base64\":\"/w==\",\"value_bytes\":2,\"value_base64\":\"/wA=\"");
    expect_part("\"value_bytes\":10,\"value_start\":\"0123\"");
    expect_part("\"value_bytes\":5,\"value_start\":\"123\"");
}

/* ---- timers and inputs ---- */

static void plant_wait(struct store *s, struct id call, struct str alias, enum step_state state)
{
    PLANT(s, key_journal(call, alias), journal, .guard = GUARD_INPUT, .state = (uint8_t)state,
          .attempt = 1, .at_ms = 50, .label = STR("question \"x\""), .body = STR("1"));
}

INSPECT_TEST(shows_timers_by_their_times_and_which_are_over)
{
    struct store *s = *state;
    struct id waits = id_of(1, 1), is_over = id_of(2, 2);

    plant_call(s, waits, KEY_SUSPENDED, "add");
    plant_call(s, is_over, KEY_RESULT, "add");
    plant_wait(s, waits, STR("\x01s\0002"), STEP_STARTED);
    plant_wait(s, waits, STR("\x01s\0001"), STEP_FAILED);
    plant(s, key_timer(300, waits, STR("\x01s\0002")), STR(""));
    plant(s, key_timer(200, waits, STR("\x01s\0001")), STR(""));
    plant(s, key_timer(400, waits, STR("\x01timeout")), STR(""));
    plant(s, key_timer(100, is_over, STR("\x01timeout")), STR(""));
    answer(s, (struct admin_query){ .view = DMCP_VIEW_TIMERS });
    assert_int_equal(count_parts("\"due_ms\""), 4);
    assert_non_null(strstr(answer_text, "[{\"due_ms\":100,"));
    expect_part("\"kind\":\"time limit\",\"what\":\"time limit of the call\",\"is_stale\":true},"
                "{\"due_ms\":200,");
    expect_part("\"kind\":\"sleep\",\"what\":\"sleep 1\",\"is_stale\":true},{\"due_ms\":300,");
    expect_part("\"kind\":\"sleep\",\"what\":\"sleep 2\",\"is_stale\":false},{\"due_ms\":400,");
    expect_part("\"kind\":\"time limit\",\"what\":\"time limit of the call\",\"is_stale\":false}]");
    answer(s, (struct admin_query){ .view = DMCP_VIEW_TIMERS, .call = str_of(hex_of(is_over)) });
    assert_int_equal(count_parts("\"due_ms\""), 1);
}

INSPECT_TEST(shows_the_questions_and_signals_that_suspended_calls_wait_for)
{
    struct store *s = *state;
    struct id asks = id_of(1, 1), signal = id_of(2, 2), runs = id_of(3, 3);

    plant_call(s, asks, KEY_SUSPENDED, "add");
    plant_call(s, signal, KEY_SUSPENDED, "sub");
    plant_call(s, runs, KEY_UNFINISHED, "add");
    plant_wait(s, asks, STR("\x01q\0x"), STEP_STARTED);
    plant_wait(s, asks, STR("\x01q\0y"), STEP_DONE);
    plant_wait(s, asks, STR("\x01s\0001"), STEP_STARTED);
    plant_wait(s, signal, STR("\x01g\0go"), STEP_STARTED);
    plant_wait(s, runs, STR("\x01g\0go"), STEP_STARTED);
    answer(s, (struct admin_query){ .view = DMCP_VIEW_INPUTS });
    assert_int_equal(count_parts("\"call\":"), 2);
    expect_part(
        "\"tool\":\"add\",\"kind\":\"question\",\"name\":\"x\",\"what\":\"question \\\"x\\\"\","
        "\"since_ms\":50");
    expect_part(
        "\"tool\":\"sub\",\"kind\":\"signal\",\"name\":\"go\",\"what\":\"signal \\\"go\\\"\"");
    answer(s, (struct admin_query){ .view = DMCP_VIEW_INPUTS, .tool = STR("sub") });
    assert_int_equal(count_parts("\"call\":"), 1);
}

/* ---- the store ---- */

INSPECT_TEST(counts_what_a_store_holds)
{
    struct store *s = *state;

    plant_call(s, id_of(1, 1), KEY_UNFINISHED, "add");
    plant_call(s, id_of(2, 2), KEY_SUSPENDED, "add");
    plant_call(s, id_of(3, 3), KEY_RESULT, "add");
    plant_call(s, id_of(4, 4), KEY_RESULT, "add");
    plant(s, key_map(STR("m"), STR("k")), STR(""));
    plant(s, key_meta("format"), STR("1"));
    plant(s, key_meta("epoch"), STR("12"));
    answer(s, (struct admin_query){ .view = DMCP_VIEW_STORE });
    expect_part("{\"format\":1,\"starts\":12,\"sessions\":0,");
    expect_part("\"unfinished_calls\":1");
    expect_part("\"finished_calls\":2");
    expect_part("\"suspended_calls\":1");
    expect_part("\"map_entries\":1,\"at_least\":[]}");
}

RUN_TESTS()
