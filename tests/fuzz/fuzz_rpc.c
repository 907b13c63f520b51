/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message that is understood and written again is understood as the same message; and the id of a
 * request is the one that is found while its text goes by, if any is: one whose name is written with
 * escapes is not.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "json/equal.h"
#include "json/rpc.h"
#include "json/rpc_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str text_of(struct buf *b, const yyjson_val *v)
{
    if (!v) {
        return STR_NONE;
    }
    json_write(b, v);
    return buf_str(b);
}

static void write_again(const struct rpc_message *m, struct buf *out)
{
    struct buf part;

    buf_init(&part, 64 * MIB);
    switch (m->kind) {
    case RPC_REQUEST:
        rpc_write_request(out, rpc_id(m), m->method, text_of(&part, m->params));
        break;
    case RPC_NOTIFICATION:
        rpc_write_notification(out, m->method, text_of(&part, m->params));
        break;
    case RPC_RESULT:
        rpc_write_result(out, rpc_id(m), text_of(&part, m->result));
        break;
    case RPC_ERROR:
        rpc_write_error(out, rpc_id(m), m->error_code, m->error_message,
                        text_of(&part, m->error_data));
        break;
    }
    buf_fini(&part);
}

static bool is_same_value(const yyjson_val *a, const yyjson_val *b)
{
    return a && b ? json_equal(a, b) : a == b;
}

static void expect_same(const struct rpc_message *a, const struct rpc_message *b)
{
    assert(a->kind == b->kind);
    assert(str_eq(rpc_id(a), rpc_id(b)));
    assert(str_eq(a->method, b->method));
    assert(is_same_value(a->params, b->params));
    assert(is_same_value(a->error_data, b->error_data));
    assert(a->error_code == b->error_code);
    assert(str_eq(a->error_message, b->error_message));
    assert(a->kind != RPC_RESULT || is_same_value(a->result, b->result));
}

static void expect_found(const struct rpc_message *m, struct str text)
{
    struct rpc_scan scan;
    struct str id;

    rpc_scan_init(&scan);
    rpc_scan_feed(&scan, str_make(text.p, text.len / 2));
    rpc_scan_feed(&scan, str_make(text.p + text.len / 2, text.len - text.len / 2));
    id = rpc_scan_id(&scan);
    if (m->kind == RPC_REQUEST && (id.p || !memchr(text.p, '\\', text.len))) {
        assert(id.p && str_eq(id, rpc_id(m)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rpc_message m, again;
    yyjson_doc *doc, *doc_again;
    struct buf text;
    struct err e;

    if (json_read(str_make(data, size), &doc, NULL)) {
        return 0;
    }
    buf_init(&text, 64 * MIB);
    if (rpc_parse(doc->root, &m, &e) == 0) {
        write_again(&m, &text);
        if (json_read(buf_str(&text), &doc_again, NULL) ||
            rpc_parse(doc_again->root, &again, NULL)) {
            abort();
        }
        expect_same(&m, &again);
        expect_found(&m, str_make(data, size));
        yyjson_doc_free(doc_again);
    } else {
        rpc_write_error(&text, rpc_id(&m), m.refusal, str_of(e.text), STR_NONE);
        if (json_read(buf_str(&text), &doc_again, NULL)) {
            abort();
        }
        yyjson_doc_free(doc_again);
    }
    buf_fini(&text);
    yyjson_doc_free(doc);
    return 0;
}
