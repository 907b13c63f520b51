/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of the store as a whole: how much of everything there is. Counting stops at some point,
 * and the answer says so.
 */
#include "admin/view.h"
#include "store/open.h"

#define COUNT_ROWS 100000
#define COUNT_BYTES (256 * MIB)

static const struct {
    const char *name;
    enum key_kind kind;
} counted[] = {
    { "sessions", KEY_SESSION },      { "unfinished_calls", KEY_UNFINISHED },
    { "finished_calls", KEY_RESULT }, { "suspended_calls", KEY_SUSPENDED },
    { "open_questions", KEY_INPUT },  { "timers", KEY_TIMER },
    { "map_entries", KEY_MAP },
};

static int count(struct page *p, enum key_kind kind, size_t *n_out, bool *has_more_out,
                 struct err *e)
{
    struct key from = key_kind_start(kind), to = key_prefix_end(key_str(&from));
    struct cursor *cursor = store_scan(
        p->store, &(struct range){ .from = key_str(&from), .to = key_str(&to) });
    struct str key, value;
    size_t bytes = 0;
    int rc;

    *n_out = 0;
    *has_more_out = false;
    while ((rc = cursor_next(cursor, &key, &value, e)) == DMCP_OK) {
        if (*n_out >= COUNT_ROWS || bytes >= COUNT_BYTES) {
            *has_more_out = true;
            break;
        }
        ++*n_out;
        bytes += key.len + value.len;
    }
    cursor_close(cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

static int show_meta(struct page *p, const char *member, const char *name, struct err *e)
{
    uint64_t number = 0;
    struct str value;
    int rc = page_read(p, key_meta(name), &value, e);

    if (rc == DMCP_OK && str_to_u64(value, UINT64_MAX, &number) == DMCP_OK) {
        show_uint(p, member, number);
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

int view_store(struct page *p, struct err *e)
{
    bool has_more[COUNT_OF(counted)];
    int rc = show_meta(p, "format", META_FORMAT, e);

    if (rc == DMCP_OK) {
        rc = show_meta(p, "starts", "epoch", e);
    }
    for (size_t i = 0; i < COUNT_OF(counted) && rc == DMCP_OK; i++) {
        size_t n = 0;

        rc = count(p, counted[i].kind, &n, &has_more[i], e);
        show_uint(p, counted[i].name, n);
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    page_list(p, "at_least"); /* the counts that stopped early */
    for (size_t i = 0; i < COUNT_OF(counted); i++) {
        if (has_more[i]) {
            jw_strz(&p->w, counted[i].name);
        }
    }
    page_end(p, false);
    return DMCP_OK;
}
