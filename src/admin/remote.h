/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the server that runs on a store, through its socket (server/control.h is the other side).
 */
#ifndef ADMIN_REMOTE_H
#define ADMIN_REMOTE_H

#include <stdio.h>

#include "admin/query.h"

#define CONTROL_SOCKET "control" /* in the store's directory */
#define CONTROL_SIGNAL "/control/signal"
#define CONTROL_CANCEL "/control/cancel"
#define CONTROL_END_SESSION "/control/end-session"
#define CONTROL_MAP "/control/map"
#define CONTROL_EXPORT "/control/export"

#define REMOTE_NONE 1 /* no server answers; nothing was done */

/* Each: DMCP_OK, REMOTE_NONE, the code and text that the server answered with, or DMCP_E_DENIED,
 * DMCP_E_TIMEOUT, DMCP_E_NET, DMCP_E_PROTOCOL. */
int remote_inspect(const char *dir, const struct admin_query *q, struct buf *out,
                   struct err *e) MUST_CHECK;
int remote_post(const char *dir, const char *target, struct str body, struct err *e) MUST_CHECK;
int remote_export(const char *dir, FILE *to, uint64_t *rows_out, struct err *e) MUST_CHECK;

#endif
