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
 */
#include "engine/internal.h"

#include <stdio.h>

int journal_get(struct engine *e, struct id call, struct str alias, struct buf *value,
                struct journal_record *r)
{
    struct key k = key_journal(call, alias);
    int rc = engine_read(e, &k, value);

    if (rc == DMCP_OK && journal_record_dec(buf_str(value), r) != DMCP_OK) {
        return engine_corrupt(e, "journal of call", call);
    }
    return rc;
}

void journal_put(struct engine *e, struct id call, struct str alias,
                 const struct journal_record *r)
{
    struct key k = key_journal(call, alias);
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    journal_record_enc(&value, r);
    engine_put(e, &k, buf_str(&value));
    buf_fini(&value);
}

static const char *guard_name(uint8_t guard)
{
    switch (guard) {
    case GUARD_AT_LEAST_ONCE:
        return "at-least-once step";
    case GUARD_AT_MOST_ONCE:
        return "at-most-once step";
    case GUARD_VALUE:
        return "value";
    case GUARD_MAP:
        return "map write";
    case GUARD_EVENT:
        return "event";
    case GUARD_INPUT:
        return "input";
    default:
        return "step of an unknown kind";
    }
}

/* What the step may become, given what is recorded. DMCP_OK: write it; 1: it is there already. */
static int judge(const struct command *c, const struct journal_record *old, char *text, size_t n)
{
    if (old->guard != c->step.guard) {
        snprintf(text, n, "the journal has a %s under alias \"%.*s\", the handler asks for a %s",
                 guard_name(old->guard), STR_FMT(c->step.alias), guard_name((uint8_t)c->step.guard));
        return DMCP_E_DIVERGED;
    }
    if (old->state == STEP_STARTED && c->step.op != STEP_OP_BEGIN) {
        return DMCP_OK;
    }
    if (old->state == STEP_DONE && c->step.op == STEP_OP_RECORD &&
        str_eq(old->body, c->step.body)) {
        return 1;
    }
    if (c->step.op == STEP_OP_BEGIN && old->state != STEP_DONE) {
        snprintf(text, n, "%.*s", STR_FMT(old->body));
        return DMCP_E_ATTEMPTED;
    }
    snprintf(text, n, "step \"%.*s\" is recorded already, with another outcome",
             STR_FMT(c->step.alias));
    return DMCP_E_CONFLICT;
}

static void write_step(struct engine *e, const struct call *call, const struct command *c)
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
    journal_put(e, call->id, c->step.alias, &r);
}

int step_apply(struct engine *e, const struct command *c)
{
    struct call *call = call_find(e, c->call);
    enum action_when when = c->step.op == STEP_OP_RECORD ? WHEN_VISIBLE : WHEN_DURABLE;
    struct journal_record old;
    char text[512] = "";
    struct buf value;
    int rc;

    if (!call) {
        engine_wake(e, c->waiter, WHEN_VISIBLE, DMCP_E_GONE, "the call is over");
        return DMCP_OK;
    }
    buf_init(&value, SIZE_MAX / 2);
    rc = journal_get(e, c->call, c->step.alias, &value, &old);
    if (rc == DMCP_OK) {
        rc = judge(c, &old, text, sizeof(text));
    } else if (rc == DMCP_E_NOTFOUND) {
        rc = c->step.op == STEP_OP_RECORD || c->step.op == STEP_OP_BEGIN ? DMCP_OK : 1;
    } else {
        buf_fini(&value);
        return rc;
    }
    buf_fini(&value);
    if (rc == DMCP_OK) {
        write_step(e, call, c);
        if (c->step.op == STEP_OP_BEGIN) {
            call_prime(e, call);
        }
    }
    engine_wake(e, c->waiter, when, rc == 1 ? DMCP_OK : rc, text);
    return DMCP_OK;
}
