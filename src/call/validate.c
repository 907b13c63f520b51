/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Effect validation, the worker's half: a handler that has succeeded is run a second time before
 * its outcome is handed in, as a restart at this moment would run it. So is each iteration of a loop
 * before it is recorded, and the body of an at-least-once step. The second run gets from the journal
 * what the first one recorded, sends nothing and writes nothing. It differs when it
 *
 *   comes to something that is not recorded     returns an error
 *   leaves out something that is                gives another result
 *   writes other entries to a map
 *
 * and ends with the first of these. What the first run gave counts, and is recorded; when it is not
 * refuted.
 *
 * What failed in the first run and left no row that says the same fails again in the same way: the
 * next attempt of the call would try again, and that is nobody's mistake. Bodies of at-most-once
 * steps and conditions are not run again. In an attempt that ends a call which was suspended or
 * crashed before, the runs are compared with each other and not with earlier attempts, which may
 * have gone another way by right (a step may have failed then and not now).
 */
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/utf8.h"
#include "call/internal.h"
#include "json/equal.h"

#define SHOWN_BYTES 200 /* of a result in a text */

/* ---- what failed in the first run ---- */

struct failure {
    int code;
    const char *text;
};

int validate_keep(dmcp_call *call, struct str alias, int code)
{
    struct failure *f;

    if (code != DMCP_OK && call->env->validation && call_is_journaled(call) && !call->rerun &&
        call->poison == DMCP_OK) {
        f = arena_alloc(&call->arena, sizeof(*f));
        *f = (struct failure){ code, call_dup(call, str_of(dmcp_error_text(call))).p };
        hmap_put(&call->failed, alias, f);
    }
    return code;
}

bool rerun_failed(dmcp_call *call, struct str alias, int *code_out)
{
    const struct failure *f = hmap_get(&call->failed, alias);

    if (!f) {
        return false;
    }
    *code_out = call_fail(call, f->code, "%s", f->text);
    return true;
}

/* ---- differences ---- */

int rerun_differs(dmcp_call *call, const char *fmt, ...)
{
    struct rerun *r = call->rerun;
    va_list ap;

    if (call->poison != DMCP_OK) {
        return call->poison; /* it differed before, or the store cannot be read */
    }
    if (!r->difference) {
        va_start(ap, fmt);
        r->difference = arena_vprintf(&call->arena, fmt, ap);
        va_end(ap);
    }
    return call_poison(call, DMCP_E_DIVERGED, "%s differs when it is run again: %s", r->what,
                       r->difference);
}

int rerun_unrecorded(dmcp_call *call, struct str alias, const char *what)
{
    int code;

    if (rerun_failed(call, alias, &code)) {
        return code;
    }
    return rerun_differs(call, "%s is not what it did the first time", what);
}

/* What the author calls it. */
static const char *name_of(dmcp_call *call, struct str alias)
{
    struct entry entry = { .label = STR_NONE };
    size_t at = alias.len;

    if (journal_read(call, alias, &entry) == DMCP_OK && entry.label.len > 0) {
        return dmcp_format(call, "%.*s", STR_FMT(entry.label));
    }
    if (call->prefix.len > 0 && str_starts(alias, call->prefix)) {
        alias = str_make(alias.p + call->prefix.len, alias.len - call->prefix.len);
        at = alias.len;
    }
    if (alias.len > 0 && alias.p[0] != '\x01') {
        return dmcp_format(call, "step \"%.*s\"", STR_FMT(alias));
    }
    while (at > 0 && alias.p[at - 1] != '\0') {
        at--;
    }
    return dmcp_format(call, "%.*s", (int)(alias.len - at), alias.p + at);
}

/* Of several any one is named: the order in which they were used is not kept. */
static void check_all_used(dmcp_call *call)
{
    struct hmap_entry *cursor = NULL;
    struct str alias, missing = STR_NONE;

    while (hmap_next(call->rerun->first, &cursor, &alias)) {
        if (!hmap_get(call->rerun->second, alias) &&
            (!missing.p || str_cmp(alias, missing) < 0)) {
            missing = alias;
        }
    }
    if (missing.p) {
        (void)rerun_differs(call, "%s is left out", name_of(call, missing)); /* it is kept there */
    }
}

