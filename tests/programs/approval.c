/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server on which a person has the last word: `publish` waits until somebody approves or rejects
 * the text, or until it is too late for that. docs/dmcp.md shows how to write one.
 */
#include <dmcp.h>
#include <stdio.h>
#include <string.h>

#define CANNOT_PRINT 1

/* One line for each copy. */
static int print(dmcp_call *call, void *arg, dmcp_value **result)
{
    const char *path = dmcp_arg_str(call, "press");
    FILE *press = fopen(path, "a");
    int rc = press ? fprintf(press, "%s\n", (const char *)arg) : -1;

    if (!press || fclose(press) != 0 || rc < 0) {
        return dmcp_fail(call, CANNOT_PRINT, "cannot print to %s", path);
    }
    *result = dmcp_string(call, "printed");
    return DMCP_OK;
}

static int publish(dmcp_call *call)
{
    const dmcp_value *decision;
    int rc = dmcp_await_signal(call, "decision", (uint64_t)dmcp_arg_int(call, "within_ms"), &decision);
    const char *by;

    if (rc == DMCP_E_TIMEOUT) {
        return dmcp_reply(call, "{s:s}", "status", "expired");
    }
    DMCP_TRY(rc);
    by = dmcp_str(dmcp_get(decision, "by"));
    if (strcmp(dmcp_str(dmcp_get(decision, "verdict")), "approve") != 0) {
        return dmcp_reply(call, "{s:s, s:s}", "status", "rejected", "by", by);
    }
    DMCP_TRY(dmcp_at_most_once(call, "print", print, (void *)dmcp_arg_str(call, "text"), NULL));
    return dmcp_reply(call, "{s:s, s:s}", "status", "published", "by", by);
}

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("approval", "1.0.0");

    dmcp_add_tool(server, &(dmcp_tool){
        .name = "publish",
        .description = "Publish a text when somebody has approved it.",
        .params = (dmcp_param[]){
            { "text", DMCP_STRING, "what to publish", .required = true },
            { "press", DMCP_STRING, "the file that is printed to", .required = true },
            { "within_ms", DMCP_INTEGER, "how long to wait for a decision; 0 for ever",
              .fallback = "0", .schema = "{\"minimum\":0}" },
            { 0 } },
        .handler = publish });
    return dmcp_server_main(server, argc, argv);
}
