/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the subcommands of `dmcp` share: options, tables, times, and how they end.
 *
 * Everything that a store holds may have come from a stranger, so nothing of it reaches the
 * terminal without its control characters being shown instead of sent.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dmcp_admin.h>

/* Exit statuses. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* ---- options.c ---- */

/* An option of a subcommand: `--name VALUE` when it has a text, `--name` when it has a flag. The
 * list ends with one without a name. */
struct cli_option {
    const char *name;
    const char **text;
    bool *flag;
};

#define CLI_WORDS_MAX 1000

struct cli_arguments {
    const char *words[CLI_WORDS_MAX]; /* what is no option */
    size_t n_words;
    const char *store;
    bool is_help;
};

/* Reads the arguments behind the subcommand's name; --store and --help are always there. False:
 * the subcommand is over with *status_out, and what there was to say has been said. */
bool cli_begin(int argc, char **argv, const struct cli_option *options, const char *usage,
               size_t min_words, size_t max_words, struct cli_arguments *arguments,
               int *status_out);

/* A count for an option; NULL gives 0. False: it has said what is wrong. */
bool cli_read_number(const char *option, const char *text, uint64_t max, uint64_t *number_out);

/* Tells what went wrong, frees the handle, and gives the exit status that fits. */
int cli_end(dmcp_admin *admin, int rc);

/* A whole subcommand without options: the function for each word, until one fails. */
typedef int cli_admin_fn(dmcp_admin *admin, const char *word);
int cli_for_each(int argc, char **argv, const char *usage, cli_admin_fn *fn);

/* ---- table.c ---- */

struct table {
    size_t n_columns, n_cells, room;
    char **cells; /* row by row, the first one the heads */
};

/* Heads are separated by '|'. */
void table_begin(struct table *t, const char *heads);
void table_add(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_add_text(struct table *t, const char *text, size_t size); /* any bytes */
void table_print(struct table *t); /* aligned, to stdout; and frees it */

/* The text as it may be printed: in one line, control characters as \xNN. To be freed. */
char *cli_clean(const char *text, size_t size);

/* ---- when.c ---- */

#define WHEN_BYTES 64

/* "2026-01-31 12:00:00Z (3m ago)", "... (in 5s)" */
const char *when_write(uint64_t ms, char out[WHEN_BYTES]);

/* "12ms", "3.4s", "5m", "2h", "7d" */
const char *when_span(uint64_t ms, char out[WHEN_BYTES]);

/* ---- the subcommands ---- */

int cli_inspect(int argc, char **argv);
int cli_signal(int argc, char **argv);
int cli_cancel(int argc, char **argv);
int cli_end_session(int argc, char **argv);
int cli_insert(int argc, char **argv);
int cli_remove(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_import(int argc, char **argv);

#endif
