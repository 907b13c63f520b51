/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP transfers. See transfer.h.
 */
#include "client/transfer.h"

#include <assert.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/log.h"

#define CONNECT_MS 10000L  /* for one attempt: name, TCP and TLS */
#define MAX_DRAINING 4     /* older ones lose their connection */
#define MAX_CONNECTIONS 8L /* kept open without a transfer */

#define LONGEST_RETRY_S (365L * 86400)

/* A setting that libcurl refuses is one that it was built without, which is seen on the first
 * run; a type error is seen by the compiler. */
#define SET(t, option, value) (void)curl_easy_setopt((t)->easy, option, value)

/* ---- What all share ---- */

void wire_init(struct wire *w, const char *ca_file, const char *const *headers, size_t max_bytes,
               bool is_direct)
{
    *w = (struct wire){ .max_bytes = max_bytes, .is_direct = is_direct };
    list_init(&w->draining);
    w->ca_file = ca_file ? mem_strdup(ca_file) : NULL;
    w->multi = curl_multi_init();
    assert(w->multi); /* fails for want of memory only */
    curl_multi_setopt(w->multi, CURLMOPT_MAXCONNECTS, MAX_CONNECTIONS);
    for (; headers && *headers; headers++) {
        w->user_headers = curl_slist_append(w->user_headers, *headers);
    }
}

void wire_fini(struct wire *w)
{
    struct link *k;

    while ((k = list_first(&w->draining)) != NULL) {
        transfer_free(CONTAINER_OF(k, struct transfer, link));
    }
    curl_multi_cleanup(w->multi);
    curl_slist_free_all(w->user_headers);
    mem_free(w->ca_file);
}

/* ---- libcurl's callbacks ---- */

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    struct str line = str_make(data, size * n);

    t->header_bytes += line.len;
    if (t->header_bytes > LIMIT_ANSWER_HEADER_BYTES) {
        t->overrun = "headers";
        return 0;
    }
    if (str_eqz(line, "\r\n") || str_eqz(line, "\n")) {
        /* Interim responses (RFC 9110 section 15.2) have headers of their own. */
        t->has_headers = transfer_status(t) >= 200;
    }
    return line.len;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * n;

    t->body_bytes += len;
    if (t->link.next) {
        return len; /* draining */
    }
    buf_add(&t->in, data, len);
    if (!buf_ok(&t->in)) {
        t->overrun = "body";
        return 0;
    }
    return len;
}

/* ---- Opening ---- */

static void add_header(struct transfer *t, const char *name, const char *value)
{
    struct buf line;

    buf_init(&line, LIMIT_ANSWER_HEADER_BYTES);
    buf_addf(&line, "%s: %s", name, value);
    assert(buf_ok(&line));
    t->headers = curl_slist_append(t->headers, line.data);
    buf_fini(&line);
}

static void set_headers(struct transfer *t, const struct transfer_request *r)
{
    if (r->method == TRANSFER_POST) {
        add_header(t, "Content-Type", "application/json");
        add_header(t, "Accept", "application/json, text/event-stream");
        /* A server that refuses the request may say so without first being asked. */
        t->headers = curl_slist_append(t->headers, "Expect:");
    } else if (r->method == TRANSFER_GET) {
        add_header(t, "Accept", "text/event-stream");
    }
    if (r->session_id) {
        add_header(t, "Mcp-Session-Id", r->session_id);
    }
    if (r->version) {
        add_header(t, "MCP-Protocol-Version", r->version);
    }
    if (r->last_event_id) {
        add_header(t, "Last-Event-ID", r->last_event_id);
    }
    for (const struct curl_slist *h = t->wire->user_headers; h; h = h->next) {
        t->headers = curl_slist_append(t->headers, h->data);
    }
    SET(t, CURLOPT_HTTPHEADER, t->headers);
}

