/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line `dmcp` as operators use it, on servers that run and stores that are stopped.
 */
#include "desk.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "wait.h"

#define DMCP_TEST(sentence) TEST_WITH(dmcp, sentence, desk_setup, desk_teardown)

#define STEP(alias, guard) "{\"alias\":\"" alias "\",\"guard\":\"" guard "\"}"

/* ---- inspect ---- */

static const char *const views[] = { "store",       "sessions", "calls", "maps",
                                     "map torture", "timers",   "inputs" };

static char *all_views(struct desk *d, const char *call)
{
    struct buf all;

    buf_init(&all, MIB);
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        buf_addz(&all, desk_ask(d, "inspect %s --json", views[i]));
    }
    buf_addz(&all, desk_ask(d, "inspect call %s --json", call));
    return buf_take(&all, NULL);
}

DMCP_TEST(inspect_shows_the_same_of_a_running_server_and_of_its_stopped_store)
{
    struct desk *d = *state;
    char *call, *running, *stopped;
    struct ask over, waits, sleeps;

    desk_run(d, &over, 1, "[" STEP("one", "at_least_once") "," STEP("entry", "map") "]");
    ask_finish_anyhow(&over);
    desk_run(d, &waits, 2, "[" STEP("once", "at_most_once") "," STEP("go", "signal") "]");
    desk_run(d, &sleeps, 3, "[{\"alias\":\"nap\",\"guard\":\"sleep\",\"before_ms\":3600000}]");
    call = desk_await_input(d);
    desk_await(d, "inspect timers --json", "\"what\":\"sleep 1\"");
    running = all_views(d, call);
    assert_int_equal(proc_stop(d->server), 0);
    stopped = all_views(d, call);
    assert_string_equal(running, stopped);
    assert_non_null(strstr(running, "\"finished_calls\":1"));
    assert_non_null(strstr(running, "\"what\":\"signal \\\"go\\\"\""));
    assert_non_null(strstr(running, "\"map\":\"torture\",\"entries\":[{\"key\":\"1/entry\""));
    ask_end(&over);
    ask_end(&waits);
    ask_end(&sleeps);
    mem_free(call);
    mem_free(running);
    mem_free(stopped);
}

DMCP_TEST(inspect_draws_tables_with_a_head_for_every_view)
{
    struct desk *d = *state;
    struct ask over, waits;
    char *call;

    desk_run(d, &over, 1, "[" STEP("one", "at_least_once") "," STEP("entry", "map") "]");
    ask_finish_anyhow(&over);
    desk_run(d, &waits, 2, "[" STEP("once", "at_most_once") "," STEP("go", "signal") "]");
    call = desk_await_input(d);
    desk_ask(d, "inspect");
    desk_expect(d, "suspended calls   1\n");
    desk_ask(d, "inspect sessions --text 4");
    desk_expect(d, "  talk 1 ");
    desk_expect(d, "2025-11-25");
    desk_expect(d, "ago)");
    desk_ask(d, "inspect calls");
    desk_expect(d, "CALL                              NAME  STATUS ");
    desk_expect(d, "  run   finished: result  ");
    desk_ask(d, "inspect call %s", call);
    desk_expect(d, "status   suspended\n");
    desk_expect(d, "waits  1        signal \"go\"\n");
    desk_expect(d, "done   1        once         \"once\"\n");
    desk_ask(d, "inspect maps");
    desk_expect(d, "MAP      ENTRIES\ntorture  1\n");
    desk_ask(d, "inspect map torture");
    desk_expect(d, "1/entry  0\n");
    desk_ask(d, "inspect timers");
    desk_expect(d, "DUE  CALL  WHAT\n");
    desk_ask(d, "inspect inputs");
    desk_expect(d, "run   signal \"go\"  20");
    ask_end(&over);
    ask_end(&waits);
    mem_free(call);
}

DMCP_TEST(inspect_shows_what_a_stranger_wrote_without_letting_it_near_the_terminal)
{
    struct desk *d = *state;
    struct ask a;

    desk_run(d, &a, 1, "[" STEP("x\\u001b[31mred\\u009b\\r\\n", "map") "]");
    ask_finish_anyhow(&a);
    desk_ask(d, "inspect map torture");
    desk_expect(d, "1/x\\x1b[31mred\\xc2\\x9b\\x0d\\x0a  0\n");
    ask_end(&a);
}

