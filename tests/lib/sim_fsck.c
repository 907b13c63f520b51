/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All rows of a store fit together: what must hold of any state that a crash can leave.
 *
 *   call         exactly one of unfinished, suspended, result
 *   unfinished, suspended, result, journal    their call; and a timer for its time limit
 *   suspended    not cancelled, not late; waits for something that will wake it (for more than one
 *                thing when a step before a wait failed, and is tried again by a later attempt)
 *   request, idempotency, reference           lead to a call, and reference to what leads there
 *   event        of a call: numbered without a gap, as many as its result says; of a session: below
 *                what its stream has next
 *   stream, lists                             their session
 *   timer        waits for a row that names its time, or its call is over
 *   journal      started, with a time: its timer; a question: its input; a condition: watched
 *   input        its row waits, or waited for too long; or its call is over
 *   watching     a call that says so, and all its watch rows; watch: that there is such a call
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim_world.h"

static const struct id no_id;

static struct id id_of(struct sim *s, struct str key)
{
    struct id id = { { 0 } };

    if (key_id(key, &id) != DMCP_OK) {
        sim_fail(s, "a key of kind %d is too short", key.p[0]);
    }
    return id;
}

static void must(struct sim *s, bool holds, struct str key, const char *what)
{
    char hex[2 * 64 + 1] = "";

    if (!holds) {
        for (size_t i = 0; i < key.len && i < 64; i++) {
            snprintf(hex + 2 * i, 3, "%02x", (uint8_t)key.p[i]);
        }
        sim_fail(s, "row %s: %s", hex, what);
    }
}

static bool has_call(struct sim *s, struct id call)
{
    return sim_has(s, key_of_id(KEY_CALL, call));
}

static bool is_unfinished(struct sim *s, struct id call)
{
    return sim_has(s, key_of_id(KEY_UNFINISHED, call)) || sim_has(s, key_of_id(KEY_SUSPENDED, call));
}

/* Of an unfinished call: whether it is to end. Then it may have taken its question back. */
static bool is_to_end(struct sim *s, struct id call)
{
    static const enum key_kind kinds[] = { KEY_UNFINISHED, KEY_SUSPENDED };
    struct unfinished_record u = { .flags = 0 };
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (sim_get(s, key_of_id(kinds[i], call), &value) &&
            unfinished_record_dec(buf_str(&value), &u) != DMCP_OK) {
            sim_fail(s, "the row of an unfinished call cannot be decoded");
        }
    }
    buf_fini(&value);
    return u.flags & (UNFINISHED_CANCELLED | UNFINISHED_LATE);
}

/* ---- calls ---- */

static void check_call(struct sim *s, struct str key, struct str value)
{
    struct id call = id_of(s, key);
    struct call_record r;
    int n = sim_has(s, key_of_id(KEY_UNFINISHED, call)) +
            sim_has(s, key_of_id(KEY_SUSPENDED, call)) + sim_has(s, key_of_id(KEY_RESULT, call));

    must(s, call_record_dec(value, &r) == DMCP_OK, key, "cannot be decoded");
    must(s, n == 1, key, "the call is not in exactly one state");
    must(s, sim_has(s, key_request(r.session, r.request_id)), key, "the call has no request");
}

static void check_of_call(struct sim *s, struct str key, struct str value)
{
    (void)value;
    must(s, has_call(s, id_of(s, key)), key, "there is no such call");
}

/* How many rows of a suspended call's journal wait for something. */
static size_t count_waits(struct sim *s, struct id call)
{
    struct key from = key_journal(call, STR("")), to = key_prefix_end(key_str(&from));
    struct range range = { .from = key_str(&from), .to = key_str(&to) };
    struct cursor *cursor = store_scan(s->store, &range);
    struct journal_record r;
    struct err err = { 0 };
    struct str key, value;
    size_t n = 0;

    while (cursor_next(cursor, &key, &value, &err) == DMCP_OK) {
        n += journal_record_dec(value, &r) == DMCP_OK && r.state == STEP_STARTED &&
             (r.guard == GUARD_INPUT || (r.guard == GUARD_UNTIL && str_eqz(r.body, "")));
    }
    cursor_close(cursor);
    return n;
}

