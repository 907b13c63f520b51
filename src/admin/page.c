/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages and their members. See page.h.
 */
#include "admin/page.h"

#include <stdio.h>

#include "base/utf8.h"
#include "json/json.h"

#define PAGE_BYTES (4 * MIB)
#define PAGE_ROWS 10000 /* looked at */
#define CURSOR_BYTES KEY_BYTES_MAX

void page_begin(struct page *p, struct store *s, const struct admin_query *q, struct buf *out)
{
    *p = (struct page){ .store = s, .query = q, .out = out };
    buf_init(&p->last, CURSOR_BYTES);
    buf_init(&p->value, SIZE_MAX / 2);
    jw_init(&p->w, out);
    jw_object(&p->w);
}

void page_list(struct page *p, const char *name)
{
    jw_key(&p->w, name);
    jw_array(&p->w);
}

bool page_is_full(const struct page *p)
{
    return p->n_shown >= p->query->limit || p->n_seen >= PAGE_ROWS || p->out->len >= PAGE_BYTES;
}

void page_passed(struct page *p, struct str cursor)
{
    p->n_seen++;
    buf_reset(&p->last);
    buf_add_str(&p->last, cursor);
}

void page_shown(struct page *p, struct str cursor)
{
    page_passed(p, cursor);
    p->n_shown++;
}

/* ---- cursors ---- */

static const char digits[] = "0123456789abcdef";

static void write_cursor(struct page *p)
{
    struct buf hex;

    buf_init(&hex, 2 * CURSOR_BYTES);
    for (size_t i = 0; i < p->last.len; i++) {
        unsigned char c = (unsigned char)p->last.data[i];

        buf_addc(&hex, digits[c >> 4]);
        buf_addc(&hex, digits[c & 15]);
    }
    show_text(p, "next", buf_str(&hex));
    buf_fini(&hex);
}

int page_after(const struct page *p, struct buf *cursor, struct err *e)
{
    struct str hex = p->query->after;

    for (size_t i = 0; i + 1 < hex.len; i += 2) {
        const char *high = hex.p[i] ? strchr(digits, hex.p[i]) : NULL;
        const char *low = hex.p[i + 1] ? strchr(digits, hex.p[i + 1]) : NULL;

        if (!high || !low) {
            return err_set(e, DMCP_E_INVALID, "\"after\" is not the \"next\" of an earlier page");
        }
        buf_addc(cursor, (char)((high - digits) << 4 | (low - digits)));
    }
    if (hex.len % 2 || hex.len > 2 * CURSOR_BYTES) {
        return err_set(e, DMCP_E_INVALID, "\"after\" is not the \"next\" of an earlier page");
    }
    return DMCP_OK;
}

void page_end(struct page *p, bool goes_on)
{
    jw_array_end(&p->w);
    if (goes_on) {
        write_cursor(p);
    }
    jw_object_end(&p->w);
}

void page_fini(struct page *p)
{
    buf_fini(&p->last);
    buf_fini(&p->value);
}

/* ---- rows ---- */

static int show_rows(struct page *p, struct cursor *cursor, size_t prefix_bytes, page_row_fn row,
                     bool *goes_on_out, struct err *e)
{
    struct str key, value, behind;
    bool is_shown;
    int rc;

    while ((rc = cursor_next(cursor, &key, &value, e)) == DMCP_OK) {
        if (page_is_full(p)) {
            *goes_on_out = true;
            return DMCP_OK;
        }
        is_shown = false;
        rc = row(p, key, value, &is_shown, e);
        if (rc != DMCP_OK) {
            return rc;
        }
        behind = str_make(key.p + prefix_bytes, key.len - prefix_bytes);
        if (is_shown) {
            page_shown(p, behind);
        } else {
            page_passed(p, behind);
        }
    }
    *goes_on_out = false;
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

int page_scan(struct page *p, struct key prefix, page_row_fn row, bool *goes_on_out, struct err *e)
{
    struct key to = key_prefix_end(key_str(&prefix));
    struct cursor *cursor;
    struct buf from;
    int rc;

    buf_init(&from, 2 * KEY_BYTES_MAX);
    buf_add_str(&from, key_str(&prefix));
    rc = page_after(p, &from, e);
    if (rc == DMCP_OK && p->query->after.len) {
        buf_addc(&from, '\0'); /* the first key behind it */
    }
    if (rc == DMCP_OK) {
        cursor = store_scan(p->store,
                            &(struct range){ .from = buf_str(&from), .to = key_str(&to) });
        rc = show_rows(p, cursor, prefix.len, row, goes_on_out, e);
        cursor_close(cursor);
    }
    buf_fini(&from);
    return rc;
}

int page_read(struct page *p, struct key k, struct str *value_out, struct err *e)
{
    int rc;

    buf_reset(&p->value);
    rc = store_get(p->store, key_str(&k), &p->value, e);
    *value_out = buf_str(&p->value);
    return rc;
}

int page_corrupt(const char *what, struct str key, struct err *e)
{
    struct id id = { { 0 } };
    char hex[ID_HEX_BYTES + 1] = "";

    if (key_id(key, &id) == DMCP_OK) {
        id_to_hex(id, hex);
    }
    return err_set(e, DMCP_E_CORRUPT, "%s %s cannot be read", what, hex);
}

/* ---- members ---- */

void show_id(struct page *p, const char *name, struct id id)
{
    char hex[ID_HEX_BYTES + 1];

    id_to_hex(id, hex);
    jw_key(&p->w, name);
    jw_strz(&p->w, hex);
}

void show_text(struct page *p, const char *name, struct str text)
{
    jw_key(&p->w, name);
    jw_str(&p->w, text);
}

void show_uint(struct page *p, const char *name, uint64_t number)
{
    jw_key(&p->w, name);
    jw_uint(&p->w, number);
}

static void add_key(struct page *p, const char *name, const char *suffix)
{
    char key[64];

    snprintf(key, sizeof(key), "%s%s", name, suffix);
    jw_key(&p->w, key);
}

static void show_size(struct page *p, const char *name, struct str s)
{
    add_key(p, name, "_bytes");
    jw_uint(&p->w, s.len);
}

void show_json(struct page *p, const char *name, struct str json)
{
    yyjson_doc *doc = NULL;
    struct err e;

    show_size(p, name, json);
    if (json.len <= p->query->text && json_read(json, &doc, &e) == DMCP_OK) {
        jw_key(&p->w, name);
        jw_value(&p->w, yyjson_doc_get_root(doc));
        yyjson_doc_free(doc);
    } else {
        add_key(p, name, "_start");
        jw_str(&p->w, utf8_cut(json, p->query->text));
    }
}

void show_bytes(struct page *p, const char *name, struct str bytes)
{
    struct str part = bytes.len <= p->query->text ? bytes : utf8_cut(bytes, p->query->text);
    bool is_cut = part.len < bytes.len;

    show_size(p, name, bytes);
    if (utf8_is_valid(part)) {
        add_key(p, name, is_cut ? "_start" : "");
        jw_str(&p->w, part);
    } else {
        add_key(p, name, is_cut ? "_start_base64" : "_base64");
        jw_base64(&p->w, part);
    }
}
