/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's functions for programs, and the socket behind them.
 */
#include "desk.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "admin/remote.h"
#include "base/limits.h"
#include "dmcp_admin.h"
#include "net/http_unix.h"
#include "wait.h"

#define CONTROL_TEST(sentence) TEST_WITH(control, sentence, desk_setup, desk_teardown)

#define SIGNALS "[{\"alias\":\"go\",\"guard\":\"signal\"},{\"alias\":\"on\",\"guard\":\"signal\"}]"
#define NOBODY 65534

static struct err err;

/* ---- requests, byte by byte ---- */

static int take(void *arg, struct str piece)
{
    buf_add_str(arg, piece);
    return DMCP_OK;
}

/* The status; the body is in d->said. */
static int fetch(struct desk *d, const char *method, const char *target, const char *body)
{
    struct http_fetch f = { .dir = d->server->store,
                            .name = CONTROL_SOCKET,
                            .method = method,
                            .target = target,
                            .body = str_of(body),
                            .timeout_ms = WAIT_MS,
                            .take = take,
                            .arg = &d->said };

    buf_reset(&d->said);
    assert_int_equal(http_unix_fetch(&f, &err), DMCP_OK);
    buf_addz(&d->said, "");
    return f.status;
}

static void expect_error(struct desk *d, const char *target, const char *body, int status,
                         const char *text)
{
    int got = fetch(d, body ? "POST" : "GET", target, body);

    if (got != status || !strstr(buf_str(&d->said).p, text)) {
        fail_msg("%s %s: %d %s", target, body ? body : "", got, buf_str(&d->said).p);
    }
    desk_expect(d, "{\"error\":{\"code\":-");
}

CONTROL_TEST(requests_that_make_no_sense_are_answered_with_what_is_wrong)
{
    struct desk *d = *state;

    expect_error(d, "/", NULL, 404, "no such path");
    expect_error(d, "/control/inspect", NULL, 404, "no such path");
    expect_error(d, "/control/inspect/", NULL, 400, "no view");
    expect_error(d, "/control/inspect/cats", NULL, 400, "no view");
    expect_error(d, "/control/inspect/calls?limit=x", NULL, 400, "limit");
    expect_error(d, "/control/inspect/call?name=0190a6f0c1d27bcf8f6a1a2b3c4d5e6f", NULL, 404,
                 "there is no call");
    expect_error(d, "/control/signal", NULL, 404, "no such path");
    expect_error(d, "/control/export", "{}", 404, "no such path");
    expect_error(d, "/control/signal", "", 400, "at byte 0");
    expect_error(d, "/control/signal", "[]", 400, "not the id of a call");
    expect_error(d, "/control/signal", "{\"call\":7}", 400, "not the id of a call");
    expect_error(d, "/control/signal", "{\"call\":\"0190a6f0c1d27bcf8f6a1a2b3c4d5e6f\"}", 400,
                 "a signal has a name");
    expect_error(d, "/control/signal",
                 "{\"call\":\"0190a6f0c1d27bcf8f6a1a2b3c4d5e6f\",\"name\":\"\"}", 400,
                 "a signal has a name");
    expect_error(d, "/control/signal",
                 "{\"call\":\"0190a6f0c1d27bcf8f6a1a2b3c4d5e6f\",\"name\":\"go\"}", 404,
                 "no such call is unfinished");
    expect_error(d, "/control/cancel", "{\"call\":\"0190a6f0c1d27bcf8f6a1a2b3c4d5e6f\"}", 404,
                 "no such call is unfinished");
}

CONTROL_TEST(the_port_of_the_server_offers_none_of_it)
{
    static const char *const paths[] = { "/control/inspect/calls", "/control/export",
                                         "/mcp/control/inspect/calls", "//control/export" };
    struct desk *d = *state;

    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct raw *r = raw_open(d->server->port);

        raw_sendf(r, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", paths[i]);
        assert_int_equal(raw_status(r), 404);
        raw_close(r);
    }
}

static int take_no_more(void *arg, struct str piece)
{
    (void)arg;
    (void)piece;
    return DMCP_E_CANCELLED;
}

/* Once it has begun. */
static void hang_up_on_export(struct desk *d)
{
    struct http_fetch f = { .dir = d->server->store,
                            .name = CONTROL_SOCKET,
                            .method = "GET",
                            .target = "/control/export",
                            .timeout_ms = WAIT_MS,
                            .take = take_no_more };
    struct err e;

    assert_int_equal(http_unix_fetch(&f, &e), DMCP_E_CANCELLED);
    assert_int_equal(f.status, 200);
}

/* 8 MiB of parameters: more than fits into all buffers on the way. */
static void fill_store(struct desk *d)
{
    char *id = mem_alloc(MIB + 1);

    memset(id, 'x', MIB);
    id[MIB] = '\0';
    for (int i = 1; i <= 8; i++) {
        struct ask a;

        ask_begin(&a, &d->talk, i, "run", "{\"id\":\"%s\",\"log\":\"\",\"steps\":[]}", id);
        ask_finish_anyhow(&a);
        ask_end(&a);
    }
    mem_free(id);
}

