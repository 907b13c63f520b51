/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request assembly around llhttp, which does the parsing proper, without any of its lenient flags.
 *
 * llhttp is stopped behind the head, so that the head is judged (http_head.c) before anything of
 * the body is taken, and behind the body.
 */
#include "net/http_parse.h"

#include <assert.h>

enum http_parse_result http_parse_refuse(struct http_parse *q, int status, const char *why)
{
    q->status = status;
    q->why = why;
    return HTTP_PARSE_REFUSED;
}

/* A span comes in as many pieces as there are reads, but its bytes are contiguous in the head. */
static void span_add(const struct http_parse *q, struct http_span *s, const char *p, size_t n)
{
    if (s->len == 0) {
        s->at = (uint32_t)(p - q->base);
    }
    s->len = (uint32_t)((size_t)(p - q->base) + n) - s->at;
}

/* ---- llhttp's callbacks ---------------------------------------------------------------------- */

static int on_url(llhttp_t *l, const char *p, size_t n)
{
    struct http_parse *q = l->data;

    span_add(q, &q->url, p, n);
    if (q->url.len > q->limits->max_url_bytes) {
        http_parse_refuse(q, 414, "the request target is too long");
        return HPE_USER;
    }
    return HPE_OK;
}

static int on_url_complete(llhttp_t *l)
{
    struct http_parse *q = l->data;

    q->has_target = true;
    return HPE_OK;
}

static int on_version_complete(llhttp_t *l)
{
    struct http_parse *q = l->data;

    q->has_version = true;
    return HPE_OK;
}

static int on_header_field(llhttp_t *l, const char *p, size_t n)
{
    struct http_parse *q = l->data;

    if (q->is_in_body) { /* a trailer: framing, and nobody's business */
        return HPE_OK;
    }
    if (!q->is_in_name) {
        if (q->n_fields == COUNT_OF(q->fields)) {
            http_parse_refuse(q, 431, "too many header fields");
            return HPE_USER;
        }
        q->is_in_name = true;
        q->fields[q->n_fields].name = q->fields[q->n_fields].value = (struct http_span){ 0, 0 };
        q->n_fields++;
    }
    span_add(q, &q->fields[q->n_fields - 1].name, p, n);
    return HPE_OK;
}

static int on_header_field_complete(llhttp_t *l)
{
    struct http_parse *q = l->data;

    q->is_in_name = false;
    return HPE_OK;
}

static int on_header_value(llhttp_t *l, const char *p, size_t n)
{
    struct http_parse *q = l->data;

    if (!q->is_in_body) {
        span_add(q, &q->fields[q->n_fields - 1].value, p, n);
    }
    return HPE_OK;
}

static int on_headers_complete(llhttp_t *l)
{
    (void)l;
    return HPE_PAUSED;
}

static int on_chunk_header(llhttp_t *l)
{
    struct http_parse *q = l->data;

    if (!http_parse_body_fits(q, l->content_length)) {
        http_parse_refuse(q, 413, "the body is too large");
        return HPE_USER;
    }
    return HPE_OK;
}

static void keep_piece(struct http_parse *q)
{
    if (q->piece.len == 0) {
        return;
    }
    /* As much as is announced, but not much more than what was seen of it: the peer may be lying. */
    if (q->body.len == 0 && q->llhttp.content_length < LIMIT_READ_BYTES) {
        buf_reserve(&q->body, q->piece.len + (size_t)q->llhttp.content_length);
    }
    buf_add_str(&q->body, q->piece);
    q->piece = STR_NONE;
}

static int on_body(llhttp_t *l, const char *p, size_t n)
{
    struct http_parse *q = l->data;

    if (!http_parse_body_fits(q, n)) {
        http_parse_refuse(q, 413, "the body is too large");
        return HPE_USER;
    }
    keep_piece(q);
    if (q->body.len == 0) {
        q->piece = str_make(p, n);
    } else {
        buf_add(&q->body, p, n);
    }
    q->body_len += n;
    return HPE_OK;
}

