/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading exports into a store. See export.h.
 *
 * Memory: one line, and the batch that is being made.
 */
#include <errno.h>

#include "admin/export.h"
#include "admin/line.h"
#include "base/limits.h"
#include "json/json.h"
#include "store/fill.h"
#include "store/keys.h"
#include "store/open.h"

#define BATCH_BYTES (4 * MIB)
#define READ_BYTES (64 * KIB)

struct import {
    FILE *from;
    struct store *store;
    struct buf text; /* read, and not dealt with up to `at` */
    size_t at;
    uint64_t n_lines, n_rows;
    struct batch batch;
    struct buf key, value;
    bool is_end;
};

/* ---- lines ---- */

static int fail(const struct import *m, int code, const char *what, struct err *e)
{
    return err_set(e, code, "line %llu: %s", (unsigned long long)m->n_lines, what);
}

/* More of the file behind what is left of it. DMCP_E_NOTFOUND at its end. */
static int read_more(struct import *m, struct err *e)
{
    char *room;
    size_t n;

    buf_consume(&m->text, m->at);
    m->at = 0;
    room = buf_reserve(&m->text, READ_BYTES);
    if (!room) {
        return fail(m, DMCP_E_INVALID, "it is longer than any line of an export", e);
    }
    n = fread(room, 1, READ_BYTES, m->from);
    buf_advance(&m->text, n);
    if (n == 0 && ferror(m->from)) {
        return err_set(e, DMCP_E_INVALID, "read: %s", strerror(errno));
    }
    return n ? DMCP_OK : DMCP_E_NOTFOUND;
}

/* The next line, valid until the one after it. DMCP_E_NOTFOUND at the end. */
static int next_line(struct import *m, struct str *line_out, struct err *e)
{
    size_t searched = 0;
    int rc = DMCP_OK;

    m->n_lines++;
    for (;;) {
        struct str rest = str_make(buf_str(&m->text).p + m->at, m->text.len - m->at);
        const char *end = rest.len > searched ? memchr(rest.p + searched, '\n', rest.len - searched)
                                              : NULL;

        if (end) {
            *line_out = str_make(rest.p, (size_t)(end - rest.p));
            m->at += line_out->len + 1;
            return DMCP_OK;
        }
        searched = rest.len;
        rc = read_more(m, e);
        if (rc != DMCP_OK) {
            return rc == DMCP_E_NOTFOUND && searched > 0
                       ? fail(m, DMCP_E_INVALID, "it is cut short", e)
                       : rc;
        }
    }
}

/* The next line as JSON, to be freed. */
static int next_value(struct import *m, yyjson_doc **doc_out, struct err *e)
{
    struct err why = { 0 };
    struct str line;
    int rc = next_line(m, &line, e);

    if (rc == DMCP_E_NOTFOUND) {
        return fail(
            m, DMCP_E_INVALID,
            m->n_lines == 1 ? "the file is empty" : "the end is missing: not a whole export", e);
    }
    if (rc == DMCP_OK && json_read(line, doc_out, &why) != DMCP_OK) {
        rc = fail(m, DMCP_E_INVALID, why.text, e);
    }
    return rc;
}

static int read_first(struct import *m, struct err *e)
{
    yyjson_doc *doc = NULL;
    uint64_t format = 0;
    int rc = next_value(m, &doc, e);

    if (rc == DMCP_OK && (!str_eqz(json_get_str(yyjson_doc_get_root(doc), "kind"), "export") ||
                          json_get_uint(yyjson_doc_get_root(doc), "format", &format) != DMCP_OK)) {
        rc = fail(m, DMCP_E_INVALID, "not the beginning of an export", e);
    } else if (rc == DMCP_OK && format != FORMAT_VERSION) {
        rc = err_set(e, DMCP_E_VERSION, "the export has format %llu, this program reads %d",
                     (unsigned long long)format, FORMAT_VERSION);
    }
    yyjson_doc_free(doc);
    return rc;
}

/* ---- rows ---- */

static int write_batch(struct import *m, struct err *e)
{
    uint64_t position;
    int rc = store_write(m->store, &m->batch, &position, e);

    batch_reset(&m->batch);
    return rc;
}

static int take_row(struct import *m, const yyjson_val *line, struct err *e)
{
    struct key format = key_meta(META_FORMAT), filling = key_meta(META_FILLING);
    struct err why = { 0 };

    buf_reset(&m->key);
    buf_reset(&m->value);
    if (line_read(line, &m->key, &m->value, &why) != DMCP_OK) {
        return fail(m, DMCP_E_INVALID, why.text, e);
    }
    if (str_eq(buf_str(&m->key), key_str(&format)) || str_eq(buf_str(&m->key), key_str(&filling))) {
        return fail(m, DMCP_E_INVALID, "no export has such a row", e);
    }
    batch_put(&m->batch, buf_str(&m->key), buf_str(&m->value));
    m->n_rows++;
    return m->batch.ops.len >= BATCH_BYTES ? write_batch(m, e) : DMCP_OK;
}

static int take_line(struct import *m, const yyjson_val *line, struct err *e)
{
    uint64_t rows = 0;

    if (!str_eqz(json_get_str(line, "kind"), "end")) {
        return take_row(m, line, e);
    }
    if (json_get_uint(line, "rows", &rows) != DMCP_OK || rows != m->n_rows) {
        return fail(m, DMCP_E_INVALID, "the number of rows does not fit: lines are missing", e);
    }
    m->is_end = true;
    return DMCP_OK;
}

static int take_all(struct import *m, struct err *e)
{
    struct str line;
    int rc = DMCP_OK;

    while (rc == DMCP_OK && !m->is_end) {
        yyjson_doc *doc = NULL;

        rc = next_value(m, &doc, e);
        if (rc == DMCP_OK) {
            rc = take_line(m, yyjson_doc_get_root(doc), e);
        }
        yyjson_doc_free(doc);
    }
    if (rc == DMCP_OK) {
        rc = next_line(m, &line, e);
        rc = rc == DMCP_E_NOTFOUND ? DMCP_OK
             : rc == DMCP_OK       ? fail(m, DMCP_E_INVALID, "it stands behind the end", e)
                                   : rc;
    }
    return rc;
}

/* The store is not touched before the file has shown that it is an export. */
static int import(struct import *m, const char *name, struct err *e)
{
    int rc = read_first(m, e);

    if (rc == DMCP_OK) {
        rc = store_fill_begin(name, &m->store, e);
    }
    if (rc == DMCP_OK) {
        rc = take_all(m, e);
    }
    if (rc == DMCP_OK) {
        rc = write_batch(m, e);
    }
    if (rc == DMCP_OK) {
        rc = store_fill_end(m->store, e);
    }
    if (m->store) {
        store_close(m->store);
    }
    return rc;
}

int import_file(const char *name, FILE *from, uint64_t *rows_out, struct err *e)
{
    struct import m = { .from = from };
    int rc;

    buf_init(&m.text, LINE_BYTES);
    buf_init(&m.key, KEY_BYTES_MAX - 1); /* there must be a key behind it */
    buf_init(&m.value, LINE_BYTES);
    batch_init(&m.batch);
    rc = import(&m, name, e);
    if (rc == DMCP_OK && rows_out) {
        *rows_out = m.n_rows;
    }
    buf_fini(&m.text);
    buf_fini(&m.key);
    buf_fini(&m.value);
    batch_fini(&m.batch);
    return rc;
}
