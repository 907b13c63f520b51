/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the sweep share. See sweep.c.
 *
 * The sweep deletes what nobody can ask for any more. What it cannot decode it leaves alone: that
 * is for whoever needs it to complain of, and must not end a server that does without.
 */
#ifndef ENGINE_SWEEP_H
#define ENGINE_SWEEP_H

#include "engine/internal.h"

/* What a command may still do. */
struct sweep_left {
    uint32_t n_looks, n_deletions;
    bool is_stay; /* the row at hand is not done with: the next command begins with it */
    bool has_read; /* `read` is filled in */
    struct hmap read; /* ids of the calls, and of their sessions, whose rows are being read */
};

static inline bool sweep_may_go_on(const struct sweep_left *left)
{
    return left->n_looks > 0 && left->n_deletions > 0 && !left->is_stay;
}

void sweep_looked(struct sweep_left *left, uint32_t n);
void sweep_del(struct engine *e, struct sweep_left *left, struct str key);
/* For a row that engine_read is to know of. */
void sweep_del_read(struct engine *e, struct sweep_left *left, struct key k);

/* Some connection is still being sent this finished call, or one of this session. */
bool sweep_is_being_read(const struct engine *e, struct sweep_left *left, struct id id);

/* So long ago that it is over, by the wall clock; 0 keeps for ever. */
static inline bool sweep_is_over(const struct engine *e, uint64_t at_ms, uint64_t keep_ms)
{
    return keep_ms && e->now.wall_ms > at_ms && e->now.wall_ms - at_ms >= keep_ms;
}

/* ---- reading along the keys of one shard of one kind, forwards only ---- */

struct sweep_scan {
    struct cursor *cursor; /* NULL before the first use */
    struct str key, value; /* the row at hand; absent at the end */
};

/* Goes to the first row that is not before this key. */
int sweep_scan_to(struct engine *e, struct sweep_scan *s, struct str key) MUST_CHECK;
int sweep_scan_next(struct engine *e, struct sweep_scan *s) MUST_CHECK;
void sweep_scan_close(struct sweep_scan *s);

/* ---- the rounds: each looks on from where its last command stopped ---- */

int sweep_calls(struct engine *e, struct sweep_left *left, bool *is_round_over) MUST_CHECK;
int sweep_session(struct engine *e, struct sweep_left *left, struct str key,
                  struct str value) MUST_CHECK;
int sweep_stream(struct engine *e, struct sweep_left *left, struct str key,
                 struct str value) MUST_CHECK;
int sweep_input(struct engine *e, struct sweep_left *left, struct str key,
                struct str value) MUST_CHECK;
int sweep_subscription(struct engine *e, struct sweep_left *left, struct str key,
                       struct str value) MUST_CHECK;

#endif
