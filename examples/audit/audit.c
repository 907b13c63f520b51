/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit logs. See audit.h.
 */
#include "audit.h"

#include <stdio.h>

static const char *map_name(dmcp_call *call, const char *log)
{
    return dmcp_format(call, "audit:%s", log);
}

/* ---- writing ---- */

/* The key is also the alias of the write, so that a call may write any number of entries. */
static int write_entry(dmcp_call *call, const char *log, const char *key, const dmcp_value *fields)
{
    dmcp_value *entry;
    uint64_t ms;

    DMCP_TRY(dmcp_uuid7_ms(key, &ms));
    entry = dmcp_pack(call, "{s:I}", "timestamp", (int64_t)ms);
    for (size_t i = 0; i < dmcp_count(fields); i++) {
        DMCP_TRY(dmcp_object_set(call, entry, dmcp_key(fields, i), dmcp_at(fields, i)));
    }
    return dmcp_map_insert_value(dmcp_map_as(call, map_name(call, log), key), key, entry);
}

int audit_write(dmcp_call *call, const char *log, const dmcp_value *fields)
{
    char key[37];

    DMCP_TRY(dmcp_uuid7(call, key));
    return write_entry(call, log, key, fields);
}

/* ---- audited tools ---- */

/* The entry about a handler that ended with this code. */
static int describe(dmcp_call *call, int code, double seconds, const char *error,
                    dmcp_value **fields_out)
{
    bool is_success = code == DMCP_OK && !dmcp_replied_error(call);
    dmcp_value *fields = dmcp_pack(call, "{s:s, s:v, s:b, s:f}", "tool", dmcp_call_tool(call),
                                   "inputs", dmcp_args(call), "success", is_success,
                                   "duration_seconds", seconds);

    *fields_out = fields;
    if (is_success) {
        return dmcp_object_set(call, fields, "outputs", dmcp_replied(call));
    }
    if (code == DMCP_OK) {
        error = "the tool replied with an error";
    } else if (!error[0]) {
        error = code < 0 ? dmcp_strerror(code) : dmcp_format(call, "error %d", code);
    }
    return dmcp_object_set(call, fields, "error", dmcp_string(call, error));
}

/* What any function that records something may say: this attempt is over (see dmcp.h). */
static bool is_over(int code)
{
    return code == DMCP_E_STOPPING || code == DMCP_E_STORE || code == DMCP_E_FULL ||
           code == DMCP_E_CORRUPT || code == DMCP_E_GONE;
}

/*
 * Runs the handler, and then writes what came of it. Of the ways in which this can fail:
 *
 * 1. The attempt is over: the server stops, its store failed, or the handler waits for an answer.
 *    Then nothing more is recorded, and dmcp_uuid7 says so with that code. It is passed on, and
 *    nothing is lost by it: the call is run again, finds in its journal what the handler did, and
 *    writes the entry then.
 * 2. The entry cannot be written for a reason of its own: it is too large, or the call has
 *    recorded as much as it may. What the tool did cannot be undone and would fail in the same
 *    way the next time, so its outcome stands, and the operator reads on stderr what is missing.
 */
static int run_audited(dmcp_call *call)
{
    const struct audited *audited = dmcp_call_context(call);
    uint64_t began_ms, ended_ms;
    const char *error;
    dmcp_value *fields;
    double seconds;
    char key[37];
    int code, rc;

    DMCP_TRY(dmcp_now(call, &began_ms));
    code = audited->handler(call);
    error = dmcp_format(call, "%s", code == DMCP_OK ? "" : dmcp_error_text(call));
    DMCP_TRY(dmcp_uuid7(call, key)); /* 1 */
    DMCP_TRY(dmcp_uuid7_ms(key, &ended_ms));
    seconds = ended_ms > began_ms ? (double)(ended_ms - began_ms) / 1000 : 0;
    rc = describe(call, code, seconds, error, &fields);
    if (rc == DMCP_OK) {
        rc = write_entry(call, audited->log, key, fields);
    }
    if (is_over(rc)) { /* 1 */
        return rc;
    }
    if (rc != DMCP_OK) { /* 2 */
        fprintf(stderr, "audit: call %s of tool %s has no entry in log %s: %s\n",
                dmcp_call_id(call), dmcp_call_tool(call), audited->log, dmcp_error_text(call));
        return code > 0 ? dmcp_fail(call, code, "%s", error) : code; /* the text is gone */
    }
    return code;
}

int audit_tool(dmcp_server *server, const dmcp_tool *tool, struct audited *audited)
{
    dmcp_tool wrapped = *tool;

    audited->handler = tool->handler;
    audited->context = tool->context;
    wrapped.handler = run_audited;
    wrapped.context = audited;
    return dmcp_add_tool(server, &wrapped);
}

void *audit_context(const dmcp_call *call)
{
    const struct audited *audited = dmcp_call_context(call);

    return audited->context;
}

/* ---- reading ---- */

int audit_read(dmcp_call *call, const char *log, const uint64_t *begin_ms, const uint64_t *end_ms,
               size_t limit, dmcp_value **entries_out)
{
    dmcp_map *map = dmcp_map_open(call, map_name(call, log));
    dmcp_value *list = dmcp_pack(call, "[]");
    const dmcp_entry *entries;
    char begin[37], end[37];
    size_t n;

    if (begin_ms) {
        dmcp_uuid7_from_ms(*begin_ms, begin);
    }
    if (end_ms) {
        dmcp_uuid7_from_ms(*end_ms, end);
    }
    if (begin_ms) {
        DMCP_TRY(dmcp_map_range(map, begin, end_ms ? end : NULL, limit, &entries, &n));
    } else { /* downwards, so the end is where it starts */
        DMCP_TRY(dmcp_map_reverse_range(map, end_ms ? end : NULL, NULL, limit, &entries, &n));
    }
    for (size_t i = 0; i < n; i++) {
        dmcp_value *entry = dmcp_json_parse(call, entries[i].value, entries[i].size);

        if (!entry) {
            return DMCP_E_CORRUPT;
        }
        DMCP_TRY(dmcp_array_add(call, list, entry));
    }
    *entries_out = list;
    return DMCP_OK;
}
