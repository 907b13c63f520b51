/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output: the heads of responses, whole responses, streams, and what the peer does not take at once.
 *
 * A whole response goes to the socket at once, head and body in one call, without being copied.
 * What belongs to a stream is gathered until the connection settles, which is before the loop
 * sleeps. Only what the socket does not take is handed to libuv, and stays in its buffer until
 * libuv is done with it, while more gathers in the other one.
 */
#include "net/http_internal.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

/* Gathering more than this for one call gains nothing. */
#define GATHER_BYTES (64 * KIB)

static struct http_conn *conn_of(struct http_exchange *x)
{
    return CONTAINER_OF(x, struct http_conn, x);
}

/* ---- Sending --------------------------------------------------------------------------------- */

size_t http_conn_waiting(const struct http_conn *c)
{
    if (!c->out) {
        return 0;
    }
    return c->out->waiting.len +
           (c->out->is_sending ? uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp) : 0);
}

static struct buf *waiting_buf(struct http_conn *c)
{
    if (!c->out) {
        c->out = http_server_take_out(c->server);
    }
    return &c->out->waiting;
}

static void gather(struct http_conn *c, struct str s)
{
    if (s.len > 0) {
        buf_add_str(waiting_buf(c), s);
    }
}

/* How much of it the socket took; 0 when the peer is gone, too, and the connection doomed. */
static size_t try_write(struct http_conn *c, const uv_buf_t *bufs, unsigned n_bufs)
{
    int n = uv_try_write((uv_stream_t *)&c->tcp, bufs, n_bufs);

    if (n >= 0) {
        return (size_t)n;
    }
    if (n != UV_EAGAIN) {
        http_conn_doom(c, uv_strerror(n));
    }
    return 0;
}

static uv_buf_t uv_buf_of(struct str s)
{
    return (uv_buf_t){ .base = (char *)s.p, .len = s.len };
}

void http_conn_send(struct http_conn *c, struct str a, struct str b)
{
    size_t n = 0;

    if (!c->out) {
        n = try_write(c, (uv_buf_t[]){ uv_buf_of(a), uv_buf_of(b) }, b.len ? 2 : 1);
    }
    if (n < a.len) {
        gather(c, str_make(a.p + n, a.len - n));
        gather(c, b);
    } else {
        gather(c, str_make(b.p + (n - a.len), b.len - (n - a.len)));
    }
}

static void on_written(uv_write_t *req, int status)
{
    struct http_conn *c = req->handle->data;

    c->out->is_sending = false;
    buf_reset(&c->out->sending);
    if (c->state == CONN_CLOSING) {
        return;
    }
    if (status != 0) {
        http_conn_doom(c, uv_strerror(status));
    }
    http_conn_settle(c);
}

static void put_out(struct http_conn *c)
{
    http_server_put_out(c->server, c->out);
    c->out = NULL;
}

void http_conn_flush(struct http_conn *c)
{
    struct http_out *out = c->out;
    struct buf swap;
    uv_buf_t b;
    int error;

    if (!out || out->is_sending) {
        return;
    }
    b = uv_buf_of(buf_str(&out->waiting));
    buf_consume(&out->waiting, b.len ? try_write(c, &b, 1) : 0);
    if (out->waiting.len == 0) {
        put_out(c);
        return;
    }
    if (c->is_doomed) {
        return;
    }
    swap = out->sending;
    out->sending = out->waiting;
    out->waiting = swap;
    b = uv_buf_of(buf_str(&out->sending));
    out->is_sending = true;
    error = uv_write(&out->req, (uv_stream_t *)&c->tcp, &b, 1, on_written);
    if (error) {
        out->is_sending = false;
        http_conn_doom(c, uv_strerror(error));
    }
}

/* ---- Heads ----------------------------------------------------------------------------------- */

