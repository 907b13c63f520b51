/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON text into a yyjson document, looking into it, and writing values back as text.
 * Everything that comes from outside passes through json_read; nothing else in the tree parses
 * JSON. New text is made with json/writer.h.
 *
 * What is read is strict RFC 8259: UTF-8 without byte order mark, no lone surrogates, nothing
 * behind the value, containers nested LIMIT_JSON_DEPTH deep at most, no key twice in an object
 * (RFC 8259 leaves its meaning open, so two programs could see two messages in one text).
 *
 * Numbers are passed on undamaged. One that int64_t, uint64_t or double holds exactly as the
 * decimal that was written becomes that (YYJSON_TYPE_NUM), and is written back as a number of the
 * same value: 1.10 as 1.1, 1e2 as 100.0. All others (12345678901234567890123, -0, 1e400,
 * 0.1000000000000000055) stay YYJSON_TYPE_RAW, their text as it came, and are written back byte
 * for byte; what was written as an integer never turns into a fraction. So a number is tested with json_is_number and read with json_to_int and its
 * companions, not with yyjson_is_num and yyjson_get_int.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <yyjson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* The text is copied. The document belongs to the caller: yyjson_doc_free.
 * DMCP_E_INVALID: not such a text. DMCP_E_TOOBIG: nested too deep. The error tells where:
 * "at byte 17: ...". */
int json_read(struct str text, yyjson_doc **doc_out, struct err *e) MUST_CHECK;

/* Append the value as compact text. A mutable document can hold what JSON cannot: a string that
 * is not UTF-8 makes the buffer fail, NaN and infinity become null. */
void json_write(struct buf *b, const yyjson_val *v);
void json_write_mut(struct buf *b, const yyjson_mut_val *v);
void json_write_indented(struct buf *b, const yyjson_mut_val *v); /* by two blanks, for reading */

/* An empty document for values to be made in, with memory from base/mem.h: so making a value in
 * it never fails. The caller frees it with yyjson_mut_doc_free. */
yyjson_mut_doc *json_doc_new(void);
size_t json_doc_bytes(const yyjson_mut_doc *doc); /* that it holds; looks at each of its chunks */

/* ---- Looking into a document. Keys may contain NUL, so C strings cannot name every key. ---- */

yyjson_val *json_get(const yyjson_val *obj, const char *key); /* NULL when absent or no object */
struct str json_str(const yyjson_val *v);                     /* STR_NONE when not a string */
struct str json_get_str(const yyjson_val *obj, const char *key);
bool json_is_number(const yyjson_val *v); /* of any size */

/* Numbers of integral value count however they were written: 3, 3.0, 3e0.
 * DMCP_E_INVALID: not a number, or not integral. DMCP_E_TOOBIG: an integer out of range. */
int json_to_int(const yyjson_val *v, int64_t *value_out) MUST_CHECK;
int json_to_uint(const yyjson_val *v, uint64_t *value_out) MUST_CHECK;

/* The nearest double; infinite when it is out of range. DMCP_E_INVALID: not a number. */
int json_to_double(const yyjson_val *v, double *value_out) MUST_CHECK;

/* The same for a member. DMCP_E_NOTFOUND: there is none. DMCP_E_INVALID: of another type, or out
 * of range. */
int json_get_int(const yyjson_val *obj, const char *key, int64_t *value_out) MUST_CHECK;
int json_get_uint(const yyjson_val *obj, const char *key, uint64_t *value_out) MUST_CHECK;
int json_get_double(const yyjson_val *obj, const char *key, double *value_out) MUST_CHECK;
int json_get_bool(const yyjson_val *obj, const char *key, bool *value_out) MUST_CHECK;

/* ---- For error texts ---- */

/* The string in quotes and escaped, cut to fit size (at least 16) with its NUL. */
void json_quote(struct str s, char *out, size_t size);

/* A value as a reader wants to see it in a sentence: `string "abc"`, `integer 12`, `null`,
 * `object with 3 members`. Cut to fit size (at least 48) with its NUL. */
void json_describe(const yyjson_val *v, char *out, size_t size);

#endif
