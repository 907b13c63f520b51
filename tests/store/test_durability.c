/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is there after the process died, a write or a sync failed, or the disk was full. Losses of
 * power are in test_power_loss.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "base/limits.h"
#include "fixture.h"
#include "random.h"

#define EXIT_NO_MOUNT 77

/* ---- the disk ---- */

/* These stand before the C library's, for RocksDB too: to count syncs, and to break the disk. */
static atomic_uint n_datasyncs;
static atomic_int datasync_errno, write_errno;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    atomic_fetch_add(&n_datasyncs, 1);
    errno = atomic_load(&datasync_errno);
    return errno ? -1 : (int)syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) ssize_t write(int fd, const void *p, size_t n)
{
    errno = fd > STDERR_FILENO ? atomic_load(&write_errno) : 0;
    return errno ? -1 : syscall(SYS_write, fd, p, n);
}

/* ---- children ---- */

/* Writes the sequence, syncs now and then, and tells what it did before it goes on. */
__attribute__((noreturn)) static void write_until_killed(const char *dir)
{
    struct store *s = must_open(dir);

    for (unsigned i = 0;; i++) {
        uint64_t position = write_sequence(s, i);

        printf("written %u\n", i + 1);
        if (i % 3 == 0) {
            must_sync(s, position);
            printf("synced %u\n", i + 1);
        }
    }
}

/* DMCP_FAULT makes the third of them fail; it stays that way, and both sides learn of it. */
static int expect_failure(const char *dir, int code)
{
    struct store *s = must_open(dir); /* its format version is the first write and sync */
    struct err first = { 0 }, e = { 0 };
    uint64_t position;
    struct batch b;
    int rc;

    must_sync(s, write_sequence(s, 0));
    batch_init(&b);
    batch_put(&b, STR("k"), STR("v"));
    rc = store_write(s, &b, &position, &first);
    if (!rc) {
        rc = store_sync(s, position, &first);
    }
    assert(rc == code);
    rc = store_write(s, &b, &position, &e);
    assert(rc == code && strcmp(e.text, first.text) == 0);
    rc = store_sync(s, 0, &e);
    assert(rc == code && strcmp(e.text, first.text) == 0);
    batch_fini(&b);
    store_close(s);
    s = must_open(dir);
    assert(expect_sequence(s) == 1);
    store_close(s);
    return 0;
}

/* Only this process sees the mount, and it goes away with it. */
static bool mount_small_disk(const char *dir)
{
    char uid_map[32], gid_map[32];

    if (unshare(CLONE_NEWNS) < 0) { /* not root: become it in a namespace of one's own */
        snprintf(uid_map, sizeof(uid_map), "0 %u 1", (unsigned)geteuid());
        snprintf(gid_map, sizeof(gid_map), "0 %u 1", (unsigned)getegid());
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
            return false;
        }
        write_text("/proc/self/uid_map", uid_map);
        write_text("/proc/self/setgroups", "deny");
        write_text("/proc/self/gid_map", gid_map);
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", dir, "tmpfs", 0, "size=60m") == 0;
}

static unsigned fill_disk(struct store *s, struct err *e)
{
    static char value[200 * KIB];
    struct random r = { 1 };
    uint64_t position;
    struct batch b;
    unsigned n = 0;

    random_fill(&r, value, sizeof(value)); /* or it would be compressed away */
    batch_init(&b);
    do {
        batch_reset(&b);
        batch_put(&b, STR("\x03rubbish"), str_make(value, sizeof(value)));
        if (store_write(s, &b, &position, e)) {
            break;
        }
        must_sync(s, write_sequence(s, n));
    } while (++n < 10000);
    batch_fini(&b);
    return n;
}

static int expect_full_disk(const char *dir)
{
    char *store = path_in(dir, "store"), *ballast = path_in(dir, "ballast");
    struct err e = { 0 };
    struct statvfs fs;
    struct store *s;
    uint64_t position;
    struct batch b;
    unsigned n;
    int fd;

    if (!mount_small_disk(dir)) {
        return EXIT_NO_MOUNT;
    }
    fd = open(ballast, O_RDWR | O_CREAT, 0600);
    assert(fd >= 0 && fallocate(fd, 0, 0, 10 * MIB) == 0);
    s = must_open(store);
    n = fill_disk(s, &e);
    printf("# full after %u: %s\n", n, e.text);
    assert(n > 5 && e.code == DMCP_E_FULL && strstr(e.text, "o space left on"));
    batch_init(&b);
    assert(store_write(s, &b, &position, &e) == DMCP_E_FULL);
    assert(store_sync(s, 0, &e) == DMCP_E_FULL);
    batch_fini(&b);
    assert(expect_sequence(s) >= n); /* reading goes on */
    store_close(s);
    assert(statvfs(dir, &fs) == 0);
    assert(fallocate(fd, 0, 10 * MIB, (off_t)(fs.f_bavail * fs.f_frsize)) == 0);
    expect_refusal(store, DMCP_E_FULL, "o space left on");
    assert(ftruncate(fd, 0) == 0); /* somebody makes room */
    s = must_open(store);
    assert(expect_sequence(s) >= n);
    must_sync(s, write_sequence(s, expect_sequence(s)));
    store_close(s);
    close(fd);
    free(ballast);
    free(store);
    return 0;
}

int child_main(const char *mode, const char *dir)
{
    if (strcmp(mode, "write") == 0) {
        write_until_killed(dir);
    } else if (strcmp(mode, "enospc") == 0) {
        return expect_failure(dir, DMCP_E_FULL);
    } else if (strcmp(mode, "eio") == 0) {
        return expect_failure(dir, DMCP_E_STORE);
    }
    return expect_full_disk(dir);
}

