/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request and its response, over libcurl's multi interface. The only file, with url.c and
 * pump.c, that knows libcurl. It decides nothing: what a status means, and what to do about a
 * broken connection, is errand.c's.
 *
 * libcurl's callbacks only append to a buffer. Whoever reads that buffer does so between two
 * turns of libcurl, and so may call anything, including the user.
 */
#ifndef CLIENT_TRANSFER_H
#define CLIENT_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"

/* What all transfers of a client share. */
struct wire {
    CURLM *multi;
    struct curl_slist *user_headers; /* owned */
    char *ca_file;                   /* NULL: the system's */
    size_t max_bytes;                /* of a response's body that is not taken away meanwhile */
    bool is_direct;                  /* through no proxy */
    struct list draining;            /* transfers whose rest nobody waits for; see transfer_drain */
};

enum transfer_method { TRANSFER_POST, TRANSFER_GET, TRANSFER_DELETE };

/* Everything is copied. */
struct transfer_request {
    enum transfer_method method;
    const char *url;
    struct str body;        /* of a POST */
    const char *session_id; /* NULL: none; so for the next two */
    const char *version;
    const char *last_event_id;
    bool is_fresh; /* never on a connection that was used before */
};

struct transfer {
    struct link link; /* in wire.draining */
    struct wire *wire;
    CURL *easy;
    struct curl_slist *headers;
    struct buf in;                     /* the body as far as it has come and was not taken away */
    uint64_t header_bytes, body_bytes; /* all that came */
    bool has_headers;                  /* of the final response, all of them */
    bool is_done;
    CURLcode code;       /* once it is done */
    const char *overrun; /* which limit the server passed; NULL: none */
    char error[CURL_ERROR_SIZE];
};

void wire_init(struct wire *w, const char *ca_file, const char *const *headers, size_t max_bytes,
               bool is_direct);
void wire_fini(struct wire *w); /* no transfer may be left but draining ones */

struct transfer *transfer_open(struct wire *w, const struct transfer_request *r);
void transfer_free(struct transfer *t); /* breaks the connection unless it is done */

/* The owner has all that it wants. The connection can only be used again when the response has
 * been read to its end, so that goes on for a while without owner. */
void transfer_drain(struct transfer *t);
void wire_reap(struct wire *w); /* frees what is drained */

int transfer_status(const struct transfer *t); /* 0 before the headers have come */

/* Both are absent before the headers have come, and die with the transfer. The content type is
 * without parameters. */
struct str transfer_content_type(const struct transfer *t);
struct str transfer_session_id(const struct transfer *t);
const char *transfer_redirect(const struct transfer *t); /* absolute URL, or NULL */

/* What the server said in Retry-After, be it seconds or a date. */
bool transfer_retry_after(const struct transfer *t, uint64_t *ms_out);

/* Nothing of the request can have reached the server. */
bool transfer_was_not_sent(const struct transfer *t);

/* It failed in a way in which the next one would too: nobody to be trusted is there. */
bool transfer_is_hopeless(const struct transfer *t);

/* Why it failed, once it is done. */
const char *transfer_reason(const struct transfer *t);

#endif
