/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers for effect validation. `steady` and `look` keep to the rules, the others each break one:
 * they count their runs in the process, and do something else in each.
 */
#include <dmcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static atomic_int n_runs;

static int append_line(dmcp_call *call, void *log, dmcp_value **result)
{
    FILE *f = fopen(log, "a");
    bool is_written = f && fputs("ran\n", f) >= 0;

    if (f && fclose(f) != 0) {
        is_written = false;
    }
    *result = dmcp_string(call, "ran");
    return is_written ? DMCP_OK : dmcp_fail(call, 1, "cannot write %s", (const char *)log);
}

/* A step, a map write, an event and a result. */
static int steady(dmcp_call *call)
{
    const char *log = dmcp_arg_str(call, "log");
    dmcp_value *v;

    DMCP_TRY(dmcp_at_least_once(call, "append", append_line, (void *)(uintptr_t)log, &v));
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "runs"), dmcp_call_id(call), "1", 1));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_WARNING, NULL, "appended"));
    return dmcp_reply(call, "v", v);
}

static int count(dmcp_call *call)
{
    return dmcp_reply(call, "{s:i}", "count", atomic_fetch_add(&n_runs, 1));
}

static int sends(dmcp_call *call)
{
    DMCP_TRY(dmcp_log(call, DMCP_LOG_WARNING, NULL, "run %d", atomic_fetch_add(&n_runs, 1)));
    return dmcp_reply(call, "s", "sent");
}

/* How often `steady` has ended. */
static int look(dmcp_call *call)
{
    const dmcp_entry *entries;
    size_t n;

    DMCP_TRY(dmcp_map_range(dmcp_map_open(call, "runs"), NULL, NULL, 1000, &entries, &n));
    return dmcp_reply(call, "i", (int)n);
}

static int show(dmcp_call *call)
{
    return dmcp_add_text(call, "run %d", atomic_fetch_add(&n_runs, 1));
}

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("fickle", "1.0.0");
    const dmcp_param log[] = { { .name = "log", .type = DMCP_STRING, .required = true },
                               { .name = NULL } };

    dmcp_add_tool(server, &(dmcp_tool){ .name = "steady", .params = log, .handler = steady });
    dmcp_add_tool(server, &(dmcp_tool){ .name = "count", .handler = count });
    dmcp_add_tool(server, &(dmcp_tool){ .name = "sends", .handler = sends });
    dmcp_add_tool(server, &(dmcp_tool){
                              .name = "peek", .handler = count, .durability = DMCP_EPHEMERAL });
    dmcp_add_tool(server, &(dmcp_tool){ .name = "look", .handler = look });
    dmcp_add_tool(server, &(dmcp_tool){
                              .name = "glance", .handler = look, .durability = DMCP_EPHEMERAL });
    dmcp_add_prompt(server, &(dmcp_prompt){ .name = "show", .handler = show });
    dmcp_add_resource(server, &(dmcp_resource){ .uri = "show://it", .handler = show });
    return dmcp_server_main(server, argc, argv);
}
