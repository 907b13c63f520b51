/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared servers. See pool.h.
 */
#include "pool.h"

#include "base/mem.h"
#include "harness.h"

#define MAX_SERVERS 16

struct server {
    char *spec;
    struct proc *proc;
};

static struct server servers[MAX_SERVERS];
static size_t n_servers;

struct proc *pool_get(const char *spec)
{
    char *words, *word, *save = NULL;
    struct proc *p;

    for (size_t i = 0; i < n_servers; i++) {
        if (strcmp(servers[i].spec, spec) == 0) {
            return servers[i].proc;
        }
    }
    assert_true(n_servers < MAX_SERVERS);
    words = mem_strdup(spec);
    word = strtok_r(words, " ", &save);
    p = proc_new(word);
    while ((word = strtok_r(NULL, " ", &save))) {
        proc_option(p, word, NULL);
    }
    mem_free(words);
    servers[n_servers++] = (struct server){ mem_strdup(spec), p };
    proc_start(p);
    return p;
}

void pool_fini(void)
{
    while (n_servers > 0) {
        n_servers--;
        proc_free(servers[n_servers].proc);
        mem_free(servers[n_servers].spec);
    }
}
