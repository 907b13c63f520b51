/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on the disk after the power went, and what is said when it is damaged.
 *
 * A power loss is made from a copy of the directory: the log is cut or garbled behind the place
 * that was synced, as a disk may do with what nobody asked it to keep.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "fixture.h"
#include "random.h"

/* Enough for RocksDB to write tables of both families before and after the one sync. */
#define N_LARGE_SYNCED 2500
#define N_LARGE 5000

static void write_large(struct store *s, struct random *r, unsigned i)
{
    char key[16], value[8000];
    struct batch b;

    batch_init(&b);
    random_fill(r, value, sizeof(value));
    snprintf(key, sizeof(key), "\x04%08u", i);
    batch_put(&b, str_of(key), str_make(value, sizeof(value)));
    snprintf(key, sizeof(key), "\x0a%08u", i);
    batch_put(&b, str_of(key), str_make(value, 1000));
    must_write(s, &b);
    batch_fini(&b);
}

/* Writes much, syncs once in the middle, and waits to be killed. */
int child_main(const char *mode, const char *dir)
{
    struct store *s = must_open(dir);
    struct random r = { 3 };

    (void)mode;
    for (unsigned i = 0; i < N_LARGE; i++) {
        uint64_t position;

        write_large(s, &r, i);
        position = write_sequence(s, i);
        if (i + 1 == N_LARGE_SYNCED) {
            must_sync(s, position);
        }
    }
    printf("done\n");
    for (;;) {
        pause();
    }
}

/* ---- the power goes ---- */

#define N_SYNCED 20
#define N_UNSYNCED 20

struct crash {
    char *live, *copy;    /* the directory when the power went, and one to damage */
    off_t synced, length; /* of its log */
};

static off_t log_length(const char *dir)
{
    char *log = newest_file(dir, ".log");
    struct stat st;

    assert_int_equal(stat(log, &st), 0);
    free(log);
    return st.st_size;
}

static void crash_init(struct crash *c)
{
    struct store *s;

    c->live = test_dir();
    c->copy = test_dir();
    s = must_open(c->live);
    for (unsigned i = 0; i < N_SYNCED + N_UNSYNCED; i++) {
        uint64_t position = write_sequence(s, i);

        if (i == N_SYNCED - 1) {
            must_sync(s, position);
            c->synced = log_length(c->live);
        }
    }
    c->length = log_length(c->live);
    copy_dir(c->live, c->copy); /* as it is now: closing it might tidy up */
    store_close(s);
    copy_dir(c->copy, c->live);
}

static void crash_fini(struct crash *c)
{
    free(c->live);
    free(c->copy);
}

static void expect_synced(const char *dir)
{
    struct store *s = must_open(dir);
    unsigned n = expect_sequence(s);

    assert_in_range(n, N_SYNCED, N_SYNCED + N_UNSYNCED);
    for (unsigned i = n; i < n + 10; i++) {
        must_sync(s, write_sequence(s, i));
    }
    store_close(s);
    s = must_open(dir);
    assert_int_equal(expect_sequence(s), n + 10);
    store_close(s);
}

static void cut(const char *dir, off_t at)
{
    char *log = newest_file(dir, ".log");

    assert_int_equal(truncate(log, at), 0);
    free(log);
}

static void overwrite(const char *dir, off_t at, const void *p, size_t n)
{
    char *log = newest_file(dir, ".log");
    int fd = open(log, O_WRONLY);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, p, n, at), n);
    close(fd);
    free(log);
}

TEST(power_loss, keeps_what_was_synced_wherever_a_power_loss_cuts_the_log)
{
    struct crash c;

    log_set_level(LOG_ERROR);
    crash_init(&c);
    for (off_t at = c.synced; at <= c.length; at += 1 + (at - c.synced) / 4) {
        copy_dir(c.live, c.copy);
        cut(c.copy, at);
        expect_synced(c.copy);
    }
    crash_fini(&c);
}

TEST(power_loss, keeps_what_was_synced_when_a_power_loss_leaves_zeros_or_rubbish_in_the_log)
{
    char rubbish[64], zeros[64] = "";
    struct random r = { 7 };
    struct crash c;

    random_fill(&r, rubbish, sizeof(rubbish));
    crash_init(&c);
    for (off_t at = c.synced; at < c.length - 64; at += 97) {
        copy_dir(c.live, c.copy);
        overwrite(c.copy, at, at % 2 ? rubbish : zeros, sizeof(zeros));
        expect_synced(c.copy);
    }
    crash_fini(&c);
}

/* RocksDB syncs the logs that it has closed before it relies on tables made from them; the one it
 * writes to is what a power loss can take. */
