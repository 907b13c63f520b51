/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding messages. See hold.h.
 *
 *   line --> WAITING --handed over--> HANDED --DONE--> gone
 *               ^                       |
 *               +-- the process died, --+
 *                   or says LATER
 */
#include "server/hold.h"

#include <stdio.h>

#include "base/limits.h"
#include "json/rpc.h"
#include "server/frame.h"

struct message {
    uint64_t number;
    uint64_t sequence; /* of the last event that the host got because of it */
    struct link link;  /* in waiting or handed */
    struct str text;   /* owned */
    bool is_repeat;    /* it was handed over before */
    bool is_crowded;   /* when it came, there were too many */
};

static struct str number_key(const uint64_t *number)
{
    return str_make(number, sizeof(*number));
}

static size_t cost_of(const struct message *m)
{
    return sizeof(*m) + m->text.len;
}

void hold_init(struct hold *h, size_t max_line_bytes, size_t max_bytes)
{
    *h = (struct hold){ .max_line_bytes = max_line_bytes, .max_bytes = max_bytes };
    hmap_init(&h->by_number);
    list_init(&h->waiting);
    list_init(&h->handed);
    buf_init(&h->line, max_line_bytes + 1); /* and the CR of a line that ends in CRLF */
    fifo_init(&h->to_host);
    fifo_init(&h->to_server);
    fifo_init(&h->from_server);
}

static void free_message(struct message *m)
{
    mem_free((void *)(uintptr_t)m->text.p);
    mem_free(m);
}

void hold_fini(struct hold *h)
{
    struct link *k;

    while ((k = list_pop(&h->waiting)) || (k = list_pop(&h->handed))) {
        free_message(CONTAINER_OF(k, struct message, link));
    }
    hmap_fini(&h->by_number);
    buf_fini(&h->line);
    fifo_fini(&h->to_host);
    fifo_fini(&h->to_server);
    fifo_fini(&h->from_server);
}

/* ---- to the host ---- */

/* Between the parts of a JSON text there may be line ends; in a line there must be none. */
static void add_line(struct hold *h, struct str text)
{
    struct buf *out = &h->to_host.buf;
    size_t start = out->len;
    char *at, *end;

    if (h->is_mute) {
        return;
    }
    buf_add_str(out, text);
    end = out->data + out->len;
    for (at = out->data + start; (at = memchr(at, '\n', (size_t)(end - at)));) {
        *at = ' ';
    }
    for (at = out->data + start; (at = memchr(at, '\r', (size_t)(end - at)));) {
        *at = ' ';
    }
    buf_addc(out, '\n');
}

void hold_mute(struct hold *h)
{
    h->is_mute = true;
    fifo_take(&h->to_host, fifo_rest(&h->to_host).len);
}

static bool is_backed_up(const struct hold *h)
{
    return fifo_rest(&h->to_host).len >= LIMIT_OUTPUT_BYTES;
}

/* ---- from the host ---- */

bool hold_takes_input(const struct hold *h)
{
    return !is_backed_up(h) && h->waiting_bytes < LIMIT_HANDING_BYTES &&
           h->bytes / 2 < h->max_bytes;
}

static void refuse_line(struct hold *h)
{
    struct str id = rpc_scan_id(&h->scan);
    char text[128];
    struct buf error;

    snprintf(text, sizeof(text), "Invalid Request: the message is longer than %zu bytes",
             h->max_line_bytes);
    buf_init(&error, KIB);
    rpc_write_error(&error, id.p ? id : STR("null"), RPC_INVALID_REQUEST, str_of(text), STR_NONE);
    add_line(h, buf_str(&error));
    buf_fini(&error);
}

static bool is_blank(struct str line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r') {
            return false;
        }
    }
    return true;
}

/* NULL: the line is blank. */
static struct message *add_message(struct hold *h, struct str line)
{
    struct message *m;

    if (is_blank(line)) {
        return NULL;
    }
    m = mem_zalloc(sizeof(*m));
    m->number = ++h->last_number;
    m->text = str_make(mem_dup(line.p, line.len), line.len);
    m->is_crowded = h->bytes >= h->max_bytes;
    hmap_put(&h->by_number, number_key(&m->number), m);
    list_append(&h->waiting, &m->link);
    h->waiting_bytes += cost_of(m);
    h->bytes += cost_of(m);
    return m;
}

/* The line is too long, or the rest of one that is. */
static void skip(struct hold *h, struct str part)
{
    if (!h->is_skipping) {
        h->is_skipping = true;
        rpc_scan_init(&h->scan);
        rpc_scan_feed(&h->scan, buf_str(&h->line));
        buf_reset(&h->line);
    }
    rpc_scan_feed(&h->scan, part);
}

/* The line that was gathered is complete. */
static void end_line(struct hold *h)
{
    struct str line = buf_str(&h->line);

    if (line.len > 0 && line.p[line.len - 1] == '\r') {
        line.len--;
    }
    if (line.len > h->max_line_bytes) {
        skip(h, STR(""));
    }
    if (h->is_skipping) {
        refuse_line(h);
    } else {
        (void)add_message(h, line);
    }
    h->is_skipping = false;
    buf_reset(&h->line);
}

