/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling a store. See fill.h.
 */
#include "store/fill.h"

#include "store/keys.h"
#include "store/open.h"

/* Rows of other kinds than meta; those say nothing about a store that nobody used. */
static struct range all_but_meta(struct key *from, struct key *to)
{
    *from = key_kind_start((enum key_kind)(KEY_META + 1));
    *to = key_kind_start((enum key_kind)0xff);
    return (struct range){ .from = key_str(from), .to = key_str(to) };
}

static int check_empty(struct store *s, struct err *e)
{
    struct key from, to;
    struct range range = all_but_meta(&from, &to);
    struct cursor *c = store_scan(s, &range);
    struct str key, value;
    int rc = cursor_next(c, &key, &value, e);

    cursor_close(c);
    if (rc == DMCP_OK) {
        return err_set(e, DMCP_E_CONFLICT, "holds data already; name a new directory");
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

static int write_and_sync(struct store *s, const struct batch *b, struct err *e)
{
    uint64_t position;
    int rc = store_write(s, b, &position, e);

    return rc == DMCP_OK ? store_sync(s, position, e) : rc;
}

/* Throws away what an earlier filling left, and marks the store. */
static int begin(struct store *s, bool is_left, struct err *e)
{
    struct key from, to, mark = key_meta(META_FILLING);
    struct range range = all_but_meta(&from, &to);
    struct batch b;
    int rc;

    batch_init(&b);
    if (is_left) {
        batch_del_range(&b, range.from, range.to);
    }
    batch_put(&b, key_str(&mark), STR("1"));
    rc = write_and_sync(s, &b, e);
    batch_fini(&b);
    return rc;
}

int store_fill_begin(const char *name, struct store **store_out, struct err *e)
{
    struct store *s = NULL;
    bool is_left = false;
    int rc = store_open_any(name, &s, e);

    if (rc != DMCP_OK) {
        return rc;
    }
    rc = store_is_filling(s, &is_left, e);
    if (rc == DMCP_OK && !is_left) {
        rc = check_empty(s, e);
    }
    if (rc == DMCP_OK) {
        rc = begin(s, is_left, e);
    }
    if (rc != DMCP_OK) {
        store_close(s);
        return err_wrap(e, rc, "store %s", name);
    }
    *store_out = s;
    return DMCP_OK;
}

int store_fill_end(struct store *s, struct err *e)
{
    struct key mark = key_meta(META_FILLING);
    struct batch b;
    int rc;

    batch_init(&b);
    batch_del(&b, key_str(&mark)); /* later in the log than all rows: never durable without them */
    rc = write_and_sync(s, &b, e);
    batch_fini(&b);
    return rc;
}
