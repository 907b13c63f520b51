/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the acceptance scenarios share: a server of tests/programs/acceptance.c, a client with a
 * session, and "reboot": the server is killed and started again, and the client goes on with its old
 * session on new connections.
 */
#ifndef TESTS_E2E_TRIAL_H
#define TESTS_E2E_TRIAL_H

#include "harness.h"
#include "proc.h"
#include "talk.h"

struct trial {
    struct proc *server;
    struct talk talk;
    char *count; /* path of the file that steps append to */
    int next_id;
};

/* A server whose `add` does this; `validate` is --validate-effects. The client can be asked. */
void trial_begin(struct trial *t, const char *add, const char *validate);
void trial_end(struct trial *t); /* which the server has to survive: it ends in order */

void trial_reboot(struct trial *t);

/* A request of any method that somebody listens to. */
void trial_ask(struct trial *t, struct ask *a, const char *method, const char *params);
void trial_add(struct trial *t, struct ask *a); /* add(5, 3) */

/* The whole answer to one that nothing else comes of; the caller frees it with mem_free. */
char *trial_answer(struct trial *t, const char *method, const char *params);
void trial_expect(struct trial *t, const char *method, const char *params, const char *part);

/* Lets the calls of `add` go on. */
void trial_finish(struct trial *t);

/* The server reboots while the client is away; then the call goes on, and the client resumes it
 * where it was. */
void trial_reboot_and_resume(struct trial *t, struct ask *a);

/* The answer to add(5, 3). */
void trial_expect_eight(const struct ask *a);
/* The map of what was added has this, and nothing else. */
void trial_expect_adds(struct trial *t, const char *keys);
/* How often a step's body ran. */
int trial_count(const struct trial *t);

void trial_expect_part(const char *text, const char *part);
/* The id of a question that the server asked; the caller frees it with mem_free. */
char *trial_question_id(const char *message);
/* Answers a question; `what` is its result or its error as a member, e.g. "\"result\":{}". */
void trial_say(const struct trial *t, const char *question_id, const char *what);

#endif
