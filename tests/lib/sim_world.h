/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the simulator share. See sim.h.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "base/hmap.h"
#include "base/limits.h"
#include "engine/engine.h"
#include "random.h"
#include "sim.h"
#include "store/keys.h"
#include "store/memory.h"

#define MAX_CLIENTS 3
#define MAX_REQUESTS 4
#define MAX_OPS 6
#define MAX_CONNS 64
#define MAX_HANDLERS 32
#define MAX_MAP_WRITES 128
#define N_MAP_KEYS 3
#define SIM_CRASH_RESULT "\"crashed too often\""

/* ---- scripts: what a request's handler does, and what is known of each part of it ---- */

enum op_kind {
    OP_AT_LEAST_ONCE,
    OP_AT_MOST_ONCE,
    OP_VALUE,
    OP_MAP,
    OP_EVENT,
    OP_SESSION_EVENT,
    N_OP_KINDS
};

struct sim_op {
    enum op_kind kind;
    char alias[16];
    char text[40];   /* the event's message or the map entry's value: unlike any other */
    uint32_t i_key;  /* of a map write */
    uint32_t bodies; /* how often its body was started */
    uint32_t resets; /* how often it was asked to forget that */
};

struct sim_client;

struct sim_request {
    struct sim_client *client;
    char request_id[16], params[32];
    uint32_t n_ops;
    struct sim_op ops[MAX_OPS];
    bool is_segfaulty;

    /* The client's view. */
    uint64_t peer; /* its connection; 0 for none */
    bool has_place, is_answered;
    uint64_t place;     /* the last sequence that it saw */
    uint32_t n_repeats; /* how often it will still ask again though it has the answer */

    /* Whatever was released to anybody. */
    bool is_acked, has_answer;
    struct id call;
    uint64_t answer_sequence;
    char answer[96];
    uint32_t n_blamed; /* restarts that blamed it for the death of the process */
};

enum session_state { SESSION_NONE, SESSION_OPEN, SESSION_CLOSING, SESSION_CLOSED };

struct sim_client {
    uint32_t i;
    enum session_state state;
    bool is_acked, is_close_released;
    struct id session;
    uint64_t control; /* its connection for commands about the session; 0 for none */
    uint64_t listener;
    bool has_place;
    uint64_t place; /* on the session's own stream */
    uint32_t n_requests;
    struct sim_request requests[MAX_REQUESTS];
};

/* ---- connections ---- */

enum conn_kind { CONN_CALL, CONN_CONFLICT, CONN_LISTENER, CONN_CONTROL };

struct sim_conn {
    uint64_t peer; /* 0 for a free place */
    enum conn_kind kind;
    enum command_kind command; /* of CONN_CONTROL */
    struct sim_client *client;
    struct sim_request *request;
    bool is_lost; /* the client left; the server has not noticed */
    bool is_cut;  /* the server died; what it had sent is still on its way */
    bool knows_next;
    uint64_t next; /* the sequence that must come */
    uint64_t owed; /* credit for what was read */
    struct action_list queue;
};

/* ---- handlers ---- */

enum handler_phase { PHASE_LOOK, PHASE_BODY, PHASE_WAIT };

struct sim_handler {
    bool is_used;
    struct id call;
    struct sim_request *request;
    uint32_t attempt, i_op, n_tries;
    enum handler_phase phase;
    enum command_kind waits_for; /* in PHASE_WAIT */
    enum step_op op;
    bool is_dirty; /* the call has recorded something that may not be durable */
    char body[16]; /* what the last body gave */
    char results[MAX_OPS][16];
};

/* ---- the world ---- */

struct sim_row {
    uint64_t position; /* of the write that last changed it */
};

struct sim_map_write {
    uint64_t position;
    const struct sim_op *op;
};

struct sim {
    struct sim_plan plan;
    struct random random;
    struct sim_stats stats;
    struct engine_time now;
    uint32_t step;
    bool is_wild; /* deaths and losses may happen */
    uint32_t n_wild_steps;

