/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A template that is accepted can be compared with any URI in bounded time; where it matches, its
 * variables make the URI again. The input is the template and the URI, divided by a NUL.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "json/json.h"
#include "json/writer.h"
#include "mcp/uri_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not for templates with a query. */
static void expand(struct str template, const yyjson_val *values, struct buf *uri)
{
    char name[64];

    while (template.len > 0) {
        const char *end = template.p[0] == '{' ? memchr(template.p, '}', template.len) : NULL;
        size_t n = end ? (size_t)(end - template.p) + 1 : 1;

        if (end) {
            size_t at = template.p[1] == '+' ? 2 : 1;

            assert(n - at - 1 < sizeof(name));
            memcpy(name, template.p + at, n - at - 1);
            name[n - at - 1] = '\0';
            buf_add_str(uri, json_get_str(values, name));
        } else {
            buf_addc(uri, template.p[0]);
        }
        template = str_make(template.p + n, template.len - n);
    }
}

static bool is_plain(struct str template, struct str uri)
{
    return uri.len > 0 && !memchr(uri.p, '%', uri.len) && utf8_is_valid(uri) &&
           !memmem(template.p, template.len, "{?", 2) && template.len < 64;
}

static void match(struct str template, struct str uri)
{
    struct json_writer w;
    struct buf text, again;
    yyjson_doc *doc;
    bool is_match;

    buf_init(&text, 64 * MIB);
    jw_init(&w, &text);
    jw_object(&w);
    is_match = uri_template_match(template, uri, &w);
    jw_object_end(&w);
    if (json_read(buf_str(&text), &doc, NULL)) {
        abort(); /* a name twice, or not UTF-8 */
    }
    if (is_match && is_plain(template, uri)) {
        buf_init(&again, 64 * MIB);
        expand(template, yyjson_doc_get_root(doc), &again);
        assert(str_eq(buf_str(&again), uri));
        buf_fini(&again);
    }
    yyjson_doc_free(doc);
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    struct str template = str_make(data, end ? (size_t)(end - data) : size);
    struct str uri = end ? str_make(end + 1, size - template.len - 1) : template;
    struct err e = { 0, "" };

    if (!uri_template_is(template) || uri_template_check(template, &e) != DMCP_OK) {
        assert(!uri_template_is(template) || e.text[0]);
        return 0;
    }
    match(template, uri);
    return 0;
}
