/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of all sessions, whose ids are random, so that their order means nothing; and that of one,
 * with its calls.
 */
#include "admin/view.h"
#include "base/utf8.h"
#include "json/json.h"
#include "store/records.h"

/* RFC 5424's, as MCP has them; docs/FORMAT.md. */
static const char *const level_names[] = { "debug", "info",     "notice", "warning",
                                           "error", "critical", "alert",  "emergency" };

/* By themselves, too: a client may say more of itself than there is room for. */
static void show_client(struct page *p, struct str client_info)
{
    yyjson_doc *doc = NULL;
    struct err e;
    struct str name, version;

    if (json_read(client_info, &doc, &e) == DMCP_OK) {
        name = json_get_str(yyjson_doc_get_root(doc), "name");
        version = json_get_str(yyjson_doc_get_root(doc), "version");
        show_text(p, "client_name", utf8_cut(name, p->query->text));
        show_text(p, "client_version", utf8_cut(version, p->query->text));
        yyjson_doc_free(doc);
    }
    show_json(p, "client", client_info);
}

static void show_members(struct page *p, struct id id, const struct session_record *r)
{
    show_id(p, "id", id);
    show_uint(p, "created_ms", r->created_ms);
    show_uint(p, "seen_ms", r->seen_ms);
    show_text(p, "protocol_version", r->protocol_version);
    jw_key(&p->w, "is_initialized");
    jw_bool(&p->w, r->flags & SESSION_INITIALIZED);
    if (r->log_level < COUNT_OF(level_names)) {
        show_text(p, "log_level", str_of(level_names[r->log_level]));
    }
    if (r->principal.len) {
        show_text(p, "principal", r->principal);
    }
    show_client(p, r->client_info);
    show_json(p, "capabilities", r->capabilities);
}

/* ---- all ---- */

static int show_session(struct page *p, struct str key, struct str value, bool *is_shown,
                        struct err *e)
{
    struct session_record r;
    struct id id;

    if (key_id(key, &id) != DMCP_OK || session_record_dec(value, &r) != DMCP_OK) {
        return page_corrupt("session", key, e);
    }
    jw_object(&p->w);
    show_members(p, id, &r);
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

/* ---- one ---- */

/* Its own stream: how much was ever put on it, and how much of that some connection got. */
static int show_stream(struct page *p, struct id session, struct err *e)
{
    struct key k = key_of_id(KEY_STREAM, session);
    struct stream_record r = { .next = 1 };
    struct str value;
    int rc = page_read(p, k, &value, e);

    if (rc == DMCP_OK && stream_record_dec(value, &r) != DMCP_OK) {
        return page_corrupt("the stream of session", key_str(&k), e);
    }
    if (rc != DMCP_OK && rc != DMCP_E_NOTFOUND) {
        return rc;
    }
    show_uint(p, "events", r.next - 1);
    show_uint(p, "events_sent", r.sent);
    return DMCP_OK;
}

int view_session(struct page *p, struct err *e)
{
    struct id id = p->query->id;
    struct key k = key_of_id(KEY_SESSION, id);
    struct session_record r;
    struct str value;
    int rc = page_read(p, k, &value, e);

    if (rc == DMCP_E_NOTFOUND) {
        return err_set(e, rc, "there is no session %.*s", STR_FMT(p->query->name));
    }
    if (rc == DMCP_OK && session_record_dec(value, &r) != DMCP_OK) {
        rc = page_corrupt("session", key_str(&k), e);
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    jw_key(&p->w, "session");
    jw_object(&p->w);
    show_members(p, id, &r);
    rc = show_stream(p, id, e);
    jw_object_end(&p->w);
    return rc == DMCP_OK ? view_calls_of(p, id, e) : rc;
}
