/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dmcp signal`: what a call that waits in dmcp_await_signal gets.
 */
#include "cli.h"

static const char usage[] =
    "Usage: dmcp signal [options] CALL NAME [VALUE]\n"
    "\n"
    "Sends the signal NAME to the call with the id CALL, with the JSON text VALUE (default null).\n"
    "A server must run on the store. A call gets each signal once; one that comes before it is\n"
    "waited for is kept.\n"
    "\n"
    "  --store DIR   the store's directory (default dmcp-store)\n"
    "\n"
    "For example: dmcp signal 0190a6f0c1d27bcf8f6a1a2b3c4d5e6f approved '{\"by\":\"ann\"}'\n";

int cli_signal(int argc, char **argv)
{
    static const struct cli_option options[] = { { .name = NULL } };
    struct cli_arguments a;
    dmcp_admin *admin;
    int status;

    if (!cli_begin(argc, argv, options, usage, 2, 3, &a, &status)) {
        return status;
    }
    admin = dmcp_admin_new(a.store);
    return cli_end(admin, dmcp_admin_signal(admin, a.words[0], a.words[1],
                                            a.n_words == 3 ? a.words[2] : NULL));
}
