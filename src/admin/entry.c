/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of maps on their way to the server. See entry.h.
 */
#include "admin/entry.h"

#include "base/base64.h"
#include "base/utf8.h"
#include "json/writer.h"
#include "store/keys.h"

int entry_check(const struct map_entry *entry, struct err *e)
{
    int rc = key_check_map(entry->map, e);

    if (rc == DMCP_OK) {
        rc = key_check_map_key(entry->key, e);
    }
    if (rc == DMCP_OK && entry->value.p && entry->value.len > LIMIT_RESULT_BYTES) {
        rc = err_set(e, DMCP_E_TOOBIG, "a value has at most %u bytes, this one %zu",
                     LIMIT_RESULT_BYTES, entry->value.len);
    }
    return rc;
}

/* ---- writing ---- */

/* Whether escapes would make more of it than base64 does. */
static bool is_plain(struct str s)
{
    size_t n_escaped = 0;

    for (size_t i = 0; i < s.len; i++) {
        n_escaped += (unsigned char)s.p[i] < ' ';
    }
    return n_escaped <= s.len / 16 && utf8_is_valid(s);
}

static void write_bytes(struct json_writer *w, const char *name, const char *name_base64,
                        struct str s)
{
    if (is_plain(s)) {
        jw_key(w, name);
        jw_str(w, s);
    } else {
        jw_key(w, name_base64);
        jw_base64(w, s);
    }
}

void entry_write(struct buf *out, const struct map_entry *entry)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "map");
    jw_str(&w, entry->map);
    write_bytes(&w, "key", "key_base64", entry->key);
    if (entry->value.p) {
        write_bytes(&w, "value", "value_base64", entry->value);
    }
    jw_object_end(&w);
}

/* ---- reading ---- */

/* Absent when neither member is there. */
static int read_bytes(const yyjson_val *object, struct arena *arena, const char *name,
                      const char *name_base64, struct str *out, struct err *e)
{
    const yyjson_val *text = json_get(object, name), *base64 = json_get(object, name_base64);
    struct buf bytes;
    int rc = DMCP_OK;

    *out = json_str(text);
    if ((text && !out->p) || (base64 && text)) {
        return err_set(e, DMCP_E_INVALID, "\"%s\" is to be a string, or \"%s\" is", name,
                       name_base64);
    }
    if (base64) {
        buf_init(&bytes, SIZE_MAX / 2);
        if (json_str(base64).p && base64_dec(&bytes, json_str(base64)) == DMCP_OK) {
            *out = str_make(arena_dup(arena, buf_str(&bytes).p, bytes.len), bytes.len);
        } else {
            rc = err_set(e, DMCP_E_INVALID, "\"%s\" is not base64", name_base64);
        }
        buf_fini(&bytes);
    }
    return rc;
}

int entry_read(const yyjson_val *object, struct arena *arena, struct map_entry *entry_out,
               struct err *e)
{
    struct map_entry entry = { .map = json_get_str(object, "map") };
    int rc = read_bytes(object, arena, "key", "key_base64", &entry.key, e);

    if (rc == DMCP_OK) {
        rc = read_bytes(object, arena, "value", "value_base64", &entry.value, e);
    }
    if (rc == DMCP_OK && (!entry.map.p || !entry.key.p)) {
        rc = err_set(e, DMCP_E_INVALID, "\"map\" or \"key\" is missing");
    }
    if (rc == DMCP_OK) {
        rc = entry_check(&entry, e);
    }
    if (rc == DMCP_OK) {
        *entry_out = entry;
    }
    return rc;
}
