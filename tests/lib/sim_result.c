/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the journal says that the result of each part of a script is, and so what the answer must
 * be, and the state of a loop.
 */
#include <stdio.h>

#include "sim_world.h"

/* A JSON string's content, or whatever else it is; no script has what must be escaped. */
static void copy_text(struct str body, char result[RESULT_BYTES])
{
    if (body.len >= 2 && body.p[0] == '"') {
        body = str_make(body.p + 1, body.len - 2);
    }
    snprintf(result, RESULT_BYTES, "%.*s", STR_FMT(body));
}

/* [1,"state"] */
static struct str loop_state(struct str body)
{
    const char *at = memchr(body.p, '"', body.len);

    return at ? str_make(at + 1, (size_t)(body.p + body.len - 2 - (at + 1))) : STR("");
}

static void result_of_answer(const struct sim_op *op, const struct journal_record *r,
                             char result[RESULT_BYTES])
{
    int word = sim_word_in(r->body);
    bool is_form = op->kind == OP_QUESTION;

    if (r->state == STEP_FAILED) {
        snprintf(result, RESULT_BYTES, "remote");
    } else if (word) {
        snprintf(result, RESULT_BYTES, "w%d", word);
    } else if (is_form) {
        bool is_declined = memmem(r->body.p, r->body.len, "decline", 7);

        snprintf(result, RESULT_BYTES, "%s", is_declined ? "declined" : "remote");
    } else {
        result[0] = '\0'; /* nothing was said */
    }
}

static const char *end_of_wait(int state)
{
    return state == STEP_EXPIRED ? "timeout" : "unsupported";
}

static void result_of_row(const struct sim_op *op, int state, const struct journal_record *r,
                          char result[RESULT_BYTES])
{
    const char *text = NULL;

    switch (op->kind) {
    case OP_AT_LEAST_ONCE:
    case OP_AT_MOST_ONCE:
        text = state == STEP_STARTED ? "lost" : state == STEP_FAILED ? "failed" : "gave up";
        break;
    case OP_QUESTION:
    case OP_SAMPLE:
        if (state == STEP_DONE || state == STEP_FAILED) {
            result_of_answer(op, r, result);
            return;
        }
        text = end_of_wait(state);
        break;
    case OP_SIGNAL:
        text = end_of_wait(state);
        break;
    case OP_UNTIL:
        text = state == STEP_FAILED ? "timeout" : "waits";
        break;
    case OP_LOOP:
        snprintf(result, RESULT_BYTES, "%.*s", STR_FMT(loop_state(r->body)));
        return;
    case OP_VALUE:
        break;
    default:
        snprintf(result, RESULT_BYTES, "-");
        return;
    }
    if (state == STEP_DONE) {
        copy_text(r->body, result);
    } else {
        snprintf(result, RESULT_BYTES, "%s", text ? text : "nothing");
    }
}

void sim_result_of_row(struct sim *s, const struct sim_turn *t, struct id call,
                       char result[RESULT_BYTES])
{
    struct journal_record r = { .body = STR("") };
    struct buf value;
    int state = 0;

    buf_init(&value, SIZE_MAX / 2);
    if (t->row_len > 0) {
        state = sim_journal(s, sim_turn_key(t, call), &value, &r);
    }
    result_of_row(t->op, state, &r, result);
    buf_fini(&value);
}

/* ---- loops ---- */

/* The state grows by what this iteration's rows say, which are about to go. */
void sim_check_iteration(struct sim *s, struct id call, struct key row,
                         const struct journal_record *loop)
{
    struct sim_deed *d = sim_deed_of_call(s, call);
    struct journal_record old = { .body = STR("") };
    unsigned long index = strtoul(loop->body.p + 1, NULL, 10) - 1;
    char result[RESULT_BYTES];
    struct buf value, state;
    uint32_t i = 0;

    while (d->ops[i].kind != OP_LOOP) {
        i++;
    }
    buf_init(&value, SIZE_MAX / 2);
    buf_init(&state, SIZE_MAX / 2);
    (void)sim_journal(s, row, &value, &old);
    if (index >= d->ops[i].n_turns ||
        (old.body.len ? strtoul(old.body.p + 1, NULL, 10) : 0) != index) {
        sim_fail(s, "iteration %lu of deed %u is recorded behind %.*s", index, d->i,
                 STR_FMT(old.body));
    }
    buf_addf(&state, "%.*s/", STR_FMT(loop_state(old.body)));
    for (i++; i < d->n_ops; i++) {
        sim_result_of_row(s, &d->ops[i].turns[index], call, result);
        buf_addf(&state, "%.*s,", SHORT_BYTES, result);
    }
    if (!str_eq(buf_str(&state), loop_state(loop->body))) {
        sim_fail(s, "iteration %lu of deed %u leaves %.*s, and its journal says %s", index, d->i,
                 STR_FMT(loop->body), state.data);
    }
    buf_fini(&state);
    buf_fini(&value);
}

/* ---- answers ---- */

static bool is_late(struct sim *s, const struct sim_deed *d)
{
    struct call_record r = { .created_ms = 0 };
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    if (sim_get(s, key_of_id(KEY_CALL, d->call), &value) &&
        call_record_dec(buf_str(&value), &r) != DMCP_OK) {
        sim_fail(s, "a call's row cannot be decoded");
    }
    buf_fini(&value);
    return d->timeout_ms && s->latest_ms >= r.created_ms + d->timeout_ms;
}

/* Part by part; one that was cancelled in a call that goes on has no result. */
static void compare(struct sim *s, struct sim_deed *d)
{
    const char *at = strstr(d->answer, "\"text\":\"");
    char result[RESULT_BYTES];

    for (uint32_t i = 0; at && i < d->n_ops && !d->ops[i].is_in_loop; i++) {
        const char *part = i == 0 ? at + strlen("\"text\":\"") : at;
        size_t len = strcspn(part, ";");

        sim_result_of_row(s, &d->ops[i].turns[0], d->call, result);
        if (!(strlen(result) == len && memcmp(part, result, len) == 0) &&
            !(is_late(s, d) && len == 9 && memcmp(part, "cancelled", 9) == 0)) {
            sim_fail(s, "op %s is answered %.*s, its journal says %s", d->ops[i].turns[0].text,
                     (int)len, part, result);
        }
        at = part + len + 1;
    }
    if (!at) {
        sim_fail(s, "deed %u is answered %s", d->i, d->answer);
    }
}

/* What anybody is told for the first time. */
void sim_check_answer(struct sim *s, struct sim_deed *d, uint8_t outcome)
{
    if (strcmp(d->answer, SIM_CRASH_RESULT) == 0) {
        s->stats.crash_results++;
        if (d->n_blamed < LIMIT_CRASHES) {
            sim_fail(s, "deed %u was given up after %u deaths", d->i, (unsigned)d->n_blamed);
        }
    } else if (outcome == OUTCOME_CANCELLED) {
        s->stats.cancelled++;
        if (!d->was_cancelled || strcmp(d->answer, SIM_CANCELLED) != 0) {
            sim_fail(s, "deed %u is answered %s, and nobody cancelled it", d->i, d->answer);
        }
    } else if (strstr(d->answer, "timed out after")) {
        s->stats.timed_out++;
        if (!is_late(s, d)) {
            sim_fail(s, "deed %u is timed out before its time", d->i);
        }
    } else {
        compare(s, d);
    }
}
