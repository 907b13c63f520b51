/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls from the newest to the oldest. See newest.h.
 */
#include "admin/newest.h"

/* The greatest id of the shard that is less than *before. */
static int load(struct newest *n, uint8_t shard, const struct id *before, struct err *e)
{
    struct key from = key_kind_start(n->kind), to;
    struct cursor *cursor;
    struct str key, value;
    int rc;

    from.b[from.len++] = shard;
    to = key_prefix_end(key_str(&from));
    if (before) {
        to = from;
        memcpy(to.b + to.len, before->b, sizeof(before->b));
        to.len += sizeof(before->b);
    }
    cursor = store_scan(
        n->store,
        &(struct range){ .from = key_str(&from), .to = key_str(&to), .is_reverse = true });
    rc = cursor_next(cursor, &key, &value, e);
    n->has[shard] = rc == DMCP_OK;
    if (rc == DMCP_OK) {
        rc = key_id(key, &n->head[shard]);
    }
    cursor_close(cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

int newest_open(struct newest *n, struct store *s, enum key_kind kind, const struct id *before,
                const struct id *shard_of, struct err *e)
{
    int rc = DMCP_OK;

    *n = (struct newest){ .store = s, .kind = kind };
    for (unsigned shard = 0; shard < SHARDS && rc == DMCP_OK; shard++) {
        if (!shard_of || key_shard(*shard_of) == shard) {
            rc = load(n, (uint8_t)shard, before, e);
        }
    }
    return rc;
}

int newest_next(struct newest *n, struct id *id_out, struct err *e)
{
    int newest = -1;

    for (int i = 0; i < SHARDS; i++) {
        if (n->has[i] &&
            (newest < 0 || memcmp(n->head[i].b, n->head[newest].b, sizeof(n->head[i].b)) > 0)) {
            newest = i;
        }
    }
    if (newest < 0) {
        return DMCP_E_NOTFOUND;
    }
    *id_out = n->head[newest];
    return load(n, (uint8_t)newest, id_out, e);
}
