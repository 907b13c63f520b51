/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries, to and from the target of a request. See query.h.
 */
#include "admin/query.h"

#include <inttypes.h>

#include "base/limits.h"
#include "base/utf8.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 1000
#define TEXT_DEFAULT 1024

static const char *const view_names[] = {
    [DMCP_VIEW_STORE] = "store",   [DMCP_VIEW_SESSIONS] = "sessions", [DMCP_VIEW_CALLS] = "calls",
    [DMCP_VIEW_CALL] = "call",     [DMCP_VIEW_MAPS] = "maps",         [DMCP_VIEW_MAP] = "map",
    [DMCP_VIEW_TIMERS] = "timers", [DMCP_VIEW_INPUTS] = "inputs", [DMCP_VIEW_SESSION] = "session",
};

static const struct {
    const char *name;
    size_t offset;
    bool is_number;
} parameters[] = {
    { "name", offsetof(struct admin_query, name), false },
    { "status", offsetof(struct admin_query, status), false },
    { "tool", offsetof(struct admin_query, tool), false },
    { "session", offsetof(struct admin_query, session), false },
    { "call", offsetof(struct admin_query, call), false },
    { "prefix", offsetof(struct admin_query, prefix), false },
    { "after", offsetof(struct admin_query, after), false },
    { "limit", offsetof(struct admin_query, limit), true },
    { "text", offsetof(struct admin_query, text), true },
};

static struct str *text_at(struct admin_query *q, size_t i)
{
    return (struct str *)(void *)((char *)q + parameters[i].offset);
}

static uint64_t *number_at(struct admin_query *q, size_t i)
{
    return (uint64_t *)(void *)((char *)q + parameters[i].offset);
}

/* ---- checking ---- */

int query_read_id(struct str text, struct id *id_out)
{
    char lower[ID_HEX_BYTES];

    if (text.len != ID_HEX_BYTES) {
        return id_from_uuid(text, id_out);
    }
    for (size_t i = 0; i < sizeof(lower); i++) {
        char c = text.p[i];

        lower[i] = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    }
    return id_from_hex(str_make(lower, sizeof(lower)), id_out);
}

int query_check_signal(struct str name, struct err *e)
{
    if (name.len == 0 || name.len > LIMIT_ALIAS_BYTES || (unsigned char)name.p[0] < ' ' ||
        memchr(name.p, 0, name.len) || !utf8_is_valid(name)) {
        return err_set(e, DMCP_E_INVALID,
                       "a signal has a name of 1 to %d bytes, which does not begin with a control "
                       "character",
                       LIMIT_ALIAS_BYTES);
    }
    return DMCP_OK;
}

static int read_id(struct str text, const char *what, struct id *id_out, struct err *e)
{
    if (text.p && query_read_id(text, id_out) != DMCP_OK) {
        return err_set(e, DMCP_E_INVALID, "%s \"%.*s\": an id is 32 hexadecimal digits", what,
                       (int)(text.len < 64 ? text.len : 64), text.p);
    }
    return DMCP_OK;
}

int query_check(struct admin_query *q, struct err *e)
{
    bool has_id = q->view == DMCP_VIEW_CALL || q->view == DMCP_VIEW_SESSION;
    int rc;

    if ((unsigned)q->view >= COUNT_OF(view_names)) {
        return err_set(e, DMCP_E_INVALID, "there is no view %d", (int)q->view);
    }
    if ((has_id || q->view == DMCP_VIEW_MAP) && q->name.len == 0) {
        return err_set(e, DMCP_E_INVALID, "which %s? its %s is missing", view_names[q->view],
                       has_id ? "id" : "name");
    }
    if (q->status.p && !str_eqz(q->status, "unfinished") && !str_eqz(q->status, "suspended") &&
        !str_eqz(q->status, "finished")) {
        return err_set(e, DMCP_E_INVALID,
                       "status \"%.*s\": a call is unfinished, suspended or finished",
                       (int)(q->status.len < 64 ? q->status.len : 64), q->status.p);
    }
    if (q->name.len > LIMIT_NAME_BYTES || q->prefix.len > LIMIT_MAP_KEY_BYTES) {
        return err_set(e, DMCP_E_INVALID, "a name has at most %d bytes, a key %d", LIMIT_NAME_BYTES,
                       LIMIT_MAP_KEY_BYTES);
    }
    if (q->limit > LIMIT_MAX || q->text > LIMIT_RESULT_BYTES) {
        return err_set(e, DMCP_E_INVALID, "a page has at most %d entries, a text %u bytes",
                       LIMIT_MAX, LIMIT_RESULT_BYTES);
    }
    q->limit = q->limit ? q->limit : LIMIT_DEFAULT;
    q->text = q->text ? q->text : TEXT_DEFAULT;
    rc = read_id(has_id ? q->name : q->call, has_id ? view_names[q->view] : "call", &q->id, e);
    return rc == DMCP_OK ? read_id(q->session, "session", &q->session_id, e) : rc;
}

