/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handler with one loop whose iterations are the test's.
 */
#ifndef TESTS_LOOP_SCRIPT_H
#define TESTS_LOOP_SCRIPT_H

#include "harness.h"

#include "stage.h"

#define LOOP_TEST(sentence) TEST_WITH(iteration, sentence, stage_setup, stage_teardown)

struct use {
    struct stage *stage;
    dmcp_iteration_fn *body;
    dmcp_handler_fn *before, *after; /* NULL: nothing */
    uint64_t last;
    unsigned n_iterations;
    char keys[10][33], seen[10][100];
    int rc;
    char text[400];
    const char *state; /* JSON text */
};

TEST_UNUSED static int handler(dmcp_call *call)
{
    struct use *u = dmcp_call_context(call);
    dmcp_value *state;

    if (u->before) {
        DMCP_TRY(u->before(call));
    }
    u->rc = dmcp_loop(call, "l", 0, u->body, u, &state);
    snprintf(u->text, sizeof(u->text), "%s", dmcp_error_text(call));
    DMCP_TRY(u->rc);
    if (u->after) {
        u->rc = u->after(call);
        snprintf(u->text, sizeof(u->text), "%s", dmcp_error_text(call));
        DMCP_TRY(u->rc);
    }
    return dmcp_reply(call, "v", state);
}

TEST_UNUSED static void play(struct stage *st, struct use *u)
{
    u->stage = st;
    stage_start(st, handler, u, "{}");
    stage_attempt(st);
}

TEST_UNUSED static int nothing(dmcp_call *call, void *arg, dmcp_value **result)
{
    (void)call;
    (void)arg;
    (void)result;
    return DMCP_OK;
}

#endif
