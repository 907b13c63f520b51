/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be sent to where: URLs of servers, and texts that become HTTP header fields.
 */
#ifndef CLIENT_URL_H
#define CLIENT_URL_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/* DMCP_E_INVALID: not an http or https URL with a host, or one that carries a password, or one of
 * more than LIMIT_URL_BYTES. */
int url_check(const char *url, struct err *e) MUST_CHECK;

/* Same scheme, host and port. */
bool url_is_same_origin(const char *a, const char *b);

/* localhost and the loopback addresses. */
bool url_is_loopback(const char *url);

/* "Name: value" that may be sent with every request. DMCP_E_INVALID: not of that form, a control
 * character (which would let it smuggle in another field), or a name that the protocol sends. */
int header_check(const char *header, struct err *e) MUST_CHECK;

/* Fit to be a session id (MCP 2025-11-25, Transports, "Session Management": 0x21 to 0x7e). */
bool header_is_session_id(struct str s);

/* Fit to be sent back as Last-Event-ID. */
bool header_is_event_id(struct str s);

#endif
