/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dmcp export`: a store as lines of JSON, while a server works on it or not.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const char usage[] = "Usage: dmcp export [options] [FILE]\n"
                            "\n"
                            "Writes all that the store holds, as it is at one moment, as lines of "
                            "JSON: to FILE, which must\n"
                            "not be there yet and is made for its owner alone, or to standard "
                            "output. A server that runs on\n"
                            "the store goes on meanwhile. `dmcp import` makes a store from it.\n"
                            "\n"
                            "  --store DIR   the store's directory (default dmcp-store)\n";

/* The file holds everything, or is not there. */
static int export_to(dmcp_admin *admin, const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc, status;
    FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
    uint64_t rows = 0;

    if (!to) {
        fprintf(stderr, "dmcp: create %s: %s\n", name, strerror(errno));
        dmcp_admin_free(admin);
        return CLI_FAILED;
    }
    rc = dmcp_admin_export(admin, to, &rows);
    status = cli_end(admin, rc);
    if (status == CLI_OK && fsync(fd) != 0) {
        fprintf(stderr, "dmcp: write %s: %s\n", name, strerror(errno));
        status = CLI_FAILED;
    }
    fclose(to); /* it was flushed, so what failed was told */
    if (status == CLI_OK) {
        fprintf(stderr, "%" PRIu64 " rows\n", rows);
    } else {
        unlink(name);
    }
    return status;
}

int cli_export(int argc, char **argv)
{
    static const struct cli_option options[] = { { .name = NULL } };
    struct cli_arguments a;
    dmcp_admin *admin;
    int status;

    if (!cli_begin(argc, argv, options, usage, 0, 1, &a, &status)) {
        return status;
    }
    admin = dmcp_admin_new(a.store);
    if (a.n_words == 1 && strcmp(a.words[0], "-") != 0) {
        return export_to(admin, a.words[0]);
    }
    return cli_end(admin, dmcp_admin_export(admin, stdout, NULL));
}
