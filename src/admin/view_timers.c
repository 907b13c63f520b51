/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of the timers, the next one first.
 *
 * A timer whose call got what it waited for before the time came stays in the store until it is
 * due, and then does nothing: it is shown as stale.
 */
#include "admin/alias.h"
#include "admin/facts.h"
#include "admin/view.h"

static int is_stale(struct page *p, struct id call, struct str alias, bool *is_stale_out,
                    struct err *e)
{
    struct journal_record r;
    struct facts f;
    struct str value;
    int rc = facts_read(p, call, &f, e);

    if (rc != DMCP_OK || facts_is_over(&f)) {
        *is_stale_out = true;
        return rc;
    }
    if (strcmp(alias_kind(alias), "time limit") == 0) {
        *is_stale_out = false;
        return DMCP_OK;
    }
    rc = page_read(p, key_journal(call, alias), &value, e);
    if (rc == DMCP_OK && journal_record_dec(value, &r) != DMCP_OK) {
        rc = err_set(e, DMCP_E_CORRUPT, "a row of a call's journal cannot be read");
    }
    *is_stale_out = rc != DMCP_OK || r.state != STEP_STARTED;
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

/* Others continue work that was too much for one time. */
static bool is_of_call(struct str alias)
{
    const char *kind = alias_kind(alias);

    return strcmp(kind, "wake") != 0 && strcmp(kind, "close") != 0;
}

static int show_timer(struct page *p, struct str key, struct str value, bool *is_shown,
                      struct err *e)
{
    bool stale = false;
    uint64_t due_ms;
    struct str alias;
    struct id call;
    struct buf what;
    int rc = DMCP_OK;

    (void)value; /* a timer is its key */
    if (key_timer_parts(key, &due_ms, &call, &alias) != DMCP_OK) {
        return err_set(e, DMCP_E_CORRUPT, "a timer cannot be read");
    }
    if (p->query->call.p && !id_eq(call, p->query->id)) {
        return DMCP_OK;
    }
    if (is_of_call(alias)) {
        rc = is_stale(p, call, alias, &stale, e);
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    buf_init(&what, SIZE_MAX / 2);
    alias_write(&what, alias, STR(""));
    jw_object(&p->w);
    show_uint(p, "due_ms", due_ms);
    show_id(p, strcmp(alias_kind(alias), "close") == 0 ? "session" : "call", call);
    show_text(p, "kind", str_of(alias_kind(alias)));
    show_text(p, "what", buf_str(&what));
    jw_key(&p->w, "is_stale");
    jw_bool(&p->w, stale);
    jw_object_end(&p->w);
    buf_fini(&what);
    *is_shown = true;
    return DMCP_OK;
}

int view_timers(struct page *p, struct err *e)
{
    bool goes_on = false;
    int rc;

    page_list(p, "timers");
    rc = page_scan(p, key_kind_start(KEY_TIMER), show_timer, &goes_on, e);
    if (rc == DMCP_OK) {
        page_end(p, goes_on);
    }
    return rc;
}
