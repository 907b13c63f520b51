/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call with one step whose body does what a script says, for the tests of the guards.
 */
#ifndef TESTS_CALL_SCRIPT_H
#define TESTS_CALL_SCRIPT_H

#include "harness.h"

#include "stage.h"

#define NETWORK_ERROR 7
#define DECLINED 8

/* What a body is told to do, and how often it ran. */
struct script {
    int fails_with;      /* the body, */
    unsigned n_failures; /* so often */
    bool is_quiet;       /* without dmcp_fail */
    const char *json;    /* the result; NULL: none is set */
    unsigned n_runs;
    bool stops_server; /* while it runs */
    struct stage *stage;
    const dmcp_step *step;
    int rc; /* what the guard returned */
    char text[600];
    char value[200];
    int guard; /* GUARD_... */
};

TEST_UNUSED static int body(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct script *s = arg;

    s->n_runs++;
    if (s->stops_server) {
        atomic_store(&s->stage->is_stopping, true);
    }
    if (s->n_runs <= s->n_failures) {
        return s->is_quiet ? s->fails_with
                           : dmcp_fail(call, s->fails_with, "the wire broke, time %u", s->n_runs);
    }
    if (s->json) {
        *result = dmcp_json_parse(call, s->json, strlen(s->json));
    }
    return DMCP_OK;
}

TEST_UNUSED static int one_step(dmcp_call *call)
{
    struct script *s = dmcp_call_context(call);
    dmcp_value *v = NULL;

    s->rc = s->guard == GUARD_AT_MOST_ONCE ? dmcp_at_most_once_with(call, s->step, body, s, &v)
                                           : dmcp_at_least_once_with(call, s->step, body, s, &v);
    snprintf(s->text, sizeof(s->text), "%s", dmcp_error_text(call));
    snprintf(s->value, sizeof(s->value), "%s", s->rc == DMCP_OK ? dmcp_json_text(call, v) : "");
    DMCP_TRY(s->rc);
    return dmcp_reply(call, "v", v);
}

TEST_UNUSED static const int listed[] = { NETWORK_ERROR, 0 };
#define FAST                                                                                       \
    {                                                                                              \
        .first_ms = 1, .max_ms = 1                                                                 \
    }
TEST_UNUSED static const dmcp_step plain = { .alias = "charge", .retry = FAST };
TEST_UNUSED static const dmcp_step listing = { .alias = "charge",
                                               .retry = FAST,
                                               .retryable = listed };

TEST_UNUSED static void play(struct stage *st, struct script *s)
{
    s->stage = st;
    stage_start(st, one_step, s, "{}");
    stage_attempt(st);
}

#endif