CONTROL_TEST(an_export_waits_for_its_reader_and_ends_with_it)
{
    struct desk *d = *state;
    char *path = proc_path(d->server, "export");
    dmcp_admin *admin = dmcp_admin_new(d->server->store);
    FILE *to = fopen(path, "w");
    uint64_t rows = 0;

    fill_store(d);
    hang_up_on_export(d);
    assert_int_equal(dmcp_admin_export(admin, to, &rows), DMCP_OK);
    assert_true(ftell(to) > (long)(8 * MIB));
    assert_in_range(rows, 8 * 3, 1000);
    assert_int_equal(proc_rss_kib(d->server) < 256 * 1024, 1);
    fclose(to);
    dmcp_admin_free(admin);
    mem_free(path);
}

/* ---- the functions ---- */

static const char *inspect(dmcp_admin *admin, dmcp_inspect what)
{
    const char *json = NULL;
    int rc = dmcp_admin_inspect(admin, &what, &json);

    if (rc != DMCP_OK) {
        fail_msg("%s", dmcp_admin_error(admin));
    }
    assert_string_equal(dmcp_admin_error(admin), "");
    return json;
}

CONTROL_TEST(one_handle_follows_a_store_from_server_to_server_and_to_none)
{
    struct desk *d = *state;
    dmcp_admin *admin = dmcp_admin_new(d->server->store);
    const char *json;
    struct ask a;

    json = inspect(admin, (dmcp_inspect){ .view = DMCP_VIEW_CALLS });
    assert_string_equal(json, "{\"calls\":[]}");
    desk_run(d, &a, 1, "[]");
    ask_finish_anyhow(&a);
    ask_end(&a);
    proc_kill(d->server);
    proc_start(d->server);
    json = inspect(admin, (dmcp_inspect){ .view = DMCP_VIEW_CALLS });
    assert_non_null(strstr(json, "\"status\":\"finished\""));
    proc_kill(d->server);
    json = inspect(admin, (dmcp_inspect){ .view = DMCP_VIEW_STORE });
    assert_non_null(strstr(json, "\"starts\":2,"));
    proc_start(d->server); /* the handle does not hold the store */
    dmcp_admin_free(admin);
}

CONTROL_TEST(signals_and_cancellations_go_to_the_call_that_is_named)
{
    struct desk *d = *state;
    dmcp_admin *admin = dmcp_admin_new(d->server->store);
    char *call;
    struct ask a;

    desk_run(d, &a, 1, SIGNALS);
    call = desk_await_input(d);
    assert_int_equal(dmcp_admin_signal(admin, call, "go", NULL), DMCP_OK);
    assert_int_equal(dmcp_admin_signal(admin, call, "go", NULL), DMCP_E_CONFLICT);
    assert_non_null(strstr(dmcp_admin_error(admin), "has had this signal"));
    assert_int_equal(dmcp_admin_signal(admin, call, "", NULL), DMCP_E_INVALID);
    assert_int_equal(dmcp_admin_signal(admin, call, "on", "{"), DMCP_E_INVALID);
    assert_int_equal(dmcp_admin_signal(admin, "7", "on", NULL), DMCP_E_INVALID);
    assert_int_equal(dmcp_admin_signal(admin, NULL, "on", NULL), DMCP_E_INVALID);
    assert_int_equal(dmcp_admin_cancel(admin, call), DMCP_OK);
    assert_false(ask_finish(&a));
    ask_end(&a);
    desk_await(d, "inspect calls --json", "\"outcome\":\"cancelled\"");
    assert_int_equal(dmcp_admin_cancel(admin, call), DMCP_E_NOTFOUND);
    assert_int_equal(dmcp_admin_cancel(admin, NULL), DMCP_E_INVALID);
    dmcp_admin_free(admin);
    mem_free(call);
}

CONTROL_TEST(a_signal_takes_a_value_of_any_size_that_a_result_may_have)
{
    struct desk *d = *state;
    dmcp_admin *admin = dmcp_admin_new(d->server->store);
    char *call, *value = mem_alloc(LIMIT_RESULT_BYTES + 2);
    struct ask a;

    desk_run(d, &a, 1, SIGNALS);
    call = desk_await_input(d);
    memset(value, 'x', LIMIT_RESULT_BYTES + 1);
    value[0] = value[LIMIT_RESULT_BYTES] = '"';
    value[LIMIT_RESULT_BYTES + 1] = '\0';
    assert_int_equal(dmcp_admin_signal(admin, call, "go", value), DMCP_E_TOOBIG);
    value[LIMIT_RESULT_BYTES - 1] = '"';
    value[LIMIT_RESULT_BYTES] = '\0';
    assert_int_equal(dmcp_admin_signal(admin, call, "on", value), DMCP_OK);
    dmcp_admin_free(admin);
    ask_end(&a);
    mem_free(call);
    mem_free(value);
}

