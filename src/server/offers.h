/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the catalog and the engine, which knows neither tools nor names: what changed in the
 * lists goes to the engine as a command, and so does a call whose tool is not there.
 *
 * Both are posted under the catalog's lock. So a call is parked before the command that tells of
 * its tool, or finds the tool: it cannot fall between the two.
 */
#ifndef SERVER_OFFERS_H
#define SERVER_OFFERS_H

#include "base/mailbox.h"
#include "engine/action.h"
#include "engine/engine.h"
#include "mcp/catalog.h"

/* Tells the engine of the lists as they are, and of every change from now on. */
void offers_watch(struct catalog *c, struct mailbox *commands);
void offers_unwatch(struct catalog *c); /* nothing is posted any more when it returns */

/* The tool of a call that is dispatched, held. NULL: it is not there, and the call is parked. */
const struct tool *offers_hold(struct catalog *c, struct mailbox *commands,
                               const struct action *dispatch);

/* The messages by which clients are told of changed lists; the buffer owns them. */
void offers_messages(struct buf *out, struct str messages[N_LISTS]);

#endif
