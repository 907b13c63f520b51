/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any schema, checked against any value, gives one of the documented answers, the same with and
 * without words, in bounded time. The input is the schema and the value, divided by a NUL; the
 * schema itself is checked too, and may refer to itself as "remote".
 */
#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "json/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int find_itself(void *arg, struct str uri, struct str *text_out)
{
    if (!str_eq(uri, STR("remote"))) {
        return DMCP_E_NOTFOUND;
    }
    *text_out = *(struct str *)arg;
    return 0;
}

static void check_utf8(struct str s)
{
    uint32_t cp;

    while (s.len > 0) {
        size_t n = utf8_decode(s, &cp);

        assert(cp != UTF8_INVALID);
        s = str_make(s.p + n, s.len - n);
    }
}

static void check_value(const struct schema *schema, struct str text)
{
    struct schema_error error = { "", "" };
    yyjson_doc *doc;
    int rc, rc_without_words;

    if (json_read(text, &doc, NULL)) {
        return;
    }
    rc = schema_check(schema, doc->root, &error);
    rc_without_words = schema_check(schema, doc->root, NULL);
    assert(rc == rc_without_words);
    assert(rc == 0 || rc == DMCP_E_INVALID || rc == DMCP_E_TOOBIG);
    assert(rc == 0 || error.text[0]);
    check_utf8(str_of(error.text));
    check_utf8(str_of(error.path));
    yyjson_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    struct str text = str_make(data, end ? (size_t)(end - data) : size);
    struct str value = end ? str_make(end + 1, size - text.len - 1) : STR("{}");
    struct schema_resolver remotes = { find_itself, &text };
    struct schema *schema;
    struct err e = { 0, "" };
    int rc = schema_compile(text, &remotes, &schema, &e);

    if (rc) {
        assert(rc == DMCP_E_INVALID || rc == DMCP_E_TOOBIG || rc == DMCP_E_VERSION);
        assert(e.text[0]);
        return 0;
    }
    check_value(schema, value);
    check_value(schema, text);
    schema_free(schema);
    return 0;
}
