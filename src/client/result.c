/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results: the JSON text of one, and what is asked for most often taken out of it.
 */
#include <assert.h>

#include "client/client.h"
#include "json/json.h"

struct dmcp_result {
    char *json;
    char *structured; /* JSON text, or NULL */
    char *text;       /* or NULL */
    bool is_error;
};

static char *first_text(yyjson_val *content)
{
    yyjson_arr_iter all;
    yyjson_val *block;
    struct str text;

    if (!yyjson_is_arr(content)) {
        return NULL;
    }
    all = yyjson_arr_iter_with(content);
    while ((block = yyjson_arr_iter_next(&all)) != NULL) {
        text = json_get_str(block, "text");
        if (text.p && str_eqz(json_get_str(block, "type"), "text")) {
            return mem_dup(text.p, text.len);
        }
    }
    return NULL;
}

dmcp_result *result_new_take(char *json)
{
    dmcp_result *r = mem_zalloc(sizeof(*r));
    yyjson_val *root, *structured;
    yyjson_doc *doc;
    struct buf b;
    int rc;

    r->json = json;
    rc = json_read(str_of(json), &doc, NULL);
    assert(rc == DMCP_OK); /* json_write wrote it */
    root = yyjson_doc_get_root(doc);
    if (json_get_bool(root, "isError", &r->is_error)) {
        r->is_error = false;
    }
    r->text = first_text(json_get(root, "content"));
    structured = json_get(root, "structuredContent");
    if (structured) {
        buf_init(&b, SIZE_MAX / 2);
        json_write(&b, structured);
        r->structured = buf_take(&b, NULL);
    }
    yyjson_doc_free(doc);
    return r;
}

void dmcp_result_free(dmcp_result *result)
{
    if (!result) {
        return;
    }
    mem_free(result->json);
    mem_free(result->structured);
    mem_free(result->text);
    mem_free(result);
}

bool dmcp_result_is_error(const dmcp_result *result)
{
    return result->is_error;
}

const char *dmcp_result_text(const dmcp_result *result)
{
    return result->text;
}

const char *dmcp_result_structured(const dmcp_result *result)
{
    return result->structured;
}

const char *dmcp_result_json(const dmcp_result *result)
{
    return result->json;
}
