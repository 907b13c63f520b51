/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a day, held against what was done. See day.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "day.h"

/* How many rows of each kind the calls that are there must have. */
struct expected {
    size_t calls, results, requests, journal, events, references, keys, unfinished;
};

static uint64_t age_of(const struct day *d, uint64_t at_ms)
{
    return d->rig->now.wall_ms - at_ms;
}

static void check_result(struct day *d, uint32_t i)
{
    struct str row = rig_row(d->rig, key_of_id(KEY_RESULT, d->calls[i].id));
    struct result_record r;
    char text[16];

    day_result(i, text);
    assert_int_equal(result_record_dec(row, &r), DMCP_OK);
    assert_true(str_eqz(r.body, text));
    assert_true(r.n_events == d->calls[i].n_events);
}

static void check_request(struct day *d, uint32_t i)
{
    const struct day_call *call = &d->calls[i];
    char text[16];

    day_request_id(i, text);
    assert_true(rig_has(d->rig, key_request(d->sessions[call->i_session].id, str_of(text))));
}

/* What is unfinished, or has ended lately, is there; what ended long ago is not. */
static void check_call(struct day *d, uint32_t i, struct expected *x)
{
    struct day_call *call = &d->calls[i];
    bool is_there = rig_has_id(d->rig, KEY_CALL, call->id);
    bool is_over = call->state == DAY_FINISHED;

    if (!is_there) {
        if (!is_over || age_of(d, call->finished_ms) < DAY_KEEP_CALLS_MS) {
            fail_msg("call %u is lost", i);
        }
        call->state = DAY_SWEPT;
        return;
    }
    if (is_over && age_of(d, call->finished_ms) > DAY_KEEP_CALLS_MS + DAY_SLACK_MS) {
        fail_msg("call %u is still there", i);
    }
    if (is_over) {
        check_result(d, i);
    }
    check_request(d, i);
    x->calls++;
    x->results += is_over;
    x->unfinished += !is_over;
    x->requests += 1 + call->n_others;
    x->references += call->has_key + call->n_others;
    x->keys += call->has_key;
    x->journal += call->n_journal;
    x->events += call->n_events;
}

static void check_session(struct day *d, uint32_t i, bool is_in_use, struct expected *x)
{
    struct day_session *s = &d->sessions[i];
    bool is_there = rig_has_id(d->rig, KEY_SESSION, s->id);

    if (!is_there && (is_in_use || age_of(d, s->used_ms) <= DAY_IDLE_MS * 3 / 4)) {
        fail_msg("session %u is lost%s, last used %u s ago", i, is_in_use ? ", in use" : "",
                 (unsigned)(age_of(d, s->used_ms) / 1000));
    }
    if (is_there && !is_in_use && age_of(d, s->used_ms) > DAY_IDLE_MS + DAY_SLACK_MS &&
        age_of(d, s->kept_ms) > DAY_IDLE_MS + DAY_SLACK_MS) {
        fail_msg("session %u is still there", i);
    }
    s->is_gone = !is_there;
    if (is_there) {
        x->events += rig_count(d->rig, key_of_id(KEY_EVENT, s->id));
    } else {
        assert_false(rig_has_id(d->rig, KEY_STREAM, s->id));
    }
}

static bool *find_used_sessions(struct day *d)
{
    bool *is_used = mem_zalloc_n(d->n_sessions, sizeof(*is_used));

    for (uint32_t i = 0; i < d->n_sessions; i++) {
        is_used[i] = d->sessions[i].listener != 0;
    }
    for (uint32_t i = 0; i < d->n_open; i++) {
        const struct day_call *call = &d->calls[d->open[i]];

        is_used[call->i_session] = true;
        for (uint32_t k = 0; k < call->n_others; k++) {
            is_used[call->i_others[k]] = true;
        }
    }
    return is_used;
}

/* Questions are left behind by their calls for a while. */
static void check_inputs(struct day *d)
{
    size_t n_late = 0;

    for (uint32_t i = 0; i < d->n_calls; i++) {
        const struct day_call *call = &d->calls[i];

        n_late += call->state == DAY_FINISHED && age_of(d, call->finished_ms) < DAY_SLACK_MS
                      ? call->n_waits
                      : 0;
    }
    for (uint32_t i = 0; i < d->n_open; i++) {
        n_late += d->calls[d->open[i]].n_waits;
    }
    assert_true(rig_count(d->rig, key_kind_start(KEY_INPUT)) <= n_late);
}

static void check_count(struct day *d, enum key_kind kind, size_t expected)
{
    size_t n = rig_count(d->rig, key_kind_start(kind));

    if (n != expected) {
        fail_msg("%zu rows of kind %d, not %zu", n, (int)kind, expected);
    }
}

size_t day_check(struct day *d)
{
    struct expected x = { 0 };
    bool *is_used = find_used_sessions(d);
    size_t n_sessions = 0;

    for (uint32_t i = 0; i < d->n_calls; i++) {
        if (d->calls[i].state != DAY_SWEPT) {
            check_call(d, i, &x);
        }
    }
    for (uint32_t i = 0; i < d->n_sessions; i++) {
        if (!d->sessions[i].is_gone) {
            check_session(d, i, is_used[i], &x);
            n_sessions += !d->sessions[i].is_gone;
        }
    }
    mem_free(is_used);
    check_inputs(d);
    check_count(d, KEY_CALL, x.calls);
    check_count(d, KEY_RESULT, x.results);
    check_count(d, KEY_REQUEST, x.requests);
    check_count(d, KEY_REFERENCE, x.references);
    check_count(d, KEY_IDEMPOTENCY, x.keys);
    check_count(d, KEY_JOURNAL, x.journal);
    check_count(d, KEY_EVENT, x.events);
    check_count(d, KEY_SESSION, n_sessions);
    assert_int_equal(engine_counts(d->rig->engine).sessions, n_sessions);
    assert_int_equal(rig_count(d->rig, key_kind_start(KEY_UNFINISHED)) +
                         rig_count(d->rig, key_kind_start(KEY_SUSPENDED)),
                     x.unfinished);
    return store_memory_keys(d->rig->store);
}
