/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for something from outside: the worker's half of engine/wait.c. A wait that is not over
 * ends the attempt (DMCP_E_SUSPENDED is sticky), and the call is suspended with it.
 *
 * A question carries an id made from the call, its alias and how often it was asked, so that an
 * answer finds its way in any later life of the server. The journal's row keeps that number while
 * it waits.
 */
#include "call/internal.h"
#include "json/rpc.h"
#include "json/writer.h"
#include "store/keys.h"

/* Why the call is to end: some of UNFINISHED_CANCELLED, UNFINISHED_LATE. */
static unsigned reasons(const dmcp_call *call)
{
    return call->run ? (call->run->flags | atomic_load(&call->run->told)) &
                           (UNFINISHED_CANCELLED | UNFINISHED_LATE)
                     : 0;
}

bool call_is_cancelled(const dmcp_call *call)
{
    return reasons(call) != 0;
}

bool dmcp_cancelled(const dmcp_call *call)
{
    return call_is_cancelled(call);
}

const char *call_cancelled_text(dmcp_call *call)
{
    if (reasons(call) == UNFINISHED_LATE) {
        return dmcp_format(call, "timed out after %llu ms",
                           (unsigned long long)call->run->tool->timeout_ms);
    }
    return "the call was cancelled";
}

int call_fail_cancelled(dmcp_call *call)
{
    return call_fail(call, DMCP_E_CANCELLED, "%s", call_cancelled_text(call));
}

int wait_check(dmcp_call *call, const char *what)
{
    if (call->poison != DMCP_OK) {
        return call->poison;
    }
    if (!call_is_journaled(call)) {
        return call_fail(call, DMCP_E_MISUSE, "%s: only a durable tool can wait", what);
    }
    if (call_is_in_body(call)) {
        return call_fail(call, DMCP_E_MISUSE,
                         "%s stands in %s: wait in the handler, between steps", what,
                         scope_place(call));
    }
    return DMCP_OK;
}

/* ---- questions ---- */

static struct id input_id(const struct wait *w, uint64_t asked)
{
    struct buf b;
    struct id id;

    buf_init(&b, SIZE_MAX / 2);
    buf_add_str(&b, id_bytes(&w->call->id));
    buf_add_str(&b, w->alias);
    buf_addf(&b, "%llu", (unsigned long long)asked);
    id = digest_id(buf_str(&b));
    buf_fini(&b);
    id.b[15] = w->call->id.b[15]; /* the call's shard */
    return id;
}

/* The id as it stands in messages: a JSON string. */
static struct str id_text(dmcp_call *call, struct id id)
{
    char hex[ID_HEX_BYTES + 1];

    id_to_hex(id, hex);
    return str_of(dmcp_format(call, "\"%s\"", hex));
}

static struct str cancel_message(dmcp_call *call, struct id old, const char *reason)
{
    struct json_writer w;
    struct buf params, message;
    struct str copy;

    buf_init(&params, 512);
    buf_init(&message, KIB);
    jw_init(&w, &params);
    jw_object(&w);
    jw_key(&w, "requestId");
    jw_raw(&w, id_text(call, old));
    jw_key(&w, "reason");
    jw_strz(&w, reason);
    jw_object_end(&w);
    rpc_write_notification(&message, STR("notifications/cancelled"), buf_str(&params));
    copy = call_dup(call, buf_str(&message));
    buf_fini(&params);
    buf_fini(&message);
    return copy;
}

static int check_client(const struct wait *w)
{
    if (!w->write_request || w->call->run->client & w->capability) {
        return DMCP_OK;
    }
    return call_fail(w->call, DMCP_E_UNSUPPORTED,
                     "%s: the client did not declare the capability \"%s\"", w->what,
                     w->capability_name);
}

/* The row of a question that waits, or waited for too long: how often it was asked. */
static int read_asked(const struct wait *w, const struct entry *entry, uint64_t *asked_out)
{
    if (str_to_u64(entry->body, UINT32_MAX, asked_out) != DMCP_OK) {
        return call_fail(w->call, DMCP_E_CORRUPT, "%s: its row cannot be read", w->what);
    }
    return DMCP_OK;
}