static const char *reason_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        { 200, "OK" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" },
        { 417, "Expectation Failed" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 503, "Service Unavailable" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < COUNT_OF(phrases); i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "Other"; /* nobody reads it, but the space before it has to be there */
}

static void add_number(struct buf *b, size_t n, unsigned base)
{
    char digits[24];
    size_t i = sizeof(digits);

    do {
        digits[--i] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n > 0);
    buf_add(b, digits + i, sizeof(digits) - i);
}

static const char *date_line(struct http_server *s)
{
    uint64_t now_ms = clock_mono_ms();
    uint64_t wall_ms;
    time_t t;
    struct tm tm;

    if (now_ms >= s->date_until_ms) {
        wall_ms = clock_wall_ms();
        t = (time_t)(wall_ms / 1000);
        gmtime_r(&t, &tm);
        /* Not strftime: day and month are not to be in the language of the program. */
        snprintf(s->date, sizeof(s->date), "Date: %.3s, %02u %.3s %04u %02u:%02u:%02u GMT\r\n",
                 &"SunMonTueWedThuFriSat"[tm.tm_wday * 3], (unsigned)tm.tm_mday % 100,
                 &"JanFebMarAprMayJunJulAugSepOctNovDec"[tm.tm_mon * 3],
                 (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
                 (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
        s->date_until_ms = now_ms + 1000 - wall_ms % 1000;
    }
    return s->date;
}

/* A control byte would let a value that came from a peer end the field and begin another. */
static void add_field(struct buf *b, struct http_field f)
{
    for (size_t i = 0; i < f.name.len; i++) {
        assert(f.name.p[i] > ' ' && f.name.p[i] != ':' && f.name.p[i] < 0x7f);
    }
    for (size_t i = 0; i < f.value.len; i++) {
        unsigned char c = (unsigned char)f.value.p[i];

        assert((c >= ' ' || c == '\t') && c != 0x7f);
    }
    buf_add_str(b, f.name);
    buf_add(b, ": ", 2);
    buf_add_str(b, f.value);
    buf_add(b, "\r\n", 2);
}

static struct buf *begin_head(struct http_conn *c, int status, const struct http_field *fields,
                              size_t n_fields)
{
    struct buf *b = &c->server->head;

    assert(status >= 200 && status <= 599);
    if (c->server->is_stopping) {
        c->x.keep_alive = false;
    }
    c->x.has_no_body = c->x.is_head || status == 204 || status == 304;
    buf_reset(b);
    buf_add_str(b, STR("HTTP/1.1 "));
    add_number(b, (size_t)status, 10);
    buf_addc(b, ' ');
    buf_addz(b, reason_phrase(status));
    buf_add(b, "\r\n", 2);
    buf_addz(b, date_line(c->server));
    for (size_t i = 0; i < n_fields; i++) {
        add_field(b, fields[i]);
    }
    return b;
}

static struct str end_head(struct http_conn *c, struct buf *b)
{
    if (!c->x.keep_alive) {
        buf_add_str(b, STR("Connection: close\r\n"));
    } else if (c->x.is_http10) {
        buf_add_str(b, STR("Connection: keep-alive\r\n"));
    }
    buf_add(b, "\r\n", 2);
    assert(buf_ok(b));
    return buf_str(b);
}

static void answer(struct http_conn *c, int status, const struct http_field *fields,
                   size_t n_fields, struct str body)
{
    struct buf *b = begin_head(c, status, fields, n_fields);

    if (status != 204 && status != 304) {
        buf_add_str(b, STR("Content-Length: "));
        add_number(b, body.len, 10);
        buf_add(b, "\r\n", 2);
    }
    http_conn_send(c, end_head(c, b), c->x.has_no_body ? STR("") : body);
}

void http_conn_send_refusal(struct http_conn *c, int status, const char *why)
{
    const struct http_options *o = &c->server->options;
    struct buf *body = &c->server->body;
    struct http_field fields[2];
    size_t n = 0;

    buf_reset(body);
    if (o->refusal_body) {
        o->refusal_body(status, why, body);
        if (o->refusal_type.len > 0) {
            fields[n++] = (struct http_field){ STR("Content-Type"), o->refusal_type };
        }
    }
    if (status == 503) {
        fields[n++] = (struct http_field){ STR("Retry-After"), STR("1") };
    }
    answer(c, status, fields, n, buf_str(body));
}

/* ---- Responses ------------------------------------------------------------------------------- */

void http_respond(struct http_exchange *x, int status, const struct http_field *fields,
                  size_t n_fields, struct str body)
{
    struct http_conn *c = conn_of(x);

    if (c->is_doomed) {
        return;
    }
    assert(x->phase == EXCHANGE_OPEN);
    answer(c, status, fields, n_fields, body);
    x->phase = EXCHANGE_ANSWERED;
    http_hold_update(c);
    http_server_settle_later(c);
}

void http_stream_begin(struct http_exchange *x, int status, const struct http_field *fields,
                       size_t n_fields)
{
    struct http_conn *c = conn_of(x);
    struct buf *b;

    if (c->is_doomed) {
        return;
    }
    assert(x->phase == EXCHANGE_OPEN && status != 204 && status != 304);
    if (x->is_http10) {
        x->keep_alive = false; /* its end is that of the connection */
    }
    b = begin_head(c, status, fields, n_fields);
    if (!x->is_http10) {
        buf_add_str(b, STR("Transfer-Encoding: chunked\r\n"));
    }
    gather(c, end_head(c, b));
    x->phase = EXCHANGE_STREAMING;
    http_hold_update(c);
    http_server_settle_later(c);
}

static void gather_chunk(struct http_conn *c, struct str data)
{
    struct buf *b = waiting_buf(c);

    if (c->x.is_http10) {
        buf_add_str(b, data);
        return;
    }
    add_number(b, data.len, 16);
    buf_add(b, "\r\n", 2);
    buf_add_str(b, data);
    buf_add(b, "\r\n", 2);
}

size_t http_stream_write(struct http_exchange *x, struct str data)
{
    struct http_conn *c = conn_of(x);
    size_t max = c->server->options.max_output_bytes;
    size_t waiting;

    if (c->is_doomed) {
        return 0;
    }
    assert(x->phase == EXCHANGE_STREAMING);
    if (x->has_no_body || data.len == 0) { /* an empty chunk would be the last */
        return http_conn_waiting(c);
    }
    if (x->is_over && http_conn_waiting(c) / 2 > max) {
        http_conn_doom(c, "more output waits than may");
        return 0;
    }
    gather_chunk(c, data);
    if (c->out->waiting.len >= GATHER_BYTES) {
        http_conn_flush(c);
    }
    http_server_settle_later(c);
    waiting = http_conn_waiting(c);
    x->is_over = x->is_over || waiting > max;
    return waiting;
}

void http_conn_send_filler(struct http_conn *c)
{
    if (!c->x.has_no_body) {
        gather_chunk(c, c->server->options.filler);
    }
}

void http_stream_end(struct http_exchange *x)
{
    struct http_conn *c = conn_of(x);

    if (c->is_doomed) {
        return;
    }
    assert(x->phase == EXCHANGE_STREAMING);
    if (!x->has_no_body && !x->is_http10) {
        gather(c, STR("0\r\n\r\n"));
    }
    x->phase = EXCHANGE_ANSWERED;
    http_server_settle_later(c);
}

void http_abort(struct http_exchange *x, const char *reason)
{
    if (x->phase != EXCHANGE_NONE) {
        http_conn_doom(conn_of(x), reason);
    }
}

void http_exchange_set_data(struct http_exchange *x, void *data)
{
    x->data = data;
}

void *http_exchange_data(const struct http_exchange *x)
{
    return x->data;
}
