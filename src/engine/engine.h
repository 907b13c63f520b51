/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: commands in, rows and actions out. It has no sockets, no threads, no clock, no
 * randomness and parses no JSON; time and random ids arrive with the command. So the same
 * commands give the same rows and the same actions, and any point can be crashed in a simulation.
 *
 * The driver's duties, in this order, for as many commands at a time as it likes:
 *   1. engine_apply for each; when it answers ENGINE_WRITE_FIRST, do 2 and apply it again;
 *   2. write the rows in one batch, call engine_written, carry out the WHEN_VISIBLE actions;
 *   3. sync, and carry out the WHEN_DURABLE actions.
 * When writing, syncing or engine_apply fails, the engine in memory is ahead of the disk: drop
 * it, and start again from the store with engine_recover.
 *
 * The engine reads the store (through its pointer) but never writes it. Thread: one at a time.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/action.h"
#include "engine/command.h"

struct engine;

struct engine_options {
    uint32_t max_calls;       /* unfinished calls at a time; more are refused as busy */
    uint32_t max_dispatched;  /* of these, handed to workers at a time */
    uint64_t max_dispatched_bytes;
    uint32_t max_sessions;
    uint32_t max_subscriptions, max_subscribers; /* in all, and to one resource; 0: limits.h */
    uint64_t session_idle_ms; /* a session unused for so long is gone */
    uint64_t key_ms;          /* an idempotency key counts for so long behind its call's end */
    uint64_t keep_calls_ms;   /* a finished call is kept for so long; 0 for ever */
    uint64_t keep_events_ms;  /* and what was handed out of a session's own stream; the same */
    uint32_t prime_ms;        /* a call running for so long gets its stream opened */
    struct str lists_changed[N_LISTS]; /* messages to clients, raw JSON: tools, prompts, resources */
    bool clients_stay;        /* they outlive the server process, and remember its questions */
    struct str cancelled;     /* error object, raw JSON: what a repeat of a cancelled call gets */
};

struct engine_time {
    uint64_t wall_ms, mono_ms;
};

#define ENGINE_WRITE_FIRST 1

struct engine *engine_new(struct store *store, const struct engine_options *o);
void engine_free(struct engine *e);

/* Makes the state in memory from the store: every unfinished call becomes ready to run again, in
 * a new attempt (engine_written dispatches it). `crashed` (may be NULL) is the call whose handler
 * took the last process down; at LIMIT_CRASHES it gets `crash_result`, the raw JSON of a tool
 * error, instead of another attempt. */
int engine_recover(struct engine *e, struct engine_time now, const struct id *crashed,
                   struct str crash_result, struct batch *rows, struct err *err) MUST_CHECK;

/* Rows are added to `rows`, actions to `out`. The command stays the caller's. Negative: the store
 * could not be read. */
int engine_apply(struct engine *e, struct engine_time now, const struct command *c,
                 struct batch *rows, struct action_list *out, struct err *err) MUST_CHECK;

/* All rows handed out so far are visible in the store. Calls that waited for a free worker are
 * dispatched (WHEN_VISIBLE actions, no rows). */
int engine_written(struct engine *e, struct action_list *out, struct err *err) MUST_CHECK;

/* When CMD_TICK is due, in mono_ms; UINT64_MAX for never. */
uint64_t engine_deadline(const struct engine *e, struct engine_time now);

/* When CMD_SWEEP has something to do, in mono_ms: 0 for at once, UINT64_MAX for never. */
uint64_t engine_sweep_due(const struct engine *e);

/* 0, or finished calls that should have gone long ago are there, and so many more calls have ended
 * lately than were swept: more sweeping is needed than there is. */
uint32_t engine_sweep_debt(const struct engine *e);

struct engine_counts {
    size_t calls, ready, running, followers, sessions;
    uint64_t swept_calls, swept_sessions; /* deleted because their time was over */
};
struct engine_counts engine_counts(const struct engine *e);

#endif
