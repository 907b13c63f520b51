/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who crashed the process: a handler that runs into SIGSEGV, SIGABRT and the like leaves the id
 * of its call in a page that the supervisor shares, before the process dies of the signal.
 */
#ifndef SERVER_CRASH_H
#define SERVER_CRASH_H

#include <stdatomic.h>

#include "base/ids.h"

/* In memory shared by supervisor and server process. */
struct crash_note {
    atomic_int is_set;
    int signal;     /* 0: the tool ended the process (exit) */
    struct id call;
};

struct crash_note *crash_note_new(void);

/* From now on fatal signals, and exit called by a handler, are noted. */
void crash_watch(struct crash_note *note);

/* A stack for the signal handler: the thread's own may be what overflowed. */
struct crash_stack {
    void *memory;
};
void crash_stack_init(struct crash_stack *s);
void crash_stack_fini(struct crash_stack *s);

#endif
