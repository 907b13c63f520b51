/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that is full, or that fails: nobody is told what is not on disk, the server stays, and goes
 * on when it can.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "harness.h"
#include "site.h"
#include "wait.h"

/* ---- a small disk ---- */

#define DISK "size=40m"

static char *disk; /* where it is mounted; of the test that runs */

static void skip_unless(bool is_there)
{
    if (!is_there) {
        test_skip("root, for a tmpfs that can be filled");
    }
}

/* The server's store lies on it. */
static int disk_setup(void **state)
{
    struct site *s = site_new("tests/gates");

    *state = s;
    disk = proc_path(s->server, "disk");
    assert_int_equal(mkdir(disk, 0700), 0);
    if (mount("tmpfs", disk, "tmpfs", 0, DISK) == 0) {
        mem_free(s->server->store);
        s->server->store = proc_path(s->server, "disk/store");
        site_begin(s);
    }
    return 0;
}

static int disk_teardown(void **state)
{
    site_free(*state);
    umount2(disk, MNT_DETACH);
    mem_free(disk);
    return 0;
}

static void fill_disk(struct site *s)
{
    static const char zeros[4096];
    char *path = proc_path(s->server, "disk/ballast");
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    while (write(fd, zeros, sizeof(zeros)) > 0) {
    }
    assert_int_equal(errno, ENOSPC);
    close(fd);
    mem_free(path);
}

static void free_some(struct site *s, long bytes)
{
    char *path = proc_path(s->server, "disk/ballast");
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - bytes), 0);
    mem_free(path);
}

static void empty_disk(struct site *s)
{
    char *path = proc_path(s->server, "disk/ballast");

    assert_int_equal(unlink(path), 0);
    mem_free(path);
}

/* It answers, and that it has no time. A process that was killed may still be found listening. */
static bool is_busy(void *arg)
{
    const struct site *s = arg;
    struct raw *r = talk_try_post(&s->talk, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ping\"}");
    int status = r ? raw_status(r) : 0;

    raw_close(r);
    return status == 503;
}

/* Until a call is refused; then every request is. */
static void await_refusal(struct site *s, int id)
{
    struct ask a;
    char *value;

    ask_begin(&a, &s->talk, id, "emit", "{\"n\":1}");
    assert_int_equal(raw_status(a.raw), 503);
    value = raw_field(a.raw, "Retry-After", 0);
    assert_string_equal(value, "1");
    mem_free(value);
    ask_end(&a);
    assert_true(wait_until(is_busy, s, WAIT_MS));
}

TEST_WITH(disk, a_full_one_is_waited_out_and_nothing_that_was_answered_is_lost, disk_setup,
          disk_teardown)
{
    struct site *s = *state;
    struct ask before, again, after;

    skip_unless(s->server->pid);
    site_open_gate(s);
    site_walk(s, &before, 1, "at_most_once");
    assert_true(ask_finish(&before));
    fill_disk(s);
    await_refusal(s, 2);
    assert_true(proc_has_said(s->server, "no space left for the store"));
    empty_disk(s);
    ask_begin(&after, &s->talk, 3, "emit", "{\"n\":2}");
    ask_hang_up(&after); /* it may have been told to come later */
    ask_finish_anyhow(&after);
    assert_int_equal(after.heard.n, 2);
    site_walk(s, &again, 1, "at_most_once");
    assert_true(ask_finish(&again));
    assert_string_equal(again.heard.answer, before.heard.answer);
    site_expect_steps(s, 1, 1, 1, 1);
    assert_int_equal(proc_stop(s->server), 0);
    ask_end(&before);
    ask_end(&again);
    ask_end(&after);
}

