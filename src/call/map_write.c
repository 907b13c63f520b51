/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to maps: single entries and batches. A write is told apart from the call's others by
 * its function, its map and the alias that its author gave it, if any, and carries a digest of
 * its rows; so the engine does it once per call, and notices a handler that wants something else
 * there in a later attempt.
 *
 * Without a journal (ephemeral tools, start-up functions) it just happens, and is durable when the
 * function returns.
 */
#include <stdio.h>

#include "base/fault.h"
#include "base/utf8.h"
#include "call/internal.h"
#include "store/keys.h"

#define LABEL_BYTES 200

/* ---- telling a write to the engine ---- */

/* In a second run nothing is written. */
static int compare_rows(dmcp_call *call, struct str alias, struct str label,
                        const struct batch *rows)
{
    struct entry entry;
    int rc = journal_find(call, alias, &entry);

    if (rc == DMCP_E_NOTFOUND) {
        return rerun_unrecorded(call, alias, dmcp_format(call, "%.*s", STR_FMT(label)));
    }
    if (rc == DMCP_OK && !id_eq(entry.digest, digest_id(buf_str(&rows->ops)))) {
        return rerun_differs(call, "%.*s writes other entries", STR_FMT(label));
    }
    return rc;
}

/* The rows are taken. */
static int write_rows(dmcp_call *call, struct str alias, struct str label, struct batch *rows)
{
    struct command *c;
    int rc;

    if (call->rerun) {
        return compare_rows(call, alias, label, rows);
    }
    c = call_command(call, CMD_MAP);
    batch_fini(&c->map.rows);
    c->map.rows = *rows;
    batch_init(rows);
    if (call_is_journaled(call)) {
        c->map.alias = command_dup(c, alias);
        c->map.label = command_dup(c, utf8_cut(label, LABEL_BYTES));
        c->map.digest = digest_id(buf_str(&c->map.rows.ops));
    } else {
        c->map.alias = STR("");
        c->map.label = STR("");
    }
    rc = call_ask(call, c);
    if (rc == DMCP_OK) {
        call->is_dirty = call_is_journaled(call); /* else it was durable before it returned */
        FAULT_POINT("map.written");
    }
    return validate_keep(call, alias, rc);
}

static int add_put(dmcp_call *call, struct batch *rows, struct str map, const char *key,
                   const void *value, size_t size)
{
    int rc = map_check_name(call, map);
    struct key k;

    if (rc == DMCP_OK) {
        rc = map_check_key(call, key);
    }
    if (rc == DMCP_OK && size > LIMIT_RESULT_BYTES) {
        rc = call_fail(call, DMCP_E_TOOBIG,
                       "map \"%s\", key \"%s\": a value has at most %u bytes, this one %zu", map.p,
                       key, LIMIT_RESULT_BYTES, size);
    }
    if (rc == DMCP_OK) {
        k = key_map(map, str_of(key));
        batch_put(rows, key_str(&k), str_make(value ? value : "", size));
    }
    return rc;
}

static int add_del(dmcp_call *call, struct batch *rows, struct str map, const char *key)
{
    int rc = map_check_name(call, map);
    struct key k;

    if (rc == DMCP_OK) {
        rc = map_check_key(call, key);
    }
    if (rc == DMCP_OK) {
        k = key_map(map, str_of(key));
        batch_del(rows, key_str(&k));
    }
    return rc;
}

/* ---- single entries ---- */

static int repeated(const dmcp_map *map, const char *function)
{
    if (map->alias) {
        return call_fail(map->call, DMCP_E_ALIAS,
                         "alias \"%s\" was used before in %s, for another %s on map "
                         "\"%s\": give each write an alias of its own; in a loop, put the index "
                         "or the key in it",
                         map->alias, call_run_name(map->call), function, map->name.p);
    }
    return call_fail(map->call, DMCP_E_ALIAS,
                     "to call %s on map \"%s\" more than once in one call of %s, name each write: "
                     "get the map with dmcp_map_as(call, \"%s\", alias)",
                     function, map->name.p, call_who(map->call), map->name.p);
}

/* The rows are taken, or freed. */
static int write_single(dmcp_map *map, const char *function, struct batch *rows)
{
    dmcp_call *call = map->call;
    struct str parts[3] = { str_of(function), map->name, STR_NONE }, alias;
    const char *label;
    int rc;

    if (map->alias) {
        parts[2] = str_of(map->alias);
        label = dmcp_format(call, "%s on map \"%s\" as \"%s\"", function, map->name.p, map->alias);
        rc = journal_check_alias(call, function, map->alias);
    } else {
        label = dmcp_format(call, "%s on map \"%s\"", function, map->name.p);
        rc = DMCP_OK;
    }
    alias = journal_alias(call, ALIAS_MAP, parts, map->alias ? 3 : 2);
    if (rc == DMCP_OK) {
        rc = journal_claim(call, alias);
        if (rc == DMCP_E_ALIAS) {
            rc = repeated(map, function);
        }
    }
    if (rc == DMCP_OK) {
        rc = write_rows(call, alias, str_of(label), rows);
    }
    return rc;
}

