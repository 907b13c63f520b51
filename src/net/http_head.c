/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A complete head: judged before the body is read, and turned into a struct http_request.
 *
 * What llhttp lets through and a server must not is refused here (RFC 9112 sections in brackets):
 * more than one space in the request line [3], other protocols and versions [2.3], a fragment in
 * the target [3.2], a missing, doubled or malformed Host [3.2], an absolute target for another
 * host [3.2.2], Transfer-Encoding with anything but chunked [6.1] or in HTTP/1.0 [6.1]; and a body
 * that is announced over its limit.
 */
#include "net/http_parse.h"

#include <ctype.h>

static struct str span_str(const struct http_parse *q, struct http_span s)
{
    return str_make(q->base + s.at, s.len);
}

/* ---- Judging --------------------------------------------------------------------------------- */

static enum http_parse_result check_line(struct http_parse *q)
{
    const llhttp_t *l = &q->llhttp;
    const char *method = llhttp_method_name((llhttp_method_t)l->method);
    struct str url = span_str(q, q->url);
    struct str rest = str_make(url.p + url.len,
                               (size_t)(q->base + q->head_len - (url.p + url.len)));

    if (q->url.at != strlen(method) + 1) {
        return http_parse_refuse(q, 400, "malformed request line");
    }
    if (!str_starts(rest, STR(" HTTP/1.1\r\n")) && !str_starts(rest, STR(" HTTP/1.0\r\n"))) {
        return str_starts(rest, STR(" HTTP/")) || str_starts(rest, STR("\r\n"))
                   ? http_parse_refuse(q, 505, "HTTP/1.1 and HTTP/1.0 are spoken here")
                   : http_parse_refuse(q, 400, "malformed request line");
    }
    if (l->method == HTTP_CONNECT) {
        return http_parse_refuse(q, 501, "this is not a proxy");
    }
    if (memchr(url.p, '#', url.len)) {
        return http_parse_refuse(q, 400, "the request target has a fragment");
    }
    if (url.p[0] != '/' && !str_eqz(url, "*") && !str_starts(url, STR("http://")) &&
        !str_starts(url, STR("https://"))) {
        return http_parse_refuse(q, 400, "malformed request target");
    }
    return HTTP_PARSE_MORE;
}

static struct str find_field(const struct http_parse *q, const char *name, size_t *n_out)
{
    struct str found = STR_NONE;

    *n_out = 0;
    for (size_t i = 0; i < q->n_fields; i++) {
        if (str_eq_nocase(span_str(q, q->fields[i].name), str_of(name))) {
            if ((*n_out)++ == 0) {
                found = str_trim(span_str(q, q->fields[i].value));
            }
        }
    }
    return found;
}

/* The host and port of an absolute target; absent for the others. */
static struct str target_authority(struct str url)
{
    const char *slashes = url.p[0] == '/' ? NULL : memmem(url.p, url.len, "://", 3);
    struct str authority;
    size_t n = 0;

    if (!slashes) {
        return STR_NONE;
    }
    authority = str_make(slashes + 3, url.len - (size_t)(slashes + 3 - url.p));
    while (n < authority.len && authority.p[n] != '/' && authority.p[n] != '?') {
        n++;
    }
    return str_make(authority.p, n);
}

static bool is_host(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c >= 0x80 || (!isalnum(c) && (c == '\0' || !strchr("-._~:[]%!$&'()*+;=", c)))) {
            return false;
        }
    }
    return true;
}

static enum http_parse_result check_host(struct http_parse *q)
{
    struct str authority = target_authority(span_str(q, q->url));
    size_t n;
    struct str host = find_field(q, "Host", &n);

    if (n > 1) {
        return http_parse_refuse(q, 400, "more than one Host");
    }
    if (n == 0) {
        return http_parse_is_http10(q) && !authority.p ? HTTP_PARSE_MORE
                                                       : http_parse_refuse(q, 400, "no Host");
    }
    if (!is_host(host)) {
        return http_parse_refuse(q, 400, "malformed Host");
    }
    /* The target's host would count, not the field's; with both the same, nobody can be fooled. */
    if (authority.p && !str_eq_nocase(authority, host)) {
        return http_parse_refuse(q, 400, "the request target names another host than Host does");
    }
    return HTTP_PARSE_MORE;
}

