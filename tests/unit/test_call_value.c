/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values: making them, looking into them, and what is left of them after they went through the
 * journal. Arguments and their fallbacks, too.
 */
#include "harness.h"

#include <math.h>
#include <sys/wait.h>

#include "stage.h"

/* Runs a function with a call that has no journal. */
static int run_outside(dmcp_handler_fn *fn, void *context)
{
    struct stage *st = stage_new();
    struct call_handler h = { fn, context };
    struct err e = { 0 };
    int rc = call_execute_outside(&st->env, &st->waiter, &h, &e);

    stage_free(st);
    return rc;
}

#define assert_text(value, expected) assert_string_equal(dmcp_json_text(call, value), expected)

/* ---- pack ---- */

static int packs(dmcp_call *call)
{
    dmcp_value *inner = dmcp_pack(call, "[i]", 7);

    assert_text(dmcp_pack(call, "{s:s, s:[i,i]}", "status", "ok", "sizes", 3, 4),
                "{\"status\":\"ok\",\"sizes\":[3,4]}");
    assert_text(dmcp_pack(call, "{}"), "{}");
    assert_text(dmcp_pack(call, "[]"), "[]");
    assert_text(dmcp_pack(call, " [ s\n,\ts ] ", "a", "b"), "[\"a\",\"b\"]");
    assert_text(dmcp_pack(call, "[ss]", "a", "b"), "[\"a\",\"b\"]");
    assert_text(dmcp_pack(call, "S", "a\0b", (size_t)3), "\"a\\u0000b\"");
    assert_text(dmcp_pack(call, "{S:n}", "keyed", (size_t)3), "{\"key\":null}");
    assert_text(dmcp_pack(call, "[i,I,I]", -1, INT64_MIN, INT64_MAX),
                "[-1,-9223372036854775808,9223372036854775807]");
    assert_text(dmcp_pack(call, "[f,f,f]", 0.5, (double)NAN, (double)INFINITY), "[0.5,null,null]");
    assert_text(dmcp_pack(call, "[b,b,b,n]", 1, 0, 42), "[true,false,true,null]");
    assert_text(dmcp_pack(call, "[s,S,v,j]", NULL, NULL, (size_t)0, NULL, NULL),
                "[null,null,null,null]");
    assert_text(dmcp_pack(call, "{s:v,s:v}", "a", inner, "b", inner), "{\"a\":[7],\"b\":[7]}");
    assert_text(dmcp_pack(call, "{s:j}", "raw", " {\"x\": [1.50, 2e3]} "),
                "{\"raw\":{\"x\":[1.5,2000.0]}}");
    assert_text(dmcp_pack(call, "{s:i,s:i}", "a", 1, "a", 2), "{\"a\":2}");
    return DMCP_OK;
}

TEST(pack, makes_what_its_format_says)
{
    assert_int_equal(run_outside(packs, NULL), DMCP_OK);
}

static int packs_bad_json(dmcp_call *call)
{
    assert_null(dmcp_pack(call, "[i,j,s]", 1, "{\"a\":1,}", "unused"));
    assert_non_null(strstr(dmcp_error_text(call), "at byte 6"));
    assert_null(dmcp_pack(call, "j", "{\"a\":1,\"a\":2}"));
    assert_null(dmcp_pack(call, "j", ""));
    return dmcp_reply(call, "{s:j}", "a", "nonsense");
}

TEST(pack, refuses_raw_text_that_is_not_json)
{
    assert_int_equal(run_outside(packs_bad_json, NULL), DMCP_E_INVALID);
}

static int packs_bad_format(dmcp_call *call)
{
    dmcp_pack(call, dmcp_call_context(call), "a", "b");
    return DMCP_OK;
}

/* The process that packs this dies of SIGABRT. */
static bool aborts(const char *fmt)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        fclose(stderr);
        run_outside(packs_bad_format, (void *)(uintptr_t)fmt);
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

TEST(pack, aborts_over_a_bad_format)
{
    static const char *const bad[] = { "",  "x",    "{s}",   "{s:", "[s",
                                       "]", "{s:s", "{i:s}", "s s", "{s s}" };

    assert_false(aborts("[s,s]"));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (!aborts(bad[i])) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
}

/* ---- strings and numbers ---- */

