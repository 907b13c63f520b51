/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON text piece by piece into a buf: commas, colons and escapes are its business.
 *
 *     jw_init(&w, &out);
 *     jw_object(&w);
 *     jw_key(&w, "name");
 *     jw_str(&w, name);
 *     jw_object_end(&w);
 *
 * The calls must follow JSON's grammar; a wrong order is a programmer error and asserted. The
 * buffer's failure is sticky, so buf_ok is asked once at the end. No other module prints JSON.
 */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include "base/buf.h"
#include "base/limits.h"

struct yyjson_val;

struct json_writer {
    struct buf *out;
    unsigned char level[LIMIT_JSON_DEPTH + 1]; /* flags of the open containers; [0] the root */
    unsigned depth;
};

void jw_init(struct json_writer *w, struct buf *out);
bool jw_is_complete(const struct json_writer *w); /* one whole value was written */

void jw_object(struct json_writer *w);
void jw_object_end(struct json_writer *w);
void jw_array(struct json_writer *w);
void jw_array_end(struct json_writer *w);
void jw_key(struct json_writer *w, const char *key);
void jw_key_str(struct json_writer *w, struct str key);

/* What is not UTF-8 is replaced by U+FFFD, byte by byte. */
void jw_str(struct json_writer *w, struct str s);
void jw_strz(struct json_writer *w, const char *z);
void jw_strf(struct json_writer *w, const char *fmt, ...) PRINTF(2, 3);
void jw_base64(struct json_writer *w, struct str data); /* as a string */

void jw_int(struct json_writer *w, int64_t value);
void jw_uint(struct json_writer *w, uint64_t value);
void jw_double(struct json_writer *w, double value); /* shortest exact form; null unless finite */
void jw_bool(struct json_writer *w, bool value);
void jw_null(struct json_writer *w);
void jw_value(struct json_writer *w, const struct yyjson_val *v);
void jw_raw(struct json_writer *w, struct str json_text); /* valid JSON, taken as it is */

#endif
