/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a row of a call's journal is about, for people: a step is called by its alias; what the
 * library records itself has an alias that only machines can read (docs/FORMAT.md).
 */
#ifndef ADMIN_ALIAS_H
#define ADMIN_ALIAS_H

#include "base/buf.h"

/* "step", "value", "map", "batch", "event", "sleep", "retry", "question", "signal", "until", "loop";
 * of timers also "time limit", "wake" and "close"; "other" for one that this program does not know. What is
 * done in an iteration of a loop is of the same kinds. */
const char *alias_kind(struct str alias);

/* What a question or a signal is called by its author. */
struct str alias_name(struct str alias);

/* `now#1 in "create_user"`, `signal "go"`, `sleep 2`, `map insert users`. `label` is the row's,
 * empty for none. */
void alias_write(struct buf *b, struct str alias, struct str label);

/* The beginnings of aliases: of questions, of signals, of all that is done in iterations. */
#define ALIAS_QUESTIONS STR("\x01q")
#define ALIAS_SIGNALS STR("\x01g")
#define ALIAS_ITERATIONS STR("\x01i")

#endif
