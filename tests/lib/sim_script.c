/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts: what each simulated request's handler does, drawn from the seed, and how its answer is
 * made of the results.
 */
#include <stdio.h>

#include "sim_world.h"

void sim_script_draw(struct sim *s, struct sim_request *r, uint32_t i_client, uint32_t i_request)
{
    r->client = &s->clients[i_client];
    snprintf(r->request_id, sizeof(r->request_id), "%u", i_request);
    snprintf(r->params, sizeof(r->params), "[%u,%u]", i_client, i_request);
    r->n_ops = random_below(&s->random, MAX_OPS + 1);
    r->is_segfaulty = random_chance(&s->random, 15);
    r->n_repeats = random_below(&s->random, 3);
    for (uint32_t i = 0; i < r->n_ops; i++) {
        struct sim_op *op = &r->ops[i];

        op->kind = (enum op_kind)random_below(&s->random, N_OP_KINDS);
        op->i_key = random_below(&s->random, N_MAP_KEYS);
        snprintf(op->alias, sizeof(op->alias), "s%u", i);
        snprintf(op->text, sizeof(op->text), "\"%u.%u.%u\"", i_client, i_request, i);
    }
}

void sim_script_join(const struct sim_request *r, char results[MAX_OPS][16], char answer[96])
{
    size_t n = (size_t)snprintf(answer, 96, "[");

    for (uint32_t i = 0; i < r->n_ops; i++) {
        n += (size_t)snprintf(answer + n, 96 - n, "%s%s", i ? "," : "", results[i]);
    }
    snprintf(answer + n, 96 - n, "]");
}

struct sim_request *sim_request_of_call(struct sim *s, struct id session, struct str request_id)
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

struct sim_request *sim_request_acked(struct sim *s, struct id call)
{
    for (uint32_t i = 0; i < s->n_clients; i++) {
        struct sim_client *c = &s->clients[i];

        for (uint32_t j = 0; j < c->n_requests; j++) {
            if (c->requests[j].is_acked && id_eq(c->requests[j].call, call)) {
                return &c->requests[j];
            }
        }
    }
    return NULL;
}

const struct sim_op *sim_op_of_text(struct sim *s, struct str text)
{
    uint32_t i = (uint32_t)(text.p[1] - '0'), j = (uint32_t)(text.p[3] - '0'),
             k = (uint32_t)(text.p[5] - '0');

    if (text.len != 7 || i >= s->n_clients || j >= s->clients[i].n_requests ||
        k >= s->clients[i].requests[j].n_ops) {
        return NULL;
    }
    return &s->clients[i].requests[j].ops[k];
}
