/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers: rows in the order of their due times, one index for everything that time ends. The
 * engine remembers only when the first one is due.
 *
 * A timer names a row of a call's journal. When it is due and that row still waits for it, the row
 * becomes expired and the call is woken. A condition on maps only gets that word as its body:
 * whether it holds after all is its handler's to see. A row that got its answer takes its timer with
 * it; one that is left over, because the call is over, is dropped when it is due.
 */
#include "engine/internal.h"

#define FIRED_AT_ONCE 512 /* timers per command, so that others get their turn */

void timer_put(struct engine *e, struct id call, struct str alias, uint64_t due_ms)
{
    struct key k = key_timer(due_ms, call, alias);

    batch_put(e->rows, key_str(&k), STR(""));
    if (due_ms < e->next_timer_ms) {
        e->next_timer_ms = due_ms;
    }
}

void timer_drop(struct engine *e, struct id call, struct str alias, uint64_t due_ms)
{
    struct key k;

    if (due_ms) {
        k = key_timer(due_ms, call, alias);
        batch_del(e->rows, key_str(&k));
    }
}

/* The row that waited has waited for long enough. */
static int expire(struct engine *e, struct id id, struct str alias, uint64_t due_ms)
{
    struct journal_record r;
    struct call *call;
    struct buf value;
    int rc;

    rc = call_load(e, id, &call);
    if (rc != DMCP_OK) {
        return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc; /* over */
    }
    if (str_eq(alias, STR(TIMER_CALL_TIMEOUT))) {
        call->flags |= UNFINISHED_LATE;
        cancel_call(e, call);
        return DMCP_OK;
    }
    buf_init(&value, SIZE_MAX / 2);
    rc = journal_get(e, call, alias, &value, &r);
    if (rc == DMCP_OK && r.state == STEP_STARTED && r.due_ms == due_ms) {
        if (r.guard == GUARD_UNTIL) {
            r.body = STR("expired");
        } else {
            r.state = STEP_EXPIRED;
        }
        r.due_ms = 0;
        r.at_ms = e->now.wall_ms;
        journal_put(e, call, alias, &r);
        call_wake(e, call);
    }
    buf_fini(&value);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

static int fire(struct engine *e, struct str key, uint64_t *due_ms_out)
{
    struct id call = { { 0 } };
    struct str alias;

    if (key_timer_parts(key, due_ms_out, &call, &alias) != DMCP_OK) {
        return engine_corrupt(e, "timer of call", call);
    }
    if (*due_ms_out > e->now.wall_ms) {
        return DMCP_E_NOTFOUND; /* the first that is not due ends the work */
    }
    batch_del(e->rows, key);
    if (str_starts(alias, STR(TIMER_WATCH))) {
        return watch_go_on(e, str_make(alias.p + strlen(TIMER_WATCH),
                                       alias.len - strlen(TIMER_WATCH)));
    }
    return expire(e, call, alias, *due_ms_out);
}

/* Contract: no rows are unwritten. */
int timer_fire_due(struct engine *e)
{
    struct key from = key_kind_start(KEY_TIMER), to = key_prefix_end(key_str(&from));
    struct range range = { .from = key_str(&from), .to = key_str(&to) };
    struct cursor *cursor;
    struct str key, value;
    uint64_t due_ms = UINT64_MAX;
    int rc = DMCP_OK;

    if (e->next_timer_ms > e->now.wall_ms) {
        return DMCP_OK;
    }
    if (engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST;
    }
    e->next_timer_ms = UINT64_MAX;
    cursor = store_scan(e->store, &range);
    for (int n = 0; n < FIRED_AT_ONCE && rc == DMCP_OK; n++) {
        due_ms = UINT64_MAX;
        rc = cursor_next(cursor, &key, &value, e->err);
        if (rc == DMCP_OK) {
            rc = fire(e, key, &due_ms);
        }
    }
    cursor_close(cursor);
    if (due_ms < e->next_timer_ms) {
        e->next_timer_ms = due_ms; /* of the first that was not fired; or a due one: once again */
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

int timer_load(struct engine *e)
{
    struct key from = key_kind_start(KEY_TIMER), to = key_prefix_end(key_str(&from));
    struct range range = { .from = key_str(&from), .to = key_str(&to) };
    struct cursor *cursor = store_scan(e->store, &range);
    struct str key, value, alias;
    struct id call = { { 0 } };
    int rc = cursor_next(cursor, &key, &value, e->err);

    e->next_timer_ms = UINT64_MAX;
    if (rc == DMCP_OK && key_timer_parts(key, &e->next_timer_ms, &call, &alias) != DMCP_OK) {
        rc = engine_corrupt(e, "timer of call", call);
    }
    cursor_close(cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}
