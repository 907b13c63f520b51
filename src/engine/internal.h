/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's memory: what it knows besides the rows. All of it can be made again from the
 * store, except who is connected.
 *
 * A call is in memory from its start to its end, in the list of its state:
 *
 *            +--------- release (shutdown) ---------+
 *            v                                      |
 *   start -> READY -- a worker is free --> RUNNING -+- done --> FINISHED -- rows visible --> gone
 *            ^  ^                              |                   (the store has it)
 *            |  +-- recovery                   +- suspend --> SUSPENDED  (somebody follows it)
 *            |                                 |                  |
 *            +------- what it waits for came --+--------------> LEAVING -- rows visible --> gone
 *
 * A suspended call is a row: it is in memory only while somebody follows it, and is read back
 * when what it waits for comes. That needs no care about rows that are not written yet: a call
 * leaves the memory only once its rows are visible.
 *
 * PARKED is beside this way: this server does not have the call's tool. It is READY again when the
 * tool is added, else it stays unfinished on disk, for the next start of a server that has it.
 *
 * A follower is one connection's place in one stream. `next` is what it gets next; while it has
 * credit and is at the head, events reach it as they happen, else they wait on disk and are read
 * when it takes more. So a slow peer costs its window and no more.
 */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "base/hmap.h"
#include "base/limits.h"
#include "base/list.h"
#include "engine/engine.h"
#include "store/keys.h"

enum call_state {
    CALL_READY,
    CALL_RUNNING,
    CALL_PARKED,
    CALL_SUSPENDED,
    CALL_LEAVING,
    CALL_FINISHED,
    N_CALL_STATES
};

struct call {
    struct id id, session, digest;
    enum call_state state;
    struct link link; /* in engine.calls_in[state] */
    uint32_t attempt, crashes;
    uint8_t flags;          /* of unfinished_record */
    uint64_t told_ms;       /* the same */
    uint64_t remind_ms;     /* mono, while RUNNING: when its handler is told once more; 0: never */
    uint32_t remind_wait_ms; /* from the last time until then */
    uint64_t created_ms;    /* wall: its time limit counts from then */
    uint64_t epoch;         /* the same: the life of the server in which it last came to a wait */
    bool is_woken;          /* while RUNNING: what it waits for has come already */
    uint64_t n_events;      /* on its stream */
    bool has_journal;       /* false: nothing was recorded yet, which spares looking */
    size_t dispatched_bytes;
    struct str request_id;  /* owned; raw JSON */
    struct id tool;         /* while PARKED: what it waits for */
    struct list followers;
    uint64_t prime_ms;      /* mono: when its stream gets opened; 0 for not waiting */
    struct link prime_link; /* in engine.priming while prime_ms is set */
};

/* A session's own stream, in memory while someone follows it or its row is not yet visible. */
struct stream {
    struct id session;
    uint64_t next, sent; /* see stream_record */
    uint64_t lists[N_LISTS]; /* with a follower: what it knows of, see lists.c */
    struct follower *follower;
    struct link link; /* in engine.followed_streams, or loose_streams without a follower */
};

struct follower {
    uint64_t peer;
    struct id session, stream;
    struct call *call;     /* in memory; NULL for a finished one */
    struct stream *own;    /* the session's own stream; NULL for a call's */
    struct link link;      /* in call->followers, or engine.readers; unless `own` is set */
    struct str request_id; /* owned; what the response answers */
    struct id told;        /* the stream as the peer is told; zero: it cannot resume it */
    uint64_t next, credit;
    bool is_open; /* something was sent on it */
    bool is_shared; /* or perhaps for another request on its connection */
    bool knows_id; /* it has been told an id to resume behind, if it is told any */
};

/* What the sweep remembers from one command to the next. Nothing of it is needed: a restart
 * begins all rounds anew. */
enum sweep_kind {
    SWEEP_CALLS,
    SWEEP_SESSIONS,
    SWEEP_EVENTS,
    SWEEP_INPUTS,
    SWEEP_SUBSCRIPTIONS,
    N_SWEEPS
};

#define SWEEP_DEBT_MAX 20000 /* what was long ago does not count */

struct sweep {
    struct {
        struct key at;   /* where it goes on; empty at the beginning */
        uint64_t due_ms; /* mono: when its next round may begin; 0 while one is under way */
    } rounds[N_SWEEPS];
    enum sweep_kind turn;    /* which is looked at first, so that all get theirs */
    struct id first[256];    /* of each shard: no finished call stands before it */
    bool is_first_known;     /* in the shard under way: the round has found its first one */
    struct key request_at;   /* the place in the requests of the session that is looked at */
    bool is_late;            /* it found calls that should have gone long ago */
    uint32_t debt;           /* so many calls more have ended than were swept; see SWEEP_DEBT_MAX */
    uint64_t n_calls, n_sessions; /* swept */
};

