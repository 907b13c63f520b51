/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handler of all simulated deeds: it plays the deed's script through the public interface, as
 * an author's code would, and answers with what came of each part.
 */
#include <stdio.h>

#include "sim_world.h"

enum { HARMLESS = 1, FINAL = 2 };

/* ---- what it has behind it ---- */

static void begin(struct sim_handler *h, struct sim_turn *t)
{
    h->turn = t;
}

static void pass(struct sim_handler *h, bool has_row)
{
    h->passed[h->n_passed++] = (struct sim_pass){ h->turn, has_row };
    h->turn = NULL;
}

/* A code that no handler should see here. */
static void refuse(struct sim_handler *h, dmcp_call *call, int rc)
{
    struct sim *s = h->s;

    if (!h->is_dead && !s->failure[0]) {
        snprintf(s->failure, sizeof(s->failure), "op %s: %d %s", h->turn->text, rc,
                 dmcp_error_text(call));
        fiber_yield();
    }
}

/* ---- steps ---- */

/* It runs for a while, may ask the time, and may be the end of the process. */
static int run_body(struct sim_handler *h, dmcp_call *call)
{
    struct sim *s = h->s;
    uint64_t now;

    if (sim_wild_chance(s, h->deed->is_segfaulty ? 80 : 1)) {
        s->has_death_wish = true;
        sim_handler_pause(h);
        return FINAL;
    }
    if (sim_chance(s, 40)) {
        sim_handler_pause(h);
    }
    if (sim_chance(s, 20)) {
        DMCP_TRY(dmcp_now(call, &now));
    }
    return DMCP_OK;
}

static int body(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct sim_handler *h = arg;
    struct sim *s = h->s;
    const struct sim_op *op = h->turn->op;

    if (h->is_dead) {
        return FINAL;
    }
    sim_check_body(s, h);
    s->stats.bodies++;
    h->turn->bodies++;
    sim_trace(s, "body of %s, run %u", h->turn->text, (unsigned)h->turn->bodies);
    DMCP_TRY(run_body(h, call));
    if (h->is_dead) {
        return FINAL;
    }
    if (op->is_last_failing || sim_chance(s, 25)) {
        bool is_harmless = sim_chance(s, 70);

        s->stats.failed_bodies++;
        return dmcp_fail(call, is_harmless ? HARMLESS : FINAL, "%s",
                         is_harmless ? "harmless" : "final");
    }
    *result = dmcp_stringf(call, "r%u", (unsigned)++s->n_results);
    return DMCP_OK;
}

static int do_step(struct sim_handler *h, dmcp_call *call, char result[RESULT_BYTES])
{
    static const int retryable[] = { HARMLESS, 0 };
    const struct sim_op *op = h->turn->op;
    const dmcp_step step = {
        .alias = op->alias,
        .type = DMCP_STRING,
        .retryable = retryable,
        .retry = { .max_attempts = 2 + op->i_key,
                   .first_ms = op->is_shaky ? 3000 : 20,
                   .max_ms = op->is_shaky ? 9000 : 60 },
    };
    dmcp_value *value = NULL;
    int rc = op->kind == OP_AT_LEAST_ONCE ? dmcp_at_least_once_with(call, &step, body, h, &value)
                                          : dmcp_at_most_once_with(call, &step, body, h, &value);

    if (rc == DMCP_OK) {
        snprintf(result, RESULT_BYTES, "%s", dmcp_str(value));
        pass(h, true);
    } else if (rc == DMCP_E_ATTEMPTED) {
        h->s->stats.lost_steps++;
        snprintf(result, RESULT_BYTES, "%s",
                 strstr(dmcp_error_text(call), "failed in an earlier") ? "failed" : "lost");
        pass(h, true);
    } else if (rc == FINAL && op->kind == OP_AT_MOST_ONCE) {
        snprintf(result, RESULT_BYTES, "failed");
        pass(h, true);
    } else if (rc > 0) {
        snprintf(result, RESULT_BYTES, "gave up");
        pass(h, false);
    } else {
        return rc;
    }
    return DMCP_OK;
}

static int do_value(struct sim_handler *h, dmcp_call *call, char result[RESULT_BYTES])
{
    uint64_t now;
    int rc;

    if (h->turn->op->i_key == 0) {
        rc = dmcp_now(call, &now);
        snprintf(result, RESULT_BYTES, "%llu", (unsigned long long)now);
    } else {
        rc = dmcp_uuid7(call, result);
    }
    if (rc == DMCP_OK) {
        pass(h, true);
    }
    return rc;
}

/* ---- what is written and sent ---- */

static int write_batch(const struct sim_turn *t, dmcp_call *call)
{
    dmcp_batch *b = dmcp_batch_new(call, t->op->alias);
    char key[16], other[16];

    snprintf(key, sizeof(key), "%u", t->op->i_key);
    snprintf(other, sizeof(other), "%u", (t->op->i_key + 1) % N_MAP_KEYS);
    dmcp_batch_insert(b, "w", key, t->text, strlen(t->text));
    dmcp_batch_insert(b, "m", key, t->text, strlen(t->text));
    if (t->op->is_shaky) {
        dmcp_batch_remove(b, "w", other);
    }
    return dmcp_batch_write(b);
}

