/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows once more, as a table: which fields stand in the key and in the value of each kind, in
 * which order and of which type. For programs that carry any row from one place to another without
 * knowing what it means; who works with a row takes keys.h and records.h, whose pictures this
 * table repeats.
 */
#ifndef STORE_FIELDS_H
#define STORE_FIELDS_H

#include "base/codec.h"
#include "store/keys.h"

#define FIELDS_MAX 10 /* of one key or one value */

enum field_type {
    FIELD_END,
    FIELD_U8,
    FIELD_U32,
    FIELD_U64,
    FIELD_ID,
    FIELD_STR,      /* with its length in front */
    FIELD_SHARD_ID, /* the shard, and the id that it is of */
    FIELD_NAME,     /* up to a NUL byte */
    FIELD_REST,     /* up to the end */
};

struct field {
    const char *name;
    enum field_type type;
};

struct field_value {
    uint64_t number;
    struct id id;
    struct str text; /* borrowed */
};

struct row_kind {
    enum key_kind kind;
    const char *name;
    struct field key[4]; /* behind the kind's byte */
    bool has_layout;     /* the value begins with the layout's number, 1 */
    struct field value[FIELDS_MAX];
};

const struct row_kind *row_kind_of(uint8_t kind);       /* NULL: unknown */
const struct row_kind *row_kind_named(struct str name); /* NULL: unknown */

/* One value for each field up to FIELD_END. DMCP_E_CORRUPT: the bytes are not of these fields. */
int fields_dec(const struct field *fields, struct str bytes,
               struct field_value values_out[FIELDS_MAX]) MUST_CHECK;

/* Appends the fields. Numbers are cut to the field's type, a name to its first NUL: who has them
 * from outside checks them before. */
void fields_enc(struct buf *b, const struct field *fields, const struct field_value *values);

#endif
