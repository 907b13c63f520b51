/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for one answer. See waiter.h.
 */
#include "base/waiter.h"

#include <assert.h>
#include <stdio.h>

void waiter_init(struct waiter *w)
{
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->woken, NULL);
    w->is_answered = false;
    w->code = 0;
    w->text[0] = '\0';
}

void waiter_fini(struct waiter *w)
{
    pthread_cond_destroy(&w->woken);
    pthread_mutex_destroy(&w->lock);
}

void waiter_wake(struct waiter *w, int code, struct str text)
{
    pthread_mutex_lock(&w->lock);
    assert(!w->is_answered);
    w->is_answered = true;
    w->code = code;
    snprintf(w->text, sizeof(w->text), "%.*s", STR_FMT(text));
    pthread_cond_signal(&w->woken); /* under the lock: the waiter may be gone behind it */
    pthread_mutex_unlock(&w->lock);
}

int waiter_wait(struct waiter *w)
{
    int code;

    pthread_mutex_lock(&w->lock);
    while (!w->is_answered) {
        pthread_cond_wait(&w->woken, &w->lock);
    }
    w->is_answered = false;
    code = w->code;
    pthread_mutex_unlock(&w->lock);
    return code;
}
