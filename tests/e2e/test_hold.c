/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server whose clients together send more than it may hold: they wait for each other, its memory
 * stays bounded, and all are answered.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "harness.h"
#include "proc.h"
#include "raw_http.h"
#include "wait.h"

#define N_CLIENTS 32
#define BODY (4 * MIB - 1024)
#define PIECE 50000

struct crowd {
    struct raw *clients[N_CLIENTS];
    size_t sent[N_CLIENTS];
    char *body;
};

static void begin(struct crowd *c, uint16_t port)
{
    for (size_t i = 0; i < N_CLIENTS; i++) {
        c->clients[i] = raw_open(port);
        raw_sendf(c->clients[i],
                  "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  "Accept: application/json, text/event-stream\r\nContent-Length: %u\r\n\r\n",
                  BODY);
    }
}

/* Each gets on by a piece, if the server takes one. True when all have sent everything. */
static bool all_get_on(void *arg)
{
    struct crowd *c = arg;
    bool is_over = true;

    for (size_t i = 0; i < N_CLIENTS; i++) {
        size_t left = BODY - c->sent[i];
        ssize_t n = left ? send(c->clients[i]->fd, c->body, left < PIECE ? left : PIECE,
                                MSG_DONTWAIT | MSG_NOSIGNAL)
                         : 0;

        assert_true(n >= 0 || errno == EAGAIN);
        c->sent[i] += n > 0 ? (size_t)n : 0;
        is_over = is_over && c->sent[i] == BODY;
    }
    return is_over;
}

TEST(hold, many_large_bodies_at_once_are_all_answered_within_bounds)
{
    struct proc *server = proc_new("tests/torture");
    struct crowd c = { .body = mem_zalloc(BODY) };
    long before_kib, grown_kib;

    memset(c.body, 'x', BODY);
    proc_option(server, "--max-input", "16M");
    proc_start(server);
    before_kib = proc_peak_kib(server);
    begin(&c, server->port);
    assert_true(wait_until(all_get_on, &c, WAIT_MS));
    for (size_t i = 0; i < N_CLIENTS; i++) {
        assert_int_equal(raw_status(c.clients[i]), 400); /* it is no JSON */
        raw_close(c.clients[i]);
    }
    grown_kib = proc_peak_kib(server) - before_kib;
    printf("# it grew by %ld MiB for %u MiB\n", grown_kib / 1024, N_CLIENTS * BODY / MIB);
    if (!getenv("SAN") || !getenv("SAN")[0]) { /* sanitizers keep what was freed */
        assert_true(grown_kib < 64 * 1024);
    }
    assert_int_equal(proc_stop(server), 0);
    mem_free(c.body);
    proc_free(server);
}

RUN_TESTS()
