/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References: what leads to a call besides its own request, listed under the call's id. These are
 * its idempotency key, and the requests that came with that key later. So whoever deletes the call
 * finds them without searching, and no row is left that leads to nothing.
 */
#include "engine/internal.h"

void reference_put(struct engine *e, struct id call, const struct key *to)
{
    struct key k = key_reference(call, key_str(to));

    batch_put(e->rows, key_str(&k), STR(""));
}

int reference_has(struct engine *e, struct id call, struct id session, bool *has_out)
{
    struct key request = key_request(session, STR(""));
    struct key from = key_reference(call, key_str(&request)), to = key_prefix_end(key_str(&from));
    struct range range = { .from = key_str(&from), .to = key_str(&to) };
    struct cursor *cursor = store_scan(e->store, &range);
    struct str key, value;
    int rc = cursor_next(cursor, &key, &value, e->err);

    *has_out = rc == DMCP_OK;
    cursor_close(cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

/* The call to which a row leads. DMCP_E_NOTFOUND: to none that could be told. */
static int read_target(struct engine *e, struct str key, struct id *call_out)
{
    struct idempotency_record i;
    struct request_record r;
    struct buf value;
    int rc;

    buf_init(&value, 128);
    rc = store_get(e->store, key, &value, e->err);
    if (rc != DMCP_OK) {
        goto out;
    }
    rc = DMCP_E_NOTFOUND;
    if (key.p[0] == KEY_REQUEST && request_record_dec(buf_str(&value), &r) == DMCP_OK) {
        *call_out = r.call;
        rc = DMCP_OK;
    } else if (key.p[0] == KEY_IDEMPOTENCY &&
               idempotency_record_dec(buf_str(&value), &i) == DMCP_OK) {
        *call_out = i.call;
        rc = DMCP_OK;
    }
out:
    buf_fini(&value);
    return rc;
}

int reference_follow(struct engine *e, struct id call, struct str reference)
{
    struct str target;
    struct id leads_to;
    struct key k;
    int rc;

    if (key_reference_target(reference, &target) != DMCP_OK || target.len > sizeof(k.b)) {
        return DMCP_OK;
    }
    rc = read_target(e, target, &leads_to);
    if (rc == DMCP_OK && id_eq(leads_to, call)) {
        k.len = target.len;
        memcpy(k.b, target.p, target.len);
        engine_del(e, &k);
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}
