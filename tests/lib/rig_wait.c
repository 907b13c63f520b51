/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short forms for waiting, answering, cancelling and keys. See rig.h.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct str dup(struct command *c, const char *z)
{
    return command_dup(c, str_of(z));
}

struct id rig_other_session(struct rig *r)
{
    struct command *open = command_new(CMD_SESSION_OPEN);
    struct id session = rig_id(r);

    open->session = session;
    open->open.protocol_version = STR("2025-06-18");
    open->open.principal = STR("ann");
    open->open.client_info = STR("{}");
    open->open.capabilities = STR("{}");
    rig_apply(r, open);
    rig_commit(r);
    return session;
}

/* ---- the handler's side ---- */

static struct command *wait_command(struct rig *r, struct id call, const char *alias,
                                    uint64_t delay_ms)
{
    struct command *c = command_new(CMD_WAIT);

    c->call = call;
    c->waiter = r;
    c->wait.alias = dup(c, alias);
    c->wait.label = STR("a wait");
    c->wait.delay_ms = delay_ms;
    c->wait.body = STR("");
    return c;
}

void rig_wait(struct rig *r, struct id call, const char *alias, uint64_t delay_ms)
{
    rig_apply(r, wait_command(r, call, alias, delay_ms));
}

struct id rig_ask(struct rig *r, struct id call, const char *alias, uint64_t delay_ms)
{
    struct command *c = wait_command(r, call, alias, delay_ms);
    struct id input = rig_id(r);

    c->wait.input = input;
    c->wait.ask = dup(c, "\"ask\"");
    c->wait.body = STR("1");
    rig_apply(r, c);
    return input;
}

struct id rig_ask_again(struct rig *r, struct id call, const char *alias, struct id old)
{
    struct command *c = wait_command(r, call, alias, 0);
    struct id input = rig_id(r);

    c->wait.input = input;
    c->wait.old_input = old;
    c->wait.cancel = dup(c, "\"cancel\"");
    c->wait.ask = dup(c, "\"ask again\"");
    c->wait.body = STR("2");
    rig_apply(r, c);
    return input;
}

void rig_take_back(struct rig *r, struct id call, const char *alias, struct id old)
{
    struct command *c = wait_command(r, call, alias, 0);

    c->wait.old_input = old;
    c->wait.cancel = dup(c, "\"cancel\"");
    rig_apply(r, c);
}

void rig_suspend(struct rig *r, struct id call)
{
    rig_of_call(r, CMD_CALL_SUSPEND, call);
    rig_commit(r);
}

struct id rig_sleeping(struct rig *r, const char *alias, uint64_t delay_ms)
{
    struct id call = rig_start_quietly(r);

    rig_wait(r, call, alias, delay_ms);
    rig_suspend(r, call);
    rig_drop_actions(r);
    return call;
}

struct id rig_asking(struct rig *r, uint64_t peer, const char *request_id, struct id *input_out)
{
    struct id call = rig_start(r, peer, request_id);

    *input_out = rig_ask(r, call, "q", 0);
    rig_suspend(r, call);
    rig_drop_actions(r);
    return call;
}

/* ---- the outside ---- */

static void answer(struct rig *r, uint64_t peer, struct id session, struct id input,
                   const char *body, bool is_error)
{
    struct command *c = command_new(CMD_ANSWER);

    c->peer = peer;
    c->session = session;
    c->answer.input = input;
    c->answer.is_error = is_error;
    c->answer.body = dup(c, body);
    rig_apply(r, c);
}

void rig_answer(struct rig *r, uint64_t peer, struct id input, const char *body)
{
    answer(r, peer, r->session, input, body, false);
}

void rig_answer_error(struct rig *r, uint64_t peer, struct id input, const char *body)
{
    answer(r, peer, r->session, input, body, true);
}

void rig_answer_from(struct rig *r, uint64_t peer, struct id session, struct id input,
                     const char *body)
{
    answer(r, peer, session, input, body, false);
}

void rig_signal(struct rig *r, uint64_t peer, struct id call, const char *alias, const char *body)
{
    struct command *c = command_new(CMD_SIGNAL);

    c->peer = peer;
    c->call = call;
    c->signal.alias = dup(c, alias);
    c->signal.body = dup(c, body);
    rig_apply(r, c);
}

void rig_cancel(struct rig *r, uint64_t peer, const char *request_id)
{
    struct command *c = command_new(CMD_CANCEL);

    c->peer = peer;
    c->session = r->session;
    c->cancel.request_id = dup(c, request_id);
    rig_apply(r, c);
}

void rig_give_up(struct rig *r, uint64_t peer, struct id input, const char *reason)
{
    struct command *c = command_new(CMD_CANCEL);
    char hex[ID_HEX_BYTES + 1];

    id_to_hex(input, hex);
    c->peer = peer;
    c->session = r->session;
    c->cancel.request_id = dup(c, hex);
    c->cancel.input = input;
    c->cancel.reason = dup(c, reason);
    rig_apply(r, c);
}

void rig_cancel_call(struct rig *r, uint64_t peer, struct id call)
{
    struct command *c = command_new(CMD_CANCEL);

    c->peer = peer;
    c->call = call;
    rig_apply(r, c);
}

struct command *rig_keyed(struct rig *r, uint64_t peer, struct id session, const char *request_id,
                          const char *key, const char *arguments)
{
    struct command *c = rig_start_command(r, peer, request_id, arguments);

    c->session = c->start.record.session = session;
    c->start.key = dup(c, key);
    c->start.key_scope = digest_id(STR("tool"));
    c->start.key_digest = digest_id(str_of(arguments));
    return c;
}

/* ---- what came of it ---- */

struct action *rig_expect_dispatch(struct rig *r, struct id call, uint32_t attempt)
{
    struct action *a = rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);

    assert_true(id_eq(a->call, call));
    assert_int_equal(a->dispatch.attempt, attempt);
    return a;
}

void rig_expect_done(struct rig *r, uint64_t peer)
{
    assert_int_equal(rig_expect(r, ACT_DONE, WHEN_DURABLE)->peer, peer);
}

uint8_t rig_flags(struct rig *r, struct id call)
{
    struct unfinished_record record = { 0 };
    struct str row = rig_row(r, key_of_id(KEY_UNFINISHED, call));

    if (!row.p) {
        row = rig_row(r, key_of_id(KEY_SUSPENDED, call));
    }
    assert_non_null(row.p);
    assert_int_equal(unfinished_record_dec(row, &record), DMCP_OK);
    return record.flags;
}

struct journal_record rig_journal(struct rig *r, struct id call, const char *alias)
{
    struct journal_record record = { .label = STR(""), .body = STR("") };
    struct str row = rig_row(r, key_journal(call, str_of(alias)));

    if (row.p) {
        assert_int_equal(journal_record_dec(row, &record), DMCP_OK);
    }
    return record;
}

struct result_record rig_result(struct rig *r, struct id call)
{
    struct result_record record = { .body = STR("") };
    struct str row = rig_row(r, key_of_id(KEY_RESULT, call));

    if (row.p) {
        assert_int_equal(result_record_dec(row, &record), DMCP_OK);
    }
    return record;
}