    /* The process. */
    struct store *store;
    struct engine *engine;
    struct engine_options options;
    bool is_up, has_written; /* the rows are written, engine_written not called yet */
    bool was_recovered;      /* and its rows not written yet */
    bool is_tick_posted, has_blamed;
    struct id blamed;
    struct sim_request *blamed_request;
    struct batch rows;
    struct mail *mail, **last_mail;
    struct action_list out, durable;   /* durable: in the order of position */
    uint64_t written, synced, syncing; /* positions; syncing 0 for no sync under way */

    /* The others. */
    uint64_t n_peers;
    uint32_t n_results;
    struct uuid7 uuids;
    uint32_t n_clients;
    struct sim_client clients[MAX_CLIENTS];
    struct sim_conn conns[MAX_CONNS];
    struct sim_handler handlers[MAX_HANDLERS];
    uint32_t weights[8]; /* of the kinds of steps */
    uint64_t lists[N_LISTS]; /* digests of what the server offers */

    /* What the checks know. */
    struct hmap rows_known; /* key -> struct sim_row */
    uint32_t n_map_writes;
    struct sim_map_write map_writes[MAX_MAP_WRITES];
};

void sim_trace(struct sim *s, const char *fmt, ...) PRINTF(2, 3);
_Noreturn void sim_fail(struct sim *s, const char *fmt, ...) PRINTF(2, 3);
bool sim_chance(struct sim *s, uint32_t percent);
bool sim_wild_chance(struct sim *s, uint32_t percent); /* false when all is calm */
struct id sim_id(struct sim *s, const struct id *shard_of);

#define SIM_LISTS "{\"list\":" /* how messages that tell of lists begin */

/* The engine is told of the lists; with a tool, that it was added: the one that calls are parked for. */
extern const struct id sim_no_tool, sim_tool;
void sim_post_lists(struct sim *s, struct id added);

/* ---- sim_driver.c ---- */

void sim_post(struct sim *s, struct command *c);
void sim_apply(struct sim *s);
void sim_write(struct sim *s);
void sim_sync(struct sim *s);
void sim_die(struct sim *s, enum sim_death death, const struct sim_handler *blamed);
void sim_restart(struct sim *s);
void sim_stop(struct sim *s); /* at the end */

/* ---- sim_client.c ---- */

void sim_client_act(struct sim *s, struct sim_client *c);
void sim_lose(struct sim *s, struct sim_conn *conn);
void sim_notice(struct sim *s); /* the server notices a lost connection */
void sim_conn_free(struct sim_conn *conn);
struct sim_conn *sim_conn_find(struct sim *s, uint64_t peer);
bool sim_clients_are_done(struct sim *s);

/* ---- sim_read.c ---- */

void sim_read(struct sim *s, struct sim_conn *conn); /* the client reads one message */

/* ---- sim_handler.c ---- */

void sim_handler_start(struct sim *s, const struct action *dispatch);
void sim_handler_step(struct sim *s, struct sim_handler *h);
void sim_handler_wake(struct sim *s, struct sim_handler *h, const struct action *wake);

/* ---- sim_script.c ---- */

void sim_script_draw(struct sim *s, struct sim_request *r, uint32_t i_client, uint32_t i_request);
void sim_script_join(const struct sim_request *r, char results[MAX_OPS][16], char answer[96]);
struct sim_request *sim_request_of_call(struct sim *s, struct id session, struct str request_id);
struct sim_request *sim_request_acked(struct sim *s, struct id call);
const struct sim_op *sim_op_of_text(struct sim *s, struct str text);

/* ---- sim_check.c ---- */

void sim_check_batch(struct sim *s);  /* the rows about to be written */
void sim_note_written(struct sim *s); /* they were */
void sim_note_death(struct sim *s);
bool sim_is_durable(struct sim *s, struct key k); /* its last change; an absent row's too */
bool sim_get(struct sim *s, struct key k, struct buf *value);
bool sim_has(struct sim *s, struct key k);
int sim_journal(struct sim *s, struct id call, const char *alias, struct buf *value,
                struct journal_record *r); /* its state, 0 for none */

/* ---- sim_promise.c ---- */

void sim_check_release(struct sim *s, const struct action *a); /* on its way to a client */
void sim_check_body(struct sim *s, const struct sim_handler *h, const struct sim_op *op);
void sim_check_restart(struct sim *s);
void sim_check_end(struct sim *s);

#endif
