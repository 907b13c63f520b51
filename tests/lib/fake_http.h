/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scripted server needs of HTTP: requests read from a socket, answers written to it.
 */
#ifndef TESTS_FAKE_HTTP_H
#define TESTS_FAKE_HTTP_H

#include "fake_server.h"

uint64_t fake_now_ms(void);

/* Like asprintf; the caller frees it. */
char *fake_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* NULL: the connection ended. */
struct fake_request *fake_read_request(int fd, unsigned connection);

/* The text with $ID replaced by the request's id. The caller frees it. */
char *fake_expand(const char *text, const struct fake_request *r);

bool fake_send_text(int fd, const char *text);
void fake_send_whole(int fd, int status, const char *headers, const char *type, const char *body);

/* One chunk of a chunked body, $ID replaced; nothing for an empty text. */
void fake_send_chunk(int fd, const char *text, const struct fake_request *r);

#endif
