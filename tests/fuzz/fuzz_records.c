/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes are read as a record or refused; what was read is written as the same bytes, and the
 * table of fields reads them alike. The first byte of the input is the kind of the row.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "store/fields.h"
#include "store/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written again; empty when it was refused. */
#define AGAIN(name)                                                                                \
    static void name##_again(struct str bytes, struct buf *out)                                    \
    {                                                                                              \
        struct name##_record r;                                                                    \
                                                                                                   \
        if (name##_record_dec(bytes, &r) == DMCP_OK) {                                             \
            name##_record_enc(out, &r);                                                            \
        }                                                                                          \
    }

AGAIN(session)
AGAIN(call)
AGAIN(result)
AGAIN(unfinished)
AGAIN(journal)
AGAIN(request)
AGAIN(event)
AGAIN(stream)
AGAIN(idempotency)
AGAIN(input)
AGAIN(watch)

static const struct {
    uint8_t kind;
    void (*again)(struct str bytes, struct buf *out);
} records[] = {
    { KEY_SESSION, session_again },       { KEY_CALL, call_again },
    { KEY_RESULT, result_again },         { KEY_UNFINISHED, unfinished_again },
    { KEY_SUSPENDED, unfinished_again },  { KEY_JOURNAL, journal_again },
    { KEY_REQUEST, request_again },       { KEY_EVENT, event_again },
    { KEY_STREAM, stream_again },         { KEY_IDEMPOTENCY, idempotency_again },
    { KEY_INPUT, input_again },           { KEY_WATCH, watch_again },
};

/* The record's codes may be refused where the table takes any number. */
static void expect_fields(uint8_t kind, struct str bytes)
{
    const struct row_kind *row = row_kind_of(kind);
    struct field_value values[FIELDS_MAX];
    struct buf again;

    assert(row && bytes.len > 0);
    if (!row->has_layout) { /* it may be empty, and is taken as it is */
        return;
    }
    if (fields_dec(row->value, str_make(bytes.p + 1, bytes.len - 1), values)) {
        abort();
    }
    buf_init(&again, 64 * MIB);
    buf_addc(&again, bytes.p[0]);
    fields_enc(&again, row->value, values);
    assert(str_eq(buf_str(&again), bytes));
    buf_fini(&again);
}

static void read_ranges(struct str bytes)
{
    struct str rest = bytes, from, to;
    struct buf again;
    int rc;

    buf_init(&again, 64 * MIB);
    while ((rc = watch_range_next(&rest, &from, &to)) == DMCP_OK) {
        watch_range_add(&again, from, to);
    }
    assert(rc == DMCP_E_NOTFOUND || rc == DMCP_E_CORRUPT);
    assert(rc != DMCP_E_NOTFOUND || str_eq(buf_str(&again), bytes));
    buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_make(data + 1, size - 1);
    struct buf again;

    if (size == 0) {
        return 0;
    }
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        if (records[i].kind == data[0]) {
            buf_init(&again, 64 * MIB);
            records[i].again(bytes, &again);
            if (again.len > 0) {
                assert(str_eq(buf_str(&again), bytes));
                expect_fields(data[0], bytes);
            }
            buf_fini(&again);
        }
    }
    read_ranges(bytes);
    return 0;
}
