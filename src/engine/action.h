/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine wants done, and when it may be done: after the rows that it produced are
 * visible (a handler starts, a map write returns) or after they are durable (whatever a client
 * or an at-most-once body sees). Actions of one batch keep their order within each of the two.
 */
#ifndef ENGINE_ACTION_H
#define ENGINE_ACTION_H

#include "base/ids.h"
#include "base/list.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "store/records.h"

enum action_kind {
    /* To the exchange `peer`. */
    ACT_DONE,    /* the command was carried out */
    ACT_REFUSED, /* it was not: code, text */
    ACT_SESSION, /* the session's record */
    ACT_PRIME,   /* open the stream: the call is durable and goes on */
    ACT_EVENT,   /* a message of the stream */
    ACT_REPLY,   /* the call's outcome, the last message of its stream */
    ACT_END,     /* close the stream without a response */
    /* To every exchange. */
    ACT_SESSION_GONE, /* forget what you remember of this session */
    /* To the workers. */
    ACT_DISPATCH, /* run the handler */
    ACT_WAKE,     /* answer a waiting handler: code, text */
    ACT_CANCEL,   /* tell the running handler of the call that it is to end: dispatch.flags */
};

enum action_when { WHEN_VISIBLE, WHEN_DURABLE };

struct action {
    struct mail mail;
    enum action_kind kind;
    enum action_when when;
    uint64_t peer;
    void *waiter;
    int code;
    struct id session, call;
    struct str text; /* of an error; the message of ACT_EVENT; the body of ACT_REPLY */
    uint64_t position; /* of the write that it waits for; set by the driver */
    union {
        struct session_record record;
        struct {
            struct id stream;
            uint64_t sequence;
            uint8_t outcome;       /* ACT_REPLY */
            struct str request_id; /* ACT_REPLY: of the request that this peer sent */
        } event;
        struct {
            struct call_record record;
            uint8_t log_level, client; /* of the session: its level, and its flags */
            uint32_t attempt;
            uint8_t flags;  /* of unfinished_record */
            bool is_reask;  /* questions of another life of the server are asked again */
            uint64_t told_ms; /* ACT_CANCEL: it was told at this time already; 0: it was not */
        } dispatch;
    };
    struct arena arena;
};

struct action_list {
    struct mail *first, **last; /* each the head of a struct action */
};

void action_list_init(struct action_list *l);
struct action *action_add(struct action_list *l, enum action_kind kind, enum action_when when);
void action_free(struct action *a);
struct str action_dup(struct action *a, struct str s);

static inline struct action *action_of(struct mail *m)
{
    return m ? CONTAINER_OF(m, struct action, mail) : NULL;
}

#endif
