/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: what a call's steps recorded. The rules of the guards are enforced here, in the
 * lowest function, whatever a worker asks for (contract: a body ran only after BEGIN said so).
 *
 * An at-least-once step has one row, written when its body succeeded:
 *
 *     absent --RECORD--> done
 *
 * An at-most-once step says first that it begins:
 *
 *     absent --BEGIN--> started --RECORD--> done
 *                          |----FAIL------> failed      (for ever: the reason is kept)
 *                          +----RESET-----> absent      (an error that its author listed)
 *
 *   the process dies...               at-least-once, next attempt   at-most-once, next attempt
 *   before BEGIN is durable           runs the body                 runs the body
 *   after that, before RECORD is      runs the body again           never; DMCP_E_ATTEMPTED
 *   after RECORD is durable           returns what was recorded     returns what was recorded
 *
 * Recording is insert-if-absent, then compare: the same again is a lost acknowledgement and
 * succeeds, another outcome is a conflict, another kind of step under the alias means that the
 * handler's code changed under a running call.
 *
 * A condition on maps that waits (watch.c) has a started row too, and ends in the same ways.
 */
#include "engine/internal.h"

int journal_get(struct engine *e, const struct call *call, struct str alias, struct buf *value,
                struct journal_record *r)
{
    struct key k;
    int rc;

    if (!call->has_journal) {
        return DMCP_E_NOTFOUND;
    }
    k = key_journal(call->id, alias);
    rc = engine_read(e, &k, value);
    if (rc == DMCP_OK && journal_record_dec(buf_str(value), r) != DMCP_OK) {
        return engine_corrupt(e, "journal of call", call->id);
    }
    return rc;
}

void journal_put(struct engine *e, struct call *call, struct str alias,
                 const struct journal_record *r)
{
    struct key k = key_journal(call->id, alias);
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    journal_record_enc(&value, r);
    engine_put(e, &k, buf_str(&value));
    buf_fini(&value);
    call->has_journal = true;
}

int journal_check_guard(const struct journal_record *old, enum step_guard asked, struct str alias,
                        struct buf *text)
{
    if (old->guard == asked) {
        return DMCP_OK;
    }
    if (old->label.len > 0) {
        alias = old->label;
    }
    buf_addf(text, "the journal has %s under alias \"%.*s\", the handler asks for %s",
             step_guard_name(old->guard), STR_FMT(alias), step_guard_name((uint8_t)asked));
    return DMCP_E_DIVERGED;
}

/* Said before, in the same words: the acknowledgement was lost. */
static bool is_repeated(const struct command *c, const struct journal_record *old)
{
    return ((old->state == STEP_DONE && c->step.op == STEP_OP_RECORD) ||
            (old->state == STEP_FAILED && c->step.op == STEP_OP_FAIL)) &&
           str_eq(old->body, c->step.body);
}

/* What becomes of a step when something is asked of it. */
struct verdict {
    bool changes; /* the row is to be written */
    uint64_t due_ms; /* of the old row's timer */
    int code;     /* what the worker is told, with the text */
    struct buf text;
};

static void judge(const struct command *c, const struct journal_record *old, struct verdict *v)
{
    v->code = journal_check_guard(old, c->step.guard, c->step.alias, &v->text);
    if (v->code != DMCP_OK || is_repeated(c, old)) {
        return;
    }
    if (old->state == STEP_STARTED && c->step.op != STEP_OP_BEGIN) {
        v->changes = true;
    } else if (old->state != STEP_DONE && c->step.op == STEP_OP_BEGIN) {
        v->code = DMCP_E_ATTEMPTED;
        buf_add_str(&v->text, old->body);
    } else {
        v->code = DMCP_E_CONFLICT;
        buf_addf(&v->text, "step \"%.*s\" is recorded already, with another outcome",
                 STR_FMT(c->step.alias));
    }
}

/* A step that is not there may become anything, failed included: better a body that never runs
 * again than one that runs twice. */
static int read_and_judge(struct engine *e, const struct call *call, const struct command *c,
                          struct verdict *v)
{
    struct journal_record old;
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = journal_get(e, call, c->step.alias, &value, &old);
    if (rc == DMCP_OK) {
        judge(c, &old, v);
        v->due_ms = old.due_ms;
    } else if (rc == DMCP_E_NOTFOUND) {
        v->changes = c->step.op != STEP_OP_RESET;
        rc = DMCP_OK;
    }
    buf_fini(&value);
    return rc;
}

static void write_step(struct engine *e, struct call *call, const struct command *c)
{
    struct journal_record r = { .guard = (uint8_t)c->step.guard,
                                .attempt = call->attempt,
                                .at_ms = e->now.wall_ms,
                                .label = c->step.label,
                                .body = c->step.body };
    struct key k;

    switch (c->step.op) {
    case STEP_OP_RECORD:
        r.state = STEP_DONE;
        break;
    case STEP_OP_BEGIN:
        r.state = STEP_STARTED;
        break;
    case STEP_OP_FAIL:
        r.state = STEP_FAILED;
        break;
    case STEP_OP_RESET:
        k = key_journal(call->id, c->step.alias);
        engine_del(e, &k);
        return;
    }
    journal_put(e, call, c->step.alias, &r);
}

int step_apply(struct engine *e, const struct command *c)
{
    struct call *call = call_find(e, c->call);
    enum action_when when = c->step.op == STEP_OP_RECORD ? WHEN_VISIBLE : WHEN_DURABLE;
    struct verdict v = { .code = DMCP_OK };
    int rc;

    if (!call) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, DMCP_E_GONE, STR("the call is over"));
        return DMCP_OK;
    }
    buf_init(&v.text, SIZE_MAX / 2);
    rc = read_and_judge(e, call, c, &v);
    if (rc == DMCP_OK && v.changes && c->step.guard == GUARD_UNTIL) {
        rc = watch_end(e, call);
    }
    if (rc == DMCP_OK && v.changes) {
        timer_drop(e, call->id, c->step.alias, v.due_ms);
        write_step(e, call, c);
        if (c->step.op == STEP_OP_BEGIN) {
            call_prime(e, call);
        }
    }
    if (rc == DMCP_OK) {
        engine_wake(e, c->waiter, when, v.code, buf_str(&v.text));
    }
    buf_fini(&v.text);
    return rc;
}