static void check_suspended(struct sim *s, struct str key, struct str value)
{
    struct unfinished_record u;

    check_of_call(s, key, value);
    must(s, unfinished_record_dec(value, &u) == DMCP_OK, key, "cannot be decoded");
    must(s, !(u.flags & (UNFINISHED_CANCELLED | UNFINISHED_LATE)), key, "it should have been woken");
    must(s, count_waits(s, id_of(s, key)) > 0, key, "it waits for nothing");
}

static void check_flags(struct sim *s, struct str key, struct str value)
{
    struct unfinished_record u;
    bool is_watching = sim_has(s, key_of_id(KEY_WATCHING, id_of(s, key)));

    must(s, unfinished_record_dec(value, &u) == DMCP_OK, key, "cannot be decoded");
    /* The flag may outlive the watch, until the row is written for another reason. */
    must(s, !is_watching || u.flags & UNFINISHED_WATCHING, key, "its watch is lost");
}

/* A tool's time limit has its timer, until the call is told that it is to end. */
static void check_limit(struct sim *s, struct str key)
{
    struct id call = id_of(s, key);
    const struct sim_deed *d = sim_deed_of_call(s, call);
    struct call_record r = { .created_ms = 0 };
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    if (d->timeout_ms && !is_to_end(s, call) && sim_get(s, key_of_id(KEY_CALL, call), &value)) {
        must(s, call_record_dec(buf_str(&value), &r) == DMCP_OK, key, "its call is unreadable");
        must(s, sim_has(s, key_timer(r.created_ms + d->timeout_ms, call, STR("\001timeout"))), key,
             "its time limit is lost");
    }
    buf_fini(&value);
}

static void check_unfinished(struct sim *s, struct str key, struct str value)
{
    check_of_call(s, key, value);
    check_flags(s, key, value);
    check_limit(s, key);
}

/* ---- what leads to a call ---- */

static void check_request(struct sim *s, struct str key, struct str value)
{
    struct request_record r;

    must(s, request_record_dec(value, &r) == DMCP_OK && has_call(s, r.call), key,
         "leads to no call");
}

static void check_idempotency(struct sim *s, struct str key, struct str value)
{
    struct idempotency_record r;

    must(s, idempotency_record_dec(value, &r) == DMCP_OK && has_call(s, r.call), key,
         "leads to no call");
}

static void check_reference(struct sim *s, struct str key, struct str value)
{
    struct str to;

    check_of_call(s, key, value);
    must(s, key_reference_target(key, &to) == DMCP_OK && sim_has(s, sim_key(to)), key,
         "names what is not there");
}

/* ---- streams ---- */

static void check_event(struct sim *s, struct str key, struct str value)
{
    struct id stream = id_of(s, key);
    struct stream_record own;
    struct result_record r;
    uint64_t sequence = 0;
    struct buf row;

    (void)value;
    buf_init(&row, SIZE_MAX / 2);
    must(s, key_event_sequence(key, &sequence) == DMCP_OK && sequence > 0, key, "has no number");
    if (has_call(s, stream)) {
        must(s, sequence == 1 || sim_has(s, key_event(stream, sequence - 1)), key, "stands alone");
        if (sim_get(s, key_of_id(KEY_RESULT, stream), &row)) {
            must(s, result_record_dec(buf_str(&row), &r) == DMCP_OK && sequence <= r.n_events, key,
                 "stands behind the end of its stream");
        }
    } else {
        must(s, sim_has(s, key_of_id(KEY_SESSION, stream)), key, "is on nobody's stream");
        must(s, sim_get(s, key_of_id(KEY_STREAM, stream), &row) &&
                    stream_record_dec(buf_str(&row), &own) == DMCP_OK && sequence < own.next,
             key, "stands behind the end of its stream");
    }
    buf_fini(&row);
}

static void check_result(struct sim *s, struct str key, struct str value)
{
    struct id call = id_of(s, key);
    struct result_record r;

    check_of_call(s, key, value);
    must(s, result_record_dec(value, &r) == DMCP_OK, key, "cannot be decoded");
    must(s, r.n_events == 0 || sim_has(s, key_event(call, r.n_events)), key, "its events are lost");
}

static void check_stream(struct sim *s, struct str key, struct str value)
{
    struct stream_record r;

    must(s, sim_has(s, key_of_id(KEY_SESSION, id_of(s, key))), key, "has no session");
    must(s, stream_record_dec(value, &r) == DMCP_OK && r.sent < r.next, key,
         "has sent what was not there");
}

