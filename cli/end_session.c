/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dmcp end-session`: ends sessions as their clients could.
 */
#include "cli.h"

static const char usage[] =
    "Usage: dmcp end-session [options] SESSION...\n"
    "\n"
    "Ends the sessions with these ids: their streams end, and their unfinished calls are\n"
    "cancelled, except those that have an idempotency key. A client that comes back is told that\n"
    "its session is gone. A server must run on the store. The first session that is not there\n"
    "ends the command.\n"
    "\n"
    "  --store DIR   the store's directory (default dmcp-store)\n";

int cli_end_session(int argc, char **argv)
{
    return cli_for_each(argc, argv, usage, dmcp_admin_end_session);
}
