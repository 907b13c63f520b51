/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short forms of the commands. See rig.h.
 */
#include "rig.h"

static struct str dup(struct command *c, const char *z)
{
    return command_dup(c, str_of(z));
}

struct command *rig_start_command(struct rig *r, uint64_t peer, const char *request_id,
                                  const char *params)
{
    struct command *c = command_new(CMD_CALL_START);
    struct call_record *record = &c->start.record;

    c->peer = peer;
    c->session = r->session;
    c->call = rig_id(r);
    record->era = CALL_LEGACY;
    record->method = CALL_TOOL;
    record->session = r->session;
    record->request_id = dup(c, request_id);
    record->name = STR("tool");
    record->params = dup(c, params);
    record->digest = digest_id(record->params);
    c->start.log_level = 4;
    c->start.credit = RIG_CREDIT;
    return c;
}

struct id rig_start(struct rig *r, uint64_t peer, const char *request_id)
{
    struct command *c = rig_start_command(r, peer, request_id, "{}");
    struct id call = c->call;

    rig_apply(r, c);
    rig_commit(r);
    return call;
}

struct id rig_start_quietly(struct rig *r)
{
    char hex[ID_HEX_BYTES + 1];
    struct id call;

    id_to_hex(rig_id(r), hex);
    call = rig_start(r, 0, hex);
    rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);
    rig_expect_nothing(r);
    return call;
}

void rig_of_call(struct rig *r, enum command_kind kind, struct id call)
{
    struct command *c = command_new(kind);

    c->call = call;
    c->waiter = r;
    rig_apply(r, c);
}

void rig_done(struct rig *r, struct id call, const char *body)
{
    struct command *c = command_new(CMD_CALL_DONE);

    c->call = call;
    c->done.outcome = OUTCOME_RESULT;
    c->done.body = dup(c, body);
    rig_apply(r, c);
}

void rig_step(struct rig *r, struct id call, enum step_op op, enum step_guard guard,
              const char *alias, const char *body)
{
    struct command *c = command_new(CMD_STEP);

    c->call = call;
    c->waiter = r;
    c->step.op = op;
    c->step.guard = guard;
    c->step.alias = dup(c, alias);
    c->step.body = dup(c, body);
    rig_apply(r, c);
}

static struct command *event(struct rig *r, struct id call, const char *alias, const char *message)
{
    struct command *c = command_new(CMD_EVENT);

    c->call = call;
    c->waiter = r;
    c->event.alias = dup(c, alias);
    c->event.label = dup(c, alias);
    c->event.message = dup(c, message);
    return c;
}

void rig_event(struct rig *r, struct id call, const char *alias, const char *message)
{
    rig_apply(r, event(r, call, alias, message));
}

void rig_session_event(struct rig *r, struct id call, const char *alias, const char *message)
{
    struct command *c = event(r, call, alias, message);

    c->event.to_session = true;
    rig_apply(r, c);
}

/* Without an alias it comes from outside of calls. */
void rig_map(struct rig *r, struct id call, const char *alias, const char *key, const char *value)
{
    struct command *c = command_new(CMD_MAP);
    struct key k = key_map(STR("m"), str_of(key));

    c->call = call;
    c->waiter = r;
    c->map.alias = dup(c, alias);
    c->map.label = STR("m.put");
    if (value) {
        batch_put(&c->map.rows, key_str(&k), str_of(value));
    } else {
        batch_del(&c->map.rows, key_str(&k));
    }
    c->map.digest = digest_id(buf_str(&c->map.rows.ops));
    rig_apply(r, c);
}

void rig_of_session(struct rig *r, enum command_kind kind, uint64_t peer, struct id session)
{
    struct command *c = command_new(kind);

    c->peer = peer;
    c->session = session;
    if (kind == CMD_SESSION_UPDATE) {
        c->update.log_level = -1;
    }
    rig_apply(r, c);
}

void rig_of_peer(struct rig *r, enum command_kind kind, uint64_t peer, uint64_t credit)
{
    struct command *c = command_new(kind);

    c->peer = peer;
    if (kind == CMD_CREDIT) {
        c->credit = credit;
    }
    rig_apply(r, c);
}

static struct command *follow(struct rig *r, uint64_t peer, struct id stream, uint64_t credit)
{
    struct command *c = command_new(CMD_FOLLOW);

    c->peer = peer;
    c->session = r->session;
    c->follow.stream = stream;
    c->follow.credit = credit;
    return c;
}

void rig_follow(struct rig *r, uint64_t peer, struct id stream, uint64_t after, uint64_t credit)
{
    struct command *c = follow(r, peer, stream, credit);

    c->follow.after = after;
    c->follow.is_after_given = true;
    rig_apply(r, c);
}

void rig_follow_fresh(struct rig *r, uint64_t peer, uint64_t credit)
{
    rig_apply(r, follow(r, peer, r->session, credit));
}

void rig_sweep(struct rig *r, uint32_t n_looks, uint32_t n_deletions)
{
    struct command *c = command_new(CMD_SWEEP);

    c->sweep.n_looks = n_looks;
    c->sweep.n_deletions = n_deletions;
    rig_apply(r, c);
    rig_commit(r);
}

int rig_sweep_all(struct rig *r)
{
    int n = 0;

    while (engine_sweep_due(r->engine) <= r->now.mono_ms) {
        rig_sweep(r, RIG_SWEEP_LOOKS, RIG_SWEEP_DELETIONS);
        n++;
    }
    return n;
}

void rig_tick(struct rig *r)
{
    rig_apply(r, command_new(CMD_TICK));
}