DMCP_TEST(inspect_goes_from_page_to_page)
{
    struct desk *d = *state;
    char *next;

    for (int i = 1; i <= 5; i++) {
        struct ask a;

        desk_run(d, &a, i, "[" STEP("entry", "map") "]");
        ask_finish_anyhow(&a);
        ask_end(&a);
    }
    desk_ask(d, "inspect map torture --limit 3");
    desk_expect(d, "3/entry");
    desk_expect_not(d, "4/entry");
    desk_expect(d, "(more: --after ");
    desk_ask(d, "inspect map torture --limit=3 --json");
    next = desk_member(d, "next");
    desk_ask(d, "inspect map torture --after %s", next);
    desk_expect_not(d, "3/entry");
    desk_expect(d, "4/entry");
    desk_expect_not(d, "more:");
    desk_ask(d, "inspect map torture --prefix 4/ --all --limit 1");
    desk_expect(d, "4/entry");
    desk_expect_not(d, "5/entry");
    desk_ask(d, "inspect map torture --all --limit 2");
    desk_expect(d, "1/entry");
    desk_expect(d, "5/entry");
    mem_free(next);
}

DMCP_TEST(inspect_works_on_the_store_of_a_server_that_was_killed_and_on_its_next_life)
{
    struct desk *d = *state;
    struct ask a;

    desk_run(d, &a, 1, "[" STEP("entry", "map") "]");
    ask_finish_anyhow(&a);
    ask_end(&a);
    proc_kill(d->server);
    desk_ask(d, "inspect --json");
    desk_expect(d, "\"starts\":1,");
    proc_start(d->server);
    desk_ask(d, "inspect --json");
    desk_expect(d, "\"starts\":2,");
}

/* ---- signal ---- */

DMCP_TEST(signal_wakes_the_call_that_waits_for_it)
{
    struct desk *d = *state;
    struct ask a;
    char *call;

    desk_run(d, &a, 1, "[" STEP("go", "signal") "," STEP("last", "at_least_once") "]");
    call = desk_await_input(d);
    desk_ask(d, "signal %s go '\"came\"'", call);
    ask_finish_anyhow(&a);
    ask_expect(&a, "{\"alias\":\"go\",\"outcome\":\"came\"}");
    desk_ask(d, "inspect call %s --json", call);
    desk_expect(d, "\"kind\":\"signal\",\"state\":\"done\",\"attempt\":1,");
    ask_end(&a);
    mem_free(call);
}

DMCP_TEST(signal_that_comes_before_it_is_waited_for_is_kept)
{
    struct desk *d = *state;
    struct ask a;
    char *call;

    desk_run(d, &a, 1, "[" STEP("first", "signal") "," STEP("second", "signal") "]");
    call = desk_await_input(d);
    desk_ask(d, "signal %s second '\"early\"'", call);
    desk_ask(d, "signal %s first", call);
    ask_finish_anyhow(&a);
    ask_expect(&a, "{\"alias\":\"first\",\"outcome\":\"ok\"},"
                   "{\"alias\":\"second\",\"outcome\":\"early\"}");
    ask_end(&a);
    mem_free(call);
}

DMCP_TEST(signal_survives_the_server_that_took_it)
{
    struct desk *d = *state;
    struct ask a;
    char *call;

    desk_run(d, &a, 1, "[" STEP("first", "signal") "," STEP("second", "signal") "]");
    call = desk_await_input(d);
    desk_ask(d, "signal %s second '\"kept\"'", call);
    proc_kill(d->server);
    desk_ask(d, "inspect"); /* as soon as the last of its processes has let go of the store */
    assert_int_equal(desk_dmcp(d, "signal %s first", call), 1);
    desk_expect(d, "no server runs on the store");
    proc_start(d->server);
    desk_ask(d, "signal %s first", call);
    ask_finish_anyhow(&a);
    ask_expect(&a, "{\"alias\":\"second\",\"outcome\":\"kept\"}");
    ask_end(&a);
    mem_free(call);
}

DMCP_TEST(signal_is_refused_where_it_cannot_arrive)
{
    struct desk *d = *state;
    struct ask a;
    char *call;

    assert_int_equal(desk_dmcp(d, "signal 0190a6f0c1d27bcf8f6a1a2b3c4d5e6f go"), 1);
    desk_expect(d, "no such call is unfinished");
    desk_run(d, &a, 1, "[" STEP("first", "signal") "," STEP("second", "signal") "]");
    call = desk_await_input(d);
    desk_ask(d, "signal %s second", call);
    assert_int_equal(desk_dmcp(d, "signal %s second", call), 1);
    desk_expect(d, "has had this signal before");
    desk_ask(d, "signal %s first", call);
    ask_finish_anyhow(&a);
    assert_int_equal(desk_dmcp(d, "signal %s first", call), 1);
    desk_expect(d, "no such call is unfinished");
    ask_end(&a);
    mem_free(call);
}

