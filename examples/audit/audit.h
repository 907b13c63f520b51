/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit logs for the tools of any server. A log is a map, "audit:" and its name; an entry is a
 * JSON object under a UUIDv7, so that the order of the keys is the order of time and a range of
 * time is a range of keys. Its member `timestamp` is the time of its key, in milliseconds since
 * 1970.
 *
 * Key and entry are in the journal of the call that writes them. So a call that is run again after
 * a crash leaves one entry and not two.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include <dmcp.h>

/* What an audited tool needs when it is called. The program keeps it until the server ends. */
struct audited {
    const char *log;
    dmcp_handler_fn *handler; /* filled in by audit_tool: the tool's own */
    void *context;
};

/* Adds a tool of whose every call an entry is left in audited->log: `tool`, `inputs`, `success`,
 * `duration_seconds`, and `outputs` or `error`. The tool's handler gets its context from
 * audit_context instead of dmcp_call_context. */
int audit_tool(dmcp_server *server, const dmcp_tool *tool, struct audited *audited);
void *audit_context(const dmcp_call *call);

/* Adds an entry of the caller's own, an object. */
int audit_write(dmcp_call *call, const char *log, const dmcp_value *fields);

/* Reads up to `limit` entries. begin_ms or end_ms NULL: no such bound; the end is exclusive. With
 * a begin the oldest come first, without one the newest. */
int audit_read(dmcp_call *call, const char *log, const uint64_t *begin_ms, const uint64_t *end_ms,
               size_t limit, dmcp_value **entries_out);

#endif
