/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and freeing actions. See action.h.
 */
#include "engine/action.h"

void action_list_init(struct action_list *l)
{
    l->first = NULL;
    l->last = &l->first;
}

struct action *action_add(struct action_list *l, enum action_kind kind, enum action_when when)
{
    struct action *a = arena_object(sizeof(*a), offsetof(struct action, arena));

    a->kind = kind;
    a->when = when;
    *l->last = &a->mail;
    l->last = &a->mail.next;
    return a;
}

void action_free(struct action *a)
{
    arena_fini(&a->arena);
    mem_free(a);
}

struct str action_dup(struct action *a, struct str s)
{
    return s.p ? str_make(arena_dup(&a->arena, s.p, s.len), s.len) : STR_NONE;
}
