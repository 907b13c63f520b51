/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a row of a call's journal is about, for people: a step is called by its alias; what the
 * library records itself has an alias that only machines can read (docs/FORMAT.md).
 */
#ifndef ADMIN_ALIAS_H
#define ADMIN_ALIAS_H

#include "base/buf.h"

/* "step", "value", "map", "batch", "event", "sleep", "retry", "question", "signal", "time limit";
 * "other" for one that this program does not know. */
const char *alias_kind(struct str alias);

/* `users in "create_user"`, `signal "go"`, `sleep 2`, `map insert users`. `label` is the row's,
 * empty for none. */
void alias_write(struct buf *b, struct str alias, struct str label);

/* The beginning of the aliases of questions and of signals in a handler itself. */
#define ALIAS_QUESTIONS STR("\x01q")
#define ALIAS_SIGNALS STR("\x01g")

#endif
