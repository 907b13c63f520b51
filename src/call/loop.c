/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops: the worker's half of engine/loop.c.
 *
 * All that an iteration records has the loop and the iteration's number in front of its alias, so
 * that it is told apart from other iterations, and can be deleted as one range. The loop's own row
 * has the number of the iteration that is next, and the state for it.
 *
 * What handlers get from a call lives until the attempt ends. A loop whose iterations never wait
 * would fill the memory with that; so after many iterations, or much memory, the attempt is ended
 * and the call goes to the end of the queue. The next attempt passes what stands before the loop
 * by its journal and goes on in the loop.
 */
#include "call/internal.h"
#include "json/writer.h"
#include "store/keys.h"

#define YIELD_ITERATIONS 1000
#define YIELD_BYTES (8 * MIB)
#define STATE_DEPTH (LIMIT_JSON_DEPTH - 1) /* it stands in an array */

struct loop {
    dmcp_call *call;
    const char *name, *what;
    struct str alias;
    uint64_t interval_ms;
    dmcp_iteration_fn *body;
    dmcp_iteration it;
    unsigned n_run;   /* iterations, in this attempt */
    struct id digest; /* of the row's body; zero for no row */
    struct buf row;   /* the next body */
    struct buf before; /* the body that the iteration began from; only for validation */
};

static const struct id no_id;

/* ---- the row ---- */

/* [number of iterations that are over, state] */
static int read_row(struct loop *l, const struct entry *entry)
{
    yyjson_mut_val *v;
    int rc = value_parse(l->call, entry->body, &v);

    if (rc != DMCP_OK || !yyjson_mut_is_uint(yyjson_mut_arr_get(v, 0))) {
        return call_fail(l->call, DMCP_E_CORRUPT, "the row of %s cannot be read", l->what);
    }
    l->it.index = yyjson_mut_get_uint(yyjson_mut_arr_get(v, 0));
    l->it.state = value_of(yyjson_mut_arr_get(v, 1));
    l->digest = digest_id(entry->body);
    if (l->call->env->validation) {
        buf_reset(&l->before);
        buf_add_str(&l->before, entry->body);
    }
    return DMCP_OK;
}

static int write_row(struct loop *l)
{
    struct json_writer w;
    struct buf state;
    bool fits;

    if (l->it.state && value_depth(value_mut(l->it.state)) > STATE_DEPTH) {
        return call_fail(l->call, DMCP_E_TOOBIG, "the state of %s is nested more than %d deep",
                         l->what, STATE_DEPTH);
    }
    buf_init(&state, LIMIT_RESULT_BYTES);
    if (l->it.state) {
        json_write_mut(&state, value_mut(l->it.state));
    } else {
        buf_addz(&state, "null");
    }
    fits = buf_ok(&state);
    buf_reset(&l->row);
    jw_init(&w, &l->row);
    jw_array(&w);
    jw_uint(&w, l->it.index + 1);
    jw_raw(&w, fits ? buf_str(&state) : STR("null"));
    jw_array_end(&w);
    buf_fini(&state);
    return fits ? DMCP_OK
                : call_fail(l->call, DMCP_E_TOOBIG,
                            "the state of %s is larger than %u bytes as JSON", l->what,
                            LIMIT_RESULT_BYTES);
}

/* What an iteration leaves behind: its range of the journal, and the signals that it had, whose
 * rows stand outside of it. */
static void add_deletions(const struct loop *l, const struct scope *scope, struct str prefix,
                          struct batch *rows)
{
    struct key from = key_journal(l->call->id, prefix), to = key_prefix_end(key_str(&from));
    struct hmap_entry *cursor = NULL;
    struct str alias;

    batch_del_range(rows, key_str(&from), key_str(&to));
    while (hmap_next(&scope->used, &cursor, &alias)) {
        if (!str_starts(alias, prefix)) {
            from = key_journal(l->call->id, alias);
            batch_del(rows, key_str(&from));
        }
    }
}

static int record(struct loop *l, const struct scope *scope, struct str prefix)
{
    dmcp_call *call = l->call;
    struct command *c = call_command(call, CMD_LOOP);
    int rc;

    c->loop.alias = command_dup(c, l->alias);
    c->loop.label = command_dup(c, str_of(l->what));
    c->loop.body = command_dup(c, buf_str(&l->row));
    c->loop.old_digest = l->digest;
    c->loop.digest = l->digest = digest_id(buf_str(&l->row));
    c->loop.is_done = l->it.is_last;
    add_deletions(l, scope, prefix, &c->loop.rows);
    rc = call_ask(call, c);
    if (rc == DMCP_OK) {
        call->is_dirty = true;
        call->is_fresh = true;
    }
    return rc;
}

