/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine on a memory store, driven by hand: apply commands, look at the actions, read the rows.
 *
 * A command goes in with rig_apply or one of its short forms. What it asked for stands in a queue,
 * from which rig_expect takes the first. rig_write and rig_commit do a driver's duty; when the
 * engine wants its rows written first, rig_apply does that by itself and counts it.
 *
 * Everything belongs to the rig: ids are values, actions live as long as the rig.
 */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include "engine/engine.h"
#include "store/keys.h"
#include "store/memory.h"

#define RIG_PRIME_MS 50
#define RIG_IDLE_MS 1600000
#define RIG_CREDIT 100000
#define RIG_SWEEP_LOOKS 500
#define RIG_SWEEP_DELETIONS 200
#define RIG_KEY_MS 60000
#define RIG_CANCELLED "{\"code\":-32800}"

struct rig {
    struct store *store;
    struct engine_options options;
    struct engine *engine;
    struct engine_time now;
    struct batch rows;
    struct action_list queue; /* not looked at yet */
    struct mail *seen;
    struct uuid7 uuids;
    struct id session; /* open and durable from the beginning */
    int n_write_first; /* how often the engine asked for it */
    uint64_t position;
    struct buf row; /* of rig_row */
};

struct rig *rig_new(void);
void rig_free(struct rig *r);
int rig_setup(void **state); /* cmocka fixtures around a fresh rig */
int rig_teardown(void **state);
struct id rig_id(struct rig *r); /* a new one, of the rig's session's shard */
void rig_pass(struct rig *r, uint64_t ms);

/* ---- the driver's duties ---- */

void rig_apply(struct rig *r, struct command *c); /* owns it */
void rig_write(struct rig *r);
void rig_commit(struct rig *r); /* write and sync */

/* The process dies. This many of the unsynced writes reached the disk; SIZE_MAX for all. */
void rig_crash(struct rig *r, size_t n_writes_to_keep);
int rig_recover(struct rig *r, const struct id *crashed); /* and writes what it made */
void rig_restart(struct rig *r);                          /* all kept, nobody to blame */

/* ---- what came out ---- */

/* The first action in the queue, which must be of this kind. */
struct action *rig_expect(struct rig *r, enum action_kind kind, enum action_when when);
struct action *rig_skip_to(struct rig *r, enum action_kind kind); /* the first of this kind */
void rig_expect_nothing(struct rig *r);
void rig_expect_wake(struct rig *r, enum action_when when, int code);
void rig_expect_refused(struct rig *r, uint64_t peer, int code);
void rig_expect_event(struct rig *r, uint64_t peer, uint64_t sequence, const char *message);
void rig_expect_reply(struct rig *r, uint64_t peer, uint64_t sequence, const char *body);
void rig_expect_prime(struct rig *r, uint64_t peer, uint64_t sequence);
void rig_drop_actions(struct rig *r);

/* ---- commands ---- */

struct command *rig_start_command(struct rig *r, uint64_t peer, const char *request_id,
                                  const char *params);
struct id rig_start(struct rig *r, uint64_t peer, const char *request_id); /* and commits it */
struct id rig_start_quietly(struct rig *r); /* nobody waits; dispatched, durable, queue empty */
void rig_done(struct rig *r, struct id call, const char *body);
void rig_step(struct rig *r, struct id call, enum step_op op, enum step_guard guard,
              const char *alias, const char *body);
void rig_event(struct rig *r, struct id call, const char *alias, const char *message);
void rig_session_event(struct rig *r, struct id call, const char *alias, const char *message);
void rig_map(struct rig *r, struct id call, const char *alias, const char *key, const char *value);
void rig_of_call(struct rig *r, enum command_kind kind, struct id call); /* release, flush */
void rig_of_session(struct rig *r, enum command_kind kind, uint64_t peer, struct id session);
void rig_of_peer(struct rig *r, enum command_kind kind, uint64_t peer, uint64_t credit);
void rig_follow(struct rig *r, uint64_t peer, struct id stream, uint64_t after, uint64_t credit);
void rig_follow_fresh(struct rig *r, uint64_t peer, uint64_t credit); /* the session's own */
void rig_tick(struct rig *r);
void rig_sweep(struct rig *r, uint32_t n_looks, uint32_t n_deletions); /* once, and commits it */
int rig_sweep_all(struct rig *r); /* until no round is due; how many commands that took */

/* ---- waiting (rig_wait.c) ---- */

struct id rig_other_session(struct rig *r);
void rig_wait(struct rig *r, struct id call, const char *alias, uint64_t delay_ms);
struct id rig_ask(struct rig *r, struct id call, const char *alias, uint64_t delay_ms);
struct id rig_ask_again(struct rig *r, struct id call, const char *alias, struct id old);
void rig_take_back(struct rig *r, struct id call, const char *alias, struct id old);
void rig_suspend(struct rig *r, struct id call); /* and commits it */
/* Suspended calls, durable, with an empty queue; one sleeps, the other has asked under "q". */
struct id rig_sleeping(struct rig *r, const char *alias, uint64_t delay_ms);
struct id rig_asking(struct rig *r, uint64_t peer, const char *request_id, struct id *input_out);

void rig_answer(struct rig *r, uint64_t peer, struct id input, const char *body);
void rig_answer_error(struct rig *r, uint64_t peer, struct id input, const char *body);
void rig_answer_from(struct rig *r, uint64_t peer, struct id session, struct id input,
                     const char *body);
void rig_signal(struct rig *r, uint64_t peer, struct id call, const char *alias, const char *body);
void rig_cancel(struct rig *r, uint64_t peer, const char *request_id);
void rig_give_up(struct rig *r, uint64_t peer, struct id input, const char *reason);
void rig_cancel_call(struct rig *r, uint64_t peer, struct id call);
struct command *rig_keyed(struct rig *r, uint64_t peer, struct id session, const char *request_id,
                          const char *key, const char *arguments);

struct action *rig_expect_dispatch(struct rig *r, struct id call, uint32_t attempt);
void rig_expect_done(struct rig *r, uint64_t peer);

/* ---- rows ---- */

bool rig_has(struct rig *r, struct key k);
bool rig_has_id(struct rig *r, enum key_kind kind, struct id id);
size_t rig_count(struct rig *r, struct key prefix);
int rig_journal_state(struct rig *r, struct id call, const char *alias); /* 0: not there */
bool rig_map_holds(struct rig *r, const char *key, const char *value);
struct str rig_row(struct rig *r, struct key k); /* until the next one; absent */
struct journal_record rig_journal(struct rig *r, struct id call, const char *alias); /* likewise */
struct result_record rig_result(struct rig *r, struct id call);                      /* likewise */
uint8_t rig_flags(struct rig *r, struct id call); /* of its unfinished or suspended row */
void rig_put(struct rig *r, struct key k, struct str value); /* plants a row, durable */
void rig_del(struct rig *r, struct key k);

#endif
