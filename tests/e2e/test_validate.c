/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that are started with --validate-effects: what their clients and their log say.
 */
#include "harness.h"
#include "proc.h"
#include "talk.h"
#include "lines.h"

static struct proc *start(const char *option)
{
    struct proc *p = proc_new("tests/fickle");

    proc_option(p, option, NULL);
    proc_start(p);
    return p;
}

/* The answer to a tools/call without arguments. */
static char *answer(const struct talk *t, int id, const char *tool)
{
    char body[200];

    snprintf(body, sizeof(body),
             "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\"}}",
             id, tool);
    return talk_request(t, body);
}

static void expect(char *text, const char *part)
{
    if (!strstr(text, part)) {
        fail_msg("no %s in %s", part, text);
    }
    mem_free(text);
}

TEST(validation, fails_tools_prompts_and_resources_that_differ)
{
    struct proc *p = start("--validate-effects=on");
    struct talk t;

    talk_begin(&t, p->port, "2025-11-25");
    expect(answer(&t, 1, "count"),
           "Error executing tool count: tool \\\"count\\\" differs when it is run again "
           "(--validate-effects), as it would be after a crash: it gives "
           "[\\\"result\\\",{\\\"count\\\":1}], not [\\\"result\\\",{\\\"count\\\":0}]. Take what "
           "may vary");
    expect(talk_request(&t, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"prompts/get\","
                            "\"params\":{\"name\":\"show\"}}"),
           "\"error\":{\"code\":-32603,\"message\":\"prompt \\\"show\\\" differs when it is run");
    expect(talk_request(&t, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"resources/read\","
                            "\"params\":{\"uri\":\"show://it\"}}"),
           "\"error\":{\"code\":-32603,\"message\":\"resource \\\"show://it\\\" differs when it is");
    expect(answer(&t, 4, "peek"), "\"structuredContent\":{\"count\":6}");
    proc_free(p);
}

TEST(validation, by_its_name_alone_is_on)
{
    struct proc *p = start("--validate-effects");
    struct talk t;

    talk_begin(&t, p->port, "2025-11-25");
    expect(answer(&t, 1, "count"), "\"isError\":true");
    proc_free(p);
}

TEST(validation, that_is_quiet_says_it_once_in_the_log_and_sends_nothing_twice)
{
    struct proc *p = start("--validate-effects=quiet");
    struct talk t;
    struct ask a;
    char *said, *at;

    talk_begin(&t, p->port, "2025-11-25");
    expect(answer(&t, 1, "count"), "\"structuredContent\":{\"count\":0}");
    expect(answer(&t, 2, "count"), "\"structuredContent\":{\"count\":2}");
    ask_begin(&a, &t, 3, "sends", "{}");
    ask_finish_anyhow(&a);
    assert_int_equal(a.heard.n, 1);
    ask_expect(&a, "sent");
    ask_end(&a);
    said = proc_said(p);
    at = strstr(said, "tool \"count\" differs when it is run again");
    assert_non_null(at);
    assert_null(strstr(at + 1, "tool \"count\" differs"));
    assert_non_null(strstr(said, "tool \"sends\" differs when it is run again (--validate-effects), "
                                 "as it would be after a crash: log(level='warning', "
                                 "message='run 5', logger_name=None) is not what it did"));
    mem_free(said);
    proc_free(p);
}

TEST(validation, is_off_by_itself)
{
    struct proc *p = start("--validate-effects=off");
    struct talk t;

    talk_begin(&t, p->port, "2025-11-25");
    expect(answer(&t, 1, "count"), "\"structuredContent\":{\"count\":0}");
    expect(answer(&t, 2, "count"), "\"structuredContent\":{\"count\":1}");
    proc_free(p);
}

TEST(validation, has_three_modes)
{
    struct proc *p = proc_new("tests/fickle");

    proc_option(p, "--validate-effects=loud", NULL);
    assert_int_equal(proc_run(p), 2);
    assert_true(proc_has_said(p, "--validate-effects: \"loud\" is not off, quiet or on"));
    proc_free(p);
}

/* The second runs are of the body and of the handler; the process dies before or behind each. */
TEST(validation, that_is_killed_in_the_middle_is_done_again_and_nothing_is_lost_or_sent_twice)
{
    static const struct {
        const char *fault;
        int n_lines; /* that the body wrote in all */
    } cuts[] = {
        { "validate.before:1", 3 }, /* the step is not recorded yet: its body runs anew */
        { "validate.after:1", 4 },
        { "validate.before:2", 2 },
        { "validate.after:2", 2 },
    };

    for (size_t i = 0; i < COUNT_OF(cuts); i++) {
        struct proc *p = proc_new("tests/fickle");
        char *log = proc_path(p, "log");
        struct talk t;
        struct ask a;

        proc_option(p, "--validate-effects", NULL);
        proc_option(p, "--no-supervisor", NULL);
        proc_fault(p, cuts[i].fault);
        proc_start(p);
        talk_begin(&t, p->port, "2025-11-25");
        ask_begin(&a, &t, 7, "steady", "{\"log\":\"%s\"}", log);
        proc_wait(p);
        proc_fault(p, NULL);
        proc_start(p);
        ask_finish_anyhow(&a);
        ask_expect(&a, "\"result\":\"ran\"");
        assert_int_equal(a.heard.n, 1);
        assert_int_equal(lines_count(log, NULL), cuts[i].n_lines);
        ask_end(&a);
        mem_free(log);
        proc_free(p);
    }
}

RUN_TESTS()
