/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annotations: hints for clients, passed on as their author wrote them once their types are right.
 * Members that MCP does not name are nobody's business here.
 * Source: MCP 2025-11-25, schema, Annotations and ToolAnnotations.
 */
#include "json/json.h"
#include "mcp/tool.h"

/* Absent passes, and gives NULL. */
static int read_object(struct str text, yyjson_doc **doc_out, struct err *e)
{
    yyjson_doc *doc;
    int rc;

    *doc_out = NULL;
    if (!text.p) {
        return DMCP_OK;
    }
    rc = json_read(text, &doc, e);
    if (rc != DMCP_OK) {
        return rc;
    }
    if (!yyjson_is_obj(yyjson_doc_get_root(doc))) {
        yyjson_doc_free(doc);
        return err_set(e, DMCP_E_INVALID, "not a JSON object");
    }
    *doc_out = doc;
    return DMCP_OK;
}

static int check_text(yyjson_val *object, const char *key, struct err *e)
{
    yyjson_val *v = json_get(object, key);

    return !v || yyjson_is_str(v) ? DMCP_OK
                                  : err_set(e, DMCP_E_INVALID, "%s must be a string", key);
}

static int check_audience(yyjson_val *audience, struct err *e)
{
    yyjson_arr_iter it = yyjson_arr_iter_with(audience);
    bool is_good = !audience || yyjson_is_arr(audience);
    yyjson_val *who;

    while (is_good && (who = yyjson_arr_iter_next(&it))) {
        is_good = yyjson_equals_str(who, "user") || yyjson_equals_str(who, "assistant");
    }
    return is_good ? DMCP_OK
                   : err_set(e, DMCP_E_INVALID,
                             "audience must be an array of \"user\" and \"assistant\"");
}

static int check_priority(yyjson_val *object, struct err *e)
{
    double priority;
    int rc = json_get_double(object, "priority", &priority);

    return rc == DMCP_E_NOTFOUND || (rc == DMCP_OK && priority >= 0 && priority <= 1)
               ? DMCP_OK
               : err_set(e, DMCP_E_INVALID, "priority must be a number from 0 to 1");
}

int annotations_check(struct str text, struct err *e)
{
    yyjson_doc *doc;
    yyjson_val *object;
    int rc = read_object(text, &doc, e);

    object = yyjson_doc_get_root(doc);
    if (rc == DMCP_OK) {
        rc = check_audience(json_get(object, "audience"), e);
    }
    if (rc == DMCP_OK) {
        rc = check_priority(object, e);
    }
    if (rc == DMCP_OK) {
        rc = check_text(object, "lastModified", e);
    }
    yyjson_doc_free(doc);
    return rc;
}

int tool_annotations_check(struct str text, struct err *e)
{
    static const char *const hints[] = { "readOnlyHint", "destructiveHint", "idempotentHint",
                                         "openWorldHint" };
    yyjson_doc *doc;
    yyjson_val *object;
    int rc = read_object(text, &doc, e);

    object = yyjson_doc_get_root(doc);
    if (rc == DMCP_OK) {
        rc = check_text(object, "title", e);
    }
    for (size_t i = 0; rc == DMCP_OK && i < COUNT_OF(hints); i++) {
        yyjson_val *hint = json_get(object, hints[i]);

        if (hint && !yyjson_is_bool(hint)) {
            rc = err_set(e, DMCP_E_INVALID, "%s must be true or false", hints[i]);
        }
    }
    yyjson_doc_free(doc);
    return rc;
}

int object_check(struct str text, struct err *e)
{
    yyjson_doc *doc;
    int rc = read_object(text, &doc, e);

    yyjson_doc_free(doc);
    return rc;
}
