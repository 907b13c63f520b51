/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Effect validation: whatever succeeds is run a second time against what it recorded, to find
 * handlers that would do something else after a crash. validate.c tells how; here is what all calls
 * of a server share.
 */
#ifndef CALL_VALIDATION_H
#define CALL_VALIDATION_H

#include <stdbool.h>
#include <stdint.h>

enum validation_mode {
    VALIDATE_OFF,
    VALIDATE_QUIET, /* differences are logged, each seldom */
    VALIDATE_ON,    /* and the call fails with them */
};

struct validation;

/* NULL for VALIDATE_OFF. */
struct validation *validation_new(enum validation_mode mode);
void validation_free(struct validation *v); /* NULL is fine */

bool validation_is_fatal(const struct validation *v);

/* Whether a difference in this place is to be logged now: it was not within five minutes. From any
 * thread. */
bool validation_may_log(struct validation *v, const char *place, uint64_t now_ms);

#endif
