/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts: what each simulated request's handler does, drawn from the seed, how its answer is made
 * of the results, and the texts by which all that is found again.
 *
 * A deed is what is done once: a request's own, or that of all requests with one idempotency key.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim_world.h"

/* ---- drawing ---- */

/* Often short against the rest of the world, sometimes long enough for anything. */
static uint32_t draw_ms(struct sim *s)
{
    return sim_chance(s, 70) ? 1 + random_below(&s->random, 60)
                             : 500 + random_below(&s->random, 20000);
}

static void draw_op(struct sim *s, struct sim_deed *d, uint32_t i, bool is_in_loop)
{
    struct sim_op *op = &d->ops[i];
    uint32_t n_kinds = is_in_loop ? N_SHORT_KINDS : N_OP_KINDS;

    op->deed = d;
    op->kind = (enum op_kind)random_below(&s->random, n_kinds);
    if (sim_chance(s, 25)) {
        op->kind = sim_chance(s, 50) ? OP_AT_LEAST_ONCE : OP_AT_MOST_ONCE;
    }
    op->is_in_loop = is_in_loop;
    op->i_key = random_below(&s->random, N_MAP_KEYS);
    op->is_shaky = sim_chance(s, 20);
    op->is_last_failing = sim_chance(s, 10);
    op->n_turns = op->kind == OP_LOOP ? 1 + random_below(&s->random, MAX_TURNS) : 1;
    op->ms = draw_ms(s);
    if (op->kind > N_SHORT_KINDS - 1 && sim_chance(s, 60)) {
        op->ms = 0; /* no interval, no limit */
    }
    snprintf(op->alias, sizeof(op->alias), "s%u", i);
    for (uint32_t turn = 0; turn < MAX_TURNS; turn++) {
        op->turns[turn].op = op;
        snprintf(op->turns[turn].text, sizeof(op->turns[turn].text), "<%u.%u.%u>", d->i, i, turn);
    }
}

/* It may come before the handler asks for it, so its row's alias is known from the beginning. */
static void note_signal_row(struct sim_op *op)
{
    struct buf alias;

    buf_init(&alias, SIZE_MAX / 2);
    key_signal_alias(&alias, str_of(op->alias));
    op->turns[0].row_len = alias.len;
    memcpy(op->turns[0].row, alias.data, alias.len);
    buf_fini(&alias);
}

static void draw_deed(struct sim *s, struct sim_deed *d, uint32_t i)
{
    static const uint8_t methods[] = { CALL_TOOL, CALL_TOOL, CALL_TOOL, CALL_PROMPT, CALL_RESOURCE };
    bool is_in_loop = false;

    d->i = i;
    snprintf(d->params, sizeof(d->params),
             "{\"name\":\"x\",\"uri\":\"x:\",\"arguments\":{\"i\":%u},\"_meta\":{\"progressToken\":%u}}",
             i, i);
    d->method = methods[random_below(&s->random, COUNT_OF(methods))];
    d->n_ops = random_below(&s->random, MAX_OPS + 1);
    d->is_segfaulty = sim_chance(s, 12);
    d->is_stubborn = sim_chance(s, 30);
    d->timeout_ms = sim_chance(s, 10) ? 200 + random_below(&s->random, 8000) : 0;
    for (uint32_t j = 0; j < d->n_ops; j++) {
        draw_op(s, d, j, is_in_loop);
        is_in_loop = is_in_loop || d->ops[j].kind == OP_LOOP;
        if (d->ops[j].kind == OP_SIGNAL) {
            note_signal_row(&d->ops[j]);
        }
    }
}

/* A request has a deed of its own, or shares one by its key. */
static struct sim_deed *draw_whose(struct sim *s)
{
    struct sim_deed *d;

    if (s->n_deeds > 0 && sim_chance(s, 30)) {
        d = &s->deeds[random_below(&s->random, s->n_deeds)];
        if (d->key[0]) {
            return d;
        }
    }
    d = &s->deeds[s->n_deeds];
    draw_deed(s, d, s->n_deeds++);
    if (sim_chance(s, 30)) {
        snprintf(d->key, sizeof(d->key), "k%u", d->i);
    }
    return d;
}

