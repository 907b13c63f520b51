/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tool: its definition checked and copied, its schemas compiled, and its entry for tools/list
 * made once. It does not change, so any thread may read it; who does holds it, and the last one to
 * let go frees it. So a call may outlast its tool's place in the catalog (catalog.h).
 *
 * Prompts, resources and resource templates are tools of another method: something with a name
 * that a handler serves. A resource's key is its URI.
 */
#ifndef MCP_TOOL_H
#define MCP_TOOL_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/command.h"

#define NOTICE_ROOTS "notifications/roots/list_changed"

struct schema;
struct dmcp_call;

/* What runs it: a dmcp_handler_fn, which this folder does not see, and its context. */
struct call_handler {
    int (*fn)(struct dmcp_call *call); /* NULL: none */
    void *context;
};

/* What a definition says; see dmcp_tool in dmcp.h. Strings may be absent (STR_NONE). */
struct tool_spec {
    enum call_method method;
    struct str name, title, description;
    struct str uri, mime;    /* of a resource; a template has braces in its URI */
    struct str arguments;    /* of a prompt: array text for prompts/list */
    struct str input_schema; /* object text; absent for a resource */
    struct str check_schema; /* what arguments are checked against; absent: input_schema */
    struct str output_schema, annotations, meta; /* object texts, or absent */
    struct str icons;     /* array text, or absent */
    uint64_t size;        /* of a resource's contents; 0: unknown */
    struct str fallbacks; /* object text: values for arguments left out */
    bool is_ephemeral;
    uint64_t timeout_ms; /* 0 for none */
    struct call_handler handler, complete;
};

/* Where a tool stands in its list, be it still there or not. */
struct tool_place {
    uint64_t number;  /* the higher the later it was added, from 1; 0: before all */
    uint64_t history; /* digest of the keys of all that was added up to it, in their order */
};

struct tool {
    enum call_method method;
    struct str name; /* the key: of a resource its URI */
    struct str mime; /* of a resource */
    struct str description; /* absent for none */
    struct str fallbacks;
    struct str entry; /* its object in the list, JSON text */
    struct schema *input, *output; /* may be NULL */
    bool is_ephemeral;
    uint64_t timeout_ms;
    struct call_handler handler;
    struct tool *completion; /* NULL for none */
    struct tool *of;         /* of a completion: what it completes, which is held for both */
    struct tool_place place;      /* the catalog's */
    uint64_t digest;         /* of the entry */
    atomic_uint n_holders;
    struct arena arena;
};

/* Held once, for the caller. DMCP_E_INVALID with a text that names the tool and what is wrong. */
int tool_new(const struct tool_spec *spec, struct tool **tool_out, struct err *e) MUST_CHECK;
const struct tool *tool_hold(const struct tool *tool); /* once more; returns it */
void tool_release(const struct tool *tool);            /* NULL: nothing */

const char *tool_method_name(enum call_method method); /* for texts: "resource" */
struct str tool_spec_key(const struct tool_spec *spec);

/* Whether a text is of the form that MCP gives annotations of content and resources, and of tools,
 * or is an object at all. An absent text passes; else DMCP_E_INVALID, DMCP_E_TOOBIG. */
int annotations_check(struct str text, struct err *e) MUST_CHECK;
int tool_annotations_check(struct str text, struct err *e) MUST_CHECK;
int object_check(struct str text, struct err *e) MUST_CHECK;

/* The result of tools/call for a tool error of this text, as JSON.
 * Source: MCP 2025-11-25, tools, "Error Handling". */
void tool_error_write(struct buf *out, struct str text);

#endif
