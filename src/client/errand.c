/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errands. See errand.h.
 */
#include "client/errand.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/retry.h"
#include "client/client.h"
#include "client/url.h"

/* The longest pause between two attempts, unless the server asked for a longer one: so many times
 * the first. */
#define PAUSE_GROWTH 8
#define LONGEST_RETRY_MS ((uint64_t)365 * 86400 * 1000) /* what a server may ask for */

static void errand_move(struct errand *x, enum errand_state to)
{
    static const unsigned char allowed[] = {
        [ERRAND_WAITING] = 1 << ERRAND_OPEN | 1 << ERRAND_DONE,
        [ERRAND_OPEN] = 1 << ERRAND_WAITING | 1 << ERRAND_DONE,
        [ERRAND_DONE] = 0,
    };

    assert(allowed[x->state] & 1 << to);
    x->state = to;
}

/* ---- Life ---- */

struct errand *errand_new(struct dmcp_client *c, enum errand_kind kind, struct str body)
{
    struct errand *x = mem_zalloc(sizeof(*x));

    x->kind = kind;
    x->body = body.p ? mem_dup(body.p, body.len) : NULL;
    x->body_len = body.len;
    x->may_repeat = kind != ERRAND_REQUEST;
    x->deadline_ms = UINT64_MAX;
    x->reconnect_ms = c->o.reconnect_ms;
    sse_parser_init(&x->sse, c->o.max_message_bytes);
    list_append(&c->errands, &x->link);
    return x;
}

void errand_free(struct dmcp_client *c, struct errand *x)
{
    if (!x) {
        return;
    }
    list_remove(&c->errands, &x->link);
    transfer_free(x->transfer);
    sse_parser_fini(&x->sse);
    mem_free(x->body);
    mem_free(x->redirect);
    mem_free(x->event_id);
    mem_free(x->session_id);
    mem_free(x->result);
    mem_free(x->rpc_message);
    mem_free(x->rpc_data);
    mem_free(x);
}

bool errand_is_settled(const struct errand *x)
{
    return x->state == ERRAND_DONE || (x->kind == ERRAND_LISTEN && x->is_stream);
}

/* A GET that is still to be answered tells nothing of the POST before it. */
enum dmcp_delivery errand_delivery(const struct errand *x)
{
    if (x->is_answered) {
        return DMCP_DELIVERY_ANSWERED;
    }
    if (x->was_sent || x->kind == ERRAND_RESUME ||
        (x->transfer && x->is_posting && !transfer_was_not_sent(x->transfer))) {
        return DMCP_DELIVERY_UNKNOWN;
    }
    return DMCP_DELIVERY_NONE;
}

/* ---- The end ---- */

void errand_finish(struct errand *x)
{
    /* The rest of a stream behind the response is its end, and being read to it the connection
     * serves the next request. */
    transfer_drain(x->transfer);
    x->transfer = NULL;
    x->is_answered = true;
    errand_move(x, ERRAND_DONE);
}

void errand_fail(struct errand *x, int code, const char *fmt, ...)
{
    va_list ap;
    char text[sizeof(x->error.text)];

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    err_set(&x->error, code, "%s", text);
    transfer_free(x->transfer);
    x->transfer = NULL;
    errand_move(x, ERRAND_DONE);
}

/* ---- Coming back ---- */

static bool can_go_on(const struct errand *x)
{
    return x->kind != ERRAND_END && (x->event_id || !x->was_sent || x->may_repeat);
}

/* The first wait is what the server asked for, or a random part of what the client's options
 * say; then it grows. Never shorter than asked for. */
static uint64_t pause_ms(const struct dmcp_client *c, const struct errand *x)
{
    uint32_t first_ms = (uint32_t)c->o.retry_ms;
    struct retry schedule = { .first_ms = first_ms, .max_ms = PAUSE_GROWTH * first_ms };
    uint64_t random;

    if (x->has_retry && x->failures == 1) {
        return x->retry_ms;
    }
    random_bytes(&random, sizeof(random));
    if (x->has_retry) {
        return x->retry_ms + retry_delay_ms(&schedule, x->failures - 1, random);
    }
    return retry_delay_ms(&schedule, x->failures, random);
}

