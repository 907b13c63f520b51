/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch: operations in the order in which they were added, encoded in one buffer.
 *
 *   | kind 1 | key bytes 4 | value bytes 4 | key ... | value ... |   and the next one behind it
 *
 * The encoding lives in memory only (each backend has its own on disk), so its integers are in the
 * machine's order. A batch that passed LIMIT_STORE_BATCH_BYTES stays failed until it is reset;
 * store_write answers DMCP_E_TOOBIG to it.
 */
#include <assert.h>

#include "base/limits.h"
#include "store/store.h"

#define HEAD_BYTES 9
#define KEPT_BYTES (1 * MIB) /* a batch is reused for ever; one huge write must not stay around */

void batch_init(struct batch *b)
{
    buf_init(&b->ops, LIMIT_STORE_BATCH_BYTES);
    b->n = 0;
}

void batch_fini(struct batch *b)
{
    buf_fini(&b->ops);
    b->n = 0;
}

void batch_reset(struct batch *b)
{
    if (b->ops.cap > KEPT_BYTES) {
        buf_fini(&b->ops);
    }
    buf_reset(&b->ops);
    b->n = 0;
}

static void add(struct batch *b, enum batch_kind kind, struct str key, struct str value)
{
    uint8_t kind_byte = (uint8_t)kind;
    uint32_t key_bytes = (uint32_t)key.len, value_bytes = (uint32_t)value.len;

    /* One reservation for the whole operation: it is there completely or the batch has failed. */
    if (key.len > LIMIT_STORE_BATCH_BYTES || value.len > LIMIT_STORE_BATCH_BYTES) {
        (void)buf_reserve(&b->ops, LIMIT_STORE_BATCH_BYTES + 1); /* fails, and that is the point */
        return;
    }
    if (!buf_reserve(&b->ops, HEAD_BYTES + key.len + value.len)) {
        return;
    }
    buf_add(&b->ops, &kind_byte, sizeof(kind_byte));
    buf_add(&b->ops, &key_bytes, sizeof(key_bytes));
    buf_add(&b->ops, &value_bytes, sizeof(value_bytes));
    buf_add_str(&b->ops, key);
    buf_add_str(&b->ops, value);
    b->n++;
}

void batch_put(struct batch *b, struct str key, struct str value)
{
    add(b, BATCH_PUT, key, value);
}

void batch_del(struct batch *b, struct str key)
{
    add(b, BATCH_DEL, key, STR(""));
}

void batch_del_range(struct batch *b, struct str from, struct str to)
{
    if (str_cmp(from, to) < 0) {
        add(b, BATCH_DEL_RANGE, from, to);
    }
}

bool batch_next(const struct batch *b, size_t *offset, struct batch_op *op_out)
{
    const char *p = b->ops.data + *offset;
    uint32_t key_bytes, value_bytes;

    if (*offset >= b->ops.len) {
        return false;
    }
    assert(b->ops.len - *offset >= HEAD_BYTES);
    memcpy(&key_bytes, p + 1, sizeof(key_bytes));
    memcpy(&value_bytes, p + 1 + sizeof(key_bytes), sizeof(value_bytes));
    op_out->kind = (enum batch_kind)p[0];
    op_out->key = str_make(p + HEAD_BYTES, key_bytes);
    op_out->value = str_make(p + HEAD_BYTES + key_bytes, value_bytes);
    *offset += HEAD_BYTES + key_bytes + value_bytes;
    assert(*offset <= b->ops.len);
    return true;
}
