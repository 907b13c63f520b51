/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of one call. See facts.h.
 */
#include "admin/facts.h"

#include "json/json.h"

#define READ_TRIES 3         /* a call may move from row to row while it is looked for */
#define ERROR_LOOK_BYTES MIB /* a larger result is not opened only to see whether it is an error */

/* ---- reading ---- */

static int read_unfinished(struct page *p, enum key_kind kind, struct facts *f, struct err *e)
{
    struct key k = key_of_id(kind, f->id);
    struct str value;
    int rc = page_read(p, k, &value, e);

    if (rc == DMCP_OK && unfinished_record_dec(value, &f->unfinished) != DMCP_OK) {
        rc = page_corrupt("the unfinished call", key_str(&k), e);
    }
    return rc;
}

/* Source: MCP, tools, "Error Handling": isError of the result. */
static bool is_tool_error(struct str body)
{
    yyjson_doc *doc = NULL;
    bool is_error = false;
    struct err e;

    if (body.len <= ERROR_LOOK_BYTES && json_read(body, &doc, &e) == DMCP_OK) {
        if (json_get_bool(yyjson_doc_get_root(doc), "isError", &is_error) != DMCP_OK) {
            is_error = false;
        }
        yyjson_doc_free(doc);
    }
    return is_error;
}

static int read_result(struct page *p, struct facts *f, struct err *e)
{
    struct key k = key_of_id(KEY_RESULT, f->id);
    struct result_record r;
    struct str value;
    int rc = page_read(p, k, &value, e);

    if (rc == DMCP_OK && result_record_dec(value, &r) != DMCP_OK) {
        rc = page_corrupt("the result of call", key_str(&k), e);
    }
    if (rc == DMCP_OK) {
        f->outcome = r.outcome;
        f->finished_ms = r.finished_ms;
        f->n_events = r.n_events;
        f->is_error = r.outcome == OUTCOME_ERROR || is_tool_error(r.body);
    }
    return rc;
}

/* In the order in which a call goes, so that one that moves on meanwhile is met again. */
static int read_once(struct page *p, struct facts *f, struct err *e)
{
    int rc = read_unfinished(p, KEY_UNFINISHED, f, e);

    f->status = CALL_UNFINISHED;
    if (rc == DMCP_E_NOTFOUND) {
        rc = read_unfinished(p, KEY_SUSPENDED, f, e);
        f->status = CALL_WAITING;
    }
    if (rc == DMCP_E_NOTFOUND) {
        rc = read_result(p, f, e);
        f->status = CALL_FINISHED;
    }
    return rc;
}

int facts_read(struct page *p, struct id call, struct facts *f_out, struct err *e)
{
    int rc = DMCP_E_NOTFOUND;

    for (int i = 0; i < READ_TRIES && rc == DMCP_E_NOTFOUND; i++) {
        *f_out = (struct facts){ .id = call };
        rc = read_once(p, f_out, e);
    }
    if (rc == DMCP_E_NOTFOUND) {
        f_out->status = CALL_UNKNOWN;
        rc = DMCP_OK;
    }
    return rc;
}

int facts_call(struct page *p, struct id call, struct call_record *r_out, struct err *e)
{
    struct key k = key_of_id(KEY_CALL, call);
    struct str value;
    int rc = page_read(p, k, &value, e);

    if (rc == DMCP_OK && call_record_dec(value, r_out) != DMCP_OK) {
        rc = page_corrupt("call", key_str(&k), e);
    }
    return rc;
}

bool facts_is_over(const struct facts *f)
{
    return f->status == CALL_FINISHED || f->status == CALL_UNKNOWN;
}

/* ---- showing ---- */

static const char *const status_names[] = { [CALL_UNFINISHED] = "unfinished",
                                            [CALL_WAITING] = "suspended",
                                            [CALL_FINISHED] = "finished",
                                            [CALL_UNKNOWN] = "unknown" };
static const char *const outcome_names[] = {
    [OUTCOME_RESULT] = "result", [OUTCOME_ERROR] = "error", [OUTCOME_CANCELLED] = "cancelled"
};
static const char *const method_names[] = {
    [CALL_TOOL] = "tool", [CALL_PROMPT] = "prompt", [CALL_RESOURCE] = "resource",
    [CALL_NOTICE] = "notice"
};

static void show_request_id(struct page *p, struct str json)
{
    yyjson_doc *doc = NULL;
    struct err e;

    if (json.len > 0 && json_read(json, &doc, &e) == DMCP_OK) {
        jw_key(&p->w, "request_id");
        jw_value(&p->w, yyjson_doc_get_root(doc));
        yyjson_doc_free(doc);
    }
}

static void show_flag(struct page *p, const struct facts *f, uint8_t flag, const char *name)
{
    if (f->unfinished.flags & flag) {
        jw_key(&p->w, name);
        jw_bool(&p->w, true);
    }
}

static void show_progress(struct page *p, const struct facts *f)
{
    if (f->status == CALL_FINISHED) {
        show_text(p, "outcome", str_of(outcome_names[f->outcome]));
        jw_key(&p->w, "is_error");
        jw_bool(&p->w, f->is_error);
        show_uint(p, "finished_ms", f->finished_ms);
        show_uint(p, "events", f->n_events);
    } else if (f->status != CALL_UNKNOWN) {
        show_uint(p, "attempt", f->unfinished.attempt);
        show_uint(p, "crashes", f->unfinished.crashes);
        show_flag(p, f, UNFINISHED_CANCELLED, "is_cancelled");
        show_flag(p, f, UNFINISHED_LATE, "is_late");
        if (f->unfinished.told_ms) {
            show_uint(p, "told_ms", f->unfinished.told_ms);
        }
        show_flag(p, f, UNFINISHED_ASKING, "is_asking");
        show_flag(p, f, UNFINISHED_WATCHING, "is_watching");
    }
}

void facts_show(struct page *p, const struct facts *f, const struct call_record *r)
{
    static const struct id no_id;

    show_id(p, "id", f->id);
    show_text(p, method_names[r->method], r->name);
    show_text(p, "status", str_of(status_names[f->status]));
    show_progress(p, f);
    show_uint(p, "created_ms", r->created_ms);
    if (!id_eq(r->session, no_id)) {
        show_id(p, "session", r->session);
    }
    show_request_id(p, r->request_id);
    show_text(p, "era", r->era == CALL_LEGACY ? STR("legacy") : STR("modern"));
}
