/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators ask for, on its way to a server; and what rows are called.
 */
#include "harness.h"

#include "admin/alias.h"
#include "admin/query.h"
#include "base/limits.h"

static struct arena arena;
static struct err err;

static int read_query(const char *view, const char *parameters, struct admin_query *q)
{
    arena_init(&arena);
    return query_read(&arena, str_of(view), str_of(parameters), q, &err);
}

TEST(query, comes_out_of_a_target_as_it_went_in)
{
    struct admin_query q = { .view = DMCP_VIEW_MAP,
                             .name = STR("a b&c=%\xc3\xa4\x01"),
                             .prefix = STR(""),
                             .after = STR("00ff"),
                             .limit = 7,
                             .text = 3 };
    struct admin_query again;
    struct buf target;
    char *question;

    buf_init(&target, MIB);
    query_write(&target, &q);
    question = strchr(target.data, '?');
    assert_non_null(question);
    *question = '\0';
    assert_string_equal(target.data, QUERY_PATH "map");
    assert_int_equal(read_query("map", question + 1, &again), DMCP_OK);
    assert_true(str_eq(again.name, q.name));
    assert_non_null(again.prefix.p);
    assert_int_equal(again.prefix.len, 0);
    assert_true(str_eq(again.after, q.after));
    assert_null(again.tool.p);
    assert_int_equal(again.limit, 7);
    assert_int_equal(again.text, 3);
    arena_fini(&arena);
    buf_fini(&target);
}

TEST(query, has_defaults_for_what_was_not_asked)
{
    struct admin_query q;

    assert_int_equal(read_query("calls", NULL, &q), DMCP_OK);
    assert_int_equal(q.limit, 50);
    assert_int_equal(q.text, 1024);
    arena_fini(&arena);
}

static void expect_refused(const char *view, const char *parameters, const char *why)
{
    struct admin_query q;

    assert_int_equal(read_query(view, parameters, &q), DMCP_E_INVALID);
    if (!strstr(err.text, why)) {
        print_error("%s\n", err.text);
        fail();
    }
    arena_fini(&arena);
}

TEST(query, is_refused_with_the_reason_when_it_cannot_be)
{
    expect_refused("cats", "", "no view \"cats\"");
    expect_refused("", "", "no view \"\"");
    expect_refused("calls", "colour=red", "no parameter \"colour\"");
    expect_refused("calls", "status=done", "unfinished, suspended or finished");
    expect_refused("calls", "limit=1001", "at most 1000");
    expect_refused("calls", "limit=-1", "limit is not a number");
    expect_refused("calls", "limit=", "limit is not a number");
    expect_refused("calls", "text=16777217", "16777216");
    expect_refused("calls", "session=12", "32 hexadecimal digits");
    expect_refused("call", "", "its id is missing");
    expect_refused("call", "name=xyz", "32 hexadecimal digits");
    expect_refused("map", "", "its name is missing");
    expect_refused("map", "name=%4", "two hexadecimal digits");
    expect_refused("map", "name=%", "two hexadecimal digits");
    expect_refused("map", "name=%zz", "two hexadecimal digits");
}

TEST(query, takes_an_id_in_either_case_and_with_the_dashes_of_a_uuid)
{
    struct id a, b, c;

    assert_int_equal(query_read_id(STR("0190a6f0c1d27bcf8f6a1a2b3c4d5e6f"), &a), DMCP_OK);
    assert_int_equal(query_read_id(STR("0190A6F0C1D27BCF8F6A1A2B3C4D5E6F"), &b), DMCP_OK);
    assert_int_equal(query_read_id(STR("0190a6f0-c1d2-7bcf-8f6a-1a2b3c4d5e6f"), &c), DMCP_OK);
    assert_true(id_eq(a, b) && id_eq(a, c));
    assert_int_equal(query_read_id(STR("0190a6f0c1d27bcf8f6a1a2b3c4d5e6"), &a), DMCP_E_INVALID);
    assert_int_equal(query_read_id(STR("g190a6f0c1d27bcf8f6a1a2b3c4d5e6f"), &a), DMCP_E_INVALID);
    assert_int_equal(query_read_id(STR_NONE, &a), DMCP_E_INVALID);
}

