/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guards: steps whose bodies run at least once, or at most once. What is on disk at which
 * moment, and so what a crash leaves behind, is drawn in engine/step.c; this is the worker's
 * half, which runs the bodies:
 *
 *   recorded as done                return it
 *   recorded as started or failed   at-most-once only: DMCP_E_ATTEMPTED, for ever
 *   not recorded                    make durable what the body may rely on, run it, record
 *
 * Before an at-least-once body runs, CMD_CALL_FLUSH makes all durable that the call recorded so
 * far. Before an at-most-once body runs nothing more is needed than the answer to its BEGIN:
 * commands are applied in the order in which they were posted, so the sync that makes the
 * "started" mark durable covers everything in front of it.
 *
 * A body that fails is tried again by the step's policy: at-least-once after every error,
 * at-most-once after those that its author listed, for which the mark is taken back first.
 */
#include "base/fault.h"
#include "call/internal.h"

struct step {
    dmcp_call *call;
    const dmcp_step *spec;
    enum step_guard guard;
    struct str alias;
    dmcp_step_fn *body;
    void *arg;
    struct dmcp_retry retry;
    dmcp_value *value; /* what the body gave */
    struct buf text;   /* the same as JSON */
    struct hmap used;  /* the aliases that its last run used */
};

/* ---- what is recorded ---- */

static int check_type(const struct step *s, const dmcp_value *value, const char *whose,
                      const char *advice)
{
    if (value_has_type(value, s->spec->type)) {
        return DMCP_OK;
    }
    return call_fail(s->call, DMCP_E_TYPE, "%s result of step \"%s\" of %s is of type %s, not %s: %s",
                     whose, s->spec->alias, call_who(s->call),
                     value_type_name(dmcp_value_type(value)), value_type_name(s->spec->type),
                     advice);
}

/* The step's row decides, without the body. */
static int replay(struct step *s, const struct entry *entry)
{
    yyjson_mut_val *v;
    int rc;

    if (entry->guard != s->guard) {
        return call_fail_diverged(s->call, "\"%s\" is %s in the call's journal, and %s in the handler",
                                  s->spec->alias, step_guard_name(entry->guard),
                                  step_guard_name((uint8_t)s->guard));
    }
    if (entry->state == STEP_STARTED) {
        return call_fail(s->call, DMCP_E_ATTEMPTED,
                         "step \"%s\" was started in an attempt that did not end: the process died "
                         "while its body ran, so nobody knows what it did, and it is not run again",
                         s->spec->alias);
    }
    if (entry->state == STEP_FAILED) {
        return call_fail(s->call, DMCP_E_ATTEMPTED,
                         "step \"%s\" failed in an earlier attempt, and is not run again: %.*s",
                         s->spec->alias, STR_FMT(entry->body));
    }
    rc = value_parse(s->call, entry->body, &v);
    if (rc != DMCP_OK) {
        return call_fail(s->call, DMCP_E_CORRUPT,
                         "the recorded result of step \"%s\" cannot be read", s->spec->alias);
    }
    s->value = value_of(v);
    return check_type(s, s->value, "the recorded",
                      "was the step changed under a running call? Then give it a new alias");
}

/* ---- running the body ---- */

static bool is_stopping(const struct step *s)
{
    return s->call->mode != CALL_EPHEMERAL && atomic_load(s->call->env->is_stopping);
}

/* The body's code, or the code that poisoned the call meanwhile. */
static int run_body(struct step *s)
{
    dmcp_call *call = s->call;
    struct scope scope;
    unsigned n_steps = call->n_steps;
    dmcp_value *result = NULL;
    int rc;

    scope_open(call, &scope, SCOPE_BODY, str_of(s->spec->alias));
    FAULT_POINT("body.before");
    rc = s->body(call, s->arg, &result);
    FAULT_POINT("body.after");
    hmap_fini(&s->used);
    s->used = scope.used;
    hmap_init(&scope.used);
    scope_close(call, &scope);
    if (call->poison != DMCP_OK) {
        return call->poison;
    }
    if (rc != DMCP_OK) {
        call->n_steps = n_steps; /* the next try finds what this one recorded */
    }
    s->value = result ? result : value_of(yyjson_mut_null(call->doc));
    return rc;
}

/* Runs the body, and makes sure that there is a text for its error. */
static int try_body(struct step *s)
{
    dmcp_call *call = s->call;
    unsigned n_errors = call->n_errors;
    int rc = run_body(s);

    if (rc != DMCP_OK && (call->n_errors == n_errors || call->error_code != rc)) {
        if (rc < 0) {
            call_fail(call, rc, "step \"%s\": %s", s->spec->alias, dmcp_strerror(rc));
        } else {
            call_fail(call, rc, "step \"%s\" failed with error %d", s->spec->alias, rc);
        }
    }
    return rc;
}

