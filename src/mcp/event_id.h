/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `id:` of an SSE event, which a client gives back as Last-Event-ID: the stream and the
 * sequence, opaque to the client. Sequence 0 is the priming event: before everything.
 *
 *   | stream id, 32 hexadecimal digits | "-" | sequence, decimal |
 */
#ifndef MCP_EVENT_ID_H
#define MCP_EVENT_ID_H

#include "base/ids.h"

#define EVENT_ID_BYTES 64 /* enough, with a NUL */

void event_id_text(struct id stream, uint64_t sequence, char out[EVENT_ID_BYTES]);
int event_id_parse(struct str text, struct id *stream_out,
                   uint64_t *sequence_out) MUST_CHECK; /* DMCP_E_INVALID */

#endif
