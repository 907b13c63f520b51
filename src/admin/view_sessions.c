/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of all sessions. Their ids are random, so their order means nothing.
 */
#include "admin/view.h"
#include "store/records.h"

/* RFC 5424's, as MCP has them; docs/FORMAT.md. */
static const char *const level_names[] = { "debug", "info",     "notice", "warning",
                                           "error", "critical", "alert",  "emergency" };

static int show_session(struct page *p, struct str key, struct str value, bool *is_shown,
                        struct err *e)
{
    struct session_record r;
    struct id id;

    if (key_id(key, &id) != DMCP_OK || session_record_dec(value, &r) != DMCP_OK) {
        return page_corrupt("session", key, e);
    }
    jw_object(&p->w);
    show_id(p, "id", id);
    show_uint(p, "created_ms", r.created_ms);
    show_uint(p, "seen_ms", r.seen_ms);
    show_text(p, "protocol_version", r.protocol_version);
    jw_key(&p->w, "is_initialized");
    jw_bool(&p->w, r.flags & SESSION_INITIALIZED);
    if (r.log_level < COUNT_OF(level_names)) {
        show_text(p, "log_level", str_of(level_names[r.log_level]));
    }
    if (r.principal.len) {
        show_text(p, "principal", r.principal);
    }
    show_json(p, "client", r.client_info);
    show_json(p, "capabilities", r.capabilities);
    jw_object_end(&p->w);
    *is_shown = true;
    return DMCP_OK;
}

int view_sessions(struct page *p, struct err *e)
{
    bool goes_on = false;
    int rc;

    page_list(p, "sessions");
    rc = page_scan(p, key_kind_start(KEY_SESSION), show_session, &goes_on, e);
    if (rc == DMCP_OK) {
        page_end(p, goes_on);
    }
    return rc;
}
