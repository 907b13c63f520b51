/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protection against DNS rebinding: a page of another site must not reach a server on the user's
 * machine. Origin and Host are checked before anything else.
 * Source: MCP 2025-11-25, transports, security warning.
 */
#ifndef MCP_GUARD_H
#define MCP_GUARD_H

#include "mcp/endpoint.h"

/* NULL when the request may pass, else the reason why not. */
const char *guard_check(const struct endpoint_config *c, const struct endpoint_request *r);

#endif
