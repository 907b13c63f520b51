/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows for a store, made by the engine itself as fast as it can, without clients, workers, syncs
 * and waiting. What fails ends the program with its reason.
 */
#ifndef BENCH_FEED_H
#define BENCH_FEED_H

#include "base/ids.h"
#include "engine/engine.h"
#include "store/store.h"

struct feed {
    const char *program; /* for complaints */
    struct store *store;
    struct engine *engine;
    struct batch rows;
    struct action_list out;
    struct err err;
    struct engine_time now; /* as the caller sets it */
    uint64_t position;
    unsigned n_commands; /* that are not written yet */
    struct id session;   /* of the calls that are started */
    struct uuid7 uuids;
};

/* Options that limit nothing. */
struct engine_options feed_options(void);

void feed_open(struct feed *f, const char *program, const char *dir,
               const struct engine_options *options);
void feed_close(struct feed *f); /* when all rows are durable */

void feed_apply(struct feed *f, struct command *c); /* takes it */
void feed_write(struct feed *f);
void feed_sync(struct feed *f);

void feed_session(struct feed *f);
/* A call of this tool; params is the raw JSON of its request. */
struct id feed_start(struct feed *f, const char *tool, const char *params);
void feed_finish(struct feed *f, struct id call); /* after one step */
/* It waits for a signal; timeout_ms 0 without end, else there is a timer. Its rows have to be
 * written by then (feed_write): it runs as soon as they are. */
void feed_suspend(struct feed *f, struct id call, const char *signal, uint64_t timeout_ms);

#endif
