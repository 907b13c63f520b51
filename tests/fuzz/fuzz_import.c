/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of an export that is understood gives a row, and the row gives a line that gives the same
 * row; any row at all goes into a line and comes back byte for byte. The input is a line, or a key
 * and a value divided by its first byte.
 */
#include <assert.h>
#include <stdlib.h>

#include "admin/line.h"
#include "base/limits.h"
#include "json/json.h"
#include "store/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_line(struct str line, struct buf *key, struct buf *value)
{
    yyjson_doc *doc;
    struct err e = { 0, "" };
    int rc;

    buf_init(key, KEY_BYTES_MAX);
    buf_init(value, LINE_BYTES);
    if (json_read(line, &doc, NULL)) {
        return DMCP_E_INVALID;
    }
    rc = line_read(yyjson_doc_get_root(doc), key, value, &e);
    assert(rc == DMCP_OK || (rc == DMCP_E_INVALID && e.text[0]));
    yyjson_doc_free(doc);
    return rc;
}

static void expect_back(struct str key, struct str value)
{
    struct buf line, key_again, value_again;

    buf_init(&line, 64 * MIB);
    line_write(&line, key, value);
    assert(line.len > 0 && line.data[line.len - 1] == '\n');
    assert(!memchr(line.data, '\n', line.len - 1));
    if (read_line(str_make(line.data, line.len - 1), &key_again, &value_again)) {
        abort();
    }
    assert(str_eq(buf_str(&key_again), key) && str_eq(buf_str(&value_again), value));
    buf_fini(&line);
    buf_fini(&key_again);
    buf_fini(&value_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf key, value;
    size_t n;

    if (read_line(str_make(data, size), &key, &value) == DMCP_OK) {
        expect_back(buf_str(&key), buf_str(&value));
    }
    buf_fini(&key);
    buf_fini(&value);
    if (size > 1) {
        n = data[0] < size - 1 ? (size_t)data[0] : size - 1;
        if (n > 0) {
            expect_back(str_make(data + 1, n), str_make(data + 1 + n, size - 1 - n));
        }
    }
    return 0;
}
