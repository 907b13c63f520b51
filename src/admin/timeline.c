/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first moments of a journal. See timeline.h.
 */
#include "admin/timeline.h"

#include "store/keys.h"
#include "store/records.h"

static int compare(const struct moment *a, const struct moment *b)
{
    if (a->at_ms != b->at_ms) {
        return a->at_ms < b->at_ms ? -1 : 1;
    }
    return a->is_open != b->is_open ? a->is_open - b->is_open : str_cmp(a->alias, b->alias);
}

static void free_alias(struct moment *m)
{
    mem_free((void *)(uintptr_t)m->alias.p);
}

/* Keeps the order, and drops the last when there are too many. */
static void add(struct timeline *t, const struct moment *m)
{
    size_t low = 0, high = t->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(&t->moments[middle], m) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == t->max) {
        t->goes_on = true;
        return;
    }
    memmove(t->moments + low + 1, t->moments + low, (t->n - low) * sizeof(*m));
    t->moments[low] = *m;
    t->moments[low].alias.p = mem_dup(m->alias.p, m->alias.len);
    t->n++;
    if (t->n > t->max) {
        free_alias(&t->moments[--t->n]);
        t->goes_on = true;
    }
}

static int read_moment(struct str key, struct str value, struct moment *m)
{
    struct journal_record r;

    if (key_journal_alias(key, &m->alias) != DMCP_OK || journal_record_dec(value, &r) != DMCP_OK) {
        return DMCP_E_CORRUPT;
    }
    m->at_ms = r.at_ms;
    m->is_open = r.state == STEP_STARTED;
    return DMCP_OK;
}

int timeline_read(struct timeline *t, struct store *s, struct id call, const struct moment *after,
                  size_t max, struct err *e)
{
    struct key from = key_journal(call, STR("")), to = key_prefix_end(key_str(&from));
    struct range range = { .from = key_str(&from), .to = key_str(&to) };
    struct cursor *cursor = store_scan(s, &range);
    struct str key, value;
    struct moment m;
    int rc;

    *t = (struct timeline){ .moments = mem_zalloc_n(max + 1, sizeof(m)), .max = max };
    while ((rc = cursor_next(cursor, &key, &value, e)) == DMCP_OK) {
        rc = read_moment(key, value, &m);
        if (rc != DMCP_OK) {
            rc = err_set(e, rc, "a row of the call's journal cannot be read");
            break;
        }
        if (!after || compare(&m, after) > 0) {
            add(t, &m);
        }
    }
    cursor_close(cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

void timeline_fini(struct timeline *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free_alias(&t->moments[i]);
    }
    mem_free(t->moments);
}
