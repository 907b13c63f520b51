/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of a store on this machine's disk: whose it is, and how far it was synced.
 *
 *   DIR/lock      held by the process that has the store open; its pid, for people
 *   DIR/synced    the last position that is known to be durable, in decimal
 *   DIR/rocksdb/  the backend's files (rocksdb.c)
 *   DIR/control   the server's socket for its operator (server/control.h)
 *
 * The mark in DIR/synced is written after each sync and is not synced itself. So after a power
 * loss it may be old, but it never runs ahead of the truth: a store that comes back with less than
 * the mark has lost something that was promised, and must not be opened as if nothing were.
 */
#ifndef STORE_DIR_H
#define STORE_DIR_H

#include <stdbool.h>

#include "base/err.h"

struct store_dir {
    int lock_fd, mark_fd;
};

/* Creates the directory (but not its parent) with mode 0700 when it is not there, and locks it.
 * DMCP_E_LOCKED: another process, or this one, has it open. DMCP_E_INVALID: it cannot be a store:
 * not a directory, no parent, or it holds files that are not ours. DMCP_E_DENIED: no permission.
 * DMCP_E_FULL, DMCP_E_STORE. */
int dir_open(const char *path, struct store_dir *d_out, struct err *e) MUST_CHECK;
void dir_close(struct store_dir *d);

/* DMCP_E_FULL unless the file system has room for this many bytes and a reserve besides. */
int dir_check_space(const struct store_dir *d, size_t bytes, struct err *e) MUST_CHECK;

bool dir_has_file(const char *path, const char *name);

uint64_t dir_mark(const struct store_dir *d); /* 0 when there is none, or none that can be read */
void dir_set_mark(struct store_dir *d, uint64_t position);

#endif
