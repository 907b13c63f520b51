/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct dmcp_server: what the program registered before it called dmcp_server_main.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/err.h"
#include "call/call.h"
#include "dmcp.h"
#include "mcp/catalog.h"

struct start_fn {
    struct call_handler handler;
    struct start_fn *next;
};

struct dmcp_server {
    struct str name, version, instructions;
    struct str info; /* `serverInfo`, object text */
    struct catalog catalog;
    struct start_fn *start_first, **start_last;
    atomic_bool is_running; /* others than the thread that made it may use it */
    struct err error; /* of the first registration that failed; code DMCP_OK for none */
    struct arena arena;
};

/* Keeps the first failure for dmcp_server_main to report, or logs it when the server runs already;
 * returns rc. */
int server_failed(dmcp_server *s, int rc, const struct err *e);

#endif