static int on_message_complete(llhttp_t *l)
{
    struct http_parse *q = l->data;

    q->keep_alive = llhttp_should_keep_alive(l) != 0;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_url_complete = on_url_complete,
    .on_version_complete = on_version_complete,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void http_parse_init(struct http_parse *q, const struct http_options *limits)
{
    memset(q, 0, offsetof(struct http_parse, fields));
    q->n_fields = 0;
    llhttp_init(&q->llhttp, HTTP_REQUEST, &settings);
    q->llhttp.data = q;
    q->limits = limits;
    buf_init(&q->head, limits->max_header_bytes);
    buf_init(&q->body, limits->max_body_bytes);
    q->piece = STR_NONE;
    q->body_len = q->framing_len = 0;
    q->has_blank_cr = q->has_target = q->has_version = q->is_in_name = q->is_in_body = false;
    q->expects_continue = q->keep_alive = false;
}

void http_parse_fini(struct http_parse *q)
{
    buf_fini(&q->head);
    buf_fini(&q->body);
}

/* llhttp found a bad byte in the target, and says nothing of the bytes before it. */
static bool is_target_too_long(const struct http_parse *q)
{
    const char *end = llhttp_get_error_pos(&q->llhttp);
    const char *space = q->is_in_body || q->has_target ? NULL
                                                       : memchr(q->base, ' ', (size_t)(end - q->base));

    return space && (size_t)(end - space) - 1 > q->limits->max_url_bytes;
}

static enum http_parse_result refuse_error(struct http_parse *q, llhttp_errno_t e)
{
    if (q->status) { /* a callback has said why */
        return HTTP_PARSE_REFUSED;
    }
    if (is_target_too_long(q)) {
        return http_parse_refuse(q, 414, "the request target is too long");
    }
    switch (e) {
    case HPE_PAUSED_H2_UPGRADE:
        return http_parse_refuse(q, 505, "HTTP/2 is not spoken here");
    case HPE_INVALID_VERSION:
        /* llhttp also says so when the line goes on behind a good version. */
        return q->has_version ? http_parse_refuse(q, 400, "malformed request line")
                              : http_parse_refuse(q, 505, "HTTP/1.1 and HTTP/1.0 are spoken here");
    default:
        return http_parse_refuse(q, 400, llhttp_get_error_reason(&q->llhttp));
    }
}

/* ---- Feeding --------------------------------------------------------------------------------- */

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* RFC 9112 section 2.2 wants CRLF before a request ignored. llhttp would skip any mixture of CR
 * and LF. */
static enum http_parse_result skip_blank_lines(struct http_parse *q, const char **p,
                                               const char *end)
{
    while (*p < end) {
        if (q->has_blank_cr) {
            if (**p != '\n') {
                return http_parse_refuse(q, 400, "CR without LF before the request");
            }
            q->has_blank_cr = false;
        } else if (**p == '\r') {
            q->has_blank_cr = true;
        } else if (**p == '\n') {
            return http_parse_refuse(q, 400, "LF without CR before the request");
        } else {
            break;
        }
        (*p)++;
    }
    return HTTP_PARSE_MORE;
}

/* llhttp never sees more of a head than may be there, so that a head over the limit is refused
 * the same way however it is cut into reads. */
static enum http_parse_result feed_head(struct http_parse *q, const char **p, const char *end)
{
    size_t max = q->limits->max_header_bytes;
    size_t n, used;
    const char *at;
    llhttp_errno_t e;

    if (q->head_len == 0 && skip_blank_lines(q, p, end) != HTTP_PARSE_MORE) {
        return HTTP_PARSE_REFUSED;
    }
    if (*p == end) {
        return HTTP_PARSE_MORE;
    }
    n = min_size((size_t)(end - *p), max - q->head_len);
    if (q->head_len > 0) {
        buf_add(&q->head, *p, n);
        q->base = q->head.data;
        at = q->base + q->head_len;
    } else {
        q->base = at = *p;
    }
    e = llhttp_execute(&q->llhttp, at, n);
    used = e == HPE_OK ? n : (size_t)(llhttp_get_error_pos(&q->llhttp) - at);
    if (e != HPE_OK && e != HPE_PAUSED) {
        return refuse_error(q, e);
    }
    q->head_len += used;
    *p += used;
    if (e == HPE_PAUSED) {
        q->is_in_body = true;
        llhttp_resume(&q->llhttp);
        return http_head_check(q);
    }
    if (q->head_len == max) {
        return q->has_version ? http_parse_refuse(q, 431, "the header is too large")
                              : http_parse_refuse(q, 414, "the request target is too long");
    }
    return HTTP_PARSE_MORE;
}

static enum http_parse_result feed_body(struct http_parse *q, const char **p, const char *end)
{
    size_t body_len = q->body_len;
    llhttp_errno_t e = llhttp_execute(&q->llhttp, *p, (size_t)(end - *p));
    const char *stop = e == HPE_OK ? end : llhttp_get_error_pos(&q->llhttp);

    if (e != HPE_OK && e != HPE_PAUSED) {
        return refuse_error(q, e);
    }
    q->framing_len += (size_t)(stop - *p) - (q->body_len - body_len);
    *p = stop;
    if (q->framing_len > q->limits->max_header_bytes + LIMIT_CHUNK_FRAMING * q->body_len) {
        return http_parse_refuse(q, 400, "too much chunk framing");
    }
    return e == HPE_PAUSED ? HTTP_PARSE_DONE : HTTP_PARSE_MORE;
}

enum http_parse_result http_parse_feed(struct http_parse *q, const char *p, size_t n,
                                       size_t *used_out)
{
    const char *at = p;
    enum http_parse_result r = HTTP_PARSE_MORE;

    assert(q->status == 0);
    if (!q->is_in_body) {
        r = feed_head(q, &at, p + n);
    }
    if (q->is_in_body && r == HTTP_PARSE_MORE) {
        r = feed_body(q, &at, p + n);
    }
    if (r == HTTP_PARSE_MORE) { /* what was fed is about to go away */
        if (q->head.len == 0 && q->head_len > 0) {
            buf_add(&q->head, q->base, q->head_len);
            q->base = q->head.data;
        }
        keep_piece(q);
    }
    *used_out = (size_t)(at - p);
    return r;
}