struct engine {
    struct store *store;
    struct engine_options options;
    struct hmap calls;     /* id -> struct call */
    struct hmap requests;  /* request key -> struct call */
    struct hmap streams;   /* session id -> struct stream */
    struct hmap followers; /* peer -> struct follower */
    struct list calls_in[N_CALL_STATES];
    struct list priming; /* by prime_ms */
    struct list readers; /* followers of calls that are not in memory: they read the rows */
    size_t dispatched_bytes, n_sessions;
    size_t n_subscriptions;
    struct {
        struct id uri; /* whose subscribers were counted last */
        size_t n;
        bool is_known;
    } crowd;
    uint64_t epoch;          /* the number of this life of the server */
    struct key timers_from;  /* no timer stands before this key */
    uint64_t next_timer_ms;  /* wall clock: no timer is due before; UINT64_MAX for none */
    uint64_t remind_ms;      /* mono: no handler is told once more before; UINT64_MAX for none */
    uint64_t timers_rest_ms; /* mono: until then none fires while many calls wait for a worker */
    struct list loose_streams; /* in memory without a follower, until their rows are visible */
    struct list followed_streams;
    uint64_t lists[N_LISTS]; /* digests of what the server offers; 0: not known yet */
    uint64_t lists_due_ms;   /* mono: who listens is told that they changed; 0 for not */
    struct hmap unwritten;  /* keys of rows that engine_read must not read yet */
    bool has_unwritten_watch;
    bool is_watched[1024];  /* by the hash of a map's name: a call may wait for it */
    struct sweep sweep;

    /* Of the command being applied. */
    struct engine_time now;
    struct batch *rows;
    struct action_list *out;
    struct err *err;
};

/* ---- engine.c: reading and writing rows ---- */

/* Rows that are read back while the batch that changes them may still be in the making go through
 * these two: the store does not have them yet, so reading one says ENGINE_WRITE_FIRST. */
void engine_put(struct engine *e, const struct key *k, struct str value);
void engine_del(struct engine *e, const struct key *k);

/* DMCP_OK, DMCP_E_NOTFOUND, ENGINE_WRITE_FIRST or a store failure. The value is appended to
 * `value`. A command reads before it changes anything, so that it can be applied again. */
int engine_read(struct engine *e, const struct key *k, struct buf *value) MUST_CHECK;
int engine_corrupt(struct engine *e, const char *what, struct id id) MUST_CHECK;

/* Rows of the batch not written yet would be missed by a scan. */
static inline bool engine_has_unwritten(const struct engine *e)
{
    return e->rows->n > 0;
}

void engine_refuse(struct engine *e, uint64_t peer, int code, const char *text);
void engine_done(struct engine *e, const struct command *c); /* tells who asked, once it is durable */
void engine_wake(struct engine *e, void *waiter, enum action_when when, int code,
                 struct str text);

/* ---- call.c ---- */

int call_start(struct engine *e, const struct command *c) MUST_CHECK;
int call_done(struct engine *e, const struct command *c) MUST_CHECK;
int call_release(struct engine *e, const struct command *c) MUST_CHECK;
int call_park(struct engine *e, const struct command *c) MUST_CHECK;
int call_flush(struct engine *e, const struct command *c) MUST_CHECK;
struct call *call_find(const struct engine *e, struct id id); /* unfinished, or NULL */
struct call *call_add(struct engine *e, struct id id, const struct call_record *r);
void call_move(struct engine *e, struct call *call, enum call_state to);
void call_free(struct engine *e, struct call *call);
void call_finish(struct engine *e, struct call *call, enum call_outcome outcome, struct str body);
void call_put_unfinished(struct engine *e, const struct call *call);
int call_dispatch_ready(struct engine *e) MUST_CHECK;
void call_prime(struct engine *e, struct call *call); /* open the streams of its followers */
void call_prime_due(struct engine *e);

/* Reads a call's row. The record borrows from *value. */
int call_read(struct engine *e, struct id id, struct buf *value,
              struct call_record *r) MUST_CHECK;

/* ---- idempotency.c ---- */

/* The call that has this command's idempotency key. DMCP_E_NOTFOUND: none (any more).
 * DMCP_E_CONFLICT: the key was used with other arguments. */
int idempotency_find(struct engine *e, const struct command *c, struct id *call_out) MUST_CHECK;
void idempotency_put(struct engine *e, const struct command *c);

/* ---- reference.c ---- */

/* This row leads to the call, besides its own request's: it is to go when the call does. */
void reference_put(struct engine *e, struct id call, const struct key *to);
/* Whether some request of this session came to the call by its key. Contract: no rows are
 * unwritten. */
