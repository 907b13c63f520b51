/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finished calls that have expired, shard by shard, the oldest first.
 *
 * The round follows the result rows: only finished calls have one. Call, journal, event and
 * reference rows stand in the same order, so each kind is read along beside it by one cursor, and
 * nothing is searched for. All rows of a call go in one write, the rows that lead to it included:
 * a repeat of its request is a new call afterwards, and its stream is unknown.
 */
#include "engine/sweep.h"

#define SHARD_LOOKS 8        /* what opening a shard costs, in rows looked at */
#define REFERENCES_AT_ONCE 64
#define PREFIX_ROWS 256      /* more rows with one prefix are deleted as a range */
#define LATE_FRACTION 8      /* of the time for which calls are kept, */
#define LATE_MIN_MS 60000    /* and at least so long: then what is over is long over */

struct call_sweep {
    struct engine *e;
    struct sweep_left *left;
    struct sweep_scan results, calls, journal, events, references;
};

/* ---- one call ---- */

static int del_prefix(struct call_sweep *w, struct sweep_scan *s, struct key prefix)
{
    struct key end = key_prefix_end(key_str(&prefix));
    int rc = sweep_scan_to(w->e, s, key_str(&prefix));

    for (int n = 0; rc == DMCP_OK && s->key.p && str_starts(s->key, key_str(&prefix)); n++) {
        if (n == PREFIX_ROWS) {
            batch_del_range(w->e->rows, s->key, key_str(&end));
            return DMCP_OK; /* who reads along comes past the rest by a new cursor */
        }
        sweep_del(w->e, w->left, s->key);
        rc = sweep_scan_next(w->e, s);
    }
    return rc;
}

/* What leads to the call. There may be any number of it: what is too much for this command stays,
 * and the call with it. */
static int del_references(struct call_sweep *w, struct id id)
{
    struct key prefix = key_reference(id, STR(""));
    struct sweep_scan *s = &w->references;
    int rc = sweep_scan_to(w->e, s, key_str(&prefix));

    for (int n = 0; rc == DMCP_OK && s->key.p && str_starts(s->key, key_str(&prefix)); n++) {
        if (n == REFERENCES_AT_ONCE) {
            w->left->is_stay = true;
            return DMCP_OK;
        }
        rc = reference_follow(w->e, id, s->key);
        if (rc == DMCP_OK) {
            sweep_del(w->e, w->left, s->key);
            rc = sweep_scan_next(w->e, s);
        }
    }
    return rc;
}

/* The call's row, and the request that it names. */
static int del_call(struct call_sweep *w, struct id id)
{
    struct key k = key_of_id(KEY_CALL, id);
    struct call_record r;
    int rc = sweep_scan_to(w->e, &w->calls, key_str(&k));

    if (rc == DMCP_OK && str_eq(w->calls.key, key_str(&k))) {
        if (call_record_dec(w->calls.value, &r) == DMCP_OK &&
            r.request_id.len <= LIMIT_REQUEST_ID_BYTES) {
            sweep_del_read(w->e, w->left, key_request(r.session, r.request_id));
        }
        sweep_del_read(w->e, w->left, k);
    }
    return rc;
}

static int del_all(struct call_sweep *w, struct id id, const struct result_record *r)
{
    int rc = del_references(w, id);

    if (rc != DMCP_OK || w->left->is_stay) {
        return rc;
    }
    rc = del_prefix(w, &w->journal, key_journal(id, STR("")));
    if (rc == DMCP_OK && r->n_events > 0) {
        rc = del_prefix(w, &w->events, key_of_id(KEY_EVENT, id));
    }
    if (rc == DMCP_OK) {
        rc = del_call(w, id);
    }
    if (rc == DMCP_OK) {
        sweep_del_read(w->e, w->left, key_of_id(KEY_RESULT, id));
        w->e->sweep.n_calls++;
        w->e->sweep.debt -= w->e->sweep.debt > 0;
    }
    return rc;
}

/* ---- which ---- */

static void note_delay(struct engine *e, uint64_t finished_ms)
{
    uint64_t keep_ms = e->options.keep_calls_ms, late_ms = e->now.wall_ms - finished_ms - keep_ms;

    if (late_ms > LATE_MIN_MS && late_ms > keep_ms / LATE_FRACTION) {
        e->sweep.is_late = true;
    }
}

static bool is_expired(struct call_sweep *w, struct id id, const struct result_record *r)
{
    return sweep_is_over(w->e, r->finished_ms, w->e->options.keep_calls_ms) &&
           !hmap_get(&w->e->calls, id_bytes(&id)) && !sweep_is_being_read(w->e, w->left, id);
}

/* The result row at hand. */
static int look_at(struct call_sweep *w, struct id id)
{
    struct result_record r;

    sweep_looked(w->left, 1);
    if (result_record_dec(w->results.value, &r) == DMCP_OK && is_expired(w, id, &r)) {
        note_delay(w->e, r.finished_ms);
        return del_all(w, id, &r);
    }
    w->e->sweep.is_first_known = true;
    return DMCP_OK;
}

/* An id begins with the time at which its call was asked for, and no call ended before that. */
static bool is_too_young(const struct engine *e, struct id id)
{
    return uuid7_is(id) && !sweep_is_over(e, uuid7_ms(id), e->options.keep_calls_ms);
}

static int look_through_shard(struct call_sweep *w, struct key *at, bool *is_shard_over)
{
    int rc = sweep_scan_to(w->e, &w->results, key_str(at));

    sweep_looked(w->left, SHARD_LOOKS);
    while (rc == DMCP_OK && w->results.key.p && sweep_may_go_on(w->left)) {
        struct id id = { { 0 } };

        if (key_id(w->results.key, &id) == DMCP_OK) {
            if (!w->e->sweep.is_first_known) {
                w->e->sweep.first[key_shard(id)] = id;
            }
            if (is_too_young(w->e, id)) {
                *is_shard_over = true;
                return DMCP_OK;
            }
            rc = look_at(w, id);
        }
        if (rc == DMCP_OK && !w->left->is_stay) {
            *at = key_after(w->results.key);
            rc = sweep_scan_next(w->e, &w->results);
        }
    }
    *is_shard_over = rc == DMCP_OK && !w->results.key.p;
    return rc;
}

static void close_all(struct call_sweep *w)
{
    sweep_scan_close(&w->results);
    sweep_scan_close(&w->calls);
    sweep_scan_close(&w->journal);
    sweep_scan_close(&w->events);
    sweep_scan_close(&w->references);
}

static void begin_shard(struct engine *e, unsigned shard)
{
    e->sweep.rounds[SWEEP_CALLS].at = key_of_id(KEY_RESULT, e->sweep.first[shard]);
    e->sweep.is_first_known = false;
}

int sweep_calls(struct engine *e, struct sweep_left *left, bool *is_round_over)
{
    struct key *at = &e->sweep.rounds[SWEEP_CALLS].at;
    int rc = DMCP_OK;

    e->sweep.is_late = false;
    if (at->len == 0) {
        begin_shard(e, 0);
    }
    while (rc == DMCP_OK && sweep_may_go_on(left)) {
        struct call_sweep w = { .e = e, .left = left };
        bool is_shard_over = false;

        rc = look_through_shard(&w, at, &is_shard_over);
        close_all(&w);
        if (is_shard_over && at->b[1] == UINT8_MAX) {
            *is_round_over = true;
            break;
        }
        if (is_shard_over) {
            begin_shard(e, at->b[1] + 1u);
        }
    }
    return rc;
}
