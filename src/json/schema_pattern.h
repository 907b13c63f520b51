/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The regular expressions of schemas: ECMA-262 in Unicode mode, on PCRE2.
 *
 * The source is translated, not just handed on, because the two languages differ: what only one
 * of them has is refused, what both have with another meaning (\s, ., $, [[:alpha:]]) is rewritten.
 * Lookbehind must be of fixed length, as PCRE2 has it, and \S inside brackets takes U+FEFF for a
 * character that is no space. Matching is bounded; a pattern that needs more steps ends the check.
 */
#ifndef JSON_SCHEMA_PATTERN_H
#define JSON_SCHEMA_PATTERN_H

#include "json/schema_impl.h"

/* `value` is the place for error texts. The pattern belongs to the schema. */
int pattern_compile(struct compiler *c, const yyjson_val *value, struct str source,
                    const struct pattern **out) MUST_CHECK;
void pattern_free_all(struct pattern *first);
struct str pattern_source(const struct pattern *p);

/* SCHEMA_VALID when some part of the subject matches. */
int pattern_check(struct check *c, const struct pattern *p, struct str subject) MUST_CHECK;

void matcher_free(struct matcher *m); /* NULL is allowed */

/* PCRE2's text for an ECMA-262 pattern. DMCP_E_INVALID: not such a pattern; *what_out says why. */
int pattern_translate(struct buf *out, struct str source, const char **what_out) MUST_CHECK;

#endif
