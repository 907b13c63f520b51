/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of one call: what it was asked, how it ended, and its journal as a timeline.
 *
 * Its cursor is a moment: | at 8 | is open 1 | alias ... |.
 */
#include "admin/alias.h"
#include "admin/facts.h"
#include "admin/timeline.h"
#include "admin/view.h"
#include "base/codec.h"

/* ---- the journal ---- */

static const char *guard_name(const struct journal_record *r)
{
    return r->guard == GUARD_AT_LEAST_ONCE  ? "at_least_once"
           : r->guard == GUARD_AT_MOST_ONCE ? "at_most_once"
                                            : NULL;
}

/* That its time is over is what a sleep waited for. */
static const char *state_name(struct str kind, const struct journal_record *r)
{
    switch ((enum step_state)r->state) {
    case STEP_STARTED:
        return "started";
    case STEP_DONE:
        return "done";
    case STEP_FAILED:
        return "failed";
    case STEP_EXPIRED:
        return str_eqz(kind, "sleep") || str_eqz(kind, "retry") ? "done" : "expired";
    }
    return "unknown";
}

/* A loop's row has the last iteration's result while it goes on. */
static void show_outcome(struct page *p, struct str kind, const struct journal_record *r)
{
    if (r->state == STEP_FAILED) {
        show_bytes(p, "reason", r->body);
    } else if (r->body.len && (r->state == STEP_DONE || str_eqz(kind, "loop"))) {
        show_json(p, "result", r->body);
    }
    if (r->state == STEP_STARTED && r->due_ms) {
        show_uint(p, "due_ms", r->due_ms);
    }
}

static void show_entry(struct page *p, struct str alias, const struct journal_record *r)
{
    struct str kind = str_of(alias_kind(alias));
    const char *guard = guard_name(r);
    struct buf what;

    buf_init(&what, SIZE_MAX / 2);
    alias_write(&what, alias, r->label);
    jw_object(&p->w);
    show_text(p, "what", buf_str(&what));
    show_text(p, "kind", kind);
    if (guard) {
        show_text(p, "guard", str_of(guard));
    }
    show_text(p, "state", str_of(state_name(kind, r)));
    show_uint(p, "attempt", r->attempt);
    show_uint(p, "at_ms", r->at_ms);
    show_outcome(p, kind, r);
    jw_object_end(&p->w);
    buf_fini(&what);
}

static int show_moment(struct page *p, struct id call, const struct moment *m, struct err *e)
{
    struct key k = key_journal(call, m->alias);
    struct journal_record r;
    struct buf cursor;
    struct str value;
    int rc = page_read(p, k, &value, e);

    if (rc == DMCP_OK && journal_record_dec(value, &r) != DMCP_OK) {
        rc = page_corrupt("the journal of call", key_str(&k), e);
    } else if (rc == DMCP_OK) {
        show_entry(p, m->alias, &r);
    }
    buf_init(&cursor, KEY_BYTES_MAX);
    enc_u64(&cursor, m->at_ms);
    enc_u8(&cursor, m->is_open);
    buf_add_str(&cursor, m->alias);
    page_shown(p, buf_str(&cursor));
    buf_fini(&cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc; /* reset this moment */
}

static int read_cursor(const struct page *p, struct buf *bytes, struct moment *m, struct err *e)
{
    struct decoder d;
    int rc = page_after(p, bytes, e);

    if (rc == DMCP_OK && bytes->len) {
        d = (struct decoder){ .rest = buf_str(bytes) };
        m->at_ms = dec_u64(&d);
        m->is_open = dec_u8(&d);
        m->alias = d.rest;
        if (d.failed) {
            rc = err_set(e, DMCP_E_INVALID, "\"after\" is not the \"next\" of an earlier page");
        }
    }
    return rc;
}

static int show_journal(struct page *p, struct id call, struct err *e)
{
    struct timeline t = { 0 };
    struct moment after;
    struct buf cursor;
    size_t i = 0;
    int rc;

    page_list(p, "journal");
    buf_init(&cursor, KEY_BYTES_MAX);
    rc = read_cursor(p, &cursor, &after, e);
    if (rc == DMCP_OK) {
        rc = timeline_read(&t, p->store, call, cursor.len ? &after : NULL, p->query->limit, e);
    }
    for (; i < t.n && rc == DMCP_OK && !page_is_full(p); i++) {
        rc = show_moment(p, call, &t.moments[i], e);
    }
    if (rc == DMCP_OK) {
        page_end(p, i < t.n || t.goes_on);
    }
    timeline_fini(&t);
    buf_fini(&cursor);
    return rc;
}

/* ---- the call ---- */

static int show_result(struct page *p, struct id call, struct err *e)
{
    struct key k = key_of_id(KEY_RESULT, call);
    struct result_record r;
    struct str value;
    int rc = page_read(p, k, &value, e);

    if (rc == DMCP_OK && result_record_dec(value, &r) != DMCP_OK) {
        rc = page_corrupt("the result of call", key_str(&k), e);
    }
    if (rc == DMCP_OK) {
        show_json(p, r.outcome == OUTCOME_RESULT ? "result" : "error", r.body);
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

int view_call(struct page *p, struct err *e)
{
    struct id id = p->query->id;
    struct call_record r;
    struct facts f;
    int rc = facts_read(p, id, &f, e);

    if (rc == DMCP_OK) {
        rc = facts_call(p, id, &r, e);
    }
    if (rc == DMCP_E_NOTFOUND) {
        return err_set(e, rc, "there is no call %.*s", STR_FMT(p->query->name));
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    jw_key(&p->w, "call");
    jw_object(&p->w);
    facts_show(p, &f, &r);
    show_json(p, "params", r.params);
    if (f.status == CALL_FINISHED) {
        rc = show_result(p, id, e);
    }
    jw_object_end(&p->w);
    return rc == DMCP_OK ? show_journal(p, id, e) : rc;
}