static int scalars(dmcp_call *call)
{
    dmcp_value *v = dmcp_string(call, "caf\xe9 \xc3\xa9");

    assert_string_equal(dmcp_str(v), "caf\xef\xbf\xbd \xc3\xa9");
    assert_int_equal(dmcp_str_size(v), 9);
    assert_text(dmcp_string(call, NULL), "null");
    assert_text(dmcp_stringf(call, "%s-%d", "a", 3), "\"a-3\"");
    assert_int_equal(dmcp_int(dmcp_integer(call, -5)), -5);
    assert_true(dmcp_num(dmcp_integer(call, -5)) == -5.0);
    assert_true(dmcp_num(dmcp_number(call, 0.1)) == 0.1);
    assert_int_equal(dmcp_int(dmcp_number(call, 0.1)), 0);
    assert_int_equal(dmcp_int(dmcp_number(call, 3.0)), 3);
    assert_true(dmcp_bool(dmcp_boolean(call, true)));
    assert_int_equal(dmcp_value_type(dmcp_number(call, 3.0)), DMCP_INTEGER);
    assert_int_equal(dmcp_value_type(dmcp_number(call, 3.5)), DMCP_NUMBER);
    assert_int_equal(dmcp_value_type(dmcp_number(call, NAN)), DMCP_NULL);
    assert_int_equal(dmcp_value_type(dmcp_boolean(call, false)), DMCP_BOOLEAN);
    return DMCP_OK;
}

TEST(value, is_made_of_strings_numbers_and_truths)
{
    assert_int_equal(run_outside(scalars, NULL), DMCP_OK);
}

static const dmcp_value *parse(dmcp_call *call, const char *text)
{
    const dmcp_value *v = dmcp_json_parse(call, text, strlen(text));

    if (!v) {
        fail_msg("%s: %s", text, dmcp_error_text(call));
    }
    return v;
}

static int numbers(dmcp_call *call)
{
    assert_int_equal(dmcp_value_type(parse(call, "9223372036854775807")), DMCP_INTEGER);
    assert_int_equal(dmcp_value_type(parse(call, "9223372036854775808")), DMCP_NUMBER);
    assert_int_equal(dmcp_int(parse(call, "9223372036854775808")), 0);
    assert_int_equal(dmcp_int(parse(call, "-9223372036854775808")), INT64_MIN);
    assert_int_equal(dmcp_int(parse(call, "1e3")), 1000);
    assert_text(parse(call, "12345678901234567890123"), "12345678901234567890123");
    assert_true(dmcp_num(parse(call, "12345678901234567890123")) == 12345678901234567890123.0);
    assert_text(parse(call, "0.1000000000000000055"), "0.1000000000000000055");
    assert_text(parse(call, "[1.10,-0,1e400]"), "[1.1,-0,1e400]");
    assert_text(dmcp_pack(call, "[v]", parse(call, "1e400")), "[1e400]");
    return DMCP_OK;
}

TEST(value, passes_numbers_on_undamaged)
{
    assert_int_equal(run_outside(numbers, NULL), DMCP_OK);
}

static int wrong_types(dmcp_call *call)
{
    const dmcp_value *s = dmcp_string(call, "12"), *a = parse(call, "[1]");

    assert_int_equal(dmcp_value_type(NULL), DMCP_NULL);
    assert_string_equal(dmcp_str(NULL), "");
    assert_int_equal(dmcp_int(NULL), 0);
    assert_true(dmcp_num(NULL) == 0);
    assert_false(dmcp_bool(NULL));
    assert_int_equal(dmcp_count(NULL), 0);
    assert_null(dmcp_get(NULL, "a"));
    assert_null(dmcp_at(NULL, 0));
    assert_null(dmcp_key(NULL, 0));
    assert_text(NULL, "null");
    assert_int_equal(dmcp_int(s), 0);
    assert_int_equal(dmcp_count(s), 0);
    assert_string_equal(dmcp_str(a), "");
    assert_int_equal(dmcp_str_size(a), 0);
    assert_null(dmcp_get(a, "a"));
    assert_null(dmcp_key(a, 0));
    assert_null(dmcp_at(a, 1));
    return DMCP_OK;
}

TEST(value, of_another_type_or_absent_gives_the_empty_answer)
{
    assert_int_equal(run_outside(wrong_types, NULL), DMCP_OK);
}

/* ---- containers ---- */

