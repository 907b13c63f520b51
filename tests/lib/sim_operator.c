/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated operator: sends signals to calls that somebody has told the id of (before they are
 * waited for, while, twice, when all is over), cancels calls, writes to maps from outside, as a start
 * function does, and changes what the server offers, and
 * sets the clock. When all is calm it gives everybody what is still waited for.
 */
#include <stdio.h>

#include "sim_world.h"

/* ---- what the server offers ---- */

const struct id sim_no_tool = { { 0 } }, sim_tool = { { 7 } };

void sim_post_lists(struct sim *s, struct id added)
{
    struct command *c = command_new(CMD_LISTS);

    memcpy(c->lists.digests, s->lists, sizeof(s->lists));
    c->lists.added = added;
    sim_post(s, c);
}

void sim_change_lists(struct sim *s)
{
    bool is_tool = sim_chance(s, 50);

    s->lists[random_below(&s->random, N_LISTS)] = 1 + random_below(&s->random, 4);
    s->stats.list_changes++;
    s->stats.unparked += is_tool;
    sim_post_lists(s, is_tool ? sim_tool : sim_no_tool);
}

/* ---- the clock ---- */

void sim_set_clock(struct sim *s)
{
    uint64_t ms = random_below(&s->random, 60000);

    s->now.wall_ms = sim_chance(s, 50) ? s->now.wall_ms + ms : s->now.wall_ms - ms;
    s->stats.clocks_set++;
}

/* ---- signals ---- */

static void send_signal(struct sim *s, struct sim_op *op)
{
    int word = sim_word_new(s, op, false);
    struct command *c;
    struct sim_conn *conn = word ? sim_side_ask(s, &s->operator, CMD_SIGNAL, &c) : NULL;
    struct sim_turn *t = &op->turns[0];

    if (!conn) {
        return;
    }
    conn->op = op;
    conn->word = word;
    c->call = op->deed->call;
    c->signal.alias = str_make(t->row, t->row_len);
    c->signal.body = str_of(arena_printf(&c->arena, "\"w%d\"", word));
    s->stats.signals++;
    s->stats.early_signals += !sim_has(s, sim_turn_key(t, c->call));
    sim_post(s, c);
}

/* Nobody learns the id of a call that was not acknowledged. */
static bool may_get(struct sim *s, const struct sim_op *op)
{
    const struct sim_deed *d = op->deed;

    return op->kind == OP_SIGNAL && d->is_acked && !d->is_swept &&
           (s->is_wild || (!d->has_answer && !op->signal_word));
}

static bool signal_some(struct sim *s)
{
    uint32_t from = random_below(&s->random, s->n_deeds);

    for (uint32_t i = 0; i < s->n_deeds; i++) {
        struct sim_deed *d = &s->deeds[(from + i) % s->n_deeds];

        for (uint32_t j = 0; j < d->n_ops; j++) {
            if (may_get(s, &d->ops[j]) && sim_chance(s, 70)) {
                send_signal(s, &d->ops[j]);
                return true;
            }
        }
    }
    return false;
}

/* ---- maps ---- */

/* Of the map of conditions: what is not there, when it is needed, else any. */
static void write_outside(struct sim *s)
{
    uint32_t i = random_below(&s->random, N_MAP_KEYS);
    struct command *c;
    char name[16];
    struct key k;
    int word;

    snprintf(name, sizeof(name), "%u", i);
    k = key_map(STR("w"), str_of(name));
    if (s->is_outside_waiting || (!s->is_wild && sim_has(s, k)) ||
        !(word = sim_word_new(s, NULL, false))) {
        return;
    }
    c = command_new(CMD_MAP);
    c->waiter = &s->outside;
    c->map.alias = STR("");
    c->map.label = STR("");
    batch_put(&c->map.rows, key_str(&k), str_of(arena_printf(&c->arena, "\"w%d\"", word)));
    s->is_outside_waiting = true;
    s->stats.outside_writes++;
    sim_post(s, c);
    sim_trace(s, "operator: writes w/%u", i);
}

/* The write is durable: it stands in the list of writes, and none was taken back. */
void sim_operator_wake(struct sim *s, const struct action *a)
{
    if (!s->is_outside_waiting || a->code != DMCP_OK) {
        sim_fail(s, "the operator is told %d of a write", a->code);
    }
    s->is_outside_waiting = false;
}

/* ---- cancelling ---- */

static void cancel(struct sim *s, struct id call, struct sim_deed *d)
{
    struct command *c;
    struct sim_conn *conn = sim_side_ask(s, &s->operator, CMD_CANCEL, &c);

    if (!conn) {
        return;
    }
    conn->deed = d;
    if (d) {
        d->was_cancelled = true;
    }
    c->call = call;
    s->stats.cancels++;
    sim_post(s, c);
}

static void cancel_some(struct sim *s)
{
    struct sim_deed *d = &s->deeds[random_below(&s->random, s->n_deeds)];

    if (d->is_acked && !d->is_swept) {
        cancel(s, d->call, d);
    }
}

void sim_operator_act(struct sim *s)
{
    if (!s->is_up) {
        return;
    }
    switch (random_below(&s->random, 4)) {
    case 0:
    case 1:
        if (!s->operator.control) {
            signal_some(s);
        }
        break;
    case 2:
        if (!s->is_wild || sim_chance(s, 20)) {
            write_outside(s);
        }
        break;
    default:
        if (sim_wild_chance(s, 4)) {
            cancel_some(s);
        }
        break;
    }
}

/* ---- at the end ---- */

static void cancel_row(struct sim *s, struct str key, struct str value)
{
    struct command *c = command_new(CMD_CANCEL);

    (void)value;
    if (key_id(key, &c->call) != DMCP_OK) {
        sim_fail(s, "a suspended call without an id");
    }
    for (uint32_t i = 0; i < s->n_deeds; i++) { /* nobody was told whose it is */
        s->deeds[i].was_cancelled = true;
    }
    sim_post(s, c);
}

void sim_operator_finish(struct sim *s)
{
    struct key from = key_kind_start(KEY_SUSPENDED), to = key_prefix_end(key_str(&from));

    sim_scan(s, key_str(&from), key_str(&to), cancel_row);
}