/* What the transfer that ends tells about the next one. */
static void note_failure(struct errand *x, uint64_t now_ms)
{
    if (x->is_stream && x->transfer->body_bytes > 0) {
        x->failures = 0;
        x->fruitless_since_ms = 0;
    }
    if (x->is_posting && !x->is_judged && !transfer_was_not_sent(x->transfer)) {
        x->was_sent = true;
    }
    x->failures++;
    if (x->fruitless_since_ms == 0) {
        x->fruitless_since_ms = now_ms;
    }
}

void errand_come_back(struct dmcp_client *c, struct errand *x, uint64_t now_ms, uint64_t min_ms,
                      const char *reason)
{
    uint64_t wait_ms;

    note_failure(x, now_ms);
    if (!can_go_on(x)) {
        errand_fail(x, DMCP_E_NET,
                    "the connection broke before the answer came, and the request cannot be "
                    "repeated: whether the server executed it is unknown (%s)",
                    reason);
        return;
    }
    if (x->reconnect_ms >= 0 && now_ms - x->fruitless_since_ms >= (uint64_t)x->reconnect_ms) {
        errand_fail(x, DMCP_E_NET, "the server could not be reached for %llu ms: %s",
                    (unsigned long long)(now_ms - x->fruitless_since_ms), reason);
        return;
    }
    wait_ms = pause_ms(c, x);
    if (wait_ms < min_ms) {
        wait_ms = min_ms;
    }
    if (wait_ms >= x->deadline_ms - now_ms) {
        errand_fail(x, DMCP_E_NET, "no time left to try again: %s", reason);
        return;
    }
    log_debug("client: %s; again in %llu ms", reason, (unsigned long long)wait_ms);
    transfer_free(x->transfer);
    x->transfer = NULL;
    mem_free(x->redirect);
    x->redirect = NULL;
    x->n_redirects = 0;
    x->due_ms = now_ms + wait_ms;
    errand_move(x, ERRAND_WAITING);
}

void errand_redirect(struct errand *x, const char *url, uint64_t now_ms)
{
    char *copy = mem_strdup(url); /* it lives in the transfer, or is x->redirect itself */

    mem_free(x->redirect);
    x->redirect = copy;
    x->n_redirects++;
    transfer_drain(x->transfer);
    x->transfer = NULL;
    x->due_ms = now_ms;
    errand_move(x, ERRAND_WAITING);
}

bool errand_forget_event(struct errand *x, uint64_t now_ms)
{
    if (x->kind != ERRAND_REQUEST || !x->event_id || !x->may_repeat) {
        return false;
    }
    mem_free(x->event_id);
    x->event_id = NULL;
    transfer_drain(x->transfer);
    x->transfer = NULL;
    x->due_ms = now_ms;
    errand_move(x, ERRAND_WAITING);
    return true;
}

/* ---- Its transfer ---- */

static void open_transfer(struct dmcp_client *c, struct errand *x, uint64_t now_ms)
{
    struct transfer_request r = {
        .method = TRANSFER_GET,
        .url = x->redirect ? x->redirect : c->url,
        .session_id = c->session_id ? c->session_id : x->session_id,
        .version = c->version,
        .last_event_id = x->event_id,
    };

    x->is_posting = x->body && !x->event_id;
    if (x->is_posting) {
        r.method = TRANSFER_POST;
        r.body = str_make(x->body, x->body_len);
        r.is_fresh = !x->may_repeat;
    } else if (x->kind == ERRAND_END) {
        r.method = TRANSFER_DELETE;
    }
    x->is_judged = false;
    x->is_stream = false;
    x->seen_bytes = 0;
    x->seen_ms = now_ms;
    sse_parser_reset(&x->sse);
    x->transfer = transfer_open(&c->wire, &r);
    errand_move(x, ERRAND_OPEN);
}

static bool is_success(int status)
{
    return status >= 200 && status < 300;
}

static void look_at_headers(struct errand *x)
{
    struct str session_id = transfer_session_id(x->transfer);

    x->is_judged = true;
    x->http_status = transfer_status(x->transfer);
    if (!is_success(x->http_status)) {
        return;
    }
    if (x->is_posting) {
        x->was_sent = true;
    }
    if (header_is_session_id(session_id)) {
        mem_free(x->session_id);
        x->session_id = mem_dup(session_id.p, session_id.len);
    }
    x->is_stream = x->kind != ERRAND_NOTICE && x->kind != ERRAND_END &&
                   str_eq_nocase(transfer_content_type(x->transfer), STR("text/event-stream"));
}

