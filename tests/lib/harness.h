/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a test program is written: a thin layer over cmocka, whose assertions are used as they are.
 *
 *     #include "harness.h"
 *
 *     TEST(buf, refuses_to_grow_past_its_maximum)
 *     {
 *         assert_int_equal(...);
 *     }
 *
 *     RUN_TESTS()
 *
 * A test's name is a sentence and is printed as one: "buf: refuses to grow past its maximum". The
 * tests run in the order in which they stand in the file; TEST registers them, so none can be
 * forgotten. TEST_WITH names cmocka fixtures, which are run before and after that test:
 *
 *     TEST_WITH(store, keeps_what_was_synced, open_store, close_store) { struct store *s = *state; ... }
 *
 * A program that is given an argument runs only the tests whose sentence contains it:
 *
 *     build/tests/unit/test_buf 'past its maximum'
 *
 * The output is TAP, for scripts/test.sh to count. This is not the place for helpers that concern
 * one subject, nor for waiting (wait.h) or for processes (proc.h).
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST_UNUSED __attribute__((unused))

struct test_case {
    const char *subject;
    const char *sentence; /* as in the source, with underscores */
    CMUnitTestFunction run;
    CMFixtureFunction setup;
    CMFixtureFunction teardown;
    void *arg; /* what *state is before setup */
    struct test_case *next;
    char name[256]; /* as printed */
};

static struct test_case *test_first;
static struct test_case **test_end = &test_first;

static inline void test_register(struct test_case *test)
{
    *test_end = test;
    test_end = &test->next;
}

/* # and ## stand here, not in TEST_DEFINE, so that a subject which is also a macro stays a word. */
#define TEST(subject, sentence) \
    TEST_DEFINE(subject##__##sentence, #subject, #sentence, NULL, NULL)
#define TEST_WITH(subject, sentence, setup, teardown) \
    TEST_DEFINE(subject##__##sentence, #subject, #sentence, setup, teardown)

#define TEST_DEFINE(function, subject_, sentence_, setup_, teardown_)                  \
    static void function(void **state);                                                \
    __attribute__((constructor)) static void function##_register(void)                 \
    {                                                                                  \
        static struct test_case test = { subject_, sentence_, function, setup_,        \
                                         teardown_, NULL, NULL, "" };                  \
        test_register(&test);                                                          \
    }                                                                                  \
    static void function(void **state TEST_UNUSED)

#define RUN_TESTS()                  \
    int main(int argc, char **argv)  \
    {                                \
        return test_main(argc, argv); \
    }

/* End the running test as skipped. What is missing is named, because a skip that does not say why
 * counts as a failure. */
__attribute__((noreturn)) TEST_UNUSED static void test_skip(const char *missing)
{
    printf("# missing: %s\n", missing);
    skip();
    abort(); /* cmocka's skip() leaves by longjmp, but does not say so to the compiler */
}

/* A fresh directory for the running program, to put stores and files in. It lies under TMPDIR, which
 * scripts/test.sh empties after the program has passed and leaves to be looked at when it has not.
 * The caller owns the text. */
TEST_UNUSED static char *test_dir(void)
{
    const char *parent = getenv("TMPDIR");
    char *path = NULL;

    if (!parent)
        parent = "/tmp";
    assert_int_not_equal(asprintf(&path, "%s/dmcp-test-XXXXXX", parent), -1);
    assert_non_null(mkdtemp(path));
    return path;
}

/* ---- Below: what RUN_TESTS needs ------------------------------------------------------------- */

static void test_name(struct test_case *test)
{
    int n = snprintf(test->name, sizeof(test->name), "%s: %s", test->subject, test->sentence);

    assert(n > 0 && (size_t)n < sizeof(test->name));
    for (char *c = test->name; *c; c++) {
        if (*c == '_')
            *c = ' ';
    }
}

/* cmocka prints a test's name once it has ended. This line tells the runner which one was running
 * when a program died. */
static int test_begin(void **state)
{
    struct test_case *test = *state;

    printf("# running: %s\n", test->name);
    *state = test->arg;
    return test->setup ? test->setup(state) : 0;
}

TEST_UNUSED static int test_main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "";
    struct CMUnitTest *selected;
    struct test_case *test;
    size_t n = 0;
    int failed;

    for (test = test_first; test; test = test->next)
        n++;
    selected = calloc(n + 1, sizeof(*selected));
    assert(selected);
    n = 0;
    for (test = test_first; test; test = test->next) {
        test_name(test);
        if (strstr(test->name, wanted)) {
            selected[n++] = (struct CMUnitTest){ test->name, test->run, test_begin,
                                                 test->teardown, test };
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* what was printed survives an abort */
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = _cmocka_run_group_tests("tests", selected, n, NULL, NULL);
    free(selected);
    return failed != 0; /* the count itself would be cut to a byte, and 256 failures be success */
}

#endif
