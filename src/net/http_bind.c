/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From "host:port" to a listening socket.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http.h"

#define BACKLOG 1024

/* "host:port" and "[v6]:port" into NUL-terminated parts. */
static int split(const char *address, char host[256], char port[8], struct err *e)
{
    const char *colon = strrchr(address, ':');
    struct str h = str_make(address, colon ? (size_t)(colon - address) : 0);
    bool is_bracketed = h.len >= 2 && h.p[0] == '[' && h.p[h.len - 1] == ']';
    uint64_t number;

    if (is_bracketed) {
        h = str_make(h.p + 1, h.len - 2);
    }
    if (h.len == 0 || h.len >= 256 || (!is_bracketed && memchr(h.p, ':', h.len))) {
        return err_set(e, DMCP_E_NET, "listen on %s: not of the form host:port or [ipv6]:port",
                       address);
    }
    if (str_to_u64(str_of(colon + 1), UINT16_MAX, &number) != 0) {
        return err_set(e, DMCP_E_NET, "listen on %s: the port is not a number up to 65535",
                       address);
    }
    snprintf(host, 256, "%.*s", STR_FMT(h));
    snprintf(port, 8, "%u", (unsigned)number);
    return DMCP_OK;
}

/* The descriptor, or -1 with errno. Forked workers inherit it, programs they start do not. */
static int listen_on(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    int on = 1;
    int error;

    if (fd < 0) {
        return -1;
    }
    /* A restarted server must not wait for the connections of the one before to be forgotten. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* IPv4 first: a client that was told a name and tries one address only mostly tries that. */
static int listen_on_first(const struct addrinfo *list)
{
    static const int families[] = { AF_INET, AF_INET6 };
    int fd = -1;

    errno = EADDRNOTAVAIL;
    for (size_t i = 0; i < COUNT_OF(families) && fd < 0; i++) {
        for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
            if (a->ai_family == families[i]) {
                fd = listen_on(a);
            }
        }
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage a = { 0 };
    socklen_t n = sizeof(a);

    if (getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
        return 0;
    }
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                         : ((struct sockaddr_in *)&a)->sin_port);
}

int http_bind(const char *address, int *fd_out, uint16_t *port_out, struct err *e)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *list;
    char host[256], port[8];
    int error = split(address, host, port, e);
    int fd;

    if (error) {
        return error;
    }
    error = getaddrinfo(host, port, &hints, &list);
    if (error) {
        return err_set(e, DMCP_E_NET, "listen on %s: %s", address, gai_strerror(error));
    }
    fd = listen_on_first(list);
    error = errno;
    freeaddrinfo(list);
    if (fd < 0) {
        return err_set(e, DMCP_E_NET, "listen on %s: %s", address,
                       uv_strerror(uv_translate_sys_error(error)));
    }
    *fd_out = fd;
    if (port_out) {
        *port_out = port_of(fd);
    }
    return DMCP_OK;
}