/* The response itself is no place to resume from: nothing comes behind it. */
static void remember_event(struct dmcp_client *c, struct errand *x, struct str id)
{
    const dmcp_call_options *o = x->options;

    if (!id.p || x->state != ERRAND_OPEN || (x->event_id && str_eqz(id, x->event_id))) {
        return;
    }
    if (id.len > 0 && !header_is_event_id(id)) {
        log_warning("client: the server sent an event id that cannot be sent back");
        return;
    }
    mem_free(x->event_id);
    x->event_id = id.len > 0 ? mem_dup(id.p, id.len) : NULL; /* the server may take it back */
    if (x->event_id && o && o->on_resumption_token) {
        c->is_in_callback = true;
        o->on_resumption_token(c, x->id, x->event_id, o->arg);
        c->is_in_callback = false;
    }
}

static void read_events(struct dmcp_client *c, struct errand *x)
{
    struct buf *in = &x->transfer->in;
    struct sse_event event;
    struct err e;
    int rc;

    rc = sse_parser_feed(&x->sse, buf_str(in), &e);
    buf_reset(in);
    if (rc) {
        errand_fail(x, rc, "%s", e.text);
        return;
    }
    while (x->state == ERRAND_OPEN && sse_parser_next(&x->sse, &event)) {
        if (event.has_retry) {
            x->has_retry = true;
            x->retry_ms = event.retry_ms < LONGEST_RETRY_MS ? event.retry_ms : LONGEST_RETRY_MS;
        }
        /* An event without data only primes: its id is what counts. */
        if (event.data.len > 0 && (event.type.len == 0 || str_eqz(event.type, "message"))) {
            rc = message_accept(c, x, event.data, &e);
            if (rc && x->kind == ERRAND_LISTEN) {
                log_warning("client: %s", e.text);
            } else if (rc && x->state == ERRAND_OPEN) {
                errand_fail(x, rc, "%s", e.text);
            }
        }
        remember_event(c, x, event.id);
    }
}

static void advance_open(struct dmcp_client *c, struct errand *x, uint64_t now_ms)
{
    struct transfer *t = x->transfer;

    if (t->header_bytes + t->body_bytes != x->seen_bytes) {
        x->seen_bytes = t->header_bytes + t->body_bytes;
        x->seen_ms = now_ms;
    }
    if (t->has_headers && !x->is_judged) {
        look_at_headers(x);
    }
    if (x->is_stream) {
        read_events(c, x);
        if (x->state != ERRAND_OPEN) {
            return;
        }
    }
    if (t->is_done && (t->overrun || (!x->is_stream && t->in.len > c->o.max_message_bytes))) {
        errand_fail(x, DMCP_E_TOOBIG, "the %s of the server's answer is too big",
                    t->overrun ? t->overrun : "body");
    } else if (transfer_is_hopeless(t)) {
        errand_fail(x, DMCP_E_NET, "the server cannot be trusted or spoken to: %s",
                    transfer_reason(t));
    } else if (t->is_done && (x->is_stream || !t->has_headers ||
                              (t->code != CURLE_OK && is_success(x->http_status)))) {
        errand_come_back(c, x, now_ms, 0, transfer_reason(t));
    } else if (t->is_done) {
        answer_judge(c, x, now_ms);
    } else if (now_ms >= errand_wake_ms(c, x)) {
        errand_come_back(c, x, now_ms, 0, "nothing came for too long");
    }
}

void errand_advance(struct dmcp_client *c, struct errand *x, uint64_t now_ms)
{
    switch (x->state) {
    case ERRAND_WAITING:
        if (now_ms >= x->due_ms) {
            open_transfer(c, x, now_ms);
        }
        break;
    case ERRAND_OPEN:
        advance_open(c, x, now_ms);
        break;
    case ERRAND_DONE:
        break;
    }
}

uint64_t errand_wake_ms(const struct dmcp_client *c, const struct errand *x)
{
    switch (x->state) {
    case ERRAND_WAITING:
        return x->due_ms;
    case ERRAND_OPEN:
        /* Silence is a reason to break off only what can be continued. */
        return c->o.idle_ms >= 0 && (x->event_id || x->may_repeat)
                   ? x->seen_ms + (uint64_t)c->o.idle_ms
                   : UINT64_MAX;
    case ERRAND_DONE:
        break;
    }
    return UINT64_MAX;
}
