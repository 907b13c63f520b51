/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole store as lines of JSON: a first line that says what it is, a line for each row, and a
 * last line, without which it is not whole (docs/FORMAT.md, "Exports").
 *
 * The rows are those of one moment, however long the export takes.
 */
#ifndef ADMIN_EXPORT_H
#define ADMIN_EXPORT_H

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"

struct export;

/* Thread: any, one at a time; the store stays open until export_close. */
struct export *export_open(struct store *s);
void export_close(struct export *x);

/* Appends whole lines, until there are about this many bytes more. *is_end_out: it was the last of
 * it. Failures are the store's. */
int export_read(struct export *x, size_t about_bytes, struct buf *out, bool *is_end_out,
                struct err *e) MUST_CHECK;
uint64_t export_rows(const struct export *x); /* so far */

/* The other way: makes the store of this name from such a file (store/fill.h). DMCP_E_INVALID,
 * DMCP_E_VERSION: the file; the text names the line. */
int import_file(const char *name, FILE *from, uint64_t *rows_out, struct err *e) MUST_CHECK;

/* The number of rows in the last line of an export; DMCP_E_INVALID when it is not one. */
int export_read_end(struct str line, uint64_t *rows_out) MUST_CHECK;

#endif
