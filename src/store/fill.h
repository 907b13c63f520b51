/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling a store with the rows of another one. Until that is at its end the store has a mark, and
 * nobody opens it for anything else: a server on half of its rows would break every promise that
 * the other half holds.
 *
 *     absent, empty --begin--> marked --end--> a store like any other
 *                                 |  ^
 *                         (crash) +--+ begin again: what is there is thrown away
 */
#ifndef STORE_FILL_H
#define STORE_FILL_H

#include "store/store.h"

/* Opens and marks the store of this name, which is created when it is not there. DMCP_E_CONFLICT:
 * it holds something. Otherwise the errors of store_open. */
int store_fill_begin(const char *name, struct store **store_out, struct err *e) MUST_CHECK;

/* All rows are written: makes them durable, and then the store one like any other. The store stays
 * open. */
int store_fill_end(struct store *s, struct err *e) MUST_CHECK;

#endif
