/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/list, prompts/list, resources/list and resources/templates/list, in pages with cursors.
 * A cursor is the place in the list where the next page begins, opaque to the client; the lists
 * do not change while the server runs.
 * Source: MCP 2025-11-25, server utilities, pagination.
 */
#include "mcp/internal.h"

#define PAGE 1000 /* entries; clients that do not follow cursors still see most lists whole */

static const char cursor_prefix[] = "at-";

/* The start of the page that a cursor names. DMCP_E_INVALID: it is none of ours. */
static int read_cursor(yyjson_val *params, size_t n, size_t *start_out)
{
    yyjson_val *cursor = json_get(params, "cursor");
    struct str text = json_str(cursor), prefix = str_of(cursor_prefix);
    uint64_t start;

    *start_out = 0;
    if (!cursor) {
        return DMCP_OK;
    }
    if (!text.p || !str_starts(text, prefix) ||
        str_to_u64(str_make(text.p + prefix.len, text.len - prefix.len), n, &start) != DMCP_OK ||
        start == 0 || start % PAGE != 0 || start == n) {
        return DMCP_E_INVALID;
    }
    *start_out = start;
    return DMCP_OK;
}

static void write_page(struct buf *out, const char *key, const struct tools *list, size_t start)
{
    size_t end = list->n - start > PAGE ? start + PAGE : list->n;
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, key);
    jw_array(&w);
    for (size_t i = start; i < end; i++) {
        jw_raw(&w, list->all[i]->entry);
    }
    jw_array_end(&w);
    if (end < list->n) {
        jw_key(&w, "nextCursor");
        jw_strf(&w, "%s%zu", cursor_prefix, end);
    }
    jw_object_end(&w);
}

static void answer_page(struct endpoint *e, struct exchange *x, const char *key,
                        const struct tools *list)
{
    struct buf page;
    size_t start;

    if (read_cursor(x->message->params, list->n, &start) != DMCP_OK) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS, "Invalid params: unknown cursor");
        return;
    }
    buf_init(&page, SIZE_MAX / 2);
    write_page(&page, key, list, start);
    exchange_result(e, x, buf_str(&page));
    buf_fini(&page);
}

void method_tools_list(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    (void)s;
    answer_page(e, x, "tools", &e->config.catalog->tools);
}

void method_prompts_list(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    (void)s;
    answer_page(e, x, "prompts", &e->config.catalog->prompts);
}

void method_resources_list(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    (void)s;
    answer_page(e, x, "resources", &e->config.catalog->resources);
}

void method_templates_list(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    (void)s;
    answer_page(e, x, "resourceTemplates", &e->config.catalog->templates);
}
