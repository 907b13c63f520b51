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
    return cli_for_each(argc, argv, usage, dmcp_admin_cancel);
}
