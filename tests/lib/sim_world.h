/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the simulator share. See sim.h.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "base/hmap.h"
#include "base/limits.h"
#include "call/call.h"
#include "engine/engine.h"
#include "random.h"
#include "sim.h"
#include "sim_fiber.h"
#include "store/keys.h"
#include "store/memory.h"

#define MAX_CLIENTS 3
#define MAX_REQUESTS 3
#define MAX_DEEDS (MAX_CLIENTS * MAX_REQUESTS)
#define MAX_OPS 6
#define MAX_TURNS 3 /* of a loop */
#define MAX_CONNS 64
#define MAX_HANDLERS 32
#define MAX_WRITES 512
#define MAX_QUESTIONS 24 /* that a client remembers */
#define MAX_WORDS 2000   /* that clients and the operator say */
#define N_MAP_KEYS 3
#define RESULT_BYTES 256
#define SHORT_BYTES 12 /* of a result, in the state of a loop */
#define ANSWER_BYTES 2048
#define SIM_CRASH_RESULT "{\"content\":[],\"isError\":true}"
#define SIM_CANCELLED "{\"code\":-32800,\"message\":\"cancelled\"}"

/* ---- deeds: what a request's handler does, and what is known of each part of it ---- */

enum op_kind {
    OP_AT_LEAST_ONCE,
    OP_AT_MOST_ONCE,
    OP_VALUE,
    OP_MAP,
    OP_BATCH,
    OP_LOG,
    OP_PROGRESS,
    OP_CHANGED,
    OP_UPDATED,
    OP_SLEEP,
    OP_DETACH,
    N_SHORT_KINDS, /* those that a loop may have in it */
    OP_QUESTION = N_SHORT_KINDS,
    OP_SAMPLE,
    OP_SIGNAL,
    OP_UNTIL,
    OP_LOOP, /* over the rest of the deed */
    N_OP_KINDS
};

struct sim_deed;
struct sim_op;

/* An op as it is done in one turn of a loop; outside of loops there is only the first. */
struct sim_turn {
    const struct sim_op *op;
    char text[40];   /* the event's message, the map entry's value: unlike any other */
    char row[96];    /* its alias in the journal, when it is known */
    size_t row_len;  /* 0: no row was ever written */
    uint32_t bodies; /* how often its body was started */
    uint32_t resets; /* how often it was asked to forget that */
};

struct sim_op {
    struct sim_deed *deed;
    enum op_kind kind;
    char alias[16];
    uint32_t i_key;      /* of a map write; of an until, what it waits for */
    uint32_t ms;         /* of a sleep, an interval; of other waits their time limit, or 0 */
    bool is_shaky;       /* its retries wait for long */
    bool is_last_failing; /* it never succeeds */
    uint32_t n_turns;    /* of a loop */
    bool is_in_loop;
    struct sim_turn turns[MAX_TURNS];
    int signal_word;     /* what was recorded for good, as a word's number; 0 for none */
};

struct sim_deed {
    uint32_t i;
    char params[96];
    char key[16]; /* of idempotency; empty for none */
    uint8_t method;
    uint32_t timeout_ms;
    uint32_t n_ops;
    struct sim_op ops[MAX_OPS];
    bool is_segfaulty;
    bool is_stubborn; /* goes on when it is cancelled */

    /* Whatever was released to anybody. */
    bool is_acked, has_answer;
    struct id call;
    uint64_t answer_sequence;
    char answer[ANSWER_BYTES];
    uint32_t n_blamed;  /* restarts that blamed it for the death of the process */
    bool was_cancelled; /* somebody asked for that */
    bool is_cancelled;  /* and was told that it is so */
    bool is_swept;      /* its rows have expired and are gone */
    uint64_t swept_position;
};

struct sim_client;

struct sim_request {
    struct sim_client *client;
    struct sim_deed *deed;
    char request_id[16];

    /* The client's view. */
    uint64_t peer; /* its connection; 0 for none */
    bool has_place, is_answered, is_given_up;
    uint64_t place;     /* the last sequence that it saw, */
    struct id stream;   /* of this stream */
    uint32_t n_repeats; /* how often it will still ask again though it has the answer */

    bool is_acked; /* something of the call was released to it */
};

/* A question that a client has seen. */
enum question_state { QUESTION_NONE, QUESTION_OPEN, QUESTION_WITHDRAWN, QUESTION_ANSWERED };

struct sim_question {
    enum question_state state;
    struct id input;
    struct sim_op *op;
    bool is_ignored; /* until the clients are to be done */
};

enum session_state { SESSION_NONE, SESSION_OPEN, SESSION_CLOSING, SESSION_CLOSED };

struct sim_client {
    uint32_t i;
    enum session_state state;
    bool is_acked, is_close_released;
    bool is_expired; /* the row went, or could go, because nobody used the session for long */
    struct id session;
    uint64_t control; /* its connection for all but calls and listening; 0 for none */
    uint64_t listener;
    bool has_place;
    uint64_t place; /* on the session's own stream */
    uint32_t n_requests;
    struct sim_request requests[MAX_REQUESTS];
    struct sim_question questions[MAX_QUESTIONS];
};

