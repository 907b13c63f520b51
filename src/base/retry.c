/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retry delays. See retry.h.
 */
#include "base/retry.h"

#include <assert.h>

uint32_t retry_delay_ms(const struct retry *r, uint32_t attempt, uint64_t random)
{
    uint64_t bound = r->first_ms;

    assert(attempt >= 1);
    for (uint32_t i = 1; i < attempt && bound < r->max_ms; i++) {
        bound *= 2;
    }
    if (bound > r->max_ms) {
        bound = r->max_ms;
    }
    return (uint32_t)(random % (bound + 1));
}
