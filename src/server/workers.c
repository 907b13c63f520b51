/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worker threads. See workers.h.
 */
#include "server/workers.h"

#include <stdio.h>

#include "base/log.h"
#include "server/crash.h"

struct workers {
    struct call_env *env;
    pthread_mutex_t lock;
    sem_t filled; /* posted once for each thread that is to wake */
    struct mail *first, **last;
    size_t n_queued, max_queued;
    pthread_t *threads;
    size_t n_threads, max_threads;
    struct list running; /* of struct run */
    size_t n_idle;   /* sleep, or are about to */
    size_t n_waking; /* of these, woken and not there yet */
    bool has_begun, is_draining;
};

struct workers *workers_new(struct call_env *env, size_t n_threads, size_t max_queued)
{
    struct workers *w = mem_zalloc(sizeof(*w));

    w->env = env;
    pthread_mutex_init(&w->lock, NULL);
    sem_init(&w->filled, 0, 0);
    w->last = &w->first;
    list_init(&w->running);
    w->max_queued = max_queued;
    w->max_threads = n_threads;
    w->threads = mem_zalloc_n(n_threads, sizeof(pthread_t));
    return w;
}

/* Under the lock. */
static void wake_all(struct workers *w)
{
    for (; w->n_waking < w->n_idle; w->n_waking++) {
        sem_post(&w->filled);
    }
}

static void *worker_main(void *arg);

/* Under the lock: has another thread come for what is queued. Whether the caller shall post
 * `filled`, when it has let go of the lock. */
static bool must_wake(struct workers *w)
{
    if (!w->first || !w->has_begun) {
        return false;
    }
    if (w->n_idle < w->n_queued && w->n_threads < w->max_threads &&
        pthread_create(&w->threads[w->n_threads], NULL, worker_main, w) == 0) {
        pthread_setname_np(w->threads[w->n_threads++], "dmcp-worker");
    } /* else those that are there do the work */
    if (w->n_waking > 0 || w->n_idle == 0) {
        return false;
    }
    w->n_waking++;
    return true;
}

void workers_wake(struct workers *w)
{
    bool wakes;

    pthread_mutex_lock(&w->lock);
    wakes = must_wake(w);
    pthread_mutex_unlock(&w->lock);
    if (wakes) {
        sem_post(&w->filled);
    }
}

void workers_begin(struct workers *w)
{
    pthread_mutex_lock(&w->lock);
    w->has_begun = true;
    pthread_mutex_unlock(&w->lock);
    workers_wake(w);
}

/* Under the lock, which it lets go of while it waits. NULL: the thread shall end. */
static struct run *take(struct workers *w)
{
    struct mail *m;

    while ((!w->first || !w->has_begun) && !w->is_draining) {
        w->n_idle++;
        pthread_mutex_unlock(&w->lock);
        while (sem_wait(&w->filled) != 0) { /* interrupted by a signal */
        }
        pthread_mutex_lock(&w->lock);
        w->n_idle--;
        w->n_waking--;
    }
    m = w->first;
    if (!m) {
        return NULL;
    }
    w->first = m->next;
    if (!w->first) {
        w->last = &w->first;
    }
    w->n_queued--;
    return CONTAINER_OF(m, struct run, mail);
}

static void *worker_main(void *arg)
{
    struct workers *w = arg;
    struct waiter waiter;
    struct crash_stack stack;
    struct run *r;

    waiter_init(&waiter);
    crash_stack_init(&stack);
    pthread_mutex_lock(&w->lock);
    while ((r = take(w))) {
        bool wakes = must_wake(w);

        list_append(&w->running, &r->link);
        pthread_mutex_unlock(&w->lock);
        if (wakes) {
            sem_post(&w->filled);
        }
        call_execute(w->env, &waiter, r);
        pthread_mutex_lock(&w->lock);
        list_remove(&w->running, &r->link);
        run_free(r);
    }
    pthread_mutex_unlock(&w->lock);
    crash_stack_fini(&stack);
    waiter_fini(&waiter);
    return NULL;
}

int workers_put(struct workers *w, struct run *r)
{
    int rc = DMCP_OK;

    pthread_mutex_lock(&w->lock);
    if (w->is_draining || (r->mode != CALL_JOURNALED && w->n_queued >= w->max_queued)) {
        rc = DMCP_E_BUSY;
    } else {
        r->mail.next = NULL;
        *w->last = &r->mail;
        w->last = &r->mail.next;
        w->n_queued++;
    }
    pthread_mutex_unlock(&w->lock);
    return rc;
}

/* One that was told to end and still runs. */
struct stubborn {
    char call[ID_HEX_BYTES + 1], tool[LIMIT_NAME_BYTES + 1]; /* the beginning of its name */
    uint32_t attempt;
};

static void note_stubborn(struct stubborn *s, const struct run *r)
{
    id_to_hex(r->call, s->call);
    snprintf(s->tool, sizeof(s->tool), "%.*s", STR_FMT(r->tool->name));
    s->attempt = r->attempt;
}

static void log_stubborn(const struct stubborn *s, uint8_t why, uint64_t told_ms)
{
    char when[LOG_WHEN_BYTES];

    log_when(told_ms, when);
    log_warning("call=%s tool=%s attempt=%u: %s %s, and its handler still runs: it does not look at "
                "dmcp_cancelled",
                s->call, s->tool, s->attempt,
                why & UNFINISHED_CANCELLED ? "it was cancelled at" : "its time was over at", when);
}

void workers_cancel(struct workers *w, struct id call, uint8_t why, uint64_t told_ms)
{
    struct stubborn stubborn = { .attempt = 0 };

    pthread_mutex_lock(&w->lock);
    for (struct link *k = list_first(&w->running); k; k = list_next(&w->running, k)) {
        struct run *r = CONTAINER_OF(k, struct run, link);

        if (id_eq(r->call, call)) {
            atomic_fetch_or(&r->told, why);
            note_stubborn(&stubborn, r);
        }
    }
    for (struct mail *m = w->first; m; m = m->next) {
        struct run *r = CONTAINER_OF(m, struct run, mail);

        if (id_eq(r->call, call)) {
            atomic_fetch_or(&r->told, why);
        }
    }
    pthread_mutex_unlock(&w->lock);
    if (told_ms && stubborn.attempt > 0) {
        log_stubborn(&stubborn, why, told_ms);
    }
}

size_t workers_drain(struct workers *w)
{
    struct mail *m, *next;
    size_t n;

    pthread_mutex_lock(&w->lock);
    w->is_draining = true;
    m = w->first;
    w->first = NULL;
    w->last = &w->first;
    w->n_queued = 0;
    n = w->running.n;
    wake_all(w);
    pthread_mutex_unlock(&w->lock);
    for (; m; m = next) {
        next = m->next;
        run_free(CONTAINER_OF(m, struct run, mail));
    }
    return n;
}

size_t workers_running(struct workers *w)
{
    size_t n;

    pthread_mutex_lock(&w->lock);
    n = w->running.n;
    pthread_mutex_unlock(&w->lock);
    return n;
}

size_t workers_busy(struct workers *w)
{
    size_t n;

    pthread_mutex_lock(&w->lock);
    n = w->running.n + w->n_queued;
    pthread_mutex_unlock(&w->lock);
    return n;
}

void workers_free(struct workers *w)
{
    for (size_t i = 0; i < w->n_threads; i++) {
        pthread_join(w->threads[i], NULL);
    }
    sem_destroy(&w->filled);
    pthread_mutex_destroy(&w->lock);
    mem_free(w->threads);
    mem_free(w);
}