/* What somebody said: an answer, a signal. Its number is in its text. */
struct sim_word {
    const struct sim_op *op;
    bool is_foreign; /* it must not count */
};

/* ---- connections ---- */

enum conn_kind { CONN_CALL, CONN_CONFLICT, CONN_LISTENER, CONN_CONTROL };

struct sim_conn {
    uint64_t peer; /* 0 for a free place */
    enum conn_kind kind;
    enum command_kind command; /* of CONN_CONTROL, and what it is about: */
    struct id input;           /* CMD_ANSWER */
    bool is_foreign;
    struct sim_op *op;         /* CMD_SIGNAL, CMD_SUBSCRIBE */
    struct sim_deed *deed;     /* CMD_CANCEL */
    int word;
    struct sim_client *client; /* the operator is one, too */
    struct sim_request *request;
    bool is_lost; /* the client left; the server has not noticed */
    bool is_cut;  /* the server died; what it had sent is still on its way */
    bool knows_next;
    uint64_t next; /* the sequence that must come */
    uint64_t owed; /* credit for what was read */
    struct action_list queue;
};

/* ---- handlers ---- */

enum handler_phase { PHASE_READY, PHASE_ASKING, PHASE_RESTING };

/* What this attempt has behind it. */
struct sim_pass {
    const struct sim_turn *turn;
    bool has_row;
};

struct sim_handler {
    struct sim *s;
    bool is_used;
    struct sim_deed *deed;
    struct run *run;
    struct tool tool;
    struct call_env env;
    struct mailbox commands;
    struct waiter waiter;
    struct fiber *fiber; /* NULL before it begins */
    enum handler_phase phase;
    uint64_t rest_until_ms;
    bool is_leaving; /* it has handed in what became of it */
    bool is_dead;    /* its process is */
    struct sim_turn *turn; /* what it does now; NULL between two */
    uint32_t n_passed;
    struct sim_pass passed[MAX_OPS * MAX_TURNS];
};

/* ---- the world ---- */

struct sim_row {
    uint64_t position; /* of the write that last changed it, */
    uint64_t since;    /* and of the one since which it is there, or is not */
    bool is_there;
};

/* A write to a map entry, in the order of the writes. */
struct sim_write {
    uint64_t position;
    char key[16];   /* "m/0" */
    char value[40]; /* empty: it was removed */
};

struct sim {
    struct sim_plan plan;
    struct random random;
    struct sim_stats stats;
    struct engine_time now;
    uint64_t latest_ms; /* that the clock on the wall ever showed */
    uint32_t step;
    bool is_wild;     /* deaths and losses may happen */
    bool is_thorough; /* all rows are looked at behind each write */
    bool has_retention;
    uint32_t n_wild_steps, death_every; /* so many of them on the average */
    char failure[400]; /* by a handler: told when it has yielded */

    /* The process. */
    struct store *store;
    struct engine *engine;
    struct engine_options options;
    bool is_up, has_written; /* the rows are written, engine_written not called yet */
    bool was_recovered;      /* and its rows not written yet */
    bool is_applied;         /* something, since engine_written was called */
    bool is_tick_posted, is_sweep_posted, has_blamed;
    atomic_bool is_stopping;
    uint32_t stop_step; /* when it ends, if it is */
    bool has_death_wish; /* of the handler that runs */
    struct id blamed;
    struct sim_deed *blamed_deed;
    struct batch rows;
    struct mail *mail, **last_mail;
    struct action_list out, durable;   /* durable: in the order of position */
    uint64_t written, synced, syncing; /* positions; syncing 0 for no sync under way */
    struct mailbox io;                 /* of call_env; nothing comes there */

    /* The others. */
    uint64_t n_peers;
    uint32_t n_results;
    struct uuid7 uuids;
    uint32_t n_deeds, n_clients;
    struct sim_deed deeds[MAX_DEEDS];
    struct sim_client clients[MAX_CLIENTS];
    struct sim_client operator;
    struct waiter outside; /* of a map write outside of calls */
    bool is_outside_waiting;
    struct sim_conn conns[MAX_CONNS];
    struct sim_handler handlers[MAX_HANDLERS];
    struct sim_handler *running; /* whose fiber has the thread */
    uint32_t weights[16]; /* of the kinds of steps */
    uint64_t lists[N_LISTS]; /* digests of what the server offers */
    int n_words;
    struct sim_word words[MAX_WORDS]; /* from 1 */

    /* What the checks know. */
    struct hmap rows_known; /* key -> struct sim_row */
    bool has_range; /* the batch at hand deletes a range */
    uint32_t n_writes;
    struct sim_write writes[MAX_WRITES];
};

void sim_trace(struct sim *s, const char *fmt, ...) PRINTF(2, 3);
_Noreturn void sim_fail(struct sim *s, const char *fmt, ...) PRINTF(2, 3);
bool sim_chance(struct sim *s, uint32_t percent);
bool sim_wild_chance(struct sim *s, uint32_t percent); /* false when all is calm */
struct id sim_id(struct sim *s, const struct id *shard_of);

/* ---- sim_time.c ---- */

