/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a store: what is accepted as one, who may have it, and what is said otherwise.
 */
#include <signal.h>
#include <sys/stat.h>

#include "fixture.h"
#include "store/keys.h"

/* "hold": opens the store and waits to be killed. "denied": expects to be refused, without root's
 * rights. */
int child_main(const char *mode, const char *dir)
{
    if (strcmp(mode, "denied") == 0) {
        if (geteuid() == 0 && setuid(65534) < 0) {
            return 1;
        }
        expect_refusal(dir, DMCP_E_DENIED, "Permission denied");
        return 0;
    }
    must_open(dir);
    printf("open\n");
    for (;;) {
        pause();
    }
}

static void write_file(const char *dir, const char *name)
{
    char *path = path_in(dir, name);

    write_text(path, "");
    free(path);
}

static void put_row(const char *dir, struct str key, struct str value)
{
    struct store *s = must_open(dir);
    struct batch b;

    batch_init(&b);
    batch_put(&b, key, value);
    must_write(s, &b);
    batch_fini(&b);
    store_close(s);
}

/* ---- names ---- */

TEST(store_open, makes_a_directory_that_only_its_owner_can_read)
{
    char *parent = test_dir(), *dir = path_in(parent, "new/");
    struct store *s = must_open(dir);
    struct stat st;

    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    put(s, "k", "v");
    store_close(s);
    s = must_open(dir);
    expect_row(s, STR("k"), STR("v"));
    store_close(s);
    free(dir);
    free(parent);
}

TEST(store_open, keeps_its_files_private_in_a_directory_that_others_can_read)
{
    char *dir = test_dir(), *files = path_in(dir, "rocksdb");
    struct stat st;

    assert_int_equal(chmod(dir, 0755), 0);
    store_close(must_open(dir));
    assert_int_equal(stat(files, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    free(files);
    free(dir);
}

TEST(store_open, says_what_is_wrong_with_a_name)
{
    char *dir = test_dir(), *file = path_in(dir, "file"), *orphan = path_in(dir, "no/store");

    write_file(dir, "file");
    expect_refusal(file, DMCP_E_INVALID, "not a directory");
    expect_refusal(file, DMCP_E_INVALID, file);
    expect_refusal(orphan, DMCP_E_INVALID, "its parent directory does not exist");
    expect_refusal("", DMCP_E_INVALID, "name a directory");
    expect_refusal("https://example.org/", DMCP_E_INVALID, "name a directory");
    expect_refusal("postgresql://host/db", DMCP_E_INVALID, "not supported yet");
    free(orphan);
    free(file);
    free(dir);
}

TEST(store_open, does_not_repeat_a_password)
{
    struct store *s;
    struct err e;

    assert_int_equal(store_open("postgresql://user:secret@host/db", &s, &e), DMCP_E_INVALID);
    assert_null(strstr(e.text, "secret"));
}

TEST(store_open, refuses_a_directory_with_other_peoples_files_and_leaves_it_alone)
{
    char *dir = test_dir(), *lock = path_in(dir, "lock");
    struct stat st;

    write_file(dir, "thesis.tex");
    expect_refusal(dir, DMCP_E_INVALID, "holds other files (thesis.tex)");
    assert_int_equal(stat(lock, &st), -1);
    free(lock);
    free(dir);
}

TEST(store_open, takes_the_start_of_a_store_whose_making_was_interrupted)
{
    char *dir = test_dir();

    write_file(dir, "lock");
    write_file(dir, "synced");
    store_close(must_open(dir));
    write_file(dir, "notes.txt"); /* a store stays one when others put files there */
    store_close(must_open(dir));
    free(dir);
}

TEST(store_open, says_so_when_the_directory_cannot_be_read_or_written)
{
    static const mode_t modes[] = { 0555, 0000 };

    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        char *parent = test_dir(), *dir = path_in(parent, "store");
        struct child c;

        assert_int_equal(chmod(parent, 0755), 0);
        assert_int_equal(mkdir(dir, modes[i]), 0);
        c = child_start("denied", dir, NULL);
        assert_int_equal(child_wait(&c), 0);
        free(dir);
        free(parent);
    }
}

/* ---- one process at a time ---- */

TEST(store_open, refuses_a_store_that_another_process_has_until_that_is_gone)
{
    char *dir = test_dir(), line[32], pid[32];
    struct child c = child_start("hold", dir, NULL);

    assert_non_null(fgets(line, sizeof(line), c.out));
    assert_string_equal(line, "open\n");
    snprintf(pid, sizeof(pid), "(pid %d)", c.pid);
    expect_refusal(dir, DMCP_E_LOCKED, "in use by another process");
    expect_refusal(dir, DMCP_E_LOCKED, pid);
    expect_refusal(dir, DMCP_E_LOCKED, dir);
    child_kill(&c);
    store_close(must_open(dir));
    free(dir);
}

TEST(store_open, refuses_a_store_that_this_process_has)
{
    char *dir = test_dir();
    struct store *s = must_open(dir);

    expect_refusal(dir, DMCP_E_LOCKED, "in use");
    put(s, "k", "v");
    store_close(s);
    store_close(must_open(dir));
    free(dir);
}

/* ---- the format version ---- */

static void expect_version(void **state)
{
    struct fixture *f = *state;
    struct key key = key_meta("format");

    expect_row(f->store, key_str(&key), STR("1"));
}

TEST_WITH(store_open, writes_the_format_version_to_a_new_directory, open_rocksdb, close_store)
{
    expect_version(state);
}

TEST_WITH(store_open, writes_the_format_version_to_memory, open_memory, close_store)
{
    expect_version(state);
}

TEST(store_open, refuses_a_format_that_it_does_not_know_and_names_both)
{
    struct key key = key_meta("format");
    char *dir = test_dir();

    put_row(dir, key_str(&key), STR("2"));
    expect_refusal(dir, DMCP_E_VERSION, "has format 2, this program reads format 1");
    expect_refusal(dir, DMCP_E_VERSION, "use the release that wrote it");
    free(dir);
}

TEST(store_open, refuses_a_format_that_is_no_number)
{
    static const struct str versions[] = { STR("new"), STR(""), STR("1\n"), STR("-1"),
                                           STR("99999999999999999999999999") };
    struct key key = key_meta("format");

    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        char *dir = test_dir();

        put_row(dir, key_str(&key), versions[i]);
        expect_refusal(dir, DMCP_E_VERSION, "not a store of durable-mcp");
        free(dir);
    }
}

TEST(store_open, refuses_rows_without_a_format_version)
{
    struct key key = key_meta("format");
    char *dir = test_dir();
    struct store *s = must_open(dir);
    struct batch b;

    batch_init(&b);
    batch_del(&b, key_str(&key));
    batch_put(&b, STR("other"), STR("rows"));
    must_write(s, &b);
    batch_fini(&b);
    store_close(s);
    expect_refusal(dir, DMCP_E_VERSION, "not a store of durable-mcp");
    free(dir);
}

RUN_TESTS()
