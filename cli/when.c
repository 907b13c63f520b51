/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times for people: in UTC, and how long ago that is. See cli.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cli.h"

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

const char *when_span(uint64_t ms, char out[WHEN_BYTES])
{
    static const struct {
        uint64_t ms;
        const char *name;
    } units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" } };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (ms >= 2 * units[i].ms) { /* "90m" says more than "1h" */
            snprintf(out, WHEN_BYTES, "%" PRIu64 "%s", ms / units[i].ms, units[i].name);
            return out;
        }
    }
    if (ms >= 10000) {
        snprintf(out, WHEN_BYTES, "%" PRIu64 "s", ms / 1000);
    } else if (ms >= 1000) {
        snprintf(out, WHEN_BYTES, "%" PRIu64 ".%" PRIu64 "s", ms / 1000, ms % 1000 / 100);
    } else {
        snprintf(out, WHEN_BYTES, "%" PRIu64 "ms", ms);
    }
    return out;
}

const char *when_write(uint64_t ms, char out[WHEN_BYTES])
{
    uint64_t now = now_ms();
    time_t seconds = (time_t)(ms / 1000);
    char span[WHEN_BYTES], date[32] = "?";
    struct tm tm;

    if (ms / 1000 <= INT32_MAX * UINT64_C(100) && gmtime_r(&seconds, &tm)) {
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%SZ", &tm);
    }
    if (ms > now) {
        snprintf(out, WHEN_BYTES, "%s (in %.20s)", date, when_span(ms - now, span));
    } else {
        snprintf(out, WHEN_BYTES, "%s (%.20s ago)", date, when_span(now - ms, span));
    }
    return out;
}
