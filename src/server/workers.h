/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads that run handlers: one queue, taken in order. A thread is started when there is
 * work and no thread free, up to the number given, and stays.
 *
 * One thread at a time is woken, and wakes the next when it finds more than it takes: short
 * handlers are run by the few threads that are awake, and one that waits holds nobody up.
 */
#ifndef SERVER_WORKERS_H
#define SERVER_WORKERS_H

#include "call/call.h"

struct workers;

struct workers *workers_new(struct call_env *env, size_t n_threads, size_t max_queued);

/* Until then what is put is only queued. */
void workers_begin(struct workers *w);

/* What is put is taken by a thread that is awake, or by one that workers_wake wakes or starts.
 * DMCP_E_BUSY: the queue is full, or the end has come; the run stays the caller's. Durable calls
 * are not counted: the engine bounds what it dispatches. */
int workers_put(struct workers *w, struct run *r) MUST_CHECK;

void workers_wake(struct workers *w);

/* Tells the call's handler, running or queued, that it is to end. If it runs and was told so at
 * told_ms (not 0), that is logged: it takes no notice. */
void workers_cancel(struct workers *w, struct id call, uint8_t why, uint64_t told_ms);

/* No handler is started any more: what is queued is dropped (durable calls are on disk).
 * Returns the number of handlers still running. */
size_t workers_drain(struct workers *w);
size_t workers_running(struct workers *w);
size_t workers_busy(struct workers *w); /* and those that wait for a thread */

/* After workers_drain: waits for the handlers, and frees. */
void workers_free(struct workers *w);

#endif