/* DMCP_E_TOOBIG: the question cannot be sent. */
static int add_question(const struct wait *w, uint64_t asked, struct command *c)
{
    struct buf message;
    bool fits;

    buf_init(&message, LIMIT_EVENT_BYTES);
    c->wait.input = input_id(w, asked);
    w->write_request(w, id_text(w->call, c->wait.input), asked > 1, &message);
    c->wait.ask = command_dup(c, buf_str(&message));
    c->wait.body = str_of(arena_printf(&c->arena, "%llu", (unsigned long long)asked));
    if (asked > 1) {
        c->wait.old_input = input_id(w, asked - 1);
        c->wait.cancel =
            command_dup(c, cancel_message(w->call, c->wait.old_input, "Server rebooted"));
    }
    fits = buf_ok(&message);
    buf_fini(&message);
    return fits ? DMCP_OK
                : call_fail(w->call, DMCP_E_TOOBIG, "%s is larger than %u bytes as a message",
                            w->what, LIMIT_EVENT_BYTES);
}

/* A question that is still open, and whose answer would not count any more. */
static int withdraw(const struct wait *w, const struct entry *entry, const char *reason)
{
    struct command *c;
    uint64_t asked;
    int rc;

    if (!w->write_request || w->call->rerun) {
        return DMCP_OK;
    }
    rc = read_asked(w, entry, &asked);
    if (rc != DMCP_OK) {
        return rc;
    }
    c = call_command(w->call, CMD_WAIT);
    c->wait.alias = command_dup(c, w->alias);
    c->wait.old_input = input_id(w, asked);
    c->wait.cancel = command_dup(c, cancel_message(w->call, c->wait.old_input, reason));
    return call_ask(w->call, c);
}

/* ---- waiting ---- */

int wait_suspend(dmcp_call *call, const char *what)
{
    return call_poison(call, DMCP_E_SUSPENDED, "%s waits", what);
}

int wait_fail_repeated(dmcp_call *call, const char *what)
{
    return call_fail(call, DMCP_E_ALIAS,
                     "%s was waited for before in %s: give each wait an alias of "
                     "its own; in a loop, put the index in it",
                     what, call_run_name(call));
}

/* Tells the engine what is waited for; asked is the number of a question, 0 for none. */
static int register_wait(const struct wait *w, uint64_t asked)
{
    struct command *c = call_command(w->call, CMD_WAIT);
    int rc = DMCP_OK;

    c->wait.alias = command_dup(c, w->alias);
    c->wait.label = command_dup(c, str_of(w->what));
    c->wait.delay_ms = w->timeout_ms;
    c->wait.body = w->body.p ? command_dup(c, w->body) : STR("");
    if (asked) {
        rc = add_question(w, asked, c);
    }
    if (rc != DMCP_OK) {
        command_free(c);
        return rc;
    }
    w->call->is_dirty = true;
    return call_ask(w->call, c);
}

/* A client that is back after a restart may have forgotten what it was asked. */
static int ask_again(struct wait *w, const struct entry *entry)
{
    uint64_t asked;
    int rc = read_asked(w, entry, &asked);

    if (rc == DMCP_OK) {
        rc = register_wait(w, asked + 1);
    }
    /* A conflict: it was answered this very moment; the next attempt sees it. */
    return rc == DMCP_E_CONFLICT ? DMCP_OK : rc;
}

/* What its handler gives up. If it came this very moment, it stays. */
void wait_drop(dmcp_call *call, enum step_guard guard, struct str alias)
{
    struct command *c = call_command(call, CMD_STEP);

    c->step.op = STEP_OP_RESET;
    c->step.guard = guard;
    c->step.alias = command_dup(c, alias);
    c->step.body = STR("");
    call_post(call, c);
}

static int wait_on(struct wait *w, const struct entry *entry)
{
    int rc = DMCP_OK;

    if (w->call->rerun) {
        return rerun_unrecorded(w->call, w->alias, w->what);
    }
    if (call_is_cancelled(w->call)) {
        rc = withdraw(w, entry, call_cancelled_text(w->call));
        wait_drop(w->call, GUARD_INPUT, w->alias);
        return rc == DMCP_OK ? call_fail_cancelled(w->call) : rc;
    }
    if (w->write_request && w->call->run->is_reask) {
        rc = ask_again(w, entry);
    }
    return rc == DMCP_OK ? wait_suspend(w->call, w->what) : rc;
}

