/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a store by its name, and the version of what it holds.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/keys.h"
#include "store/open.h"

static int open_backend(const char *name, struct store **store_out, struct err *e)
{
    int rc;

    if (strcmp(name, "memory:") == 0) {
        *store_out = store_memory_new();
        return DMCP_OK;
    }
    /* Such a name may carry a password: it must not get into the text. */
    if (strncmp(name, "postgresql:", 11) == 0 || strncmp(name, "postgres:", 9) == 0) {
        return err_set(e, DMCP_E_INVALID,
                       "store: PostgreSQL is not supported yet; name a "
                       "directory, or memory:");
    }
    if (strstr(name, "://") || name[0] == '\0') {
        return err_set(e, DMCP_E_INVALID,
                       "store: unknown kind of name; name a directory, or "
                       "memory:");
    }
    rc = store_rocksdb_open(name, store_out, e);
    return rc ? err_wrap(e, rc, "store %s", name) : DMCP_OK;
}

/* ---- the version ---- */

static int is_empty(struct store *s, bool *is_empty_out, struct err *e)
{
    struct cursor *c = store_scan(s, &(struct range){ 0 });
    struct str key, value;
    int rc = cursor_next(c, &key, &value, e);

    cursor_close(c);
    if (rc != DMCP_OK && rc != DMCP_E_NOTFOUND) {
        return rc;
    }
    *is_empty_out = rc == DMCP_E_NOTFOUND;
    return DMCP_OK;
}

static int write_version(struct store *s, struct str key, struct err *e)
{
    struct batch b;
    struct buf text;
    uint64_t position;
    int rc;

    batch_init(&b);
    buf_init(&text, 16);
    buf_addf(&text, "%d", FORMAT_VERSION);
    batch_put(&b, key, buf_str(&text));
    rc = store_write(s, &b, &position, e);
    if (!rc) {
        rc = store_sync(s, position, e);
    }
    buf_fini(&text);
    batch_fini(&b);
    return rc;
}

static int compare_version(struct str text, struct err *e)
{
    uint64_t version;

    if (str_to_u64(text, UINT32_MAX, &version)) {
        return err_set(e, DMCP_E_VERSION,
                       "format \"%.*s\" is not a number: not a store of "
                       "durable-mcp",
                       STR_FMT(text));
    }
    if (version != FORMAT_VERSION) {
        return err_set(e, DMCP_E_VERSION,
                       "has format %u, this program reads format %d: use the release that wrote "
                       "it, or name a new directory",
                       (unsigned)version, FORMAT_VERSION);
    }
    return DMCP_OK;
}

static int check_version(struct store *s, struct err *e)
{
    struct key key = key_meta(META_FORMAT);
    bool is_new = false;
    struct buf text;
    int rc;

    buf_init(&text, 64);
    rc = store_get(s, key_str(&key), &text, e);
    if (rc == DMCP_OK) {
        rc = compare_version(buf_str(&text), e);
    } else if (rc == DMCP_E_TOOBIG) {
        rc = compare_version(STR("?"), e);
    } else if (rc == DMCP_E_NOTFOUND) {
        rc = is_empty(s, &is_new, e);
        if (!rc && is_new) {
            rc = write_version(s, key_str(&key), e);
        } else if (!rc) {
            rc = err_set(e, DMCP_E_VERSION,
                         "holds data without a format version: not a store of "
                         "durable-mcp");
        }
    }
    buf_fini(&text);
    return rc;
}

int store_open_any(const char *name, struct store **store_out, struct err *e)
{
    struct store *s = NULL;
    int rc = open_backend(name, &s, e);

    if (rc) {
        return rc;
    }
    rc = check_version(s, e);
    if (rc) {
        store_close(s);
        return err_wrap(e, rc, "store %s", name);
    }
    *store_out = s;
    return DMCP_OK;
}

/* ---- what is being filled ---- */

int store_is_filling(struct store *s, bool *is_filling_out, struct err *e)
{
    struct key key = key_meta(META_FILLING);
    struct buf value;
    int rc;

    buf_init(&value, 64);
    rc = store_get(s, key_str(&key), &value, e);
    buf_fini(&value);
    if (rc == DMCP_OK || rc == DMCP_E_NOTFOUND || rc == DMCP_E_TOOBIG) {
        *is_filling_out = rc != DMCP_E_NOTFOUND;
        return DMCP_OK;
    }
    return rc;
}

int store_open(const char *name, struct store **store_out, struct err *e)
{
    struct store *s = NULL;
    bool is_filling = false;
    int rc = store_open_any(name, &s, e);

    if (rc) {
        return rc;
    }
    rc = store_is_filling(s, &is_filling, e);
    if (!rc && is_filling) {
        rc = err_set(e, DMCP_E_CORRUPT,
                     "holds a part of what was to be imported; import it again, or delete the "
                     "directory");
    }
    if (rc) {
        store_close(s);
        return err_wrap(e, rc, "store %s", name);
    }
    *store_out = s;
    return DMCP_OK;
}
