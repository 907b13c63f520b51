/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests, from bytes to what the handler sees or to a refusal. Each text is fed whole, and then
 * cut into two at every byte and into single bytes: the outcome has to be the same. Each time the
 * pieces stand in memory of their own, so that a sanitizer sees what is kept of them.
 */
#include "harness.h"

#include "net/http_parse.h"

#define HOST "Host: h\r\n"
#define MAX_HEADER 200
#define MAX_URL 50
#define MAX_BODY 20

static struct http_options limits(void)
{
    struct http_options o;

    http_options_init(&o);
    o.max_header_bytes = MAX_HEADER;
    o.max_url_bytes = MAX_URL;
    o.max_body_bytes = MAX_BODY;
    return o;
}

static void note_request(const struct http_parse *q, struct buf *b)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "DELETE", "OPTIONS", "other" };
    struct http_field fields[LIMIT_HEADERS];
    struct http_request r;

    http_parse_request(q, fields, &r);
    buf_addf(b, "%s %.*s", methods[r.method], STR_FMT(r.path));
    if (r.query.p) {
        buf_addf(b, " ?%.*s", STR_FMT(r.query));
    }
    for (size_t i = 0; i < r.n_fields; i++) {
        if (!str_eqz(r.fields[i].name, "Host")) {
            buf_addf(b, " %.*s=%.*s", STR_FMT(r.fields[i].name), STR_FMT(r.fields[i].value));
        }
    }
    if (r.body.len > 0) {
        buf_addf(b, " [%.*s]", STR_FMT(r.body));
    }
    buf_addz(b, q->keep_alive ? "" : " close");
}

/* Feeds one piece from memory that ends with it. True while there is more to be fed. */
static bool feed_piece(struct http_parse *q, struct str piece, struct buf *b, size_t *rest)
{
    char *copy = malloc(piece.len);
    size_t used;
    bool more = false;

    assert_non_null(copy);
    memcpy(copy, piece.p, piece.len);
    switch (http_parse_feed(q, copy, piece.len, &used)) {
    case HTTP_PARSE_MORE:
        assert_int_equal(used, piece.len);
        more = true;
        break;
    case HTTP_PARSE_DONE:
        note_request(q, b);
        *rest -= used;
        break;
    case HTTP_PARSE_REFUSED:
        assert_non_null(q->why);
        buf_addf(b, "%d", q->status);
        *rest = 0;
        break;
    }
    free(copy);
    return more;
}

/* The outcome of a text cut at `first`, and from then on after every `step` bytes. */
static void outcome(struct str text, size_t first, size_t step, const struct http_options *o,
                    struct buf *b)
{
    struct http_parse q;
    size_t rest = text.len;
    size_t n;

    buf_reset(b);
    http_parse_init(&q, o);
    for (size_t at = 0; at < text.len; at += n) {
        n = at == 0 ? first : step;
        n = n < text.len - at ? n : text.len - at;
        if (!feed_piece(&q, str_make(text.p + at, n), b, &rest)) {
            break;
        }
        rest -= n;
    }
    if (b->len == 0) {
        buf_addz(b, "incomplete");
    } else if (rest > 0) {
        buf_addf(b, " +%zu", rest);
    }
    http_parse_fini(&q);
}

static void expect_limited(struct str text, const struct http_options *o, const char *expected)
{
    struct buf b;

    buf_init(&b, 100000);
    outcome(text, text.len, text.len, o, &b);
    assert_string_equal(b.data, expected);
    for (size_t cut = 1; cut < text.len; cut++) {
        outcome(text, cut, text.len, o, &b);
        if (strcmp(b.data, expected) != 0) {
            fail_msg("cut at %zu: %s, not %s", cut, b.data, expected);
        }
    }
    outcome(text, 1, 1, o, &b);
    assert_string_equal(b.data, expected);
    buf_fini(&b);
}

static void expect(struct str text, const char *expected)
{
    struct http_options o = limits();

    expect_limited(text, &o, expected);
}

#define EXPECT(text, expected) expect(STR(text), expected)
#define GET(rest) "GET / HTTP/1.1\r\n" HOST rest
#define POST(rest) "POST / HTTP/1.1\r\n" HOST rest
#define CHUNKED(body) POST("Transfer-Encoding: chunked\r\n\r\n" body)

/* ---- What is accepted ------------------------------------------------------------------------ */