static void set_method(struct transfer *t, const struct transfer_request *r)
{
    switch (r->method) {
    case TRANSFER_POST:
        SET(t, CURLOPT_POST, 1L);
        SET(t, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
        /* A copy, because a drained transfer outlives the message that it sends. */
        SET(t, CURLOPT_COPYPOSTFIELDS, r->body.p);
        break;
    case TRANSFER_GET:
        SET(t, CURLOPT_HTTPGET, 1L);
        break;
    case TRANSFER_DELETE:
        SET(t, CURLOPT_CUSTOMREQUEST, "DELETE");
        break;
    }
}

static void set_connection(struct transfer *t, const struct transfer_request *r)
{
    SET(t, CURLOPT_URL, r->url);
    SET(t, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(t, CURLOPT_NOSIGNAL, 1L);
    SET(t, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    SET(t, CURLOPT_TCP_NODELAY, 1L);
    SET(t, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(t, CURLOPT_USERAGENT, "dmcp-client/" DMCP_VERSION);
    /* libcurl sends a request anew, on its own, when a connection that it used before turns out
     * to be closed; it cannot know whether the server had read the request. */
    SET(t, CURLOPT_FRESH_CONNECT, r->is_fresh ? 1L : 0L);
    if (t->wire->is_direct) {
        SET(t, CURLOPT_NOPROXY, "*");
    }
    if (t->wire->ca_file) {
        SET(t, CURLOPT_CAINFO, t->wire->ca_file);
    }
}

struct transfer *transfer_open(struct wire *w, const struct transfer_request *r)
{
    struct transfer *t = mem_zalloc(sizeof(*t));
    CURLMcode code;

    t->wire = w;
    buf_init(&t->in, w->max_bytes);
    t->easy = curl_easy_init();
    assert(t->easy); /* fails for want of memory only */
    set_connection(t, r);
    set_method(t, r);
    set_headers(t, r);
    SET(t, CURLOPT_ERRORBUFFER, t->error);
    SET(t, CURLOPT_PRIVATE, t);
    SET(t, CURLOPT_HEADERFUNCTION, on_header);
    SET(t, CURLOPT_HEADERDATA, t);
    SET(t, CURLOPT_WRITEFUNCTION, on_body);
    SET(t, CURLOPT_WRITEDATA, t);
    code = curl_multi_add_handle(w->multi, t->easy);
    assert(code == CURLM_OK);
    return t;
}

void transfer_free(struct transfer *t)
{
    if (!t) {
        return;
    }
    if (t->link.next) {
        list_remove(&t->wire->draining, &t->link);
    }
    curl_multi_remove_handle(t->wire->multi, t->easy);
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    buf_fini(&t->in);
    mem_free(t);
}

void transfer_drain(struct transfer *t)
{
    struct list *draining = &t->wire->draining;

    if (t->is_done) {
        transfer_free(t);
        return;
    }
    if (draining->n == MAX_DRAINING) {
        transfer_free(CONTAINER_OF(list_first(draining), struct transfer, link));
    }
    list_append(draining, &t->link);
}

void wire_reap(struct wire *w)
{
    struct link *k = list_first(&w->draining);

    while (k) {
        struct transfer *t = CONTAINER_OF(k, struct transfer, link);

        k = list_next(&w->draining, k);
        if (t->is_done) {
            transfer_free(t);
        }
    }
}

/* ---- Looking ---- */

int transfer_status(const struct transfer *t)
{
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static struct str header_of(const struct transfer *t, const char *name)
{
    struct curl_header *h;

    if (!t->has_headers || curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK) {
        return STR_NONE;
    }
    return str_trim(str_of(h->value));
}

struct str transfer_content_type(const struct transfer *t)
{
    struct str type = header_of(t, "Content-Type");
    const char *end = type.len ? memchr(type.p, ';', type.len) : NULL;

    return end ? str_trim(str_make(type.p, (size_t)(end - type.p))) : type;
}

struct str transfer_session_id(const struct transfer *t)
{
    return header_of(t, "Mcp-Session-Id");
}

const char *transfer_redirect(const struct transfer *t)
{
    char *url = NULL;

    curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &url);
    return url;
}

bool transfer_retry_after(const struct transfer *t, uint64_t *ms_out)
{
    curl_off_t seconds = 0;

    if (!header_of(t, "Retry-After").p) {
        return false;
    }
    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds > LONGEST_RETRY_S) {
        seconds = LONGEST_RETRY_S;
    }
    *ms_out = seconds > 0 ? (uint64_t)seconds * 1000 : 0;
    return true;
}

bool transfer_was_not_sent(const struct transfer *t)
{
    curl_off_t ready_us = 0;
    long sent_bytes = 0;

    curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
    return ready_us == 0 && sent_bytes == 0 && !t->has_headers;
}

bool transfer_is_hopeless(const struct transfer *t)
{
    return t->is_done &&
           (t->code == CURLE_PEER_FAILED_VERIFICATION || t->code == CURLE_SSL_CACERT_BADFILE ||
            t->code == CURLE_SSL_ISSUER_ERROR || t->code == CURLE_UNSUPPORTED_PROTOCOL);
}

const char *transfer_reason(const struct transfer *t)
{
    if (t->overrun) {
        return "the answer is too big";
    }
    if (t->code == CURLE_OK) {
        return "the server closed the connection";
    }
    return t->error[0] ? t->error : curl_easy_strerror(t->code);
}
