/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread waits for one answer from another: a code and a text. A waiter belongs to a thread
 * and is used again and again; one answer per wait.
 */
#ifndef BASE_WAITER_H
#define BASE_WAITER_H

#include <semaphore.h>
#include <stdatomic.h>

#include "base/str.h"

struct waiter {
    sem_t woken;
    atomic_bool is_answered;
    int code;
    char text[512]; /* longer ones lose their end */
};

void waiter_init(struct waiter *w);
void waiter_fini(struct waiter *w);
void waiter_wake(struct waiter *w, int code, struct str text);

/* Blocks until the answer is there, and makes the waiter ready for the next one. The text stays
 * until the next wake. */
int waiter_wait(struct waiter *w);

#endif