CONTROL_TEST(without_a_server_there_is_nothing_to_be_told)
{
    struct desk *d = *state;
    dmcp_admin *admin = dmcp_admin_new(d->server->store);

    assert_int_equal(proc_stop(d->server), 0);
    assert_int_equal(dmcp_admin_cancel(admin, "0190a6f0c1d27bcf8f6a1a2b3c4d5e6f"), DMCP_E_GONE);
    proc_start(d->server); /* the handle does not hold the store */
    dmcp_admin_free(admin);
}

/* ---- the socket ---- */

/* What inspecting comes to for somebody else. */
static int code_as_nobody(const char *store)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        dmcp_admin *admin = dmcp_admin_new(store);
        const char *json;

        _exit(setuid(NOBODY) == 0 ? -dmcp_admin_inspect(admin, &(dmcp_inspect){ 0 }, &json) : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? -WEXITSTATUS(status) : 0;
}

CONTROL_TEST(only_the_owner_of_the_store_may_use_the_socket)
{
    struct desk *d = *state;
    char *path = proc_path(d->server, "store/control");
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0600);
    mem_free(path);
    if (geteuid() != 0) {
        test_skip("the right to become another user");
    }
    /* Even where the directories would let everybody in. */
    assert_int_equal(chmod(d->server->dir, 0755), 0);
    assert_int_equal(code_as_nobody(d->server->store), DMCP_E_DENIED);
    assert_int_equal(chmod(d->server->store, 0755), 0);
    assert_int_equal(code_as_nobody(d->server->store), DMCP_E_DENIED);
    assert_int_equal(proc_stop(d->server), 0);
    assert_int_equal(code_as_nobody(d->server->store), DMCP_E_DENIED);
    assert_int_equal(chmod(d->server->store, 0700), 0);
    assert_int_equal(code_as_nobody(d->server->store), DMCP_E_DENIED);
}

CONTROL_TEST(is_gone_when_the_server_has_ended_in_order)
{
    struct desk *d = *state;
    char *path = proc_path(d->server, "store/control");

    assert_int_equal(proc_stop(d->server), 0);
    assert_int_not_equal(access(path, F_OK), 0);
    mem_free(path);
}

/* The new process is there before it has opened the store. */
static bool has_started_twice(void *arg)
{
    const dmcp_inspect what = { .view = DMCP_VIEW_STORE };
    const char *json = NULL;

    return dmcp_admin_inspect(arg, &what, &json) == DMCP_OK && strstr(json, "\"starts\":2,");
}

CONTROL_TEST(is_there_again_after_the_working_process_was_killed)
{
    struct desk *d = *state;
    dmcp_admin *admin = dmcp_admin_new(d->server->store);
    pid_t worker = proc_worker(d->server);

    assert_int_equal(kill(worker, SIGKILL), 0);
    proc_await_other_worker(d->server, worker);
    assert_true(wait_until(has_started_twice, admin, 10000));
    dmcp_admin_free(admin);
}

/* Between two lives of the server somebody else has its store, for longer than it waits. */
CONTROL_TEST(a_server_that_finds_its_store_taken_when_it_comes_back_waits_for_it)
{
    struct desk *d = *state;
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char *path = proc_path(d->server, "store/lock");
    pid_t worker = proc_worker(d->server);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct ask a;

    assert_true(fd >= 0);
    proc_signal(d->server, SIGSTOP); /* the supervisor, so that there is time */
    assert_int_equal(kill(worker, SIGKILL), 0);
    assert_int_equal(fcntl(fd, F_OFD_SETLKW, &whole), 0);
    proc_signal(d->server, SIGCONT);
    proc_await_said(d->server, "in use by another process");
    close(fd);
    proc_await_other_worker(d->server, worker);
    desk_run(d, &a, 1, "[]");
    ask_finish_anyhow(&a);
    ask_end(&a);
    mem_free(path);
}

TEST(control, works_in_a_directory_whose_name_is_too_long_for_a_socket)
{
    struct desk *d = desk_new("tests/torture");
    char part[101] = "";
    char *path;

    memset(part, 'd', 100);
    path = proc_path(d->server, part);
    mem_free(d->server->store);
    d->server->store = path;
    desk_begin(d);
    desk_ask(d, "inspect --json");
    desk_expect(d, "\"starts\":1,");
    assert_int_equal(proc_stop(d->server), 0);
    desk_ask(d, "inspect --json");
    desk_free(d);
}

TEST(control, is_not_there_for_a_store_in_memory)
{
    struct desk *d = desk_new("tests/torture");

    mem_free(d->server->store);
    d->server->store = mem_strdup("memory:");
    desk_begin(d);
    assert_int_equal(desk_dmcp(d, "inspect"), 2);
    desk_expect(d, "a store in memory is seen by its own server only");
    desk_free(d);
}

RUN_TESTS()