TEST(query, knows_what_can_be_the_name_of_a_signal)
{
    char longest[LIMIT_ALIAS_BYTES + 2];

    memset(longest, 'x', sizeof(longest));
    assert_int_equal(query_check_signal(STR("go"), &err), DMCP_OK);
    assert_int_equal(query_check_signal(str_make(longest, LIMIT_ALIAS_BYTES), &err), DMCP_OK);
    assert_int_equal(query_check_signal(str_make(longest, LIMIT_ALIAS_BYTES + 1), &err),
                     DMCP_E_INVALID);
    assert_int_equal(query_check_signal(STR(""), &err), DMCP_E_INVALID);
    assert_int_equal(query_check_signal(STR_NONE, &err), DMCP_E_INVALID);
    assert_int_equal(query_check_signal(STR("\x01go"), &err), DMCP_E_INVALID);
    assert_int_equal(query_check_signal(STR("g\0o"), &err), DMCP_E_INVALID);
    assert_int_equal(query_check_signal(STR("\xff"), &err), DMCP_E_INVALID);
}

/* ---- aliases ---- */

static void expect_alias(struct str alias, const char *label, const char *kind, const char *what)
{
    struct buf b;

    assert_string_equal(alias_kind(alias), kind);
    buf_init(&b, MIB);
    alias_write(&b, alias, str_of(label));
    assert_string_equal(buf_str(&b).p, what);
    buf_fini(&b);
}

TEST(alias, of_a_step_is_what_its_author_called_it)
{
    expect_alias(STR("create user"), "", "step", "create user");
    expect_alias(STR(""), "", "step", "");
}

TEST(alias, of_what_the_library_records_is_put_into_words)
{
    expect_alias(STR("\x01v\0now#1"), "", "value", "now#1");
    expect_alias(STR("\x01m\0dmcp_map_insert\0users"), "", "map", "map insert users");
    expect_alias(STR("\x01m\0dmcp_map_insert\0users\0second"), "", "map",
                 "map insert users as \"second\"");
    expect_alias(STR("\x01"
                     "b\0"),
                 "", "batch", "batch");
    expect_alias(STR("\x01"
                     "b\0all"),
                 "", "batch", "batch \"all\"");
    expect_alias(STR("\x01"
                     "e\0"
                     "0123"),
                 "report", "event", "report");
    expect_alias(STR("\x01s\0"
                     "2"),
                 "", "sleep", "sleep 2");
    expect_alias(STR("\x01r\0pay\0"
                     "3"),
                 "", "retry", "wait 3 between tries of \"pay\"");
    expect_alias(STR("\x01q\0sure?"), "", "question", "question \"sure?\"");
    expect_alias(STR("\x01q\0sure?"), "sampling \"sure?\"", "question", "sampling \"sure?\"");
    expect_alias(STR("\x01g\0go"), "", "signal", "signal \"go\"");
    expect_alias(STR("\x01u\0full"), "", "until", "until \"full\"");
    expect_alias(STR("\x01l\0all"), "", "loop", "loop \"all\"");
    expect_alias(STR("\x01timeout"), "", "time limit", "time limit of the call");
    expect_alias(STR("\x01watch\x11m\0k"), "", "wake", "calls that a map entry wakes");
    expect_alias(STR("\x01"
                     "close7"),
                 "", "close", "calls of a closed session");
}

TEST(alias, in_an_iteration_says_in_which_one_of_which_loop)
{
    expect_alias(STR("\x01iall\0"
                     "7\0pay"),
                 "", "step", "pay in iteration 7 of \"all\"");
    expect_alias(STR("\x01iall\0"
                     "7\0\x01g\0go"),
                 "", "signal", "signal \"go\" in iteration 7 of \"all\"");
    expect_alias(STR("\x01iouter\0"
                     "1\0\x01iinner\0"
                     "2\0pay"),
                 "", "step", "pay in iteration 1 of \"outer\" in iteration 2 of \"inner\"");
    assert_true(str_eq(alias_name(STR("\x01iall\0"
                                      "7\0\x01g\0go")),
                       STR("go")));
}

TEST(alias, names_the_step_whose_body_did_it)
{
    expect_alias(STR("\x01vpay\0now#1"), "", "value", "now#1 in \"pay\"");
}

TEST(alias, that_is_broken_or_unknown_is_told_somehow)
{
    expect_alias(STR("\x01"), "", "step", "\x01");
    expect_alias(STR("\x01z\0x"), "label", "other", "label");
    expect_alias(STR("\x01m"), "", "map", " ");
    expect_alias(STR("\x01iall"), "", "other", "event in \"all\"");
    expect_alias(STR("\x01iall\0"
                     "7"),
                 "", "other", "event in \"all\"");
    expect_alias(STR("\x01r"), "", "retry", "wait  between tries of \"\"");
}

RUN_TESTS()
