/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a condition that another process makes true. The only place where tests let time
 * pass; what can be awaited in another way (a byte on a socket) is.
 */
#ifndef TESTS_WAIT_H
#define TESTS_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* Long enough for a sanitized build on a busy machine: it passes only when something is broken. */
#define WAIT_MS 30000

/* True as soon as cond(arg) is; false when it was not within so many milliseconds. */
bool wait_until(bool (*cond)(void *arg), void *arg, uint64_t ms);

#endif
