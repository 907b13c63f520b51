/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request, from bytes as they come to a struct http_request or a refusal. Does no I/O.
 */
#ifndef NET_HTTP_PARSE_H
#define NET_HTTP_PARSE_H

#include <llhttp.h>

#include "base/limits.h"
#include "net/http.h"

enum http_parse_result {
    HTTP_PARSE_MORE,   /* the request is not complete */
    HTTP_PARSE_DONE,   /* http_parse_request gives it */
    HTTP_PARSE_REFUSED /* status and why tell the reason; nothing more can be fed */
};

struct http_span {
    uint32_t at, len; /* relative to the first byte of the head */
};

/* A request that arrives in one piece is never copied: the spans then point into what was fed.
 * Otherwise the head goes to `head`, and the body to `body`. */
struct http_parse {
    llhttp_t llhttp;
    const struct http_options *limits;
    int status;
    const char *why;

    const char *base; /* the first byte of the head */
    size_t head_len;  /* fed of it so far */
    struct buf head;
    struct http_span url;
    struct {
        struct http_span name, value;
    } fields[LIMIT_HEADERS];
    size_t n_fields;

    struct buf body;
    struct str piece; /* the body, as long as it is one piece of what was just fed */
    size_t body_len;
    size_t framing_len; /* bytes behind the head that are not the body's */

    bool has_blank_cr; /* the CR of an empty line before the request was seen */
    bool has_target, has_version;
    bool is_in_name;
    bool is_in_body; /* the head is complete */
    bool expects_continue;
    bool keep_alive; /* when done */
};

void http_parse_init(struct http_parse *q, const struct http_options *limits);
void http_parse_fini(struct http_parse *q);

/* Takes up to n bytes, and says how many; fewer only when done or refused. */
enum http_parse_result http_parse_feed(struct http_parse *q, const char *p, size_t n,
                                       size_t *used_out);

/* The request that is done; `fields` holds its fields. Both point into what was fed last, and
 * into q. */
void http_parse_request(const struct http_parse *q, struct http_field fields[LIMIT_HEADERS],
                        struct http_request *r_out);

/* ---- Between http_parse.c and http_head.c ---------------------------------------------------- */

enum http_parse_result http_parse_refuse(struct http_parse *q, int status, const char *why);
enum http_parse_result http_head_check(struct http_parse *q); /* MORE when it is fine */

static inline bool http_parse_body_fits(const struct http_parse *q, uint64_t more)
{
    return more <= q->limits->max_body_bytes && q->body_len <= q->limits->max_body_bytes - more;
}

/* ---- What the connection asks ---------------------------------------------------------------- */

/* Nothing of a request was seen yet. */
static inline bool http_parse_is_empty(const struct http_parse *q)
{
    return q->head_len == 0 && !q->has_blank_cr;
}

static inline bool http_parse_is_http10(const struct http_parse *q)
{
    return q->llhttp.http_minor == 0;
}

#endif
