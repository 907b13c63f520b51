/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocol revisions. See version.h.
 */
#include "mcp/version.h"

static const char *const names[N_VERSIONS] = {
    [VERSION_2025_03_26] = "2025-03-26",
    [VERSION_2025_06_18] = "2025-06-18",
    [VERSION_2025_11_25] = "2025-11-25",
};

const char *version_name(enum version v)
{
    return names[v];
}

int version_parse(struct str name, enum version *version_out)
{
    for (int i = 0; i < N_VERSIONS; i++) {
        if (str_eqz(name, names[i])) {
            *version_out = (enum version)i;
            return DMCP_OK;
        }
    }
    return DMCP_E_NOTFOUND;
}
