/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds schemas that apply themselves to the same value whatever it is, as {"$ref":"#"} does: no
 * check of them could end. Loops that depend on the value are left to the depth limit of checks.
 *
 * A search in depth with a stack of its own: a chain of references may be longer than any
 * recursion should be.
 */
#include "json/schema_impl.h"

enum search_state { UNSEEN, OPEN, DONE };

struct visit {
    struct schema_node *node;
    const struct keyword *keyword; /* where it goes on: */
    size_t i;
};

struct search {
    struct visit *stack;
    size_t n, cap;
};

static void push(struct search *s, struct schema_node *node)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->stack = mem_realloc(s->stack, s->cap * sizeof(*s->stack));
    }
    node->search_state = OPEN;
    s->stack[s->n++] = (struct visit){ node, node->keywords, 0 };
}

/* The next schema that is applied in any case; NULL when there is no more. */
static struct schema_node *next_applied(struct visit *v)
{
    while (v->keyword && v->i == v->keyword->n_always) {
        v->keyword = v->keyword->next;
        v->i = 0;
    }
    return v->keyword ? (struct schema_node *)v->keyword->always[v->i++] : NULL;
}

static int search_from(struct compiler *c, struct search *s, struct schema_node *node)
{
    push(s, node);
    while (s->n > 0) {
        struct visit *v = &s->stack[s->n - 1];
        struct schema_node *next = next_applied(v);

        if (!next) {
            v->node->search_state = DONE;
            s->n--;
        } else if (next->search_state == OPEN) {
            return schema_refuse(c, next->value, "this schema refers to itself without end");
        } else if (next->search_state == UNSEEN) {
            push(s, next);
        }
    }
    return 0;
}

int schema_refuse_loops(struct compiler *c)
{
    struct search s = { NULL, 0, 0 };
    int rc = 0;

    for (struct schema_document *d = c->schema->documents; d && rc == 0; d = d->next) {
        size_t n = (size_t)(unsafe_yyjson_get_next(d->doc->root) - d->doc->root);

        for (size_t i = 0; i < n && rc == 0; i++) {
            if (d->nodes[i] && d->nodes[i]->search_state == UNSEEN) {
                rc = search_from(c, &s, d->nodes[i]);
            }
        }
    }
    mem_free(s.stack);
    return rc;
}
