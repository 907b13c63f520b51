/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fibers: functions with stacks of their own that run in one thread, each until it yields. So the
 * blocking code of handlers can be stopped and gone on with at the simulator's will, and nothing is
 * left to a scheduler.
 */
#ifndef TESTS_SIM_FIBER_H
#define TESTS_SIM_FIBER_H

#include <stdbool.h>

struct fiber;

struct fiber *fiber_new(void (*run)(void *arg), void *arg);
void fiber_free(struct fiber *f); /* one that is over, or never ran */

void fiber_resume(struct fiber *f); /* until it yields, or is over */
bool fiber_is_over(const struct fiber *f);

void fiber_yield(void); /* from inside */
bool fiber_is_inside(void);

#endif
