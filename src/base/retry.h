/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one schedule of retries: exponential with full jitter. Who waits, and how, is the
 * caller's business.
 */
#ifndef BASE_RETRY_H
#define BASE_RETRY_H

#include <stdint.h>

struct retry {
    uint32_t max_attempts; /* including the first */
    uint32_t first_ms;     /* upper bound of the first delay */
    uint32_t max_ms;       /* upper bound of every delay */
};

/* The delay after the attempt number `attempt` (from 1) failed: uniform between 0 and
 * min(first_ms * 2^(attempt-1), max_ms). `random` is any uniform number. */
uint32_t retry_delay_ms(const struct retry *r, uint32_t attempt, uint64_t random);

#endif