static void gather(struct hold *h, struct str part)
{
    if (h->is_skipping || h->line.len + part.len > h->line.max) {
        skip(h, part);
    } else {
        buf_add_str(&h->line, part);
    }
}

void hold_take_input(struct hold *h, struct str bytes)
{
    const char *end;

    while ((end = memchr(bytes.p, '\n', bytes.len))) {
        size_t n = (size_t)(end - bytes.p);

        gather(h, str_make(bytes.p, n));
        end_line(h);
        bytes = str_make(end + 1, bytes.len - n - 1);
    }
    gather(h, bytes);
}

void hold_end_input(struct hold *h)
{
    if (h->line.len > 0 || h->is_skipping) {
        end_line(h);
    }
    h->is_end = true;
}

/* ---- to the server process ---- */

static void hand_over(struct hold *h, struct message *m)
{
    struct frame f = { .kind = FRAME_MESSAGE, .number = m->number, .sequence = m->sequence };

    f.flags = (uint8_t)((m->is_repeat ? FRAME_REPEAT : 0u) | (m->is_crowded ? FRAME_CROWDED : 0u));
    frame_write(&h->to_server.buf, f, m->text);
    m->is_repeat = true;
    list_remove(&h->waiting, &m->link);
    list_append(&h->handed, &m->link);
    h->waiting_bytes -= cost_of(m);
}

void hold_hand_over(struct hold *h)
{
    while (!list_empty(&h->waiting) && !is_backed_up(h) &&
           fifo_rest(&h->to_server).len < LIMIT_READ_BYTES) {
        hand_over(h, CONTAINER_OF(list_first(&h->waiting), struct message, link));
    }
    if (h->is_end && !h->is_end_told && list_empty(&h->waiting)) {
        h->is_end_told = true;
        frame_write(&h->to_server.buf, (struct frame){ .kind = FRAME_NO_MORE }, STR_NONE);
    }
}

/* ---- from the server process ---- */

bool hold_takes_frames(const struct hold *h)
{
    return !is_backed_up(h);
}

static void take_event(struct hold *h, const struct frame *f, struct str text)
{
    struct message *m = hmap_get(&h->by_number, number_key(&f->number));
    uint64_t *sequence = f->number == 0 ? &h->sequence : m ? &m->sequence : NULL;

    if (sequence && f->sequence > *sequence) {
        *sequence = f->sequence;
        add_line(h, text);
    }
}

static void take_done(struct hold *h, const struct frame *f, struct str text)
{
    struct message *m = hmap_del(&h->by_number, number_key(&f->number));

    if (m) {
        h->has_session |= (f->flags & FRAME_OPENED) != 0;
        if (text.len > 0) {
            add_line(h, text);
        }
        list_remove(&h->handed, &m->link);
        h->bytes -= cost_of(m);
        free_message(m);
    }
}

static void take_split(struct hold *h, const struct frame *f, struct str lines)
{
    const char *end;

    if (hmap_get(&h->by_number, number_key(&f->number))) {
        while ((end = memchr(lines.p, '\n', lines.len))) {
            size_t n = (size_t)(end - lines.p);
            struct message *m = add_message(h, str_make(lines.p, n));

            m->is_repeat = true; /* it is a part of what was handed over */
            lines = str_make(end + 1, lines.len - n - 1);
        }
        take_done(h, f, STR_NONE);
    }
}

static void take_later(struct hold *h, const struct frame *f)
{
    struct message *m = hmap_get(&h->by_number, number_key(&f->number));

    if (m) {
        list_remove(&h->handed, &m->link);
        list_append(&h->waiting, &m->link);
        h->waiting_bytes += cost_of(m);
    }
}

void hold_take_frames(struct hold *h)
{
    struct str rest = fifo_rest(&h->from_server), text;
    size_t n = rest.len;
    struct frame f;

    while (frame_next(&rest, &f, &text) == DMCP_OK) {
        switch ((enum frame_kind)f.kind) {
        case FRAME_EVENT:
            take_event(h, &f, text);
            break;
        case FRAME_DONE:
            take_done(h, &f, text);
            break;
        case FRAME_LATER:
            take_later(h, &f);
            break;
        case FRAME_SPLIT:
            take_split(h, &f, text);
            break;
        case FRAME_MESSAGE:
        case FRAME_NO_MORE:
            break; /* not for us */
        }
    }
    fifo_take(&h->from_server, n - rest.len);
}

/* What is behind the last whole frame never was said. */
void hold_take_back(struct hold *h)
{
    struct link *k;

    fifo_fini(&h->from_server);
    fifo_init(&h->from_server);
    fifo_fini(&h->to_server);
    fifo_init(&h->to_server);
    while ((k = list_pop(&h->waiting))) {
        list_append(&h->handed, k);
    }
    while ((k = list_pop(&h->handed))) {
        list_append(&h->waiting, k);
    }
    h->waiting_bytes = h->bytes;
    h->is_end_told = false;
}
