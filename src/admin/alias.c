/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aliases for people. See alias.h.
 *
 *   | 01 | kind 1 | alias of the step whose body runs ... | 00 | parts with 00 between them |
 *   | 01 | i | alias of the loop ... | 00 | number of the iteration | 00 | the alias proper ... |
 */
#include "admin/alias.h"

#define PARTS 3

/* Of timers. */
#define TIME_LIMIT STR("\x01timeout")
#define WAKE STR("\x01watch")
#define CLOSE                                                                                      \
    STR("\x01"                                                                                     \
        "close")

struct parts {
    char kind;
    struct str scope, part[PARTS];
    size_t n;
};

/* Up to the next NUL, which goes too; false at the end. */
static bool next_part(struct str *rest, struct str *part_out)
{
    const char *nul;

    if (!rest->p) {
        return false;
    }
    nul = rest->len ? memchr(rest->p, 0, rest->len) : NULL;
    if (nul) {
        *part_out = str_make(rest->p, (size_t)(nul - rest->p));
        *rest = str_make(nul + 1, rest->len - part_out->len - 1);
    } else {
        *part_out = *rest;
        *rest = STR_NONE;
    }
    return true;
}

static bool is_internal(struct str alias)
{
    return alias.len >= 2 && alias.p[0] == '\x01';
}

static struct parts take_apart(struct str alias)
{
    struct parts a = { .kind = alias.p[1] };
    struct str rest = str_make(alias.p + 2, alias.len - 2);

    (void)next_part(&rest, &a.scope); /* there is a rest, be it empty */
    while (a.n < PARTS && next_part(&rest, &a.part[a.n])) {
        a.n++;
    }
    return a;
}

/* What is done in an iteration, and in which one of which loop. False: it is not in one. */
static bool leave_iteration(struct str *alias, struct str *loop_out, struct str *number_out)
{
    struct str rest = *alias;

    if (!str_starts(rest, ALIAS_ITERATIONS)) {
        return false;
    }
    rest = str_make(rest.p + 2, rest.len - 2);
    if (!next_part(&rest, loop_out) || !next_part(&rest, number_out) || !rest.p) {
        return false;
    }
    *alias = rest;
    return true;
}

static struct str leave_iterations(struct str alias)
{
    struct str loop, number;

    while (leave_iteration(&alias, &loop, &number)) {
    }
    return alias;
}

const char *alias_kind(struct str alias)
{
    static const struct {
        char letter;
        const char *name;
    } kinds[] = {
        { 'v', "value" }, { 'm', "map" },   { 'b', "batch" },    { 'e', "event" },
        { 's', "sleep" }, { 'r', "retry" }, { 'q', "question" }, { 'g', "signal" },
        { 'u', "until" }, { 'l', "loop" },
    };

    alias = leave_iterations(alias);
    if (!is_internal(alias)) {
        return "step";
    }
    if (str_eq(alias, TIME_LIMIT)) {
        return "time limit";
    }
    if (str_starts(alias, WAKE)) {
        return "wake";
    }
    if (str_starts(alias, CLOSE)) {
        return "close";
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (alias.p[1] == kinds[i].letter) {
            return kinds[i].name;
        }
    }
    return "other";
}

struct str alias_name(struct str alias)
{
    alias = leave_iterations(alias);
    return is_internal(alias) ? take_apart(alias).part[0] : alias;
}

static void write_quoted(struct buf *b, const char *before, struct str s)
{
    buf_addf(b, "%s\"", before);
    buf_add_str(b, s);
    buf_addc(b, '"');
}

/* "dmcp_map_insert" is "map insert". */
static void write_map(struct buf *b, const struct parts *a)
{
    struct str function = a->part[0], prefix = STR("dmcp_");

    if (str_starts(function, prefix)) {
        function = str_make(function.p + prefix.len, function.len - prefix.len);
    }
    for (size_t i = 0; i < function.len; i++) {
        buf_addc(b, function.p[i] == '_' ? ' ' : function.p[i]);
    }
    buf_addc(b, ' ');
    buf_add_str(b, a->part[1]);
    if (a->n > 2) {
        write_quoted(b, " as ", a->part[2]);
    }
}

static void write_parts(struct buf *b, const struct parts *a, struct str label)
{
    switch (a->kind) {
    case 'v':
        buf_add_str(b, a->part[0]);
        return;
    case 'm':
        write_map(b, a);
        return;
    case 'b':
        buf_addz(b, "batch");
        if (a->part[0].len) {
            write_quoted(b, " ", a->part[0]);
        }
        return;
    case 's':
        buf_addz(b, "sleep ");
        buf_add_str(b, a->part[0]);
        return;
    case 'r':
        buf_addf(b, "wait %.*s between tries of ", STR_FMT(a->part[1]));
        write_quoted(b, "", a->part[0]);
        return;
    case 'q':
        write_quoted(b, "question ", a->part[0]);
        return;
    case 'g':
        write_quoted(b, "signal ", a->part[0]);
        return;
    case 'u':
        write_quoted(b, "until ", a->part[0]);
        return;
    case 'l':
        write_quoted(b, "loop ", a->part[0]);
        return;
    default: /* an event's parts are a digest */
        buf_add_str(b, label.len ? label : STR("event"));
        return;
    }
}

static void write_internal(struct buf *b, struct str alias, struct str label)
{
    struct parts a;

    if (str_eq(alias, TIME_LIMIT)) {
        buf_addz(b, "time limit of the call");
        return;
    }
    if (str_starts(alias, WAKE)) {
        buf_addz(b, "calls that a map entry wakes");
        return;
    }
    if (str_starts(alias, CLOSE)) {
        buf_addz(b, "calls of a closed session");
        return;
    }
    a = take_apart(alias);
    if (a.kind == 'q' && label.len) { /* tells elicitation from sampling and roots */
        buf_add_str(b, label);
    } else {
        write_parts(b, &a, label);
    }
    if (a.scope.len) {
        write_quoted(b, " in ", a.scope);
    }
}

void alias_write(struct buf *b, struct str alias, struct str label)
{
    struct str inner = leave_iterations(alias), loop, number;

    if (is_internal(inner)) {
        write_internal(b, inner, label);
    } else {
        buf_add_str(b, inner);
    }
    while (leave_iteration(&alias, &loop, &number)) {
        buf_addf(b, " in iteration %.*s of ", STR_FMT(number));
        write_quoted(b, "", loop);
    }
}
