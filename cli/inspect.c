/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dmcp inspect`: what a store holds, page by page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "show.h"

static const char usage[] =
    "Usage: dmcp inspect [options] [WHAT]\n"
    "\n"
    "  store          how much of everything there is (default)\n"
    "  sessions       the sessions of clients\n"
    "  session ID     one session, and its calls, newest first\n"
    "  calls          calls, newest first\n"
    "  call ID        one call, and its journal as a timeline\n"
    "  maps           the maps\n"
    "  map NAME       the entries of one\n"
    "  timers         what time will end, the next first\n"
    "  inputs         the questions and signals that suspended calls wait for\n"
    "\n"
    "  --json         JSON for programs, one line per page\n"
    "  --status S     calls, session: only unfinished, suspended or finished ones\n"
    "  --tool NAME    calls, session, inputs: only of this tool\n"
    "  --session ID   calls: only of this session\n"
    "  --call ID      timers: only of this call\n"
    "  --prefix P     map: only keys that begin with P\n"
    "  --limit N      entries of a page (default 50, at most 1000)\n"
    "  --after NEXT   the page behind the one that said it\n"
    "  --all          all pages\n"
    "  --text N       show N bytes of a long value (default 1024 for JSON, 120 in tables)\n"
    "  --store DIR    the store's directory (default dmcp-store)\n";

#define TABLE_TEXT 120
#define TEXT_MAX (16 * 1024 * 1024)
#define LIMIT_MAX 1000

static const struct {
    const char *name;
    dmcp_view view;
    size_t n_words; /* with its own */
} views[] = {
    { "store", DMCP_VIEW_STORE, 1 },   { "sessions", DMCP_VIEW_SESSIONS, 1 },
    { "calls", DMCP_VIEW_CALLS, 1 },   { "call", DMCP_VIEW_CALL, 2 },
    { "maps", DMCP_VIEW_MAPS, 1 },     { "map", DMCP_VIEW_MAP, 2 },
    { "timers", DMCP_VIEW_TIMERS, 1 }, { "inputs", DMCP_VIEW_INPUTS, 1 },
    { "session", DMCP_VIEW_SESSION, 2 },
};

struct request {
    dmcp_inspect inspect;
    const char *limit, *text;
    bool is_json, is_all;
};

static bool read_view(const struct cli_arguments *a, dmcp_inspect *inspect)
{
    if (a->n_words == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        if (strcmp(a->words[0], views[i].name) == 0 && a->n_words == views[i].n_words) {
            inspect->view = views[i].view;
            inspect->name = a->n_words == 2 ? a->words[1] : NULL;
            return true;
        }
    }
    fputs(usage, stderr);
    return false;
}

static bool read_numbers(struct request *r)
{
    uint64_t limit, size;

    if (!cli_read_number("--limit", r->limit, LIMIT_MAX, &limit) ||
        !cli_read_number("--text", r->text, TEXT_MAX, &size)) {
        return false;
    }
    r->inspect.limit = (unsigned)limit;
    r->inspect.text = size || r->is_json ? (size_t)size : TABLE_TEXT;
    return true;
}

/* Shows a page. The place behind it, to be freed; NULL at the end. */
static char *show(const struct request *r, const char *json, bool is_first)
{
    yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
    const char *next = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), "next"));
    char *copy = next ? strdup(next) : NULL;

    if (r->is_json) {
        puts(json);
    } else {
        show_page(r->inspect.view, yyjson_doc_get_root(doc), is_first);
        if (next && !r->is_all) {
            printf("(more: --after %s)\n", next);
        }
    }
    yyjson_doc_free(doc);
    return copy;
}

static int show_pages(dmcp_admin *admin, struct request *r)
{
    char *next = NULL;
    bool is_first = true;
    int rc;

    do {
        const char *json;

        rc = dmcp_admin_inspect(admin, &r->inspect, &json);
        free(next);
        next = rc == DMCP_OK ? show(r, json, is_first) : NULL;
        r->inspect.after = next;
        is_first = false;
    } while (next && r->is_all);
    free(next);
    return rc;
}

int cli_inspect(int argc, char **argv)
{
    struct request r = { .is_json = false };
    const struct cli_option options[] = { { .name = "json", .flag = &r.is_json },
                                          { .name = "all", .flag = &r.is_all },
                                          { .name = "status", .text = &r.inspect.status },
                                          { .name = "tool", .text = &r.inspect.tool },
                                          { .name = "session", .text = &r.inspect.session },
                                          { .name = "call", .text = &r.inspect.call },
                                          { .name = "prefix", .text = &r.inspect.prefix },
                                          { .name = "after", .text = &r.inspect.after },
                                          { .name = "limit", .text = &r.limit },
                                          { .name = "text", .text = &r.text },
                                          { .name = NULL } };
    struct cli_arguments a;
    dmcp_admin *admin;
    int status;

    if (!cli_begin(argc, argv, options, usage, 0, 2, &a, &status)) {
        return status;
    }
    if (!read_view(&a, &r.inspect) || !read_numbers(&r)) {
        return CLI_USAGE;
    }
    admin = dmcp_admin_new(a.store);
    return cli_end(admin, show_pages(admin, &r));
}
