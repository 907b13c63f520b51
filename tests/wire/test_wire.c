/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes over the wire, case by case: every tests/wire/x.case is one test. How a case is written
 * stands in case.h.
 */
#include <glob.h>

#include "base/mem.h"
#include "case.h"
#include "harness.h"
#include "pool.h"

static void run(void **state)
{
    case_run(*state);
}

static glob_t files;

static void end(void)
{
    pool_fini();
    while (test_first) {
        struct test_case *test = test_first;

        test_first = test->next;
        mem_free((char *)(uintptr_t)test->sentence);
        mem_free(test);
    }
    globfree(&files);
}

int main(int argc, char **argv)
{
    if (glob("tests/wire/*.case", 0, NULL, &files) != 0) {
        fprintf(stderr, "no cases: this runs in the top directory\n");
        return 1;
    }
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct test_case *test = mem_zalloc(sizeof(*test));

        test->subject = "wire";
        test->sentence = case_sentence(files.gl_pathv[i]);
        test->run = run;
        test->arg = files.gl_pathv[i];
        test_register(test);
    }
    atexit(end);
    return test_main(argc, argv);
}
