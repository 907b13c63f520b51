/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events: what is written, and what is made of what others write.
 */
#include "harness.h"

#include "net/sse.h"

#define MAX 64

/* ---- Writing --------------------------------------------------------------------------------- */

static void expect_written(struct buf *b, const char *text)
{
    assert_true(buf_ok(b));
    assert_string_equal(b->data, text);
    buf_fini(b);
}

TEST(sse, an_event_is_written_with_its_id)
{
    struct buf b;

    buf_init(&b, 1000);
    sse_write_event(&b, STR("s-7"), STR("{\"a\":1}"));
    expect_written(&b, "id: s-7\ndata: {\"a\":1}\n\n");
}

TEST(sse, an_event_without_id_is_written_without_one)
{
    struct buf b;

    buf_init(&b, 1000);
    sse_write_event(&b, STR_NONE, STR("x"));
    expect_written(&b, "data: x\n\n");
}

TEST(sse, each_line_of_the_data_is_written_as_one_of_its_own)
{
    struct buf b;

    buf_init(&b, 1000);
    sse_write_event(&b, STR_NONE, STR("a\nb\rc\r\nd\n\re"));
    expect_written(&b, "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\n\n");
}

TEST(sse, a_line_end_at_the_end_of_the_data_is_kept)
{
    struct buf b;

    buf_init(&b, 1000);
    sse_write_event(&b, STR_NONE, STR("a\n"));
    expect_written(&b, "data: a\ndata: \n\n");
}

TEST(sse, a_priming_event_has_an_id_and_empty_data)
{
    struct buf b;

    buf_init(&b, 1000);
    sse_write_priming(&b, STR("s-0"));
    expect_written(&b, "id: s-0\ndata: \n\n");
}

TEST(sse, a_retry_time_and_a_comment_are_blocks_of_their_own)
{
    struct buf b;

    buf_init(&b, 1000);
    sse_write_retry(&b, 500);
    sse_write_comment(&b, STR("still here"));
    expect_written(&b, "retry: 500\n\n: still here\n\n");
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void note_str(struct buf *b, const char *name, struct str s)
{
    if (s.p) {
        buf_addf(b, "%s<", name);
        buf_add_str(b, s);
        buf_addz(b, ">");
    }
}

static void note_events(struct sse_parser *p, struct buf *b)
{
    struct sse_event event;

    while (sse_parser_next(p, &event)) {
        note_str(b, "id", event.id);
        note_str(b, "type", event.type);
        note_str(b, "data", event.data);
        if (event.has_retry) {
            buf_addf(b, "retry<%llu>", (unsigned long long)event.retry_ms);
        }
        buf_addz(b, ";");
    }
}

/* Feeds the text in pieces, cut at a and b, and expects the same events however it is cut. */
static void expect_cut(struct str text, size_t a, size_t b, const char *events)
{
    struct str parts[] = { str_make(text.p, a), str_make(text.p + a, b - a),
                           str_make(text.p + b, text.len - b) };
    struct sse_parser p;
    struct buf seen;

    sse_parser_init(&p, 1000);
    buf_init(&seen, 10000);
    buf_addz(&seen, "");
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        assert_int_equal(sse_parser_feed(&p, parts[i], NULL), 0);
        note_events(&p, &seen);
    }
    assert_string_equal(seen.data, events);
    buf_fini(&seen);
    sse_parser_fini(&p);
}

static void expect_events(struct str text, const char *events)
{
    for (size_t a = 0; a <= text.len; a++) {
        for (size_t b = a; b <= text.len; b++) {
            expect_cut(text, a, b, events);
        }
    }
}

TEST(sse, lines_may_end_in_cr_or_lf_or_both_wherever_reads_cut_them)
{
    expect_events(STR("id: 1\ndata: a\n\nid: 2\rdata: b\r\rid: 3\r\ndata: c\r\n\r\n"),
                  "id<1>data<a>;id<2>data<b>;id<3>data<c>;");
}

TEST(sse, what_is_written_is_read_back)
{
    struct buf b;

    buf_init(&b, 1000);
    sse_write_priming(&b, STR("s-0"));
    sse_write_retry(&b, 20);
    sse_write_comment(&b, STR("x"));
    sse_write_event(&b, STR("s-1"), STR("l1\r\n\nl3\r"));
    expect_events(buf_str(&b), "id<s-0>data<>;retry<20>;id<s-1>data<l1\n\nl3\n>;");
    buf_fini(&b);
}

TEST(sse, a_byte_order_mark_is_ignored_at_the_start_only)
{
    expect_events(STR("\xEF\xBB\xBF"
                      "data: a\n\n\xEF\xBB\xBF"
                      "data: b\n\ndata: c\n\n"),
                  "data<a>;data<c>;");
    expect_events(STR("\xEF\xBB\xBF\ndata: a\n\n"), "data<a>;");
}

