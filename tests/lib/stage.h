/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tool and one call at a time, played in the test's own thread: the real engine on a memory
 * store (rig.h), the real call_execute, and between them a driver that does its work inside of
 * mailbox_put. So nothing is left to chance, and a crash can be put behind any command.
 *
 * A crash is a cut: after so many commands of the attempt nothing is applied any more and every
 * waiter hears that the store failed. What the handler still does after that leaves no trace, like
 * what a dead process does. stage_crash then starts the engine anew.
 *
 * The driver syncs when somebody waits for it and not before, so that stage_crash can take back
 * everything that nobody was promised.
 */
#ifndef TESTS_STAGE_H
#define TESTS_STAGE_H

#include "call/call.h"
#include "rig.h"

#define STAGE_NO_CUT UINT_MAX

struct stage {
    struct rig *rig;
    struct call_env env;
    struct mailbox commands, io;
    struct waiter waiter;
    atomic_bool is_stopping;
    struct tool tool;
    struct id call;      /* the last one started */
    struct run *pending; /* dispatched, and not run yet */
    struct run *running;
    uint8_t log_level, client; /* of the calls that are started */
    uint64_t timeout_ms;       /* the same */
    unsigned n_calls, n_peers;

    unsigned cut;                    /* how many commands of an attempt are applied */
    unsigned n_commands[N_COMMANDS]; /* of this attempt, applied */
    unsigned n_lost[N_COMMANDS];     /* the same, behind the cut */
    unsigned n_applied, n_syncs;     /* of this attempt */
    int refusal;                     /* what waiters hear behind the cut; DMCP_E_STORE */
    char *result;                    /* of stage_result */
};

struct stage *stage_new(void);
void stage_free(struct stage *s);
int stage_setup(void **state); /* cmocka fixtures */
int stage_teardown(void **state);

/* Starts a call; its first attempt is pending then. `arguments` is an object's text. */
void stage_start(struct stage *s, dmcp_handler_fn *fn, void *context, const char *arguments);
void stage_start_params(struct stage *s, dmcp_handler_fn *fn, void *context, const char *params);

void stage_attempt(struct stage *s); /* runs the pending attempt */

/* The process dies, and the engine starts anew: the call, if it is not finished, is pending again.
 * This many writes that were not synced reached the disk; SIZE_MAX for all. */
void stage_crash(struct stage *s, size_t n_writes_to_keep);

/* ---- while the call waits, or its handler runs (stage_wait.c) ---- */

void stage_set_client(struct stage *s, uint8_t can); /* SESSION_* of records.h */
void stage_pass(struct stage *s, uint64_t ms);       /* and looks what is due */
bool stage_is_waiting(struct stage *s);              /* suspended, and not to be run */
const char *stage_last_event(struct stage *s);       /* of the call's stream; NULL */
struct id stage_question(struct stage *s);           /* the id in it */
void stage_answer(struct stage *s, const char *json); /* the question that was asked last */
void stage_answer_error(struct stage *s, const char *text);
void stage_answer_to(struct stage *s, struct id input, const char *json);
void stage_signal(struct stage *s, const char *name, const char *json);
void stage_cancel(struct stage *s);
void stage_write(struct stage *s, const char *map, const char *key,
                 const char *value); /* from outside of calls; NULL: is removed */
void stage_follow(struct stage *s); /* a client is there (again) */
void stage_apply(struct stage *s, struct command *c);
void stage_drive(struct stage *s); /* writes, syncs if somebody waits for it, and delivers */

/* ---- its end ---- */

bool stage_is_finished(struct stage *s);
const char *stage_result(struct stage *s); /* the result object's text; "" when there is none */

/* start, attempt, result */
const char *stage_call(struct stage *s, dmcp_handler_fn *fn, void *context, const char *arguments);

/* The same without journal and engine: the reply's text, owned by the stage. Notifications stand
 * before it, one per line. */
const char *stage_call_ephemeral(struct stage *s, dmcp_handler_fn *fn, void *context,
                                 const char *params);

/* What `key` holds in `map`, owned by the stage; NULL when it is not there. */
const char *stage_map_value(struct stage *s, const char *map, const char *key);

/* The i-th event (from 1) of the call's stream, or of the session's own; NULL. */
const char *stage_event(struct stage *s, uint64_t i);
const char *stage_session_event(struct stage *s, uint64_t i);

#endif
