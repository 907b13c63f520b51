/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streaming JSON writer. See writer.h.
 */
#include "json/writer.h"

#include <assert.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "json/escape.h"
#include "json/json.h"
#include "json/number.h"

enum level_flag { LEVEL_OBJECT = 1, LEVEL_HAS_MEMBER = 2, LEVEL_AFTER_KEY = 4 };

void jw_init(struct json_writer *w, struct buf *out)
{
    w->out = out;
    w->depth = 0;
    w->level[0] = 0;
}

bool jw_is_complete(const struct json_writer *w)
{
    return w->depth == 0 && (w->level[0] & LEVEL_HAS_MEMBER);
}

static void begin_value(struct json_writer *w)
{
    unsigned char *level = &w->level[w->depth];

    if (*level & LEVEL_OBJECT) {
        assert(*level & LEVEL_AFTER_KEY);
        *level = (unsigned char)(*level & ~LEVEL_AFTER_KEY);
        return;
    }
    if (*level & LEVEL_HAS_MEMBER) {
        assert(w->depth > 0);
        buf_addc(w->out, ',');
    }
    *level |= LEVEL_HAS_MEMBER;
}

static void open_container(struct json_writer *w, char bracket, unsigned char flags)
{
    begin_value(w);
    assert(w->depth < LIMIT_JSON_DEPTH);
    w->level[++w->depth] = flags;
    buf_addc(w->out, bracket);
}

void jw_object(struct json_writer *w)
{
    open_container(w, '{', LEVEL_OBJECT);
}

void jw_object_end(struct json_writer *w)
{
    assert(w->depth > 0 && (w->level[w->depth] & LEVEL_OBJECT));
    assert(!(w->level[w->depth] & LEVEL_AFTER_KEY));
    w->depth--;
    buf_addc(w->out, '}');
}

void jw_array(struct json_writer *w)
{
    open_container(w, '[', 0);
}

void jw_array_end(struct json_writer *w)
{
    assert(w->depth > 0 && !(w->level[w->depth] & LEVEL_OBJECT));
    w->depth--;
    buf_addc(w->out, ']');
}

void jw_key_str(struct json_writer *w, struct str key)
{
    unsigned char *level = &w->level[w->depth];

    assert((*level & LEVEL_OBJECT) && !(*level & LEVEL_AFTER_KEY));
    if (*level & LEVEL_HAS_MEMBER) {
        buf_addc(w->out, ',');
    }
    *level |= LEVEL_HAS_MEMBER | LEVEL_AFTER_KEY;
    escape_string(w->out, key);
    buf_addc(w->out, ':');
}

void jw_key(struct json_writer *w, const char *key)
{
    jw_key_str(w, str_of(key));
}

void jw_str(struct json_writer *w, struct str s)
{
    begin_value(w);
    escape_string(w->out, s);
}

void jw_strz(struct json_writer *w, const char *z)
{
    jw_str(w, str_of(z));
}

void jw_strf(struct json_writer *w, const char *fmt, ...)
{
    char fixed[512], *text = fixed;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(fixed, sizeof(fixed), fmt, ap);
    va_end(ap);
    assert(n >= 0);
    if ((size_t)n >= sizeof(fixed)) {
        text = mem_alloc((size_t)n + 1);
        va_start(ap, fmt);
        vsnprintf(text, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    jw_str(w, str_make(text, (size_t)n));
    if (text != fixed) {
        mem_free(text);
    }
}

void jw_base64(struct json_writer *w, struct str data)
{
    begin_value(w);
    buf_addc(w->out, '"');
    base64_enc(w->out, data);
    buf_addc(w->out, '"');
}

static void write_number(struct json_writer *w, const yyjson_val *number)
{
    char text[NUMBER_TEXT_BYTES];

    begin_value(w);
    buf_add_str(w->out, number_text(number, text));
}

void jw_int(struct json_writer *w, int64_t value)
{
    yyjson_val number = { 0 };

    if (value < 0) {
        yyjson_set_sint(&number, value);
        write_number(w, &number);
    } else {
        jw_uint(w, (uint64_t)value);
    }
}

void jw_uint(struct json_writer *w, uint64_t value)
{
    yyjson_val number = { 0 };

    yyjson_set_uint(&number, value);
    write_number(w, &number);
}

void jw_double(struct json_writer *w, double value)
{
    yyjson_val number = { 0 };

    yyjson_set_real(&number, value);
    write_number(w, &number);
}

void jw_bool(struct json_writer *w, bool value)
{
    begin_value(w);
    buf_addz(w->out, value ? "true" : "false");
}

void jw_null(struct json_writer *w)
{
    begin_value(w);
    buf_addz(w->out, "null");
}

void jw_value(struct json_writer *w, const struct yyjson_val *v)
{
    begin_value(w);
    json_write(w->out, v);
}

void jw_raw(struct json_writer *w, struct str json_text)
{
    assert(json_text.len > 0);
    begin_value(w);
    buf_add_str(w->out, json_text);
}
