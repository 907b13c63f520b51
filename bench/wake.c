/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wakes calls of the waiter's tool `hold`, one after the other, by the signal that each waits for,
 * and tells how long it took until it ran again.
 *
 *   wake STORE FIFO < ids        prints: number, p50, p99 and longest time in microseconds
 */
#include <dmcp_admin.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ids.h"

#define MAX_CALLS 10000

static void die(const char *what)
{
    fprintf(stderr, "wake: %s\n", what);
    exit(1);
}

/* From the moment before the signal is sent to the one at which the handler has it. */
static uint64_t wake(dmcp_admin *admin, FILE *fifo, const char *id)
{
    uint64_t began_ns = clock_mono_ns();
    char woken[ID_HEX_BYTES + 1];
    unsigned long long at_ns;

    if (dmcp_admin_signal(admin, id, "go", NULL) != DMCP_OK) {
        die(dmcp_admin_error(admin));
    }
    if (fscanf(fifo, "%32s %llu", woken, &at_ns) != 2 || strcmp(woken, id) != 0) {
        die("another call woke up");
    }
    return at_ns - began_ns;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static uint64_t times_ns[MAX_CALLS];
    char id[ID_HEX_BYTES + 1];
    dmcp_admin *admin;
    FILE *fifo;
    size_t n = 0;
    int fd;

    if (argc != 3) {
        fprintf(stderr, "usage: wake STORE FIFO < ids\n");
        return 2;
    }
    /* Open for writing too, so that it does not end when nobody has it open. */
    fd = open(argv[2], O_RDWR | O_CLOEXEC);
    fifo = fd < 0 ? NULL : fdopen(fd, "r");
    if (!fifo) {
        die("the fifo cannot be opened");
    }
    admin = dmcp_admin_new(argv[1]);
    while (n < MAX_CALLS && scanf("%32s", id) == 1) {
        times_ns[n++] = wake(admin, fifo, id);
    }
    if (n == 0) {
        die("no ids");
    }
    qsort(times_ns, n, sizeof(*times_ns), compare);
    printf("%zu %llu %llu %llu\n", n, (unsigned long long)times_ns[n / 2] / 1000,
           (unsigned long long)times_ns[n * 99 / 100] / 1000,
           (unsigned long long)times_ns[n - 1] / 1000);
    dmcp_admin_free(admin);
    fclose(fifo);
    return 0;
}
