/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for one answer. See waiter.h.
 */
#include "base/waiter.h"

#include <assert.h>
#include <stdio.h>

void waiter_init(struct waiter *w)
{
    sem_init(&w->woken, 0, 0);
    atomic_init(&w->is_answered, false);
    w->code = 0;
    w->text[0] = '\0';
}

void waiter_fini(struct waiter *w)
{
    sem_destroy(&w->woken);
}

void waiter_wake(struct waiter *w, int code, struct str text)
{
    bool was_answered = atomic_exchange(&w->is_answered, true);

    assert(!was_answered);
    w->code = code;
    snprintf(w->text, sizeof(w->text), "%.*s", STR_FMT(text));
    sem_post(&w->woken);
}

int waiter_wait(struct waiter *w)
{
    while (sem_wait(&w->woken) != 0) { /* interrupted by a signal */
    }
    atomic_store(&w->is_answered, false);
    return w->code;
}
