/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls without a journal: of ephemeral tools and outside of tools. And what a call is told about
 * itself, what is recorded of time and chance, and UUIDs.
 */
#include "harness.h"

#include "stage.h"

static int count(dmcp_call *call, void *arg, dmcp_value **result)
{
    unsigned *n = arg;

    ++*n;
    if (*n < 3) {
        return dmcp_fail(call, 7, "try again");
    }
    *result = dmcp_integer(call, *n);
    return DMCP_OK;
}

/* ---- ephemeral ---- */

static int ephemeral(dmcp_call *call)
{
    static const int retryable[] = { 7, 0 };
    const dmcp_step least = { .alias = "a", .retry = { 5, 1, 1 } };
    const dmcp_step most = { .alias = "a", .retry = { 5, 1, 1 }, .retryable = retryable };
    unsigned n = 0;
    dmcp_value *v;
    uint64_t ms;
    char bytes[8], uuid[37];

    DMCP_TRY(dmcp_progress(call, 1, -1, NULL));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "one"));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "one"));
    DMCP_TRY(dmcp_list_changed(call, DMCP_TOOLS, "x"));
    DMCP_TRY(dmcp_at_least_once_with(call, &least, count, &n, &v));
    assert_int_equal(dmcp_int(v), 3);
    n = 0;
    DMCP_TRY(dmcp_at_most_once_with(call, &most, count, &n, &v));
    assert_int_equal(dmcp_int(v), 3);
    DMCP_TRY(dmcp_now(call, &ms));
    assert_true(ms > 0);
    DMCP_TRY(dmcp_random(call, bytes, sizeof(bytes)));
    DMCP_TRY(dmcp_uuid7(call, uuid));
    assert_int_equal(strlen(uuid), 36);
    assert_int_equal(dmcp_call_attempt(call), 1);
    return dmcp_reply(call, "s", "done");
}

static const char params[] =
    "{\"name\":\"tool\",\"arguments\":{},\"_meta\":{\"progressToken\":\"t\"}}";

TEST_WITH(ephemeral_call, runs_and_answers_without_the_engine, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    const char *said = stage_call_ephemeral(st, ephemeral, NULL, params);

    assert_int_equal(st->n_applied, 0);
    assert_non_null(strstr(said, "\"progressToken\":\"t\",\"progress\":1.0}}\n"));
    assert_non_null(strstr(said, "\"data\":\"one\"}}\n"));
    assert_non_null(strstr(said, "tools/list_changed\"}\n"));
    assert_non_null(strstr(said, "\n{\"content\":[{\"type\":\"text\",\"text\":\"done\"}],"
                                 "\"structuredContent\":{\"result\":\"done\"}}"));
}

static int ephemeral_write(dmcp_call *call)
{
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "m"), "a", "1", 1));
    return dmcp_map_insert(dmcp_map_open(call, "m"), "a", "2", 1);
}

TEST_WITH(ephemeral_call, writes_durably_and_not_once, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    assert_string_equal(stage_call_ephemeral(st, ephemeral_write, NULL, params),
                        "{\"content\":[]}");
    assert_int_equal(st->n_syncs, 2);
    assert_string_equal(stage_map_value(st, "m", "a"), "2");
    assert_int_equal(rig_count(st->rig, key_kind_start(KEY_JOURNAL)), 0);
}

static int works(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)arg;
    *result = dmcp_string(call, "done");
    return DMCP_OK;
}

static int ephemeral_once(dmcp_call *call)
{
    dmcp_value *v;

    DMCP_TRY(dmcp_at_least_once(call, "a", works, NULL, &v));
    return dmcp_reply_value(call, v);
}

static int never_works(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)result;
    atomic_store(&((struct stage *)arg)->is_stopping, true);
    return dmcp_fail(call, 7, "try again");
}

static int ephemeral_retry(dmcp_call *call)
{
    const dmcp_step slow = { .alias = "a", .retry = { 5, 3600000, 3600000 } };

    return dmcp_at_least_once_with(call, &slow, never_works, dmcp_call_context(call), NULL);
}

TEST_WITH(ephemeral_call, answers_even_when_the_server_stops, stage_setup, stage_teardown)
{
    assert_non_null(strstr(stage_call_ephemeral(*state, ephemeral_retry, *state, params),
                           "Error executing tool tool: the server is stopping"));
}

