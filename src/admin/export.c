/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing exports. See export.h.
 */
#include "admin/export.h"

#include "admin/line.h"
#include "json/json.h"
#include "json/writer.h"
#include "store/keys.h"
#include "store/open.h"

struct export
{
    struct cursor *cursor;
    uint64_t n_rows;
    bool is_begun;
};

struct export *export_open(struct store *s)
{
    struct export *x = mem_zalloc(sizeof(*x));

    x->cursor = store_scan(s, &(struct range){ 0 });
    return x;
}

void export_close(struct export *x)
{
    cursor_close(x->cursor);
    mem_free(x);
}

uint64_t export_rows(const struct export *x)
{
    return x->n_rows;
}

static void write_first(struct buf *out)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "kind");
    jw_strz(&w, "export");
    jw_key(&w, "format");
    jw_int(&w, FORMAT_VERSION);
    jw_object_end(&w);
    buf_addc(out, '\n');
}

static void write_last(struct buf *out, uint64_t n_rows)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "kind");
    jw_strz(&w, "end");
    jw_key(&w, "rows");
    jw_uint(&w, n_rows);
    jw_object_end(&w);
    buf_addc(out, '\n');
}

int export_read_end(struct str line, uint64_t *rows_out)
{
    yyjson_doc *doc = NULL;
    struct err e;
    int rc = json_read(line, &doc, &e);

    if (rc == DMCP_OK && (!str_eqz(json_get_str(yyjson_doc_get_root(doc), "kind"), "end") ||
                          json_get_uint(yyjson_doc_get_root(doc), "rows", rows_out) != DMCP_OK)) {
        rc = DMCP_E_INVALID;
    }
    yyjson_doc_free(doc);
    return rc == DMCP_OK ? DMCP_OK : DMCP_E_INVALID;
}

/* What every store has of its own. */
static bool is_left_out(struct str key)
{
    struct key format = key_meta(META_FORMAT), filling = key_meta(META_FILLING);

    return str_eq(key, key_str(&format)) || str_eq(key, key_str(&filling));
}

int export_read(struct export *x, size_t about_bytes, struct buf *out, bool *is_end_out,
                struct err *e)
{
    size_t enough = out->len + about_bytes;
    struct str key, value;
    int rc = DMCP_OK;

    *is_end_out = false;
    if (!x->is_begun) {
        write_first(out);
        x->is_begun = true;
    }
    while (out->len < enough && (rc = cursor_next(x->cursor, &key, &value, e)) == DMCP_OK) {
        if (!is_left_out(key)) {
            line_write(out, key, value);
            x->n_rows++;
        }
        if (!buf_ok(out)) {
            return err_set(e, DMCP_E_TOOBIG, "a row is larger than any should be");
        }
    }
    if (rc == DMCP_E_NOTFOUND) {
        write_last(out, x->n_rows);
        *is_end_out = true;
        rc = DMCP_OK;
    }
    return rc;
}
