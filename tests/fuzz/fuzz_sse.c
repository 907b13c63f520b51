/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of server-sent events gives the same events however it is cut into pieces, and what is
 * written is read back. The first byte of the input says how it is cut.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "net/sse.h"

#define BLOCK_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void describe_part(struct buf *to, const char *name, struct str part)
{
    buf_addf(to, "%s %d %zu:", name, part.p != NULL, part.len);
    buf_add_str(to, part);
}

static void describe_event(struct buf *to, const struct sse_event *event)
{
    describe_part(to, "id", event->id);
    describe_part(to, "type", event->type);
    describe_part(to, "data", event->data);
    buf_addf(to, "retry %d %llu\n", event->has_retry,
             (unsigned long long)(event->has_retry ? event->retry_ms : 0));
    assert(event->id.p || event->data.p || event->has_retry);
    assert(!event->id.p || !event->id.len || !memchr(event->id.p, 0, event->id.len));
    assert(!event->data.len || !memchr(event->data.p, '\r', event->data.len));
}

/* All events, as text; and whether the stream was given up. What a piece completes is taken before
 * the next piece comes, as a client does it. */
static bool read_in_pieces(struct str stream, size_t piece, struct buf *events)
{
    struct sse_parser p;
    struct sse_event event;
    bool is_given_up = false;

    sse_parser_init(&p, BLOCK_MAX);
    while (stream.len > 0 && !is_given_up) {
        size_t n = stream.len < piece ? stream.len : piece;

        is_given_up = sse_parser_feed(&p, str_make(stream.p, n), NULL) != DMCP_OK;
        while (!is_given_up && sse_parser_next(&p, &event)) {
            describe_event(events, &event);
        }
        stream = str_make(stream.p + n, stream.len - n);
    }
    sse_parser_fini(&p);
    return is_given_up;
}

static void cut(struct str stream, size_t piece)
{
    struct buf whole, pieces;
    bool is_given_up, is_given_up_in_pieces;

    buf_init(&whole, 64 * MIB);
    buf_init(&pieces, 64 * MIB);
    is_given_up = read_in_pieces(stream, stream.len, &whole);
    is_given_up_in_pieces = read_in_pieces(stream, piece, &pieces);
    assert(is_given_up == is_given_up_in_pieces);
    assert(is_given_up || str_eq(buf_str(&whole), buf_str(&pieces)));
    buf_fini(&whole);
    buf_fini(&pieces);
}

/* Line ends of any kind come back as LF. */
static void write_and_read(struct str data)
{
    struct sse_parser p;
    struct sse_event event;
    struct buf text, expected;

    buf_init(&text, 64 * MIB);
    buf_init(&expected, 64 * MIB);
    for (size_t i = 0; i < data.len; i++) {
        bool is_crlf = data.p[i] == '\r' && i + 1 < data.len && data.p[i + 1] == '\n';

        buf_addc(&expected, data.p[i] == '\r' ? '\n' : data.p[i]);
        i += is_crlf;
    }
    sse_write_retry(&text, 500);
    sse_write_event(&text, STR("a-1"), data);
    sse_parser_init(&p, 64 * MIB);
    if (sse_parser_feed(&p, buf_str(&text), NULL) != DMCP_OK || !sse_parser_next(&p, &event)) {
        abort();
    }
    assert(event.has_retry && event.retry_ms == 500);
    if (!sse_parser_next(&p, &event)) {
        abort();
    }
    assert(str_eqz(event.id, "a-1"));
    assert(str_eq(event.data, buf_str(&expected)));
    assert(!sse_parser_next(&p, &event));
    sse_parser_fini(&p);
    buf_fini(&text);
    buf_fini(&expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        cut(str_make(data + 1, size - 1), (size_t)data[0] + 1);
        write_and_read(str_make(data + 1, size - 1));
    }
    return 0;
}
