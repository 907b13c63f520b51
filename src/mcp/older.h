/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results for clients of revisions that lack something in them. What is recorded is the same for
 * all; only what goes out differs.
 */
#ifndef MCP_OLDER_H
#define MCP_OLDER_H

#include "base/buf.h"
#include "mcp/version.h"

/* The result as clients of this revision understand it, appended to `out`: links, which 2025-03-26
 * does not know and its schema has no room for, become texts of their name and URI. False: it is fine
 * as it is, and nothing was appended. */
bool older_result(enum version v, struct str result, struct buf *out);

#endif
