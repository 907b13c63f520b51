/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue from many threads to one. The receiver takes everything that is there at once, so a
 * busy receiver is woken once per batch and not once per message.
 *
 * Bounds: the senders count what they put in (see limits.h); the mailbox itself never blocks
 * or refuses, so that a thread that must answer can always do so.
 */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct mail {
    struct mail *next; /* first member of every message */
};

struct mailbox {
    _Atomic(struct mail *) newest; /* each with the one before it as next */
    atomic_bool is_waiting;        /* the receiver sleeps, or is about to */
    sem_t filled;                  /* posted once by whoever makes is_waiting false */
    void (*wake)(void *arg); /* instead of the condition, for receivers with an event loop */
    void *wake_arg;
};

/* `wake` may be NULL: then the receiver waits with mailbox_wait. */
void mailbox_init(struct mailbox *m, void (*wake)(void *arg), void *wake_arg);
void mailbox_fini(struct mailbox *m); /* must be empty */

void mailbox_put(struct mailbox *m, struct mail *mail);

/* A whole list, linked by next, in order; `last` is its last element. */
void mailbox_put_list(struct mailbox *m, struct mail *first, struct mail *last);

struct mail *mailbox_take(struct mailbox *m); /* all, oldest first; NULL when empty */

/* Waits until there is something or the clock (clock_mono_ns) reaches deadline_ns; UINT64_MAX
 * waits for ever. Returns like mailbox_take. */
struct mail *mailbox_wait(struct mailbox *m, uint64_t deadline_ns);

#endif
