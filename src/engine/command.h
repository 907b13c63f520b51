/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can happen to the engine: one command each, with everything it needs. A command owns its
 * strings (they live in its arena) and is freed by whoever applied it.
 */
#ifndef ENGINE_COMMAND_H
#define ENGINE_COMMAND_H

#include "base/ids.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "store/records.h"
#include "store/store.h"

enum command_kind {
    CMD_SESSION_OPEN,   /* peer session open.record            -> ACT_DONE */
    CMD_SESSION_GET,    /* peer session                        -> ACT_SESSION or ACT_REFUSED */
    CMD_SESSION_UPDATE, /* peer session update                 -> ACT_DONE or ACT_REFUSED */
    CMD_SESSION_CLOSE,  /* peer session                        -> ACT_DONE; ACT_END to streams */
    CMD_CALL_START,     /* peer session call start             -> ACT_DISPATCH; later ACT_REPLY */
    CMD_CALL_DONE,      /* call done                           -> ACT_REPLY to followers */
    CMD_CALL_RELEASE,   /* call release: the handler gave it back unfinished; to be run again */
    CMD_CALL_PARK,      /* call park: there is no such tool; it stays on disk */
    CMD_CALL_FLUSH,     /* call waiter: wake when all it has recorded is durable */
    CMD_CALL_DETACH,    /* call: close its connections; clients come back to its stream */
    CMD_SUBSCRIBE,      /* peer session subscribe               -> ACT_DONE */
    CMD_STEP,           /* call waiter step                    -> ACT_WAKE */
    CMD_MAP,            /* call waiter map                     -> ACT_WAKE; or peer -> ACT_DONE */
    CMD_EVENT,          /* call waiter event                   -> ACT_WAKE, ACT_EVENT */
    CMD_WAIT,           /* call waiter wait: something from outside is waited for -> ACT_WAKE */
    CMD_WATCH,          /* call waiter watch: map entries are waited for -> ACT_WAKE */
    CMD_LOOP,           /* call waiter loop: an iteration is over  -> ACT_WAKE */
    CMD_CALL_SUSPEND,   /* call: the handler returned and waits for what it registered */
    CMD_ANSWER,         /* peer session answer: a client answered a question -> ACT_DONE */
    CMD_SIGNAL,         /* peer call signal                     -> ACT_DONE or ACT_REFUSED */
    CMD_CANCEL,         /* peer session and cancel, or call     -> ACT_DONE or ACT_REFUSED */
    CMD_FOLLOW,         /* peer session follow                 -> ACT_EVENT ... or ACT_REFUSED */
    CMD_CREDIT,         /* peer credit: the peer took so many bytes */
    CMD_UNFOLLOW,       /* peer: its connection is gone */
    CMD_TICK,           /* time went on */
    CMD_SWEEP,          /* sweep: delete some of what has expired */
    CMD_LISTS,          /* lists: what the server offers changed    -> ACT_EVENT, ACT_DISPATCH */
    N_COMMANDS
};

enum step_op {
    STEP_OP_RECORD, /* done, with its result (insert-if-absent, or started -> done) */
    STEP_OP_BEGIN,  /* absent -> started; wakes when durable */
    STEP_OP_FAIL,   /* started -> failed, with the reason */
    STEP_OP_RESET,  /* started -> absent */
};

/* What the request ids of notices begin with: no request of a client's began them. */
#define NOTICE_REQUEST "\"!notice "

