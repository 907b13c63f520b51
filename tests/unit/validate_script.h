/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers that count their runs and may do something else in the second one, for the tests of
 * effect validation.
 */
#ifndef TESTS_VALIDATE_SCRIPT_H
#define TESTS_VALIDATE_SCRIPT_H

#include "harness.h"

#include "stage.h"

enum what {
    A_STEP,
    A_FINAL_STEP,
    A_TIME,
    A_UUID,
    A_WRITE,
    A_BATCH,
    AN_EVENT,
    A_SLEEP,
    AN_UNTIL,
    A_LOOP,
};

struct runs {
    unsigned n, n_bodies;
    enum what what;
    bool in_first; /* it is done in the first run only, else in the second only */
    int rc;
    struct stage *stage;
};

/* The stage, with this mode from now on. */
TEST_UNUSED static struct stage *validating(struct stage *st, enum validation_mode mode)
{
    validation_free(st->env.validation);
    st->env.validation = validation_new(mode);
    return st;
}

TEST_UNUSED static int validate_teardown(void **state)
{
    validating(*state, VALIDATE_OFF);
    return stage_teardown(state);
}

#define assert_in_text(text, part)                                                                 \
    do {                                                                                           \
        if (!strstr(text, part))                                                                   \
            fail_msg("no \"%s\" in: %s", part, text);                                              \
    } while (0)

#endif
