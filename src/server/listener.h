/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP and the endpoint, put together: fields of a request in, responses and SSE out.
 * Thread: the I/O thread's only.
 */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include "mcp/endpoint.h"
#include "net/http.h"
#include "server/options.h"

struct listener;

/* Takes the listening socket. The endpoint's ops are filled in here but for `post` and `run`. */
int listener_new(uv_loop_t *loop, int fd, const struct options *o,
                 const struct endpoint_config *config, const struct endpoint_ops *ops,
                 struct listener **listener_out, struct err *e) MUST_CHECK;
struct endpoint *listener_endpoint(struct listener *l);

void listener_stop(struct listener *l);  /* no new requests */
void listener_close(struct listener *l); /* all connections; the loop has to run on */
size_t listener_connections(const struct listener *l);
size_t listener_busy(const struct listener *l); /* those that still have something to be told */
void listener_free(struct listener *l);

#endif