/* ---- writing ---- */

static void write_encoded(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_' || c == '~') {
            buf_addc(b, (char)c);
        } else {
            buf_addf(b, "%%%02X", c);
        }
    }
}

void query_write(struct buf *target, const struct admin_query *q)
{
    struct admin_query copy = *q;
    char before = '?';

    buf_addf(target, "%s%s", QUERY_PATH, view_names[q->view]);
    for (size_t i = 0; i < COUNT_OF(parameters); i++) {
        if (parameters[i].is_number ? *number_at(&copy, i) == 0 : !text_at(&copy, i)->p) {
            continue;
        }
        buf_addf(target, "%c%s=", before, parameters[i].name);
        if (parameters[i].is_number) {
            buf_addf(target, "%" PRIu64, *number_at(&copy, i));
        } else {
            write_encoded(target, *text_at(&copy, i));
        }
        before = '&';
    }
}

/* ---- reading ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static int read_encoded(struct arena *a, struct str s, struct str *out, struct err *e)
{
    char *text = arena_alloc(a, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        int high, low;

        if (s.p[i] != '%') {
            text[n++] = s.p[i];
            continue;
        }
        high = s.len - i > 2 ? hex_digit(s.p[i + 1]) : -1;
        low = s.len - i > 2 ? hex_digit(s.p[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return err_set(e, DMCP_E_INVALID, "a %% without two hexadecimal digits behind it");
        }
        text[n++] = (char)(high << 4 | low);
        i += 2;
    }
    *out = str_make(text, n);
    return DMCP_OK;
}

static int read_parameter(struct arena *a, struct str part, struct admin_query *q, struct err *e)
{
    const char *equals = part.len ? memchr(part.p, '=', part.len) : NULL;
    struct str name = str_make(part.p, equals ? (size_t)(equals - part.p) : part.len);
    struct str value = equals ? str_make(equals + 1, part.len - name.len - 1) : STR("");

    for (size_t i = 0; i < COUNT_OF(parameters); i++) {
        if (!str_eqz(name, parameters[i].name)) {
            continue;
        }
        if (!parameters[i].is_number) {
            return read_encoded(a, value, text_at(q, i), e);
        }
        if (str_to_u64(value, UINT32_MAX, number_at(q, i)) != DMCP_OK) {
            return err_set(e, DMCP_E_INVALID, "%s is not a number", parameters[i].name);
        }
        return DMCP_OK;
    }
    return err_set(e, DMCP_E_INVALID, "there is no parameter \"%.*s\"",
                   (int)(name.len < 64 ? name.len : 64), name.p);
}

int query_read(struct arena *a, struct str path, struct str text, struct admin_query *q,
               struct err *e)
{
    size_t view = 0;
    int rc = DMCP_OK;

    *q = (struct admin_query){ 0 };
    while (view < COUNT_OF(view_names) && !str_eqz(path, view_names[view])) {
        view++;
    }
    if (view == COUNT_OF(view_names)) {
        return err_set(e, DMCP_E_INVALID, "there is no view \"%.*s\"",
                       (int)(path.len < 64 ? path.len : 64), path.p);
    }
    q->view = (dmcp_view)view;
    while (text.len > 0 && rc == DMCP_OK) {
        const char *end = memchr(text.p, '&', text.len);
        struct str part = str_make(text.p, end ? (size_t)(end - text.p) : text.len);

        text = end ? str_make(end + 1, text.len - part.len - 1) : STR("");
        rc = read_parameter(a, part, q, e);
    }
    return rc == DMCP_OK ? query_check(q, e) : rc;
}
