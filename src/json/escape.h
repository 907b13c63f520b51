/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings as JSON writes them. Used inside json/ only; others use json/writer.h.
 */
#ifndef JSON_ESCAPE_H
#define JSON_ESCAPE_H

#include "base/buf.h"

/* In quotes. What is not UTF-8 is replaced by U+FFFD, byte by byte. */
void escape_string(struct buf *out, struct str s);

#endif
