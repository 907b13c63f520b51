/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripted HTTP server. See fake_server.h. One thread accepts, one more serves each connection.
 */
#include "fake_http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_REQUESTS 4096
#define MAX_CONNECTIONS 1024
#define MAX_REPLIES 1200
#define AWAIT_S 5

struct connection {
    struct fake_server *server;
    unsigned number;
    int fd; /* -1: closed */
    pthread_t thread;
};

struct fake_server {
    struct fake_options o;
    const struct fake_reply *script;
    int used[MAX_REPLIES];
    char url[64];
    uint16_t port;
    int listener; /* -1 while down */
    int wake[2];  /* a pipe: the accepting thread has to look */
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    bool is_stopping;
    int down_ms;
    struct fake_request *requests[MAX_REQUESTS];
    size_t n_requests;
    struct connection connections[MAX_CONNECTIONS];
    unsigned n_connections;
};

static size_t count(struct fake_server *s, const char *wants)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_requests; i++) {
        n += !wants || strcmp(s->requests[i]->wants, wants) == 0;
    }
    return n;
}

static void await(struct fake_server *s, const char *wants, size_t n)
{
    pthread_mutex_lock(&s->lock);
    while (!s->is_stopping && count(s, wants) < n) {
        pthread_cond_wait(&s->changed, &s->lock);
    }
    pthread_mutex_unlock(&s->lock);
}

static void send_stream(struct fake_server *s, int fd, const struct fake_reply *reply,
                        const struct fake_request *r)
{
    char *head = fake_format("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                             "Transfer-Encoding: chunked\r\n%s\r\n",
                             reply->headers ? reply->headers : "");

    fake_send_text(fd, head);
    free(head);
    fake_send_chunk(fd, reply->sse, r);
    if (reply->await) {
        await(s, reply->await, reply->await_n);
    }
    if (reply->sse_more) {
        fake_send_chunk(fd, reply->sse_more, r);
    }
    if (reply->then == FAKE_END) {
        fake_send_text(fd, "0\r\n\r\n");
    }
}

static void send_default(struct fake_server *s, int fd, const struct fake_request *r)
{
    char *json;

    if (strcmp(r->wants, "initialize") == 0) {
        json = fake_format("{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"protocolVersion\":\"%s\","
                           "\"capabilities\":{\"tools\":{}%s},"
                           "\"serverInfo\":{\"name\":\"fake\",\"version\":\"1\"}}}",
                           s->o.version ? s->o.version : "2025-11-25",
                           s->o.attaches ? ",\"experimental\":{\"durable-mcp\":{\"attach\":true}}"
                                         : "");
        char *body = fake_expand(json, r);

        fake_send_whole(fd, 200, s->o.no_sessions ? "" : "Mcp-Session-Id: session-1\r\n",
                        "application/json", body);
        free(body);
        free(json);
    } else if (strncmp(r->wants, "notifications/", 14) == 0 || strcmp(r->wants, "answer") == 0) {
        fake_send_whole(fd, 202, "", "", "");
    } else if (strcmp(r->wants, "GET") == 0) {
        fake_send_whole(fd, 405, "", "", "");
    } else {
        fake_send_whole(fd, strcmp(r->wants, "DELETE") == 0 ? 200 : 500, "", "", "");
    }
}

static const struct fake_reply *choose(struct fake_server *s, const char *wants)
{
    for (size_t i = 0; s->script && s->script[i].on; i++) {
        const struct fake_reply *reply = &s->script[i];
        int times = reply->times ? reply->times : 1;

        assert(i < MAX_REPLIES);
        if (strcmp(reply->on, wants) == 0 && (times < 0 || s->used[i] < times)) {
            s->used[i]++;
            return reply;
        }
    }
    return NULL;
}

/* How the connection goes on; FAKE_END: with the next request. */
static enum fake_then answer(struct fake_server *s, int fd, const struct fake_reply *reply,
                             const struct fake_request *r)
{
    char *body;

    if (!reply) {
        send_default(s, fd, r);
        return FAKE_END;
    }
    if (reply->sse) {
        send_stream(s, fd, reply, r);
    } else if (reply->raw) {
        body = fake_expand(reply->raw, r);
        fake_send_text(fd, body);
        free(body);
    } else if (reply->json) {
        body = fake_expand(reply->json, r);
        fake_send_whole(fd, reply->status ? reply->status : 200, reply->headers, "application/json",
                        body);
        free(body);
    } else if (reply->then == FAKE_END) {
        fake_send_whole(fd, reply->status ? reply->status : 200, reply->headers, "", "");
    }
    return reply->then;
}

/* ---- Connections ---- */

static void close_connection(struct connection *c, enum fake_then how)
{
    struct linger abrupt = { 1, 0 };

    if (how == FAKE_RESET) {
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof(abrupt));
    }
    pthread_mutex_lock(&c->server->lock);
    close(c->fd);
    c->fd = -1;
    pthread_mutex_unlock(&c->server->lock);
}

/* Nobody connects from now on. */
static void stop_listening(struct fake_server *s, int down_ms)
{
    pthread_mutex_lock(&s->lock);
    s->down_ms = down_ms;
    assert(write(s->wake[1], "", 1) == 1);
    while (s->listener >= 0 && !s->is_stopping) {
        pthread_cond_wait(&s->changed, &s->lock);
    }
    pthread_mutex_unlock(&s->lock);
}

