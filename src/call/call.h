/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handler's side of a call: struct dmcp_call behind the public header, and one attempt from
 * its dispatch to its outcome.
 *
 * An attempt in a worker thread:
 *   1. read the arguments; from the second attempt on, what earlier ones recorded is read from the
 *      store, entry by entry as the handler comes to it;
 *   2. run the handler; each thing that it does asks the journal first, and tells the engine
 *      what is new (a command; the worker waits for the answer where the next thing depends on
 *      it);
 *   3. hand in the outcome (CMD_CALL_DONE), or give the call back unfinished (CMD_CALL_RELEASE)
 *      when the handler saw a code that says so, e.g. because the server stops.
 *
 * Before a step's body runs, all that the call recorded so far is made durable (CMD_CALL_FLUSH),
 * so that no body ever acts on a result that a crash could take back. Nothing recorded since the
 * last flush means nothing to wait for: a call with one at-least-once step never waits.
 *
 * Calls of ephemeral tools, and the calls that start-up functions get, have no journal: what
 * they send goes straight to the I/O thread, their steps just run, their map writes are durable
 * when they return.
 *
 * This folder may include base, json, store, mcp/tool.h and the engine's commands and actions.
 */
#ifndef CALL_CALL_H
#define CALL_CALL_H

#include <stdatomic.h>

#include "base/hmap.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/mailbox.h"
#include "base/waiter.h"
#include "call/validation.h"
#include "dmcp.h"
#include "engine/action.h"
#include "engine/command.h"
#include "json/json.h"
#include "mcp/tool.h"
#include "store/store.h"

/* What all calls of a server share. */
struct call_env {
    struct mailbox *engine; /* takes struct command */
    struct mailbox *io;     /* takes struct action, of ephemeral calls */
    struct store *store;    /* for reads */
    dmcp_server *server;    /* for handlers; not looked at here */
    const atomic_bool *is_stopping; /* retries do not wait any longer */
    struct validation *validation;  /* NULL: nothing is run a second time */
};

enum call_mode {
    CALL_JOURNALED, /* of a durable tool */
    CALL_EPHEMERAL, /* of an ephemeral tool */
    CALL_OUTSIDE,   /* no tool: start-up functions and the operator's tools */
};

/* One attempt to be run. */
struct run {
    struct mail mail; /* in the workers' queue, */
    struct link link; /* or among the running ones */
    enum call_mode mode;
    const struct tool *tool; /* held by the run; NULL for none */
    struct id call, session;
    uint64_t peer;         /* ephemeral: who gets the reply */
    struct str request_id; /* ephemeral: raw JSON */
    struct str params;     /* raw JSON of tools/call's params */
    uint32_t attempt;
    uint8_t log_level; /* the least that the client wants, as dmcp_log_level */
    uint8_t client;    /* what the client can do: SESSION_* of records.h */
    uint8_t flags;     /* UNFINISHED_* of records.h */
    bool is_reask;     /* questions of another life of the server are asked again */
    atomic_uchar told; /* what of UNFINISHED_* came while it runs */
    struct arena arena; /* owns the strings */
};

struct run *run_new(enum call_mode mode);
struct run *run_of(const struct action *dispatch); /* all of it but the tool */
struct str run_dup(struct run *r, struct str s); /* into its arena */
void run_free(struct run *r);

/* Runs one attempt and hands in its outcome. The run stays the caller's. The calling thread's
 * waiter is used for answers. */
void call_execute(struct call_env *env, struct waiter *waiter, const struct run *run);

/* Runs a start-up function; DMCP_OK or its error, with its text. */
int call_execute_outside(struct call_env *env, struct waiter *waiter,
                         const struct call_handler *h, struct err *e) MUST_CHECK;

/* The call that this thread is running now, for the crash handler: false when it runs none.
 * Safe in a signal handler. */
bool call_current(struct id *call_out);

#endif