static int containers(dmcp_call *call)
{
    const dmcp_value *v = parse(call, "{\"a\":1,\"b\":[10,20,30],\"c\":{}}"), *b;

    assert_int_equal(dmcp_count(v), 3);
    assert_string_equal(dmcp_key(v, 2), "c");
    assert_string_equal(dmcp_key(v, 0), "a");
    b = dmcp_at(v, 1);
    assert_ptr_equal(b, dmcp_get(v, "b"));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(dmcp_int(dmcp_at(b, i)), 10 * (int)(i + 1));
        assert_int_equal(dmcp_int(dmcp_at(b, 2 - i)), 10 * (int)(3 - i));
    }
    assert_null(dmcp_at(b, 3));
    assert_null(dmcp_key(v, 3));
    assert_null(dmcp_get(v, "d"));
    return DMCP_OK;
}

TEST(value, is_looked_into_by_name_and_by_index)
{
    assert_int_equal(run_outside(containers, NULL), DMCP_OK);
}

static int edits(dmcp_call *call)
{
    dmcp_value *o = dmcp_pack(call, "{s:i}", "a", 1), *a = dmcp_pack(call, "[]");

    assert_int_equal(dmcp_object_set(call, o, "b", dmcp_integer(call, 2)), DMCP_OK);
    assert_string_equal(dmcp_key(o, 1), "b"); /* so that a place is remembered */
    assert_int_equal(dmcp_object_set(call, o, "a", NULL), DMCP_OK);
    assert_int_equal(dmcp_array_add(call, a, o), DMCP_OK);
    assert_int_equal(dmcp_object_set(call, o, "c", a), DMCP_OK);
    assert_int_equal(dmcp_array_add(call, a, NULL), DMCP_OK);
    assert_text(o, "{\"a\":null,\"b\":2,\"c\":[{\"a\":null,\"b\":2}]}");
    assert_text(a, "[{\"a\":null,\"b\":2},null]");
    assert_string_equal(dmcp_key(o, 2), "c");
    assert_int_equal(dmcp_object_set(call, a, "x", NULL), DMCP_E_TYPE);
    assert_string_equal(dmcp_error_text(call),
                        "dmcp_object_set wants an object, and got a value of type array");
    assert_int_equal(dmcp_array_add(call, o, NULL), DMCP_E_TYPE);
    return DMCP_OK;
}

TEST(value, takes_parts_by_copy)
{
    assert_int_equal(run_outside(edits, NULL), DMCP_OK);
}

static int long_list(dmcp_call *call)
{
    const int64_t n = 100000;
    dmcp_value *a = dmcp_pack(call, "[]"), *outer = dmcp_pack(call, "[]");
    int64_t sum = 0;

    for (int64_t i = 0; i < n; i++) {
        DMCP_TRY(dmcp_array_add(call, a, dmcp_integer(call, i)));
    }
    DMCP_TRY(dmcp_array_add(call, outer, a));
    for (size_t i = 0; i < dmcp_count(dmcp_at(outer, 0)); i++) {
        sum += dmcp_int(dmcp_at(dmcp_at(outer, 0), i));
    }
    assert_int_equal(sum, n * (n - 1) / 2);
    return DMCP_OK;
}

/* By counting from the front each time it would take a minute. */
TEST(value, is_walked_by_index_in_linear_time)
{
    assert_int_equal(run_outside(long_list, NULL), DMCP_OK);
}

static int depth(dmcp_call *call)
{
    dmcp_value *v = dmcp_integer(call, 1);

    for (int i = 0; i < LIMIT_JSON_DEPTH; i++) {
        v = dmcp_pack(call, "[v]", v);
        assert_non_null(v);
    }
    assert_non_null(
        dmcp_json_parse(call, dmcp_json_text(call, v), strlen(dmcp_json_text(call, v))));
    assert_null(dmcp_pack(call, "[v]", v));
    assert_null(dmcp_pack(call, "[j]", dmcp_json_text(call, v)));
    assert_int_equal(dmcp_array_add(call, dmcp_pack(call, "[]"), v), DMCP_E_TOOBIG);
    assert_int_equal(dmcp_object_set(call, dmcp_pack(call, "{}"), "a", v), DMCP_E_TOOBIG);
    assert_int_equal(dmcp_object_set(call, dmcp_pack(call, "{}"), "a", dmcp_at(v, 0)), DMCP_OK);
    return DMCP_OK;
}

TEST(value, is_nested_64_deep_and_no_deeper)
{
    assert_int_equal(run_outside(depth, NULL), DMCP_OK);
}

/* ---- errors ---- */

