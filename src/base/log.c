/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging. See log.h.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_BYTES 2048 /* longer entries lose their end */

static atomic_int threshold = LOG_WARNING;

static const char *const names[] = { "error", "warning", "info", "debug" };

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

int log_level_parse(const char *name, enum log_level *level_out)
{
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *level_out = (enum log_level)i;
            return DMCP_OK;
        }
    }
    return DMCP_E_INVALID;
}

/* A peer's bytes may stand in a line: no control characters reach the terminal. */
static void scrub(char *line, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) {
            line[i] = '?';
        }
    }
}

void log_when(uint64_t wall_ms, char text_out[LOG_WHEN_BYTES])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    size_t n;

    gmtime_r(&seconds, &tm);
    n = strftime(text_out, LOG_WHEN_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text_out + n, LOG_WHEN_BYTES - n, ".%03uZ", (unsigned)(wall_ms % 1000));
}

void log_write(enum log_level level, const char *fmt, ...)
{
    char line[LINE_BYTES];
    size_t n;
    int added;
    va_list ap;
    ssize_t written;

    if (!log_enabled(level)) {
        return;
    }
    log_when(clock_wall_ms(), line);
    n = strlen(line);
    n += (size_t)snprintf(line + n, sizeof(line) - n, " %s ", names[level]);
    va_start(ap, fmt);
    added = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
    va_end(ap);
    if (added > 0) {
        size_t room = sizeof(line) - n - 2;

        n += (size_t)added < room ? (size_t)added : room;
    }
    scrub(line, n);
    line[n++] = '\n';
    written = write(STDERR_FILENO, line, n);
    (void)written; /* nowhere to report it */
}