void sim_script_draw(struct sim *s)
{
    /* A world that is to be lived through once for each of its steps is a small one. */
    s->n_clients = s->plan.has_one_death ? 1 : 1 + random_below(&s->random, MAX_CLIENTS);
    for (uint32_t i = 0; i < s->n_clients; i++) {
        struct sim_client *c = &s->clients[i];

        c->i = i;
        c->n_requests = 1 + random_below(&s->random, s->plan.has_one_death ? 2 : MAX_REQUESTS);
        for (uint32_t j = 0; j < c->n_requests; j++) {
            struct sim_request *r = &c->requests[j];

            r->client = c;
            r->deed = draw_whose(s);
            r->n_repeats = random_below(&s->random, 3);
            snprintf(r->request_id, sizeof(r->request_id), "%u", j);
        }
    }
}

/* ---- results ---- */

void sim_script_join(const struct sim_deed *d, char results[MAX_OPS][RESULT_BYTES],
                     char answer[ANSWER_BYTES])
{
    size_t n = 0;

    answer[0] = '\0';
    for (uint32_t i = 0; i < d->n_ops && !d->ops[i].is_in_loop; i++) {
        n += (size_t)snprintf(answer + n, ANSWER_BYTES - n, "%s;", results[i]);
    }
}

/* The condition of an until: of one entry, of two of which the second is looked at only when the
 * first is there, or of how many there are. */
bool sim_script_is_waited_for(const struct sim_op *op, const bool has[N_MAP_KEYS])
{
    switch (op->i_key) {
    case 0:
        return has[0];
    case 1:
        return has[1] && has[2];
    default:
        return has[0] + has[1] + has[2] >= 2;
    }
}

/* ---- finding ---- */

struct sim_request *sim_request_of(struct sim *s, struct id session, struct str request_id)
{
    for (uint32_t i = 0; i < s->n_clients; i++) {
        struct sim_client *c = &s->clients[i];

        for (uint32_t j = 0; id_eq(c->session, session) && j < c->n_requests; j++) {
            if (str_eqz(request_id, c->requests[j].request_id)) {
                return &c->requests[j];
            }
        }
    }
    return NULL;
}

struct sim_deed *sim_deed_of_call(struct sim *s, struct id call)
{
    struct sim_request *r = NULL;
    struct call_record record;
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    if (sim_get(s, key_of_id(KEY_CALL, call), &value)) {
        if (call_record_dec(buf_str(&value), &record) != DMCP_OK) {
            sim_fail(s, "a call's row cannot be decoded");
        }
        r = sim_request_of(s, record.session, record.request_id);
        if (!r) { /* of a session whose client never heard that it was opened */
            sim_fail(s, "a call of nobody's request");
        }
    }
    buf_fini(&value);
    return r ? r->deed : NULL;
}

struct sim_turn *sim_turn_of_text(struct sim *s, const char *text)
{
    unsigned i, j, turn;

    if (sscanf(text, "<%u.%u.%u>", &i, &j, &turn) != 3 || i >= s->n_deeds ||
        j >= s->deeds[i].n_ops || turn >= MAX_TURNS) {
        return NULL;
    }
    return &s->deeds[i].ops[j].turns[turn];
}

/* ---- words ---- */

int sim_word_new(struct sim *s, const struct sim_op *op, bool is_foreign)
{
    if (s->n_words + 1 >= MAX_WORDS) {
        return 0;
    }
    s->words[++s->n_words] = (struct sim_word){ op, is_foreign };
    return s->n_words;
}

/* A word's text is w and its number; nothing else begins with a quote and a w. */
int sim_word_in(struct str text)
{
    for (size_t i = 0; i + 2 < text.len; i++) {
        if (text.p[i] == '"' && text.p[i + 1] == 'w' && text.p[i + 2] >= '0' &&
            text.p[i + 2] <= '9') {
            return (int)strtol(text.p + i + 2, NULL, 10);
        }
    }
    return 0;
}
