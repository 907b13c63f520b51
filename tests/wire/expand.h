/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a case writes for something longer, or for something that is only known when it is played.
 */
#ifndef TESTS_WIRE_EXPAND_H
#define TESTS_WIRE_EXPAND_H

#include "base/buf.h"

struct expand_name {
    const char *name, *value; /* a list of them ends with a NULL */
};

/* Names by their values, and ${text*N} by N times the text. Replaces what is in `out`. */
void expand_text(const char *text, const struct expand_name *names, struct buf *out);

/* The bytes that \r \n \t \0 \\ and \xHH stand for. Appends. */
void expand_escapes(struct str text, struct buf *out);

#endif
