/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an HTTP answer that is no event stream means for its errand: the response itself, a
 * refusal, "later", or "elsewhere".
 *
 *   2xx          a request: the JSON-RPC response. A notice: accepted.
 *   3xx          the same at another URL of the same origin, a few times.
 *   404          the session is gone (MCP 2025-11-25, Transports, "Session Management" (3)); or, on
 *                resuming, perhaps only the event.
 *   429, 503     later, if the server says when: it has not executed the request. Otherwise only
 *                what may be repeated.
 *   502, 504     a proxy lost the server: as a broken connection.
 *   others       a refusal, with the JSON-RPC error of the body if there is one.
 */
#include "client/client.h"
#include "client/url.h"
#include "base/limits.h"

#define EXCERPT_BYTES 120 /* of a body, for an error text */

static bool is_getting(const struct errand *x)
{
    return !x->is_posting && x->kind != ERRAND_END;
}

/* What the server said, for people: the error's message, or the beginning of the body. */
static const char *excerpt(struct errand *x, char out[EXCERPT_BYTES + 4])
{
    struct str body = buf_str(&x->transfer->in);
    size_t n = 0;

    if (message_accept_error(x, body)) {
        body = str_of(x->rpc_message);
    }
    out[n++] = ':';
    out[n++] = ' ';
    for (size_t i = 0; i < body.len && n < EXCERPT_BYTES + 2; i++) {
        unsigned char c = (unsigned char)body.p[i];

        out[n++] = c < 0x20 || c == 0x7f ? ' ' : body.p[i];
    }
    out[body.len ? n : 0] = '\0';
    return out;
}

static void judge_success(struct dmcp_client *c, struct errand *x)
{
    struct err e;
    int rc;

    if (x->kind == ERRAND_NOTICE || x->kind == ERRAND_END) {
        errand_finish(x);
        return;
    }
    if (is_getting(x)) {
        errand_fail(x, DMCP_E_PROTOCOL,
                    "the server answered a GET with something that is no "
                    "event stream");
        return;
    }
    if (!str_eq_nocase(transfer_content_type(x->transfer), STR("application/json"))) {
        errand_fail(x, DMCP_E_PROTOCOL,
                    "the server answered HTTP %d with something that is neither JSON nor an "
                    "event stream: is this an MCP endpoint?",
                    x->http_status);
        return;
    }
    rc = message_accept(c, x, buf_str(&x->transfer->in), &e);
    if (x->state == ERRAND_OPEN) {
        if (message_accept_error(x, buf_str(&x->transfer->in))) {
            errand_finish(x); /* an error without id, in the answer to this one request */
        } else {
            errand_fail(x, DMCP_E_PROTOCOL, "the server's answer is no response to the request%s%s",
                        rc ? ": " : "", rc ? e.text : "");
        }
    }
}

static void judge_redirect(struct dmcp_client *c, struct errand *x, uint64_t now_ms)
{
    const char *url = transfer_redirect(x->transfer);
    int status = x->http_status;

    if (!url || (status != 307 && status != 308 && !is_getting(x))) {
        errand_fail(x, DMCP_E_PROTOCOL,
                    "the server answered HTTP %d, which is no way to "
                    "redirect this request",
                    status);
    } else if (!url_is_same_origin(c->url, url)) {
        /* It would be handed the session's id, and perhaps the user's token. */
        errand_fail(x, DMCP_E_DENIED, "the server redirects to another origin: %.120s", url);
    } else if (x->n_redirects >= LIMIT_REDIRECTS) {
        errand_fail(x, DMCP_E_PROTOCOL, "the server redirects in circles");
    } else {
        errand_redirect(x, url, now_ms);
    }
}

/* The server, or what stands before it, is not ready. */
static void judge_unready(struct dmcp_client *c, struct errand *x, uint64_t now_ms)
{
    bool is_later = x->http_status == 429 || x->http_status == 503;
    char text[EXCERPT_BYTES + 4], reason[EXCERPT_BYTES + 40];
    uint64_t wait_ms = 0;

    excerpt(x, text);
    if ((is_later && transfer_retry_after(x->transfer, &wait_ms)) || is_getting(x) ||
        x->may_repeat) {
        snprintf(reason, sizeof(reason), "HTTP %d%s", x->http_status, text);
        errand_come_back(c, x, now_ms, wait_ms, reason);
    } else if (is_later) {
        x->was_sent = x->http_status == 503; /* which may also be said after the fact */
        errand_fail(x, DMCP_E_BUSY, "the server answered HTTP %d%s", x->http_status, text);
    } else {
        x->was_sent = true;
        errand_fail(x, DMCP_E_NET, "HTTP %d: whether the server executed the request is unknown%s",
                    x->http_status, text);
    }
}

static void judge_unknown(struct dmcp_client *c, struct errand *x, uint64_t now_ms)
{
    char text[EXCERPT_BYTES + 4];

    if (errand_forget_event(x, now_ms)) {
        return;
    }
    x->is_answered = x->is_posting;
    excerpt(x, text);
    if (c->session_id || x->session_id) {
        errand_fail(x, DMCP_E_GONE, "the server does not know the session%s; begin another%s",
                    x->event_id ? ", or no longer the event" : "", text);
    } else {
        errand_fail(x, DMCP_E_NOTFOUND, "there is no MCP endpoint at this URL (HTTP 404)%s", text);
    }
}

static void judge_refusal(struct errand *x, uint64_t now_ms)
{
    char text[EXCERPT_BYTES + 4];

    if (is_getting(x) && x->event_id && errand_forget_event(x, now_ms)) {
        return;
    }
    excerpt(x, text);
    x->is_answered = x->is_posting;
    if (x->http_status == 401 || x->http_status == 403) {
        errand_fail(x, DMCP_E_DENIED, "the server answered HTTP %d%s", x->http_status, text);
    } else if (x->http_status == 413) {
        errand_fail(x, DMCP_E_TOOBIG, "the request is too big for the server%s", text);
    } else if (x->http_status == 405 && is_getting(x)) {
        errand_fail(x, x->event_id ? DMCP_E_NET : DMCP_E_NOTFOUND,
                    x->event_id ? "the connection broke, and the server offers no way back"
                                : "the server offers no stream of its own");
    } else if (x->rpc_message && x->is_posting) {
        errand_finish(x);
    } else {
        errand_fail(x, DMCP_E_PROTOCOL, "the server answered HTTP %d%s", x->http_status, text);
    }
}

void answer_judge(struct dmcp_client *c, struct errand *x, uint64_t now_ms)
{
    int status = x->http_status;

    if (status < 300) {
        judge_success(c, x);
    } else if (status < 400) {
        judge_redirect(c, x, now_ms);
    } else if (x->kind == ERRAND_END) {
        errand_finish(x); /* it knows no such session, or lets nobody end one */
    } else if (status == 429 || status == 502 || status == 503 || status == 504 ||
               (is_getting(x) && (status == 409 || status == 500))) {
        /* 409: the server has not yet noticed that the last connection broke. */
        judge_unready(c, x, now_ms);
    } else if (status == 404) {
        judge_unknown(c, x, now_ms);
    } else {
        judge_refusal(x, now_ms);
    }
}
