/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows as lines of JSON. See line.h. What fields a row has is said by store/fields.h.
 */
#include "admin/line.h"

#include "base/base64.h"
#include "base/utf8.h"
#include "json/json.h"
#include "json/writer.h"
#include "store/fields.h"

#define LAYOUT 1 /* the first byte of the values that have one */

/* ---- writing ---- */

static void write_text(struct json_writer *w, struct str text)
{
    if (utf8_is_valid(text)) {
        jw_str(w, text);
        return;
    }
    jw_object(w);
    jw_key(w, "base64");
    jw_base64(w, text);
    jw_object_end(w);
}

static void write_fields(struct json_writer *w, const struct field *fields,
                         const struct field_value *values)
{
    char hex[ID_HEX_BYTES + 1];

    for (size_t i = 0; fields[i].type != FIELD_END; i++) {
        jw_key(w, fields[i].name);
        switch (fields[i].type) {
        case FIELD_U8:
        case FIELD_U32:
        case FIELD_U64:
            jw_uint(w, values[i].number);
            break;
        case FIELD_ID:
        case FIELD_SHARD_ID:
            id_to_hex(values[i].id, hex);
            jw_strz(w, hex);
            break;
        case FIELD_STR:
        case FIELD_NAME:
        case FIELD_REST:
            write_text(w, values[i].text);
            break;
        case FIELD_END:
            break;
        }
    }
}

/* DMCP_E_CORRUPT: not a row of the table. */
static int take_apart(struct str key, struct str value, const struct row_kind **kind_out,
                      struct field_value of_key[FIELDS_MAX],
                      struct field_value of_value[FIELDS_MAX])
{
    const struct row_kind *kind = key.len ? row_kind_of((uint8_t)key.p[0]) : NULL;
    int rc;

    if (!kind) {
        return DMCP_E_CORRUPT;
    }
    rc = fields_dec(kind->key, str_make(key.p + 1, key.len - 1), of_key);
    if (kind->has_layout) {
        if (value.len == 0 || value.p[0] != LAYOUT) {
            return DMCP_E_CORRUPT;
        }
        value = str_make(value.p + 1, value.len - 1);
    }
    *kind_out = kind;
    return rc == DMCP_OK ? fields_dec(kind->value, value, of_value) : rc;
}

void line_write(struct buf *out, struct str key, struct str value)
{
    struct field_value of_key[FIELDS_MAX], of_value[FIELDS_MAX];
    const struct row_kind *kind;
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "kind");
    if (take_apart(key, value, &kind, of_key, of_value) == DMCP_OK) {
        jw_strz(&w, kind->name);
        write_fields(&w, kind->key, of_key);
        write_fields(&w, kind->value, of_value);
    } else {
        jw_strz(&w, "raw");
        jw_key(&w, "key");
        jw_base64(&w, key);
        jw_key(&w, "value");
        jw_base64(&w, value);
    }
    jw_object_end(&w);
    buf_addc(out, '\n');
}

/* ---- reading ---- */

static int read_base64(const yyjson_val *v, const char *name, struct buf *out, struct err *e)
{
    if (!json_str(v).p || base64_dec(out, json_str(v)) != DMCP_OK) {
        return err_set(e, DMCP_E_INVALID, "\"%s\" is not base64", name);
    }
    return DMCP_OK;
}

/* A string, or {"base64":...}, whose bytes are put into `bytes`, which is empty. */
static int read_text(const yyjson_val *v, const char *name, struct buf *bytes, struct str *text_out,
                     struct err *e)
{
    const yyjson_val *base64 = json_get(v, "base64");
    int rc;

    if (!base64) {
        *text_out = json_str(v);
        return text_out->p ? DMCP_OK : err_set(e, DMCP_E_INVALID, "\"%s\" is not a string", name);
    }
    rc = read_base64(base64, name, bytes, e);
    *text_out = buf_str(bytes);
    return rc;
}

static int read_number(const yyjson_val *v, enum field_type type, const char *name,
                       uint64_t *number_out, struct err *e)
{
    uint64_t max = type == FIELD_U8 ? UINT8_MAX : type == FIELD_U32 ? UINT32_MAX : UINT64_MAX;

    if (json_to_uint(v, number_out) != DMCP_OK || *number_out > max) {
        return err_set(e, DMCP_E_INVALID, "\"%s\" is not a number of its size", name);
    }
    return DMCP_OK;
}

static int read_field(const yyjson_val *line, const struct field *f, struct buf *bytes,
                      struct field_value *value_out, struct err *e)
{
    const yyjson_val *v = json_get(line, f->name);
    int rc = DMCP_OK;

    *value_out = (struct field_value){ .text = STR_NONE };
    switch (f->type) {
    case FIELD_U8:
    case FIELD_U32:
    case FIELD_U64:
        return read_number(v, f->type, f->name, &value_out->number, e);
    case FIELD_ID:
    case FIELD_SHARD_ID:
        if (id_from_hex(json_str(v), &value_out->id) != DMCP_OK) {
            rc = err_set(e, DMCP_E_INVALID, "\"%s\" is not an id", f->name);
        }
        return rc;
    case FIELD_NAME:
    case FIELD_STR:
    case FIELD_REST:
        rc = read_text(v, f->name, bytes, &value_out->text, e);
        if (rc == DMCP_OK && f->type == FIELD_NAME && value_out->text.len &&
            memchr(value_out->text.p, 0, value_out->text.len)) {
            rc = err_set(e, DMCP_E_INVALID, "\"%s\" has a NUL in it", f->name);
        }
        return rc;
    case FIELD_END:
        return rc;
    }
    return rc;
}

static int read_fields(const yyjson_val *line, const struct field *fields, struct buf *out,
                       struct err *e)
{
    struct field_value values[FIELDS_MAX] = { { 0 } };
    struct buf bytes[FIELDS_MAX];
    size_t n = 0;
    int rc = DMCP_OK;

    for (; fields[n].type != FIELD_END && rc == DMCP_OK; n++) {
        buf_init(&bytes[n], LINE_BYTES);
        rc = read_field(line, &fields[n], &bytes[n], &values[n], e);
    }
    if (rc == DMCP_OK) {
        fields_enc(out, fields, values);
    }
    for (size_t i = 0; i < n; i++) {
        buf_fini(&bytes[i]);
    }
    return rc;
}

static int read_raw(const yyjson_val *line, struct buf *key, struct buf *value, struct err *e)
{
    int rc = read_base64(json_get(line, "key"), "key", key, e);

    return rc == DMCP_OK ? read_base64(json_get(line, "value"), "value", value, e) : rc;
}

int line_read(const struct yyjson_val *line, struct buf *key, struct buf *value, struct err *e)
{
    struct str name = json_get_str(line, "kind");
    const struct row_kind *kind = name.p ? row_kind_named(name) : NULL;
    int rc;

    if (str_eqz(name, "raw")) {
        rc = read_raw(line, key, value, e);
    } else if (!kind) {
        return err_set(e, DMCP_E_INVALID, "it has no known \"kind\"");
    } else {
        buf_addc(key, (char)kind->kind);
        rc = read_fields(line, kind->key, key, e);
        if (rc == DMCP_OK && kind->has_layout) {
            buf_addc(value, LAYOUT);
        }
        if (rc == DMCP_OK) {
            rc = read_fields(line, kind->value, value, e);
        }
    }
    if (rc == DMCP_OK && (!buf_ok(key) || !buf_ok(value) || key->len == 0)) {
        rc = err_set(e, DMCP_E_INVALID, "its key or its value is too long");
    }
    return rc;
}