TEST(http_parse, a_request_is_taken_apart)
{
    EXPECT(GET("\r\n"), "GET /");
    EXPECT("DELETE /mcp?a=b?c HTTP/1.1\r\n" HOST "X-Y:\t a b \t\r\nEmpty:\r\n\r\n",
           "DELETE /mcp ?a=b?c X-Y=a b Empty=");
    EXPECT("HEAD /? HTTP/1.1\r\n" HOST "\r\n", "HEAD / ?");
    EXPECT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS *");
    EXPECT("PATCH / HTTP/1.1\r\n" HOST "\r\n", "other /");
}

TEST(http_parse, a_body_of_known_length_is_taken)
{
    EXPECT(POST("Content-Length: 5\r\n\r\nhello"), "POST / Content-Length=5 [hello]");
    EXPECT(POST("Content-Length: 0\r\n\r\n"), "POST / Content-Length=0");
    EXPECT(POST("content-length:  005 \r\n\r\nhello"), "POST / content-length=005 [hello]");
    EXPECT(GET("Content-Length: 2\r\n\r\nhi"), "GET / Content-Length=2 [hi]");
}

TEST(http_parse, a_chunked_body_is_taken)
{
    EXPECT(CHUNKED("5\r\nhello\r\n0\r\n\r\n"), "POST / Transfer-Encoding=chunked [hello]");
    EXPECT(CHUNKED("2\r\nhe\r\n003\r\nllo\r\n0\r\n\r\n"),
           "POST / Transfer-Encoding=chunked [hello]");
    EXPECT(CHUNKED("5;a=b;c=\"d\"\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"),
           "POST / Transfer-Encoding=chunked [hello]");
    EXPECT(CHUNKED("0\r\n\r\n"), "POST / Transfer-Encoding=chunked");
    EXPECT(POST("Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n"), "POST / Transfer-Encoding=CHUNKED");
}

TEST(http_parse, what_follows_a_request_is_left_alone)
{
    EXPECT(GET("\r\n") "GET", "GET / +3");
    EXPECT(POST("Content-Length: 2\r\n\r\nhiPOST"), "POST / Content-Length=2 [hi] +4");
    EXPECT(CHUNKED("1\r\na\r\n0\r\n\r\n\r\n"), "POST / Transfer-Encoding=chunked [a] +2");
    EXPECT(GET("Connection: close\r\n\r\n") "GET", "GET / Connection=close close +3");
}

TEST(http_parse, a_half_of_a_request_is_waited_for)
{
    EXPECT("G", "incomplete");
    EXPECT(GET(""), "incomplete");
    EXPECT(GET("\r"), "incomplete");
    EXPECT(POST("Content-Length: 5\r\n\r\nhell"), "incomplete");
    EXPECT(CHUNKED("5\r\nhello\r\n0\r\n"), "incomplete");
}

TEST(http_parse, empty_lines_before_a_request_are_skipped)
{
    EXPECT("\r\n\r\n" GET("\r\n"), "GET /");
    EXPECT("\r\n", "incomplete");
}

TEST(http_parse, connections_are_kept_as_the_version_and_the_client_say)
{
    EXPECT(GET("Connection: keep-alive\r\n\r\n"), "GET / Connection=keep-alive");
    EXPECT(GET("Connection: foo, Close\r\n\r\n"), "GET / Connection=foo, Close close");
    EXPECT("GET / HTTP/1.0\r\n\r\n", "GET / close");
    EXPECT("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / Connection=keep-alive");
}

