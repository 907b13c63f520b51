/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URI templates of resources, matched backwards: which values make this URI of that template.
 *
 *   {name}    one or more characters other than / ? #       (RFC 6570 level 1)
 *   {+name}   one or more characters of any kind but ? and # (level 2)
 *   {?a,b}    at the end: parameters of a query, each may be missing (level 3)
 *
 * Values are percent-decoded. Where several matches are possible the first variable takes as
 * little as it can.
 */
#ifndef MCP_URI_TEMPLATE_H
#define MCP_URI_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"

struct json_writer;

bool uri_template_is(struct str text); /* whether it has braces at all */

/* DMCP_E_INVALID: not one of the forms above. A text without braces passes. */
int uri_template_check(struct str text, struct err *e) MUST_CHECK;

/* Whether the URI is one of the template; then the values are written as members of the object
 * that is open in `w`. Contract: the template was checked. */
bool uri_template_match(struct str text, struct str uri, struct json_writer *w);

#endif