static int do_effect(struct sim_handler *h, dmcp_call *call, char result[RESULT_BYTES])
{
    const struct sim_turn *t = h->turn;
    const struct sim_op *op = t->op;
    char key[16], uri[48];
    int rc;

    snprintf(key, sizeof(key), "%u", op->i_key);
    snprintf(uri, sizeof(uri), "u:%s", t->text);
    switch (op->kind) {
    case OP_MAP:
        rc = dmcp_map_insert(dmcp_map_as(call, "m", op->alias), key, t->text, strlen(t->text));
        break;
    case OP_BATCH:
        rc = write_batch(t, call);
        break;
    case OP_LOG:
        rc = dmcp_log(call, DMCP_LOG_ERROR, NULL, "%s", t->text);
        break;
    case OP_PROGRESS:
        rc = dmcp_progress(call, 1, -1, t->text);
        break;
    case OP_CHANGED:
        rc = dmcp_list_changed(call, DMCP_TOOLS, t->text);
        break;
    default:
        rc = dmcp_resource_updated(call, uri, NULL);
        break;
    }
    snprintf(result, RESULT_BYTES, "-");
    if (rc == DMCP_OK) {
        pass(h, true);
    }
    return rc;
}

/* ---- waits ---- */

/* How a wait ended that did not give what was waited for. */
static int end_wait(struct sim_handler *h, int rc, char result[RESULT_BYTES])
{
    if (rc == DMCP_E_TIMEOUT || rc == DMCP_E_REMOTE || rc == DMCP_E_UNSUPPORTED) {
        snprintf(result, RESULT_BYTES, "%s",
                 rc == DMCP_E_TIMEOUT  ? "timeout"
                 : rc == DMCP_E_REMOTE ? "remote"
                                       : "unsupported");
        pass(h, rc != DMCP_E_UNSUPPORTED);
        return DMCP_OK;
    }
    return rc;
}

static int do_question(struct sim_handler *h, dmcp_call *call, char result[RESULT_BYTES])
{
    const dmcp_question question = {
        .alias = h->turn->op->alias,
        .message = h->turn->text,
        .params = (dmcp_param[]){ { .name = "say", .type = DMCP_STRING, .required = true },
                                  { .name = NULL } },
        .timeout_ms = h->turn->op->ms,
    };
    const dmcp_value *content;
    dmcp_action action;
    int rc = dmcp_elicit(call, &question, &action, &content);

    if (rc != DMCP_OK) {
        return end_wait(h, rc, result);
    }
    snprintf(result, RESULT_BYTES, "%s",
             action == DMCP_ACCEPT ? dmcp_str(dmcp_get(content, "say")) : "declined");
    pass(h, true);
    return DMCP_OK;
}

static int do_sample(struct sim_handler *h, dmcp_call *call, char result[RESULT_BYTES])
{
    const dmcp_value *answer;
    int rc = dmcp_sample(call, h->turn->op->alias, dmcp_pack(call, "{s:s}", "message", h->turn->text),
                         h->turn->op->ms, &answer);

    if (rc != DMCP_OK) {
        return end_wait(h, rc, result);
    }
    snprintf(result, RESULT_BYTES, "%s", dmcp_str(dmcp_get(answer, "say")));
    pass(h, true);
    return DMCP_OK;
}

static int do_signal(struct sim_handler *h, dmcp_call *call, char result[RESULT_BYTES])
{
    const dmcp_value *value;
    int rc = dmcp_await_signal(call, h->turn->op->alias, h->turn->op->ms, &value);

    if (rc != DMCP_OK) {
        return end_wait(h, rc, result);
    }
    snprintf(result, RESULT_BYTES, "%s", dmcp_str(value));
    pass(h, true);
    return DMCP_OK;
}

static bool has_entry(dmcp_call *call, unsigned i)
{
    char key[16];
    const void *value;
    size_t size;

    snprintf(key, sizeof(key), "%u", i);
    return dmcp_map_get(dmcp_map_open(call, "w"), key, &value, &size) == DMCP_OK;
}

/* It reads as little as it can: what it looks at may change from one time to the next. */
static int condition(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct sim_handler *h = arg;
    const struct sim_op *op = h->turn->op;
    bool has[N_MAP_KEYS] = { false };
    const dmcp_entry *entries;
    size_t n;

    if (h->is_dead) {
        return FINAL;
    }
    switch (op->i_key) {
    case 0:
        has[0] = has_entry(call, 0);
        break;
    case 1:
        has[1] = has_entry(call, 1);
        has[2] = has[1] && has_entry(call, 2);
        break;
    default:
        DMCP_TRY(dmcp_map_range(dmcp_map_open(call, "w"), NULL, NULL, 10, &entries, &n));
        for (size_t i = 0; i < n; i++) {
            has[entries[i].key[0] - '0'] = true;
        }
        break;
    }
    if (sim_chance(h->s, 30)) {
        sim_handler_pause(h); /* between reading and watching */
    }
    if (!sim_script_is_waited_for(op, has)) {
        return DMCP_E_AGAIN;
    }
    *result = dmcp_string(call, "there");
    return DMCP_OK;
}

