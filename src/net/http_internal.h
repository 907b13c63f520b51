/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the HTTP server share: the server, its connections, and who offers what.
 *
 * http_server.c  the loop's handles: listening sockets, the timer, the list of what is to settle
 * http_conn.c    a connection's states
 * http_input.c   what it reads
 * http_write.c   responses, streams, output that waits
 * http_hold.c    what all of them together hold in memory
 * http_parse.h   requests
 */
#ifndef NET_HTTP_INTERNAL_H
#define NET_HTTP_INTERNAL_H

#include "base/limits.h"
#include "base/list.h"
#include "net/http.h"
#include "net/http_parse.h"

/* A state is a place: each has its list in the server, ordered by deadline. Drawn in http_conn.c. */
enum http_conn_state {
    CONN_IDLE,     /* between requests */
    CONN_HEAD,     /* a request's head is arriving */
    CONN_BODY,     /* its body is */
    CONN_HANDLING, /* an exchange is open and has no response yet */
    CONN_STREAM,   /* its response is a stream, all of which the peer has been sent */
    CONN_WRITING,  /* output waits for the peer */
    CONN_LINGER,   /* all is said, our side is shut, the peer's rest is thrown away */
    CONN_CLOSING,  /* until libuv lets go of the handle */
    CONN_NSTATES
};

enum http_phase {
    EXCHANGE_NONE,
    EXCHANGE_OPEN,      /* on_request was called */
    EXCHANGE_STREAMING, /* the head of the response was written */
    EXCHANGE_ANSWERED,  /* the whole response was written */
    EXCHANGE_REFUSED    /* a response of our own was written, the last one; no handler knows */
};

struct http_exchange {
    void *data;
    enum http_phase phase;
    bool keep_alive;
    bool is_http10;
    bool is_head;
    bool has_no_body; /* of the response */
    bool is_over;     /* waiting output was over its maximum and has not drained since */
};

/* Output that could not be sent at once; only while there is some. */
struct http_out {
    struct link link; /* in the server's spares */
    uv_write_t req;
    bool is_sending;    /* libuv holds `sending` */
    struct buf sending; /* must not move */
    struct buf waiting;
};

struct http_conn {
    uv_tcp_t tcp;
    struct http_server *server;
    struct link in_state;
    struct link in_todo;
    struct link in_starved;
    uint64_t deadline_ms;
    uint64_t body_until_ms; /* a body that is still arriving then is too slow */
    struct http_exchange x;
    struct http_parse *parse; /* while a request arrives */
    struct http_out *out;
    struct buf pending; /* what came behind the request of the open exchange */
    size_t n_thrown;    /* bytes thrown away since we had said all */
    size_t n_queued;    /* libuv's queue when last looked at, to see progress */
    size_t n_request;   /* bytes of the body of the open exchange's request */
    size_t n_held, n_unanswered, n_waiting; /* its part of the server's */
    const char *why;    /* it is doomed */
    enum http_conn_state state;
    bool is_todo;
    bool is_doomed; /* closes when it settles */
    bool is_eof;    /* the peer will send no more */
    bool is_paused; /* not reading */
    bool is_starved; /* and that because there is no room for its body */
};

struct http_listener {
    uv_poll_t poll;
    struct link link;
    struct http_server *server;
    int fd;
};

struct http_server {
    uv_loop_t *loop;
    struct http_options options;
    struct http_handler handler;

    struct list listeners;
    struct list conns[CONN_NSTATES];
    uint64_t timeout_ms[CONN_NSTATES];
    struct list todo; /* connections to settle before the loop sleeps */
    size_t n_conns, n_handles;

    size_t n_held;          /* bytes of requests; n_unanswered of them in requests that are whole */
    size_t n_unanswered;
    size_t n_waiting;       /* bytes of output that peers have not taken */
    struct list starved;    /* connections whose bodies wait for room, the first comes first */
    struct http_conn *leader; /* whose body is read on without room; may be NULL */

    uv_timer_t timer;
    uint64_t timer_due_ms; /* no deadline is before it; UINT64_MAX when the timer is off */
    uint64_t accept_at_ms; /* accepting pauses until then; 0 when it does not */
    uint64_t warn_at_ms;   /* that it pauses is not logged before */
    uv_idle_t idle;        /* on while there is something to settle */

    char *read_buf;        /* one for all, between a read and the return of its callback */
    struct buf head, body; /* of the response being written */
    struct http_parse *spare_parse;
    struct list spare_outs;
    char date[40]; /* the whole field line */
    uint64_t date_until_ms;

    bool is_stopping, is_closing;
};

/* ---- http_server.c --------------------------------------------------------------------------- */

void http_server_arm(struct http_server *s, uint64_t deadline_ms);
void http_server_settle_later(struct http_conn *c);
void http_server_settle_not(struct http_conn *c);
void http_server_forget(struct http_conn *c); /* after its close */
struct http_parse *http_server_take_parse(struct http_server *s);
void http_server_put_parse(struct http_server *s, struct http_parse *q);
struct http_out *http_server_take_out(struct http_server *s);
void http_server_put_out(struct http_server *s, struct http_out *out);

/* ---- http_conn.c ----------------------------------------------------------------------------- */

void http_conn_open(struct http_server *s, int fd);
void http_conn_move(struct http_conn *c, enum http_conn_state to);
void http_conn_log(const struct http_conn *c, const char *why);

/* Ends the exchange, if one is open. Only for callbacks of the loop. */
void http_conn_close(struct http_conn *c, const char *why);

/* Brings the state in line with what was written and what could be sent. */
void http_conn_settle(struct http_conn *c);
void http_conn_expire(struct http_conn *c);

/* Closes it when it settles. For everything that is not itself called by the loop. */
void http_conn_doom(struct http_conn *c, const char *why);

/* ---- http_input.c ---------------------------------------------------------------------------- */

void http_input_start(struct http_conn *c);

/* Goes on with what came during the exchange that has ended. */
void http_input_pending(struct http_conn *c);

/* Answers without the handler's doing; the connection's last response. */
void http_input_refuse(struct http_conn *c, int status, const char *why);

/* ---- http_hold.c ----------------------------------------------------------------------------- */

/* How much the next read may bring; 0: nothing, there is no room (then: http_hold_starve). */
size_t http_hold_read_bytes(struct http_conn *c);
void http_hold_starve(struct http_conn *c);

/* To be called behind whatever changes what the connection holds of requests. May move and read
 * others. */
void http_hold_update(struct http_conn *c);

/* So much output of the connection waits now. */
void http_hold_output(struct http_conn *c, size_t waiting);

/* While too much output waits in all. Any connection that writes may be among them. */
void http_hold_close_slowest(struct http_server *s);

/* ---- http_write.c ---------------------------------------------------------------------------- */

/* Bytes that wait for the peer. */
size_t http_conn_waiting(const struct http_conn *c);

/* Sends what waits, as far as the peer takes it. */
void http_conn_flush(struct http_conn *c);

/* Both doom the connection when the peer is gone. */
void http_conn_send(struct http_conn *c, struct str a, struct str b);
void http_conn_send_refusal(struct http_conn *c, int status, const char *why);
void http_conn_send_filler(struct http_conn *c);

#endif