static int errors(dmcp_call *call)
{
    char big[100000];

    assert_string_equal(dmcp_error_text(call), "");
    assert_int_equal(dmcp_fail(call, 3, "inner %d", 1), 3);
    assert_int_equal(dmcp_fail(call, 4, "outer: %s", dmcp_error_text(call)), 4);
    assert_string_equal(dmcp_error_text(call), "outer: inner 1");
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    dmcp_fail(call, 5, "%s", big);
    assert_int_equal(strlen(dmcp_error_text(call)), 65536);
    return DMCP_OK;
}

TEST(error, may_quote_the_one_before_it_and_is_bounded)
{
    assert_int_equal(run_outside(errors, NULL), DMCP_OK);
}

/* ---- arguments ---- */

static int echo_args(dmcp_call *call)
{
    assert_string_equal(dmcp_arg_str(call, "none"), "");
    assert_null(dmcp_arg(call, "none"));
    assert_int_equal(dmcp_arg_int(call, "name"), 0);
    assert_string_equal(dmcp_call_tool(call), "tool");
    assert_int_equal(strlen(dmcp_call_id(call)), 32);
    return dmcp_reply(call, "{s:s,s:I,s:f,s:b,s:v}", "name", dmcp_arg_str(call, "name"), "n",
                      dmcp_arg_int(call, "n"), "x", dmcp_arg_num(call, "x"), "is",
                      dmcp_arg_bool(call, "is"), "all", dmcp_args(call));
}

TEST_WITH(arguments, come_with_fallbacks_for_those_left_out, stage_setup, stage_teardown)
{
    struct stage *st = *state;

    st->tool.fallbacks = STR("{\"name\":\"bob\",\"n\":5,\"x\":0.25,\"is\":true}");
    assert_non_null(strstr(stage_call(st, echo_args, NULL, "{\"n\":3.0,\"name\":\"ann\"}"),
                           "\"structuredContent\":{\"name\":\"ann\",\"n\":3,\"x\":0.25,\"is\":true,"
                           "\"all\":{\"n\":3.0,\"name\":\"ann\",\"x\":0.25,\"is\":true}}"));
    stage_start_params(st, echo_args, NULL, "{\"name\":\"tool\"}");
    stage_attempt(st);
    assert_non_null(strstr(stage_result(st), "\"all\":{\"name\":\"bob\",\"n\":5,\"x\":0.25,"
                                             "\"is\":true}"));
}

TEST_WITH(arguments, that_cannot_be_read_any_more_are_an_error_of_the_tool, stage_setup,
          stage_teardown)
{
    struct stage *st = *state;

    stage_start_params(st, echo_args, NULL, "{\"name\":");
    stage_attempt(st);
    assert_non_null(strstr(stage_result(st), "the call's parameters cannot be read: at byte"));
}

/* ---- through the journal ---- */

static int odd_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    unsigned *n_runs = arg;

    ++*n_runs;
    *result = dmcp_pack(call, "{s:S,s:f,s:j,s:I,s:f}", "nul", "a\0b", (size_t)3, "hundred", 100.0,
                        "big", "12345678901234567890123", "min", INT64_MIN, "zero", -0.0);
    return DMCP_OK;
}

static int odd(dmcp_call *call)
{
    dmcp_value *v;

    DMCP_TRY(dmcp_at_least_once(call, "odd", odd_body, dmcp_call_context(call), &v));
    assert_int_equal(dmcp_str_size(dmcp_get(v, "nul")), 3);
    assert_memory_equal(dmcp_str(dmcp_get(v, "nul")), "a\0b", 4);
    return dmcp_reply_value(call, v);
}

TEST_WITH(value, comes_out_of_the_journal_as_it_went_in, stage_setup, stage_teardown)
{
    static const char expected[] =
        "\"structuredContent\":{\"nul\":\"a\\u0000b\",\"hundred\":100.0,"
        "\"big\":12345678901234567890123,\"min\":-9223372036854775808,\"zero\":-0.0}}";
    struct stage *st = *state;
    unsigned n_runs = 0;

    assert_non_null(strstr(stage_call(st, odd, &n_runs, "{}"), expected));
    stage_start(st, odd, &n_runs, "{}");
    st->cut = 1;
    stage_attempt(st);
    stage_crash(st, SIZE_MAX);
    stage_attempt(st);
    assert_int_equal(n_runs, 2);
    assert_non_null(strstr(stage_result(st), expected));
}

RUN_TESTS()
