/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct dmcp_server: what the program registered before it called dmcp_server_main.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/err.h"
#include "call/call.h"
#include "dmcp.h"
#include "mcp/tool.h"

struct start_fn {
    struct call_handler handler;
    struct start_fn *next;
};

struct dmcp_server {
    struct str name, version, instructions;
    struct str info; /* `serverInfo`, object text */
    struct catalog catalog;
    struct start_fn *start_first, **start_last;
    struct err error; /* of the first registration that failed; code DMCP_OK for none */
    struct arena arena;
};

/* Keeps the first failure for dmcp_server_main to report; returns rc. */
int server_failed(dmcp_server *s, int rc, const struct err *e);

#endif
