/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Side effects that handlers leave in a file outside of the server, a line each.
 */
#ifndef TESTS_LINES_H
#define TESTS_LINES_H

/* How many lines the file has that are this one; NULL: how many at all. None when there is no file. */
int lines_count(const char *path, const char *wanted);

#endif
