/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of all maps, and that of the entries of one.
 */
#include "admin/view.h"
#include "base/utf8.h"

#define COUNT_MAX 10000 /* entries counted of a map */

/* ---- one map ---- */

static int show_entry(struct page *p, struct str key, struct str value, bool *is_shown,
                      struct err *e)
{
    struct str map, map_key;

    if (key_map_parts(key, &map, &map_key) != DMCP_OK) {
        return err_set(e, DMCP_E_CORRUPT, "an entry of a map cannot be read");
    }
    jw_object(&p->w);
    show_text(p, "key", map_key);
    if (!utf8_is_valid(map_key)) {
        jw_key(&p->w, "key_base64");
        jw_base64(&p->w, map_key);
    }
    show_bytes(p, "value", value);
    jw_object_end(&p->w);
    *is_shown = true;
    return DMCP_OK;
}

int view_map(struct page *p, struct err *e)
{
    const struct admin_query *q = p->query;
    bool goes_on = false;
    int rc;

    show_text(p, "map", q->name);
    page_list(p, "entries");
    rc = page_scan(p, key_map(q->name, q->prefix), show_entry, &goes_on, e);
    if (rc == DMCP_OK) {
        page_end(p, goes_on);
    }
    return rc;
}

/* ---- all maps ---- */

static int count_entries(struct page *p, struct str map, size_t *n_out, struct err *e)
{
    struct key from = key_map(map, STR("")), to = key_prefix_end(key_str(&from));
    struct cursor *cursor = store_scan(
        p->store, &(struct range){ .from = key_str(&from), .to = key_str(&to) });
    struct str key, value;
    int rc = DMCP_OK;

    *n_out = 0;
    while (*n_out <= COUNT_MAX && (rc = cursor_next(cursor, &key, &value, e)) == DMCP_OK) {
        (*n_out)++;
    }
    cursor_close(cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

/* The first map from this key on; DMCP_E_NOTFOUND. */
static int find_map(struct page *p, struct str from, struct buf *name_out, struct err *e)
{
    struct key all = key_kind_start(KEY_MAP), to = key_prefix_end(key_str(&all));
    struct cursor *cursor = store_scan(p->store,
                                       &(struct range){ .from = from, .to = key_str(&to) });
    struct str key, value, map, map_key;
    int rc = cursor_next(cursor, &key, &value, e);

    if (rc == DMCP_OK) {
        rc = key_map_parts(key, &map, &map_key);
        buf_reset(name_out);
        buf_add_str(name_out, rc == DMCP_OK ? map : STR(""));
        if (rc != DMCP_OK || !buf_ok(name_out)) {
            rc = err_set(e, DMCP_E_CORRUPT, "an entry of a map cannot be read");
        }
    }
    cursor_close(cursor);
    return rc;
}

static int show_map(struct page *p, struct str name, struct err *e)
{
    size_t n;
    int rc = count_entries(p, name, &n, e);

    if (rc == DMCP_OK) {
        jw_object(&p->w);
        show_text(p, "name", name);
        show_uint(p, "entries", n < COUNT_MAX ? n : COUNT_MAX);
        jw_key(&p->w, "has_more");
        jw_bool(&p->w, n > COUNT_MAX);
        jw_object_end(&p->w);
        page_shown(p, name);
    }
    return rc;
}

/* Behind all entries of the map: its name, and instead of the NUL the byte after it. */
static void add_behind(struct buf *from, struct str name)
{
    buf_reset(from);
    buf_addc(from, (char)KEY_MAP);
    if (name.len) {
        buf_add_str(from, name);
        buf_addc(from, '\x01');
    }
}

static int show_maps(struct page *p, struct buf *from, struct buf *name, struct err *e)
{
    int rc = page_after(p, name, e);

    while (rc == DMCP_OK) {
        add_behind(from, buf_str(name));
        rc = find_map(p, buf_str(from), name, e);
        if (rc == DMCP_OK && page_is_full(p)) {
            page_end(p, true);
            return DMCP_OK;
        }
        if (rc == DMCP_OK) {
            rc = show_map(p, buf_str(name), e);
        }
    }
    if (rc == DMCP_E_NOTFOUND) {
        page_end(p, false);
        rc = DMCP_OK;
    }
    return rc;
}

int view_maps(struct page *p, struct err *e)
{
    struct buf from, name;
    int rc;

    page_list(p, "maps");
    buf_init(&from, 2 * KEY_BYTES_MAX);
    buf_init(&name, KEY_BYTES_MAX);
    rc = show_maps(p, &from, &name, e);
    buf_fini(&from);
    buf_fini(&name);
    return rc;
}
