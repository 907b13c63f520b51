/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry of a map, as the operator's program tells it to the server:
 *
 *     {"map":"users","key":"ann","value":"{}"}     value left out: the entry is removed
 *
 * Bytes that are no text are "key_base64" and "value_base64".
 */
#ifndef ADMIN_ENTRY_H
#define ADMIN_ENTRY_H

#include "base/buf.h"
#include "base/err.h"
#include "json/json.h"

struct map_entry {
    struct str map, key;
    struct str value; /* absent: to be removed */
};

/* Whether it can be one: DMCP_E_INVALID, DMCP_E_TOOBIG. */
int entry_check(const struct map_entry *entry, struct err *e) MUST_CHECK;

void entry_write(struct buf *out, const struct map_entry *entry);

/* And checks it. Borrows from the object and from the arena. */
int entry_read(const yyjson_val *object, struct arena *arena, struct map_entry *entry_out,
               struct err *e) MUST_CHECK;

#endif