TEST_WITH(ephemeral_call, runs_to_its_end_while_the_server_stops, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    atomic_store(&st->is_stopping, true);
    assert_non_null(strstr(stage_call_ephemeral(st, ephemeral_once, NULL, params), "done"));
}

/* ---- outside of tools ---- */

static int outside(dmcp_call *call)
{
    unsigned n = 0;
    const dmcp_step step = { .alias = "a", .retry = { 5, 1, 1 } };

    assert_string_equal(dmcp_call_id(call), "");
    assert_string_equal(dmcp_call_tool(call), "");
    assert_string_equal(dmcp_call_session(call), "");
    assert_int_equal(dmcp_call_attempt(call), 1);
    assert_int_equal(dmcp_count(dmcp_args(call)), 0);
    DMCP_TRY(dmcp_progress(call, 1, -1, NULL));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_EMERGENCY, NULL, "nobody hears this"));
    DMCP_TRY(dmcp_list_changed(call, DMCP_TOOLS, "x"));
    DMCP_TRY(dmcp_at_least_once_with(call, &step, count, &n, NULL));
    for (int i = 0; i < 3; i++) {
        DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "m"), dmcp_format(call, "%d", i), "v", 1));
    }
    return dmcp_call_context(call) ? dmcp_fail(call, 9, "the disk is not there") : DMCP_OK;
}

TEST_WITH(start_up_function, writes_durably_and_returns_its_error, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct call_handler h = { outside, NULL };
    struct err e = { 0 };

    assert_int_equal(call_execute_outside(&st->env, &st->waiter, &h, &e), DMCP_OK);
    assert_int_equal(st->n_syncs, 3);
    assert_string_equal(stage_map_value(st, "m", "2"), "v");
    h.context = st;
    assert_int_equal(call_execute_outside(&st->env, &st->waiter, &h, &e), 9);
    assert_string_equal(e.text, "the disk is not there");
}

/* ---- the call itself ---- */

struct identity {
    char id[2][40], key[2][40], other_key[40];
    unsigned attempt;
    bool is_current;
    struct id current;
};

static int identify(dmcp_call *call)
{
    struct identity *i = dmcp_call_context(call);
    unsigned at = dmcp_call_attempt(call) - 1;
    uint64_t ms;

    i->attempt = dmcp_call_attempt(call);
    assert_in_range(at, 0, 1);
    snprintf(i->id[at], sizeof(i->id[at]), "%s", dmcp_call_id(call));
    snprintf(i->key[at], sizeof(i->key[at]), "%s", dmcp_idempotency_key(call, "charge"));
    snprintf(i->other_key, sizeof(i->other_key), "%s", dmcp_idempotency_key(call, "refund"));
    i->is_current = call_current(&i->current);
    return dmcp_now(call, &ms);
}

TEST_WITH(call, knows_its_id_and_attempt_and_gives_stable_keys, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct identity i = { 0 }, other = { 0 };
    struct id id;

    stage_start(st, identify, &i, "{}");
    st->cut = 0;
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(i.attempt, 2);
    assert_string_equal(i.id[0], i.id[1]);
    assert_string_equal(i.key[0], i.key[1]);
    assert_int_equal(strlen(i.key[0]), 32);
    assert_string_not_equal(i.key[0], i.other_key);
    assert_true(i.is_current);
    assert_true(id_eq(i.current, st->call));
    assert_false(call_current(&id));
    stage_call(st, identify, &other, "{}");
    assert_string_not_equal(other.key[0], i.key[0]);
}

static int name_session(dmcp_call *call)
{
    char *name = dmcp_call_context(call);

    snprintf(name, 40, "%s", dmcp_call_session(call));
    assert_string_equal(dmcp_call_session(call), name);
    return dmcp_reply(call, "s", "named");
}

/* Who knows its session's id can speak for its client. */
TEST_WITH(call, knows_its_session_by_a_name_that_is_not_its_id, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    char one[40], two[40], third[40], hex[ID_HEX_BYTES + 1];

    stage_call(st, name_session, one, "{}");
    stage_call(st, name_session, two, "{}");
    assert_int_equal(strlen(one), 32);
    assert_string_equal(one, two);
    id_to_hex(st->rig->session, hex);
    assert_string_not_equal(one, hex);
    st->rig->session = rig_other_session(st->rig);
    stage_call(st, name_session, third, "{}");
    assert_string_not_equal(one, third);
}

