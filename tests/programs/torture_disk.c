/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torture.c once more, on a disk of which a test can know what it would have kept when the power
 * went: whenever a file was synced, one line is added to the file that SYNC_NOTES names,
 *
 *     <inode> <bytes> <path>
 *
 * with the size that the file had before the sync began. What is behind that was not asked for.
 *
 * SYNC_FAILS=n: the n-th sync of the process fails, and later ones do not. As kernels do it, what
 * should have been written by it is lost to its file for ever, whatever later syncs of it say.
 */
#include "torture.c"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static atomic_int n_syncs;
static atomic_ullong broken_inode; /* of the file whose sync has failed; 0: none */

static void note(int fd, const struct stat *before)
{
    const char *notes = getenv("SYNC_NOTES");
    char link[64], path[4096], line[4200];
    ssize_t n;
    int to, len;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);
    to = notes && n > 0 ? open(notes, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (to < 0) {
        return;
    }
    path[n] = '\0';
    len = snprintf(line, sizeof(line), "%llu %lld %s\n", (unsigned long long)before->st_ino,
                   (long long)before->st_size, path);
    if (len < 0 || write(to, line, (size_t)len) != len) {
        abort(); /* the test would be wrong about the disk */
    }
    close(to);
}

static int sync_and_note(int fd, long call)
{
    const char *fails = getenv("SYNC_FAILS");
    struct stat before;
    int rc;

    if (fstat(fd, &before) != 0) {
        return -1;
    }
    if (fails && atomic_fetch_add(&n_syncs, 1) + 1 == atoi(fails)) {
        atomic_store(&broken_inode, before.st_ino);
        errno = EIO;
        return -1;
    }
    rc = (int)syscall(call, fd);
    if (rc == 0 && atomic_load(&broken_inode) != before.st_ino) {
        note(fd, &before);
    }
    return rc;
}

/* These stand before the C library's, for RocksDB too. */
__attribute__((visibility("default"))) int fdatasync(int fd)
{
    return sync_and_note(fd, SYS_fdatasync);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
    return sync_and_note(fd, SYS_fsync);
}
