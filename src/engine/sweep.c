/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sweep: deletes what has expired, a little with each command, so that calls hardly notice.
 *
 *   what                          expires                                    with it goes
 *   a finished call               keep_calls_ms after its end                all its rows, and what
 *                                                                            leads to it
 *   a session                     session_idle_ms after its last use, when   its own stream
 *                                 it has no unfinished call and no follower
 *   an event of a session's own   keep_events_ms after it was handed out;
 *   stream                        session_idle_ms when it never was
 *   a question to the client      with its call
 *   a subscription                with its session
 *
 * What is unfinished never expires. An idempotency key counts for a time of its own, and its row
 * goes with its call. Timers go when they are due (timer.c).
 *
 * Each kind has its rounds through the store. A command goes on with one of them, as far as it
 * may; engine_sweep_due tells when that is worth while. Ids of calls begin with their time, so a
 * round through the finished calls stops, in each shard, at the first that is too young to have
 * expired; the other kinds are few, or are looked at whole.
 */
#include "engine/sweep.h"

/* A round begins when this part of the time for which its kind is kept has passed since the last:
 * that much longer things may stay. */
#define ROUND_FRACTION 16
#define ROUND_MIN_MS 1000

#define NEAR_ROWS 16 /* a row this near is reached by going there, else by a new cursor */

/* ---- limits ---- */

static uint32_t minus(uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0;
}

void sweep_looked(struct sweep_left *left, uint32_t n)
{
    left->n_looks = minus(left->n_looks, n);
}

void sweep_del(struct engine *e, struct sweep_left *left, struct str key)
{
    batch_del(e->rows, key);
    left->n_deletions = minus(left->n_deletions, 1);
}

void sweep_del_read(struct engine *e, struct sweep_left *left, struct key k)
{
    engine_del(e, &k);
    left->n_deletions = minus(left->n_deletions, 1);
}

bool sweep_is_being_read(const struct engine *e, struct sweep_left *left, struct id id)
{
    for (struct link *k = list_first(&e->readers); k && !left->has_read;
         k = list_next(&e->readers, k)) {
        struct follower *f = CONTAINER_OF(k, struct follower, link);

        hmap_put(&left->read, id_bytes(&f->stream), f);
        hmap_put(&left->read, id_bytes(&f->session), f);
    }
    left->has_read = true;
    return hmap_get(&left->read, id_bytes(&id)) != NULL;
}

/* ---- reading along ---- */

void sweep_scan_close(struct sweep_scan *s)
{
    if (s->cursor) {
        cursor_close(s->cursor);
        s->cursor = NULL;
    }
}