/* The row is there: what does it say? */
static int judge(struct wait *w, const struct entry *entry, struct str *answer_out)
{
    int rc;

    if (entry->guard != GUARD_INPUT) {
        return call_fail_diverged(w->call, "%s is %s in the call's journal", w->what,
                                  step_guard_name(entry->guard));
    }
    switch ((enum step_state)entry->state) {
    case STEP_DONE:
        *answer_out = entry->body;
        return DMCP_OK;
    case STEP_EXPIRED:
        rc = withdraw(w, entry, "timed out");
        return rc == DMCP_OK
                   ? call_fail(w->call, DMCP_E_TIMEOUT, "%s: nothing came in time", w->what)
                   : rc;
    case STEP_FAILED:
        return call_fail(w->call, DMCP_E_REMOTE, "%s: the client answered with the error %.*s",
                         w->what, STR_FMT(entry->body));
    case STEP_STARTED:
        break;
    }
    return wait_on(w, entry);
}

int wait_for(struct wait *w, struct str *answer_out)
{
    struct entry entry;
    int rc = journal_claim(w->call, w->alias);

    if (rc == DMCP_E_ALIAS) {
        return wait_fail_repeated(w->call, w->what);
    }
    if (rc == DMCP_OK) {
        rc = journal_find(w->call, w->alias, &entry);
    }
    if (rc == DMCP_E_NOTFOUND) {
        if (call_is_cancelled(w->call)) {
            return call_fail_cancelled(w->call);
        }
        rc = check_client(w);
        if (rc == DMCP_OK && w->call->rerun) {
            return rerun_unrecorded(w->call, w->alias, w->what);
        }
        if (rc == DMCP_OK) {
            rc = register_wait(w, w->write_request ? 1 : 0);
        }
        if (rc == DMCP_OK) {
            return wait_suspend(w->call, w->what);
        }
        if (rc == DMCP_E_CONFLICT) { /* a signal came before anybody waited for it */
            rc = journal_read(w->call, w->alias, &entry);
        }
    }
    return rc == DMCP_OK ? judge(w, &entry, answer_out) : rc;
}

/* ---- sleeping, signals ---- */

int dmcp_sleep(dmcp_call *call, uint64_t ms)
{
    struct wait w = { .call = call, .timeout_ms = ms ? ms : 1 };
    struct str part, ignored;
    int rc = wait_check(call, "a sleep");

    if (rc != DMCP_OK) {
        return rc;
    }
    part = str_of(dmcp_format(call, "%u", ++call->scope->n_sleeps));
    w.what = dmcp_format(call, "sleep %.*s", STR_FMT(part));
    w.alias = journal_alias(call, ALIAS_SLEEP, &part, 1);
    rc = wait_for(&w, &ignored);
    return rc == DMCP_E_TIMEOUT ? DMCP_OK : rc; /* its time is what it waits for */
}

/* Whoever sends it knows of no iterations. */
static struct str signal_alias(dmcp_call *call, const char *name)
{
    struct str alias;
    struct buf b;

    buf_init(&b, SIZE_MAX / 2);
    key_signal_alias(&b, str_of(name));
    alias = call_dup(call, buf_str(&b));
    buf_fini(&b);
    return alias;
}

int dmcp_await_signal(dmcp_call *call, const char *name, uint64_t timeout_ms,
                      const dmcp_value **value_out)
{
    struct wait w = { .call = call, .timeout_ms = timeout_ms };
    struct str answer;
    yyjson_mut_val *v;
    int rc = wait_check(call, "a signal");

    if (rc == DMCP_OK) {
        rc = journal_check_alias(call, "a signal", name);
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    w.what = dmcp_format(call, "signal \"%s\"", name);
    w.alias = signal_alias(call, name);
    if (hmap_get(&call->root.used, w.alias)) {
        return wait_fail_repeated(call, w.what); /* also when this is an iteration */
    }
    rc = wait_for(&w, &answer);
    if (rc == DMCP_OK) {
        rc = value_parse(call, answer, &v);
    }
    if (rc == DMCP_OK && value_out) {
        *value_out = value_of(v);
    }
    return rc;
}