TEST_WITH(disk, a_call_that_runs_into_a_full_one_goes_on_when_there_is_room, disk_setup,
          disk_teardown)
{
    struct site *s = *state;
    struct ask a;

    skip_unless(s->server->pid);
    site_walk(s, &a, 1, "at_least_once");
    ask_hear_id(&a);
    site_await(s, "1 2", 1);
    fill_disk(s);
    await_refusal(s, 2);
    assert_int_equal(site_count(s, "1 3"), 0);
    site_open_gate(s);
    empty_disk(s);
    ask_finish_anyhow(&a);
    ask_expect(&a, "[\"ok\",\"ok\",\"ok\"]");
    assert_int_equal(site_count(s, "1 1"), 1);
    assert_int_equal(site_count(s, "1 3"), 1);
    ask_end(&a);
}

TEST_WITH(disk, a_server_that_is_killed_or_started_on_a_full_one_serves_when_there_is_room,
          disk_setup, disk_teardown)
{
    struct site *s = *state;
    struct ask a;

    skip_unless(s->server->pid);
    site_walk(s, &a, 1, "at_least_once");
    ask_hear_id(&a);
    site_await(s, "1 2", 1);
    fill_disk(s);
    await_refusal(s, 2);
    site_open_gate(s);
    proc_kill(s->server);
    proc_launch(s->server); /* it cannot make its files: that must not end it */
    assert_true(wait_until(is_busy, s, WAIT_MS));
    empty_disk(s);
    ask_finish_anyhow(&a);
    ask_expect(&a, "[\"ok\",\"ok\",\"ok\"]");
    assert_int_equal(site_count(s, "1 1"), 1);
    ask_end(&a);
}

static bool says_there_is_room(void *arg)
{
    const struct site *s = arg;

    return proc_has_said(s->server, "there is room for the store again");
}

TEST_WITH(disk, a_little_room_that_would_not_last_is_none, disk_setup, disk_teardown)
{
    struct site *s = *state;

    skip_unless(s->server->pid);
    fill_disk(s);
    await_refusal(s, 1);
    free_some(s, 7 << 20);
    assert_false(wait_until(says_there_is_room, s, 1500));
    empty_disk(s);
    assert_true(wait_until(says_there_is_room, s, WAIT_MS));
}

TEST_WITH(disk, a_server_on_a_full_one_can_be_stopped, disk_setup, disk_teardown)
{
    struct site *s = *state;

    skip_unless(s->server->pid);
    fill_disk(s);
    await_refusal(s, 1);
    assert_int_equal(proc_stop(s->server), 0);
}

/* ---- errors that are injected ---- */

/* Every life of the server fails at its n-th write or sync; so it gets a little further each time. */
static void survive(const char *fault)
{
    struct site *s = site_new("tests/gates");
    struct ask a;

    site_begin(s);
    assert_int_equal(proc_stop(s->server), 0);
    proc_fault(s->server, fault);
    proc_launch(s->server);
    site_open_gate(s);
    ask_begin(&a, &s->talk, 1, "walk", "{\"id\":\"1\",\"log\":\"%s\",\"n\":12}", s->log);
    ask_finish_anyhow(&a);
    ask_expect(&a, "\"ok\",\"ok\",\"ok\",\"ok\",\"ok\",\"ok\",\"ok\",\"ok\",\"ok\",\"ok\",\"ok\",\"ok\"");
    proc_fault(s->server, NULL);
    site_crash(s);
    for (int i = 1; i <= 12; i++) {
        char line[32];

        snprintf(line, sizeof(line), "1 %d", i);
        assert_true(site_count(s, line) >= 1);
    }
    ask_end(&a);
    site_free(s);
}

TEST(disk, errors_of_writing_are_survived)
{
    survive("store.write:8:eio");
}

TEST(disk, errors_of_syncing_are_survived)
{
    survive("store.sync:6:eio");
}

TEST(disk, writes_that_find_no_room_are_survived)
{
    survive("store.write:8:enospc");
}

TEST(disk, syncs_that_find_no_room_are_survived)
{
    survive("store.sync:6:enospc");
}

RUN_TESTS()
