/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of what a store holds. See show.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "show.h"

/* ---- members ---- */

static uint64_t number(yyjson_val *v, const char *name)
{
    return yyjson_get_uint(yyjson_obj_get(v, name));
}

static const char *text(yyjson_val *v, const char *name)
{
    const char *s = yyjson_get_str(yyjson_obj_get(v, name));

    return s ? s : "";
}

static bool is_set(yyjson_val *v, const char *name)
{
    return yyjson_get_bool(yyjson_obj_get(v, name));
}

static void add_text(struct table *t, yyjson_val *string)
{
    table_add_text(t, yyjson_is_str(string) ? yyjson_get_str(string) : "", yyjson_get_len(string));
}

static void add_member(struct table *t, yyjson_val *v, const char *name)
{
    add_text(t, yyjson_obj_get(v, name));
}

static void add_time(struct table *t, yyjson_val *v, const char *name)
{
    char when[WHEN_BYTES];

    table_add(t, "%s", when_write(number(v, name), when));
}

static yyjson_val *suffixed(yyjson_val *v, const char *name, const char *suffix)
{
    char key[64];

    snprintf(key, sizeof(key), "%s%s", name, suffix);
    return yyjson_obj_get(v, key);
}

/* A value as it stands in the store: whole, or its beginning and how long it is. */
static void add_value(struct table *t, yyjson_val *v, const char *name)
{
    yyjson_val *whole = yyjson_obj_get(v, name), *start = suffixed(v, name, "_start");
    uint64_t bytes = yyjson_get_uint(suffixed(v, name, "_bytes"));
    char *json = whole ? yyjson_val_write(whole, 0, NULL) : NULL;
    yyjson_val *base64 = suffixed(v, name, "_base64");

    if (!base64) {
        base64 = suffixed(v, name, "_start_base64");
    }
    if (json) {
        table_add_text(t, json, strlen(json));
        free(json);
    } else if (start || base64) {
        const char *beginning = yyjson_get_str(start ? start : base64);

        table_add(t, "%s%s... (%" PRIu64 " bytes)", base64 ? "base64 " : "",
                  beginning ? beginning : "", bytes);
    } else {
        table_add(t, "%s", "");
    }
}

/* ---- calls ---- */

/* One that is to end and has not says since when. */
static void add_unfinished(struct table *t, yyjson_val *call)
{
    char when[WHEN_BYTES];
    const char *why = is_set(call, "is_cancelled") ? ", cancelled"
                      : is_set(call, "is_late")    ? ", its time is over"
                                                   : "";

    if (number(call, "told_ms")) {
        table_add(t, "%s%s since %s", text(call, "status"), why,
                  when_write(number(call, "told_ms"), when));
    } else {
        table_add(t, "%s%s", text(call, "status"), why);
    }
}

static void add_status(struct table *t, yyjson_val *call)
{
    if (strcmp(text(call, "status"), "finished") == 0) {
        bool is_error = is_set(call, "is_error") && strcmp(text(call, "outcome"), "result") == 0;

        table_add(t, "finished: %s", is_error ? "tool error" : text(call, "outcome"));
    } else {
        add_unfinished(t, call);
    }
}

static const char *handler_name(yyjson_val *call)
{
    const char *const methods[] = { "tool", "prompt", "resource", "notice" };

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (yyjson_obj_get(call, methods[i])) {
            return methods[i];
        }
    }
    return "tool";
}

static void show_calls(yyjson_val *page)
{
    struct table t;
    size_t i, n;
    yyjson_val *call;

    table_begin(&t, "CALL|NAME|STATUS|ATTEMPT|STARTED|TOOK");
    yyjson_arr_foreach (yyjson_obj_get(page, "calls"), i, n, call) {
        uint64_t started = number(call, "created_ms"), ended = number(call, "finished_ms");
        char span[WHEN_BYTES];

        add_member(&t, call, "id");
        add_member(&t, call, handler_name(call));
        add_status(&t, call);
        if (ended) {
            table_add(&t, "%s", "");
        } else {
            table_add(&t, "%" PRIu64, number(call, "attempt"));
        }
        add_time(&t, call, "created_ms");
        table_add(&t, "%s", ended >= started ? when_span(ended - started, span) : "");
    }
    table_print(&t);
}

