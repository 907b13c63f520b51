/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The many-to-one queue. See mailbox.h.
 */
#include "base/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <time.h>

void mailbox_init(struct mailbox *m, void (*wake)(void *arg), void *wake_arg)
{
    atomic_init(&m->newest, NULL);
    atomic_init(&m->is_waiting, false);
    sem_init(&m->filled, 0, 0);
    m->wake = wake;
    m->wake_arg = wake_arg;
}

void mailbox_fini(struct mailbox *m)
{
    assert(!atomic_load(&m->newest));
    sem_destroy(&m->filled);
}

/* The list the other way round, in place. */
static struct mail *reverse(struct mail *first)
{
    struct mail *reversed = NULL, *next;

    for (; first; first = next) {
        next = first->next;
        first->next = reversed;
        reversed = first;
    }
    return reversed;
}

/* The receiver says that it sleeps before it looks for the last time, and we look whether it does
 * after we have put something there: one of the two sees the other. */
static void wake_sleeper(struct mailbox *m)
{
    if (atomic_load(&m->is_waiting) && atomic_exchange(&m->is_waiting, false)) {
        sem_post(&m->filled);
    }
}

void mailbox_put_list(struct mailbox *m, struct mail *first, struct mail *last)
{
    struct mail *before = atomic_load(&m->newest);

    last->next = NULL;
    reverse(first);
    do {
        first->next = before;
    } while (!atomic_compare_exchange_weak(&m->newest, &before, last));
    if (!m->wake) {
        wake_sleeper(m);
    } else if (!before) {
        m->wake(m->wake_arg);
    }
}

void mailbox_put(struct mailbox *m, struct mail *mail)
{
    mailbox_put_list(m, mail, mail);
}

struct mail *mailbox_take(struct mailbox *m)
{
    return reverse(atomic_exchange(&m->newest, NULL));
}

static bool sleep_for_post(struct mailbox *m, uint64_t deadline_ns)
{
    struct timespec until = { .tv_sec = (time_t)(deadline_ns / 1000000000u),
                              .tv_nsec = (long)(deadline_ns % 1000000000u) };
    int rc;

    do {
        rc = deadline_ns == UINT64_MAX ? sem_wait(&m->filled)
                                       : sem_clockwait(&m->filled, CLOCK_MONOTONIC, &until);
    } while (rc != 0 && errno == EINTR);
    return rc == 0;
}

static void sleep_until(struct mailbox *m, uint64_t deadline_ns)
{
    atomic_store(&m->is_waiting, true);
    if (!atomic_load(&m->newest) && sleep_for_post(m, deadline_ns)) {
        return;
    }
    if (!atomic_exchange(&m->is_waiting, false)) {
        (void)sleep_for_post(m, UINT64_MAX); /* a sender saw us: its post is due */
    }
}

struct mail *mailbox_wait(struct mailbox *m, uint64_t deadline_ns)
{
    struct mail *first;

    assert(!m->wake);
    first = mailbox_take(m);
    if (!first) {
        sleep_until(m, deadline_ns);
        first = mailbox_take(m);
    }
    return first;
}
