/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers: rows in the order of their due times, one index for everything that time ends. The
 * engine remembers only when the first one is due.
 *
 * A timer names a row of a call's journal. When it is due and that row still waits for it, the row
 * becomes expired and the call is woken. A condition on maps only gets that word as its body:
 * whether it holds after all is its handler's to see. A row that got its answer takes its timer with
 * it; one that is left over, because the call is over, is dropped when it is due.
 *
 * A million calls may be due at one time. While woken ones wait for workers the others stay on
 * disk, but not for ever: a call that holds its worker until its time limit must meet that.
 */
#include "engine/internal.h"

#define FIRED_AT_ONCE 512 /* timers per command, so that others get their turn */
#define REST_MS 1000      /* between two lots when no worker is free for the first */
/* Timers go by the wall clock, which may be set: look again after so long at the latest. */
#define MAX_SLEEP_MS 60000

static bool is_resting(const struct engine *e, struct engine_time now)
{
    return e->calls_in[CALL_READY].n >= FIRED_AT_ONCE && now.mono_ms < e->timers_rest_ms;
}

uint64_t timer_deadline(const struct engine *e, struct engine_time now)
{
    uint64_t left_ms = e->next_timer_ms > now.wall_ms ? e->next_timer_ms - now.wall_ms : 0;

    if (e->next_timer_ms == UINT64_MAX) {
        return UINT64_MAX;
    }
    if (left_ms == 0 && is_resting(e, now)) {
        return e->timers_rest_ms;
    }
    return now.mono_ms + (left_ms < MAX_SLEEP_MS ? left_ms : MAX_SLEEP_MS);
}

uint64_t timer_put(struct engine *e, struct id call, struct str alias, uint64_t delay_ms)
{
    uint64_t due_ms = e->now.wall_ms + delay_ms;
    struct key k;

    if (due_ms < delay_ms || due_ms == UINT64_MAX) {
        return 0; /* beyond what can be counted */
    }
    k = key_timer(due_ms, call, alias);
    batch_put(e->rows, key_str(&k), STR(""));
    if (due_ms < e->next_timer_ms) {
        e->next_timer_ms = due_ms;
    }
    if (str_cmp(key_str(&k), key_str(&e->timers_from)) < 0) {
        e->timers_from = k; /* due at once, or the clock was set back */
    }
    return due_ms;
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
        cancel_late(e, call);
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

static int fire(struct engine *e, struct str key, struct key *last, uint64_t *due_ms_out)
{
    struct id call = { { 0 } };
    struct str alias;
    int rc;

    if (key_timer_parts(key, due_ms_out, &call, &alias) != DMCP_OK) {
        return engine_corrupt(e, "timer of call", call);
    }
    *last = key_timer(*due_ms_out, call, alias);
    if (*due_ms_out > e->now.wall_ms) {
        return DMCP_E_NOTFOUND; /* the first that is not due ends the work */
    }
    if (str_starts(alias, STR(TIMER_WATCH))) {
        rc = watch_go_on(e, str_make(alias.p + strlen(TIMER_WATCH),
                                     alias.len - strlen(TIMER_WATCH)));
    } else if (str_starts(alias, STR(TIMER_CLOSE))) {
        rc = cancel_session(e, call, str_make(alias.p + strlen(TIMER_CLOSE),
                                              alias.len - strlen(TIMER_CLOSE)));
    } else {
        rc = expire(e, call, alias, *due_ms_out);
    }
    if (rc == DMCP_OK) {
        batch_del(e->rows, key);
    }
    return rc;
}

static struct key kind_end(void)
{
    struct key kind = key_kind_start(KEY_TIMER);

    return key_prefix_end(key_str(&kind));
}

/* Not from the first key of the kind: a store may take long to pass what was deleted. */
static struct cursor *open_timers(struct engine *e)
{
    struct key to = kind_end();
    struct range range = { .from = key_str(&e->timers_from), .to = key_str(&to) };

    return store_scan(e->store, &range);
}

/* Contract: no rows are unwritten. */
int timer_fire_due(struct engine *e)
{
    struct key last = kind_end();
    struct cursor *cursor;
    struct str key, value;
    uint64_t due_ms = UINT64_MAX;
    int rc = DMCP_OK;

    if (e->next_timer_ms > e->now.wall_ms || is_resting(e, e->now)) {
        return DMCP_OK;
    }
    if (engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST;
    }
    cursor = open_timers(e);
    e->next_timer_ms = UINT64_MAX; /* these two may become less while timers fire */
    e->timers_from = last;
    for (int n = 0; n < FIRED_AT_ONCE && rc == DMCP_OK; n++) {
        due_ms = UINT64_MAX;
        rc = cursor_next(cursor, &key, &value, e->err);
        if (rc == DMCP_OK) {
            rc = fire(e, key, &last, &due_ms);
        }
    }
    cursor_close(cursor);
    e->timers_rest_ms = e->now.mono_ms + REST_MS;
    if (due_ms < e->next_timer_ms) {
        e->next_timer_ms = due_ms; /* of the first that was not fired; or a due one: once again */
    }
    if (str_cmp(key_str(&last), key_str(&e->timers_from)) < 0) {
        e->timers_from = last;
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

int timer_load(struct engine *e)
{
    struct cursor *cursor = open_timers(e);
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
