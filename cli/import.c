/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dmcp import`: a store from lines of JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const char usage[] = "Usage: dmcp import [options] [FILE]\n"
                            "\n"
                            "Makes a store from what `dmcp export` wrote to FILE, or from standard "
                            "input. The store must not\n"
                            "be there yet, or hold nothing. An import that is interrupted leaves "
                            "what no server starts on;\n"
                            "import again, or delete it.\n"
                            "\n"
                            "  --store DIR   the store's directory (default dmcp-store)\n";

int cli_import(int argc, char **argv)
{
    static const struct cli_option options[] = { { .name = NULL } };
    struct cli_arguments a;
    FILE *from = stdin;
    dmcp_admin *admin;
    uint64_t rows;
    int status, rc;

    if (!cli_begin(argc, argv, options, usage, 0, 1, &a, &status)) {
        return status;
    }
    if (a.n_words == 1 && strcmp(a.words[0], "-") != 0) {
        from = fopen(a.words[0], "r");
        if (!from) {
            fprintf(stderr, "dmcp: open %s: %s\n", a.words[0], strerror(errno));
            return CLI_FAILED;
        }
    }
    admin = dmcp_admin_new(a.store);
    rc = dmcp_admin_import(admin, from, &rows);
    if (from != stdin) {
        fclose(from);
    }
    if (rc == DMCP_OK) {
        fprintf(stderr, "%" PRIu64 " rows\n", rows);
    }
    return cli_end(admin, rc);
}