static enum http_parse_result check_framing(struct http_parse *q)
{
    size_t n;
    struct str coding = find_field(q, "Transfer-Encoding", &n);

    if (n > 1) {
        return http_parse_refuse(q, 400, "more than one Transfer-Encoding");
    }
    if (n == 1 && http_parse_is_http10(q)) {
        return http_parse_refuse(q, 400, "Transfer-Encoding in HTTP/1.0");
    }
    if (n == 1 && coding.len == 0) {
        return http_parse_refuse(q, 400, "empty Transfer-Encoding");
    }
    if (n == 1 && !str_eq_nocase(coding, STR("chunked"))) {
        return http_parse_refuse(q, 501, "of transfer encodings only chunked is known");
    }
    if ((q->llhttp.flags & F_CONTENT_LENGTH) &&
        !http_parse_body_fits(q, q->llhttp.content_length)) {
        return http_parse_refuse(q, 413, "the body is too large");
    }
    return HTTP_PARSE_MORE;
}

static enum http_parse_result check_expect(struct http_parse *q)
{
    size_t n;
    struct str expect = find_field(q, "Expect", &n);

    if (n == 0 || http_parse_is_http10(q)) {
        return HTTP_PARSE_MORE;
    }
    if (n > 1 || !str_eq_nocase(expect, STR("100-continue"))) {
        return http_parse_refuse(q, 417, "of expectations only 100-continue is known");
    }
    q->expects_continue = true;
    return HTTP_PARSE_MORE;
}

enum http_parse_result http_head_check(struct http_parse *q)
{
    static enum http_parse_result (*const checks[])(
        struct http_parse *) = { check_line, check_host, check_framing, check_expect };

    for (size_t i = 0; i < COUNT_OF(checks); i++) {
        enum http_parse_result r = checks[i](q);

        if (r != HTTP_PARSE_MORE) {
            return r;
        }
    }
    return HTTP_PARSE_MORE;
}

/* ---- The request ----------------------------------------------------------------------------- */

static enum http_method method_of(uint8_t method)
{
    switch (method) {
    case HTTP_GET:
        return HTTP_METHOD_GET;
    case HTTP_HEAD:
        return HTTP_METHOD_HEAD;
    case HTTP_POST:
        return HTTP_METHOD_POST;
    case HTTP_DELETE:
        return HTTP_METHOD_DELETE;
    case HTTP_OPTIONS:
        return HTTP_METHOD_OPTIONS;
    default:
        return HTTP_METHOD_OTHER;
    }
}

static void split_target(struct str url, struct http_request *r)
{
    struct str authority = target_authority(url);
    const char *mark;

    if (authority.p) {
        url = str_make(authority.p + authority.len,
                       url.len - (size_t)(authority.p + authority.len - url.p));
    }
    mark = url.len ? memchr(url.p, '?', url.len) : NULL;
    r->path = mark ? str_make(url.p, (size_t)(mark - url.p)) : url;
    r->query = mark ? str_make(mark + 1, url.len - r->path.len - 1) : STR_NONE;
    if (r->path.len == 0) {
        r->path = STR("/");
    }
}

void http_parse_request(const struct http_parse *q, struct http_field fields[LIMIT_HEADERS],
                        struct http_request *r_out)
{
    for (size_t i = 0; i < q->n_fields; i++) {
        fields[i].name = span_str(q, q->fields[i].name);
        fields[i].value = str_trim(span_str(q, q->fields[i].value));
    }
    *r_out = (struct http_request){
        .method = method_of(q->llhttp.method),
        .fields = fields,
        .n_fields = q->n_fields,
        .body = q->piece.len ? q->piece : buf_str(&q->body),
    };
    split_target(span_str(q, q->url), r_out);
}

struct str http_request_field(const struct http_request *r, const char *name, size_t *n_out)
{
    struct str wanted = str_of(name);
    struct str found = STR_NONE;
    size_t n = 0;

    for (size_t i = 0; i < r->n_fields; i++) {
        if (str_eq_nocase(r->fields[i].name, wanted) && n++ == 0) {
            found = r->fields[i].value;
        }
    }
    if (n_out) {
        *n_out = n;
    }
    return found;
}
