/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor under every durable call: what this disk gives to a program that does nothing but
 * append to a log and wait until it is durable.
 *
 *   rawlog FILE CLIENTS SECONDS
 *
 * Each client is a thread that commits 3 records of 300 bytes, again and again. One more thread
 * writes what all of them appended since the last time and makes it durable with one fdatasync.
 * With 0 clients one thread does both, and the time of each fdatasync alone is taken.
 *
 * Prints: commits per second, and the p50 and p99 of a commit (with 0 clients: of an fdatasync)
 * in microseconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECORD_BYTES 300
#define RECORDS 3
#define COMMIT_BYTES (RECORD_BYTES * RECORDS)
#define MAX_CLIENTS 256
#define MAX_SAMPLES 4000000

struct log {
    int fd;
    pthread_mutex_t lock;
    pthread_cond_t filled, synced;
    char filling[MAX_CLIENTS * COMMIT_BYTES];
    char writing[MAX_CLIENTS * COMMIT_BYTES];
    size_t n_filling;       /* bytes */
    uint64_t group;         /* that `filling` will be written in */
    uint64_t synced_group;  /* the last one that is durable */
    bool is_over;
    uint32_t *samples; /* microseconds */
    size_t n_samples;
};

static void die(const char *what)
{
    fprintf(stderr, "rawlog: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void note(struct log *l, uint64_t since_us)
{
    if (l->n_samples < MAX_SAMPLES) {
        l->samples[l->n_samples++] = (uint32_t)(now_us() - since_us);
    }
}

static void *client_main(void *arg)
{
    struct log *l = arg;
    char commit[COMMIT_BYTES];

    memset(commit, 'r', sizeof(commit));
    pthread_mutex_lock(&l->lock);
    while (!l->is_over) {
        uint64_t group = l->group, began_us = now_us();

        memcpy(l->filling + l->n_filling, commit, sizeof(commit));
        l->n_filling += sizeof(commit);
        pthread_cond_signal(&l->filled);
        while (l->synced_group < group) {
            pthread_cond_wait(&l->synced, &l->lock);
        }
        note(l, began_us);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static void put(struct log *l, size_t n)
{
    if (write(l->fd, l->writing, n) != (ssize_t)n) {
        die("write");
    }
}

static void *writer_main(void *arg)
{
    struct log *l = arg;

    pthread_mutex_lock(&l->lock);
    for (;;) {
        size_t n;
        uint64_t group;

        while (l->n_filling == 0 && !l->is_over) {
            pthread_cond_wait(&l->filled, &l->lock);
        }
        n = l->n_filling;
        if (n == 0) {
            break;
        }
        memcpy(l->writing, l->filling, n);
        l->n_filling = 0;
        group = l->group++;
        pthread_mutex_unlock(&l->lock);
        put(l, n);
        if (fdatasync(l->fd) != 0) {
            die("fdatasync");
        }
        pthread_mutex_lock(&l->lock);
        l->synced_group = group;
        pthread_cond_broadcast(&l->synced);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static void run_alone(struct log *l, uint64_t until_us)
{
    memset(l->writing, 'r', COMMIT_BYTES);
    while (now_us() < until_us) {
        uint64_t began_us;

        put(l, COMMIT_BYTES);
        began_us = now_us();
        if (fdatasync(l->fd) != 0) {
            die("fdatasync");
        }
        note(l, began_us);
    }
}

static void start(pthread_t *t, void *(*run)(void *), void *arg)
{
    errno = pthread_create(t, NULL, run, arg);
    if (errno) {
        die("thread");
    }
}

static void run_together(struct log *l, unsigned n_clients, uint64_t until_us)
{
    pthread_t clients[MAX_CLIENTS], writer;

    start(&writer, writer_main, l);
    for (unsigned i = 0; i < n_clients; i++) {
        start(&clients[i], client_main, l);
    }
    while (now_us() < until_us) {
        usleep(10000);
    }
    pthread_mutex_lock(&l->lock);
    l->is_over = true;
    pthread_cond_signal(&l->filled);
    pthread_mutex_unlock(&l->lock);
    for (unsigned i = 0; i < n_clients; i++) {
        pthread_join(clients[i], NULL);
    }
    pthread_join(writer, NULL);
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
    unsigned n_clients = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : MAX_CLIENTS + 1;
    double seconds = argc == 4 ? strtod(argv[3], NULL) : 0;
    struct log *l = calloc(1, sizeof(*l));
    uint64_t began_us;

    if (n_clients > MAX_CLIENTS || seconds <= 0) {
        fprintf(stderr, "usage: rawlog FILE CLIENTS SECONDS\n");
        return 2;
    }
    l->samples = calloc(MAX_SAMPLES, sizeof(*l->samples));
    l->fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    if (l->fd < 0) {
        die(argv[1]);
    }
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->filled, NULL);
    pthread_cond_init(&l->synced, NULL);
    l->group = 1;
    began_us = now_us();
    if (n_clients == 0) {
        run_alone(l, began_us + (uint64_t)(seconds * 1e6));
    } else {
        run_together(l, n_clients, began_us + (uint64_t)(seconds * 1e6));
    }
    seconds = (double)(now_us() - began_us) / 1e6;
    if (l->n_samples == 0) {
        fprintf(stderr, "rawlog: nothing was committed in that time\n");
        return 1;
    }
    qsort(l->samples, l->n_samples, sizeof(*l->samples), compare);
    printf("%.0f %u %u\n", (double)l->n_samples / seconds, l->samples[l->n_samples / 2],
           l->samples[l->n_samples * 99 / 100]);
    return 0;
}
