/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a server: one table of options, each from the command line (`--name
 * value`), the environment (DMCP_NAME) or a file (`name = value`, `#` comments), the first of
 * these that gives it. `--help` is made from the same table.
 */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "call/validation.h"

struct options {
    const char *listen, *path, *store;
    const char *allow_origin, *allow_host;
    enum log_level log_level;
    enum validation_mode validation;
    uint64_t workers;
    uint64_t max_body_bytes, max_input_bytes, max_connections, max_calls, max_sessions;
    uint64_t page_entries;
    uint64_t session_idle_ms, keep_calls_ms, keep_events_ms, key_ms, stop_ms;
    bool is_stdio, no_supervisor;
    bool is_help, is_version; /* asked for; nothing else counts then */
    struct arena arena;
};

/* DMCP_E_INVALID with a text that names the option and what is wrong. */
int options_read(struct options *o, int argc, char **argv, struct err *e) MUST_CHECK;
void options_fini(struct options *o);

void options_help(const char *program, struct buf *out);

#endif
