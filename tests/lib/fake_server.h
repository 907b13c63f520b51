/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server that does what a script says, to see what a client makes of it: answers, streams
 * that are cut, connections reset, the whole server gone for a while. It remembers every request.
 *
 * It knows nothing of the project's own server code, on purpose: sockets and text.
 *
 * Requests are told apart by what they want: "GET", "DELETE", for a POST the JSON-RPC method, or
 * "answer" for a POSTed response. The first reply in the script that is for it and not used up
 * answers a request; without one, a plain MCP server's answer is given: initialize with a session
 * id, 202 to notifications and answers, 405 to GET, 500 to the rest.
 */
#ifndef TESTS_FAKE_SERVER_H
#define TESTS_FAKE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fake_then {
    FAKE_END = 0, /* the answer ends properly, the connection stays */
    FAKE_CUT,     /* the connection is closed, a stream without its end */
    FAKE_RESET,   /* the same with a TCP reset */
    FAKE_HANG,    /* nothing more comes, until the server stops */
    FAKE_DOWN,    /* all connections are closed and new ones refused, for down_ms */
};

struct fake_reply {
    const char *on;      /* NULL ends the script */
    int times;           /* 0: once; -1: always */
    int status;          /* 0: 200 */
    const char *headers; /* "Name: value\r\n" ... */
    /* One of these; in them $ID stands for the request's id. None: an empty body, or, when the
     * connection does not end properly, nothing at all. */
    const char *json;
    const char *sse;
    const char *raw; /* headers included */
    /* A stream goes on with this when `await_n` requests for `await` have come. */
    const char *await;
    size_t await_n;
    const char *sse_more;
    enum fake_then then;
    int down_ms;
};

struct fake_options {
    bool attaches;       /* announce the capability durable-mcp.attach */
    bool no_sessions;    /* give no session id */
    const char *version; /* NULL: 2025-11-25 */
};

struct fake_request {
    char *wants;
    char *head; /* request line and headers */
    char *body;
    uint64_t at_ms;
    unsigned connection; /* number of it, from 1 */
};

struct fake_server;

/* Listens on a port of 127.0.0.1. The script is borrowed. */
struct fake_server *fake_server_start(const struct fake_options *o,
                                      const struct fake_reply *script);
void fake_server_stop(struct fake_server *s);

const char *fake_server_url(const struct fake_server *s); /* ends in /mcp */

/* How many requests for this have come; NULL: all. */
size_t fake_server_count(struct fake_server *s, const char *wants);

/* The i-th of them (from 0), which must have come. Stays until the server stops. */
const struct fake_request *fake_server_request(struct fake_server *s, const char *wants, size_t i);

/* Blocks until n have come; fails the test after five seconds. */
void fake_server_await(struct fake_server *s, const char *wants, size_t n);

/* The value of a header, or NULL. The caller frees it. */
char *fake_request_header(const struct fake_request *r, const char *name);

#endif
