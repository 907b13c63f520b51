/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC messages. See rpc.h.
 */
#include "json/rpc.h"

#include <assert.h>

#include "json/number.h"
#include "json/writer.h"

static int refuse(struct rpc_message *m, enum rpc_code code, struct err *e, const char *text)
{
    m->refusal = code;
    return err_set(e, DMCP_E_INVALID, "%s", text);
}

/* ---- The id ---- */

static int keep_id(struct rpc_message *m, struct str text, struct err *e)
{
    if (text.len > sizeof(m->id_text)) {
        m->refusal = RPC_INVALID_REQUEST;
        return err_set(e, DMCP_E_INVALID, "the id is longer than %u bytes", LIMIT_REQUEST_ID_BYTES);
    }
    memcpy(m->id_text, text.p, text.len);
    m->id_len = (unsigned)text.len;
    return 0;
}

static int parse_string_id(struct rpc_message *m, const yyjson_val *id, struct err *e)
{
    struct buf text;
    int rc;

    buf_init(&text, 6 * LIMIT_REQUEST_ID_BYTES);
    if (json_str(id).len <= LIMIT_REQUEST_ID_BYTES) {
        json_write(&text, id);
        rc = keep_id(m, buf_str(&text), e);
    } else {
        rc = keep_id(m, json_str(id), e); /* fails, and says why */
    }
    buf_fini(&text);
    return rc;
}

static int parse_number_id(struct rpc_message *m, const yyjson_val *id, struct err *e)
{
    yyjson_val integer = { 0 };
    char text[NUMBER_TEXT_BYTES];
    struct decimal d;
    uint64_t magnitude;
    int64_t value;

    decimal_of(id, text, &d);
    if (!decimal_is_integer(&d)) {
        return refuse(m, RPC_INVALID_REQUEST, e, "the id is a number with a fraction");
    }
    if (json_to_uint(id, &magnitude) == 0) {
        yyjson_set_uint(&integer, magnitude);
    } else if (json_to_int(id, &value) == 0) {
        yyjson_set_sint(&integer, value);
    } else {
        return refuse(m, RPC_INVALID_REQUEST, e, "the id is an integer of more than 64 bits");
    }
    return keep_id(m, number_text(&integer, text), e);
}

static int parse_id(struct rpc_message *m, const yyjson_val *id, struct err *e)
{
    if (yyjson_is_str((yyjson_val *)id)) {
        return parse_string_id(m, id, e);
    }
    if (json_is_number(id)) {
        return parse_number_id(m, id, e);
    }
    return refuse(m, RPC_INVALID_REQUEST, e, "the id is neither a string nor an integer");
}

int rpc_name(struct rpc_message *m, const yyjson_val *id)
{
    struct err e;

    m->id_len = 0;
    return parse_id(m, id, &e);
}

/* ---- The rest ---- */

static int parse_call(yyjson_val *root, struct rpc_message *m, struct err *e)
{
    yyjson_val *params = json_get(root, "params");

    m->kind = m->id_len ? RPC_REQUEST : RPC_NOTIFICATION;
    m->method = json_get_str(root, "method");
    if (!m->method.p) {
        return refuse(m, RPC_INVALID_REQUEST, e, "the method is not a string");
    }
    /* Several clients write null for no params. */
    if (params && !yyjson_is_null(params)) {
        if (!yyjson_is_obj(params)) {
            return refuse(m, RPC_INVALID_PARAMS, e, "the params are not an object");
        }
        m->params = params;
    }
    return 0;
}

static int parse_error(yyjson_val *error, struct rpc_message *m, struct err *e)
{
    m->kind = RPC_ERROR;
    m->error_message = json_get_str(error, "message");
    m->error_data = json_get(error, "data");
    if (json_get_int(error, "code", &m->error_code) || !m->error_message.p) {
        return refuse(m, RPC_INVALID_REQUEST, e,
                      "the error is not an object with an integer code and a string message");
    }
    return 0;
}

