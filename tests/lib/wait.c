/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting. See wait.h.
 */
#include "wait.h"

#include <time.h>

#include "base/clock.h"

bool wait_until(bool (*cond)(void *arg), void *arg, uint64_t ms)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    uint64_t deadline_ms = clock_mono_ms() + ms;

    while (!cond(arg)) {
        if (clock_mono_ms() > deadline_ms) {
            return cond(arg);
        }
        nanosleep(&pause, NULL);
    }
    return true;
}
