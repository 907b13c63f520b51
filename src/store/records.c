/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoding and decoding of records. The pictures are in records.h; the first byte, the layout's
 * number, is 1 for all of them so far.
 */
#include "store/records.h"

#include "base/codec.h"
#include "store/keys.h"

#define LAYOUT 1

static struct decoder begin(struct str s)
{
    struct decoder d = { .rest = s };

    if (dec_u8(&d) != LAYOUT) {
        d.failed = true;
    }
    return d;
}

/* A code is a number from 1 to the last one that this program knows. */
static uint8_t dec_code(struct decoder *d, uint8_t last)
{
    uint8_t code = dec_u8(d);

    if (code < 1 || code > last) {
        d->failed = true;
    }
    return code;
}

void session_record_enc(struct buf *b, const struct session_record *r)
{
    enc_u8(b, LAYOUT);
    enc_u64(b, r->created_ms);
    enc_u64(b, r->seen_ms);
    enc_u8(b, r->log_level);
    enc_u8(b, r->flags);
    enc_str(b, r->protocol_version);
    enc_str(b, r->principal);
    enc_str(b, r->client_info);
    enc_str(b, r->capabilities);
}

int session_record_dec(struct str s, struct session_record *r)
{
    struct decoder d = begin(s);

    r->created_ms = dec_u64(&d);
    r->seen_ms = dec_u64(&d);
    r->log_level = dec_u8(&d);
    r->flags = dec_u8(&d);
    r->protocol_version = dec_str(&d);
    r->principal = dec_str(&d);
    r->client_info = dec_str(&d);
    r->capabilities = dec_str(&d);
    return dec_end(&d);
}

void call_record_enc(struct buf *b, const struct call_record *r)
{
    enc_u8(b, LAYOUT);
    enc_u8(b, r->era);
    enc_u8(b, r->method);
    enc_u64(b, r->created_ms);
    enc_id(b, r->session);
    enc_id(b, r->digest);
    enc_str(b, r->request_id);
    enc_str(b, r->name);
    enc_str(b, r->params);
}

int call_record_dec(struct str s, struct call_record *r)
{
    struct decoder d = begin(s);

    r->era = dec_code(&d, CALL_MODERN);
    r->method = dec_code(&d, CALL_NOTICE);
    r->created_ms = dec_u64(&d);
    r->session = dec_id(&d);
    r->digest = dec_id(&d);
    r->request_id = dec_str(&d);
    r->name = dec_str(&d);
    r->params = dec_str(&d);
    return dec_end(&d);
}

void unfinished_record_enc(struct buf *b, const struct unfinished_record *r)
{
    enc_u8(b, LAYOUT);
    enc_u32(b, r->attempt);
    enc_u32(b, r->crashes);
    enc_u8(b, r->flags);
    enc_u64(b, r->epoch);
    enc_u64(b, r->told_ms);
}

int unfinished_record_dec(struct str s, struct unfinished_record *r)
{
    struct decoder d = begin(s);

    r->attempt = dec_u32(&d);
    r->crashes = dec_u32(&d);
    r->flags = dec_u8(&d);
    r->epoch = dec_u64(&d);
    r->told_ms = dec_u64(&d);
    return dec_end(&d);
}

void result_record_enc(struct buf *b, const struct result_record *r)
{
    enc_u8(b, LAYOUT);
    enc_u8(b, r->outcome);
    enc_u64(b, r->finished_ms);
    enc_u64(b, r->n_events);
    enc_str(b, r->body);
}

int result_record_dec(struct str s, struct result_record *r)
{
    struct decoder d = begin(s);

    r->outcome = dec_code(&d, OUTCOME_CANCELLED);
    r->finished_ms = dec_u64(&d);
    r->n_events = dec_u64(&d);
    r->body = dec_str(&d);
    return dec_end(&d);
}

void journal_record_enc(struct buf *b, const struct journal_record *r)
{
    enc_u8(b, LAYOUT);
    enc_u8(b, r->guard);
    enc_u8(b, r->state);
    enc_u32(b, r->attempt);
    enc_u64(b, r->at_ms);
    enc_u64(b, r->due_ms);
    enc_id(b, r->digest);
    enc_str(b, r->label);
    enc_str(b, r->body);
}

int journal_record_dec(struct str s, struct journal_record *r)
{
    struct decoder d = begin(s);

    r->guard = dec_code(&d, GUARD_LOOP);
    r->state = dec_code(&d, STEP_EXPIRED);
    r->attempt = dec_u32(&d);
    r->at_ms = dec_u64(&d);
    r->due_ms = dec_u64(&d);
    r->digest = dec_id(&d);
    r->label = dec_str(&d);
    r->body = dec_str(&d);
    return dec_end(&d);
}