/* Whether the result can be recorded; its text is made here. */
static int check_result(struct step *s)
{
    int rc = check_type(s, s->value, "the", "mend the body, or the type that the step declares");

    if (rc != DMCP_OK) {
        return rc;
    }
    buf_reset(&s->text);
    json_write_mut(&s->text, value_mut(s->value));
    if (!buf_ok(&s->text)) {
        return call_fail(s->call, DMCP_E_TOOBIG,
                         "the result of step \"%s\" is larger than %u bytes as JSON",
                         s->spec->alias, LIMIT_RESULT_BYTES);
    }
    return DMCP_OK;
}

/* The alias tells it, except in an iteration. */
static struct str step_label(const struct step *s)
{
    return s->call->prefix.len > 0
               ? str_of(dmcp_format(s->call, "step \"%s\"", s->spec->alias))
               : STR_NONE;
}

/* Runs the body that has succeeded a second time. See validate.c. */
static int validate_body(struct step *s)
{
    dmcp_call *call = s->call;
    struct rerun r;
    struct scope scope;
    struct buf again;
    dmcp_value *result = NULL;
    int rc;

    if (s->spec->run_once || !validate_is_due(call)) {
        return DMCP_OK;
    }
    r.place = r.what = dmcp_format(call, "step \"%s\" of %s", s->spec->alias, call_who(call));
    buf_init(&again, LIMIT_RESULT_BYTES);
    scope_open(call, &scope, SCOPE_BODY, str_of(s->spec->alias));
    rerun_begin(call, &r, &s->used, &scope.used);
    rc = s->body(call, s->arg, &result);
    json_write_mut(&again, result ? value_mut(result) : yyjson_mut_null(call->doc));
    rc = rerun_end(call, rc, buf_str(&s->text), buf_str(&again));
    scope_close(call, &scope);
    buf_fini(&again);
    return rc;
}

static void record_result(struct step *s)
{
    if (call_is_journaled(s->call)) {
        journal_record(s->call, s->guard, s->alias, step_label(s), buf_str(&s->text));
    }
}

/* No body begins in a server that stops, or in a call that was cancelled. */
static int check_may_run(struct step *s)
{
    if (is_stopping(s)) {
        return call_poison(s->call, DMCP_E_STOPPING, "the server is stopping");
    }
    return call_is_cancelled(s->call) ? call_fail_cancelled(s->call) : DMCP_OK;
}

/* ---- at least once ---- */

/* An error in the handler's code stays one, however often the body is run. */
static bool is_hopeless(int code)
{
    return code == DMCP_E_MISUSE || code == DMCP_E_ALIAS || code == DMCP_E_DIVERGED;
}

static int run_at_least_once(struct step *s)
{
    struct tries tries;
    int rc = retry_resume(s->call, str_of(s->spec->alias), &tries);

    while (rc == DMCP_OK) {
        rc = check_may_run(s);
        if (rc != DMCP_OK) {
            return rc;
        }
        rc = call_flush_recorded(s->call);
        if (rc != DMCP_OK) {
            return rc;
        }
        rc = try_body(s);
        if (rc == DMCP_OK) {
            break;
        }
        if (s->call->poison != DMCP_OK || is_hopeless(rc) || tries.n >= s->retry.max_attempts) {
            return rc;
        }
        rc = retry_wait(s->call, &s->retry, str_of(s->spec->alias), &tries);
    }
    if (rc == DMCP_OK) {
        rc = check_result(s);
    }
    if (rc == DMCP_OK) {
        rc = validate_body(s);
    }
    if (rc == DMCP_OK) {
        record_result(s);
    }
    return rc;
}

/* ---- at most once ---- */

static bool is_retryable(const struct step *s, int code)
{
    for (const int *listed = s->spec->retryable; listed && *listed; listed++) {
        if (*listed == code) {
            return true;
        }
    }
    return false;
}

/* Moves the step's row, durably. The error that the handler is to see stays the last one. */
static int move_row(struct step *s, enum step_op op, struct str body)
{
    struct command *c;
    int rc;

    if (!call_is_journaled(s->call)) {
        return DMCP_OK;
    }
    c = call_command(s->call, CMD_STEP);
    c->step.op = op;
    c->step.guard = s->guard;
    c->step.alias = command_dup(c, s->alias);
    c->step.label = command_dup(c, step_label(s));
    c->step.body = command_dup(c, body);
    rc = call_ask(s->call, c);
    if (rc == DMCP_OK) {
        s->call->is_dirty = false;
    }
    return rc;
}

/* For ever: the reason is what later attempts are told. */
static int fail_for_good(struct step *s, int code)
{
    int rc = move_row(s, STEP_OP_FAIL, str_of(dmcp_error_text(s->call)));

    FAULT_POINT("step.failed");
    return rc == DMCP_OK ? code : rc;
}

