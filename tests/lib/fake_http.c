/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests read and answers written as text, for the scripted server. See fake_http.h.
 */
#include "fake_http.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

uint64_t fake_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

char *fake_format(const char *fmt, ...)
{
    va_list ap;
    char *text;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    return text;
}

/* ---- Reading requests ---- */

char *fake_request_header(const struct fake_request *r, const char *name)
{
    size_t n = strlen(name);

    for (const char *line = strstr(r->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
            const char *value = line + n + 1 + strspn(line + n + 1, " ");

            return strndup(value, strcspn(value, "\r\n"));
        }
    }
    return NULL;
}

/* Enough of JSON for messages that the client writes, whose own members come first. */
static char *member(const char *json, const char *name)
{
    char *key = fake_format("\"%s\":", name);
    const char *at = strstr(json, key);
    char *value = NULL;

    if (at) {
        at += strlen(key);
        value = *at == '"' ? strndup(at + 1, strcspn(at + 1, "\""))
                           : strndup(at, strcspn(at, ",}"));
    }
    free(key);
    return value;
}

static char *wants_of(const struct fake_request *r)
{
    char *method;

    if (strncmp(r->head, "POST ", 5) != 0) {
        return strndup(r->head, strcspn(r->head, " "));
    }
    method = member(r->body, "method");
    return method ? method : strdup("answer");
}

/* NULL: the connection ended. */
struct fake_request *fake_read_request(int fd, unsigned connection)
{
    struct fake_request *r = calloc(1, sizeof(*r));
    size_t n = 0, size = 0, body_len = 0;
    char *data = NULL, *end = NULL, *length;

    assert(r);
    while (!end || (size_t)(end - data) + 4 + body_len > n) {
        ssize_t got;

        if (size - n < 65536) {
            size_t offset = end ? (size_t)(end - data) : 0;

            size += 131072;
            data = realloc(data, size);
            assert(data);
            end = end ? data + offset : NULL;
        }
        got = recv(fd, data + n, size - n - 1, 0);
        if (got <= 0) {
            free(data);
            free(r->head);
            free(r);
            return NULL;
        }
        n += (size_t)got;
        data[n] = '\0';
        if (!end && (end = strstr(data, "\r\n\r\n")) != NULL) {
            r->head = strndup(data, (size_t)(end - data) + 2);
            length = fake_request_header(r, "Content-Length");
            body_len = length ? strtoul(length, NULL, 10) : 0;
            free(length);
        }
    }
    r->body = strndup(end + 4, body_len);
    r->wants = wants_of(r);
    r->at_ms = fake_now_ms();
    r->connection = connection;
    free(data);
    return r;
}

/* ---- Answering ---- */

bool fake_send_text(int fd, const char *text)
{
    size_t n = strlen(text);

    while (n > 0) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

        if (sent <= 0) {
            return false;
        }
        text += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* With $ID replaced. The caller frees it. */
char *fake_expand(const char *text, const struct fake_request *r)
{
    char *id = member(r->body, "id");
    char *out = strdup("");

    for (const char *at; (at = strstr(text, "$ID")) != NULL; text = at + 3) {
        char *longer = fake_format("%s%.*s%s", out, (int)(at - text), text, id ? id : "null");

        free(out);
        out = longer;
    }
    id = (free(id), fake_format("%s%s", out, text));
    free(out);
    return id;
}

void fake_send_chunk(int fd, const char *text, const struct fake_request *r)
{
    char *body = fake_expand(text, r);
    char *chunk = fake_format("%zx\r\n%s\r\n", strlen(body), body);

    if (*body) {
        fake_send_text(fd, chunk);
    }
    free(chunk);
    free(body);
}

void fake_send_whole(int fd, int status, const char *headers, const char *type, const char *body)
{
    char *text = fake_format("HTTP/1.1 %d Reply\r\n%s%s%s%sContent-Length: %zu\r\n\r\n%s", status,
                             headers ? headers : "", *type ? "Content-Type: " : "", type,
                             *type ? "\r\n" : "", strlen(body), body);

    fake_send_text(fd, text);
    free(text);
}
