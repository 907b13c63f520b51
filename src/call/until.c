/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a condition on maps: the worker's half of engine/watch.c.
 *
 * The author's condition is run, and the ranges of keys that it reads are noted. While it does not
 * hold, the engine is told to watch them. What was written between the reading and that is not
 * known to have been seen, so when the engine did not watch the same before, the condition is run
 * once more; only then the call is suspended. A call that was woken has its watch already, and
 * runs the condition once.
 *
 * A condition that reads other entries each time soon has whole maps watched instead.
 */
#include <stdlib.h>

#include "base/fault.h"
#include "call/internal.h"
#include "store/keys.h"

#define EXACT_ROUNDS 3 /* then whole maps */
#define MAX_ROUNDS 16  /* then it reads other maps each time, and will for ever */

struct until {
    dmcp_call *call;
    const char *name; /* the author's alias */
    const char *what; /* for error texts */
    struct str alias; /* the journal's */
    dmcp_condition_fn *condition;
    void *arg;
    uint64_t timeout_ms;
    bool is_waiting; /* the engine knows of it */
    bool is_late;    /* its time is over */
    dmcp_value *value;
    struct buf reads;  /* as the condition read them, */
    struct buf ranges; /* and in order */
};

/* ---- what is read ---- */

void until_note_read(dmcp_call *call, const struct range *range)
{
    if (call->scope->reads) {
        watch_range_add(call->scope->reads, range->from, range->to);
    }
}

struct span {
    struct str from, to; /* to absent: all that begins with from */
};

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;

    return str_cmp(x->from, y->from);
}

/* All of its map. */
static void widen(struct span *s)
{
    struct str map, key;

    if (key_map_parts(s->from, &map, &key) == DMCP_OK) { /* it was made a moment ago */
        *s = (struct span){ .from = str_make(s->from.p, s->from.len - key.len), .to = STR_NONE };
    }
}

static struct key span_end(const struct span *s)
{
    struct key k = { .len = s->to.len };

    if (!s->to.p) {
        return key_prefix_end(s->from);
    }
    memcpy(k.b, s->to.p, s->to.len);
    return k;
}

/* Appends them in order, those that overlap as one; returns how many are left. */
static size_t write_spans(struct buf *out, struct span *spans, size_t n)
{
    size_t n_out = 0, i = 0;

    qsort(spans, n, sizeof(*spans), compare_spans);
    buf_reset(out);
    for (; i < n; n_out++) {
        struct str from = spans[i].from;
        struct key end = span_end(&spans[i]);

        for (i++; i < n && str_cmp(spans[i].from, key_str(&end)) <= 0; i++) {
            struct key other = span_end(&spans[i]);

            if (str_cmp(key_str(&other), key_str(&end)) > 0) {
                end = other;
            }
        }
        watch_range_add(out, from, key_str(&end));
    }
    return n_out;
}

static size_t count_reads(const struct until *u)
{
    struct str rest = buf_str(&u->reads), from, to;
    size_t n = 0;

    while (watch_range_next(&rest, &from, &to) == DMCP_OK) {
        n++;
    }
    return n;
}

/* Into the order of the keys, none twice: exactly what was read, or the maps that it is in.
 * Returns how many there are. */
static size_t settle_ranges(struct until *u, unsigned round)
{
    size_t n = count_reads(u), n_out, i = 0;
    struct span *spans = mem_zalloc_n(n + 1, sizeof(*spans));
    struct str rest = buf_str(&u->reads);

    while (i < n && watch_range_next(&rest, &spans[i].from, &spans[i].to) == DMCP_OK) {
        i++;
    }
    n_out = write_spans(&u->ranges, spans, n);
    if (round >= EXACT_ROUNDS || n_out > LIMIT_WATCHES) {
        for (i = 0; i < n; i++) {
            widen(&spans[i]);
        }
        n_out = write_spans(&u->ranges, spans, n);
    }
    mem_free(spans);
    return n_out;
}

static int check_ranges(struct until *u, unsigned round)
{
    size_t n = settle_ranges(u, round);

    if (n == 0) {
        return call_fail(u->call, DMCP_E_MISUSE,
                         "the condition of %s does not hold, and has read no map: nothing would "
                         "ever wake the call",
                         u->what);
    }
    if (n > LIMIT_WATCHES) {
        return call_fail(u->call, DMCP_E_TOOBIG, "the condition of %s reads %zu maps, more than %d",
                         u->what, n, LIMIT_WATCHES);
    }
    return DMCP_OK;
}

/* ---- the condition ---- */

/* Its code, or the code that poisoned the call meanwhile. */
static int evaluate(struct until *u)
{
    dmcp_call *call = u->call;
    dmcp_value *result = NULL;
    struct scope scope;
    int rc;

    buf_reset(&u->reads);
    scope_open(call, &scope, SCOPE_CONDITION, str_of(u->name));
    scope.reads = &u->reads;
    rc = u->condition(call, u->arg, &result);
    scope_close(call, &scope);
    u->value = result ? result : value_of(yyjson_mut_null(call->doc));
    return call->poison != DMCP_OK ? call->poison : rc;
}

/* It holds. */
static int record(struct until *u)
{
    struct buf text;
    int rc = DMCP_OK;

    buf_init(&text, LIMIT_RESULT_BYTES);
    json_write_mut(&text, value_mut(u->value));
    if (buf_ok(&text)) {
        journal_record(u->call, GUARD_UNTIL, u->alias, str_of(u->what), buf_str(&text));
    } else {
        rc = call_fail(u->call, DMCP_E_TOOBIG, "the result of %s is larger than %u bytes as JSON",
                       u->what, LIMIT_RESULT_BYTES);
    }
    buf_fini(&text);
    return rc;
}

