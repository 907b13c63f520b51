/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping stdin and stdout. See keeper.h. This file moves the bytes; what is kept is hold.c's.
 *
 * Nothing grows without bound. A host that does not read its stdout is not read from either, and
 * nor is the server process, beyond LIMIT_OUTPUT_BYTES. Lines that cannot be handed over stop the
 * reading at LIMIT_HANDING_BYTES.
 *
 * The host's descriptors stay blocking, for they may be shared with it: they are used when poll
 * says that they are ready, and written to by pieces that a ready pipe takes as a whole.
 */
#include "server/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "server/hold.h"

#define PIECE_BYTES 4096 /* PIPE_BUF of Linux */
#define FLUSH_MS 1000    /* without the host taking anything */

struct keeper {
    struct keeper_config config;
    struct hold hold;
    struct pipe_start start;
    int in, out;       /* the host's; -1: closed */
    int socket;        /* to the server process; -1: there is none, or it says no more */
    int signals;
    uint64_t over_ms;  /* mono: when the server has had its time; 0: the host is there */
};

int keeper_take_stdio(struct keeper_config *c, struct err *e)
{
    int nothing;

    c->in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    c->out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (c->in < 0 || c->out < 0) { /* another file would get its number */
        return err_set(e, DMCP_E_INVALID, "--stdio: stdin and stdout must be open");
    }
    nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
        (dup2(STDERR_FILENO, STDOUT_FILENO) < 0 && dup2(nothing, STDOUT_FILENO) < 0)) {
        return err_set(e, DMCP_E_INVALID, "--stdio: %s", strerror(errno));
    }
    if (nothing > STDERR_FILENO) {
        close(nothing);
    } /* else it stands for a stderr that was closed */
    return DMCP_OK;
}

struct keeper *keeper_new(const struct keeper_config *c, const sigset_t *signals)
{
    struct keeper *k = mem_zalloc(sizeof(*k));

    k->config = *c;
    k->in = c->in;
    k->out = c->out;
    k->socket = -1;
    k->signals = signalfd(-1, signals, SFD_CLOEXEC);
    k->start.session = id_random();
    hold_init(&k->hold, c->max_line_bytes, c->max_held_bytes);
    return k;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

void keeper_free(struct keeper *k)
{
    close_fd(&k->in);
    close_fd(&k->out);
    close_fd(&k->socket);
    close_fd(&k->signals);
    hold_fini(&k->hold);
    mem_free(k);
}

const struct pipe_start *keeper_pipe(const struct keeper *k)
{
    return &k->start;
}

/* ---- server processes ---- */

int keeper_begin(struct keeper *k, struct err *e)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        return err_set(e, DMCP_E_NET, "socketpair: %s", strerror(errno));
    }
    k->socket = pair[0];
    k->start.fd = pair[1];
    k->start.sequence = k->hold.sequence;
    k->start.is_open = k->hold.has_session;
    return DMCP_OK;
}

void keeper_forked(struct keeper *k, bool is_child)
{
    if (is_child) {
        close_fd(&k->in);
        close_fd(&k->out);
        close_fd(&k->socket);
        close_fd(&k->signals);
        hold_fini(&k->hold); /* it would keep its copy of what the parent lets go */
    } else {
        close_fd(&k->start.fd);
    }
}

