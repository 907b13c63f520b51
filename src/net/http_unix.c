/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP over a unix socket. See http_unix.h. Parsing the response is llhttp's.
 */
#include "net/http_unix.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <llhttp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"

#define BACKLOG 64
#define READ_BYTES (64 * KIB)

/* ---- names ---- */

/* A name that is too long for the kernel is told through the directory's descriptor, which must
 * stay open while the address is used; -1 when the plain name fits. */
static int make_address(const char *dir, const char *name, struct sockaddr_un *a, int *dir_fd_out,
                        struct err *e)
{
    int n;

    *a = (struct sockaddr_un){ .sun_family = AF_UNIX };
    *dir_fd_out = -1;
    n = snprintf(a->sun_path, sizeof(a->sun_path), "%s/%s", dir, name);
    if (n > 0 && (size_t)n < sizeof(a->sun_path)) {
        return DMCP_OK;
    }
    *dir_fd_out = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*dir_fd_out < 0) {
        return err_set(e, errno == ENOENT ? DMCP_E_NOTFOUND : DMCP_E_NET, "%s: %s", dir,
                       strerror(errno));
    }
    n = snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/%s", *dir_fd_out, name);
    assert(n > 0 && (size_t)n < sizeof(a->sun_path));
    return DMCP_OK;
}

static void close_if_open(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

/* ---- listening ---- */

static int bind_and_listen(int fd, const struct sockaddr_un *a)
{
    unlink(a->sun_path); /* of a server that was killed */
    /* Before it is bound: its file must not be there with other rights for even a moment. */
    return fchmod(fd, 0600) != 0 || bind(fd, (const struct sockaddr *)a, sizeof(*a)) != 0 ||
                   listen(fd, BACKLOG) != 0
               ? -1
               : 0;
}

int http_unix_listen(const char *dir, const char *name, int *fd_out, struct err *e)
{
    struct sockaddr_un a;
    int dir_fd, fd, rc = make_address(dir, name, &a, &dir_fd, e);

    if (rc != DMCP_OK) {
        return rc;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind_and_listen(fd, &a) != 0) {
        rc = err_set(e, DMCP_E_NET, "listen on %s/%s: %s", dir, name, strerror(errno));
        close_if_open(fd);
    } else {
        *fd_out = fd;
    }
    close_if_open(dir_fd);
    return rc;
}

void http_unix_remove(const char *dir, const char *name)
{
    int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        unlinkat(fd, name, 0);
        close(fd);
    }
}

/* ---- fetching ---- */

struct answer {
    llhttp_t llhttp;
    struct http_fetch *fetch;
    bool is_complete;
    int code; /* of take, when it ended the fetch */
};

static int on_headers_complete(llhttp_t *l)
{
    struct answer *a = l->data;

    a->fetch->status = llhttp_get_status_code(l);
    return HPE_OK;
}

static int on_body(llhttp_t *l, const char *p, size_t n)
{
    struct answer *a = l->data;

    a->code = a->fetch->take(a->fetch->arg, str_make(p, n));
    return a->code == DMCP_OK ? HPE_OK : HPE_USER;
}

static int on_message_complete(llhttp_t *l)
{
    struct answer *a = l->data;

    a->is_complete = true;
    return HPE_OK;
}

static int connect_to(const struct http_fetch *f, int *fd_out, struct err *e)
{
    struct timeval t = { .tv_sec = f->timeout_ms / 1000,
                         .tv_usec = (suseconds_t)(f->timeout_ms % 1000) * 1000 };
    struct sockaddr_un a;
    int dir_fd, fd, rc = make_address(f->dir, f->name, &a, &dir_fd, e);

    if (rc != DMCP_OK) {
        return rc;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) != 0 ||
        connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        int code = errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR ? DMCP_E_NOTFOUND
                   : errno == EACCES || errno == EPERM                          ? DMCP_E_DENIED
                   : errno == EAGAIN                                            ? DMCP_E_TIMEOUT
                                                                                : DMCP_E_NET;

        rc = err_set(e, code, "connect to %s/%s: %s", f->dir, f->name, strerror(errno));
        close_if_open(fd);
    } else {
        *fd_out = fd;
    }
    close_if_open(dir_fd);
    return rc;
}

static int io_error(struct err *e, const char *what)
{
    return err_set(e, errno == EAGAIN ? DMCP_E_TIMEOUT : DMCP_E_NET, "%s: %s", what,
                   errno == EAGAIN ? "the server is silent" : strerror(errno));
}

/* A server that refuses a body answers before it has read it: a failure to write is not yet the
 * end. */
static int send_all(int fd, struct str s, struct err *e)
{
    while (s.len > 0) {
        ssize_t n = send(fd, s.p, s.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EPIPE) {
            return DMCP_OK;
        }
        if (n < 0 && errno != EINTR) {
            return io_error(e, "send");
        }
        if (n > 0) {
            s = str_make(s.p + n, s.len - (size_t)n);
        }
    }
    return DMCP_OK;
}

static int send_request(int fd, const struct http_fetch *f, struct err *e)
{
    struct buf head;
    int rc;

    buf_init(&head, SIZE_MAX / 2);
    buf_addf(&head, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", f->method,
             f->target);
    if (f->body.p) {
        buf_addf(&head, "Content-Type: application/json\r\nContent-Length: %zu\r\n", f->body.len);
    }
    buf_addz(&head, "\r\n");
    rc = send_all(fd, buf_str(&head), e);
    if (rc == DMCP_OK && f->body.p) {
        rc = send_all(fd, f->body, e);
    }
    buf_fini(&head);
    return rc;
}

static int read_response(int fd, struct answer *a, struct err *e)
{
    char *bytes = mem_alloc(READ_BYTES);
    int rc = DMCP_OK;

    while (rc == DMCP_OK && !a->is_complete) {
        ssize_t n = recv(fd, bytes, READ_BYTES, 0);
        llhttp_errno_t error = HPE_OK;

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n > 0) {
            error = llhttp_execute(&a->llhttp, bytes, (size_t)n);
        } else if (n == 0) {
            error = llhttp_finish(&a->llhttp);
        }
        if (a->code != DMCP_OK) {
            rc = err_set(e, a->code, "%s", dmcp_strerror(a->code));
        } else if (n < 0) {
            rc = io_error(e, "receive");
        } else if (n == 0 && !a->is_complete) {
            rc = err_set(e, DMCP_E_NET, "the connection ended before the response did");
        } else if (error != HPE_OK && !a->is_complete) {
            rc = err_set(e, DMCP_E_PROTOCOL, "the response is not HTTP: %s",
                         llhttp_errno_name(error));
        }
    }
    mem_free(bytes);
    return rc;
}

int http_unix_fetch(struct http_fetch *f, struct err *e)
{
    struct answer a = { .fetch = f };
    llhttp_settings_t settings;
    int fd = -1, rc = connect_to(f, &fd, e);

    if (rc != DMCP_OK) {
        return rc;
    }
    llhttp_settings_init(&settings);
    settings.on_headers_complete = on_headers_complete;
    settings.on_body = on_body;
    settings.on_message_complete = on_message_complete;
    llhttp_init(&a.llhttp, HTTP_RESPONSE, &settings);
    a.llhttp.data = &a;
    rc = send_request(fd, f, e);
    if (rc == DMCP_OK) {
        rc = read_response(fd, &a, e);
    }
    close(fd);
    return rc;
}