int rpc_parse(yyjson_val *root, struct rpc_message *out, struct err *e)
{
    yyjson_val *id, *method, *error;
    int rc;

    *out = (struct rpc_message){ .refusal = RPC_INVALID_REQUEST };
    if (!yyjson_is_obj(root)) {
        return refuse(out, RPC_INVALID_REQUEST, e, "the message is not an object");
    }
    id = json_get(root, "id");
    method = json_get(root, "method");
    error = json_get(root, "error");
    out->result = json_get(root, "result");
    /* As JSON-RPC 1.0 had it, some peers send both, the one that does not apply being null. */
    if (error && out->result) {
        error = yyjson_is_null(error) ? NULL : error;
        out->result = error && yyjson_is_null(out->result) ? NULL : out->result;
    }
    /* An error answers no known request when the peer could not read its id. */
    if (id && !(error && yyjson_is_null(id))) {
        rc = parse_id(out, id, e);
        if (rc) {
            return rc;
        }
    }
    if (!str_eqz(json_get_str(root, "jsonrpc"), "2.0")) {
        return refuse(out, RPC_INVALID_REQUEST, e, "the member jsonrpc is not \"2.0\"");
    }
    if ((method ? 1 : 0) + (error ? 1 : 0) + (out->result ? 1 : 0) != 1) {
        return refuse(out, RPC_INVALID_REQUEST, e,
                      "a message has exactly one of method, result and error");
    }
    if (method) {
        return parse_call(root, out, e);
    }
    if (error) {
        return parse_error(error, out, e);
    }
    out->kind = RPC_RESULT;
    return out->id_len ? 0 : refuse(out, RPC_INVALID_REQUEST, e, "the result has no id");
}

/* ---- Writing ---- */

static void begin_message(struct json_writer *w, struct buf *b, struct str id)
{
    jw_init(w, b);
    jw_object(w);
    jw_key(w, "jsonrpc");
    jw_strz(w, "2.0");
    if (id.p) {
        jw_key(w, "id");
        jw_raw(w, id);
    }
}

static void write_call(struct json_writer *w, struct str method, struct str params)
{
    jw_key(w, "method");
    jw_str(w, method);
    if (params.p) {
        jw_key(w, "params");
        jw_raw(w, params);
    }
    jw_object_end(w);
}

void rpc_write_result(struct buf *b, struct str id, struct str result)
{
    struct json_writer w;

    assert(id.p);
    begin_message(&w, b, id);
    jw_key(&w, "result");
    jw_raw(&w, result);
    jw_object_end(&w);
}

void rpc_write_error_object(struct buf *b, struct str id, struct str error)
{
    struct json_writer w;

    begin_message(&w, b, id);
    jw_key(&w, "error");
    jw_raw(&w, error);
    jw_object_end(&w);
}

void rpc_write_error(struct buf *b, struct str id, int64_t code, struct str message,
                     struct str data)
{
    struct json_writer w;

    begin_message(&w, b, id);
    jw_key(&w, "error");
    jw_object(&w);
    jw_key(&w, "code");
    jw_int(&w, code);
    jw_key(&w, "message");
    jw_str(&w, message);
    if (data.p) {
        jw_key(&w, "data");
        jw_raw(&w, data);
    }
    jw_object_end(&w);
    jw_object_end(&w);
}

void rpc_write_request(struct buf *b, struct str id, struct str method, struct str params)
{
    struct json_writer w;

    assert(id.p);
    begin_message(&w, b, id);
    write_call(&w, method, params);
}

void rpc_write_notification(struct buf *b, struct str method, struct str params)
{
    struct json_writer w;

    begin_message(&w, b, STR_NONE);
    write_call(&w, method, params);
}

/* The id stands where a notification has its method (begin_message). */
bool rpc_wrote_request(struct str message)
{
    return str_starts(message, STR("{\"jsonrpc\":\"2.0\",\"id\":"));
}
