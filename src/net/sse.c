/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events, written and read. See sse.h.
 *
 * Reading: bytes are only counted into lines and blocks as they come. A block is looked into once
 * it is there as a whole, so that nothing about a half of one has to be remembered.
 */
#include "net/sse.h"

#include <assert.h>

#define BYTE_ORDER_MARK STR("\xEF\xBB\xBF")

/* Of the first line, without its end, which is CR, LF, CRLF or that of the text. */
static size_t line_len(struct str text)
{
    size_t n = 0;

    while (n < text.len && text.p[n] != '\r' && text.p[n] != '\n') {
        n++;
    }
    return n;
}

static size_t line_end_len(struct str text, size_t at)
{
    if (at == text.len) {
        return 0;
    }
    return text.p[at] == '\r' && at + 1 < text.len && text.p[at + 1] == '\n' ? 2 : 1;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void write_field(struct buf *b, struct str name, struct str value)
{
    buf_add_str(b, name);
    buf_add(b, ": ", 2);
    buf_add_str(b, value);
    buf_addc(b, '\n');
}

static bool is_one_line(struct str s)
{
    return line_len(s) == s.len && (s.len == 0 || !memchr(s.p, '\0', s.len));
}

void sse_write_event(struct buf *b, struct str id, struct str data)
{
    size_t n, end;

    assert(data.p && is_one_line(id));
    if (id.p) {
        write_field(b, STR("id"), id);
    }
    do {
        n = line_len(data);
        end = line_end_len(data, n);
        write_field(b, STR("data"), str_make(data.p, n));
        data = str_make(data.p + n + end, data.len - n - end);
    } while (end > 0);
    buf_addc(b, '\n');
}

void sse_write_priming(struct buf *b, struct str id)
{
    assert(id.p);
    sse_write_event(b, id, STR(""));
}

void sse_write_retry(struct buf *b, uint64_t retry_ms)
{
    buf_addf(b, "retry: %llu\n\n", (unsigned long long)retry_ms);
}

void sse_write_comment(struct buf *b, struct str text)
{
    assert(is_one_line(text));
    write_field(b, STR(""), text);
    buf_addc(b, '\n');
}

/* ---- Reading --------------------------------------------------------------------------------- */

void sse_parser_init(struct sse_parser *p, size_t max_block_bytes)
{
    *p = (struct sse_parser){ .max = max_block_bytes };
    buf_init(&p->in, SIZE_MAX / 2); /* a block and one feed, both bounded elsewhere */
    buf_init(&p->data, max_block_bytes);
    sse_parser_reset(p);
}

void sse_parser_fini(struct sse_parser *p)
{
    buf_fini(&p->in);
    buf_fini(&p->data);
}

void sse_parser_reset(struct sse_parser *p)
{
    buf_fini(&p->in);
    buf_fini(&p->data);
    p->at = p->complete = p->block_len = 0;
    p->is_line_empty = p->is_at_start = true;
    p->is_after_cr = false;
}

int sse_parser_feed(struct sse_parser *p, struct str bytes, struct err *e)
{
    size_t old;

    buf_consume(&p->in, p->at);
    p->complete -= p->at;
    p->at = 0;
    old = p->in.len;
    buf_add_str(&p->in, bytes);
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.p[i];
        bool is_second = p->is_after_cr && c == '\n';

        p->is_after_cr = c == '\r';
        if (++p->block_len > p->max) {
            return err_set(e, DMCP_E_TOOBIG, "an event is larger than %zu bytes", p->max);
        }
        if (is_second) {
            continue;
        }
        if (c != '\r' && c != '\n') {
            p->is_line_empty = false;
        } else if (p->is_line_empty) {
            p->complete = old + i + 1;
            p->block_len = 0;
        } else {
            p->is_line_empty = true;
        }
    }
    return DMCP_OK;
}

/* The first data line stands where it is; with a second one all are joined by LF. */
static void add_data(struct sse_parser *p, struct sse_event *event, struct str value)
{
    if (!event->data.p) {
        event->data = value;
        return;
    }
    if (p->data.len == 0) {
        buf_add_str(&p->data, event->data);
    }
    buf_addc(&p->data, '\n');
    buf_add_str(&p->data, value);
    event->data = buf_str(&p->data);
}

static void add_field(struct sse_parser *p, struct sse_event *event, struct str line)
{
    const char *colon = memchr(line.p, ':', line.len);
    struct str name = str_make(line.p, colon ? (size_t)(colon - line.p) : line.len);
    struct str value = str_make(line.p + name.len, line.len - name.len);

    if (colon) {
        value = str_make(value.p + 1, value.len - 1);
    }
    if (value.len > 0 && value.p[0] == ' ') {
        value = str_make(value.p + 1, value.len - 1);
    }
    if (str_eqz(name, "data")) {
        add_data(p, event, value);
    } else if (str_eqz(name, "event")) {
        event->type = value;
    } else if (str_eqz(name, "id")) {
        if (value.len == 0 || !memchr(value.p, '\0', value.len)) {
            event->id = value;
        }
    } else if (str_eqz(name, "retry")) {
        event->has_retry |= str_to_u64(value, UINT64_MAX, &event->retry_ms) == DMCP_OK;
    }
}

/* Takes the lines up to an empty one, or to the end of what is complete. */
static void take_block(struct sse_parser *p, struct sse_event *event)
{
    struct str rest, line;

    do {
        rest = str_make(p->in.data + p->at, p->complete - p->at);
        line = str_make(rest.p, line_len(rest));
        p->at += line.len + line_end_len(rest, line.len);
        if (p->is_at_start && str_starts(line, BYTE_ORDER_MARK)) {
            line = str_make(line.p + BYTE_ORDER_MARK.len, line.len - BYTE_ORDER_MARK.len);
        }
        p->is_at_start = false;
        if (line.len > 0) {
            add_field(p, event, line);
        }
    } while (line.len > 0 && p->at < p->complete);
}

bool sse_parser_next(struct sse_parser *p, struct sse_event *event_out)
{
    while (p->at < p->complete) {
        struct sse_event event = { .id = STR_NONE, .type = STR_NONE, .data = STR_NONE };

        buf_reset(&p->data);
        take_block(p, &event);
        if (event.data.p || event.id.p || event.has_retry) {
            *event_out = event;
            return true;
        }
    }
    return false;
}
