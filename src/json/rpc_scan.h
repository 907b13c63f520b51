/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id of a request that is too long to be kept: found while its text goes by, piece by piece, so
 * that the refusal can say whose it is. The text is not checked; of one that is no JSON, whatever is
 * found is at least an id.
 */
#ifndef JSON_RPC_SCAN_H
#define JSON_RPC_SCAN_H

#include "base/limits.h"
#include "base/str.h"

struct rpc_scan {
    uint64_t depth;
    bool in_string, is_escaped;
    bool is_value;   /* the next string or scalar of the message itself is behind a colon */
    bool has_method;
    bool is_taking;  /* the text of a key, or of the id, goes into text */
    bool is_id;      /* the value under way is the id's */
    size_t n;        /* bytes of text; one more than fit: it is too long */
    char text[LIMIT_REQUEST_ID_BYTES + 1];
    size_t n_id;
    char id[LIMIT_REQUEST_ID_BYTES];
};

void rpc_scan_init(struct rpc_scan *s);
void rpc_scan_feed(struct rpc_scan *s, struct str piece);

/* Behind the last piece: the request's id as compact JSON text, in the scan's own memory; STR_NONE
 * when it is no request or has no good id. */
struct str rpc_scan_id(struct rpc_scan *s);

#endif
