/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of options is taken, with every option in its range, or refused with a text that says why;
 * and so is the same text as arguments of the command line, one a line.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARGUMENTS_MAX 20

static void expect_options(int argc, char **argv)
{
    struct options o;
    struct err e = { 0, "" };
    int rc = options_read(&o, argc, argv, &e);

    if (rc == DMCP_OK) {
        assert(o.listen && o.store && o.path[0] == '/');
        assert(o.workers >= 1 && o.workers <= 1024 && o.max_body_bytes >= 1024);
        assert(o.max_calls >= 1 && o.max_connections >= 1 && o.key_ms <= o.keep_calls_ms);
        assert(o.log_level <= LOG_DEBUG);
    } else {
        assert(rc == DMCP_E_INVALID && e.code == rc && e.text[0]);
    }
    options_fini(&o);
}

static void as_file(struct str text)
{
    char name[64], program[] = "fuzz", config[] = "--config";
    char *argv[] = { program, config, name, NULL };
    int fd = memfd_create("options", MFD_CLOEXEC);

    assert(fd >= 0 && write(fd, text.p, text.len) == (ssize_t)text.len);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    expect_options(3, argv);
    close(fd);
}

static void as_arguments(struct str text)
{
    char program[] = "fuzz", *copy = mem_dup(text.p, text.len), *rest = copy, *line;
    char *argv[ARGUMENTS_MAX + 2] = { program };
    int argc = 1;

    while (argc <= ARGUMENTS_MAX && (line = strsep(&rest, "\n")) != NULL) {
        if (strstr(line, "config")) { /* no files of this machine */
            break;
        }
        argv[argc++] = line;
    }
    expect_options(argc, argv);
    mem_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_file(str_make(data, size));
    as_arguments(str_make(data, size));
    return 0;
}
