/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dmcp cancel`: ends calls as their clients could.
 */
#include "cli.h"

static const char usage[] =
    "Usage: dmcp cancel [options] CALL...\n"
    "\n"
    "Cancels the calls with these ids. Their handlers are told, and may still do what has to be\n"
    "done; nobody gets a response. A server must run on the store. The first call that cannot be\n"
    "cancelled ends the command.\n"
    "\n"
    "  --store DIR   the store's directory (default dmcp-store)\n";

int cli_cancel(int argc, char **argv)
{
    static const struct cli_option options[] = { { .name = NULL } };
    struct cli_arguments a;
    dmcp_admin *admin;
    int status, rc = DMCP_OK;

    if (!cli_begin(argc, argv, options, usage, 1, CLI_WORDS_MAX, &a, &status)) {
        return status;
    }
    admin = dmcp_admin_new(a.store);
    for (size_t i = 0; i < a.n_words && rc == DMCP_OK; i++) {
        rc = dmcp_admin_cancel(admin, a.words[i]);
    }
    return cli_end(admin, rc);
}