static void break_connections(struct fake_server *s)
{
    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < s->n_connections; i++) {
        if (s->connections[i].fd >= 0) {
            shutdown(s->connections[i].fd, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

static void *serve(void *arg)
{
    struct connection *c = arg;
    struct fake_server *s = c->server;
    enum fake_then then = FAKE_END;
    char ignored;

    while (then == FAKE_END) {
        struct fake_request *r = fake_read_request(c->fd, c->number);
        const struct fake_reply *reply;

        if (!r) {
            break;
        }
        pthread_mutex_lock(&s->lock);
        assert(s->n_requests < MAX_REQUESTS);
        s->requests[s->n_requests++] = r;
        reply = choose(s, r->wants);
        pthread_cond_broadcast(&s->changed);
        pthread_mutex_unlock(&s->lock);
        if (reply && reply->then == FAKE_DOWN) {
            stop_listening(s, reply->down_ms);
        }
        then = answer(s, c->fd, reply, r);
        if (then == FAKE_DOWN) {
            break_connections(s);
        }
    }
    while (then == FAKE_HANG && recv(c->fd, &ignored, 1, 0) > 0) {
    }
    close_connection(c, then);
    return NULL;
}

static void listen_again(struct fake_server *s)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(s->port) };
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    assert(fd >= 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        perror("fake server");
        abort();
    }
    s->port = ntohs(address.sin_port);
    s->listener = fd;
}

static void accept_one(struct fake_server *s, int listener)
{
    int fd = accept(listener, NULL, NULL);
    struct connection *c;

    if (fd < 0) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    assert(s->n_connections < MAX_CONNECTIONS);
    c = &s->connections[s->n_connections++];
    *c = (struct connection){ .server = s, .number = s->n_connections, .fd = fd };
    assert(pthread_create(&c->thread, NULL, serve, c) == 0);
    pthread_mutex_unlock(&s->lock);
}

static void *accept_all(void *arg)
{
    struct fake_server *s = arg;
    uint64_t up_ms = 0;

    for (;;) {
        struct pollfd p[2] = { { s->wake[0], POLLIN, 0 }, { -1, POLLIN, 0 } };
        char byte;
        int wait_ms = -1;

        pthread_mutex_lock(&s->lock);
        if (s->is_stopping) {
            pthread_mutex_unlock(&s->lock);
            return NULL;
        }
        if (s->down_ms) {
            up_ms = fake_now_ms() + (uint64_t)s->down_ms;
            s->down_ms = 0;
            close(s->listener);
            s->listener = -1;
            pthread_cond_broadcast(&s->changed);
        }
        if (s->listener < 0 && fake_now_ms() >= up_ms) {
            listen_again(s);
        }
        p[1].fd = s->listener;
        if (s->listener < 0) {
            wait_ms = (int)(up_ms - fake_now_ms()) + 1;
        }
        pthread_mutex_unlock(&s->lock);
        poll(p, 2, wait_ms);
        if (p[0].revents) {
            assert(read(s->wake[0], &byte, 1) == 1);
        } else if (p[1].revents) {
            accept_one(s, p[1].fd);
        }
    }
}

/* ---- For the test ---- */

struct fake_server *fake_server_start(const struct fake_options *o, const struct fake_reply *script)
{
    struct fake_server *s = calloc(1, sizeof(*s));

    assert(s);
    s->o = o ? *o : (struct fake_options){ 0 };
    s->script = script;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    assert(pipe(s->wake) == 0);
    listen_again(s);
    snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u/mcp", s->port);
    assert(pthread_create(&s->thread, NULL, accept_all, s) == 0);
    return s;
}

void fake_server_stop(struct fake_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->is_stopping = true;
    pthread_cond_broadcast(&s->changed);
    for (unsigned i = 0; i < s->n_connections; i++) {
        if (s->connections[i].fd >= 0) {
            shutdown(s->connections[i].fd, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&s->lock);
    assert(write(s->wake[1], "", 1) == 1);
    pthread_join(s->thread, NULL);
    for (unsigned i = 0; i < s->n_connections; i++) {
        pthread_join(s->connections[i].thread, NULL);
    }
    for (size_t i = 0; i < s->n_requests; i++) {
        free(s->requests[i]->wants);
        free(s->requests[i]->head);
        free(s->requests[i]->body);
        free(s->requests[i]);
    }
    if (s->listener >= 0) {
        close(s->listener);
    }
    close(s->wake[0]);
    close(s->wake[1]);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *fake_server_url(const struct fake_server *s)
{
    return s->url;
}

size_t fake_server_count(struct fake_server *s, const char *wants)
{
    size_t n;

    pthread_mutex_lock(&s->lock);
    n = count(s, wants);
    pthread_mutex_unlock(&s->lock);
    return n;
}

const struct fake_request *fake_server_request(struct fake_server *s, const char *wants, size_t i)
{
    const struct fake_request *found = NULL;

    pthread_mutex_lock(&s->lock);
    for (size_t j = 0; j < s->n_requests && !found; j++) {
        if ((!wants || strcmp(s->requests[j]->wants, wants) == 0) && i-- == 0) {
            found = s->requests[j];
        }
    }
    pthread_mutex_unlock(&s->lock);
    assert(found);
    return found;
}

void fake_server_await(struct fake_server *s, const char *wants, size_t n)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += AWAIT_S;
    pthread_mutex_lock(&s->lock);
    while (count(s, wants) < n && rc == 0) {
        rc = pthread_cond_timedwait(&s->changed, &s->lock, &until);
    }
    pthread_mutex_unlock(&s->lock);
    assert(rc == 0);
}
