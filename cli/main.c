/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dmcp`: the operator's command line. One file per subcommand; this one finds it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("dmcp " DMCP_VERSION);
    return CLI_OK;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the name */
    const char *summary;
} commands[] = {
    { "inspect", cli_inspect, "look at sessions, calls, maps, timers, inputs that are waited for" },
    { "signal", cli_signal, "send a signal to a call" },
    { "cancel", cli_cancel, "cancel calls" },
    { "end-session", cli_end_session, "end sessions of clients" },
    { "insert", cli_insert, "put an entry into a map" },
    { "remove", cli_remove, "remove entries from a map" },
    { "export", cli_export, "write all that a store holds as lines of JSON" },
    { "import", cli_import, "make a store from an export" },
    { "version", version, "show the version" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void show_commands(FILE *to)
{
    fputs("Usage: dmcp COMMAND [options]\n\nCommands:\n", to);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\nEach takes --store DIR, the directory of the store to work with (default dmcp-store,\n"
          "or DMCP_STORE in the environment), and --help. Where a server runs on the store it is\n"
          "asked; else the store is opened, which only one process can do at a time.\n"
          "\nExit status: 0 done, 1 failed, 2 wrong arguments.\n",
          to);
}

static int run(const char *name, int argc, char **argv)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return commands[i].run(argc, argv);
        }
    }
    fprintf(stderr, "dmcp: there is no command \"%s\" (dmcp --help lists them)\n", name);
    return CLI_USAGE;
}

/* What was printed may still be on its way to a full disk or a reader that has gone. */
static int flush(int status)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_OK) {
        perror("dmcp: write");
        return CLI_FAILED;
    }
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        show_commands(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        show_commands(stdout);
        return flush(CLI_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        return flush(version(argc - 1, argv + 1));
    }
    return flush(run(argv[1], argc - 1, argv + 1));
}