static int run_at_most_once(struct step *s)
{
    struct tries tries;
    int moved, rc = retry_resume(s->call, str_of(s->spec->alias), &tries);

    while (rc == DMCP_OK) {
        rc = check_may_run(s);
        if (rc != DMCP_OK) {
            return rc;
        }
        rc = move_row(s, STEP_OP_BEGIN, STR(""));
        if (rc != DMCP_OK) {
            return rc;
        }
        rc = try_body(s);
        if (s->call->poison != DMCP_OK) {
            return rc; /* as a crash: nobody can say how far the body came */
        }
        if (rc == DMCP_OK) {
            rc = check_result(s);
            if (rc == DMCP_OK) {
                record_result(s);
                return DMCP_OK;
            }
            return fail_for_good(s, rc);
        }
        if (!is_retryable(s, rc)) {
            return fail_for_good(s, rc);
        }
        moved = move_row(s, STEP_OP_RESET, STR(""));
        FAULT_POINT("step.reset");
        if (moved != DMCP_OK) {
            return moved;
        }
        if (tries.n >= s->retry.max_attempts) {
            return rc;
        }
        rc = retry_wait(s->call, &s->retry, str_of(s->spec->alias), &tries);
    }
    return rc;
}

/* ---- both ---- */

static int check_step(struct step *s)
{
    dmcp_call *call = s->call;
    int rc;

    if (call->poison != DMCP_OK) {
        return call->poison;
    }
    rc = journal_check_alias(call, "a step", s->spec->alias);
    if (rc != DMCP_OK) {
        return rc;
    }
    if (call_is_in_body(call)) {
        return call_fail(call, DMCP_E_MISUSE,
                         "step \"%s\" stands in %s: a step is one unit, so run one after the "
                         "other, from the handler",
                         s->spec->alias, scope_place(call));
    }
    s->alias = journal_step_alias(call, s->spec->alias);
    rc = journal_claim(call, s->alias);
    if (rc == DMCP_E_ALIAS) {
        return call_fail(call, rc,
                         "alias \"%s\" was used before in %s: give each step an "
                         "alias of its own; in a loop, put the index in it",
                         s->spec->alias, call_run_name(call));
    }
    return rc;
}

static int run_guarded(struct step *s)
{
    int rc;

    if (s->call->rerun) {
        return rerun_unrecorded(s->call, s->alias,
                                dmcp_format(s->call, "step \"%s\"", s->spec->alias));
    }
    buf_init(&s->text, LIMIT_RESULT_BYTES);
    hmap_init(&s->used);
    rc = s->guard == GUARD_AT_LEAST_ONCE ? run_at_least_once(s) : run_at_most_once(s);
    hmap_fini(&s->used);
    buf_fini(&s->text);
    return rc;
}

static int run_step(struct step *s, dmcp_value **result_out)
{
    struct entry entry;
    int rc = check_step(s);

    if (rc != DMCP_OK) {
        return rc;
    }
    rc = journal_find(s->call, s->alias, &entry);
    if (rc == DMCP_OK) {
        rc = replay(s, &entry);
    } else if (rc == DMCP_E_NOTFOUND) {
        rc = run_guarded(s);
    }
    if (rc == DMCP_OK && result_out) {
        *result_out = s->value;
    }
    return validate_keep(s->call, s->alias, rc);
}

int dmcp_at_least_once_with(dmcp_call *call, const dmcp_step *step, dmcp_step_fn *body, void *arg,
                            dmcp_value **result_out)
{
    struct step s = { .call = call,
                      .spec = step,
                      .guard = GUARD_AT_LEAST_ONCE,
                      .body = body,
                      .arg = arg,
                      .retry = retry_policy(step->retry, 5) };

    return run_step(&s, result_out);
}

int dmcp_at_most_once_with(dmcp_call *call, const dmcp_step *step, dmcp_step_fn *body, void *arg,
                           dmcp_value **result_out)
{
    struct step s = { .call = call,
                      .spec = step,
                      .guard = GUARD_AT_MOST_ONCE,
                      .body = body,
                      .arg = arg,
                      .retry = retry_policy(step->retry, 3) };

    return run_step(&s, result_out);
}

int dmcp_at_least_once(dmcp_call *call, const char *alias, dmcp_step_fn *body, void *arg,
                       dmcp_value **result_out)
{
    const dmcp_step step = { .alias = alias };

    return dmcp_at_least_once_with(call, &step, body, arg, result_out);
}

int dmcp_at_most_once(dmcp_call *call, const char *alias, dmcp_step_fn *body, void *arg,
                      dmcp_value **result_out)
{
    const dmcp_step step = { .alias = alias };

    return dmcp_at_most_once_with(call, &step, body, arg, result_out);
}
