/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of tools, fetched page by page (MCP 2025-11-25, Utilities, "Pagination").
 */
#include "base/limits.h"
#include "client/client.h"
#include "json/json.h"
#include "json/writer.h"

struct tool {
    const char *name, *description, *input_schema, *json;
};

struct dmcp_tool_list {
    struct tool *tools;
    size_t n, capacity;
    struct arena arena; /* all the strings */
};

static const char *text_of(struct arena *a, const yyjson_val *v)
{
    struct buf b;
    const char *text;

    if (!v) {
        return NULL;
    }
    buf_init(&b, SIZE_MAX / 2);
    json_write(&b, v);
    text = arena_dup(a, b.data, b.len);
    buf_fini(&b);
    return text;
}

static const char *string_of(struct arena *a, struct str s)
{
    return s.p ? arena_dup(a, s.p, s.len) : NULL;
}

static int add_tool(dmcp_tool_list *l, const yyjson_val *tool, struct err *e)
{
    struct str name = json_get_str(tool, "name");

    if (!name.p) {
        return err_set(e, DMCP_E_PROTOCOL, "the server lists a tool without a name");
    }
    if (l->n == LIMIT_LIST_ENTRIES) {
        return err_set(e, DMCP_E_TOOBIG, "the server lists more than %d tools", LIMIT_LIST_ENTRIES);
    }
    if (l->n == l->capacity) {
        l->capacity = l->capacity ? 2 * l->capacity : 16;
        l->tools = mem_realloc(l->tools, l->capacity * sizeof(*l->tools));
    }
    l->tools[l->n++] = (struct tool){
        .name = string_of(&l->arena, name),
        .description = string_of(&l->arena, json_get_str(tool, "description")),
        .input_schema = text_of(&l->arena, json_get(tool, "inputSchema")),
        .json = text_of(&l->arena, tool),
    };
    return DMCP_OK;
}

/* The cursor of the next page goes to *cursor: NULL at the end. */
static int add_page(dmcp_tool_list *l, const char *json, char **cursor, struct err *e)
{
    yyjson_val *root, *tools, *tool;
    yyjson_arr_iter all;
    yyjson_doc *doc;
    struct str next;
    int rc = json_read(str_of(json), &doc, e);

    if (rc) {
        return rc;
    }
    root = yyjson_doc_get_root(doc);
    tools = json_get(root, "tools");
    if (!yyjson_is_arr(tools)) {
        rc = err_set(e, DMCP_E_PROTOCOL, "the server's list of tools is no list");
    } else {
        all = yyjson_arr_iter_with(tools);
        while (rc == DMCP_OK && (tool = yyjson_arr_iter_next(&all)) != NULL) {
            rc = add_tool(l, tool, e);
        }
    }
    next = json_get_str(root, "nextCursor");
    if (rc == DMCP_OK && next.p && *cursor && str_eqz(next, *cursor)) {
        rc = err_set(e, DMCP_E_PROTOCOL, "the server's list of tools goes in circles");
    }
    mem_free(*cursor);
    *cursor = next.p ? mem_dup(next.p, next.len) : NULL;
    yyjson_doc_free(doc);
    return rc;
}

static int fetch_page(struct dmcp_client *c, const char *cursor, struct errand **x_out)
{
    struct request r = { .method = "tools/list", .may_repeat = true };
    struct json_writer w;
    struct buf params;
    int rc;

    buf_init(&params, LIMIT_MESSAGE_BYTES);
    if (cursor) {
        jw_init(&w, &params);
        jw_object(&w);
        jw_key(&w, "cursor");
        jw_strz(&w, cursor);
        jw_object_end(&w);
        r.params = buf_str(&params);
    }
    rc = request_run(c, &r, x_out);
    buf_fini(&params);
    return rc;
}

int dmcp_client_list_tools(dmcp_client *client, dmcp_tool_list **list_out)
{
    dmcp_tool_list *l;
    struct errand *x;
    char *cursor = NULL;
    size_t n_pages = 0;
    struct err e;
    int rc = client_enter_session(client);

    if (rc) {
        return rc;
    }
    l = mem_zalloc(sizeof(*l));
    arena_init(&l->arena);
    do {
        if (n_pages++ == LIMIT_LIST_PAGES) {
            err_set(&e, DMCP_E_TOOBIG, "the server's list of tools has more than %d pages",
                    LIMIT_LIST_PAGES);
            rc = client_fail(client, &e);
            break;
        }
        rc = fetch_page(client, cursor, &x);
        if (rc) {
            break;
        }
        rc = add_page(l, x->result, &cursor, &e);
        if (rc) {
            rc = client_fail(client, &e);
        }
        errand_free(client, x);
    } while (rc == DMCP_OK && cursor);
    mem_free(cursor);
    if (rc) {
        dmcp_tool_list_free(l);
    } else {
        *list_out = l;
    }
    return rc;
}

void dmcp_tool_list_free(dmcp_tool_list *list)
{
    if (list) {
        arena_fini(&list->arena);
        mem_free(list->tools);
        mem_free(list);
    }
}

size_t dmcp_tool_list_count(const dmcp_tool_list *list)
{
    return list->n;
}

const char *dmcp_tool_list_name(const dmcp_tool_list *list, size_t i)
{
    return i < list->n ? list->tools[i].name : NULL;
}

const char *dmcp_tool_list_description(const dmcp_tool_list *list, size_t i)
{
    return i < list->n ? list->tools[i].description : NULL;
}

const char *dmcp_tool_list_input_schema(const dmcp_tool_list *list, size_t i)
{
    return i < list->n ? list->tools[i].input_schema : NULL;
}

const char *dmcp_tool_list_json(const dmcp_tool_list *list, size_t i)
{
    return i < list->n ? list->tools[i].json : NULL;
}
