/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol revisions of the legacy era and what differs between them on the wire.
 */
#ifndef MCP_VERSION_H
#define MCP_VERSION_H

#include "base/str.h"

enum version { VERSION_2025_03_26, VERSION_2025_06_18, VERSION_2025_11_25, N_VERSIONS };

#define VERSION_LATEST VERSION_2025_11_25

const char *version_name(enum version v);
int version_parse(struct str name, enum version *version_out) MUST_CHECK; /* DMCP_E_NOTFOUND */

/* SEP-1699: only clients of 2025-11-25 and later understand an event without data. */
static inline bool version_has_priming(enum version v)
{
    return v >= VERSION_2025_11_25;
}

/* SEP-1303: wrong arguments are a tool error, which models read; before, an error of the protocol. */
static inline bool version_shows_wrong_arguments(enum version v)
{
    return v >= VERSION_2025_11_25;
}

/* Whether content may be a link to a resource. */
static inline bool version_has_links(enum version v)
{
    return v >= VERSION_2025_06_18;
}

#endif
