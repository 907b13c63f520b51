/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue from many threads to one.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "harness.h"

#define N_SENDERS 4
#define N_EACH 2000

struct letter {
    struct mail mail;
    uint32_t sender, number;
};

struct sender {
    pthread_t thread;
    struct mailbox *to;
    uint32_t id;
    struct letter letters[N_EACH];
};

static struct letter *letter_of(struct mail *m)
{
    return CONTAINER_OF(m, struct letter, mail);
}

static void *send_all(void *arg)
{
    struct sender *s = arg;

    for (uint32_t i = 0; i < N_EACH; i++) {
        s->letters[i].sender = s->id;
        s->letters[i].number = i;
        if (i % 7 == 0 && i + 1 < N_EACH) { /* two at once, now and then */
            s->letters[i + 1].sender = s->id;
            s->letters[i + 1].number = i + 1;
            s->letters[i].mail.next = &s->letters[i + 1].mail;
            mailbox_put_list(s->to, &s->letters[i].mail, &s->letters[i + 1].mail);
            i++;
        } else {
            mailbox_put(s->to, &s->letters[i].mail);
        }
    }
    return NULL;
}

static struct sender *start_senders(struct mailbox *to)
{
    struct sender *senders = mem_zalloc_n(N_SENDERS, sizeof(*senders));

    for (uint32_t i = 0; i < N_SENDERS; i++) {
        senders[i].to = to;
        senders[i].id = i;
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    return senders;
}

static void join_senders(struct sender *senders)
{
    for (uint32_t i = 0; i < N_SENDERS; i++) {
        pthread_join(senders[i].thread, NULL);
    }
    mem_free(senders);
}

/* Counts what came; each sender's letters must come in its order. */
static size_t count_in_order(struct mail *m, uint32_t next[N_SENDERS])
{
    size_t n = 0;

    for (; m; m = m->next) {
        struct letter *l = letter_of(m);

        assert_int_equal(l->number, next[l->sender]);
        next[l->sender]++;
        n++;
    }
    return n;
}

TEST(mailbox, everything_is_taken_at_once_oldest_first)
{
    struct letter a = { .number = 1 }, b = { .number = 2 }, c = { .number = 3 };
    struct mailbox box;
    struct mail *m;

    mailbox_init(&box, NULL, NULL);
    assert_null(mailbox_take(&box));
    mailbox_put(&box, &a.mail);
    b.mail.next = &c.mail;
    mailbox_put_list(&box, &b.mail, &c.mail);
    m = mailbox_take(&box);
    assert_ptr_equal(m, &a.mail);
    assert_ptr_equal(m->next, &b.mail);
    assert_ptr_equal(m->next->next, &c.mail);
    assert_null(m->next->next->next);
    assert_null(mailbox_take(&box));
    mailbox_fini(&box);
}

TEST(mailbox, waiting_ends_empty_at_the_deadline_and_not_before)
{
    uint64_t deadline = clock_mono_ns() + 2000000;
    struct mailbox box;

    mailbox_init(&box, NULL, NULL);
    assert_null(mailbox_wait(&box, deadline));
    assert_true(clock_mono_ns() >= deadline);
    assert_null(mailbox_wait(&box, 0));
    mailbox_fini(&box);
}

TEST(mailbox, waiting_does_not_wait_when_there_is_something)
{
    struct letter a = { .number = 1 };
    struct mailbox box;

    mailbox_init(&box, NULL, NULL);
    mailbox_put(&box, &a.mail);
    assert_ptr_equal(mailbox_wait(&box, 0), &a.mail);
    mailbox_put(&box, &a.mail);
    assert_ptr_equal(mailbox_wait(&box, UINT64_MAX), &a.mail);
    mailbox_fini(&box);
}

TEST(mailbox, a_waiting_receiver_gets_all_letters_of_all_senders_in_their_order)
{
    uint32_t next[N_SENDERS] = { 0 };
    struct sender *senders;
    struct mailbox box;
    size_t n = 0;

    mailbox_init(&box, NULL, NULL);
    senders = start_senders(&box);
    while (n < (size_t)N_SENDERS * N_EACH) {
        n += count_in_order(mailbox_wait(&box, UINT64_MAX), next);
    }
    join_senders(senders);
    mailbox_fini(&box);
}

/* An event loop: it looks into the mailbox only after it was woken. */
struct loop {
    pthread_mutex_t lock;
    pthread_cond_t woken;
    int n_wakes;
};

static void wake(void *arg)
{
    struct loop *l = arg;

    pthread_mutex_lock(&l->lock);
    l->n_wakes++;
    pthread_cond_signal(&l->woken);
    pthread_mutex_unlock(&l->lock);
}

TEST(mailbox, an_event_loop_that_looks_only_when_it_is_woken_misses_nothing)
{
    struct loop loop = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
    uint32_t next[N_SENDERS] = { 0 };
    struct sender *senders;
    struct mailbox box;
    size_t n = 0;

    mailbox_init(&box, wake, &loop);
    senders = start_senders(&box);
    while (n < (size_t)N_SENDERS * N_EACH) {
        pthread_mutex_lock(&loop.lock);
        while (loop.n_wakes == 0) {
            pthread_cond_wait(&loop.woken, &loop.lock);
        }
        loop.n_wakes = 0;
        pthread_mutex_unlock(&loop.lock);
        n += count_in_order(mailbox_take(&box), next);
    }
    join_senders(senders);
    mailbox_fini(&box);
}

TEST(mailbox, a_loop_is_woken_once_per_batch_and_not_once_per_letter)
{
    struct loop loop = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
    struct letter a = { .number = 1 }, b = { .number = 2 };
    struct mailbox box;

    mailbox_init(&box, wake, &loop);
    mailbox_put(&box, &a.mail);
    mailbox_put(&box, &b.mail);
    assert_int_equal(loop.n_wakes, 1);
    assert_non_null(mailbox_take(&box));
    mailbox_put(&box, &a.mail);
    assert_int_equal(loop.n_wakes, 2);
    assert_non_null(mailbox_take(&box));
    mailbox_fini(&box);
}

RUN_TESTS()
