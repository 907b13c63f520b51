/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads of maps that have an alias: the first answer is recorded, and is the answer in every later
 * attempt, whatever the map holds by then.
 *
 * The row is an array: what was asked for, and then key and value of each entry that was there.
 * Texts are strings, bytes that are none {"base64":...}. A handler that asks for something else
 * under the alias in a later attempt has diverged.
 */
#include "base/base64.h"
#include "base/utf8.h"
#include "call/internal.h"
#include "json/writer.h"

static int repeated(const struct map_read *r)
{
    const dmcp_map *map = r->map;

    return call_fail(
        map->call, DMCP_E_ALIAS,
        "alias \"%s\" was used before in %s, for another %s on map \"%s\": "
        "give each read that is to be recorded an alias of its own; in a loop, put the "
        "index or the key in it",
        map->alias, call_run_name(map->call), r->function, map->name.p);
}

static struct str alias_of(const struct map_read *r)
{
    struct str parts[] = { str_of(r->function), r->map->name, str_of(r->map->alias) };

    return journal_alias(r->map->call, ALIAS_MAP, parts, COUNT_OF(parts));
}

static const char *label_of(const struct map_read *r)
{
    return dmcp_format(r->map->call, "%s on map \"%s\" as \"%s\"", r->function, r->map->name.p,
                       r->map->alias);
}

/* ---- from the journal ---- */

static int bytes_of(dmcp_call *call, yyjson_mut_val *v, struct str *bytes_out)
{
    yyjson_mut_val *base64 = yyjson_mut_obj_get(v, "base64");
    struct buf bytes;
    int rc = DMCP_OK;

    if (yyjson_mut_is_str(v)) {
        *bytes_out = str_make(yyjson_mut_get_str(v), yyjson_mut_get_len(v));
        return DMCP_OK;
    }
    buf_init(&bytes, SIZE_MAX / 2);
    rc = base64_dec(&bytes, str_make(yyjson_mut_get_str(base64), yyjson_mut_get_len(base64)));
    *bytes_out = rc == DMCP_OK ? call_dup(call, buf_str(&bytes)) : STR("");
    buf_fini(&bytes);
    return rc;
}

static bool is_text(yyjson_mut_val *v)
{
    return yyjson_mut_is_str(v) || yyjson_mut_is_str(yyjson_mut_obj_get(v, "base64"));
}

/* The row's members, the question first. */
static int take_answer(const struct map_read *r, yyjson_mut_val *row, struct map_answer *a)
{
    dmcp_call *call = r->map->call;
    size_t n = yyjson_mut_arr_size(row), i, max;
    struct str *texts = arena_zalloc(&call->arena, (n + 1) * sizeof(*texts));
    yyjson_mut_val *v;

    yyjson_mut_arr_foreach(row, i, max, v)
    {
        if (!is_text(v) || bytes_of(call, v, &texts[i]) != DMCP_OK) {
            n = 0;
            break;
        }
    }
    if (n % 2 == 0) {
        return call_fail(call, DMCP_E_CORRUPT, "%s in the journal", label_of(r));
    }
    if (!str_eq(texts[0], r->question)) {
        return call_fail_diverged(
            call, "%s asks for something else than it did when it was recorded", label_of(r));
    }
    a->n = n / 2;
    a->entries = arena_zalloc(&call->arena, (a->n + 1) * sizeof(*a->entries));
    for (size_t k = 0; k < a->n; k++) {
        struct str value = texts[2 + 2 * k];

        a->entries[k] = (dmcp_entry){ .key = call_dup(call, texts[1 + 2 * k]).p,
                                      .value = call_dup(call, value).p,
                                      .size = value.len };
    }
    return DMCP_OK;
}

int map_recall(const struct map_read *r, struct map_answer *a)
{
    dmcp_call *call = r->map->call;
    struct str alias = alias_of(r);
    yyjson_mut_val *row;
    struct entry entry;
    int rc = journal_check_alias(call, r->function, r->map->alias);

    if (rc == DMCP_OK) {
        rc = journal_claim(call, alias);
        rc = rc == DMCP_E_ALIAS ? repeated(r) : rc;
    }
    if (rc == DMCP_OK) {
        rc = journal_find(call, alias, &entry);
    }
    if (rc == DMCP_E_NOTFOUND && call->rerun) {
        return rerun_unrecorded(call, alias, label_of(r));
    }
    if (rc == DMCP_OK) {
        rc = value_parse(call, entry.body, &row);
    }
    return rc == DMCP_OK ? take_answer(r, row, a) : rc;
}

/* ---- into the journal ---- */

int map_keep_failure(const struct map_read *r, int code)
{
    return validate_keep(r->map->call, alias_of(r), code);
}

static void write_bytes(struct json_writer *w, struct str bytes)
{
    if (utf8_is_valid(bytes)) {
        jw_str(w, bytes);
        return;
    }
    jw_object(w);
    jw_key(w, "base64");
    jw_base64(w, bytes);
    jw_object_end(w);
}

int map_record(const struct map_read *r, const struct map_answer *a)
{
    dmcp_call *call = r->map->call;
    struct str alias = alias_of(r);
    struct json_writer w;
    struct buf row;
    int rc = DMCP_OK;

    buf_init(&row, LIMIT_RESULT_BYTES);
    jw_init(&w, &row);
    jw_array(&w);
    write_bytes(&w, r->question);
    for (size_t i = 0; i < a->n; i++) {
        write_bytes(&w, str_of(a->entries[i].key));
        write_bytes(&w, str_make(a->entries[i].value, a->entries[i].size));
    }
    jw_array_end(&w);
    if (buf_ok(&row)) {
        journal_remember(call, GUARD_VALUE, alias, buf_str(&row)); /* for a body's next try */
        journal_record(call, GUARD_VALUE, alias, str_of(label_of(r)), buf_str(&row));
    } else {
        rc = call_fail(
            call, DMCP_E_TOOBIG,
            "%s is to be recorded, and is larger than %u bytes: ask with a smaller limit, "
            "or without an alias",
            label_of(r), LIMIT_RESULT_BYTES);
    }
    buf_fini(&row);
    return validate_keep(call, alias, rc);
}
