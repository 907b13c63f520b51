/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named fault points, for the tests that kill the process at one of them.
 *
 * DMCP_FAULT="name:n" makes the n-th passage (from 1) of that point kill the process with
 * SIGKILL; "name:n:action" with action one of kill, stop (SIGSTOP), enospc, eio, enomem. The last
 * three make fault_error return that error at the n-th passage and at every later one. With the
 * variable unset a point costs one load.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdatomic.h>

extern atomic_int fault_armed; /* 0 off, 1 on, -1 not looked at yet */

void fault_pass(const char *name);
int fault_fails(const char *name); /* 0, ENOSPC, EIO or ENOMEM */

#define FAULT_POINT(name)                                                                          \
    do {                                                                                           \
        if (atomic_load_explicit(&fault_armed, memory_order_relaxed) != 0)                         \
            fault_pass(name);                                                                      \
    } while (0)

#define FAULT_ERROR(name)                                                                          \
    (atomic_load_explicit(&fault_armed, memory_order_relaxed) != 0 ? fault_fails(name) : 0)

#endif