int dmcp_map_insert(dmcp_map *map, const char *key, const void *value, size_t size)
{
    struct batch rows;
    int rc;

    if (map->call->poison != DMCP_OK) {
        return map->call->poison;
    }
    batch_init(&rows);
    rc = add_put(map->call, &rows, map->name, key, value, size);
    if (rc == DMCP_OK) {
        rc = write_single(map, "dmcp_map_insert", &rows);
    }
    batch_fini(&rows);
    return rc;
}

int dmcp_map_insert_value(dmcp_map *map, const char *key, const dmcp_value *value)
{
    struct buf text;
    int rc;

    buf_init(&text, SIZE_MAX / 2);
    if (value) {
        json_write_mut(&text, value_mut(value));
    } else {
        buf_addz(&text, "null");
    }
    rc = dmcp_map_insert(map, key, text.data, text.len);
    buf_fini(&text);
    return rc;
}

int dmcp_map_remove(dmcp_map *map, const char *key)
{
    struct batch rows;
    int rc;

    if (map->call->poison != DMCP_OK) {
        return map->call->poison;
    }
    batch_init(&rows);
    rc = add_del(map->call, &rows, map->name, key);
    if (rc == DMCP_OK) {
        rc = write_single(map, "dmcp_map_remove", &rows);
    }
    batch_fini(&rows);
    return rc;
}

/* ---- batches ---- */

struct dmcp_batch {
    dmcp_call *call;
    struct dmcp_batch *next; /* in call->batches */
    const char *alias;       /* NULL: none */
    struct batch rows;
    bool is_written;
    int code; /* of the first bad operation, and its text: */
    const char *text;
};

dmcp_batch *dmcp_batch_new(dmcp_call *call, const char *alias)
{
    dmcp_batch *b = arena_zalloc(&call->arena, sizeof(*b));

    b->call = call;
    b->alias = alias ? call_dup(call, str_of(alias)).p : NULL;
    batch_init(&b->rows);
    b->next = call->batches;
    call->batches = b;
    return b;
}

void batch_free_all(dmcp_call *call)
{
    for (struct dmcp_batch *b = call->batches; b; b = b->next) {
        batch_fini(&b->rows);
        b->is_written = true; /* who still has it is told so */
    }
    call->batches = NULL;
}

/* Whether one more operation can be added. */
static bool has_room(dmcp_batch *b, size_t size)
{
    if (b->code != DMCP_OK || b->is_written) {
        return false;
    }
    if (b->rows.n >= LIMIT_BATCH_OPS) {
        b->code = DMCP_E_TOOBIG;
        b->text = dmcp_format(b->call, "a batch has at most %d operations", LIMIT_BATCH_OPS);
    } else if (size > LIMIT_BATCH_BYTES || b->rows.ops.len > LIMIT_BATCH_BYTES - size) {
        b->code = DMCP_E_TOOBIG;
        b->text = dmcp_format(b->call, "a batch has at most %u bytes", LIMIT_BATCH_BYTES);
    }
    return b->code == DMCP_OK;
}

static void note(dmcp_batch *b, int code)
{
    if (code != DMCP_OK) {
        b->code = code;
        b->text = dmcp_format(b->call, "operation %zu of the batch: %s", b->rows.n + 1,
                              dmcp_error_text(b->call));
    }
}

void dmcp_batch_insert(dmcp_batch *b, const char *map, const char *key, const void *value,
                       size_t size)
{
    if (has_room(b, size)) {
        note(b, add_put(b->call, &b->rows, map ? str_of(map) : STR(""), key, value, size));
    }
}

void dmcp_batch_remove(dmcp_batch *b, const char *map, const char *key)
{
    if (has_room(b, 0)) {
        note(b, add_del(b->call, &b->rows, map ? str_of(map) : STR(""), key));
    }
}

static int batch_repeated(const dmcp_batch *b)
{
    if (b->alias) {
        return call_fail(b->call, DMCP_E_ALIAS,
                         "alias \"%s\" was used before in %s, for another batch: "
                         "give each batch an alias of its own; in a loop, put the index in it",
                         b->alias, call_run_name(b->call));
    }
    return call_fail(b->call, DMCP_E_ALIAS,
                     "to write more than one batch in one call of %s, name each: give "
                     "dmcp_batch_new an alias",
                     call_who(b->call));
}

static int check_batch(dmcp_batch *b)
{
    if (b->call->poison != DMCP_OK) {
        return b->call->poison;
    }
    if (b->is_written) {
        return call_fail(b->call, DMCP_E_MISUSE, "a batch can be written once");
    }
    if (b->code != DMCP_OK) {
        return call_fail(b->call, b->code, "%s", b->text);
    }
    return b->alias ? journal_check_alias(b->call, "a batch", b->alias) : DMCP_OK;
}

int dmcp_batch_write(dmcp_batch *b)
{
    dmcp_call *call = b->call;
    struct str part = b->alias ? str_of(b->alias) : STR(""), alias;
    const char *label = b->alias ? dmcp_format(call, "batch \"%s\"", b->alias) : "the batch";
    int rc = check_batch(b);

    if (rc != DMCP_OK) {
        return rc;
    }
    alias = journal_alias(call, ALIAS_BATCH, &part, 1);
    rc = journal_claim(call, alias);
    if (rc != DMCP_OK) {
        return rc == DMCP_E_ALIAS ? batch_repeated(b) : rc;
    }
    b->is_written = true;
    return write_rows(call, alias, str_of(label), &b->rows);
}
