/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server whose tools stop where a test tells them to, and go on when it tells them to: a gate is
 * a path, and who comes to it waits until there is such a file. So a test kills the server at a
 * known place, and not after a guessed time.
 *
 *   hold   waits at its gate, and answers
 *   walk   runs n steps under one guard; each appends a line "ID I" to the log; the body of one of
 *          them then waits at the gate. Answers {"outcomes":["ok","attempted",...]}.
 *   emit   sends n notifications of a kind and a size, and waits at the gate behind one of them;
 *          then it appends "ID N" to the log. peek does the same as an ephemeral tool.
 */
#include <dmcp.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void wait_at(const char *gate)
{
    const struct timespec pause = { .tv_nsec = 1000000 };

    while (gate[0] && access(gate, F_OK) != 0) {
        nanosleep(&pause, NULL);
    }
}

static int hold(dmcp_call *call)
{
    wait_at(dmcp_arg_str(call, "gate"));
    return dmcp_reply(call, "s", "held");
}

/* ---- walk ---- */

static int append_line(dmcp_call *call, int64_t i)
{
    const char *line = dmcp_format(call, "%s %d\n", dmcp_arg_str(call, "id"), (int)i);
    int fd = open(dmcp_arg_str(call, "log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    ssize_t n = fd < 0 ? -1 : write(fd, line, strlen(line));

    if (fd >= 0) {
        close(fd);
    }
    return n == (ssize_t)strlen(line) ? DMCP_OK : dmcp_fail(call, 1, "cannot write the log");
}

static int body(dmcp_call *call, void *arg, dmcp_value **result)
{
    const int64_t *i = arg;

    DMCP_TRY(append_line(call, *i));
    if (*i == dmcp_arg_int(call, "at")) {
        wait_at(dmcp_arg_str(call, "gate"));
    }
    *result = dmcp_integer(call, *i);
    return DMCP_OK;
}

static int walk_step(dmcp_call *call, int64_t i)
{
    const char *alias = dmcp_format(call, "step %d", (int)i);

    if (strcmp(dmcp_arg_str(call, "guard"), "at_most_once") == 0) {
        return dmcp_at_most_once(call, alias, body, &i, NULL);
    }
    return dmcp_at_least_once(call, alias, body, &i, NULL);
}

static int walk(dmcp_call *call)
{
    dmcp_value *outcomes = dmcp_pack(call, "[]");

    for (int64_t i = 1; i <= dmcp_arg_int(call, "n"); i++) {
        int rc = walk_step(call, i);

        if (rc != DMCP_OK && rc != DMCP_E_ATTEMPTED) {
            return rc;
        }
        DMCP_TRY(dmcp_array_add(call, outcomes,
                                dmcp_string(call, rc == DMCP_OK ? "ok" : "attempted")));
    }
    return dmcp_reply(call, "{s:v}", "outcomes", outcomes);
}

/* ---- emit ---- */

static char *padding(size_t n)
{
    char *text = malloc(n + 1);

    if (!text) {
        abort();
    }
    memset(text, '.', n);
    text[n] = '\0';
    return text;
}

static int emit_one(dmcp_call *call, int64_t i, const char *pad)
{
    const char *kind = dmcp_arg_str(call, "kind");

    if (strcmp(kind, "log") == 0) {
        return dmcp_log(call, DMCP_LOG_INFO, NULL, "%d %s", (int)i, pad);
    } else if (strcmp(kind, "changed") == 0) {
        return dmcp_list_changed(call, DMCP_TOOLS, dmcp_format(call, "%d", (int)i));
    }
    return dmcp_progress(call, (double)i, (double)dmcp_arg_int(call, "n"), pad[0] ? pad : NULL);
}

static int emit(dmcp_call *call)
{
    char *pad = padding((size_t)dmcp_arg_int(call, "size"));
    int64_t n = dmcp_arg_int(call, "n");
    int rc = DMCP_OK;

    for (int64_t i = 1; i <= n && rc == DMCP_OK; i++) {
        rc = emit_one(call, i, pad);
        if (i == dmcp_arg_int(call, "at")) {
            wait_at(dmcp_arg_str(call, "gate"));
        }
    }
    free(pad);
    if (rc == DMCP_OK && dmcp_arg_str(call, "log")[0]) {
        rc = append_line(call, n);
    }
    return rc == DMCP_OK ? dmcp_reply(call, "I", n) : rc;
}

/* ---- the server ---- */

#define GATE { "gate", DMCP_STRING, "path that is waited for", .fallback = "" }
#define AT { "at", DMCP_INTEGER, "where the gate is: behind this one", .fallback = "0" }

static const dmcp_param hold_params[] = { GATE, { 0 } };

#define ID "id", DMCP_STRING, "what the lines in the log begin with"
#define LOG "log", DMCP_STRING, "path of the file that is appended to"

static const dmcp_param walk_params[] = {
    { ID, .required = true },
    { LOG, .required = true },
    { "n", DMCP_INTEGER, "how many steps", .required = true },
    { "guard", DMCP_STRING, "of each of them", .fallback = "at_least_once",
      .schema = "{\"enum\":[\"at_least_once\",\"at_most_once\"]}" },
    AT, GATE, { 0 },
};

static const dmcp_param emit_params[] = {
    { "kind", DMCP_STRING, "of the notifications", .fallback = "progress",
      .schema = "{\"enum\":[\"progress\",\"log\",\"changed\"]}" },
    { "n", DMCP_INTEGER, "how many", .required = true },
    { "size", DMCP_INTEGER, "bytes of text in each", .fallback = "0",
      .schema = "{\"minimum\":0,\"maximum\":1000000}" },
    { ID, .fallback = "" },
    { LOG, .fallback = "" },
    AT, GATE, { 0 },
};

static const dmcp_tool tools[] = {
    { .name = "hold", .description = "Wait.", .params = hold_params, .handler = hold },
    { .name = "walk", .description = "Run steps.", .params = walk_params, .handler = walk },
    { .name = "emit", .description = "Notify.", .params = emit_params, .handler = emit },
    { .name = "peek",
      .description = "Notify, without the disk.",
      .params = emit_params,
      .handler = emit,
      .durability = DMCP_EPHEMERAL },
};

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("gates", "1.0.0");

    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        dmcp_add_tool(server, &tools[i]);
    }
    return dmcp_server_main(server, argc, argv);
}
