/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging to stderr, one line per entry: time, level, text. Never to stdout (that belongs to
 * messages when a server speaks stdio). Safe from any thread: a line is one write.
 *
 * Lines that are about an object begin with who it is: "call=0190... tool=add: text".
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/mem.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level); /* LOG_WARNING until set */
bool log_enabled(enum log_level level);

/* "error", "warning", "info", "debug". DMCP_E_INVALID for another name. */
int log_level_parse(const char *name, enum log_level *level_out) MUST_CHECK;

/* A time as it stands in front of each line. */
#define LOG_WHEN_BYTES 32
void log_when(uint64_t wall_ms, char text_out[LOG_WHEN_BYTES]);

void log_write(enum log_level level, const char *fmt, ...) PRINTF(2, 3);

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
    do {                                                                                           \
        if (log_enabled(LOG_DEBUG))                                                                \
            log_write(LOG_DEBUG, __VA_ARGS__);                                                     \
    } while (0)

#endif
