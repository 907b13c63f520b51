/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema 2020-12: schemas are compiled once and then checked against values.
 *
 * All of the core, applicator, unevaluated and validation vocabularies is there; `format`, titles
 * and the content keywords are annotations and never make a value invalid. Patterns are ECMA-262
 * regular expressions in Unicode mode. Numbers are compared exactly, as decimals. Nothing is ever
 * fetched: other documents come from the caller, the 2020-12 metaschema is built in.
 *
 * A compiled schema does not change: any number of threads may check with it at once.
 *
 * Schemas and values may both come from peers. Everything is bounded: the size and number of
 * schema documents, the depth and the amount of work of a check, the steps of a pattern. A schema
 * that refers to itself without end is refused when it is compiled or fails its check; it does
 * not hang.
 */
#ifndef JSON_SCHEMA_H
#define JSON_SCHEMA_H

#include "json/json.h"

struct schema;

/* Finds the text of the document that a schema refers to. */
struct schema_resolver {
    /* Sets *text_out, which must live until the compilation ends. DMCP_E_NOTFOUND: no such. */
    int (*find)(void *arg, struct str uri, struct str *text_out);
    void *arg;
};

/* Why a value does not fit, for a person or a model to correct it. */
struct schema_error {
    char path[160]; /* where in the value: "user/age", "items/3"; "" for the whole */
    char text[400]; /* `expected integer, got string "12"` */
};

/* `remotes` may be NULL. The schema belongs to the caller: schema_free.
 * DMCP_E_INVALID: not a schema, or it refers to what is not there. DMCP_E_TOOBIG: over a limit.
 * DMCP_E_VERSION: written in another dialect than 2020-12. The text names the place in the schema
 * as a JSON Pointer: "at /properties/age/minimum: ...". */
int schema_compile(struct str text, const struct schema_resolver *remotes, struct schema **out,
                   struct err *e) MUST_CHECK;
void schema_free(struct schema *s); /* NULL is allowed */

/* `instance` comes from json_read. `error_out` may be NULL.
 * DMCP_E_INVALID: the value does not fit. DMCP_E_TOOBIG: finding out takes more depth or work than
 * is allowed, so the value is not accepted. */
int schema_check(const struct schema *s, const yyjson_val *instance,
                 struct schema_error *error_out) MUST_CHECK;

/* Appends `arguments/user/age: expected ...`; `root` is what the whole value is called, or "". */
void schema_error_write(struct buf *b, const char *root, const struct schema_error *error);

#endif