const char *step_guard_name(uint8_t guard)
{
    switch (guard) {
    case GUARD_AT_LEAST_ONCE:
        return "an at-least-once step";
    case GUARD_AT_MOST_ONCE:
        return "an at-most-once step";
    case GUARD_VALUE:
        return "a value";
    case GUARD_MAP:
        return "a map write";
    case GUARD_EVENT:
        return "an event";
    case GUARD_INPUT:
        return "an input";
    case GUARD_UNTIL:
        return "a condition";
    case GUARD_LOOP:
        return "a loop";
    default:
        return "a step of an unknown kind";
    }
}

void event_record_enc(struct buf *b, const struct event_record *r)
{
    enc_u8(b, LAYOUT);
    enc_u64(b, r->at_ms);
    enc_str(b, r->message);
}

int event_record_dec(struct str s, struct event_record *r)
{
    struct decoder d = begin(s);

    r->at_ms = dec_u64(&d);
    r->message = dec_str(&d);
    return dec_end(&d);
}

void stream_record_enc(struct buf *b, const struct stream_record *r)
{
    enc_u8(b, LAYOUT);
    enc_u64(b, r->next);
    enc_u64(b, r->sent);
}

int stream_record_dec(struct str s, struct stream_record *r)
{
    struct decoder d = begin(s);

    r->next = dec_u64(&d);
    r->sent = dec_u64(&d);
    return dec_end(&d);
}

void request_record_enc(struct buf *b, const struct request_record *r)
{
    enc_u8(b, LAYOUT);
    enc_id(b, r->call);
    enc_id(b, r->digest);
}

int request_record_dec(struct str s, struct request_record *r)
{
    struct decoder d = begin(s);

    r->call = dec_id(&d);
    r->digest = dec_id(&d);
    return dec_end(&d);
}

void idempotency_record_enc(struct buf *b, const struct idempotency_record *r)
{
    enc_u8(b, LAYOUT);
    enc_id(b, r->call);
    enc_id(b, r->digest);
    enc_u64(b, r->expires_ms);
}

int idempotency_record_dec(struct str s, struct idempotency_record *r)
{
    struct decoder d = begin(s);

    r->call = dec_id(&d);
    r->digest = dec_id(&d);
    r->expires_ms = dec_u64(&d);
    return dec_end(&d);
}

void input_record_enc(struct buf *b, const struct input_record *r)
{
    enc_u8(b, LAYOUT);
    enc_id(b, r->call);
    enc_id(b, r->session);
    enc_str(b, r->alias);
}

int input_record_dec(struct str s, struct input_record *r)
{
    struct decoder d = begin(s);

    r->call = dec_id(&d);
    r->session = dec_id(&d);
    r->alias = dec_str(&d);
    if (r->alias.len == 0 || r->alias.len > KEY_ALIAS_BYTES_MAX) {
        d.failed = true; /* no key has it */
    }
    return dec_end(&d);
}

void watch_record_enc(struct buf *b, const struct watch_record *r)
{
    enc_u8(b, LAYOUT);
    enc_str(b, r->ranges);
}

int watch_record_dec(struct str s, struct watch_record *r)
{
    struct decoder d = begin(s);

    r->ranges = dec_str(&d);
    return dec_end(&d);
}

void lists_record_enc(struct buf *b, const struct lists_record *r)
{
    enc_u8(b, LAYOUT);
    for (unsigned i = 0; i < N_LISTS; i++) {
        enc_u64(b, r->digests[i]);
    }
}

int lists_record_dec(struct str s, struct lists_record *r)
{
    struct decoder d = begin(s);

    for (unsigned i = 0; i < N_LISTS; i++) {
        r->digests[i] = dec_u64(&d);
    }
    return dec_end(&d);
}

void watch_range_add(struct buf *ranges, struct str from, struct str to)
{
    enc_str(ranges, from);
    enc_str(ranges, to);
}

int watch_range_next(struct str *ranges, struct str *from_out, struct str *to_out)
{
    struct decoder d = { .rest = *ranges };

    if (ranges->len == 0) {
        return DMCP_E_NOTFOUND;
    }
    *from_out = dec_str(&d);
    *to_out = dec_str(&d);
    *ranges = d.rest;
    return d.failed ? DMCP_E_CORRUPT : DMCP_OK;
}
