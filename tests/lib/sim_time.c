/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks and randomness of simulated worlds. The handler's side of a call reads them where it is,
 * so the linker puts these functions in the place of the real ones (--wrap, see the Makefile).
 * Outside of a world, and for the seed of hash maps, they are as good as constant.
 */
#include <string.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/mailbox.h"
#include "sim_world.h"

uint64_t __wrap_clock_wall_ms(void);
uint64_t __wrap_clock_mono_ns(void);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags);
struct mail *__wrap_mailbox_wait(struct mailbox *m, uint64_t deadline_ns);

static struct sim *world;

void sim_time_begin(struct sim *s)
{
    (void)hmap_hash(STR("")); /* has its seed before there is a world */
    world = s;
}

void sim_time_end(void)
{
    world = NULL;
}

uint64_t __wrap_clock_wall_ms(void)
{
    return world ? world->now.wall_ms : UINT64_C(1699000000000);
}

uint64_t __wrap_clock_mono_ns(void)
{
    return world ? world->now.mono_ms * 1000000 : 0;
}

ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags)
{
    (void)flags;
    if (world) {
        random_fill(&world->random, p, n);
    } else {
        memset(p, 7, n);
    }
    return (ssize_t)n;
}

/* A handler's thread waits for a time. */
struct mail *__wrap_mailbox_wait(struct mailbox *m, uint64_t deadline_ns)
{
    sim_handler_rest(world, deadline_ns / 1000000);
    return mailbox_take(m);
}