static bool is_same_json(struct str a, struct str b)
{
    yyjson_doc *x = NULL, *y = NULL;
    struct err e;
    bool is_same = str_eq(a, b);

    if (!is_same && json_read(a, &x, &e) == DMCP_OK && json_read(b, &y, &e) == DMCP_OK) {
        is_same = json_equal(yyjson_doc_get_root(x), yyjson_doc_get_root(y));
    }
    yyjson_doc_free(x);
    yyjson_doc_free(y);
    return is_same;
}

static void check_result(dmcp_call *call, struct str first, struct str second)
{
    struct str a = utf8_cut(first, SHOWN_BYTES), b = utf8_cut(second, SHOWN_BYTES);

    if (!is_same_json(first, second)) {
        (void)rerun_differs(call, "it gives %.*s%s, not %.*s%s", STR_FMT(b),
                            b.len < second.len ? "..." : "", STR_FMT(a),
                            a.len < first.len ? "..." : "");
    }
}

/* ---- around a second run ---- */

bool validate_is_due(const dmcp_call *call)
{
    return call->env->validation && call_is_journaled(call) && !call->rerun &&
           call->poison == DMCP_OK && !call_is_cancelled(call) &&
           !atomic_load(call->env->is_stopping);
}

void rerun_begin(dmcp_call *call, struct rerun *r, const struct hmap *first,
                 const struct hmap *second)
{
    r->first = first;
    r->second = second;
    r->difference = NULL;
    r->n_steps = call->n_steps;
    r->was_fresh = call->is_fresh;
    call->n_steps = 0;
    call->is_fresh = false; /* so that the store is asked */
    call->rerun = r;
    FAULT_POINT("validate.before");
}

/* A call that was told to end meanwhile has a reason to do something else. */
static int judge(dmcp_call *call, const struct rerun *r)
{
    struct validation *v = call->env->validation;
    const char *text;

    call->poison = DMCP_OK;
    if (call_is_cancelled(call)) {
        return DMCP_OK;
    }
    text = dmcp_format(call,
                       "%s differs when it is run again (--validate-effects), as it would be after "
                       "a crash: %s. Take what may vary from one run to the next (time, chance, what "
                       "a map holds by now, what is outside) from dmcp_now, dmcp_random, dmcp_uuid7, "
                       "a read with an alias, or a step",
                       r->what, r->difference);
    if (validation_may_log(v, r->place, clock_mono_ms())) {
        log_warning("call=%s attempt=%u: %s", call->id_hex, dmcp_call_attempt(call), text);
    }
    if (!validation_is_fatal(v)) {
        return DMCP_OK;
    }
    call->is_refuted = true;
    return call_poison(call, DMCP_E_DIVERGED, "%s", text);
}

int rerun_end(dmcp_call *call, int code, struct str first, struct str second)
{
    struct rerun *r = call->rerun;

    if (!r->difference && call->poison == DMCP_OK) {
        if (code != DMCP_OK) {
            (void)rerun_differs(call, "it fails with code %d (%s)", code,
                                call->error_code == code && call->error_text
                                    ? call->error_text
                                    : dmcp_strerror(code));
        } else {
            check_all_used(call);
        }
    }
    if (!r->difference && call->poison == DMCP_OK) {
        check_result(call, first, second);
    }
    call->rerun = NULL;
    call->is_fresh = r->was_fresh;
    call->n_steps = r->n_steps;
    FAULT_POINT("validate.after");
    return r->difference ? judge(call, r) : call->poison;
}

/* ---- the handler ---- */

/* As it was before the handler, but for what is recorded. Returns the aliases used so far. */
static struct hmap rewind_call(dmcp_call *call)
{
    struct hmap used = call->root.used;
    struct reply *r = &call->reply;

    call->scope = NULL;
    scope_open(call, &call->root, SCOPE_HANDLER, STR(""));
    batch_free_all(call);
    buf_reset(&call->pages);
    buf_fini(&r->blocks);
    *r = (struct reply){ .is_set = false };
    buf_init(&r->blocks, LIMIT_RESULT_BYTES);
    return used;
}

int validate_handler(dmcp_call *call, struct str parts)
{
    const char *who = call_who(call);
    struct rerun r = { .what = who, .place = who };
    struct hmap used = rewind_call(call);
    struct buf again;
    int rc;

    buf_init(&again, SIZE_MAX / 2);
    rerun_begin(call, &r, &used, &call->root.used);
    rc = call->handler->fn(call);
    reply_write_parts(call, &again);
    rc = rerun_end(call, rc, parts, buf_str(&again));
    buf_fini(&again);
    hmap_fini(&used);
    return rc;
}
