/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator asks for: one view of the store, narrowed down. It reaches a running server as
 * the target of an HTTP request:
 *
 *     /control/inspect/calls?status=suspended&limit=20
 */
#ifndef ADMIN_QUERY_H
#define ADMIN_QUERY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/ids.h"
#include "dmcp_admin.h"

#define QUERY_PATH "/control/inspect/"

/* As dmcp_inspect; what is absent was not asked for. */
struct admin_query {
    dmcp_view view;
    struct str name, status, tool, session, call, prefix, after;
    uint64_t limit, text;
    struct id id; /* of `name`, of a call or a session; of `call`, for other views; else zero */
    struct id session_id;
};

/* Fills in the defaults and reads the ids. DMCP_E_INVALID. */
int query_check(struct admin_query *q, struct err *e) MUST_CHECK;

void query_write(struct buf *target, const struct admin_query *q);

/* `path` is what stands behind QUERY_PATH, `parameters` what stands behind '?', absent or not. The
 * query's strings are of the arena; it is checked. DMCP_E_INVALID. */
int query_read(struct arena *a, struct str path, struct str parameters, struct admin_query *q,
               struct err *e) MUST_CHECK;

/* An id as people have it: 32 hexadecimal digits of either case, or the same with the dashes of a
 * UUID. DMCP_E_INVALID. */
int query_read_id(struct str text, struct id *id_out) MUST_CHECK;

/* The name of a signal; DMCP_E_INVALID. */
int query_check_signal(struct str name, struct err *e) MUST_CHECK;

#endif
