/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room on the disk. See room.h. Asking by writing is the only question whose answer counts:
 * free space as statvfs tells it ignores quotas and reserves.
 */
#include "server/room.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"

/* What a store keeps free, and about what one writes when it opens: with less, it would be full again
 * at once. */
#define PROBE_BYTES (LIMIT_DISK_RESERVE_BYTES + 4 * MIB)

static bool fill(int fd)
{
    size_t done = 0;
    char *zeros = mem_zalloc(64 * KIB);

    while (done < PROBE_BYTES) {
        ssize_t n = write(fd, zeros, 64 * KIB);

        if (n <= 0) {
            break;
        }
        done += (size_t)n;
    }
    mem_free(zeros);
    return done >= PROBE_BYTES && fsync(fd) == 0;
}

bool room_is_there(const char *store_dir)
{
    char name[4096];
    struct stat st;
    int fd;
    bool is_there;

    /* Beside it: in it there may stand nothing but the store. Before it was made: where it will. */
    if (snprintf(name, sizeof(name), "%s.room", store_dir) >= (int)sizeof(name)) {
        return true;
    }
    if (stat(store_dir, &st) == 0 &&
        snprintf(name, sizeof(name), "%s/.room", store_dir) >= (int)sizeof(name)) {
        return true;
    }
    fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    is_there = fill(fd);
    close(fd);
    unlink(name);
    return is_there;
}
