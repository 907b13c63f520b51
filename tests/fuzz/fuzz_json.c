/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever is read can be written, reads back as the same value, and is then written the same;
 * any bytes can be written as a string.
 */
#include <assert.h>
#include <math.h>

#include "base/limits.h"
#include "json/equal.h"
#include "json/json.h"
#include "json/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_getters(const yyjson_val *v)
{
    char described[48];
    uint64_t as_uint = 0;
    int64_t as_int = 0;
    double as_double;

    json_describe(v, described, sizeof(described));
    assert(strlen(described) < sizeof(described));
    if (json_is_number(v)) {
        bool is_int = json_to_int(v, &as_int) == 0, is_uint = json_to_uint(v, &as_uint) == 0;

        assert(json_to_double(v, &as_double) == 0 && !isnan(as_double));
        assert(!is_int || !is_uint || (uint64_t)as_int == as_uint);
        assert(!is_int || fabs((double)as_int - as_double) <= fabs(as_double) * 1e-15);
    } else {
        assert(json_to_double(v, &as_double) == DMCP_E_INVALID);
    }
}

static void read_and_write(struct str text)
{
    yyjson_doc *doc, *again;
    struct buf first, second;
    struct err e;

    if (json_read(text, &doc, &e)) {
        assert(e.text[0]);
        return;
    }
    buf_init(&first, 64 * MIB);
    buf_init(&second, 64 * MIB);
    json_write(&first, doc->root);
    assert(buf_ok(&first));
    if (json_read(buf_str(&first), &again, NULL)) {
        abort();
    }
    assert(json_equal(doc->root, again->root));
    assert(json_hash(doc->root) == json_hash(again->root));
    json_write(&second, again->root);
    assert(str_eq(buf_str(&first), buf_str(&second)));
    for (yyjson_val *v = doc->root; v < unsafe_yyjson_get_next(doc->root); v++) {
        use_getters(v);
    }
    buf_fini(&first);
    buf_fini(&second);
    yyjson_doc_free(doc);
    yyjson_doc_free(again);
}

static void write_as_string(struct str bytes)
{
    struct json_writer w;
    char quoted[32];
    yyjson_doc *doc;
    struct buf b;

    buf_init(&b, 64 * MIB);
    jw_init(&w, &b);
    jw_array(&w);
    jw_str(&w, bytes);
    jw_base64(&w, bytes);
    jw_array_end(&w);
    if (json_read(buf_str(&b), &doc, NULL)) {
        abort();
    }
    yyjson_doc_free(doc);
    buf_fini(&b);

    json_quote(bytes, quoted, sizeof(quoted));
    if (json_read(str_of(quoted), &doc, NULL)) {
        abort();
    }
    yyjson_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_and_write(str_make(data, size));
    write_as_string(str_make(data, size));
    return 0;
}