static int do_until(struct sim_handler *h, dmcp_call *call, char result[RESULT_BYTES])
{
    dmcp_value *value;
    int rc = dmcp_until(call, h->turn->op->alias, condition, h, h->turn->op->ms, &value);

    if (rc != DMCP_OK) {
        return end_wait(h, rc, result);
    }
    snprintf(result, RESULT_BYTES, "%s", dmcp_str(value));
    pass(h, true);
    return DMCP_OK;
}

/* ---- everything ---- */

static int do_op(struct sim_handler *h, dmcp_call *call, struct sim_turn *t,
                 char result[RESULT_BYTES]);

/* The state is what all iterations came to, so that none can have come twice. */
static int iterate(dmcp_call *call, dmcp_iteration *it)
{
    struct sim_handler *h = it->arg;
    struct sim_turn *loop = h->turn;
    struct sim_deed *d = h->deed;
    uint32_t n_passed = h->n_passed;
    struct buf state;
    char result[RESULT_BYTES];
    int rc = DMCP_OK;

    buf_init(&state, SIZE_MAX / 2);
    buf_addf(&state, "%s/", dmcp_str(it->state));
    for (uint32_t i = (uint32_t)(loop->op - d->ops) + 1; rc == DMCP_OK && i < d->n_ops; i++) {
        rc = do_op(h, call, &d->ops[i].turns[it->index], result);
        buf_addf(&state, "%.*s,", SHORT_BYTES, result);
    }
    it->state = dmcp_string(call, state.data);
    it->is_last = it->index + 1 == loop->op->n_turns;
    buf_fini(&state);
    if (rc == DMCP_OK) {
        h->turn = loop;
        h->n_passed = n_passed; /* what it recorded goes when it is over */
        h->s->stats.iterations++;
    }
    return rc;
}

static int do_loop(struct sim_handler *h, dmcp_call *call, char result[RESULT_BYTES])
{
    dmcp_value *state;
    int rc = dmcp_loop(call, h->turn->op->alias, h->turn->op->ms, iterate, h, &state);

    if (rc == DMCP_OK) {
        snprintf(result, RESULT_BYTES, "%s", dmcp_str(state));
        pass(h, true);
    }
    return rc;
}

static int dispatch(struct sim_handler *h, dmcp_call *call, char result[RESULT_BYTES])
{
    int rc;

    switch (h->turn->op->kind) {
    case OP_AT_LEAST_ONCE:
    case OP_AT_MOST_ONCE:
        return do_step(h, call, result);
    case OP_VALUE:
        return do_value(h, call, result);
    case OP_SLEEP:
        rc = dmcp_sleep(call, h->turn->op->ms);
        snprintf(result, RESULT_BYTES, "-");
        if (rc == DMCP_OK) {
            pass(h, true);
        }
        return rc;
    case OP_DETACH:
        dmcp_close_stream(call);
        snprintf(result, RESULT_BYTES, "-");
        pass(h, false);
        return DMCP_OK;
    case OP_QUESTION:
        return do_question(h, call, result);
    case OP_SAMPLE:
        return do_sample(h, call, result);
    case OP_SIGNAL:
        return do_signal(h, call, result);
    case OP_UNTIL:
        return do_until(h, call, result);
    case OP_LOOP:
        return do_loop(h, call, result);
    default:
        return do_effect(h, call, result);
    }
}

/* Codes that end the attempt are passed on; whether it was cancelled, the deed decides. */
static int do_op(struct sim_handler *h, dmcp_call *call, struct sim_turn *t,
                 char result[RESULT_BYTES])
{
    int rc;

    begin(h, t);
    rc = dispatch(h, call, result);
    switch (rc) {
    case DMCP_OK:
    case DMCP_E_SUSPENDED:
    case DMCP_E_STOPPING:
    case DMCP_E_STORE:
        break;
    case DMCP_E_CANCELLED:
        h->s->stats.cancelled_ops++;
        h->turn = t;
        if (h->deed->is_stubborn && !t->op->is_in_loop) {
            snprintf(result, RESULT_BYTES, "cancelled");
            pass(h, false);
            rc = DMCP_OK;
        }
        break;
    default:
        h->turn = t;
        refuse(h, call, rc);
        break;
    }
    return rc;
}

int sim_perform(dmcp_call *call)
{
    struct sim_handler *h = dmcp_call_context(call);
    char(*results)[RESULT_BYTES] = mem_zalloc_n(MAX_OPS, RESULT_BYTES);
    struct sim_deed *d = h->deed;
    char answer[ANSWER_BYTES];
    int rc = DMCP_OK;

    for (uint32_t i = 0; rc == DMCP_OK && i < d->n_ops && !d->ops[i].is_in_loop; i++) {
        rc = do_op(h, call, &d->ops[i].turns[0], results[i]);
    }
    if (rc == DMCP_OK) {
        sim_script_join(d, results, answer);
        rc = dmcp_add_text(call, "%s", answer);
    }
    mem_free(results);
    return rc;
}
