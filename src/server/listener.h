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
#include "server/transport.h"

/* Takes the listening socket. The endpoint's ops are filled in here but for `post`, `random`, `run`
 * and `arg`. */
int listener_new(uv_loop_t *loop, int fd, const struct options *o,
                 const struct endpoint_config *config, const struct endpoint_ops *ops,
                 struct transport *t, struct err *e) MUST_CHECK;

#endif
