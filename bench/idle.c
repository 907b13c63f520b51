/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waiting costs a server: opens many sessions and many streams on which nothing happens, and
 * reads how much memory the server has after each.
 *
 *   idle PORT PID STREAMS SESSIONS
 *
 * PID is the process that serves (not its supervisor). Prints one line per state, with the
 * resident memory in KiB and how much of it is anonymous, that is, not pages of programs and
 * libraries:
 *
 *   start | as it was found          sessions | STREAMS sessions, nobody connected
 *   streams | each with a stream     closed   | the streams closed
 *   more | SESSIONS more sessions    twice    | as many again
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SESSION_ID_BYTES 64
#define AT_ONCE 64
#define REPLY_BYTES 4096

static void die(const char *what)
{
    fprintf(stderr, "idle: %s: %s\n", what, errno ? strerror(errno) : "not as expected");
    exit(1);
}

static int connect_to(const char *port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        die("connect");
    }
    return fd;
}

static void send_all(int fd, const char *text)
{
    size_t n = strlen(text);

    if (send(fd, text, n, 0) != (ssize_t)n) {
        die("send");
    }
}

/* A whole head and, with Content-Length, the whole body. */
static void receive(int fd, char reply[REPLY_BYTES])
{
    size_t n = 0, want = 0;

    for (;;) {
        ssize_t got = recv(fd, reply + n, REPLY_BYTES - 1 - n, 0);
        const char *end, *length;

        if (got <= 0) {
            die("receive");
        }
        n += (size_t)got;
        reply[n] = '\0';
        end = strstr(reply, "\r\n\r\n");
        if (end) {
            length = strstr(reply, "Content-Length: ");
            want = (size_t)(end - reply) + 4 + (length ? strtoul(length + 16, NULL, 10) : 0);
            if (n >= want) {
                break;
            }
        }
    }
    if (strncmp(reply, "HTTP/1.1 200 ", 13) != 0) {
        fprintf(stderr, "%s\n", reply);
        errno = 0;
        die("answer");
    }
}

static void report(const char *state, const char *pid)
{
    char path[64], line[256];
    long resident = 0, anonymous = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%s/status", pid);
    f = fopen(path, "r");
    if (!f) {
        die(path);
    }
    while (fgets(line, sizeof(line), f)) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            resident = strtol(line + 6, NULL, 10);
        } else if (strncmp(line, "RssAnon:", 8) == 0) {
            anonymous = strtol(line + 8, NULL, 10);
        }
    }
    fclose(f);
    printf("%s %ld %ld\n", state, resident, anonymous);
    fflush(stdout);
}

/* Opens n sessions, many at a time so that they share syncs. */
static void open_sessions(const char *port, size_t n, char (*ids)[SESSION_ID_BYTES])
{
    static const char body[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
        "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"idle\",\"version\":\"1\"}}}";
    char request[1024], reply[REPLY_BYTES];
    int fds[AT_ONCE];

    snprintf(request, sizeof(request),
             "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Type: application/json\r\n"
             "Accept: application/json, text/event-stream\r\nContent-Length: %zu\r\n\r\n%s",
             port, sizeof(body) - 1, body);
    for (size_t k = 0; k < AT_ONCE; k++) {
        fds[k] = connect_to(port);
    }
    for (size_t i = 0; i < n; i += AT_ONCE) {
        size_t n_now = n - i < AT_ONCE ? n - i : AT_ONCE;

        for (size_t k = 0; k < n_now; k++) {
            send_all(fds[k], request);
        }
        for (size_t k = 0; k < n_now; k++) {
            const char *id;

            receive(fds[k], reply);
            id = strstr(reply, "Mcp-Session-Id: ");
            if (!id || sscanf(id + 16, "%63s", ids[i + k]) != 1) {
                errno = 0;
                die("session id");
            }
        }
    }
    for (size_t k = 0; k < AT_ONCE; k++) {
        close(fds[k]);
    }
}

static void open_streams(const char *port, size_t n, char (*ids)[SESSION_ID_BYTES], int *fds)
{
    char request[1024], reply[REPLY_BYTES];

    for (size_t i = 0; i < n; i++) {
        fds[i] = connect_to(port);
        snprintf(request, sizeof(request),
                 "GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nAccept: text/event-stream\r\n"
                 "Mcp-Session-Id: %s\r\n\r\n", port, ids[i]);
        send_all(fds[i], request);
        receive(fds[i], reply);
    }
}

/* Until the server has seen that all are gone: a session takes one stream at a time. */
static void close_streams(const char *port, size_t n, char (*ids)[SESSION_ID_BYTES], int *fds)
{
    for (size_t i = 0; i < n; i++) {
        close(fds[i]);
    }
    open_streams(port, 1, ids + n - 1, fds);
    close(fds[0]);
}

int main(int argc, char **argv)
{
    size_t n_streams = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;
    size_t n_sessions = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
    size_t n_ids = n_streams > n_sessions ? n_streams : n_sessions;
    struct rlimit files = { .rlim_cur = n_streams + 100, .rlim_max = n_streams + 100 };
    struct rlimit have;
    char (*ids)[SESSION_ID_BYTES];
    int *fds;

    if (n_streams == 0 || n_sessions == 0) {
        fprintf(stderr, "usage: idle PORT PID STREAMS SESSIONS\n");
        return 2;
    }
    if (getrlimit(RLIMIT_NOFILE, &have) == 0 && have.rlim_cur < files.rlim_cur &&
        setrlimit(RLIMIT_NOFILE, &files) != 0) {
        die("limit of open files");
    }
    ids = calloc(n_ids, sizeof(*ids));
    fds = calloc(n_streams, sizeof(*fds));
    report("start", argv[2]);
    open_sessions(argv[1], n_streams, ids);
    report("sessions", argv[2]);
    open_streams(argv[1], n_streams, ids, fds);
    report("streams", argv[2]);
    close_streams(argv[1], n_streams, ids, fds);
    report("closed", argv[2]);
    open_sessions(argv[1], n_sessions, ids);
    report("more", argv[2]);
    open_sessions(argv[1], n_sessions, ids);
    report("twice", argv[2]);
    return 0;
}
