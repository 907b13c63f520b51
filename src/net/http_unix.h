/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP over a unix socket: the listening side for a server of net/http.h, and one blocking request
 * for programs that talk to it.
 *
 * A socket is named by its directory and its name in there. The directory may have any length,
 * though the kernel's own names for sockets end at 107 bytes. Whoever may not use the socket's
 * file cannot connect; nothing here asks who the peer is.
 */
#ifndef NET_HTTP_UNIX_H
#define NET_HTTP_UNIX_H

#include "base/err.h"
#include "base/str.h"

/* Makes the socket, for its owner alone (0600), and listens. A file of this name is removed first:
 * the caller must know that nobody listens on it. DMCP_E_NET. */
int http_unix_listen(const char *dir, const char *name, int *fd_out, struct err *e) MUST_CHECK;
void http_unix_remove(const char *dir, const char *name);

struct http_fetch {
    const char *dir, *name; /* of the socket */
    const char *method, *target;
    struct str body;     /* JSON; absent for none */
    unsigned timeout_ms; /* without a byte from the server */
    /* A piece of the response's body; status is set before. A negative code ends the fetch with
     * it. */
    int (*take)(void *arg, struct str piece);
    void *arg;
    int status; /* out */
};

/* DMCP_OK: the response came whole, whatever its status says. DMCP_E_NOTFOUND: no such socket, or
 * nobody listens. DMCP_E_DENIED: no right to it. DMCP_E_TIMEOUT; DMCP_E_NET: the connection broke
 * before the end; DMCP_E_PROTOCOL: what came is no HTTP. */
int http_unix_fetch(struct http_fetch *f, struct err *e) MUST_CHECK;

#endif
