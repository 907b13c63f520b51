/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the working process does and says around its start.
 */
#ifndef SERVER_BOOT_H
#define SERVER_BOOT_H

#include "server/process.h"
#include "store/store.h"

/* A descriptor per connection, and the store's own. */
void boot_raise_descriptor_limit(const struct options *o);

/* Waits a while for the process before us to let go of it. */
int boot_open_store(const struct options *o, struct store **store_out, struct err *e) MUST_CHECK;

/* Says on stderr why the process cannot start. Its exit status. */
int boot_complain(const struct err *e, int code);

/* Says there that it serves, and where: its first line. */
void boot_announce(const struct process_config *c);

#endif