/* ---- one call ---- */

static void add_line(struct table *t, const char *head)
{
    table_add(t, "%s", head);
}

static void show_head(yyjson_val *call)
{
    struct table t;

    table_begin(&t, "CALL|");
    add_line(&t, "id");
    add_member(&t, call, "id");
    add_line(&t, handler_name(call));
    add_member(&t, call, handler_name(call));
    add_line(&t, "status");
    add_status(&t, call);
    if (number(call, "attempt")) {
        add_line(&t, "attempt");
        table_add(&t, "%" PRIu64 ", after %" PRIu64 " crashes", number(call, "attempt"),
                  number(call, "crashes"));
    }
    add_line(&t, "session");
    add_member(&t, call, "session");
    add_line(&t, "started");
    add_time(&t, call, "created_ms");
    if (number(call, "finished_ms")) {
        add_line(&t, "finished");
        add_time(&t, call, "finished_ms");
    }
    add_line(&t, "params");
    add_value(&t, call, "params");
    if (number(call, "finished_ms")) {
        bool has_result = suffixed(call, "result", "_bytes") != NULL;

        add_line(&t, has_result ? "result" : "error");
        add_value(&t, call, has_result ? "result" : "error");
    }
    table_print(&t);
}

/* A wait that has begun is not work in progress. */
static const char *state_name(yyjson_val *entry)
{
    const char *const waits[] = { "question", "signal", "sleep", "retry", "until" };

    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        if (strcmp(text(entry, "kind"), waits[i]) == 0 &&
            strcmp(text(entry, "state"), "started") == 0) {
            return "waits";
        }
    }
    return text(entry, "state");
}

static void show_call(yyjson_val *page, bool is_first)
{
    yyjson_val *call = yyjson_obj_get(page, "call"), *entry;
    uint64_t started = number(call, "created_ms");
    struct table t;
    size_t i, n;

    if (is_first) {
        show_head(call);
        puts("");
    }
    table_begin(&t, "AFTER|STATE|ATTEMPT|WHAT|RESULT");
    yyjson_arr_foreach (yyjson_obj_get(page, "journal"), i, n, entry) {
        uint64_t at = number(entry, "at_ms");
        char span[WHEN_BYTES];

        table_add(&t, "%s", when_span(at > started ? at - started : 0, span));
        table_add(&t, "%s", state_name(entry));
        table_add(&t, "%" PRIu64, number(entry, "attempt"));
        add_member(&t, entry, "what");
        add_value(&t, entry, strcmp(text(entry, "state"), "failed") == 0 ? "reason" : "result");
    }
    table_print(&t);
}

/* ---- the others ---- */

static void show_sessions(yyjson_val *page)
{
    struct table t;
    size_t i, n;
    yyjson_val *session;

    table_begin(&t, "SESSION|CLIENT|PROTOCOL|STARTED|SEEN");
    yyjson_arr_foreach (yyjson_obj_get(page, "sessions"), i, n, session) {
        add_member(&t, session, "id");
        table_add(&t, "%s %s", text(session, "client_name"), text(session, "client_version"));
        add_member(&t, session, "protocol_version");
        add_time(&t, session, "created_ms");
        add_time(&t, session, "seen_ms");
    }
    table_print(&t);
}

static void show_session_head(yyjson_val *session)
{
    struct table t;

    table_begin(&t, "SESSION|");
    add_line(&t, "id");
    add_member(&t, session, "id");
    add_line(&t, "client");
    table_add(&t, "%s %s", text(session, "client_name"), text(session, "client_version"));
    add_line(&t, "protocol");
    add_member(&t, session, "protocol_version");
    add_line(&t, "capabilities");
    add_value(&t, session, "capabilities");
    add_line(&t, "log level");
    add_member(&t, session, "log_level");
    add_line(&t, "started");
    add_time(&t, session, "created_ms");
    add_line(&t, "seen");
    add_time(&t, session, "seen_ms");
    add_line(&t, "events");
    table_add(&t, "%" PRIu64 " on its own stream, %" PRIu64 " sent", number(session, "events"),
              number(session, "events_sent"));
    table_print(&t);
}