static void check_lists(struct sim *s, struct str key, struct str value)
{
    struct lists_record r;

    must(s, sim_has(s, key_of_id(KEY_SESSION, id_of(s, key))), key, "has no session");
    must(s, lists_record_dec(value, &r) == DMCP_OK, key, "cannot be decoded");
}

/* ---- waits ---- */

static struct id input_of(struct id call, struct str alias, struct str asked)
{
    struct buf b;
    struct id id;

    buf_init(&b, SIZE_MAX / 2);
    buf_add_str(&b, id_bytes(&call));
    buf_add_str(&b, alias);
    buf_add_str(&b, asked);
    id = digest_id(buf_str(&b));
    id.b[15] = call.b[15];
    buf_fini(&b);
    return id;
}

/* Whether what this call's until waits for is there already. */
static bool is_there(struct sim *s, struct id call)
{
    const struct sim_deed *d = sim_deed_of_call(s, call);
    bool has[N_MAP_KEYS];

    for (unsigned i = 0; i < N_MAP_KEYS; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%u", i);
        has[i] = sim_has(s, key_map(STR("w"), str_of(name)));
    }
    for (uint32_t i = 0; i < d->n_ops; i++) {
        const struct sim_op *op = &d->ops[i];
        struct journal_record r = { .body = STR("") };
        struct buf value;
        bool waits;

        if (op->kind != OP_UNTIL || op->turns[0].row_len == 0) {
            continue;
        }
        buf_init(&value, SIZE_MAX / 2);
        waits = sim_journal(s, sim_turn_key(&op->turns[0], call), &value, &r) == STEP_STARTED;
        buf_fini(&value);
        if (waits) {
            return sim_script_is_waited_for(op, has);
        }
    }
    return false;
}

static void check_wait(struct sim *s, struct str key, struct id call, struct str alias,
                       const struct journal_record *r)
{
    must(s, r->due_ms == 0 || sim_has(s, key_timer(r->due_ms, call, alias)), key,
         "its timer is lost");
    if (r->guard == GUARD_INPUT && alias.len > 1 && (alias.p[1] == 's' || alias.p[1] == 'r')) {
        must(s, r->due_ms != 0, key, "it waits for nothing");
    } else if (r->guard == GUARD_INPUT && alias.len > 1 && alias.p[1] == 'q' &&
               !is_to_end(s, call)) {
        must(s, sim_has(s, key_of_id(KEY_INPUT, input_of(call, alias, r->body))), key,
             "its question is lost");
    } else if (r->guard == GUARD_UNTIL && sim_has(s, key_of_id(KEY_SUSPENDED, call))) {
        must(s, sim_has(s, key_of_id(KEY_WATCHING, call)), key, "it watches nothing");
        must(s, count_waits(s, call) > 1 || r->body.len > 0 || !is_there(s, call), key,
             "what it waits for is there");
    }
}

/* What an iteration recorded goes when it is over: | 01 | i | loop ... | 00 | number ... | 00 | */
static void check_of_iteration(struct sim *s, struct str key, struct id call, struct str alias)
{
    const char *end = memchr(alias.p, '\0', alias.len);
    struct journal_record r = { .body = STR("") };
    struct buf row, value;

    buf_init(&row, SIZE_MAX / 2);
    buf_init(&value, SIZE_MAX / 2);
    buf_add(&row, "\001l", 3);
    buf_add(&row, alias.p + 2, (size_t)(end - alias.p) - 2);
    (void)sim_journal(s, key_journal(call, buf_str(&row)), &value, &r);
    must(s, r.body.len == 0 || atoi(r.body.p + 1) <= atoi(end + 1), key, "its iteration is over");
    buf_fini(&row);
    buf_fini(&value);
}

static void check_journal(struct sim *s, struct str key, struct str value)
{
    struct id call = id_of(s, key);
    struct journal_record r;
    struct str alias = STR_NONE;

    check_of_call(s, key, value);
    must(s, journal_record_dec(value, &r) == DMCP_OK && key_journal_alias(key, &alias) == DMCP_OK,
         key, "cannot be decoded");
    if (str_starts(alias, STR("\001i"))) {
        check_of_iteration(s, key, call, alias);
    }
    if (r.state == STEP_STARTED && is_unfinished(s, call)) {
        check_wait(s, key, call, alias, &r);
    }
}

