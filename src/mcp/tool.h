/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tools of a server: their definitions checked and copied, their schemas compiled, and their
 * entries for tools/list made once. Immutable after the start, so any thread may read it.
 *
 * Prompts, resources and resource templates are tools of another method: something with a name
 * that a handler serves. A resource's key is its URI.
 */
#ifndef MCP_TOOL_H
#define MCP_TOOL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hmap.h"
#include "engine/command.h"

struct schema;

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
    const void *handler; /* what runs it; not looked at here */
    const void *complete; /* the same for completion; NULL for none */
};

struct tool {
    enum call_method method;
    struct str name; /* the key: of a resource its URI */
    struct str mime; /* of a resource */
    struct str description; /* absent for none */
    struct str fallbacks;
    struct str entry; /* its object in the list, JSON text */
    struct schema *input, *output; /* output may be NULL */
    bool is_ephemeral;
    uint64_t timeout_ms;
    const void *handler;
    const struct tool *completion; /* NULL for none */
};

struct tools {
    struct tool **all; /* in the order in which they were added */
    size_t n;
    struct hmap by_name;
    struct arena arena;
};

/* All that a server offers. */
struct catalog {
    struct tools tools, prompts, resources, templates;
    bool has_completion; /* of anything */
};

void catalog_init(struct catalog *c);
void catalog_fini(struct catalog *c);
int catalog_add(struct catalog *c, const struct tool_spec *spec, struct err *e) MUST_CHECK;

/* What a call's row names: for a resource its own URI, or its template. NULL: not there. */
const struct tool *catalog_find(const struct catalog *c, enum call_method method, struct str name);

void tools_init(struct tools *t);
void tools_fini(struct tools *t);

/* DMCP_E_INVALID with a text that names the tool and what is wrong. */
int tools_add(struct tools *t, const struct tool_spec *spec, struct err *e) MUST_CHECK;

/* Whether a text is of the form that MCP gives annotations of content and resources, and of tools,
 * or is an object at all. An absent text passes; else DMCP_E_INVALID, DMCP_E_TOOBIG. */
int annotations_check(struct str text, struct err *e) MUST_CHECK;
int tool_annotations_check(struct str text, struct err *e) MUST_CHECK;
int object_check(struct str text, struct err *e) MUST_CHECK;

/* The result of tools/call for a tool error of this text, as JSON.
 * Source: MCP 2025-11-25, tools, "Error Handling". */
void tool_error_write(struct buf *out, struct str text);

const struct tool *tools_find(const struct tools *t, struct str name); /* NULL: no such tool */

#endif