/* ---- cancel ---- */

DMCP_TEST(cancel_ends_a_call_that_waits)
{
    struct desk *d = *state;
    struct ask a;
    char *call;

    desk_run(d, &a, 1, "[" STEP("go", "signal") "," STEP("last", "at_least_once") "]");
    call = desk_await_input(d);
    desk_ask(d, "cancel %s", call);
    assert_false(ask_finish(&a)); /* the stream ends, and there is no response */
    desk_await(d, "inspect calls --json", "\"outcome\":\"cancelled\"");
    desk_ask(d, "inspect call %s", call);
    desk_expect(d, "status    finished: cancelled\n");
    desk_expect_not(d, "last");
    assert_int_equal(desk_dmcp(d, "cancel %s", call), 1);
    desk_expect(d, "no such call is unfinished");
    ask_end(&a);
    mem_free(call);
}

static bool is_running(void *arg)
{
    struct desk *d = arg;
    struct stat st;

    return stat(d->log, &st) == 0 && st.st_size > 0;
}

DMCP_TEST(cancel_ends_a_call_that_runs_before_its_next_step)
{
    struct desk *d = *state;
    struct ask a;
    char *call;

    desk_run(d, &a, 1,
             "[{\"alias\":\"slow\",\"guard\":\"at_least_once\",\"after_ms\":700}," STEP(
                 "next", "at_least_once") "]");
    assert_true(wait_until(is_running, d, WAIT_MS));
    desk_ask(d, "inspect calls --json --status unfinished");
    call = desk_member(d, "id");
    desk_ask(d, "cancel %s", call);
    assert_false(ask_finish(&a));
    desk_await(d, "inspect calls --json", "\"outcome\":\"cancelled\"");
    desk_ask(d, "inspect call %s --json", call);
    desk_expect(d, "{\"what\":\"slow\",\"kind\":\"step\"");
    desk_expect_not(d, "\"what\":\"next\"");
    ask_end(&a);
    mem_free(call);
}

DMCP_TEST(cancel_stops_at_the_first_call_that_it_cannot_cancel)
{
    struct desk *d = *state;
    struct ask a;
    char *call;

    desk_run(d, &a, 1, "[" STEP("go", "signal") "]");
    call = desk_await_input(d);
    assert_int_equal(desk_dmcp(d, "cancel 0190a6f0c1d27bcf8f6a1a2b3c4d5e6f %s", call), 1);
    desk_ask(d, "inspect call %s --json", call);
    desk_expect(d, "\"status\":\"suspended\"");
    ask_end(&a);
    mem_free(call);
}

/* ---- export, import ---- */

DMCP_TEST(export_of_a_running_server_makes_a_store_on_which_its_calls_go_on)
{
    struct desk *d = *state;
    char *dir = d->server->dir, *call, *store;
    struct ask a, over;

    desk_run(d, &over, 1, "[" STEP("entry", "map") "]");
    ask_finish_anyhow(&over);
    desk_run(d, &a, 2,
             "[" STEP("one", "at_most_once") "," STEP("go", "signal") "," STEP(
                 "last", "at_least_once") "]");
    call = desk_await_input(d);
    desk_ask(d, "export %s/export", dir);
    desk_expect(d, " rows\n");
    desk_ask(d, "import --store %s/copy %s/export", dir, dir);
    desk_ask(d, "export --store %s/copy %s/again", dir, dir);
    assert_int_equal(proc_stop(d->server), 0);

    desk_ask(d, "version && cmp %s/export %s/again", dir, dir);
    store = d->server->store;
    d->server->store = proc_path(d->server, "copy");
    proc_start(d->server);
    desk_ask(d, "signal %s go", call);
    ask_finish_anyhow(&a);
    ask_expect(&a, "{\"alias\":\"one\",\"outcome\":\"ok\"},{\"alias\":\"go\",\"outcome\":\"ok\"},"
                   "{\"alias\":\"last\",\"outcome\":\"ok\"}");
    ask_end(&a);
    ask_end(&over);
    mem_free(store);
    mem_free(call);
}