void sim_time_begin(struct sim *s);
void sim_time_end(void);

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
struct sim_conn *sim_conn_new(struct sim *s, struct sim_client *c, enum conn_kind kind);
struct sim_conn *sim_conn_find(struct sim *s, uint64_t peer);
void sim_conn_free(struct sim_conn *conn);
void sim_lose(struct sim *s, struct sim_conn *conn);
void sim_notice(struct sim *s); /* the server notices a lost connection */
bool sim_client_is_gone(const struct sim_client *c); /* its session is, or is to be */
void sim_client_is_lost(struct sim *s, struct sim_client *c);
bool sim_clients_are_done(struct sim *s);

/* ---- sim_side.c: what clients do beside calls ---- */

bool sim_side_act(struct sim *s, struct sim_client *c); /* false: nothing to do */
void sim_side_saw(struct sim *s, struct sim_client *c, struct str message); /* an event */
struct sim_conn *sim_side_ask(struct sim *s, struct sim_client *c, enum command_kind kind,
                              struct command **command_out); /* to be posted; NULL: not now */
void sim_side_read(struct sim *s, struct sim_conn *conn, const struct action *a);

/* ---- sim_operator.c ---- */

#define SIM_LISTS "{\"list\":" /* how messages that tell of lists begin */

/* The engine is told of the lists; with a tool, that it was added: the one that calls are parked for. */
extern const struct id sim_no_tool, sim_tool;
void sim_post_lists(struct sim *s, struct id added);
void sim_change_lists(struct sim *s);
void sim_set_clock(struct sim *s);

void sim_operator_act(struct sim *s);
void sim_operator_finish(struct sim *s); /* cancels what nobody waits for */
void sim_operator_wake(struct sim *s, const struct action *a);

/* ---- sim_read.c ---- */

void sim_read(struct sim *s, struct sim_conn *conn); /* the client reads one message */

/* ---- sim_handler.c, sim_perform.c ---- */

void sim_handler_start(struct sim *s, const struct action *dispatch);
void sim_handler_step(struct sim *s, struct sim_handler *h);
void sim_handler_wake(struct sim *s, const struct action *wake);
void sim_handler_cancel(struct sim *s, const struct action *cancel);
void sim_handler_pause(struct sim_handler *h); /* let others act */
void sim_handler_rest(struct sim *s, uint64_t until_mono_ms);
void sim_handlers_drop(struct sim *s); /* their process is dead */
int sim_perform(dmcp_call *call); /* the handler of all deeds */

/* ---- sim_script.c ---- */

void sim_script_draw(struct sim *s);
void sim_script_join(const struct sim_deed *d, char results[MAX_OPS][RESULT_BYTES],
                     char answer[ANSWER_BYTES]);
bool sim_script_is_waited_for(const struct sim_op *op, const bool has[N_MAP_KEYS]);
struct sim_request *sim_request_of(struct sim *s, struct id session, struct str request_id);
struct sim_deed *sim_deed_of_call(struct sim *s, struct id call); /* NULL: it has no row */
struct sim_turn *sim_turn_of_text(struct sim *s, const char *text); /* which begins with one */
int sim_word_new(struct sim *s, const struct sim_op *op, bool is_foreign); /* 0: no more */
int sim_word_in(struct str text); /* its number; 0 for none */

/* ---- sim_check.c ---- */

void sim_check_batch(struct sim *s);  /* the rows about to be written */
void sim_note_written(struct sim *s); /* they were */
void sim_note_death(struct sim *s);

/* ---- sim_rows.c ---- */

bool sim_is_durable(struct sim *s, struct key k); /* its last change; an absent row's too */
bool sim_is_durably_there(struct sim *s, struct key k); /* or not; it may have changed since */
bool sim_get(struct sim *s, struct key k, struct buf *value);
bool sim_has(struct sim *s, struct key k);
struct key sim_key(struct str bytes);
struct key sim_turn_key(const struct sim_turn *t, struct id call);
int sim_journal(struct sim *s, struct key k, struct buf *value,
                struct journal_record *r); /* its state, 0 for none */
bool sim_is_finished(struct sim *s, struct id call);
typedef void sim_row_fn(struct sim *s, struct str key, struct str value);
size_t sim_scan(struct sim *s, struct str from, struct str to, sim_row_fn *fn); /* how many */
size_t sim_count(struct sim *s, enum key_kind kind);

/* ---- sim_result.c: what the journal says that an op's result is ---- */

void sim_result_of_row(struct sim *s, const struct sim_turn *t, struct id call,
                       char result[RESULT_BYTES]);
void sim_check_answer(struct sim *s, struct sim_deed *d, uint8_t outcome);
void sim_check_iteration(struct sim *s, struct id call, struct key row,
                         const struct journal_record *loop);

/* ---- sim_promise.c ---- */

void sim_check_release(struct sim *s, const struct action *a); /* on its way to a client */
void sim_check_body(struct sim *s, const struct sim_handler *h);

/* ---- sim_end.c ---- */

void sim_check_restart(struct sim *s);
void sim_check_end(struct sim *s);

/* ---- sim_fsck.c: all rows fit together ---- */

void sim_fsck(struct sim *s);

#endif