/* ---- an iteration ---- */

/* What the call has for the iteration alone, and what it had before. */
struct frame {
    struct scope scope;
    struct hmap recorded, failed;
    struct dmcp_batch *batches;
    unsigned n_steps;
};

static void frame_enter(struct loop *l, struct frame *f)
{
    dmcp_call *call = l->call;
    const char *number = dmcp_format(call, "%llu", (unsigned long long)l->it.index);
    struct buf prefix;

    buf_init(&prefix, SIZE_MAX / 2);
    buf_addz(&prefix, "\x01i");
    buf_addz(&prefix, l->name);
    buf_addc(&prefix, '\0');
    buf_addz(&prefix, number);
    buf_addc(&prefix, '\0');
    call->prefix = call_dup(call, buf_str(&prefix));
    buf_fini(&prefix);
    f->recorded = call->recorded;
    f->failed = call->failed;
    f->batches = call->batches;
    f->n_steps = call->n_steps;
    hmap_init(&call->recorded);
    hmap_init(&call->failed);
    call->batches = NULL;
    scope_open(call, &f->scope, SCOPE_ITERATION, str_of(l->name));
}

static void frame_leave(struct loop *l, struct frame *f)
{
    dmcp_call *call = l->call;

    scope_close(call, &f->scope);
    batch_free_all(call);
    hmap_fini(&call->recorded);
    hmap_fini(&call->failed);
    call->recorded = f->recorded;
    call->failed = f->failed;
    call->batches = f->batches;
    call->n_steps = f->n_steps;
    call->prefix = STR("");
}

static int sleep_between(struct loop *l)
{
    struct wait w = { .call = l->call, .timeout_ms = l->interval_ms };
    struct str part = STR("interval"), ignored;
    int rc;

    if (l->it.index == 0 || l->interval_ms == 0) {
        return DMCP_OK;
    }
    w.what = dmcp_format(l->call, "the interval of %s", l->what);
    w.alias = journal_alias(l->call, ALIAS_SLEEP, &part, 1);
    rc = wait_for(&w, &ignored);
    return rc == DMCP_E_TIMEOUT ? DMCP_OK : rc;
}

static int check_may_run(struct loop *l)
{
    dmcp_call *call = l->call;

    if (atomic_load(call->env->is_stopping)) {
        return call_poison(call, DMCP_E_STOPPING, "the server is stopping");
    }
    /* One that an earlier attempt began is run once more, so that it can clean up. */
    if (call_is_cancelled(call) && (l->n_run > 0 || call->is_fresh)) {
        return call_fail_cancelled(call);
    }
    return DMCP_OK;
}

/* Until the next row is made. */
static int iterate(struct loop *l)
{
    dmcp_call *call = l->call;
    int rc = sleep_between(l);

    if (rc == DMCP_OK) {
        rc = l->body(call, &l->it);
        rc = call->poison != DMCP_OK ? call->poison : rc;
    }
    return rc == DMCP_OK ? write_row(l) : rc;
}

/* What the row that the iteration began from says. */
static int restore(struct loop *l)
{
    struct entry entry = { .body = call_dup(l->call, buf_str(&l->before)) };

    l->it.state = NULL;
    l->it.is_last = false;
    return entry.body.len > 0 ? read_row(l, &entry) : DMCP_OK;
}

/* The row, and whether it is the loop's last one. */
static struct str outcome(const struct loop *l)
{
    return str_of(dmcp_format(l->call, "[%.*s,%s]", STR_FMT(buf_str(&l->row)),
                              l->it.is_last ? "true" : "false"));
}

/* Runs the iteration that has succeeded a second time. See validate.c. */
static int validate_iteration(struct loop *l, struct scope *scope)
{
    dmcp_call *call = l->call;
    struct hmap used = scope->used;
    dmcp_iteration it = l->it;
    struct str first, row;
    struct rerun r;
    int rc;

    if (!validate_is_due(call)) {
        return DMCP_OK;
    }
    first = outcome(l);
    row = call_dup(call, buf_str(&l->row));
    hmap_init(&scope->used);
    memset(scope->n_values, 0, sizeof(scope->n_values));
    scope->n_sleeps = 0;
    r.place = dmcp_format(call, "%s in %s", l->what, call_who(call));
    r.what = dmcp_format(call, "iteration %llu of %s", (unsigned long long)l->it.index, r.place);
    rerun_begin(call, &r, &used, &scope->used);
    rc = restore(l);
    if (rc == DMCP_OK) {
        rc = iterate(l);
    }
    rc = rerun_end(call, rc, first, outcome(l));
    hmap_fini(&scope->used);
    scope->used = used;
    l->it = it;
    buf_reset(&l->row);
    buf_add_str(&l->row, row);
    return rc;
}

