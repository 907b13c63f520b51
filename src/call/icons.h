/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Icons of servers, tools, prompts, resources and links, as JSON.
 * Source: MCP 2025-11-25, schema, Icon.
 */
#ifndef CALL_ICONS_H
#define CALL_ICONS_H

#include "base/buf.h"
#include "base/err.h"
#include "dmcp.h"

struct json_writer;

/* DMCP_E_INVALID, with a text that says which icon and what is wrong with it. No icons pass. */
int icons_check(const dmcp_icon *icons, struct err *e) MUST_CHECK;

/* An array. Contract: they were checked, and are not NULL. */
void icons_write(struct json_writer *w, const dmcp_icon *icons);

#endif
