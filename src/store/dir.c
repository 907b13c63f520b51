/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of a store. See dir.h.
 *
 * The lock is one on the open file (F_OFD_SETLK): the kernel drops it with the process, however
 * that ends, and a second opening within one process is refused as well.
 */
#include "store/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "store/store.h"

#define MARK_BYTES 21 /* 20 digits and a newline: always the same bytes are overwritten */

static int fail(struct err *e, const char *what, int errno_value)
{
    int code = store_errno_code(errno_value);

    if (errno_value == EACCES || errno_value == EPERM || errno_value == EROFS) {
        code = DMCP_E_DENIED;
    }
    return err_set(e, code, "%s: %s", what, strerror(errno_value));
}

/* A directory that was just made must be found again after a power loss. */
static int sync_parent(const char *path, struct err *e)
{
    char *parent = mem_strdup(path), *slash;
    int fd, rc = DMCP_OK;

    for (size_t n = strlen(parent); n > 1 && parent[n - 1] == '/'; n--) {
        parent[n - 1] = '\0';
    }
    slash = strrchr(parent, '/');
    if (slash) {
        slash[slash == parent] = '\0';
    }
    fd = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        rc = fail(e, "sync the parent directory", errno);
    }
    if (fd >= 0) {
        close(fd);
    }
    mem_free(parent);
    return rc;
}

static int open_or_make(const char *path, int *fd_out, struct err *e)
{
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, rc;

    *fd_out = open(path, flags);
    if (*fd_out < 0 && errno == ENOENT) {
        if (mkdir(path, 0700) < 0 && errno != EEXIST) {
            return errno == ENOENT ? err_set(e, DMCP_E_INVALID,
                                             "its parent directory does not "
                                             "exist; create that first")
                                   : fail(e, "create the directory", errno);
        }
        rc = sync_parent(path, e);
        if (rc) {
            return rc;
        }
        *fd_out = open(path, flags);
    }
    if (*fd_out < 0) {
        return errno == ENOTDIR ? err_set(e, DMCP_E_INVALID, "not a directory")
                                : fail(e, "open the directory", errno);
    }
    return DMCP_OK;
}

/* Refuses a directory in which other people's files stand and none of ours. Our own names are
 * accepted in any combination: creating a store may have been interrupted. */
static int check_owner(int fd, struct err *e)
{
    static const char *const ignored[] = { ".", "..", "lock", "synced", "control",
                                           "lost+found" };
    char foreign[64] = "";
    bool is_ours = false;
    struct dirent *entry;
    DIR *dir;

    fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* closedir closes this one */
    dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0) {
            close(fd);
        }
        return fail(e, "list the directory", errno);
    }
    while ((entry = readdir(dir))) {
        bool is_ignored = false;

        for (size_t i = 0; i < COUNT_OF(ignored); i++) {
            is_ignored |= strcmp(entry->d_name, ignored[i]) == 0;
        }
        if (strcmp(entry->d_name, "rocksdb") == 0) {
            is_ours = true;
        } else if (!is_ignored) {
            snprintf(foreign, sizeof(foreign), "%.60s", entry->d_name);
        }
    }
    closedir(dir);
    if (!is_ours && foreign[0]) {
        return err_set(e, DMCP_E_INVALID,
                       "holds other files (%s) and no store; name an empty or a new directory",
                       foreign);
    }
    return DMCP_OK;
}

static int lock(int lock_fd, struct err *e)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char pid[24] = "";
    ssize_t n;

    if (fcntl(lock_fd, F_OFD_SETLK, &whole) < 0) {
        if (errno != EAGAIN && errno != EACCES) {
            return fail(e, "lock", errno);
        }
        n = pread(lock_fd, pid, sizeof(pid) - 1, 0);
        pid[n > 0 ? n : 0] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        return err_set(e, DMCP_E_LOCKED, "in use by another process%s%s%s", pid[0] ? " (pid " : "",
                       pid, pid[0] ? ")" : "");
    }
    snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(lock_fd, 0) < 0 || pwrite(lock_fd, pid, strlen(pid), 0) < 0) {
        log_debug("write the lock's pid: %s", strerror(errno)); /* it is for people only */
    }
    return DMCP_OK;
}

static int open_files(int dir_fd, struct store_dir *d, struct err *e)
{
    int rc;

    d->lock_fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (d->lock_fd < 0) {
        return fail(e, "write to the directory", errno);
    }
    rc = lock(d->lock_fd, e);
    if (rc) {
        return rc;
    }
    d->mark_fd = openat(dir_fd, "synced", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (d->mark_fd < 0) {
        return fail(e, "write to the directory", errno);
    }
    /* Made here for its mode: the directory above may be one that others can read. */
    if (mkdirat(dir_fd, "rocksdb", 0700) < 0 && errno != EEXIST) {
        return fail(e, "write to the directory", errno);
    }
    return fsync(dir_fd) < 0 ? fail(e, "sync the directory", errno) : DMCP_OK;
}

int dir_open(const char *path, struct store_dir *d_out, struct err *e)
{
    struct store_dir d = { .lock_fd = -1, .mark_fd = -1 };
    int fd = -1, rc;

    rc = open_or_make(path, &fd, e);
    if (!rc) {
        rc = check_owner(fd, e);
    }
    if (!rc) {
        rc = open_files(fd, &d, e);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (rc) {
        dir_close(&d);
        return rc;
    }
    *d_out = d;
    return DMCP_OK;
}

void dir_close(struct store_dir *d)
{
    if (d->mark_fd >= 0) {
        close(d->mark_fd);
    }
    if (d->lock_fd >= 0) {
        close(d->lock_fd);
    }
    d->lock_fd = d->mark_fd = -1;
}

int dir_check_space(const struct store_dir *d, size_t bytes, struct err *e)
{
    struct statvfs fs;
    uint64_t available;

    if (fstatvfs(d->lock_fd, &fs) < 0) {
        return fail(e, "look for free space", errno);
    }
    available = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (available < (uint64_t)bytes + LIMIT_DISK_RESERVE_BYTES) {
        return err_set(e, DMCP_E_FULL,
                       "no space left on the disk: %" PRIu64 " KiB are free, %u KiB of them are "
                       "kept for recovery",
                       available / KIB, LIMIT_DISK_RESERVE_BYTES / KIB);
    }
    return DMCP_OK;
}

bool dir_has_file(const char *path, const char *name)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool has = fd >= 0 && faccessat(fd, name, F_OK, 0) == 0;

    if (fd >= 0) {
        close(fd);
    }
    return has;
}

uint64_t dir_mark(const struct store_dir *d)
{
    char text[MARK_BYTES + 1];
    ssize_t n = pread(d->mark_fd, text, sizeof(text), 0);
    struct str digits = str_make(text, MARK_BYTES - 1);
    uint64_t position;

    if (n == 0) {
        return 0;
    }
    if (n != MARK_BYTES || str_to_u64(digits, UINT64_MAX, &position)) {
        log_warning("store: the file \"synced\" cannot be read; it is written anew");
        return 0;
    }
    return position;
}

void dir_set_mark(struct store_dir *d, uint64_t position)
{
    char text[MARK_BYTES + 1];

    snprintf(text, sizeof(text), "%020" PRIu64 "\n", position);
    if (pwrite(d->mark_fd, text, MARK_BYTES, 0) != MARK_BYTES) {
        /* An older mark is still true. */
        log_debug("write the mark: %s", strerror(errno));
    }
}
