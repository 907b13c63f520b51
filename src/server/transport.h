/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How clients reach the endpoint, as the process sees it: HTTP (listener.h) or a pipe (pipe.h).
 */
#ifndef SERVER_TRANSPORT_H
#define SERVER_TRANSPORT_H

#include "mcp/endpoint.h"

struct transport {
    struct endpoint *endpoint;
    void *it;
    void (*stop)(void *it);         /* no new requests */
    void (*close)(void *it);        /* all connections; the loop has to run on */
    size_t (*busy)(const void *it); /* connections that still have something to be told */
    void (*free)(void *it);
};

#endif
