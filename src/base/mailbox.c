/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The many-to-one queue. See mailbox.h.
 */
#include "base/mailbox.h"

#include <assert.h>
#include <stddef.h>
#include <time.h>

void mailbox_init(struct mailbox *m, void (*wake)(void *arg), void *wake_arg)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&m->filled, &attr);
    pthread_condattr_destroy(&attr);
    m->first = NULL;
    m->last = &m->first;
    m->is_waiting = false;
    m->wake = wake;
    m->wake_arg = wake_arg;
}

void mailbox_fini(struct mailbox *m)
{
    assert(!m->first);
    pthread_cond_destroy(&m->filled);
    pthread_mutex_destroy(&m->lock);
}

void mailbox_put_list(struct mailbox *m, struct mail *first, struct mail *last)
{
    bool was_empty, is_waiting;

    last->next = NULL;
    pthread_mutex_lock(&m->lock);
    was_empty = !m->first;
    *m->last = first;
    m->last = &last->next;
    is_waiting = m->is_waiting;
    m->is_waiting = false;
    pthread_mutex_unlock(&m->lock);
    if (m->wake) {
        if (was_empty) {
            m->wake(m->wake_arg);
        }
    } else if (is_waiting) {
        pthread_cond_signal(&m->filled);
    }
}

void mailbox_put(struct mailbox *m, struct mail *mail)
{
    mailbox_put_list(m, mail, mail);
}

static struct mail *take_locked(struct mailbox *m)
{
    struct mail *first = m->first;

    m->first = NULL;
    m->last = &m->first;
    return first;
}

struct mail *mailbox_take(struct mailbox *m)
{
    struct mail *first;

    pthread_mutex_lock(&m->lock);
    first = take_locked(m);
    pthread_mutex_unlock(&m->lock);
    return first;
}

struct mail *mailbox_wait(struct mailbox *m, uint64_t deadline_ns)
{
    struct timespec until = { .tv_sec = (time_t)(deadline_ns / 1000000000u),
                              .tv_nsec = (long)(deadline_ns % 1000000000u) };
    struct mail *first;
    int rc = 0;

    assert(!m->wake);
    pthread_mutex_lock(&m->lock);
    while (!m->first && rc == 0) {
        m->is_waiting = true;
        if (deadline_ns == UINT64_MAX) {
            rc = pthread_cond_wait(&m->filled, &m->lock);
        } else {
            rc = pthread_cond_timedwait(&m->filled, &m->lock, &until);
        }
    }
    m->is_waiting = false;
    first = take_locked(m);
    pthread_mutex_unlock(&m->lock);
    return first;
}