/* ---- the process dies ---- */

/* Reads what the child says until it is gone, or kills it after n lines. */
static void let_it_write(struct child *c, unsigned n_lines, unsigned *written, unsigned *synced)
{
    char line[64];

    *written = *synced = 0;
    while (n_lines-- > 0 && fgets(line, sizeof(line), c->out)) {
        (void)(sscanf(line, "written %u", written) || sscanf(line, "synced %u", synced));
    }
}

TEST(durability, keeps_all_that_was_written_through_a_close)
{
    char *dir = test_dir();
    struct store *s = must_open(dir);

    for (unsigned i = 0; i < 10; i++) {
        write_sequence(s, i);
    }
    store_close(s);
    s = must_open(dir);
    assert_int_equal(expect_sequence(s), 10);
    store_close(s);
    free(dir);
}

TEST(durability, keeps_all_that_was_written_through_the_death_of_the_process)
{
    char *dir = test_dir();
    unsigned written, synced, found = 0;

    for (unsigned round = 1; round <= 3; round++) {
        struct child c;
        struct store *s;

        s = must_open(dir);
        store_close(s);
        c = child_start("write", dir, NULL);
        let_it_write(&c, 100 * round, &written, &synced);
        child_kill(&c);
        assert_true(synced > 0);
        s = must_open(dir);
        found = expect_sequence(s);
        assert_true(found >= written);
        store_close(s);
    }
    free(dir);
}

TEST(durability, keeps_whole_batches_when_it_dies_at_any_of_its_fault_points)
{
    static const char *const points[] = { "store.write.before", "store.write.after",
                                          "store.sync.before", "store.sync.after" };
    static const unsigned passages[] = { 1, 2, 3, 8 };
    char fault[64];

    for (size_t i = 0; i < COUNT_OF(points); i++) {
        for (size_t k = 0; k < COUNT_OF(passages); k++) {
            char *dir = test_dir();
            unsigned written, synced, found;
            struct child c;
            struct store *s;

            snprintf(fault, sizeof(fault), "%s:%u", points[i], passages[k]);
            c = child_start("write", dir, fault);
            let_it_write(&c, UINT32_MAX, &written, &synced);
            assert_int_equal(child_wait(&c), -SIGKILL);
            s = must_open(dir);
            found = expect_sequence(s);
            assert_true(found >= written && found <= written + 1);
            store_close(s);
            free(dir);
        }
    }
}

TEST(durability, stays_failed_once_a_write_or_a_sync_has_failed)
{
    static const char *const faults[] = { "store.write:3:enospc", "store.sync:3:enospc",
                                          "store.write:3:eio", "store.sync:3:eio" };

    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        char *dir = test_dir();
        struct child c = child_start(strrchr(faults[i], ':') + 1, dir, faults[i]);

        assert_int_equal(child_wait(&c), 0);
        free(dir);
    }
}

TEST(durability, asks_the_disk_once_for_all_that_was_written_before_a_sync)
{
    char *dir = test_dir();
    struct store *s = must_open(dir);
    uint64_t position = 0;
    unsigned before = atomic_load(&n_datasyncs);

    for (unsigned i = 0; i < 10; i++) {
        position = write_sequence(s, i);
    }
    assert_int_equal(atomic_load(&n_datasyncs), before);
    must_sync(s, position);
    assert_int_equal(atomic_load(&n_datasyncs), before + 1);
    store_close(s);
    free(dir);
}

static void expect_broken(struct store *s, int code)
{
    uint64_t position;
    struct batch b;
    struct err e;
    int rc;

    batch_init(&b);
    batch_put(&b, STR("k"), STR("v"));
    for (unsigned i = 0; i < 3; i++) {
        rc = store_write(s, &b, &position, &e);
        rc = rc ? rc : store_sync(s, position, &e);
        assert_int_equal(rc, code);
    }
    batch_fini(&b);
}

TEST(durability, closes_safely_after_the_disk_failed_and_keeps_what_was_synced_before)
{
    static const struct {
        atomic_int *broken;
        int errno_value, code;
    } cases[] = {
        { &datasync_errno, EIO, DMCP_E_STORE },   { &datasync_errno, ENOSPC, DMCP_E_FULL },
        { &datasync_errno, EDQUOT, DMCP_E_FULL }, { &write_errno, EIO, DMCP_E_STORE },
        { &write_errno, ENOSPC, DMCP_E_FULL },    { &write_errno, EDQUOT, DMCP_E_FULL }
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *dir = test_dir();
        struct store *s = must_open(dir);

        must_sync(s, write_sequence(s, 0));
        atomic_store(cases[i].broken, cases[i].errno_value);
        expect_broken(s, cases[i].code);
        assert_int_equal(expect_sequence(s), 1);
        store_close(s);
        atomic_store(cases[i].broken, 0);
        s = must_open(dir);
        assert_int_equal(expect_sequence(s), 1);
        must_sync(s, write_sequence(s, 1));
        store_close(s);
        free(dir);
    }
}

TEST(durability, says_that_the_disk_is_full_and_goes_on_when_there_is_room_again)
{
    char *dir = test_dir(), line[256];
    struct child c = child_start("full", dir, NULL);
    int status;

    while (fgets(line, sizeof(line), c.out)) {
        printf("%s", line);
    }
    status = child_wait(&c);
    free(dir);
    if (status == EXIT_NO_MOUNT) {
        test_skip("the right to mount a tmpfs in a namespace of one's own");
    }
    assert_int_equal(status, 0);
}

RUN_TESTS()
