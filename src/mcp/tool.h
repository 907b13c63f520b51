/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tools of a server: their definitions checked and copied, their schemas compiled, and their
 * entries for tools/list made once. Immutable after the start, so any thread may read it.
 */
#ifndef MCP_TOOL_H
#define MCP_TOOL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hmap.h"

struct schema;

/* What a definition says; see dmcp_tool in dmcp.h. Strings may be absent (STR_NONE). */
struct tool_spec {
    struct str name, title, description;
    struct str input_schema; /* object text */
    struct str output_schema, annotations, meta; /* object texts, or absent */
    struct str fallbacks; /* object text: values for arguments left out */
    bool is_ephemeral;
    uint64_t timeout_ms; /* 0 for none */
    const void *handler; /* what runs it; not looked at here */
};

struct tool {
    struct str name, fallbacks;
    struct str entry; /* its object in tools/list, JSON text */
    struct schema *input, *output; /* output may be NULL */
    bool is_ephemeral;
    uint64_t timeout_ms;
    const void *handler;
};

struct tools {
    struct tool **all; /* in the order in which they were added */
    size_t n;
    struct hmap by_name;
    struct arena arena;
};

void tools_init(struct tools *t);
void tools_fini(struct tools *t);

/* DMCP_E_INVALID with a text that names the tool and what is wrong. */
int tools_add(struct tools *t, const struct tool_spec *spec, struct err *e) MUST_CHECK;
/* The result of tools/call for a tool error of this text, as JSON.
 * Source: MCP 2025-11-25, tools, "Error Handling". */
void tool_error_write(struct buf *out, struct str text);

const struct tool *tools_find(const struct tools *t, struct str name); /* NULL: no such tool */

#endif
