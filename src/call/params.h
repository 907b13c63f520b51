/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed parameters (dmcp_param) become JSON Schema; from there on there are only schemas.
 */
#ifndef CALL_PARAMS_H
#define CALL_PARAMS_H

#include "base/buf.h"
#include "base/err.h"
#include "dmcp.h"

/* An object schema of the parameters, which may be NULL for none. DMCP_E_INVALID: a fallback or
 * the schema of one is not JSON. */
int params_write_schema(struct buf *out, const dmcp_param *params, struct err *e) MUST_CHECK;

/* What arguments are checked against: that schema, and what it does not say of the types. */
void params_write_check(struct buf *out, struct str schema, const dmcp_param *params);

/* An object of the fallbacks. */
void params_write_fallbacks(struct buf *out, const dmcp_param *params);

/* The arguments of a prompt, which may be NULL: the array for prompts/list, and their schema. */
void params_write_prompt(struct buf *list, struct buf *schema, const dmcp_prompt_arg *args);

#endif
