/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/list, prompts/list, resources/list and resources/templates/list, in pages with cursors.
 *
 * A cursor is a place in a list, behind the last entry of a page; opaque to the client. Entries
 * that come stand behind all others, so whoever follows the cursors sees each entry that is there
 * all the while once, whatever comes and goes meanwhile.
 *
 *     | which list 1 | number 16 | history 16 | life of the server 32 |      hexadecimal digits
 *
 * In another life of the server the numbers may be given to other entries. There a cursor holds if
 * the entry that it stands behind is there, and all that was ever added up to it is the same.
 * Source: MCP 2025-11-25, server utilities, pagination.
 */
#include "mcp/internal.h"

static const struct {
    const char *key;
    char letter;
} lists[N_OFFERS] = {
    [OFFER_TOOLS] = { "tools", 't' },
    [OFFER_PROMPTS] = { "prompts", 'p' },
    [OFFER_RESOURCES] = { "resources", 'r' },
    [OFFER_TEMPLATES] = { "resourceTemplates", 'u' },
};

#define CURSOR_BYTES (1 + 2 * ID_HEX_BYTES)

static struct id id_of_place(struct tool_place p)
{
    struct id id;

    for (unsigned i = 0; i < 8; i++) {
        id.b[i] = (uint8_t)(p.number >> (56 - 8 * i));
        id.b[8 + i] = (uint8_t)(p.history >> (56 - 8 * i));
    }
    return id;
}

static struct tool_place place_of_id(struct id id)
{
    struct tool_place p = { 0 };

    for (unsigned i = 0; i < 8; i++) {
        p.number = p.number << 8 | id.b[i];
        p.history = p.history << 8 | id.b[8 + i];
    }
    return p;
}

/* Where the page begins that a cursor names. DMCP_E_INVALID: it is none of ours, or none any more. */
static int read_cursor(struct endpoint *e, yyjson_val *params, enum offer offer,
                       struct tool_place *after_out)
{
    struct catalog *c = e->config.catalog;
    yyjson_val *cursor = json_get(params, "cursor");
    struct str text = json_str(cursor);
    struct tool_place after;
    struct id id, life;

    *after_out = (struct tool_place){ 0 };
    if (!cursor) {
        return DMCP_OK;
    }
    if (!text.p || text.len != CURSOR_BYTES || text.p[0] != lists[offer].letter ||
        id_from_hex(str_make(text.p + 1, ID_HEX_BYTES), &id) != DMCP_OK ||
        id_from_hex(str_make(text.p + 1 + ID_HEX_BYTES, ID_HEX_BYTES), &life) != DMCP_OK) {
        return DMCP_E_INVALID;
    }
    after = place_of_id(id);
    if (!(id_eq(life, e->life) ? catalog_knows(c, offer, after.number)
                               : catalog_stands(c, offer, after))) {
        return DMCP_E_INVALID;
    }
    *after_out = after;
    return DMCP_OK;
}

static void write_cursor(struct endpoint *e, struct json_writer *w, enum offer offer,
                         struct tool_place last)
{
    char place[ID_HEX_BYTES + 1], life[ID_HEX_BYTES + 1];

    id_to_hex(id_of_place(last), place);
    id_to_hex(e->life, life);
    jw_key(w, "nextCursor");
    jw_strf(w, "%c%s%s", lists[offer].letter, place, life);
}

static void write_page(struct endpoint *e, struct buf *out, enum offer offer, struct tool_place after)
{
    struct buf entries;
    struct json_writer w;
    struct tool_place last;
    bool has_more;

    buf_init(&entries, SIZE_MAX / 2);
    has_more = catalog_page(e->config.catalog, offer, after, e->config.page_entries, &entries,
                            &last);
    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, lists[offer].key);
    jw_array(&w);
    if (entries.len > 0) {
        jw_raw(&w, buf_str(&entries));
    }
    jw_array_end(&w);
    if (has_more) {
        write_cursor(e, &w, offer, last);
    }
    jw_object_end(&w);
    buf_fini(&entries);
}

static void answer_page(struct endpoint *e, struct exchange *x, enum offer offer)
{
    struct tool_place after;
    struct buf page;

    if (read_cursor(e, x->message->params, offer, &after) != DMCP_OK) {
        exchange_error(e, x, 200, RPC_INVALID_PARAMS,
                       "Invalid params: unknown cursor; begin with the first page again");
        return;
    }
    buf_init(&page, SIZE_MAX / 2);
    write_page(e, &page, offer, after);
    exchange_result(e, x, buf_str(&page));
    buf_fini(&page);
}

void method_tools_list(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    (void)s;
    answer_page(e, x, OFFER_TOOLS);
}

void method_prompts_list(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    (void)s;
    answer_page(e, x, OFFER_PROMPTS);
}

void method_resources_list(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    (void)s;
    answer_page(e, x, OFFER_RESOURCES);
}

void method_templates_list(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    (void)s;
    answer_page(e, x, OFFER_TEMPLATES);
}