TEST(power_loss, keeps_what_was_synced_when_tables_were_written_since)
{
    char *dir = test_dir(), *copy = test_dir(), line[32];
    struct child c = child_start("large", dir, NULL);
    struct stat st;
    char *log;

    log_set_level(LOG_ERROR);
    assert_non_null(fgets(line, sizeof(line), c.out));
    assert_string_equal(line, "done\n");
    child_kill(&c);
    log = newest_file(dir, ".log");
    assert_int_equal(stat(log, &st), 0);
    free(log);
    free(newest_file(dir, ".sst"));
    for (off_t eighths = 0; eighths <= 8; eighths += 4) {
        struct store *s;

        copy_dir(dir, copy);
        cut(copy, st.st_size * eighths / 8);
        s = must_open(copy);
        assert_in_range(expect_sequence(s), N_LARGE_SYNCED, N_LARGE);
        store_close(s);
    }
    free(copy);
    free(dir);
}

/* ---- the log is damaged ---- */

TEST(power_loss, refuses_a_log_that_is_damaged_where_it_was_synced_and_leaves_it_as_it_is)
{
    struct crash c;

    crash_init(&c);
    for (off_t at = 0; at < c.synced; at += 151) {
        char *log, byte, flipped;
        int fd;

        copy_dir(c.live, c.copy);
        log = newest_file(c.copy, ".log");
        fd = open(log, O_RDONLY);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        close(fd);
        free(log);
        flipped = (char)~byte;
        overwrite(c.copy, at, &flipped, 1);
        expect_refusal(c.copy, DMCP_E_CORRUPT, "its log is damaged");
        expect_refusal(c.copy, DMCP_E_CORRUPT, "restore a backup");
        overwrite(c.copy, at, &byte, 1);
        expect_synced(c.copy);
    }
    crash_fini(&c);
}

TEST(power_loss, refuses_a_log_that_ends_before_what_was_synced)
{
    struct crash c;
    char *log;

    crash_init(&c);
    cut(c.copy, c.synced - 1);
    expect_refusal(c.copy, DMCP_E_CORRUPT, "its log is damaged");

    copy_dir(c.live, c.copy);
    cut(c.copy, 0);
    expect_refusal(c.copy, DMCP_E_CORRUPT, "its log is damaged");

    copy_dir(c.live, c.copy);
    log = newest_file(c.copy, ".log");
    assert_int_equal(unlink(log), 0);
    free(log);
    expect_refusal(c.copy, DMCP_E_CORRUPT, "its log is damaged");
    crash_fini(&c);
}

static int read_all(struct store *s)
{
    struct cursor *c = store_scan(s, &(struct range){ .from = STR_NONE });
    struct str key, value;
    struct err e;
    int rc;

    while ((rc = cursor_next(c, &key, &value, &e)) == DMCP_OK) {
    }
    cursor_close(c);
    return rc;
}

TEST(power_loss, refuses_to_start_anew_where_a_store_has_been)
{
    struct crash c;
    char *files, *current;

    crash_init(&c);
    files = path_in(c.copy, "rocksdb");
    current = path_in(files, "CURRENT");
    assert_int_equal(unlink(current), 0);
    expect_refusal(c.copy, DMCP_E_CORRUPT, "CURRENT is gone");
    free(current);
    free(files);
    crash_fini(&c);
}

TEST(power_loss, goes_on_with_what_is_left_when_the_mark_is_deleted)
{
    struct crash c;
    struct store *s;
    char *mark;

    crash_init(&c);
    cut(c.copy, c.synced / 2);
    expect_refusal(c.copy, DMCP_E_CORRUPT, "delete the file \"synced\"");
    mark = path_in(c.copy, "synced");
    assert_int_equal(unlink(mark), 0);
    s = must_open(c.copy);
    assert_in_range(expect_sequence(s), 1, N_SYNCED - 1);
    store_close(s);
    free(mark);
    crash_fini(&c);
}

TEST(power_loss, opens_with_a_mark_that_is_old_or_unreadable)
{
    static const char *const marks[] = { "", "00000000000000000001\n", "rubbish",
                                         "x0000000000000000001\n" };

    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        struct crash c;
        char *mark;

        crash_init(&c);
        mark = path_in(c.copy, "synced");
        write_text(mark, marks[i]);
        expect_synced(c.copy);
        free(mark);
        crash_fini(&c);
    }
}

TEST(power_loss, says_so_when_a_table_is_damaged)
{
    struct crash c;
    struct store *s;
    char *table;
    int fd, rc;

    crash_init(&c);
    store_close(must_open(c.copy)); /* recovery made a table of the log */
    table = newest_file(c.copy, ".sst");
    fd = open(table, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, 20), 4);
    close(fd);
    free(table);
    s = must_open(c.copy);
    rc = read_all(s);
    assert_int_equal(rc, DMCP_E_CORRUPT);
    store_close(s);
    crash_fini(&c);
}

RUN_TESTS()