struct command {
    struct mail mail;
    enum command_kind kind;
    uint64_t peer;  /* the exchange that asked; 0 for nobody */
    void *waiter;   /* the worker that waits; NULL for nobody */
    struct id session, call;
    struct arena arena;
    union {
        struct session_record open;
        struct {
            int log_level; /* -1: as it is */
            uint8_t flags; /* to be set */
        } update;
        struct {
            struct call_record record; /* created_ms is filled in by the engine */
            uint8_t log_level, client; /* of the session: its level, and its flags */
            uint64_t credit;           /* bytes the peer takes before it says more */
            bool only_attaches;        /* its tool is not there: DMCP_E_NOTFOUND for a new call */
            bool knows_prime;          /* it can resume a stream that has only been opened */
            bool is_shared;            /* its connection has more requests, and may be open for them */
            bool cannot_resume;        /* its transport has no event ids: nothing to come back with */
            uint64_t timeout_ms;       /* of the tool; 0 for none */
            struct str key;            /* idempotency key; absent for none */
            struct id key_scope;       /* digest of whose key it is, and for which tool */
            struct id key_digest;      /* of the arguments: what a repeat must equal */
            bool is_notice;            /* of a notification: ACT_DONE when it is durable, and no
                                          response; its events go to the session's own stream */
        } start;
        struct {
            enum call_outcome outcome;
            struct str body;
            uint64_t timeout_ms; /* of the tool, as when it started; 0 for none */
        } done;
        struct {
            int code; /* not DMCP_OK: its worker cannot read the store, and why */
            struct str text;
        } release;
        struct {
            enum step_op op;
            enum step_guard guard;
            struct str alias, body;
            struct str label; /* for people, where the alias is not; may be absent */
        } step;
        struct {
            struct str alias;   /* empty outside of calls: no journal */
            struct str label;   /* map and method, for error texts and inspection */
            struct id digest;   /* of rows */
            struct batch rows;  /* owned */
        } map;
        struct {
            struct id uri; /* its digest */
            bool is_end;
        } subscribe;
        struct {
            struct str alias, label, message;
            bool to_session;     /* to the session's own stream, not the call's */
            bool to_subscribers; /* to those of all sessions that subscribed to */
            struct id uri;       /* this resource (the digest of its URI) */
        } event;
        struct {
            struct str alias, label;
            uint64_t delay_ms;   /* from now to the end of waiting; 0 for none */
            struct id input;     /* the question's id; zero when it is no question */
            struct id old_input; /* the question that this one replaces, or, when there is no
                                    other, that is taken back; zero for none */
            struct str cancel;   /* message to the client that cancels the old question */
            struct str ask;      /* message to the client: the question */
            struct str body;     /* kept with the wait, for the handler's next attempt */
        } wait;
        struct {
            struct str alias, label;
            uint64_t delay_ms; /* from the first time; 0 for no end */
            struct str ranges; /* of watch_record, in the order of their keys, none twice */
        } watch;
        struct {
            struct str alias, label, body;
            struct id digest, old_digest; /* of this body, and of the one that it replaces */
            bool is_done;                 /* it was the last iteration */
            struct batch rows;            /* owned: deletes what the iteration leaves behind */
        } loop;
        struct {
            struct id input;
            bool is_error; /* the client answered with a JSON-RPC error */
            struct str body;
        } answer;
        struct {
            struct str alias, body;
        } signal;
        struct {
            struct str request_id; /* of the session's request; absent: `call` is meant */
            struct id input;       /* without such a request: the question that the client gives
                                      up; zero for none */
            struct str reason;     /* what that question's wait fails with */
        } cancel;
        struct {
            struct id stream;    /* a call's id, or the session's */
            uint64_t after;      /* deliver what comes after this sequence */
            bool is_after_given; /* false: the standalone stream from where it stopped */
            uint64_t credit;
        } follow;
        uint64_t credit;
        struct {
            uint32_t n_looks, n_deletions; /* rows, about; then it is somebody else's turn */
        } sweep;
        struct {
            struct id tool; /* a digest of what it needs */
        } park;
        struct {
            uint64_t digests[N_LISTS]; /* of tools, prompts, resources; none is 0 */
            struct id added;           /* as in park; zero: nothing was */
        } lists;
    };
};

struct command *command_new(enum command_kind kind);
void command_free(struct command *c);
struct str command_dup(struct command *c, struct str s); /* into the command's arena */

#endif
