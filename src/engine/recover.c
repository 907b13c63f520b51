/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery: what a restart makes of the rows. It looks at the unfinished calls and at nothing
 * else of what ever ran: each becomes ready, in a new attempt. The rows that say so are written
 * before any handler starts (the driver writes, then engine_written dispatches).
 *
 * States that a crash can leave, and what becomes of them:
 *   call, request, unfinished           not yet finished       -> ready, attempt + 1
 *   call, request, suspended            waits for something    -> nothing to do: a row
 *   call, request, result               finished               -> nothing to do
 * Other combinations cannot be: start and end are one write each. An unfinished row without its
 * call row, or beside a result (running it again could change that), is corruption, and stops the
 * start.
 */
#include "engine/internal.h"

static int check_has_no_result(struct engine *e, struct id call)
{
    struct key k = key_of_id(KEY_RESULT, call);
    char hex[ID_HEX_BYTES + 1];
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = engine_read(e, &k, &value);
    buf_fini(&value);
    if (rc == DMCP_OK) {
        id_to_hex(call, hex);
        return err_set(e->err, DMCP_E_CORRUPT, "unfinished call %s has a result", hex);
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

/* Its next attempt. */
static int recover_call(struct engine *e, struct id id, const struct unfinished_record *u,
                        struct call **call_out)
{
    int rc = check_has_no_result(e, id);

    if (rc == DMCP_OK) {
        rc = call_restore(e, id, u, call_out);
    }
    if (rc == DMCP_OK) {
        (*call_out)->attempt++;
    }
    return rc;
}

static int recover_calls(struct engine *e, const struct id *crashed, struct str crash_result)
{
    struct key from = key_kind_start(KEY_UNFINISHED), to = key_prefix_end(key_str(&from));
    struct range range = { .from = key_str(&from), .to = key_str(&to) };
    struct cursor *cursor = store_scan(e->store, &range);
    struct str key, value;
    struct call *call = NULL;
    int rc;

    while ((rc = cursor_next(cursor, &key, &value, e->err)) == DMCP_OK) {
        struct unfinished_record u;
        struct id id = { { 0 } };

        if (key_id(key, &id) != DMCP_OK || unfinished_record_dec(value, &u) != DMCP_OK) {
            rc = engine_corrupt(e, "unfinished call", id);
            break;
        }
        rc = recover_call(e, id, &u, &call);
        if (rc != DMCP_OK) {
            break;
        }
        call->crashes += crashed && id_eq(*crashed, id);
        if (call->crashes >= LIMIT_CRASHES) {
            rc = watch_end(e, call);
            if (rc != DMCP_OK) {
                break;
            }
            call_finish(e, call, OUTCOME_RESULT, crash_result);
        } else {
            call_put_unfinished(e, call);
        }
    }
    cursor_close(cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

static int count(struct engine *e, enum key_kind kind, size_t *n)
{
    struct key from = key_kind_start(kind), to = key_prefix_end(key_str(&from));
    struct range range = { .from = key_str(&from), .to = key_str(&to) };
    struct cursor *cursor = store_scan(e->store, &range);
    struct str key, value;
    int rc;

    while ((rc = cursor_next(cursor, &key, &value, e->err)) == DMCP_OK) {
        (*n)++;
    }
    cursor_close(cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

/* Each life of the server has a number: what was asked in another one is asked again. */
static int next_epoch(struct engine *e)
{
    struct key k = key_meta("epoch");
    struct buf value;
    int rc;

    buf_init(&value, 64);
    rc = engine_read(e, &k, &value);
    if (rc == DMCP_OK) {
        rc = str_to_u64(buf_str(&value), UINT64_MAX - 1, &e->epoch);
        if (rc != DMCP_OK) {
            rc = err_set(e->err, DMCP_E_CORRUPT, "the epoch cannot be decoded");
        }
    } else if (rc == DMCP_E_NOTFOUND) {
        e->epoch = 0;
        rc = DMCP_OK;
    }
    e->epoch++;
    buf_reset(&value);
    buf_addf(&value, "%llu", (unsigned long long)e->epoch);
    batch_put(e->rows, key_str(&k), buf_str(&value));
    buf_fini(&value);
    return rc;
}

int engine_recover(struct engine *e, struct engine_time now, const struct id *crashed,
                   struct str crash_result, struct batch *rows, struct err *err)
{
    struct action_list none; /* nobody is connected yet */
    int rc;

    action_list_init(&none);
    e->now = now;
    e->rows = rows;
    e->out = &none;
    e->err = err;
    rc = count(e, KEY_SESSION, &e->n_sessions);
    if (rc == DMCP_OK) {
        rc = count(e, KEY_SUBSCRIPTION, &e->n_subscriptions);
    }
    if (rc == DMCP_OK) {
        rc = next_epoch(e);
    }
    if (rc == DMCP_OK) {
        rc = timer_load(e);
    }
    if (rc == DMCP_OK) {
        rc = watch_load(e);
    }
    return rc == DMCP_OK ? recover_calls(e, crashed, crash_result) : rc;
}
