/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers that cases play against. Cases that want the same program with the same options share
 * one, and keep to their own sessions.
 */
#ifndef TESTS_WIRE_POOL_H
#define TESTS_WIRE_POOL_H

#include "proc.h"

/* `spec`: the program in $BUILD and its options, with blanks between. Owned by the pool. */
struct proc *pool_get(const char *spec);
void pool_fini(void);

#endif
