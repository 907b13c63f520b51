/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dmcp insert` and `dmcp remove`: entries of maps.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_BYTES_MAX (16 * 1024 * 1024)

static const char insert_usage[] =
    "Usage: dmcp insert [options] MAP KEY [VALUE]\n"
    "\n"
    "Puts VALUE under KEY into a map, in place of what is there. Without VALUE it is read from\n"
    "standard input, to its end. A server must run on the store; calls that wait for the entry "
    "are\n"
    "woken.\n"
    "\n"
    "  --store DIR   the store's directory (default dmcp-store)\n"
    "\n"
    "For example: dmcp insert settings mode '\"careful\"'\n";

static const char remove_usage[] =
    "Usage: dmcp remove [options] MAP KEY...\n"
    "\n"
    "Removes entries from a map. One that is not there is fine. A server must run on the store.\n"
    "\n"
    "  --store DIR   the store's directory (default dmcp-store)\n";

/* The whole of standard input and one byte more than may be, at most; to be freed. NULL: it cannot
 * be read. */
static char *read_value(size_t *size_out)
{
    char *value = malloc(VALUE_BYTES_MAX + 1);

    if (value) {
        *size_out = fread(value, 1, VALUE_BYTES_MAX + 1, stdin);
    }
    if (!value || ferror(stdin)) {
        fprintf(stderr, "dmcp: cannot read the value: %s\n", strerror(errno));
        free(value);
        return NULL;
    }
    return value;
}

int cli_insert(int argc, char **argv)
{
    static const struct cli_option options[] = { { .name = NULL } };
    struct cli_arguments a;
    dmcp_admin *admin;
    char *read = NULL;
    const char *value;
    size_t size;
    int status;

    if (!cli_begin(argc, argv, options, insert_usage, 2, 3, &a, &status)) {
        return status;
    }
    if (a.n_words == 3) {
        value = a.words[2];
        size = strlen(value);
    } else {
        value = read = read_value(&size);
        if (!value) {
            return CLI_FAILED;
        }
    }
    admin = dmcp_admin_new(a.store);
    status = cli_end(admin, dmcp_admin_map_insert(admin, a.words[0], a.words[1], value, size));
    free(read);
    return status;
}

int cli_remove(int argc, char **argv)
{
    static const struct cli_option options[] = { { .name = NULL } };
    struct cli_arguments a;
    dmcp_admin *admin;
    int status, rc = DMCP_OK;

    if (!cli_begin(argc, argv, options, remove_usage, 2, CLI_WORDS_MAX, &a, &status)) {
        return status;
    }
    admin = dmcp_admin_new(a.store);
    for (size_t i = 1; i < a.n_words && rc == DMCP_OK; i++) {
        rc = dmcp_admin_map_remove(admin, a.words[0], a.words[i]);
    }
    return cli_end(admin, rc);
}
