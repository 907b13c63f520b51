/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server with as many tools, prompts, resources and templates as the environment says in MANY:
 * tool-1, prompt-1, item://1, list-1://{id}, and so on.
 */
#include <dmcp.h>
#include <stdio.h>
#include <stdlib.h>

static int nothing(dmcp_call *call)
{
    return dmcp_add_text(call, "nothing");
}

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("many", "1.0.0");
    const char *many = getenv("MANY");
    int n = many ? atoi(many) : 1;
    char name[64];

    for (int i = 1; i <= n; i++) {
        snprintf(name, sizeof(name), "tool-%d", i);
        dmcp_add_tool(server, &(dmcp_tool){ .name = name, .handler = nothing });
        snprintf(name, sizeof(name), "prompt-%d", i);
        dmcp_add_prompt(server, &(dmcp_prompt){ .name = name, .handler = nothing });
        snprintf(name, sizeof(name), "item://%d", i);
        dmcp_add_resource(server, &(dmcp_resource){ .uri = name, .handler = nothing });
        snprintf(name, sizeof(name), "list-%d://{id}", i);
        dmcp_add_resource(server, &(dmcp_resource){ .uri = name, .handler = nothing });
    }
    return dmcp_server_main(server, argc, argv);
}