static int run_iteration(struct loop *l)
{
    dmcp_call *call = l->call;
    struct frame frame;
    int rc;

    frame_enter(l, &frame);
    rc = iterate(l);
    if (rc == DMCP_OK) {
        rc = validate_iteration(l, &frame.scope);
    }
    if (rc == DMCP_OK) {
        rc = record(l, &frame.scope, call->prefix);
    }
    frame_leave(l, &frame);
    return rc;
}

/* ---- the loop ---- */

/* The next iteration gets the state that it would get after a crash. */
static int next_iteration(struct loop *l)
{
    struct entry entry = { .body = buf_str(&l->row) };
    dmcp_call *call = l->call;

    if (++l->n_run >= YIELD_ITERATIONS ||
        arena_bytes(&call->arena) + json_doc_bytes(call->doc) >= YIELD_BYTES) {
        call->is_yielding = true;
        return call_poison(call, DMCP_E_SUSPENDED, "%s goes on in another attempt", l->what);
    }
    return read_row(l, &entry);
}

static int run_until_last(struct loop *l)
{
    int rc = DMCP_OK;

    while (rc == DMCP_OK) {
        rc = check_may_run(l);
        if (rc == DMCP_OK) {
            rc = run_iteration(l);
        }
        if (rc == DMCP_OK && l->it.is_last) {
            return DMCP_OK;
        }
        if (rc == DMCP_OK) {
            rc = next_iteration(l);
        }
    }
    return rc;
}

/* Behind the loop an earlier attempt may have been, if the loop failed then and its handler went on. */
static int run_all(struct loop *l)
{
    bool was_fresh = l->call->is_fresh;
    int rc = run_until_last(l);

    l->call->is_fresh = was_fresh;
    return rc;
}

static int check_loop(struct loop *l)
{
    dmcp_call *call = l->call;
    int rc = wait_check(call, "a loop");

    if (rc == DMCP_OK) {
        rc = journal_check_alias(call, "a loop", l->name);
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    if (call->scope->kind == SCOPE_ITERATION) {
        return call_fail(
            call, DMCP_E_MISUSE,
            "loop \"%s\" stands in %s: loops do not nest; use a for loop, with the index "
            "in the aliases of what it does",
            l->name, scope_place(call));
    }
    return DMCP_OK;
}

/* In a second run it is over. */
static int go_on(struct loop *l)
{
    return l->call->rerun ? rerun_unrecorded(l->call, l->alias, l->what) : run_all(l);
}

static int look_up_and_run(struct loop *l)
{
    struct entry entry;
    int rc = journal_find(l->call, l->alias, &entry);

    if (rc == DMCP_E_NOTFOUND) {
        return go_on(l);
    }
    if (rc == DMCP_OK && entry.guard != GUARD_LOOP) {
        return call_fail_diverged(l->call, "%s is %s in the call's journal", l->what,
                                  step_guard_name(entry.guard));
    }
    if (rc == DMCP_OK) {
        rc = read_row(l, &entry);
    }
    return rc == DMCP_OK && entry.state != STEP_DONE ? go_on(l) : rc;
}

static int run(struct loop *l)
{
    int rc = journal_claim(l->call, l->alias);

    if (rc == DMCP_E_ALIAS) {
        return call_fail(l->call, rc,
                         "%s was run before in %s: give each loop an alias of its "
                         "own",
                         l->what, call_run_name(l->call));
    }
    return rc == DMCP_OK ? validate_keep(l->call, l->alias, look_up_and_run(l)) : rc;
}

int dmcp_loop(dmcp_call *call, const char *alias, uint64_t interval_ms, dmcp_iteration_fn *body,
              void *arg, dmcp_value **state_out)
{
    struct loop l = { .call = call,
                      .name = alias,
                      .interval_ms = interval_ms,
                      .body = body,
                      .it = { .arg = arg },
                      .digest = no_id };
    struct str part;
    int rc = check_loop(&l);

    if (rc != DMCP_OK) {
        return rc;
    }
    part = str_of(alias);
    l.what = dmcp_format(call, "loop \"%s\"", alias);
    l.alias = journal_alias(call, ALIAS_LOOP, &part, 1);
    buf_init(&l.row, SIZE_MAX / 2);
    buf_init(&l.before, SIZE_MAX / 2);
    rc = run(&l);
    buf_fini(&l.row);
    buf_fini(&l.before);
    if (rc == DMCP_OK && state_out) {
        *state_out = l.it.state ? l.it.state : value_of(yyjson_mut_null(call->doc));
    }
    return rc;
}