TEST(sse, one_space_behind_the_colon_is_not_part_of_the_value)
{
    expect_events(STR("data:a\n\ndata:  b\n\ndata: c:d\n\n"), "data<a>;data< b>;data<c:d>;");
}

TEST(sse, comments_and_unknown_fields_alone_are_not_reported)
{
    expect_events(STR(": hello\n\nfoo: bar\n\n\n\n:\n\ndata: a\nDATA: b\n:c\n data: d\n\n"),
                  "data<a>;");
}

TEST(sse, data_lines_are_joined_by_lf)
{
    expect_events(STR("data: a\ndata\ndata: b\n\ndata\ndata\n\n"), "data<a\n\nb>;data<\n>;");
}

TEST(sse, empty_data_is_reported_so_that_a_priming_event_can_be_remembered)
{
    expect_events(STR("id: 9\ndata:\n\nid: 10\ndata\n\n"), "id<9>data<>;id<10>data<>;");
}

TEST(sse, an_id_without_data_is_reported_without_data)
{
    expect_events(STR("id: 9\n\nid\n\n"), "id<9>;id<>;");
}

TEST(sse, an_id_with_a_nul_is_ignored)
{
    expect_events(STR("id: 1\0a\ndata: x\n\n"), "data<x>;");
}

TEST(sse, a_retry_time_is_of_digits_only)
{
    expect_events(STR("retry: 12\n\nretry: 1x\n\nretry: -1\n\nretry:\n\nretry: 0\ndata: a\n\n"),
                  "retry<12>;data<a>retry<0>;");
    expect_events(STR("retry: 99999999999999999999999\n\n"), "");
}

TEST(sse, the_type_is_reported_and_does_not_outlive_its_event)
{
    expect_events(STR("event: ping\ndata: a\n\ndata: b\n\n"), "type<ping>data<a>;data<b>;");
}

TEST(sse, a_block_that_the_stream_does_not_finish_is_not_reported)
{
    expect_events(STR("data: a\n\nid: 2\ndata: b\n"), "data<a>;");
}

TEST(sse, a_parser_can_be_reset_for_another_stream)
{
    struct sse_parser p;
    struct buf seen;

    sse_parser_init(&p, MAX);
    buf_init(&seen, 1000);
    assert_int_equal(sse_parser_feed(&p, STR("data: a\n\ndata: half\r"), NULL), 0);
    sse_parser_reset(&p);
    assert_int_equal(sse_parser_feed(&p,
                                     STR("\xEF\xBB\xBF"
                                         "data: b\n\n"),
                                     NULL),
                     0);
    note_events(&p, &seen);
    assert_string_equal(seen.data, "data<b>;");
    buf_fini(&seen);
    sse_parser_fini(&p);
}

/* A block of n bytes, its empty line included, in pieces of the given size. */
static int feed_block(size_t n, size_t piece, struct err *e)
{
    char text[MAX + 10];
    struct sse_parser p;
    int rc = 0;

    memset(text, 'x', sizeof(text));
    memcpy(text, "data:", 5);
    text[n - 2] = text[n - 1] = '\n';
    sse_parser_init(&p, MAX);
    for (size_t at = 0; at < n && rc == 0; at += piece) {
        rc = sse_parser_feed(&p, str_make(text + at, n - at < piece ? n - at : piece), e);
    }
    if (rc == 0) {
        struct sse_event event;

        assert_true(sse_parser_next(&p, &event));
        assert_int_equal(event.data.len, n - 7);
    }
    sse_parser_fini(&p);
    return rc;
}

TEST(sse, a_block_may_be_as_large_as_its_limit_and_no_larger)
{
    struct err e;

    for (size_t piece = 1; piece <= MAX + 1; piece++) {
        assert_int_equal(feed_block(MAX, piece, &e), 0);
        assert_int_equal(feed_block(MAX + 1, piece, &e), DMCP_E_TOOBIG);
        assert_string_equal(e.text, "an event is larger than 64 bytes");
    }
}

TEST(sse, many_blocks_may_be_fed_at_once)
{
    struct sse_parser p;
    struct sse_event event;
    struct buf b;
    int n = 0;

    sse_parser_init(&p, MAX);
    buf_init(&b, 1000000);
    for (int i = 0; i < 1000; i++) {
        sse_write_event(&b, STR("id"), STR("some data that fills the block"));
    }
    assert_int_equal(sse_parser_feed(&p, buf_str(&b), NULL), 0);
    while (sse_parser_next(&p, &event)) {
        n++;
    }
    assert_int_equal(n, 1000);
    buf_fini(&b);
    sse_parser_fini(&p);
}

RUN_TESTS()