/* ---- time and chance ---- */

struct chance {
    uint64_t now[2];
    uint8_t bytes[16], more[16];
    char uuid[37];
    size_t size;
    int rc;
    char text[300];
};

static int ask_all(dmcp_call *call)
{
    struct chance *c = dmcp_call_context(call);

    DMCP_TRY(dmcp_now(call, &c->now[0]));
    DMCP_TRY(dmcp_now(call, &c->now[1]));
    DMCP_TRY(dmcp_random(call, c->bytes, sizeof(c->bytes)));
    c->rc = dmcp_random(call, c->more, c->size);
    snprintf(c->text, sizeof(c->text), "%s", dmcp_error_text(call));
    DMCP_TRY(c->rc);
    return dmcp_uuid7(call, c->uuid);
}

TEST_WITH(recorded, answers_are_the_same_in_a_later_attempt, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct chance first = { .size = 16 }, second = { .size = 16 };

    stage_start(st, ask_all, &first, "{}");
    st->cut = 5;
    stage_attempt(st);
    st->tool.handler.context = &second;
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(st->n_commands[CMD_STEP], 0);
    assert_memory_equal(first.now, second.now, sizeof(first.now));
    assert_memory_equal(first.bytes, second.bytes, sizeof(first.bytes));
    assert_memory_equal(first.more, second.more, sizeof(first.more));
    assert_memory_not_equal(first.bytes, first.more, sizeof(first.more));
    assert_string_equal(first.uuid, second.uuid);
}

TEST_WITH(recorded, random_bytes_of_another_size_are_noticed, stage_setup, stage_teardown)
{
    struct stage *st = *state;
    struct chance c = { .size = 16 };

    stage_start(st, ask_all, &c, "{}");
    st->cut = 4;
    stage_attempt(st);
    c.size = 15;
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(c.rc, DMCP_E_DIVERGED);
    assert_string_equal(c.text,
                        "random#2 has 16 bytes in the call's journal, and the handler asks for 15: was the "
                        "handler of tool \"tool\" changed under a running call? Give a changed "
                        "step a new alias");
}

static int much_chance(dmcp_call *call)
{
    uint8_t bytes[1025];

    DMCP_TRY(dmcp_random(call, NULL, 0));
    DMCP_TRY(dmcp_random(call, bytes, 1024));
    assert_int_equal(dmcp_random(call, bytes, 1025), DMCP_E_TOOBIG);
    return dmcp_reply(call, "s", dmcp_error_text(call));
}

TEST_WITH(recorded, random_bytes_are_at_most_1024, stage_setup, stage_teardown)
{
    assert_non_null(strstr(stage_call(*state, much_chance, NULL, "{}"),
                           "dmcp_random gives at most 1024 bytes, not 1025"));
}

/* ---- UUIDs ---- */

TEST(uuid7, increases_and_tells_its_time)
{
    char before[37], after[37], bound[37];
    uint64_t ms, bound_ms;

    dmcp_uuid7_create(before);
    for (int i = 0; i < 10000; i++) {
        dmcp_uuid7_create(after);
        assert_true(strcmp(before, after) < 0);
        memcpy(before, after, sizeof(before));
    }
    assert_int_equal(dmcp_uuid7_ms(after, &ms), DMCP_OK);
    dmcp_uuid7_from_ms(ms, bound);
    assert_true(strcmp(bound, after) <= 0);
    assert_int_equal(dmcp_uuid7_ms(bound, &bound_ms), DMCP_OK);
    assert_int_equal(bound_ms, ms);
    dmcp_uuid7_from_ms(ms + 1, bound);
    assert_true(strcmp(bound, after) > 0);
}

TEST(uuid7, is_not_any_other_text)
{
    uint64_t ms = 1;

    assert_int_equal(dmcp_uuid7_ms("", &ms), DMCP_E_INVALID);
    assert_int_equal(dmcp_uuid7_ms("01890a5d-ac96-474b-bcce-b302099a8057", &ms), DMCP_E_INVALID);
    assert_int_equal(ms, 1);
    assert_int_equal(dmcp_uuid7_ms("01890a5d-ac96-774b-bcce-b302099a8057", &ms), DMCP_OK);
    assert_true(ms == UINT64_C(0x01890a5dac96));
}

RUN_TESTS()