/* ---- waiting ---- */

static int fail_expired(const struct until *u)
{
    return call_fail(u->call, DMCP_E_TIMEOUT, "%s: the condition did not hold in time", u->what);
}

static int give_up(struct until *u)
{
    struct command *c = call_command(u->call, CMD_STEP);
    int rc;

    c->step.op = STEP_OP_FAIL;
    c->step.guard = GUARD_UNTIL;
    c->step.alias = command_dup(c, u->alias);
    c->step.label = command_dup(c, str_of(u->what));
    c->step.body = STR("expired");
    rc = call_ask(u->call, c);
    return rc == DMCP_OK ? fail_expired(u) : rc;
}

/* DMCP_E_AGAIN: what is watched was not watched before. */
static int watch(struct until *u)
{
    struct command *c = call_command(u->call, CMD_WATCH);

    c->watch.alias = command_dup(c, u->alias);
    c->watch.label = command_dup(c, str_of(u->what));
    c->watch.delay_ms = u->timeout_ms;
    c->watch.ranges = command_dup(c, buf_str(&u->ranges));
    u->is_waiting = true;
    u->call->is_dirty = true;
    return call_ask(u->call, c);
}

/* DMCP_E_AGAIN: it does not hold, and the time is over. */
static int look(struct until *u)
{
    int rc;

    for (unsigned round = 0; round < MAX_ROUNDS; round++) {
        rc = evaluate(u);
        if (rc != DMCP_E_AGAIN) {
            return rc == DMCP_OK ? record(u) : rc;
        }
        if (u->is_late) {
            return DMCP_E_AGAIN;
        }
        rc = check_ranges(u, round);
        if (rc == DMCP_OK) {
            rc = watch(u);
        }
        if (rc != DMCP_E_AGAIN) {
            return rc == DMCP_OK ? wait_suspend(u->call, u->what) : rc;
        }
        FAULT_POINT("until.watched");
    }
    return call_fail(u->call, DMCP_E_MISUSE,
                     "the condition of %s reads other maps each time it is run", u->what);
}

/* A wait that ends with an error is over: neither its time nor a write is to wake the call. */
static int wait_until(struct until *u)
{
    int rc = look(u);

    if (rc == DMCP_E_AGAIN) {
        return give_up(u);
    }
    if (rc != DMCP_OK && u->is_waiting && u->call->poison == DMCP_OK) {
        wait_drop(u->call, GUARD_UNTIL, u->alias);
    }
    return rc;
}

/* What the journal says decides, unless it still waits. */
static int replay(struct until *u, const struct entry *entry)
{
    yyjson_mut_val *v;
    int rc;

    if (entry->guard != GUARD_UNTIL) {
        return call_fail_diverged(u->call, "%s is %s in the call's journal", u->what,
                                  step_guard_name(entry->guard));
    }
    switch ((enum step_state)entry->state) {
    case STEP_DONE:
        rc = value_parse(u->call, entry->body, &v);
        if (rc == DMCP_OK) {
            u->value = value_of(v);
        }
        return rc;
    case STEP_FAILED:
    case STEP_EXPIRED:
        return fail_expired(u);
    case STEP_STARTED:
        break;
    }
    if (u->call->rerun) {
        return rerun_unrecorded(u->call, u->alias, u->what);
    }
    if (call_is_cancelled(u->call)) {
        wait_drop(u->call, GUARD_UNTIL, u->alias);
        return call_fail_cancelled(u->call);
    }
    u->is_waiting = true;
    u->is_late = str_eq(entry->body, STR("expired"));
    return wait_until(u);
}

static int run(struct until *u)
{
    struct entry entry;
    int rc = journal_claim(u->call, u->alias);

    if (rc == DMCP_E_ALIAS) {
        return wait_fail_repeated(u->call, u->what);
    }
    if (rc == DMCP_OK) {
        rc = journal_find(u->call, u->alias, &entry);
    }
    if (rc == DMCP_E_NOTFOUND && u->call->rerun) {
        return rerun_unrecorded(u->call, u->alias, u->what);
    }
    if (rc == DMCP_E_NOTFOUND) {
        rc = call_is_cancelled(u->call) ? call_fail_cancelled(u->call) : wait_until(u);
    } else if (rc == DMCP_OK) {
        rc = replay(u, &entry);
    }
    return validate_keep(u->call, u->alias, rc);
}

int dmcp_until(dmcp_call *call, const char *alias, dmcp_condition_fn *condition, void *arg,
               uint64_t timeout_ms, dmcp_value **result_out)
{
    struct until u = {
        .call = call, .name = alias, .condition = condition, .arg = arg, .timeout_ms = timeout_ms
    };
    struct str part;
    int rc = wait_check(call, "an until");

    if (rc == DMCP_OK) {
        rc = journal_check_alias(call, "an until", alias);
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    part = str_of(alias);
    u.what = dmcp_format(call, "until \"%s\"", alias);
    u.alias = journal_alias(call, ALIAS_UNTIL, &part, 1);
    buf_init(&u.reads, SIZE_MAX / 2);
    buf_init(&u.ranges, SIZE_MAX / 2);
    rc = run(&u);
    buf_fini(&u.reads);
    buf_fini(&u.ranges);
    if (rc == DMCP_OK && result_out) {
        *result_out = u.value;
    }
    return rc;
}
