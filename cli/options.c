/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the arguments of a subcommand, and ending it. See cli.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define STORE_DEFAULT "dmcp-store"

static const struct cli_option *find(const struct cli_option *options, const char *name, size_t len)
{
    for (const struct cli_option *o = options; o->name; o++) {
        if (strlen(o->name) == len && strncmp(o->name, name, len) == 0) {
            return o;
        }
    }
    return NULL;
}

static bool complain(const char *what, const char *about)
{
    char *clean = cli_clean(about, strlen(about));

    fprintf(stderr, "dmcp: %s: %s\n", clean, what);
    free(clean);
    return false;
}

/* argv[*i] begins with "--"; *i is moved over what it takes. */
static bool read_option(int argc, char **argv, int *i, const struct cli_option *options)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    const struct cli_option *o = find(options, name,
                                      equals ? (size_t)(equals - name) : strlen(name));

    if (!o) {
        return complain("unknown option (--help lists them)", argv[*i]);
    }
    if (o->flag) {
        if (equals) {
            return complain("takes no value", argv[*i]);
        }
        *o->flag = true;
    } else if (equals) {
        *o->text = equals + 1;
    } else if (*i + 1 < argc) {
        *o->text = argv[++*i];
    } else {
        return complain("needs a value", argv[*i]);
    }
    return true;
}

/* The subcommand's options first, then those that all have. */
static bool read_any_option(int argc, char **argv, int *i, const struct cli_option *options,
                            const struct cli_option *common)
{
    const char *name = argv[*i] + 2;
    size_t n = strcspn(name, "=");

    return read_option(argc, argv, i, find(common, name, n) ? common : options);
}

static bool read_all(int argc, char **argv, const struct cli_option *options,
                     struct cli_arguments *arguments)
{
    const struct cli_option common[] = { { .name = "store", .text = &arguments->store },
                                         { .name = "help", .flag = &arguments->is_help },
                                         { .name = NULL } };
    bool is_word = false;

    *arguments = (struct cli_arguments){ .store = getenv("DMCP_STORE") };
    for (int i = 1; i < argc; i++) {
        if (!is_word && strcmp(argv[i], "--") == 0) {
            is_word = true; /* and all behind it */
        } else if (!is_word && strcmp(argv[i], "-h") == 0) {
            arguments->is_help = true;
        } else if (!is_word && strncmp(argv[i], "--", 2) == 0) {
            if (!read_any_option(argc, argv, &i, options, common)) {
                return false;
            }
        } else if (arguments->n_words == CLI_WORDS_MAX) {
            return complain("too many arguments", argv[i]);
        } else {
            arguments->words[arguments->n_words++] = argv[i];
        }
    }
    if (!arguments->store || !arguments->store[0]) {
        arguments->store = STORE_DEFAULT;
    }
    return true;
}

bool cli_begin(int argc, char **argv, const struct cli_option *options, const char *usage,
               size_t min_words, size_t max_words, struct cli_arguments *arguments, int *status_out)
{
    *status_out = CLI_USAGE;
    if (!read_all(argc, argv, options, arguments)) {
        return false;
    }
    if (arguments->is_help) {
        fputs(usage, stdout);
        *status_out = CLI_OK;
        return false;
    }
    if (arguments->n_words < min_words || arguments->n_words > max_words) {
        fputs(usage, stderr);
        return false;
    }
    return true;
}

bool cli_read_number(const char *option, const char *text, uint64_t max, uint64_t *number_out)
{
    uint64_t number = 0;

    for (const char *c = text ? text : "0"; *c; c++) {
        if (*c < '0' || *c > '9' || number > max) {
            return complain("wants a number", option);
        }
        number = number * 10 + (uint64_t)(*c - '0');
    }
    if (number > max || (text && (!text[0] || number == 0))) {
        return complain("its number is out of range", option);
    }
    *number_out = number;
    return true;
}

int cli_end(dmcp_admin *admin, int rc)
{
    if (rc != DMCP_OK) {
        const char *error = dmcp_admin_error(admin);
        char *clean = cli_clean(error, strlen(error));

        fflush(stdout);
        fprintf(stderr, "dmcp: %s\n", clean[0] ? clean : dmcp_strerror(rc));
        free(clean);
    }
    dmcp_admin_free(admin);
    return rc == DMCP_OK ? CLI_OK : rc == DMCP_E_INVALID ? CLI_USAGE : CLI_FAILED;
}

int cli_for_each(int argc, char **argv, const char *usage, cli_admin_fn *fn)
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
        rc = fn(admin, a.words[i]);
    }
    return cli_end(admin, rc);
}
