/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and freeing commands. See command.h.
 */
#include "engine/command.h"

struct command *command_new(enum command_kind kind)
{
    struct command *c = arena_object(sizeof(*c), offsetof(struct command, arena));

    c->kind = kind;
    if (kind == CMD_MAP) {
        batch_init(&c->map.rows);
    }
    return c;
}

void command_free(struct command *c)
{
    if (c->kind == CMD_MAP) {
        batch_fini(&c->map.rows);
    }
    arena_fini(&c->arena);
    mem_free(c);
}

struct str command_dup(struct command *c, struct str s)
{
    return s.p ? str_make(arena_dup(&c->arena, s.p, s.len), s.len) : STR_NONE;
}
