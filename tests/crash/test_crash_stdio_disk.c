/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server on stdin and stdout whose disk is full: what it has begun waits for room, and its host
 * sees no more of it than that it takes long.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "harness.h"
#include "host.h"
#include "wait.h"

struct scene {
    struct host *host;
    char *disk, *ballast, *gate, *log;
    bool is_mounted;
};

static int setup(void **state)
{
    struct scene *s = mem_zalloc(sizeof(*s));
    struct proc *p;

    s->host = host_new("tests/gates");
    p = s->host->p;
    s->disk = proc_path(p, "disk");
    s->ballast = proc_path(p, "disk/ballast");
    s->gate = proc_path(p, "gate");
    s->log = proc_path(p, "log");
    assert_int_equal(mkdir(s->disk, 0700), 0);
    s->is_mounted = mount("tmpfs", s->disk, "tmpfs", 0, "size=40m") == 0;
    mem_free(p->store);
    p->store = proc_path(p, "disk/store");
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    host_free(s->host);
    umount2(s->disk, MNT_DETACH);
    mem_free(s->disk);
    mem_free(s->ballast);
    mem_free(s->gate);
    mem_free(s->log);
    mem_free(s);
    return 0;
}

static void fill_disk(struct scene *s)
{
    static const char zeros[4096];
    int fd = open(s->ballast, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    while (write(fd, zeros, sizeof(zeros)) > 0) {
    }
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static bool has_begun(void *arg)
{
    const struct scene *s = arg;

    return access(s->log, F_OK) == 0;
}

/* Its first step waits at the gate. */
static void begin_walk(struct scene *s, int id)
{
    host_call(s->host, id, "walk", "{\"id\":\"x\",\"log\":\"%s\",\"n\":3,\"at\":1,\"gate\":\"%s\"}", s->log,
              s->gate);
    assert_true(wait_until(has_begun, s, WAIT_MS));
}

TEST_WITH(crash_stdio, a_full_disk_is_waited_out_and_each_request_has_one_answer, setup, teardown)
{
    struct scene *s = *state;

    if (!s->is_mounted) {
        test_skip("root, for a tmpfs that can be filled");
    }
    host_start(s->host);
    begin_walk(s, 2);
    fill_disk(s);
    fclose(fopen(s->gate, "w")); /* its step wants to be recorded, which cannot be */
    proc_await_said(s->host->p, "no space left for the store");
    host_call(s->host, 3, "hold", "{}");
    assert_non_null(strstr(host_answer(s->host, 3), "\"error\""));
    host_say(s->host, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}");
    assert_int_equal(host_answers(s->host, 2), 0);
    assert_int_equal(unlink(s->ballast), 0);
    assert_non_null(strstr(host_answer(s->host, 2), "[\"ok\",\"ok\",\"ok\"]"));
    host_call(s->host, 4, "hold", "{}");
    assert_non_null(strstr(host_answer(s->host, 4), "held"));
    assert_int_equal(host_leave(s->host), 0);
    assert_int_equal(s->host->n_lines, 4);
}

/* Then there is no session to say so in: its messages wait. */
TEST_WITH(crash_stdio, a_server_that_starts_on_a_full_disk_answers_when_there_is_room, setup,
          teardown)
{
    struct scene *s = *state;

    if (!s->is_mounted) {
        test_skip("root, for a tmpfs that can be filled");
    }
    fill_disk(s);
    host_launch(s->host);
    host_say(s->host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
    proc_await_said(s->host->p, "no space left for the store");
    assert_int_equal(s->host->n_lines, 0);
    assert_int_equal(unlink(s->ballast), 0);
    assert_non_null(host_answer(s->host, 1));
    assert_int_equal(host_leave(s->host), 0);
}

TEST_WITH(crash_stdio, who_leaves_while_the_disk_is_full_is_let_go, setup, teardown)
{
    struct scene *s = *state;

    if (!s->is_mounted) {
        test_skip("root, for a tmpfs that can be filled");
    }
    proc_option(s->host->p, "--stop-within", "500ms");
    fill_disk(s);
    host_launch(s->host);
    host_say(s->host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
    proc_await_said(s->host->p, "no space left for the store");
    assert_int_equal(host_leave(s->host), 0);
}

RUN_TESTS()