/* False: there is no more. */
static bool read_server(struct keeper *k)
{
    char *to = buf_reserve(&k->hold.from_server.buf, LIMIT_READ_BYTES);
    ssize_t n = recv(k->socket, to, LIMIT_READ_BYTES, MSG_DONTWAIT);

    if (n > 0) {
        buf_advance(&k->hold.from_server.buf, (size_t)n);
        hold_take_frames(&k->hold);
        return true;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static bool has_more(int fd)
{
    char c;

    return fd >= 0 && recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void keeper_ended(struct keeper *k)
{
    while (has_more(k->socket)) {
        (void)read_server(k);
    }
    close_fd(&k->socket);
    hold_take_back(&k->hold);
}

/* ---- the host ---- */

/* There will be nothing more from it. */
static void host_left(struct keeper *k)
{
    close_fd(&k->in);
    if (!k->over_ms) {
        k->over_ms = clock_mono_ms() + k->config.stop_ms;
        hold_end_input(&k->hold);
    }
}

/* It does not listen either. */
static void host_gone(struct keeper *k)
{
    close_fd(&k->out);
    hold_mute(&k->hold);
    host_left(k);
}

static void read_host(struct keeper *k)
{
    char bytes[LIMIT_READ_BYTES];
    ssize_t n = read(k->in, bytes, sizeof(bytes));

    if (n > 0) {
        hold_take_input(&k->hold, str_make(bytes, (size_t)n));
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        host_left(k);
    }
}

static void write_host(struct keeper *k)
{
    struct str rest = fifo_rest(&k->hold.to_host);
    ssize_t n = write(k->out, rest.p, rest.len < PIECE_BYTES ? rest.len : PIECE_BYTES);

    if (n > 0) {
        fifo_take(&k->hold.to_host, (size_t)n);
    } else if (n < 0 && errno != EINTR && errno != EAGAIN) {
        host_gone(k);
    }
}

static void write_server(struct keeper *k)
{
    struct str rest = fifo_rest(&k->hold.to_server);
    ssize_t n = send(k->socket, rest.p, rest.len, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n > 0) {
        fifo_take(&k->hold.to_server, (size_t)n);
    } /* else it is dying, and its end will be told by a signal */
}

/* ---- the loop ---- */

enum { WATCH_SIGNALS, WATCH_IN, WATCH_OUT, WATCH_SERVER, N_WATCHED };

static void prepare(struct keeper *k, struct pollfd fds[N_WATCHED])
{
    struct hold *h = &k->hold;

    if (k->socket >= 0) {
        hold_hand_over(h);
    }
    fds[WATCH_SIGNALS] = (struct pollfd){ .fd = k->signals, .events = POLLIN };
    fds[WATCH_IN] = (struct pollfd){ .fd = hold_takes_input(h) ? k->in : -1, .events = POLLIN };
    fds[WATCH_OUT] = (struct pollfd){ .fd = k->out };
    if (fifo_rest(&h->to_host).len > 0) {
        fds[WATCH_OUT].events = POLLOUT;
    }
    fds[WATCH_SERVER] = (struct pollfd){ .fd = k->socket };
    if (hold_takes_frames(h)) {
        fds[WATCH_SERVER].events |= POLLIN;
    }
    if (fifo_rest(&h->to_server).len > 0) {
        fds[WATCH_SERVER].events |= POLLOUT;
    }
}

static void move_bytes(struct keeper *k, const struct pollfd fds[N_WATCHED])
{
    if (fds[WATCH_OUT].revents & POLLOUT) {
        write_host(k);
    } else if (fds[WATCH_OUT].revents) {
        host_gone(k); /* the other end was closed */
    }
    if (k->in >= 0 && fds[WATCH_IN].revents) {
        read_host(k);
    }
    if (fds[WATCH_SERVER].revents & POLLOUT) {
        write_server(k);
    }
    if (fds[WATCH_SERVER].revents & (POLLIN | POLLHUP | POLLERR)) {
        if (hold_takes_frames(&k->hold) && !read_server(k)) {
            close_fd(&k->socket);
        }
    }
}

static int take_signal(struct keeper *k)
{
    struct signalfd_siginfo info;

    return read(k->signals, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

int keeper_wait(struct keeper *k, int64_t ms)
{
    uint64_t end_ms = ms < 0 ? UINT64_MAX : clock_mono_ms() + (uint64_t)ms;
    struct pollfd fds[N_WATCHED];

    for (;;) {
        uint64_t now_ms = clock_mono_ms();
        int signal_number, n;

        if (now_ms >= end_ms) {
            return 0;
        }
        prepare(k, fds);
        n = poll(fds, N_WATCHED, ms < 0 ? -1 : (int)(end_ms - now_ms));
        if (n <= 0) {
            continue;
        }
        move_bytes(k, fds);
        signal_number = fds[WATCH_SIGNALS].revents ? take_signal(k) : 0;
        if (signal_number) {
            return signal_number;
        }
    }
}

bool keeper_is_over(const struct keeper *k)
{
    return k->over_ms && clock_mono_ms() >= k->over_ms;
}

void keeper_flush(struct keeper *k)
{
    struct pollfd out = { .events = POLLOUT };
    size_t left;

    while (k->out >= 0 && (left = fifo_rest(&k->hold.to_host).len) > 0) {
        out.fd = k->out;
        if (poll(&out, 1, FLUSH_MS) == 0) {
            log_warning("stdout is not read: %zu bytes for the host are dropped", left);
            return;
        }
        if (out.revents & POLLOUT) {
            write_host(k);
        } else if (out.revents) {
            host_gone(k);
        }
    }
}
