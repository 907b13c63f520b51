/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a full disk has room again.
 */
#ifndef SERVER_ROOM_H
#define SERVER_ROOM_H

#include <stdbool.h>

/* Tries to write and sync a file of some megabytes beside the store, and removes it. */
bool room_is_there(const char *store_dir);

#endif
