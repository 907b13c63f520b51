/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC 2.0 messages as MCP uses them: told apart, taken to pieces, and written.
 *
 * MCP is narrower than JSON-RPC: an id is a string or an integer and never null, params are an
 * object. Members that are not named here are ignored. Batches (an array of messages) are the
 * caller's business, as is a text that is no JSON at all (RPC_PARSE_ERROR).
 */
#ifndef JSON_RPC_H
#define JSON_RPC_H

#include "base/limits.h"
#include "json/json.h"

enum rpc_code {
    RPC_PARSE_ERROR = -32700,
    RPC_INVALID_REQUEST = -32600,
    RPC_METHOD_NOT_FOUND = -32601,
    RPC_INVALID_PARAMS = -32602,
    RPC_INTERNAL = -32603,

    /* Of the Language Server Protocol; JSON-RPC and MCP have no code for it. */
    RPC_REQUEST_CANCELLED = -32800,

    /* Of MCP 2025-11-25 and older only. */
    RPC_RESOURCE_NOT_FOUND = -32002,
    RPC_URL_ELICITATION_REQUIRED = -32042,

    /* Of MCP 2026-07-28 and newer only. */
    RPC_HEADER_MISMATCH = -32020,
    RPC_MISSING_CAPABILITY = -32021,
    RPC_UNSUPPORTED_VERSION = -32022,
};

enum rpc_kind { RPC_REQUEST, RPC_NOTIFICATION, RPC_RESULT, RPC_ERROR };

/* Borrows from the document it was parsed from, but for the id. */
struct rpc_message {
    enum rpc_kind kind;
    struct str method;  /* request, notification */
    yyjson_val *params; /* the same; an object, or NULL when there are none */
    yyjson_val *result; /* result; any value */
    int64_t error_code; /* error, and this too: */
    struct str error_message;
    yyjson_val *error_data; /* NULL when there is none */

    enum rpc_code refusal; /* when rpc_parse failed: the code to answer with */
    unsigned id_len;
    char id_text[LIMIT_REQUEST_ID_BYTES];
};

/* The id as compact JSON text, quotes included: what the writers below take, and the same for all
 * ways to write one id ("a" and "\u0061", 1 and 1.0). Lives as long as the message. STR_NONE for
 * a notification, and for an error that the peer could not relate to a request. */
static inline struct str rpc_id(const struct rpc_message *m)
{
    return m->id_len ? str_make(m->id_text, m->id_len) : STR_NONE;
}

/* DMCP_E_INVALID: not such a message. Then `out` has the code to answer with, and the id if there
 * was a good one; the text may be sent to the peer. */
int rpc_parse(yyjson_val *root, struct rpc_message *out, struct err *e) MUST_CHECK;

/* The id of another message, as it stands in the params of this one: from now on it is rpc_id.
 * DMCP_E_INVALID: it is none. */
int rpc_name(struct rpc_message *m, const yyjson_val *id) MUST_CHECK;

/* Writers. Ids, results, params and data are JSON text, taken as it is. */
void rpc_write_result(struct buf *b, struct str id, struct str result);

/* `id`: STR_NONE leaves it out, as 2026-07-28 wants it for an unknown one; older revisions want
 * the text null. `data` may be STR_NONE. */
void rpc_write_error(struct buf *b, struct str id, int64_t code, struct str message,
                     struct str data);

/* The same with the whole error object, {"code":...,"message":...}, as JSON text. */
void rpc_write_error_object(struct buf *b, struct str id, struct str error);

void rpc_write_request(struct buf *b, struct str id, struct str method, struct str params);
void rpc_write_notification(struct buf *b, struct str method, struct str params);

/* Whether this text, of rpc_write_request or rpc_write_notification, is a request. */
bool rpc_wrote_request(struct str message);

#endif
