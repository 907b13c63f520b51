/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps as a call sees them: handles, names, and reading. Reads go straight to the store from the
 * handler's thread, without the engine; a call sees its own writes because a write returns when it
 * is visible. Only reads with an alias touch the journal (map_recorded.c).
 */
#include "base/fault.h"
#include "call/internal.h"
#include "store/keys.h"

#define RANGE_BYTES_MAX (64 * MIB) /* of one range's answer */

/* ---- handles ---- */

dmcp_map *dmcp_map_open(dmcp_call *call, const char *name)
{
    return dmcp_map_as(call, name, NULL);
}

dmcp_map *dmcp_map_as(dmcp_call *call, const char *name, const char *alias)
{
    dmcp_map *map = arena_alloc(&call->arena, sizeof(*map));

    *map = (struct dmcp_map){ .call = call,
                              .name = call_dup(call, name ? str_of(name) : STR("")),
                              .alias = alias ? call_dup(call, str_of(alias)).p : NULL };
    return map;
}

int map_check_name(dmcp_call *call, struct str name)
{
    struct err e;
    int rc = key_check_map(name, &e);

    return rc == DMCP_OK ? rc : call_fail(call, rc, "%s", e.text);
}

int map_check_key(dmcp_call *call, const char *key)
{
    struct err e;
    int rc = key_check_map_key(str_of(key ? key : ""), &e);

    return rc == DMCP_OK ? rc : call_fail(call, rc, "%s", e.text);
}

static int check_read(const dmcp_map *map)
{
    return map->call->poison != DMCP_OK ? map->call->poison : map_check_name(map->call, map->name);
}

/* What cannot be decoded today cannot be tomorrow: the call is to end with that. */
static int read_failed(const dmcp_map *map, int code, const struct err *e)
{
    if (code == DMCP_E_CORRUPT) {
        return call_fail(map->call, code, "read map \"%s\": %s", map->name.p,
                         e->text[0] ? e->text : "a row cannot be decoded");
    }
    return call_poison(map->call, code, "read map \"%s\": %s", map->name.p, e->text);
}

/* What another call wrote may not be durable yet, and a power cut would take it back: nothing may
 * come of it before it is. */
static void note_read(dmcp_call *call)
{
    if (!store_is_synced(call->env->store)) {
        call->is_dirty = true;
    }
}

/* A read with an alias. Where there is no journal it is like any other. */
static bool is_recorded(const dmcp_map *map)
{
    return map->alias && call_is_journaled(map->call);
}

/* ---- one entry ---- */

static int read_one(dmcp_map *map, const struct range *range, struct buf *value)
{
    struct err e = { 0 };
    int rc = store_injected(FAULT_ERROR("map.read"), &e);

    until_note_read(map->call, range);
    if (rc == DMCP_OK) {
        rc = store_get(map->call->env->store, range->from, value, &e);
    }
    note_read(map->call);
    return rc == DMCP_OK || rc == DMCP_E_NOTFOUND ? rc : read_failed(map, rc, &e);
}

/* What was recorded, or what is there and is recorded then. */
static int read_one_as(dmcp_map *map, const char *key, const struct range *range, struct buf *value)
{
    const struct map_read r = { map, "dmcp_map_get", str_of(key) };
    struct map_answer a;
    dmcp_entry entry;
    int rc = map_recall(&r, &a);

    if (rc == DMCP_OK && a.n > 0) {
        buf_add(value, a.entries[0].value, a.entries[0].size);
    } else if (rc == DMCP_OK) {
        return DMCP_E_NOTFOUND;
    } else if (rc == DMCP_E_NOTFOUND) {
        rc = read_one(map, range, value);
        entry = (dmcp_entry){ key, value->data, value->len };
        a = (struct map_answer){ &entry, rc == DMCP_OK };
        if (rc == DMCP_OK || rc == DMCP_E_NOTFOUND) {
            int recorded = map_record(&r, &a);

            rc = recorded == DMCP_OK ? rc : recorded;
        }
    }
    return rc;
}