int sweep_scan_next(struct engine *e, struct sweep_scan *s)
{
    int rc = cursor_next(s->cursor, &s->key, &s->value, e->err);

    if (rc != DMCP_OK) {
        s->key = s->value = STR_NONE;
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

static int open_at(struct engine *e, struct sweep_scan *s, struct str from)
{
    struct key to = key_prefix_end(str_make(from.p, 2)); /* kind and shard */
    struct range range = { .from = from, .to = key_str(&to) };

    sweep_scan_close(s);
    s->cursor = store_scan(e->store, &range);
    return sweep_scan_next(e, s);
}

int sweep_scan_to(struct engine *e, struct sweep_scan *s, struct str key)
{
    int rc = DMCP_OK;

    if (!s->cursor) {
        return open_at(e, s, key);
    }
    for (int n = 0; rc == DMCP_OK && s->key.p && str_cmp(s->key, key) < 0; n++) {
        rc = n == NEAR_ROWS ? open_at(e, s, key) : sweep_scan_next(e, s);
    }
    return rc;
}

/* ---- rounds ---- */

typedef int (*row_fn)(struct engine *e, struct sweep_left *left, struct str key, struct str value);

static const struct {
    enum key_kind kind;
    row_fn row;
    uint64_t pause_max_ms;
} rounds[N_SWEEPS] = {
    [SWEEP_CALLS] = { KEY_RESULT, NULL, 60 * 1000 },
    [SWEEP_SESSIONS] = { KEY_SESSION, sweep_session, 3600 * 1000 },
    [SWEEP_EVENTS] = { KEY_STREAM, sweep_stream, 3600 * 1000 },
    [SWEEP_INPUTS] = { KEY_INPUT, sweep_input, 3600 * 1000 },
    [SWEEP_SUBSCRIPTIONS] = { KEY_SUBSCRIPTION, sweep_subscription, 3600 * 1000 },
};

static uint64_t keep_ms(const struct engine *e, enum sweep_kind kind)
{
    switch (kind) {
    case SWEEP_SESSIONS:
    case SWEEP_SUBSCRIPTIONS:
        return e->options.session_idle_ms;
    case SWEEP_EVENTS:
        return e->options.keep_events_ms;
    case SWEEP_CALLS:
    case SWEEP_INPUTS:
    case N_SWEEPS:
        break;
    }
    return e->options.keep_calls_ms;
}

/* Through all rows of a kind, in their order. */
static int look_on(struct engine *e, enum sweep_kind kind, struct sweep_left *left,
                   bool *is_round_over)
{
    struct key start = key_kind_start(rounds[kind].kind), to = key_prefix_end(key_str(&start));
    struct key *at = &e->sweep.rounds[kind].at;
    struct range range = { .from = key_str(at->len ? at : &start), .to = key_str(&to) };
    struct cursor *cursor = store_scan(e->store, &range);
    struct str key, value;
    int rc = DMCP_OK;

    while (sweep_may_go_on(left) && (rc = cursor_next(cursor, &key, &value, e->err)) == DMCP_OK) {
        sweep_looked(left, 1);
        rc = rounds[kind].row(e, left, key, value);
        if (rc != DMCP_OK) {
            cursor_close(cursor);
            return rc;
        }
        if (!left->is_stay) {
            *at = key_after(key);
        }
    }
    cursor_close(cursor);
    *is_round_over = rc == DMCP_E_NOTFOUND;
    return *is_round_over ? DMCP_OK : rc;
}

static void end_round(struct engine *e, enum sweep_kind kind)
{
    uint64_t pause_ms = keep_ms(e, kind) / ROUND_FRACTION;

    if (pause_ms > rounds[kind].pause_max_ms) {
        pause_ms = rounds[kind].pause_max_ms;
    }
    if (pause_ms < ROUND_MIN_MS) {
        pause_ms = ROUND_MIN_MS;
    }
    e->sweep.rounds[kind].due_ms = e->now.mono_ms + pause_ms;
    e->sweep.rounds[kind].at.len = 0;
}

/* N_SWEEPS: none is due. */
static enum sweep_kind next_due(const struct engine *e)
{
    for (int i = 0; i < N_SWEEPS; i++) {
        enum sweep_kind kind = (enum sweep_kind)(((int)e->sweep.turn + i) % N_SWEEPS);

        if (keep_ms(e, kind) && e->sweep.rounds[kind].due_ms <= e->now.mono_ms) {
            return kind;
        }
    }
    return N_SWEEPS;
}

int sweep_apply(struct engine *e, const struct command *c)
{
    struct sweep_left left = { .n_looks = c->sweep.n_looks,
                               .n_deletions = c->sweep.n_deletions };
    enum sweep_kind kind = next_due(e);
    bool is_round_over = false;
    int rc;

    if (engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST;
    }
    if (kind == N_SWEEPS) {
        return DMCP_OK;
    }
    hmap_init(&left.read);
    e->sweep.rounds[kind].due_ms = 0;
    e->sweep.turn = (enum sweep_kind)((kind + 1) % N_SWEEPS);
    rc = kind == SWEEP_CALLS ? sweep_calls(e, &left, &is_round_over)
                             : look_on(e, kind, &left, &is_round_over);
    if (is_round_over) {
        end_round(e, kind);
    }
    hmap_fini(&left.read);
    return rc;
}

void sweep_init(struct engine *e)
{
    for (unsigned shard = 0; shard < COUNT_OF(e->sweep.first); shard++) {
        e->sweep.first[shard].b[15] = (uint8_t)shard;
    }
}

void sweep_finished(struct engine *e, struct id call)
{
    struct id *first = &e->sweep.first[key_shard(call)];

    e->sweep.debt += e->sweep.debt < SWEEP_DEBT_MAX;
    if (memcmp(call.b, first->b, sizeof(call.b)) < 0) {
        *first = call;
        e->sweep.is_first_known = true; /* whichever shard the round is in */
    }
}

uint64_t engine_sweep_due(const struct engine *e)
{
    uint64_t due_ms = UINT64_MAX;

    for (enum sweep_kind kind = 0; kind < N_SWEEPS; kind++) {
        if (keep_ms(e, kind) && e->sweep.rounds[kind].due_ms < due_ms) {
            due_ms = e->sweep.rounds[kind].due_ms;
        }
    }
    return due_ms;
}

uint32_t engine_sweep_debt(const struct engine *e)
{
    return e->sweep.is_late ? e->sweep.debt : 0;
}
