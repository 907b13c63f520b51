/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's way into a running server: HTTP on the socket `control` in the store's directory,
 * which only the owner of the store can use.
 *
 *   GET  /control/inspect/<view>?...   a page of JSON (admin/inspect.h)
 *   GET  /control/export               all rows as lines of JSON (admin/export.h)
 *   POST /control/signal               {"call":id,"name":name,"value":any}
 *   POST /control/cancel               {"call":id}
 *   POST /control/end-session          {"session":id}
 *
 * An error is {"error":{"code":DMCP_E_*,"text":"..."}}. None of this is on the server's port.
 *
 * Reading the store takes its time, so it is done in the loop's thread pool; the I/O thread only
 * hands the answer on. Thread: the I/O thread's only.
 */
#ifndef SERVER_CONTROL_H
#define SERVER_CONTROL_H

#include <uv.h>

#include "engine/action.h"
#include "engine/command.h"
#include "store/store.h"

struct control;

struct control_config {
    uv_loop_t *loop;
    const char *dir; /* of the store, whose lock is held */
    struct store *store;
    void (*post)(void *arg, struct command *c); /* to the engine, which owns it then */
    void *arg;
};

/* NULL when there can be no socket; the log says why, and the server does without. The functions
 * below take NULL. */
struct control *control_new(const struct control_config *config);

/* Whether the action was for an exchange of this one; it owns it then. */
bool control_take(struct control *c, struct action *a);

/* Nothing is posted any more: signals and cancellations are refused. */
void control_stop(struct control *c);

/* Removes the socket and ends all exchanges; the loop has to run on until nothing is left of it. */
void control_close(struct control *c);
void control_free(struct control *c);

#endif
