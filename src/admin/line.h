/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of a store as one line of JSON, and back; docs/FORMAT.md, "Exports".
 *
 *     {"kind":"map","map":"users","key":"ann","value":"a@example.com"}
 *
 * The row comes back byte for byte. A row that this program does not know, or that cannot be
 * decoded, is carried as it is, in base64.
 */
#ifndef ADMIN_LINE_H
#define ADMIN_LINE_H

#include "base/buf.h"
#include "base/err.h"

struct yyjson_val;

#define LINE_BYTES (128u * 1024u * 1024u) /* a result of LIMIT_RESULT_BYTES, all of it escaped */

/* The line with its line feed. */
void line_write(struct buf *out, struct str key, struct str value);

/* Appends to key and value. DMCP_E_INVALID: it is none; the text tells what is wrong. */
int line_read(const struct yyjson_val *line, struct buf *key, struct buf *value,
              struct err *e) MUST_CHECK;

#endif