int reference_has(struct engine *e, struct id call, struct id session, bool *has_out) MUST_CHECK;
/* Deletes what this reference row names, unless it leads to another call by now. */
int reference_follow(struct engine *e, struct id call, struct str reference) MUST_CHECK;

/* ---- sweep.c, sweep_call.c, sweep_session.c ---- */

int sweep_apply(struct engine *e, const struct command *c) MUST_CHECK;
void sweep_init(struct engine *e);
void sweep_finished(struct engine *e, struct id call); /* it has a result from now on */

/* ---- suspend.c ---- */

int call_suspend(struct engine *e, const struct command *c) MUST_CHECK;
/* An unfinished call, read back when it is suspended. DMCP_E_NOTFOUND: finished, or unknown. */
int call_load(struct engine *e, struct id id, struct call **call_out) MUST_CHECK;
/* In memory again, as its rows say. */
int call_restore(struct engine *e, struct id id, const struct unfinished_record *u,
                 struct call **call_out) MUST_CHECK;
void call_wake(struct engine *e, struct call *call); /* something that it waits for has come */
void call_reask(struct engine *e, struct call *call);
void call_followed(struct engine *e, struct call *call); /* it has a new follower */
void call_left(struct engine *e, struct call *call); /* its last follower went */
/* Without reading it back. Contract: no rows are unwritten. */
int call_is_unfinished(struct engine *e, struct id id, bool *is_unfinished_out) MUST_CHECK;
int call_last_event(struct engine *e, struct id call, uint64_t *sequence_out) MUST_CHECK;

/* ---- wait.c, timer.c, cancel.c ---- */

int wait_apply(struct engine *e, const struct command *c) MUST_CHECK;
int wait_answer(struct engine *e, const struct command *c) MUST_CHECK;
/* A cancellation names no request of the client's: perhaps a question. DMCP_E_NOTFOUND. */
int wait_give_up(struct engine *e, const struct command *c) MUST_CHECK;
int wait_signal(struct engine *e, const struct command *c) MUST_CHECK;
/* The alias of the timer that ends a call whose tool may not take longer, and the beginnings of the
 * aliases of those that go on waking the watchers of a map and cancelling the calls of a session;
 * no step has them. */
#define TIMER_CALL_TIMEOUT "\001timeout"
#define TIMER_WATCH "\001watch"
#define TIMER_CLOSE "\001close"
/* Due so long from now, at the time that it returns; 0: that is never, and there is none. */
uint64_t timer_put(struct engine *e, struct id call, struct str alias, uint64_t delay_ms);
void timer_drop(struct engine *e, struct id call, struct str alias,
                uint64_t due_ms); /* 0: there is none */
uint64_t timer_deadline(const struct engine *e, struct engine_time now); /* mono */
int timer_fire_due(struct engine *e) MUST_CHECK;
int timer_load(struct engine *e) MUST_CHECK; /* at recovery */
void cancel_call(struct engine *e, struct call *call);
int cancel_apply(struct engine *e, const struct command *c) MUST_CHECK;
void cancel_late(struct engine *e, struct call *call); /* its tool's time is over */
/* Its handler begins to run. One that was told to end is told again from time to time. */
void cancel_dispatched(struct engine *e, struct call *call);
void cancel_remind_due(struct engine *e);
/* The unfinished calls of a session that is closed, from this request on (empty: the first).
 * Contract: no rows are unwritten. */
int cancel_session(struct engine *e, struct id session, struct str request_id) MUST_CHECK;

/* ---- watch.c, watchers.c ---- */

int watch_apply(struct engine *e, const struct command *c) MUST_CHECK;
int watch_end(struct engine *e, struct call *call) MUST_CHECK; /* before anything is changed */
bool *watch_mark(struct engine *e, struct str map);

/* The calls that a write wakes: watch_find reads and changes nothing, watch_wake reads nothing. */
struct watchers {
    struct buf calls; /* their ids */
    struct buf rest;  /* keys of watch rows at which a timer goes on, when there are many */
};
void watchers_init(struct watchers *w);
void watchers_fini(struct watchers *w);
int watch_find(struct engine *e, const struct batch *rows, struct watchers *w) MUST_CHECK;
void watch_wake(struct engine *e, const struct watchers *w);
int watch_go_on(struct engine *e, struct str watch_key) MUST_CHECK;
int watch_load(struct engine *e) MUST_CHECK; /* at recovery */

/* ---- session.c ---- */