TEST(http_parse, an_absolute_target_must_name_the_host)
{
    EXPECT("GET http://h/p?q HTTP/1.1\r\n" HOST "\r\n", "GET /p ?q");
    EXPECT("GET https://H HTTP/1.1\r\n" HOST "\r\n", "GET /");
    EXPECT("GET http://h?q HTTP/1.1\r\n" HOST "\r\n", "GET / ?q");
    EXPECT("GET http://evil/p HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("GET http://h@evil/p HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("GET ftp://h/p HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("GET http://h/ HTTP/1.0\r\n\r\n", "400");
}

TEST(http_parse, an_offer_to_change_the_protocol_is_ignored)
{
    EXPECT(POST("Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhiGET"),
           "POST / Connection=Upgrade Upgrade=h2c Content-Length=2 [hi] +3");
    EXPECT(GET("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
           "GET / Connection=Upgrade Upgrade=websocket");
}

TEST(http_parse, bytes_over_ascii_are_allowed_in_values)
{
    EXPECT(GET("A: \xc3\xa4\r\n\r\n"), "GET / A=\xc3\xa4");
}

/* ---- What is refused ------------------------------------------------------------------------- */

TEST(http_parse, line_ends_other_than_crlf_are_refused)
{
    EXPECT("\nGET / HTTP/1.1\r\n", "400");
    EXPECT("\r\r\nGET / HTTP/1.1\r\n", "400");
    EXPECT("GET / HTTP/1.1\n" HOST "\r\n", "400");
    EXPECT("GET / HTTP/1.1\r" HOST "\r\n", "400");
    EXPECT("GET / HTTP/1.1\r\r\n" HOST "\r\n", "400");
    EXPECT(GET("A: b\nC: d\r\n\r\n"), "400");
    EXPECT(GET("A: b\rC: d\r\n\r\n"), "400");
    EXPECT(GET("A: b\r\r\n\r\n"), "400");
    EXPECT(GET("A:\nC: d\r\n\r\n"), "400");
    EXPECT(GET("\n"), "400");
    EXPECT(GET("\rX"), "400");
    EXPECT(POST("Content-Length: 2\n\r\nhi"), "400");
    EXPECT(POST("Transfer-Encoding: chunked\n\r\n0\r\n\r\n"), "400");
    EXPECT(GET("Connection: close\n\r\n"), "400");
}

TEST(http_parse, folded_fields_are_refused)
{
    EXPECT(GET("A: b\r\n c\r\n\r\n"), "400");
    EXPECT(GET("A: b\r\n\tc\r\n\r\n"), "400");
    EXPECT(GET("A:\r\n c\r\n\r\n"), "400");
    EXPECT("GET / HTTP/1.1\r\n " HOST "\r\n", "400");
    EXPECT(POST("Content-Length:\r\n 2\r\n\r\nhi"), "400");
    EXPECT(POST("Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"), "400");
}

TEST(http_parse, control_bytes_are_refused)
{
    EXPECT(GET("A: b\0c\r\n\r\n"), "400");
    EXPECT(GET("A: b\x01"
               "c\r\n\r\n"),
           "400");
    EXPECT(GET("A: b\x7f\r\n\r\n"), "400");
    EXPECT(GET("A\0: b\r\n\r\n"), "400");
    EXPECT("GET /\0 HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("GET /\x01 HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("GET /a\tb HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("GET /\xff HTTP/1.1\r\n" HOST "\r\n", "400");
}

TEST(http_parse, malformed_fields_are_refused)
{
    EXPECT(GET("A : b\r\n\r\n"), "400");
    EXPECT(GET(": b\r\n\r\n"), "400");
    EXPECT(GET("A\r\n\r\n"), "400");
    EXPECT(GET("A b: c\r\n\r\n"), "400");
    EXPECT(GET("A(: c\r\n\r\n"), "400");
}

TEST(http_parse, malformed_request_lines_are_refused)
{
    EXPECT("GET  / HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("GET /  HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("GET / HTTP/1.1 \r\n" HOST "\r\n", "400");
    EXPECT("GET\t/ HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("GET /a b HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("GET /a#b HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("GET a HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("get / HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("GE / HTTP/1.1\r\n" HOST "\r\n", "400");
    EXPECT("GET / http/1.1\r\n" HOST "\r\n", "400");
    EXPECT("OPTIONS / RTSP/1.0\r\n" HOST "\r\n", "400");
    EXPECT("SOURCE / ICE/1.0\r\n" HOST "\r\n", "400");
    EXPECT("\x16\x03\x01\x02\x00\x01\x00\x01", "400");
}

TEST(http_parse, other_versions_are_refused)
{
    EXPECT("GET / HTTP/2.0\r\n" HOST "\r\n", "505");
    EXPECT("GET / HTTP/1.2\r\n" HOST "\r\n", "505");
    EXPECT("GET / HTTP/0.9\r\n" HOST "\r\n", "505");
    EXPECT("GET / HTTP/11\r\n" HOST "\r\n", "505");
    EXPECT("GET /\r\n\r\n", "505");
    EXPECT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505");
    EXPECT("GET / HTTP/1.10\r\n" HOST "\r\n", "400");
}

TEST(http_parse, a_tunnel_is_refused)
{
    EXPECT("CONNECT h:80 HTTP/1.1\r\n" HOST "\r\n", "501");
}

TEST(http_parse, host_must_be_there_once_and_well_formed)
{
    EXPECT("GET / HTTP/1.1\r\n\r\n", "400");
    EXPECT(GET("host: h\r\n\r\n"), "400");
    EXPECT("GET / HTTP/1.0\r\n" HOST HOST "\r\n", "400");
    EXPECT("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400");
    EXPECT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400");
    EXPECT("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400");
    EXPECT("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "400");
    EXPECT("GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n", "400");
    EXPECT("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "GET /");
    EXPECT("GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET /");
}

TEST(http_parse, two_statements_of_the_body_length_are_refused)
{
    EXPECT(POST("Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi"), "400");
    EXPECT(POST("Content-Length: 2\r\ncontent-length: 3\r\n\r\nhi"), "400");
    EXPECT(POST("Content-Length: 2, 2\r\n\r\nhi"), "400");
    EXPECT(POST("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "400");
    EXPECT(POST("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n"), "400");
    EXPECT(POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
           "400");
    EXPECT(CHUNKED("0\r\nContent-Length: 2\r\n\r\n"), "400");
    EXPECT(CHUNKED("0\r\nTransfer-Encoding: chunked\r\n\r\n"), "400");
}

TEST(http_parse, a_body_length_that_is_no_number_is_refused)
{
    EXPECT(POST("Content-Length: \r\n\r\n"), "400");
    EXPECT(POST("Content-Length: +2\r\n\r\nhi"), "400");
    EXPECT(POST("Content-Length: -2\r\n\r\nhi"), "400");
    EXPECT(POST("Content-Length: 0x2\r\n\r\nhi"), "400");
    EXPECT(POST("Content-Length: 2 3\r\n\r\nhi"), "400");
    EXPECT(POST("Content-Length: 18446744073709551617\r\n\r\nh"), "400");
}

TEST(http_parse, transfer_encodings_other_than_chunked_are_refused)
{
    EXPECT(POST("Transfer-Encoding: gzip\r\n\r\nhi"), "501");
    EXPECT(POST("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), "501");
    EXPECT(POST("Transfer-Encoding: identity\r\n\r\nhi"), "501");
    EXPECT(POST("Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n"), "501");
    EXPECT(POST("Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"), "400");
    EXPECT(POST("Transfer-Encoding:\r\n\r\n0\r\n\r\n"), "400");
    EXPECT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400");
}

TEST(http_parse, malformed_chunks_are_refused)
{
    EXPECT(CHUNKED("x\r\n"), "400");
    EXPECT(CHUNKED("\r\nhi"), "400");
    EXPECT(CHUNKED("-2\r\nhi\r\n"), "400");
    EXPECT(CHUNKED("0x2\r\nhi\r\n"), "400");
    EXPECT(CHUNKED(" 2\r\nhi\r\n"), "400");
    EXPECT(CHUNKED("2 \r\nhi\r\n"), "400");
    EXPECT(CHUNKED("2\nhi\r\n"), "400");
    EXPECT(CHUNKED("2\r\nhi\n0"), "400");
    EXPECT(CHUNKED("2\r\nhix\r\n"), "400");
    EXPECT(CHUNKED("2;\0\r\nhi\r\n"), "400");
    EXPECT(CHUNKED("2;a=b\nhi\r\n"), "400");
    EXPECT(CHUNKED("10000000000000002\r\nhi\r\n"), "400");
    EXPECT(CHUNKED("0\r\n\n"), "400");
    EXPECT(CHUNKED("0\r\nA: b\n\r\n"), "400");
    EXPECT(CHUNKED("0\r\nA\0: b\r\n\r\n"), "400");
}

TEST(http_parse, of_expectations_only_100_continue_is_known)
{
    struct http_options o = limits();
    struct str text = STR(POST("Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n"));
    struct http_parse q;
    size_t used;

    http_parse_init(&q, &o);
    assert_int_equal(http_parse_feed(&q, text.p, text.len, &used), HTTP_PARSE_MORE);
    assert_true(q.expects_continue);
    http_parse_fini(&q);
    EXPECT(POST("Expect: tea\r\n\r\n"), "417");
    EXPECT(POST("Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n"), "417");
    EXPECT("POST / HTTP/1.0\r\nExpect: tea\r\n\r\n", "POST / Expect=tea close");
}

/* ---- Limits ---------------------------------------------------------------------------------- */

/* A text with n bytes 'a' between the two others. */
static struct str padded(const char *before, size_t n, const char *after)
{
    static char text[20000];
    int len;

    memset(text, 0, sizeof(text));
    len = snprintf(text, sizeof(text), "%s", before);
    memset(text + len, 'a', n);
    snprintf(text + len + n, sizeof(text) - n - (size_t)len, "%s", after);
    return str_of(text);
}

TEST(http_parse, a_header_may_be_as_large_as_its_limit_and_no_larger)
{
    struct str empty = padded(GET("A: "), 0, "\r\n\r\n");
    size_t room = MAX_HEADER - empty.len;
    struct buf b;

    buf_init(&b, 1000);
    buf_addf(&b, "GET / A=%s", padded("", room, "").p);
    expect(padded(GET("A: "), room, "\r\n\r\n"), b.data);
    expect(padded(GET("A: "), room + 1, "\r\n\r\n"), "431");
    expect(padded(GET("A: "), room + 5000, "\r\n\r\n"), "431");
    expect(padded(GET(""), MAX_HEADER, ": \r\n\r\n"), "431");
    buf_fini(&b);
}

TEST(http_parse, there_may_be_as_many_fields_as_the_limit_and_no_more)
{
    struct http_options o = limits();
    struct buf b, expected;

    o.max_header_bytes = 10000;
    buf_init(&b, 10000);
    buf_init(&expected, 10000);
    buf_addz(&b, "GET / HTTP/1.1\r\n" HOST);
    buf_addz(&expected, "GET /");
    for (int i = 1; i < (int)LIMIT_HEADERS; i++) {
        buf_addz(&b, "A: b\r\n");
        buf_addz(&expected, " A=b");
    }
    buf_addz(&b, "\r\n");
    expect_limited(buf_str(&b), &o, expected.data);
    b.len -= 2;
    buf_addz(&b, "A: b\r\n\r\n");
    expect_limited(buf_str(&b), &o, "431");
    buf_fini(&b);
    buf_fini(&expected);
}

TEST(http_parse, a_target_may_be_as_long_as_its_limit_and_no_longer)
{
    struct buf b;

    buf_init(&b, 1000);
    buf_addf(&b, "GET /%s", padded("", MAX_URL - 1, "").p);
    expect(padded("GET /", MAX_URL - 1, " HTTP/1.1\r\n" HOST "\r\n"), b.data);
    expect(padded("GET /", MAX_URL, " HTTP/1.1\r\n" HOST "\r\n"), "414");
    expect(padded("GET /", 5000, " HTTP/1.1\r\n" HOST "\r\n"), "414");
    expect(padded("GET /", MAX_URL - 1, "\001 HTTP/1.1\r\n"), "400"); /* a bad byte, */
    expect(padded("GET /", MAX_URL, "\001 HTTP/1.1\r\n"), "414");     /* and behind the limit */
    buf_fini(&b);
}

TEST(http_parse, a_target_that_fills_the_header_is_too_long)
{
    struct http_options o = limits();

    o.max_url_bytes = 10000;
    expect_limited(padded("GET /", MAX_HEADER, " HTTP/1.1\r\n" HOST "\r\n"), &o, "414");
}

TEST(http_parse, a_body_may_be_as_large_as_its_limit_and_no_larger)
{
    EXPECT(POST("Content-Length: 20\r\n\r\n01234567890123456789"),
           "POST / Content-Length=20 [01234567890123456789]");
    EXPECT(POST("Content-Length: 21\r\n\r\n"), "413");
    EXPECT(POST("Content-Length: 9223372036854775807\r\n\r\n"), "413");
    EXPECT(CHUNKED("a\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"),
           "POST / Transfer-Encoding=chunked [01234567890123456789]");
    EXPECT(CHUNKED("15\r\n"), "413");
    EXPECT(CHUNKED("ffffffffffffffff\r\n"), "413");
    EXPECT(CHUNKED("a\r\n0123456789\r\nb\r\n"), "413");
}

TEST(http_parse, a_body_over_its_limit_is_refused_before_it_is_asked_for)
{
    EXPECT(POST("Expect: 100-continue\r\nContent-Length: 21\r\n\r\n"), "413");
}

TEST(http_parse, chunk_framing_without_end_is_refused)
{
    struct str empty = STR(CHUNKED(""));
    struct http_options o = limits();

    o.max_header_bytes = 100;
    assert_true(empty.len < 100);
    expect_limited(padded(CHUNKED("1;"), 200, ""), &o, "400");
    expect_limited(padded(CHUNKED("0\r\nA: "), 200, ""), &o, "400");
    expect_limited(padded(CHUNKED("1;"), 50, "\r\nx\r\n0\r\n\r\n"), &o,
                   "POST / Transfer-Encoding=chunked [x]");
}

RUN_TESTS()
