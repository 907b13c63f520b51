/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers of the store tests. See fixture.h.
 */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

int open_memory(void **state)
{
    static struct fixture f;
    struct err e;

    f = (struct fixture){ 0 };
    assert_int_equal(store_open("memory:", &f.store, &e), DMCP_OK);
    *state = &f;
    return 0;
}

int open_rocksdb(void **state)
{
    static struct fixture f;

    f.dir = test_dir();
    f.store = must_open(f.dir);
    *state = &f;
    return 0;
}

int close_store(void **state)
{
    struct fixture *f = *state;

    if (f->store) {
        store_close(f->store);
    }
    free(f->dir);
    *f = (struct fixture){ 0 };
    return 0;
}

struct store *must_open(const char *dir)
{
    struct store *s = NULL;
    struct err e = { 0 };

    if (store_open(dir, &s, &e)) {
        fail_msg("%s", e.text);
    }
    return s;
}

void expect_refusal(const char *name, int code, const char *in_text)
{
    struct store *s = NULL;
    struct err e = { 0 };

    assert_int_equal(store_open(name, &s, &e), code);
    assert_null(s);
    if (!strstr(e.text, in_text)) {
        fail_msg("\"%s\" is not in \"%s\"", in_text, e.text);
    }
}

/* ---- in one line ---- */

uint64_t must_write(struct store *s, const struct batch *b)
{
    uint64_t position = 0;
    struct err e = { 0 };

    if (store_write(s, b, &position, &e)) {
        fail_msg("%s", e.text);
    }
    return position;
}

void must_sync(struct store *s, uint64_t position)
{
    struct err e = { 0 };

    if (store_sync(s, position, &e)) {
        fail_msg("%s", e.text);
    }
}

uint64_t put(struct store *s, const char *key, const char *value)
{
    struct batch b;
    uint64_t position;

    batch_init(&b);
    batch_put(&b, str_of(key), str_of(value));
    position = must_write(s, &b);
    batch_fini(&b);
    return position;
}

void expect_row(struct store *s, struct str key, struct str value)
{
    struct err e = { 0 };
    struct buf found;

    buf_init(&found, 64u << 20);
    if (store_get(s, key, &found, &e)) {
        fail_msg("%.*s: %s", STR_FMT(key), e.text);
    }
    assert_int_equal(found.len, value.len);
    assert_memory_equal(buf_str(&found).p, value.p, value.len);
    buf_fini(&found);
}

void expect_no_row(struct store *s, struct str key)
{
    struct buf found;
    struct err e;

    buf_init(&found, 1u << 20);
    buf_addz(&found, "before");
    assert_int_equal(store_get(s, key, &found, &e), DMCP_E_NOTFOUND);
    assert_true(str_eq(buf_str(&found), STR("before")));
    buf_fini(&found);
}

static void add_text(struct buf *text, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
            buf_addc(text, (char)c);
        } else {
            buf_addf(text, "\\%02x", c);
        }
    }
}

void expect_cursor(struct cursor *c, const char *text)
{
    struct str key, value;
    struct buf found;
    struct err e;
    int rc;

    buf_init(&found, 1u << 20);
    while ((rc = cursor_next(c, &key, &value, &e)) == DMCP_OK) {
        if (found.len) {
            buf_addc(&found, ' ');
        }
        add_text(&found, key);
        buf_addc(&found, '=');
        add_text(&found, value);
    }
    assert_int_equal(rc, DMCP_E_NOTFOUND);
    assert_int_equal(cursor_next(c, &key, &value, &e), DMCP_E_NOTFOUND);
    buf_addz(&found, "");
    assert_string_equal(found.data, text);
    buf_fini(&found);
}

static void expect_range(struct store *s, struct range r, const char *text)
{
    struct cursor *c = store_scan(s, &r);

    expect_cursor(c, text);
    cursor_close(c);
}

void expect_scan(struct store *s, const char *from, const char *to, const char *text)
{
    expect_range(s, (struct range){ .from = str_of(from), .to = str_of(to) }, text);
}

void expect_reverse(struct store *s, const char *from, const char *to, const char *text)
{
    expect_range(s, (struct range){ .from = str_of(from), .to = str_of(to), .is_reverse = true },
                 text);
}

/* ---- sequences ---- */

