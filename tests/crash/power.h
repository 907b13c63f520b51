/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Losses of power: what a server did not sync may be gone from its files, in part or whole, or be
 * something else.
 *
 * The server has to be one of tests/programs/torture_disk.c, which notes down what it synced.
 */
#ifndef TESTS_CRASH_POWER_H
#define TESTS_CRASH_POWER_H

#include "proc.h"
#include "random.h"

/* Before its first start. */
void power_on(struct proc *p);

/* It is killed, and its files are left as a disk might have them then. The number of bytes that were
 * lost. */
long power_off(struct proc *p, struct random *r);

#endif
