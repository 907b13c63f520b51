/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server whose calls wait, by the million (bench/fill.c):
 *
 *   hold   waits for the signal `go`, and then tells the fifo that it is given, in one line, its own
 *          id and the time at which it was awake again, in nanoseconds of the monotonic clock
 *   nap    waits until so many milliseconds are over
 */
#include <dmcp.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int hold(dmcp_call *call)
{
    struct timespec now;
    const char *line;
    int fd;

    DMCP_TRY(dmcp_await_signal(call, "go", 0, NULL));
    clock_gettime(CLOCK_MONOTONIC, &now);
    line = dmcp_format(call, "%s %lld%09ld\n", dmcp_call_id(call), (long long)now.tv_sec,
                       now.tv_nsec);
    fd = open(dmcp_arg_str(call, "fifo"), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line)) {
        return dmcp_fail(call, 1, "nobody reads the fifo");
    }
    close(fd);
    return dmcp_reply(call, "s", "held");
}

static int nap(dmcp_call *call)
{
    DMCP_TRY(dmcp_sleep(call, (uint64_t)dmcp_arg_int(call, "ms")));
    return dmcp_reply(call, "s", "rested");
}

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("waiter", "1.0.0");

    dmcp_add_tool(server,
                  &(dmcp_tool){ .name = "hold",
                                .description = "Wait for a signal, and tell a fifo when it came.",
                                .params = (dmcp_param[]){ { "fifo", DMCP_STRING, "path of the fifo",
                                                            .required = true },
                                                          { 0 } },
                                .handler = hold });
    dmcp_add_tool(server, &(dmcp_tool){ .name = "nap",
                                        .description = "Wait for some time.",
                                        .params = (dmcp_param[]){ { "ms", DMCP_INTEGER, "how long",
                                                                    .required = true,
                                                                    .schema = "{\"minimum\":1}" },
                                                                  { 0 } },
                                        .handler = nap });
    return dmcp_server_main(server, argc, argv);
}
