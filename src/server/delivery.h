/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying out actions, once what they say may be seen: each to whom it concerns, workers and
 * connections woken once for a whole list.
 * Thread: any, and several at a time.
 */
#ifndef SERVER_DELIVERY_H
#define SERVER_DELIVERY_H

#include "server/driver.h"

struct delivery {
    struct driver_ops ops;
    struct mailbox *io; /* takes those for connections */
};

/* Both own the actions, linked by mail.next. Refused actions are those whose rows may be lost:
 * each is turned into its "no", with this code. */
void delivery_carry_out(const struct delivery *d, struct mail *first);
void delivery_refuse(const struct delivery *d, struct mail *first, int code);

/* Tells whoever waits for the command that it was not applied. The command stays the caller's. */
void delivery_refuse_command(const struct delivery *d, const struct command *c, int code);

#endif
