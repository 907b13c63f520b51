/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Losses of power. See power.h.
 */
#include "power.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "harness.h"
#include "wait.h"

void power_on(struct proc *p)
{
    char *notes = proc_path(p, "synced-notes");

    proc_env(p, "SYNC_NOTES", notes);
    mem_free(notes);
}

/* How much of the file was synced. One that got its name later is known by its inode: only then,
 * for the number of a file that is gone is given to another one. */
static long synced_bytes(struct proc *p, const char *path, const struct stat *st)
{
    char *notes = proc_path(p, "synced-notes");
    FILE *f = fopen(notes, "r");
    long long by_path = -1, by_inode = 0, bytes;
    unsigned long long inode;
    char line[4200], of[4096];

    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        assert_int_equal(sscanf(line, "%llu %lld %4095[^\n]", &inode, &bytes, of), 3);
        if (strcmp(of, path) == 0) {
            by_path = bytes;
        } else if (inode == st->st_ino && strstr(of, ".dbtmp")) {
            by_inode = bytes;
        }
    }
    fclose(f);
    mem_free(notes);
    return (long)(by_path >= 0 ? by_path : by_inode);
}

/* Cut off, cut somewhere, or all there and wrong: the log from any place on, other files zero in all
 * that was not synced. For RocksDB takes a MANIFEST whose last record is cut or zero, and refuses one
 * with a record of its right length that is zero in part, or rubbish (docs/FORMAT.md). */
static void lose(const char *path, long synced, long size, struct random *r)
{
    long torn = synced + (long)random_below(r, (uint32_t)(size - synced) + 1), keep;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_log = strcmp(path + strlen(path) - 4, ".log") == 0;
    char rubbish[512] = "";

    assert_true(fd >= 0);
    keep = is_log ? torn : synced;
    switch (random_below(r, is_log ? 4 : 3)) {
    case 0:
        assert_int_equal(ftruncate(fd, synced), 0);
        break;
    case 1:
        assert_int_equal(ftruncate(fd, torn), 0);
        break;
    case 3:
        random_fill(r, rubbish, sizeof(rubbish));
        /* FALLTHROUGH */
    default: /* zeros */
        for (long at = keep; at < size; at += (long)sizeof(rubbish)) {
            size_t n = size - at < (long)sizeof(rubbish) ? (size_t)(size - at) : sizeof(rubbish);

            assert_int_equal(pwrite(fd, rubbish, n, at), n);
        }
        break;
    }
    close(fd);
}

/* The worker, too, which a supervisor that dies takes with it, but a moment later. */
static void end_server(struct proc *p)
{
    struct pollfd worker = { .fd = -1, .events = POLLIN };

    if (p->pid) { /* else it has ended by itself */
        worker.fd = (int)syscall(SYS_pidfd_open, proc_worker(p), 0);
        proc_kill(p);
        assert_true(worker.fd < 0 || poll(&worker, 1, WAIT_MS) == 1);
        close(worker.fd);
    }
}

long power_off(struct proc *p, struct random *r)
{
    char folder[4096], path[8192], real[4096];
    struct dirent *entry;
    struct stat st;
    long lost = 0;
    DIR *dir;

    end_server(p);
    snprintf(folder, sizeof(folder), "%s/rocksdb", p->store);
    dir = opendir(folder);
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        long synced;

        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (stat(path, &st) || !S_ISREG(st.st_mode) || strncmp(entry->d_name, "LOG", 3) == 0) {
            continue; /* LOG is for people */
        }
        assert_non_null(realpath(path, real));
        synced = synced_bytes(p, real, &st);
        if (synced < st.st_size) {
            lost += (long)st.st_size - synced;
            lose(path, synced, (long)st.st_size, r);
        }
    }
    closedir(dir);
    return lost;
}
