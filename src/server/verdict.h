/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine answers for calls whose handlers do not: as JSON, which it does not write.
 */
#ifndef SERVER_VERDICT_H
#define SERVER_VERDICT_H

#include "base/buf.h"
#include "server/crash.h"

/* The error object that a repeat of a cancelled request gets. */
void verdict_cancelled(struct buf *out);

/* The result of a call whose tool crashed the server too often. */
void verdict_crashed(struct buf *out, const struct crash_note *crash);

#endif
