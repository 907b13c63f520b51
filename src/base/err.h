/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An error with its text, wrapped from the inside out as it climbs:
 * "open store: lock: in use by process 17".
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/mem.h"

struct err {
    int code;
    char text[256];
};

/* Both return e->code, so that a function can end in `return err_set(...)`. A text that is too
 * long loses its end. `e` may be NULL: the code is returned all the same. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF(3, 4);
int err_wrap(struct err *e, int code, const char *fmt, ...) PRINTF(3, 4); /* "fmt: old text" */

#endif
