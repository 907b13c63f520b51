/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests on a connection are the same, or refused with the same status, wherever their bytes are
 * cut; and none is over a limit. The first byte of the input says how they are cut.
 */
#include <assert.h>
#include <stdlib.h>

#include "net/http_parse.h"

#define HEADER_MAX 300
#define URL_MAX 60
#define BODY_MAX 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void describe_request(struct buf *to, const struct http_parse *q)
{
    struct http_field fields[LIMIT_HEADERS];
    struct http_request r;

    http_parse_request(q, fields, &r);
    assert(r.body.len <= BODY_MAX && r.n_fields <= LIMIT_HEADERS);
    assert(r.path.len > 0 && r.path.len + r.query.len <= URL_MAX);
    buf_addf(to, "%d %d %d ", r.method, q->keep_alive, http_parse_is_http10(q));
    buf_add_str(to, r.path);
    buf_addf(to, " %d ", r.query.p != NULL);
    buf_add_str(to, r.query);
    for (size_t i = 0; i < r.n_fields; i++) {
        size_t n;

        assert(r.fields[i].name.len > 0);
        assert(http_request_field(&r, "host", &n).p || n == 0);
        buf_addc(to, '\n');
        buf_add_str(to, r.fields[i].name);
        buf_addc(to, ':');
        buf_add_str(to, r.fields[i].value);
    }
    buf_addf(to, "\n%zu:", r.body.len);
    buf_add_str(to, r.body);
}

/* One request from the start of *bytes, at most `piece` bytes at a time, each in memory of its own
 * that is gone afterwards. False: there is no further one. */
static bool take_request(struct str *bytes, size_t piece, const struct http_options *o,
                         struct buf *to)
{
    enum http_parse_result result = HTTP_PARSE_MORE;
    struct http_parse q;

    http_parse_init(&q, o);
    while (result == HTTP_PARSE_MORE && bytes->len > 0) {
        size_t n = bytes->len < piece ? bytes->len : piece, used;
        char *copy = mem_dup(bytes->p, n);

        result = http_parse_feed(&q, copy, n, &used);
        assert(used <= n && (used == n || result != HTTP_PARSE_MORE));
        *bytes = str_make(bytes->p + used, bytes->len - used);
        if (result == HTTP_PARSE_DONE) {
            describe_request(to, &q);
        }
        mem_free(copy);
    }
    if (result == HTTP_PARSE_REFUSED) {
        assert(q.status >= 400 && q.status <= 505 && q.why);
        buf_addf(to, "refused %d", q.status); /* of two reasons either may come first */
    } else if (result == HTTP_PARSE_MORE) {
        buf_addf(to, "more %d %d", http_parse_is_empty(&q), q.is_in_body);
    }
    http_parse_fini(&q);
    return result == HTTP_PARSE_DONE;
}

static void take_all(struct str bytes, size_t piece, struct buf *to)
{
    struct http_options o;

    http_options_init(&o);
    o.max_header_bytes = HEADER_MAX;
    o.max_url_bytes = URL_MAX;
    o.max_body_bytes = BODY_MAX;
    while (take_request(&bytes, piece, &o, to)) {
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, pieces;

    if (size == 0) {
        return 0;
    }
    buf_init(&whole, SIZE_MAX / 2);
    buf_init(&pieces, SIZE_MAX / 2);
    take_all(str_make(data + 1, size - 1), size, &whole);
    take_all(str_make(data + 1, size - 1), (size_t)data[0] + 1, &pieces);
    assert(str_eq(buf_str(&whole), buf_str(&pieces)));
    buf_fini(&whole);
    buf_fini(&pieces);
    return 0;
}
