/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of all calls, newest first, and that of the inputs which suspended ones wait for.
 */
#include "admin/alias.h"
#include "admin/facts.h"
#include "admin/newest.h"
#include "admin/view.h"

/* One call, if it is to be shown. */
typedef int (*show_fn)(struct page *p, const struct facts *f, bool *is_shown, struct err *e);

static int open_at_cursor(struct page *p, struct newest *n, enum key_kind kind,
                          const struct id *shard_of, struct err *e)
{
    struct id before;
    struct buf cursor;
    int rc;

    buf_init(&cursor, KEY_BYTES_MAX);
    rc = page_after(p, &cursor, e);
    if (rc == DMCP_OK && cursor.len != 0 && cursor.len != sizeof(before.b)) {
        rc = err_set(e, DMCP_E_INVALID, "\"after\" is not the \"next\" of an earlier page");
    }
    if (rc == DMCP_OK) {
        if (cursor.len) {
            memcpy(before.b, cursor.data, sizeof(before.b));
        }
        rc = newest_open(n, p->store, kind, cursor.len ? &before : NULL, shard_of, e);
    }
    buf_fini(&cursor);
    return rc;
}

static int show_one(struct page *p, struct id id, show_fn show, struct err *e)
{
    bool is_shown = false;
    struct facts f;
    int rc = facts_read(p, id, &f, e);

    if (rc == DMCP_OK) {
        rc = show(p, &f, &is_shown, e);
    }
    if (is_shown) {
        page_shown(p, id_bytes(&id));
    } else {
        page_passed(p, id_bytes(&id));
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc; /* deleted this moment */
}

static int show_calls(struct page *p, enum key_kind kind, const struct id *shard_of, show_fn show,
                      struct err *e)
{
    struct newest n;
    struct id id;
    int rc = open_at_cursor(p, &n, kind, shard_of, e);

    while (rc == DMCP_OK) {
        rc = newest_next(&n, &id, e);
        if (rc == DMCP_OK && page_is_full(p)) {
            page_end(p, true);
            return DMCP_OK;
        }
        if (rc == DMCP_OK) {
            rc = show_one(p, id, show, e);
        }
    }
    if (rc == DMCP_E_NOTFOUND) {
        page_end(p, false);
        rc = DMCP_OK;
    }
    return rc;
}

/* ---- calls ---- */

static int show_call(struct page *p, const struct facts *f, bool *is_shown, struct err *e)
{
    const struct admin_query *q = p->query;
    struct call_record r;
    int rc = facts_call(p, f->id, &r, e);

    if (rc == DMCP_OK && (!q->tool.p || str_eq(r.name, q->tool)) &&
        (!q->session.p || id_eq(r.session, q->session_id)) &&
        (q->view != DMCP_VIEW_SESSION || id_eq(r.session, q->id))) {
        jw_object(&p->w);
        facts_show(p, f, &r);
        jw_object_end(&p->w);
        *is_shown = true;
    }
    return rc;
}

static int list_calls(struct page *p, const struct id *session, struct err *e)
{
    const struct admin_query *q = p->query;
    enum key_kind kind = str_eqz(q->status, "unfinished")  ? KEY_UNFINISHED
                         : str_eqz(q->status, "suspended") ? KEY_SUSPENDED
                         : str_eqz(q->status, "finished")  ? KEY_RESULT
                                                           : KEY_CALL;

    page_list(p, "calls");
    return show_calls(p, kind, session, show_call, e);
}

int view_calls(struct page *p, struct err *e)
{
    return list_calls(p, p->query->session.p ? &p->query->session_id : NULL, e);
}

int view_calls_of(struct page *p, struct id session, struct err *e)
{
    return list_calls(p, &session, e);
}

/* ---- inputs ---- */

static void show_input(struct page *p, const struct facts *f, struct str tool, struct str alias,
                       const struct journal_record *r)
{
    struct buf what;

    buf_init(&what, SIZE_MAX / 2);
    alias_write(&what, alias, r->label);
    jw_object(&p->w);
    show_id(p, "call", f->id);
    show_text(p, "tool", tool);
    show_text(p, "kind", str_of(alias_kind(alias)));
    show_text(p, "name", alias_name(alias));
    show_text(p, "what", buf_str(&what));
    show_uint(p, "since_ms", r->at_ms);
    show_uint(p, "attempt", r->attempt);
    if (r->due_ms) {
        show_uint(p, "due_ms", r->due_ms);
    }
    jw_object_end(&p->w);
    buf_fini(&what);
}

static bool is_input(struct str alias)
{
    const char *kind = alias_kind(alias);

    return strcmp(kind, "question") == 0 || strcmp(kind, "signal") == 0;
}

static int show_waiting(struct page *p, const struct facts *f, struct str tool, struct str aliases,
                        bool *is_shown, struct err *e)
{
    struct key from = key_journal(f->id, aliases), to = key_prefix_end(key_str(&from));
    struct range range = { .from = key_str(&from), .to = key_str(&to) };
    struct cursor *cursor = store_scan(p->store, &range);
    struct str key, value, alias;
    struct journal_record r;
    int rc;

    while ((rc = cursor_next(cursor, &key, &value, e)) == DMCP_OK) {
        p->n_seen++;
        rc = key_journal_alias(key, &alias);
        if (rc == DMCP_OK) {
            rc = journal_record_dec(value, &r);
        }
        if (rc != DMCP_OK) {
            rc = page_corrupt("the journal of call", key, e);
            break;
        }
        if (r.state == STEP_STARTED && is_input(alias)) {
            show_input(p, f, tool, alias, &r);
            *is_shown = true;
        }
    }
    cursor_close(cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

static int show_inputs(struct page *p, const struct facts *f, bool *is_shown, struct err *e)
{
    const struct str places[] = { ALIAS_QUESTIONS, ALIAS_SIGNALS, ALIAS_ITERATIONS };
    struct call_record r;
    int rc = facts_call(p, f->id, &r, e);

    if (rc != DMCP_OK || (p->query->tool.p && !str_eq(r.name, p->query->tool))) {
        return rc;
    }
    for (size_t i = 0; i < COUNT_OF(places) && rc == DMCP_OK; i++) {
        rc = show_waiting(p, f, r.name, places[i], is_shown, e);
    }
    return rc;
}

int view_inputs(struct page *p, struct err *e)
{
    page_list(p, "inputs");
    return show_calls(p, KEY_SUSPENDED, NULL, show_inputs, e);
}