static void check_timer(struct sim *s, struct str key, struct str value)
{
    struct id call = no_id;
    struct journal_record r;
    struct str alias;
    uint64_t due_ms;
    struct buf row;
    int state;

    (void)value;
    must(s, key_timer_parts(key, &due_ms, &call, &alias) == DMCP_OK, key, "cannot be decoded");
    if (alias.p[0] == '\001' && alias.len > 1 && strchr("twc", alias.p[1])) {
        return; /* the engine's own: a call's time limit, work that goes on */
    }
    if (!is_unfinished(s, call)) {
        return; /* it goes when it is due */
    }
    buf_init(&row, SIZE_MAX / 2);
    state = sim_journal(s, key_journal(call, alias), &row, &r);
    must(s, state == STEP_STARTED && r.due_ms == due_ms, key, "nothing waits for it");
    buf_fini(&row);
}

static void check_input(struct sim *s, struct str key, struct str value)
{
    struct journal_record r;
    struct input_record in;
    struct buf row;
    int state;

    must(s, input_record_dec(value, &in) == DMCP_OK, key, "cannot be decoded");
    if (!is_unfinished(s, in.call)) {
        return; /* the sweep takes it */
    }
    buf_init(&row, SIZE_MAX / 2);
    state = sim_journal(s, key_journal(in.call, in.alias), &row, &r);
    must(s, state == STEP_STARTED || state == STEP_EXPIRED, key, "nothing waits for it");
    buf_fini(&row);
}

/* ---- watching ---- */

static bool is_entry(struct str from, struct str to)
{
    return to.len == from.len + 1 && to.p[from.len] == '\0';
}

static void check_watching(struct sim *s, struct str key, struct str value)
{
    struct id call = id_of(s, key);
    struct str from, to, map, map_key;
    struct watch_record r;

    must(s, is_unfinished(s, call), key, "its call is over");
    must(s, watch_record_dec(value, &r) == DMCP_OK, key, "cannot be decoded");
    while (watch_range_next(&r.ranges, &from, &to) == DMCP_OK) {
        must(s, key_map_parts(from, &map, &map_key) == DMCP_OK, key, "watches no map");
        must(s, sim_has(s, key_watch(map, is_entry(from, to) ? map_key : STR(""), call)), key,
             "its watch rows are lost");
    }
}

static void check_watch(struct sim *s, struct str key, struct str value)
{
    struct str map, map_key;
    struct id call = no_id;

    (void)value;
    must(s, key_watch_parts(key, &map, &map_key, &call) == DMCP_OK, key, "cannot be decoded");
    must(s, sim_has(s, key_of_id(KEY_WATCHING, call)), key, "nobody watches");
}

/* ---- all ---- */

static void check_suspended_all(struct sim *s, struct str key, struct str value)
{
    check_suspended(s, key, value);
    check_flags(s, key, value);
    check_limit(s, key);
}

static void check_row(struct sim *s, struct str key, struct str value)
{
    static sim_row_fn *const checks[256] = {
        [KEY_CALL] = check_call,
        [KEY_RESULT] = check_result,
        [KEY_UNFINISHED] = check_unfinished,
        [KEY_SUSPENDED] = check_suspended_all,
        [KEY_JOURNAL] = check_journal,
        [KEY_REQUEST] = check_request,
        [KEY_EVENT] = check_event,
        [KEY_STREAM] = check_stream,
        [KEY_LISTS] = check_lists,
        [KEY_TIMER] = check_timer,
        [KEY_IDEMPOTENCY] = check_idempotency,
        [KEY_INPUT] = check_input,
        [KEY_REFERENCE] = check_reference,
        [KEY_WATCH] = check_watch,
        [KEY_WATCHING] = check_watching,
    };
    sim_row_fn *check = checks[(uint8_t)key.p[0]];

    if (check) {
        check(s, key, value);
    } else {
        must(s, strchr("\x01\x02\x0f\x20", key.p[0]) != NULL, key, "is of no known kind");
    }
}

void sim_fsck(struct sim *s)
{
    s->stats.checks++;
    sim_scan(s, STR_NONE, STR_NONE, check_row);
}