/* One kind of each of RocksDB's families first and last. */
static const char *const ends[] = { "\x03"
                                    "first",
                                    "\x05"
                                    "unfinished",
                                    "\x20"
                                    "last" };

uint64_t write_sequence(struct store *s, unsigned i)
{
    char key[16], value[16];
    struct batch b;
    uint64_t position;

    batch_init(&b);
    snprintf(value, sizeof(value), "%u", i);
    for (size_t k = 0; k < COUNT_OF(ends); k++) {
        batch_put(&b, str_of(ends[k]), str_of(value));
    }
    snprintf(key, sizeof(key), "\x06%08u", i);
    batch_put(&b, str_of(key), str_of(value));
    position = must_write(s, &b);
    batch_fini(&b);
    return position;
}

unsigned expect_sequence(struct store *s)
{
    struct cursor *c = store_scan(s, &(struct range){ .from = STR("\x06"), .to = STR("\x07") });
    struct str key, value;
    struct err e;
    char text[16];
    unsigned n = 0;

    for (; cursor_next(c, &key, &value, &e) == DMCP_OK; n++) {
        snprintf(text, sizeof(text), "\x06%08u", n);
        assert_true(str_eqz(key, text));
        snprintf(text, sizeof(text), "%u", n);
        assert_true(str_eqz(value, text));
    }
    cursor_close(c);
    snprintf(text, sizeof(text), "%u", n - 1);
    for (size_t k = 0; k < COUNT_OF(ends); k++) {
        if (n > 0) {
            expect_row(s, str_of(ends[k]), str_of(text));
        } else {
            expect_no_row(s, str_of(ends[k]));
        }
    }
    return n;
}

/* ---- files ---- */

char *path_in(const char *dir, const char *name)
{
    char *path = NULL;

    assert_int_not_equal(asprintf(&path, "%s/%s", dir, name), -1);
    return path;
}

void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    if (f) {
        fputs(text, f);
        fclose(f);
    }
}

static void run(const char *const argv[])
{
    pid_t pid;
    int status;

    assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

void copy_dir(const char *from, const char *to)
{
    run((const char *const[]){ "rm", "-rf", to, NULL });
    run((const char *const[]){ "cp", "-r", from, to, NULL });
}

char *newest_file(const char *dir, const char *suffix)
{
    char *files = path_in(dir, "rocksdb"), newest[32] = "", *path;
    struct dirent *entry;
    DIR *d = opendir(files);

    assert_non_null(d);
    while ((entry = readdir(d))) {
        size_t n = strlen(entry->d_name);

        if (n > 4 && n < sizeof(newest) && strcmp(entry->d_name + n - 4, suffix) == 0 &&
            strcmp(entry->d_name, newest) > 0) {
            memcpy(newest, entry->d_name, n + 1);
        }
    }
    closedir(d);
    assert_true(newest[0] != '\0');
    path = path_in(files, newest);
    free(files);
    return path;
}

/* ---- children ---- */

/* In a constructor, because main belongs to the harness. */
__attribute__((constructor)) static void run_as_child(void)
{
    const char *mode = getenv("STORE_CHILD");

    if (mode) {
        setvbuf(stdout, NULL, _IOLBF, 0);
        exit(child_main(mode, getenv("STORE_CHILD_DIR")));
    }
}

struct child child_start(const char *mode, const char *dir, const char *fault)
{
    char *argv[] = { "child", NULL };
    posix_spawn_file_actions_t actions;
    struct child c;
    pid_t pid;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_addclose(&actions, fds[0]), 0);
    assert_int_equal(posix_spawn_file_actions_addclose(&actions, fds[1]), 0);
    setenv("STORE_CHILD", mode, 1);
    setenv("STORE_CHILD_DIR", dir, 1);
    if (fault) {
        setenv("DMCP_FAULT", fault, 1);
    }
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ), 0);
    unsetenv("STORE_CHILD");
    unsetenv("STORE_CHILD_DIR");
    unsetenv("DMCP_FAULT");
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    c.pid = pid;
    c.out = fdopen(fds[0], "r");
    assert_non_null(c.out);
    return c;
}

int child_wait(struct child *c)
{
    int status;

    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    fclose(c->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void child_kill(struct child *c)
{
    kill(c->pid, SIGKILL);
    assert_int_equal(child_wait(c), -SIGKILL);
}
