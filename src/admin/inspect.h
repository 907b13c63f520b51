/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking into a store: a query in, one JSON object out. Thread: any; the store may be at work.
 */
#ifndef ADMIN_INSPECT_H
#define ADMIN_INSPECT_H

#include "admin/query.h"
#include "store/store.h"

/* The query was checked. On failure `out` is empty. DMCP_E_NOTFOUND: no such call. DMCP_E_INVALID,
 * DMCP_E_CORRUPT, or a failure of the store. */
int admin_inspect(struct store *s, const struct admin_query *q, struct buf *out,
                  struct err *e) MUST_CHECK;

#endif