int session_open(struct engine *e, const struct command *c) MUST_CHECK;
int session_get(struct engine *e, const struct command *c) MUST_CHECK;
int session_update(struct engine *e, const struct command *c) MUST_CHECK;
int session_close(struct engine *e, const struct command *c) MUST_CHECK;
/* What a dispatch tells of the session; zero when it is gone. */
struct session_traits {
    uint8_t log_level, client;
};
int session_traits(struct engine *e, struct id session, struct session_traits *t) MUST_CHECK;
/* Nobody has used it for so long that it is gone, unless session_use says otherwise. */
bool session_is_idle(const struct engine *e, const struct session_record *r);
enum session_use { SESSION_UNUSED, SESSION_IN_USE, SESSION_IN_DOUBT };
/* Whether it has an unfinished call or a follower. Looks at *n_looks of its requests at most,
 * from *at on (empty for the first), and leaves both as they are then: in doubt, go on later.
 * Contract: no rows are unwritten. */
int session_use(struct engine *e, struct id session, struct key *at, uint32_t *n_looks,
                enum session_use *use_out) MUST_CHECK;
void session_touch(struct engine *e, struct id session, struct session_record *r);
/* A call that was asked for at that time has its answer now, which its client is to find. */
int session_answered(struct engine *e, struct id session, uint64_t asked_ms) MUST_CHECK;
void session_drop(struct engine *e, struct id session); /* nobody follows it */

/* ---- step.c, map.c, loop.c, event.c ---- */

int step_apply(struct engine *e, const struct command *c) MUST_CHECK;
int journal_get(struct engine *e, const struct call *call, struct str alias, struct buf *value,
                struct journal_record *r) MUST_CHECK;
void journal_put(struct engine *e, struct call *call, struct str alias,
                 const struct journal_record *r);
/* DMCP_E_DIVERGED, with a text that names both kinds, when the alias was of another one. The row's
 * label stands for an alias that is not the author's. */
int journal_check_guard(const struct journal_record *old, enum step_guard asked, struct str alias,
                        struct buf *text) MUST_CHECK;
int map_apply(struct engine *e, const struct command *c) MUST_CHECK;
int loop_apply(struct engine *e, const struct command *c) MUST_CHECK;
int event_apply(struct engine *e, const struct command *c) MUST_CHECK;
/* To its stream, or to its session's own: for that event_prepare was called before anything was
 * changed. */
void event_append(struct engine *e, struct call *call, struct str message);
int event_prepare(struct engine *e, const struct call *call) MUST_CHECK;

void event_append_own(struct engine *e, struct stream *s, struct str message);

/* ---- notice.c ---- */

void notice_begun(struct engine *e, const struct command *c); /* its call; tell the client */
/* A session's own stream has a listener (again). Contract: no rows are unwritten. */
int notice_followed(struct engine *e, struct id session) MUST_CHECK;

/* ---- subscribe.c ---- */

int subscribe_apply(struct engine *e, const struct command *c) MUST_CHECK;
int subscribe_tell(struct engine *e, struct id uri, struct str message) MUST_CHECK;
void subscribe_ended(struct engine *e); /* a row is deleted */

/* ---- lists.c ---- */

int lists_apply(struct engine *e, const struct command *c) MUST_CHECK;
void lists_tell_due(struct engine *e);
void lists_begin(struct engine *e, struct id session); /* it opens: it will see those of now */
void lists_end(struct engine *e, struct id session);
/* For a stream that gets a follower, whose session is then told what it missed.
 * Contract: no rows are unwritten. */
int lists_load(struct engine *e, struct stream *s) MUST_CHECK;
void lists_catch_up(struct engine *e, struct stream *s);

/* ---- stream.c ---- */

int stream_follow(struct engine *e, const struct command *c) MUST_CHECK;
int stream_detach(struct engine *e, const struct command *c) MUST_CHECK;
int stream_credit(struct engine *e, const struct command *c) MUST_CHECK;
int stream_unfollow(struct engine *e, const struct command *c) MUST_CHECK;

/* A new follower at the head or before it; the caller pumps it when it may lag. */
struct follower *follower_add(struct engine *e, uint64_t peer, struct id session,
                              struct id stream, uint64_t next, uint64_t credit);
void follower_attach(struct engine *e, struct follower *f, struct call *call,
                     struct str request_id);
void follower_free(struct engine *e, struct follower *f);
void follower_end(struct engine *e, struct follower *f); /* tell it, and free it */
bool follower_can_resume(const struct follower *f);
void follower_prime(struct engine *e, struct follower *f); /* open its stream, once */
int follower_pump(struct engine *e, struct follower *f) MUST_CHECK;
void follower_event(struct engine *e, struct follower *f, uint64_t sequence, struct str message);
void follower_reply(struct engine *e, struct follower *f, enum call_outcome outcome,
                    uint64_t sequence, struct str body); /* and frees it */

/* DMCP_E_GONE: the session was closed. */
int stream_load(struct engine *e, struct id session, struct stream **stream_out) MUST_CHECK;
void stream_put(struct engine *e, const struct stream *s);
void stream_forget(struct engine *e, struct id session); /* nobody follows it any more */
void stream_drop_loose(struct engine *e);

#endif