DMCP_TEST(export_leaves_no_file_behind_when_it_fails_and_overwrites_none)
{
    struct desk *d = *state;
    char *dir = d->server->dir;

    assert_int_equal(desk_dmcp(d, "export --store %s/none %s/file", dir, dir), 1);
    desk_expect(d, "there is no store in");
    desk_ask(d, "export %s/file", dir);
    assert_int_equal(desk_dmcp(d, "export %s/file", dir), 1);
    desk_expect(d, "File exists");
    assert_int_equal(desk_dmcp(d, "export >/dev/full"), 1);
}

DMCP_TEST(import_goes_neither_into_a_running_server_nor_into_a_store_with_data)
{
    struct desk *d = *state;
    char *dir = d->server->dir;
    struct ask a;

    desk_run(d, &a, 1, "[" STEP("entry", "map") "]");
    ask_finish_anyhow(&a);
    ask_end(&a);
    desk_ask(d, "export %s/file", dir);
    assert_int_equal(desk_dmcp(d, "import %s/file", dir), 1);
    desk_expect(d, "in use by another process");
    assert_int_equal(proc_stop(d->server), 0);
    assert_int_equal(desk_dmcp(d, "import %s/file", dir), 1);
    desk_expect(d, "holds data already");
    assert_int_equal(desk_dmcp(d, "import %s/none", dir), 1);
    assert_int_equal(desk_dmcp(d, "import --store %s/new %s/steps", dir, dir), 1);
}

/* ---- what is refused ---- */

DMCP_TEST(arguments_that_make_no_sense_are_told_and_end_with_2)
{
    static const char *const wrong[] = {
        "",
        "cats",
        "--store",
        "inspect cats",
        "inspect call",
        "inspect map",
        "inspect calls x",
        "inspect --limit 0",
        "inspect --limit 1001",
        "inspect --limit x",
        "inspect --limit",
        "inspect --text 16777217",
        "inspect --cats",
        "inspect --json=yes",
        "inspect calls --status x",
        "inspect call x",
        "inspect session",
        "inspect session x",
        "inspect calls --after zz",
        "inspect calls --session 12",
        "signal",
        "signal x",
        "signal x go",
        "signal 0190a6f0c1d27bcf8f6a1a2b3c4d5e6f ''",
        "signal 0190a6f0c1d27bcf8f6a1a2b3c4d5e6f go {",
        "signal a b c d",
        "cancel",
        "cancel x",
        "end-session",
        "end-session x",
        "export a b",
        "import a b",
        "inspect --store memory:",
        "inspect --store redis://x",
    };
    struct desk *d = *state;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        int status = desk_dmcp(d, "%s", wrong[i]);

        if (status != 2 || d->said.len == 0) {
            fail_msg("dmcp %s: ended with %d: %s", wrong[i], status, buf_str(&d->said).p);
        }
    }
}

DMCP_TEST(help_and_version_are_there_for_all_commands)
{
    static const char *const commands[] = { "inspect",     "signal", "cancel",
                                            "end-session", "export", "import" };
    struct desk *d = *state;

    desk_ask(d, "--help");
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        desk_ask(d, "--help");
        desk_expect(d, commands[i]);
        desk_ask(d, "%s --help", commands[i]);
        desk_expect(d, "Usage: dmcp ");
        desk_expect(d, "--store DIR");
    }
    desk_ask(d, "version");
    desk_expect(d, "dmcp " DMCP_VERSION "\n");
    desk_ask(d, "--version");
    desk_expect(d, "dmcp " DMCP_VERSION "\n");
}

DMCP_TEST(a_directory_without_a_store_is_told_and_stays_as_it_is)
{
    struct desk *d = *state;
    char *path = proc_path(d->server, "none");

    assert_int_equal(desk_dmcp(d, "inspect --store %s", path), 1);
    desk_expect(d, "there is no store in");
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(desk_dmcp(d, "inspect --store %s", path), 1);
    assert_int_equal(rmdir(path), 0); /* which is empty */
    mem_free(path);
}

DMCP_TEST(a_store_that_is_held_by_something_that_does_not_answer_is_told_as_such)
{
    struct desk *d = *state;
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char *path = proc_path(d->server, "store/lock");
    int fd;

    assert_int_equal(proc_stop(d->server), 0);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &whole), 0);
    assert_int_equal(desk_dmcp(d, "inspect"), 1);
    desk_expect(d, "in use by another process");
    close(fd);
    desk_ask(d, "inspect");
    mem_free(path);
}

RUN_TESTS()
