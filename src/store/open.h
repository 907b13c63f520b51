/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a store, taken to pieces for those who open one in another way than store_open.
 */
#ifndef STORE_OPEN_H
#define STORE_OPEN_H

#include "store/store.h"

#define META_FORMAT "format"
#define META_FILLING "filling" /* there while a store is being filled (fill.h): not to be served */

/* As store_open, but takes a store that is being filled, too. */
int store_open_any(const char *name, struct store **store_out, struct err *e) MUST_CHECK;

int store_is_filling(struct store *s, bool *is_filling_out, struct err *e) MUST_CHECK;

#endif
