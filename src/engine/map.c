/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Map writes: a batch over any number of maps, whole or not at all, and in a call exactly once:
 * the rows and the journal's note of them are one write. Reads do not come here; they go straight
 * to the store.
 */
#include "engine/internal.h"

#include <stdio.h>

static void copy_rows(struct engine *e, const struct batch *from)
{
    size_t offset = 0;
    struct batch_op op;

    while (batch_next(from, &offset, &op)) {
        switch (op.kind) {
        case BATCH_PUT:
            batch_put(e->rows, op.key, op.value);
            break;
        case BATCH_DEL:
            batch_del(e->rows, op.key);
            break;
        case BATCH_DEL_RANGE:
            batch_del_range(e->rows, op.key, op.value);
            break;
        }
    }
}

/* Outside of calls there is no journal, and the caller wants it on disk. */
static int apply_outside(struct engine *e, const struct command *c)
{
    copy_rows(e, &c->map.rows);
    engine_wake(e, c->waiter, WHEN_DURABLE, DMCP_OK, "");
    return DMCP_OK;
}

static int differs(const struct command *c, const struct journal_record *old, char *text, size_t n)
{
    if (old->guard != GUARD_MAP) {
        snprintf(text, n, "the journal has another kind of step under alias \"%.*s\" than %.*s",
                 STR_FMT(c->map.alias), STR_FMT(c->map.label));
        return DMCP_E_DIVERGED;
    }
    if (!id_eq(old->digest, c->map.digest)) {
        snprintf(text, n,
                 "%.*s was recorded with other entries in an earlier attempt; compute what varies "
                 "(time, random numbers, answers from outside) in a step of its own",
                 STR_FMT(c->map.label));
        return DMCP_E_DIVERGED;
    }
    return DMCP_OK;
}

int map_apply(struct engine *e, const struct command *c)
{
    struct call *call;
    struct journal_record r;
    char text[512] = "";
    struct buf value;
    int rc;

    if (c->map.alias.len == 0) {
        return apply_outside(e, c);
    }
    call = call_find(e, c->call);
    if (!call) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, DMCP_E_GONE, "the call is over");
        return DMCP_OK;
    }
    buf_init(&value, SIZE_MAX / 2);
    rc = journal_get(e, c->call, c->map.alias, &value, &r);
    if (rc == DMCP_OK) {
        rc = differs(c, &r, text, sizeof(text));
    } else if (rc == DMCP_E_NOTFOUND) {
        r = (struct journal_record){ .guard = GUARD_MAP,
                                     .state = STEP_DONE,
                                     .attempt = call->attempt,
                                     .at_ms = e->now.wall_ms,
                                     .digest = c->map.digest,
                                     .label = c->map.label,
                                     .body = STR("") };
        copy_rows(e, &c->map.rows);
        journal_put(e, c->call, c->map.alias, &r);
        rc = DMCP_OK;
    } else {
        buf_fini(&value);
        return rc;
    }
    buf_fini(&value);
    engine_wake(e, c->waiter, WHEN_VISIBLE, rc, text);
    return DMCP_OK;
}