static int get(dmcp_map *map, const char *key, struct buf *value)
{
    struct key k, behind;
    struct range range;
    int rc = check_read(map);

    if (rc == DMCP_OK) {
        rc = map_check_key(map->call, key);
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    k = key_map(map->name, str_of(key));
    behind = key_after(key_str(&k));
    range = (struct range){ .from = key_str(&k), .to = key_str(&behind) };
    rc = is_recorded(map) ? read_one_as(map, key, &range, value) : read_one(map, &range, value);
    if (rc == DMCP_E_NOTFOUND) {
        return call_fail(map->call, rc, "map \"%s\" has no key \"%s\"", map->name.p, key);
    }
    return rc;
}

int dmcp_map_get(dmcp_map *map, const char *key, const void **value_out, size_t *size_out)
{
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = get(map, key, &value);
    if (rc == DMCP_OK) {
        *value_out = call_dup(map->call, buf_str(&value)).p;
        if (size_out) {
            *size_out = value.len;
        }
    }
    buf_fini(&value);
    return rc;
}

int dmcp_map_get_value(dmcp_map *map, const char *key, dmcp_value **value_out)
{
    yyjson_mut_val *v;
    struct buf value;
    int rc;

    buf_init(&value, SIZE_MAX / 2);
    rc = get(map, key, &value);
    if (rc == DMCP_OK) {
        rc = value_parse(map->call, buf_str(&value), &v);
        if (rc == DMCP_OK) {
            *value_out = value_of(v);
        } else {
            rc = call_fail(map->call, rc, "map \"%s\", key \"%s\": %s", map->name.p, key,
                           dmcp_error_text(map->call));
        }
    }
    buf_fini(&value);
    return rc;
}

/* ---- ranges ---- */

/* Where an answer is put together. */
struct answer {
    dmcp_map *map;
    dmcp_entry *entries; /* on the heap until it is complete */
    size_t n, cap, bytes;
};

static void answer_add(struct answer *a, struct str key, struct str value)
{
    if (a->n == a->cap) {
        a->cap = a->cap ? a->cap * 2 : 64;
        a->entries = mem_realloc(a->entries, a->cap * sizeof(*a->entries));
    }
    a->entries[a->n++] = (dmcp_entry){ .key = call_dup(a->map->call, key).p,
                                       .value = call_dup(a->map->call, value).p,
                                       .size = value.len };
    a->bytes += key.len + value.len;
}

static int answer_fill(struct answer *a, const struct range *range, size_t limit)
{
    struct cursor *cursor = store_scan(a->map->call->env->store, range);
    struct str key, value, map_name, map_key;
    struct err e = { 0 };
    int rc = store_injected(FAULT_ERROR("map.read"), &e);

    while (rc == DMCP_OK && a->n < limit) {
        rc = cursor_next(cursor, &key, &value, &e);
        if (rc == DMCP_OK) {
            rc = key_map_parts(key, &map_name, &map_key);
        }
        if (rc == DMCP_OK && a->bytes + value.len > RANGE_BYTES_MAX) {
            cursor_close(cursor);
            return call_fail(a->map->call, DMCP_E_TOOBIG,
                             "the range of map \"%s\" is larger than %u bytes: ask with a "
                             "smaller limit, and go on from the last key",
                             a->map->name.p, RANGE_BYTES_MAX);
        }
        if (rc == DMCP_OK) {
            answer_add(a, map_key, value);
        }
    }
    cursor_close(cursor);
    return rc == DMCP_OK || rc == DMCP_E_NOTFOUND ? DMCP_OK : read_failed(a->map, rc, &e);
}

static int read_range(dmcp_map *map, const struct range *range, size_t limit,
                      struct map_answer *answer_out)
{
    struct answer a = { .map = map };
    int rc;

    until_note_read(map->call, range);
    rc = answer_fill(&a, range, limit);
    note_read(map->call);
    if (rc == DMCP_OK) {
        answer_out->entries = arena_dup(&map->call->arena, a.entries, a.n * sizeof(*a.entries));
        answer_out->n = a.n;
    }
    mem_free(a.entries);
    return rc;
}

/* The range's keys, and how many of its entries. */
static struct str range_question(dmcp_call *call, const struct range *range, size_t limit)
{
    struct str question;
    struct buf b;

    buf_init(&b, SIZE_MAX / 2);
    buf_addf(&b, "%zu ", limit);
    buf_add_str(&b, range->from);
    buf_addc(&b, ' ');
    buf_add_str(&b, range->to);
    question = call_dup(call, buf_str(&b));
    buf_fini(&b);
    return question;
}

static int answer_range(dmcp_map *map, const char *function, const struct range *range, size_t limit,
                        const dmcp_entry **entries_out, size_t *n_out)
{
    struct map_read r = { map, function, STR_NONE };
    struct map_answer a = { NULL, 0 };
    int rc = DMCP_E_NOTFOUND;

    if (is_recorded(map)) {
        r.question = range_question(map->call, range, limit);
        rc = map_recall(&r, &a);
    }
    if (rc == DMCP_E_NOTFOUND) {
        rc = read_range(map, range, limit, &a);
        if (is_recorded(map)) {
            rc = rc == DMCP_OK ? map_record(&r, &a) : map_keep_failure(&r, rc);
        }
    }
    if (rc == DMCP_OK) {
        *entries_out = a.entries;
        *n_out = a.n;
    }
    return rc;
}

static int check_range(dmcp_map *map, const char *function, size_t limit)
{
    int rc = check_read(map);

    if (rc == DMCP_OK && (limit == 0 || limit > LIMIT_RANGE_ENTRIES)) {
        rc = call_fail(map->call, DMCP_E_INVALID, "%s requires a limit from 1 to %d; got %zu",
                       function, LIMIT_RANGE_ENTRIES, limit);
    }
    return rc;
}

/* A bound may be absent. `sign` is 1 when the end has to be the larger one, else -1. */
static int check_bounds(dmcp_map *map, const char *function, const char *start, const char *end,
                        int sign)
{
    int rc = start ? map_check_key(map->call, start) : DMCP_OK;

    if (rc == DMCP_OK && end) {
        rc = map_check_key(map->call, end);
    }
    if (rc == DMCP_OK && start && end && str_cmp(str_of(end), str_of(start)) * sign <= 0) {
        rc = call_fail(map->call, DMCP_E_INVALID,
                       "%s requires the end to be %s than the start; got start=\"%s\" and "
                       "end=\"%s\"",
                       function, sign > 0 ? "larger" : "smaller", start, end);
    }
    return rc;
}

/* The next possible key: no map key contains a NUL, so this one names the place behind `k`. */
static struct key just_behind(struct key k)
{
    k.b[k.len++] = 0;
    return k;
}

int dmcp_map_range(dmcp_map *map, const char *start, const char *end, size_t limit,
                   const dmcp_entry **entries_out, size_t *n_out)
{
    struct key all, from, to;
    struct range range;
    int rc = check_range(map, "dmcp_map_range", limit);

    if (rc == DMCP_OK) {
        rc = check_bounds(map, "dmcp_map_range", start, end, 1);
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    all = key_map(map->name, STR(""));
    from = start ? key_map(map->name, str_of(start)) : all;
    to = end ? key_map(map->name, str_of(end)) : key_prefix_end(key_str(&all));
    range = (struct range){ .from = key_str(&from), .to = key_str(&to) };
    return answer_range(map, "dmcp_map_range", &range, limit, entries_out, n_out);
}

int dmcp_map_reverse_range(dmcp_map *map, const char *start, const char *end, size_t limit,
                           const dmcp_entry **entries_out, size_t *n_out)
{
    struct key all, from, to;
    struct range range;
    int rc = check_range(map, "dmcp_map_reverse_range", limit);

    if (rc == DMCP_OK) {
        rc = check_bounds(map, "dmcp_map_reverse_range", start, end, -1);
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    all = key_map(map->name, STR(""));
    from = end ? just_behind(key_map(map->name, str_of(end))) : all;
    to = start ? just_behind(key_map(map->name, str_of(start))) : key_prefix_end(key_str(&all));
    range = (struct range){ .from = key_str(&from), .to = key_str(&to), .is_reverse = true };
    return answer_range(map, "dmcp_map_reverse_range", &range, limit, entries_out, n_out);
}

int dmcp_map_prefix(dmcp_map *map, const char *prefix, size_t limit, const dmcp_entry **entries_out,
                    size_t *n_out)
{
    struct key from, to;
    struct range range;
    int rc = check_range(map, "dmcp_map_prefix", limit);

    if (rc == DMCP_OK && prefix && prefix[0]) {
        rc = map_check_key(map->call, prefix);
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    from = key_map(map->name, prefix ? str_of(prefix) : STR(""));
    to = key_prefix_end(key_str(&from));
    range = (struct range){ .from = key_str(&from), .to = key_str(&to) };
    return answer_range(map, "dmcp_map_prefix", &range, limit, entries_out, n_out);
}
