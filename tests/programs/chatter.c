/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that writes to stdout in every way in which a program and its libraries do, before it
 * serves, in a tool, and behind the end; and reads from stdin. With --stdio its host must not see
 * anything of it.
 */
#include <dmcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int chat(dmcp_call *call)
{
    static const char raw[] = "chatter: by write\n";
    char c;

    printf("chatter: by printf, no line end");
    puts("chatter: by puts");
    fflush(stdout);
    if (write(STDOUT_FILENO, raw, strlen(raw)) < 0 ||
        system("echo chatter: of a child; cat") != 0) {
        return dmcp_reply_error(call, "no stdout");
    }
    if (read(STDIN_FILENO, &c, 1) != 0) {
        return dmcp_reply_error(call, "stdin has something for a tool");
    }
    printf("chatter: left in the buffer");
    return dmcp_add_text(call, "chatted");
}

static int say(dmcp_call *call)
{
    printf("chatter: a line\n");
    return dmcp_add_text(call, "said");
}

static int pretty(dmcp_call *call)
{
    return dmcp_reply(call, "j", "{\r\n  \"a\": [\n    1,\n    2\n  ]\n}\n");
}

/* JSON text as people like it, with line ends in it. */
static const char schema[] = "{\r\n  \"type\": \"object\",\n  \"properties\": {\n  }\n}\n";

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("chatter", "1.0.0");
    int status;

    printf("chatter: before it serves");
    dmcp_add_tool(server, &(dmcp_tool){ .name = "chat", .handler = chat });
    dmcp_add_tool(server, &(dmcp_tool){ .name = "say", .handler = say });
    dmcp_add_tool(server, &(dmcp_tool){ .name = "pretty", .input_schema = schema,
                                              .handler = pretty });
    status = dmcp_server_main(server, argc, argv);
    printf("chatter: behind the end\n");
    return status;
}
