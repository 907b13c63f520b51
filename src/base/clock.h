/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only reader of clocks. In the layers below call/ and server/ time arrives as an argument.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_wall_ms(void); /* since 1970, UTC */
uint64_t clock_mono_ns(void); /* for measuring and waiting; never goes back */

static inline uint64_t clock_mono_ms(void)
{
    return clock_mono_ns() / 1000000u;
}

#endif
