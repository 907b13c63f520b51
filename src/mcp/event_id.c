/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event ids. See event_id.h.
 */
#include "mcp/event_id.h"

#include <inttypes.h>
#include <stdio.h>

void event_id_text(struct id stream, uint64_t sequence, char out[EVENT_ID_BYTES])
{
    id_to_hex(stream, out);
    snprintf(out + ID_HEX_BYTES, EVENT_ID_BYTES - ID_HEX_BYTES, "-%" PRIu64, sequence);
}

int event_id_parse(struct str text, struct id *stream_out, uint64_t *sequence_out)
{
    if (text.len < ID_HEX_BYTES + 2 || text.p[ID_HEX_BYTES] != '-' ||
        id_from_hex(str_make(text.p, ID_HEX_BYTES), stream_out) != DMCP_OK ||
        str_to_u64(str_make(text.p + ID_HEX_BYTES + 1, text.len - ID_HEX_BYTES - 1),
                   UINT64_MAX - 1, sequence_out) != DMCP_OK) {
        return DMCP_E_INVALID;
    }
    return DMCP_OK;
}
