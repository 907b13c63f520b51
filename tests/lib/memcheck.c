/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memcheck. See memcheck.h.
 */
#include "memcheck.h"

#include <dirent.h>
#include <stdbool.h>

#include "base/mem.h"
#include "harness.h"

#define LOG "memcheck."

static bool is_wanted(void)
{
    const char *wanted = getenv("VALGRIND");

    return wanted && wanted[0];
}

void memcheck_exec(const char *dir, char *const argv[])
{
    char log[4096];
    char *all[64] = { (char[]){ "valgrind" },
                      (char[]){ "--quiet" },
                      (char[]){ "--leak-check=full" }, /* at an orderly end */
                      (char[]){ "--errors-for-leak-kinds=definite" },
                      (char[]){ "--show-leak-kinds=definite" },
                      (char[]){ "--suppressions=scripts/valgrind.supp" },
                      log };
    size_t n = 7;

    if (!is_wanted()) {
        return;
    }
    snprintf(log, sizeof(log), "--log-file=%s/" LOG "%%p", dir);
    for (size_t i = 0; argv[i]; i++) {
        assert(n < COUNT_OF(all) - 1);
        all[n++] = argv[i];
    }
    execvp(all[0], all);
    _exit(127);
}

static bool show(const char *path)
{
    FILE *f = fopen(path, "r");
    char line[1024];
    bool has_some = false;

    while (f && fgets(line, sizeof(line), f)) {
        if (!strstr(line, "Warning: unimplemented fcntl command")) { /* RocksDB's hints to the disk */
            printf("# memcheck: %s", line);
            has_some = true;
        }
    }
    if (f) {
        fclose(f);
    }
    return has_some;
}

void memcheck_expect_nothing(const char *dir)
{
    DIR *d = is_wanted() ? opendir(dir) : NULL;
    bool has_some = false;
    struct dirent *entry;
    char path[4096];

    while (d && (entry = readdir(d))) {
        if (strncmp(entry->d_name, LOG, strlen(LOG)) == 0) {
            snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
            has_some |= show(path);
        }
    }
    if (d) {
        closedir(d);
    }
    assert_false(has_some);
}
