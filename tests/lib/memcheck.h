/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers under valgrind's memcheck, when VALGRIND is set in the environment of the tests
 * (make valgrind). What it finds is left in files of the server's folder, and fails the test.
 */
#ifndef TESTS_MEMCHECK_H
#define TESTS_MEMCHECK_H

/* Becomes valgrind that runs this program; returns if it is not wanted. */
void memcheck_exec(const char *dir, char *const argv[]);

/* Shows what was found in the server's folder; if there is something, the test fails. */
void memcheck_expect_nothing(const char *dir);

#endif
