/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Around the start. See boot.h.
 */
#include "server/boot.h"

#include <stdio.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/clock.h"
#include "store/open.h"

#define STORE_WAIT_MS 3000 /* for the process before us to let go of the store */
#define STORE_POLL_MS 10
#define STORE_DESCRIPTORS 512

void boot_raise_descriptor_limit(const struct options *o)
{
    struct rlimit limit;
    rlim_t wanted = o->max_connections + o->max_connections / 8 + STORE_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int boot_open_store(const struct options *o, struct store **store_out, struct err *e)
{
    uint64_t until = clock_mono_ms() + STORE_WAIT_MS;
    int rc;

    /* A server that was killed a moment ago may not have let go yet. */
    while ((rc = store_open(o->store, store_out, e)) == DMCP_E_LOCKED &&
           clock_mono_ms() < until) {
        uv_sleep(STORE_POLL_MS);
    }
    return rc;
}

int boot_complain(const struct err *e, int code)
{
    fprintf(stderr, "cannot start: %s\n", e->text);
    return code == DMCP_E_STORE    ? EXIT_FAILED
           : code == DMCP_E_LOCKED ? EXIT_LOCKED
                                   : EXIT_CONFIG;
}

void boot_announce(const struct process_config *c)
{
    const struct dmcp_server *s = c->server;

    if (c->pipe) {
        fprintf(stderr, "%.*s %.*s speaks by stdin and stdout, store %s\n", STR_FMT(s->name),
                STR_FMT(s->version), c->options->store);
    } else {
        fprintf(stderr, "%.*s %.*s listens on http://%s%s, store %s\n", STR_FMT(s->name),
                STR_FMT(s->version), c->address, c->options->path, c->options->store);
    }
}
