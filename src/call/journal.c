/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's view of the call's journal: which aliases this attempt used, what is recorded
 * under one, and recording more.
 *
 * What this attempt recorded is remembered here, since its row may not be visible yet; what
 * earlier attempts recorded is read from the store when it is asked for (their rows were visible
 * before this attempt was dispatched). The rules of the guards are not here but in guard.c, and
 * once more in the engine.
 */
#include "base/fault.h"
#include "base/utf8.h"
#include "call/internal.h"
#include "store/keys.h"

/* ---- aliases ---- */

struct str journal_alias(dmcp_call *call, enum alias_kind kind, const struct str *parts,
                         size_t n_parts)
{
    struct str alias;
    struct buf b;

    buf_init(&b, SIZE_MAX / 2);
    buf_add_str(&b, call->prefix);
    buf_addc(&b, '\x01');
    buf_addc(&b, (char)kind);
    buf_add_str(&b, call->scope->alias);
    for (size_t i = 0; i < n_parts; i++) {
        buf_addc(&b, '\0');
        buf_add_str(&b, parts[i]);
    }
    alias = call_dup(call, buf_str(&b));
    buf_fini(&b);
    return alias;
}

struct str journal_step_alias(dmcp_call *call, const char *alias)
{
    size_t n = strlen(alias);
    char *p = arena_alloc(&call->arena, call->prefix.len + n + 1);

    memcpy(p, call->prefix.p, call->prefix.len);
    memcpy(p + call->prefix.len, alias, n + 1);
    return str_make(p, call->prefix.len + n);
}

int journal_check_alias(dmcp_call *call, const char *what, const char *alias)
{
    if (!alias || !alias[0]) {
        return call_fail(call, DMCP_E_INVALID,
                         "%s in %s has no alias: give it a name of its own, of up to %d bytes", what,
                         call_who(call), LIMIT_ALIAS_BYTES);
    }
    if (strlen(alias) > LIMIT_ALIAS_BYTES) {
        return call_fail(call, DMCP_E_TOOBIG,
                         "the alias \"%.*s...\" of %s in %s has %zu bytes, more than %d: shorten it, by a "
                         "digest of what tells it from others for instance",
                         STR_FMT(utf8_cut(str_of(alias), 40)), what, call_who(call), strlen(alias),
                         LIMIT_ALIAS_BYTES);
    }
    if ((unsigned char)alias[0] < ' ') {
        return call_fail(call, DMCP_E_INVALID,
                         "the alias of %s in %s begins with the control character 0x%02x: begin it "
                         "with something visible",
                         what, call_who(call), (unsigned char)alias[0]);
    }
    if (!utf8_is_valid(str_of(alias))) {
        return call_fail(call, DMCP_E_INVALID,
                         "the alias \"%.*s\" of %s in %s is not UTF-8: make it of text, not of bytes",
                         STR_FMT(value_clean(call, str_of(alias))), what, call_who(call));
    }
    return DMCP_OK;
}

int journal_claim(dmcp_call *call, struct str alias)
{
    if (!call_is_journaled(call)) {
        return DMCP_OK; /* nothing is recorded, so nothing can be mistaken for another */
    }
    if (call->scope->kind == SCOPE_CONDITION) {
        return call_fail(call, DMCP_E_MISUSE, "%s may only read maps", scope_place(call));
    }
    if (hmap_get(&call->scope->used, alias)) {
        return DMCP_E_ALIAS;
    }
    if (call->n_steps >= LIMIT_STEPS_PER_CALL) {
        return call_fail(call, DMCP_E_TOOBIG,
                         "the call has recorded %d steps, values, map writes and events, which is "
                         "all that one call of %s may: use dmcp_loop, which starts anew in each "
                         "iteration",
                         LIMIT_STEPS_PER_CALL, call_who(call));
    }
    call->n_steps++;
    hmap_put(&call->scope->used, alias, call);
    return DMCP_OK;
}

/* ---- finding ---- */

int journal_read(dmcp_call *call, struct str alias, struct entry *entry_out)
{
    struct key key = key_journal(call->id, alias);
    struct journal_record r;
    struct buf value;
    struct err e = { 0 };
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = store_injected(FAULT_ERROR("journal.read"), &e);
    if (rc == DMCP_OK) {
        rc = store_get(call->env->store, key_str(&key), &value, &e);
    }
    if (rc == DMCP_OK) {
        if (!store_is_synced(call->env->store)) {
            call->is_dirty = true; /* an answer, a signal or a time that came a moment ago */
        }
        rc = journal_record_dec(buf_str(&value), &r);
        if (rc == DMCP_OK) {
            *entry_out = (struct entry){ r.guard, r.state, call_dup(call, r.body),
                                         call_dup(call, r.label), r.digest };
        } else {
            call_fail(call, rc, "a row of the call's journal cannot be decoded");
        }
    } else if (rc == DMCP_E_CORRUPT) {
        call_fail(call, rc, "read the call's journal: %s", e.text);
    } else if (rc != DMCP_E_NOTFOUND) {
        rc = call_poison(call, rc, "read the call's journal: %s", e.text);
    }
    buf_fini(&value);
    return rc;
}

int journal_find(dmcp_call *call, struct str alias, struct entry *entry_out)
{
    const struct entry *known;
    int code;

    if (!call_is_journaled(call)) {
        return DMCP_E_NOTFOUND;
    }
    if (call->rerun && rerun_failed(call, alias, &code)) {
        return code;
    }
    known = hmap_get(&call->recorded, alias);
    if (known) {
        *entry_out = *known;
        return DMCP_OK;
    }
    return call->is_fresh ? DMCP_E_NOTFOUND : journal_read(call, alias, entry_out);
}

/* ---- recording ---- */

void journal_remember(dmcp_call *call, enum step_guard guard, struct str alias, struct str body)
{
    struct entry *entry = arena_alloc(&call->arena, sizeof(*entry));

    *entry = (struct entry){ .guard = (uint8_t)guard,
                             .state = STEP_DONE,
                             .body = call_dup(call, body),
                             .label = STR_NONE };
    hmap_put(&call->recorded, alias, entry);
}

void journal_record(dmcp_call *call, enum step_guard guard, struct str alias, struct str label,
                    struct str body)
{
    struct command *c = call_command(call, CMD_STEP);

    c->step.op = STEP_OP_RECORD;
    c->step.guard = guard;
    c->step.alias = command_dup(c, alias);
    c->step.label = command_dup(c, label);
    c->step.body = command_dup(c, body);
    call_post(call, c);
    call->is_dirty = true;
    if (call->env->validation) {
        journal_remember(call, guard, alias, body); /* the row may not be visible yet */
    }
    FAULT_POINT("step.recorded");
}