static void show_session(yyjson_val *page, bool is_first)
{
    if (is_first) {
        show_session_head(yyjson_obj_get(page, "session"));
        puts("");
    }
    show_calls(page);
}

static void show_maps(yyjson_val *page)
{
    struct table t;
    size_t i, n;
    yyjson_val *map;

    table_begin(&t, "MAP|ENTRIES");
    yyjson_arr_foreach (yyjson_obj_get(page, "maps"), i, n, map) {
        add_member(&t, map, "name");
        table_add(&t, "%s%" PRIu64, is_set(map, "has_more") ? "more than " : "",
                  number(map, "entries"));
    }
    table_print(&t);
}

static void show_map(yyjson_val *page)
{
    struct table t;
    size_t i, n;
    yyjson_val *entry;

    table_begin(&t, "KEY|BYTES|VALUE");
    yyjson_arr_foreach (yyjson_obj_get(page, "entries"), i, n, entry) {
        yyjson_val *value = yyjson_obj_get(entry, "value");

        add_member(&t, entry, "key");
        table_add(&t, "%" PRIu64, number(entry, "value_bytes"));
        if (value) {
            add_text(&t, value);
        } else {
            add_value(&t, entry, "value");
        }
    }
    table_print(&t);
}

static void show_timers(yyjson_val *page)
{
    struct table t;
    size_t i, n;
    yyjson_val *timer;

    table_begin(&t, "DUE|CALL|WHAT");
    yyjson_arr_foreach (yyjson_obj_get(page, "timers"), i, n, timer) {
        add_time(&t, timer, "due_ms");
        add_member(&t, timer, "call");
        table_add(&t, "%s%s", text(timer, "what"), is_set(timer, "is_stale") ? " (is over)" : "");
    }
    table_print(&t);
}

static void show_inputs(yyjson_val *page)
{
    struct table t;
    size_t i, n;
    yyjson_val *input;

    table_begin(&t, "CALL|TOOL|WAITS FOR|SINCE");
    yyjson_arr_foreach (yyjson_obj_get(page, "inputs"), i, n, input) {
        add_member(&t, input, "call");
        add_member(&t, input, "tool");
        add_member(&t, input, "what");
        add_time(&t, input, "since_ms");
    }
    table_print(&t);
}

static bool is_at_least(yyjson_val *page, const char *name)
{
    size_t i, n;
    yyjson_val *v;

    yyjson_arr_foreach (yyjson_obj_get(page, "at_least"), i, n, v) {
        if (strcmp(yyjson_get_str(v), name) == 0) {
            return true;
        }
    }
    return false;
}

static void show_store(yyjson_val *page)
{
    struct table t;
    size_t i, n;
    yyjson_val *name, *value;

    table_begin(&t, "STORE|");
    yyjson_obj_foreach (page, i, n, name, value) {
        const char *key = yyjson_get_str(name);

        if (yyjson_is_uint(value)) {
            table_add(&t, "%s", key);
            for (char *c = t.cells[t.n_cells - 1]; *c; c++) {
                *c = *c == '_' ? ' ' : *c;
            }
            table_add(&t, "%s%" PRIu64, is_at_least(page, key) ? "at least " : "",
                      yyjson_get_uint(value));
        }
    }
    table_print(&t);
}

void show_page(dmcp_view view, yyjson_val *page, bool is_first)
{
    switch (view) {
    case DMCP_VIEW_STORE:
        show_store(page);
        return;
    case DMCP_VIEW_SESSIONS:
        show_sessions(page);
        return;
    case DMCP_VIEW_CALLS:
        show_calls(page);
        return;
    case DMCP_VIEW_CALL:
        show_call(page, is_first);
        return;
    case DMCP_VIEW_MAPS:
        show_maps(page);
        return;
    case DMCP_VIEW_MAP:
        show_map(page);
        return;
    case DMCP_VIEW_TIMERS:
        show_timers(page);
        return;
    case DMCP_VIEW_INPUTS:
        show_inputs(page);
        return;
    case DMCP_VIEW_SESSION:
        show_session(page, is_first);
        return;
    }
}
