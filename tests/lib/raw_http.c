/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP, byte by byte. See raw_http.h.
 */
#include "raw_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "harness.h"
#include "wait.h"

/* ---- the connection ---- */

struct raw *raw_try_open(uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct raw *r = mem_zalloc(sizeof(*r));

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(r->fd >= 0);
    if (connect(r->fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        close(r->fd);
        mem_free(r);
        return NULL;
    }
    buf_init(&r->in, SIZE_MAX / 2);
    buf_init(&r->head, SIZE_MAX / 2);
    buf_init(&r->body, SIZE_MAX / 2);
    buf_init(&r->event, SIZE_MAX / 2);
    return r;
}

struct raw *raw_open(uint16_t port)
{
    struct raw *r = raw_try_open(port);

    if (!r) {
        fail_msg("nobody listens on port %u", port);
    }
    return r;
}

void raw_close(struct raw *r)
{
    if (r) {
        close(r->fd);
        buf_fini(&r->in);
        buf_fini(&r->head);
        buf_fini(&r->body);
        buf_fini(&r->event);
        mem_free(r);
    }
}

void raw_send(struct raw *r, const void *p, size_t n)
{
    const char *at = p;

    while (n > 0) {
        ssize_t done = send(r->fd, at, n, MSG_NOSIGNAL);

        if (done < 0) {
            assert_true(errno == EPIPE || errno == ECONNRESET);
            return;
        }
        at += done;
        n -= (size_t)done;
    }
}

void raw_sendf(struct raw *r, const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    assert_true(n >= 0);
    raw_send(r, text, (size_t)n);
    free(text);
}

/* Takes in what comes, waiting for it up to the deadline. False: nothing more will come. */
static bool receive(struct raw *r, uint64_t deadline_ms)
{
    uint64_t now_ms = clock_mono_ms();
    struct pollfd p = { .fd = r->fd, .events = POLLIN };
    ssize_t n;

    if (r->is_eof || r->is_reset) {
        return false;
    }
    if (poll(&p, 1, deadline_ms > now_ms ? (int)(deadline_ms - now_ms) : 0) <= 0) {
        return true; /* the caller knows its deadline */
    }
    n = recv(r->fd, buf_reserve(&r->in, 65536), 65536, MSG_DONTWAIT);
    if (n > 0) {
        buf_advance(&r->in, (size_t)n);
    } else if (n == 0) {
        r->is_eof = true;
    } else if (errno != EAGAIN) {
        r->is_reset = true;
    }
    return n > 0 || (n < 0 && errno == EAGAIN);
}

static bool receive_for(struct raw *r, uint64_t deadline_ms, const char *what)
{
    if (clock_mono_ms() > deadline_ms) {
        fail_msg("%s did not come; there are %zu bytes: %.300s", what, r->in.len,
                 r->in.len ? r->in.data : "");
    }
    return receive(r, deadline_ms);
}

bool raw_is_closed(struct raw *r)
{
    while (receive(r, 0) && r->in.len > 0) {
        struct pollfd p = { .fd = r->fd, .events = POLLIN };

        if (poll(&p, 1, 0) <= 0) {
            break;
        }
    }
    return r->is_eof || r->is_reset;
}

void raw_await_close(struct raw *r)
{
    uint64_t deadline_ms = clock_mono_ms() + WAIT_MS;

    while (receive_for(r, deadline_ms, "the end of the connection")) {
    }
}

/* ---- the head ---- */

char *raw_field(const struct raw *r, const char *name, int n)
{
    size_t len = strlen(name);

    for (const char *at = strstr(r->head.data, "\r\n"); at; at = strstr(at + 2, "\r\n")) {
        const char *line = at + 2, *end = strstr(line, "\r\n");

        if (end && strncasecmp(line, name, len) == 0 && line[len] == ':' && n-- == 0) {
            line += len + 1;
            line += strspn(line, " ");
            return mem_dup(line, (size_t)(end - line));
        }
    }
    return NULL;
}

static void read_framing(struct raw *r)
{
    char *coding = raw_field(r, "Transfer-Encoding", 0);
    char *length = raw_field(r, "Content-Length", 0);

    r->is_chunked = coding && strcmp(coding, "chunked") == 0;
    r->has_length = length != NULL;
    assert_false(r->is_chunked && r->has_length);
    r->left = length ? (size_t)strtoull(length, NULL, 10) : 0;
    r->is_over = (length && r->left == 0) || r->status == 204 || r->status == 304;
    mem_free(coding);
    mem_free(length);
}

int raw_status(struct raw *r)
{
    uint64_t deadline_ms = clock_mono_ms() + WAIT_MS;
    const char *end;
    size_t n;

    while (r->status == 0) {
        end = r->in.len ? memmem(r->in.data, r->in.len, "\r\n\r\n", 4) : NULL;
        if (!end) {
            if (!receive_for(r, deadline_ms, "the head of a response")) {
                return 0;
            }
            continue;
        }
        n = (size_t)(end - r->in.data) + 4;
        buf_reset(&r->head);
        buf_add(&r->head, r->in.data, n);
        buf_consume(&r->in, n);
        assert_memory_equal(r->head.data, "HTTP/1.1 ", 9);
        r->status = (int)strtol(r->head.data + 9, NULL, 10);
        if (r->status == 100) {
            r->status = 0;
        } else {
            read_framing(r);
        }
    }
    return r->status;
}

void raw_next(struct raw *r)
{
    r->status = 0;
    r->is_over = r->is_chunked = r->has_length = false;
    r->left = 0;
    buf_reset(&r->body);
}

/* ---- the body ---- */

static void take(struct raw *r, size_t n)
{
    buf_add(&r->body, r->in.data, n);
    buf_consume(&r->in, n);
    r->left -= n;
}

/* A chunk's size line; false when it is not there yet. */
static bool read_chunk_size(struct raw *r)
{
    const char *end = r->in.len ? memmem(r->in.data, r->in.len, "\r\n", 2) : NULL;
    char *digits;
    size_t n;

    if (!end) {
        return false;
    }
    r->left = strtoull(r->in.data, &digits, 16);
    assert_ptr_equal(digits, end); /* no extensions */
    n = (size_t)(end - r->in.data) + 2;
    if (r->left == 0) {
        if (r->in.len < n + 2) {
            return false;
        }
        assert_memory_equal(end, "\r\n\r\n", 4);
        n += 2;
        r->is_over = true;
    } else {
        r->left += 2; /* the line break behind the chunk */
    }
    buf_consume(&r->in, n);
    return true;
}

/* Decodes what is there; false when more is needed for the next byte. */
static bool decode(struct raw *r)
{
    size_t n;

    if (r->is_over) {
        return false;
    }
    if (!r->is_chunked) {
        n = r->has_length && r->in.len > r->left ? r->left : r->in.len;
        if (n > 0) {
            r->left += r->has_length ? 0 : n;
            take(r, n);
            r->is_over = r->has_length && r->left == 0;
        }
        return n > 0;
    }
    if (r->left == 0) {
        return read_chunk_size(r);
    }
    if (r->left > 2 && r->in.len > 0) {
        take(r, r->in.len < r->left - 2 ? r->in.len : r->left - 2);
        return true;
    }
    if (r->left == 2 && r->in.len >= 2) {
        assert_memory_equal(r->in.data, "\r\n", 2);
        buf_consume(&r->in, 2);
        r->left = 0;
        return true;
    }
    return false;
}

/* One more piece of the body. False: there is no more. */
static bool more(struct raw *r, uint64_t deadline_ms)
{
    while (!decode(r)) {
        if (r->is_over) {
            return false;
        }
        if (!receive_for(r, deadline_ms, "the rest of a response")) {
            r->is_over = !r->is_chunked && !r->has_length && r->is_eof;
            return false;
        }
    }
    return true;
}

const char *raw_try_body(struct raw *r)
{
    uint64_t deadline_ms = clock_mono_ms() + WAIT_MS;

    while (raw_status(r) != 0 && more(r, deadline_ms)) {
    }
    if (!r->is_over) {
        return NULL;
    }
    return r->body.len ? r->body.data : "";
}

const char *raw_body(struct raw *r)
{
    const char *body = raw_try_body(r);

    if (!body) {
        fail_msg("the connection ended within the response %s%s", r->status ? r->head.data : "",
                 r->body.len ? r->body.data : "");
    }
    return body;
}

/* ---- events ---- */

/* The value of a line "name: value" or "name:value". */
static char *line_value(char *line, const char *name)
{
    size_t n = strlen(name);

    if (strncmp(line, name, n) != 0 || line[n] != ':') {
        return NULL;
    }
    line += n + 1;
    return *line == ' ' ? line + 1 : line;
}

/* One block of lines; false for one that is a comment and nothing else. */
static bool read_block(char *block, struct raw_event *event)
{
    bool is_event = false;
    char *save = NULL, *value;

    *event = (struct raw_event){ .retry_ms = -1 };
    for (char *line = strtok_r(block, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (line[0] == ':') {
            continue;
        }
        is_event = true;
        if ((value = line_value(line, "id"))) {
            event->id = value;
        } else if ((value = line_value(line, "data"))) {
            assert_null(event->data); /* JSON is one line */
            event->data = value;
        } else if ((value = line_value(line, "retry"))) {
            event->retry_ms = strtol(value, NULL, 10);
        } else {
            assert_string_equal(line, "event: message");
        }
    }
    return is_event;
}

bool raw_event(struct raw *r, struct raw_event *event_out)
{
    uint64_t deadline_ms = clock_mono_ms() + WAIT_MS;
    const char *end;
    size_t n;

    for (;;) {
        end = r->body.len ? memmem(r->body.data, r->body.len, "\n\n", 2) : NULL;
        if (!end) {
            if (!more(r, deadline_ms)) {
                return false;
            }
            continue;
        }
        n = (size_t)(end - r->body.data) + 2;
        buf_reset(&r->event);
        buf_add(&r->event, r->body.data, n);
        buf_consume(&r->body, n);
        if (read_block(r->event.data, event_out)) {
            return true;
        }
    }
}
