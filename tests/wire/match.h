/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a JSON text is what a case expects. The expectation is JSON too, and tells only what
 * matters:
 *
 *   {"a":1}     an object whose member a is 1; other members may be there
 *   [1,2]       these elements and no others
 *   "*"         anything
 *   "~text"     a string that contains the text
 *   "!"         (as a member's value) there is no such member
 *   others      the same value
 */
#ifndef TESTS_WIRE_MATCH_H
#define TESTS_WIRE_MATCH_H

#include "base/buf.h"

/* False, with the place and what is wrong there. */
bool match_json(const char *expected, const char *actual, struct buf *why);

#endif
