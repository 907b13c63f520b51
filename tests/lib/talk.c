/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MCP by hand. See talk.h.
 */
#include "talk.h"

#include "harness.h"
#include "wait.h"

/* ---- sessions ---- */

static const char fields[] = "Host: 127.0.0.1\r\n"
                             "Content-Type: application/json\r\n"
                             "Accept: application/json, text/event-stream\r\n";

void talk_begin(struct talk *t, uint16_t port, const char *version)
{
    talk_begin_as(t, port, version, "{}");
}

void talk_initialize(struct talk *t, uint16_t port, const char *version, const char *capabilities)
{
    static const char body[] =
        "{\"jsonrpc\":\"2.0\",\"id\":\"init\",\"method\":\"initialize\",\"params\":{"
        "\"protocolVersion\":\"%s\",\"capabilities\":%s,"
        "\"clientInfo\":{\"name\":\"talk\",\"version\":\"1\"}}}";
    struct raw *r = raw_open(port);
    char text[512];
    char *session;

    *t = (struct talk){ .port = port };
    snprintf(t->version, sizeof(t->version), "%s", version);
    snprintf(text, sizeof(text), body, version, capabilities);
    raw_sendf(r, "POST /mcp HTTP/1.1\r\n%sContent-Length: %zu\r\n\r\n%s", fields, strlen(text),
              text);
    if (raw_status(r) != 200) {
        fail_msg("initialize: %s%s", r->head.data, raw_body(r));
    }
    session = raw_field(r, "Mcp-Session-Id", 0);
    assert_non_null(session);
    snprintf(t->session, sizeof(t->session), "%s", session);
    mem_free(session);
    assert_non_null(strstr(raw_body(r), version));
    raw_close(r);
}

void talk_begin_as(struct talk *t, uint16_t port, const char *version, const char *capabilities)
{
    struct raw *r;

    talk_initialize(t, port, version, capabilities);
    r = talk_post(t, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    assert_int_equal(raw_status(r), 202);
    raw_close(r);
}

static void send_session(struct raw *r, const struct talk *t)
{
    raw_sendf(r, "%sMcp-Session-Id: %s\r\nMCP-Protocol-Version: %s\r\n", fields, t->session,
              t->version);
}

static void send_post(struct raw *r, const struct talk *t, const char *body)
{
    raw_sendf(r, "POST /mcp HTTP/1.1\r\n");
    send_session(r, t);
    raw_sendf(r, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
}

static void send_get(struct raw *r, const struct talk *t, const char *last_event_id)
{
    raw_sendf(r, "GET /mcp HTTP/1.1\r\n");
    send_session(r, t);
    if (last_event_id) {
        raw_sendf(r, "Last-Event-ID: %s\r\n", last_event_id);
    }
    raw_sendf(r, "\r\n");
}

struct raw *talk_post(const struct talk *t, const char *body)
{
    struct raw *r = raw_open(t->port);

    send_post(r, t, body);
    return r;
}

struct raw *talk_try_post(const struct talk *t, const char *body)
{
    struct raw *r = raw_try_open(t->port);

    if (r) {
        send_post(r, t, body);
    }
    return r;
}

struct raw *talk_get(const struct talk *t, const char *last_event_id)
{
    struct raw *r = raw_open(t->port);

    send_get(r, t, last_event_id);
    return r;
}

int talk_delete(const struct talk *t)
{
    struct raw *r = raw_open(t->port);
    int status;

    raw_sendf(r, "DELETE /mcp HTTP/1.1\r\n");
    send_session(r, t);
    raw_sendf(r, "\r\n");
    status = raw_status(r);
    raw_close(r);
    return status;
}

char *talk_request(const struct talk *t, const char *body)
{
    struct raw *r = talk_post(t, body);
    char *answer;

    if (raw_status(r) != 200) {
        fail_msg("%s: %s%s", body, r->head.data, raw_body(r));
    }
    answer = mem_strdup(raw_body(r));
    raw_close(r);
    return answer;
}

/* ---- hearing ---- */

void heard_init(struct heard *h)
{
    *h = (struct heard){ 0 };
}

void heard_fini(struct heard *h)
{
    while (h->n > 0) {
        mem_free(h->messages[--h->n]);
    }
    mem_free(h->messages);
    mem_free(h->last_id);
    mem_free(h->answer);
}

/* A message without a method is a response. */
static void keep(struct heard *h, const char *message)
{
    if (!strstr(message, "\"method\":")) {
        assert_null(h->answer); /* a call has one answer */
        h->answer = mem_strdup(message);
        return;
    }
    assert_null(h->answer); /* which is the last that comes */
    h->messages = mem_realloc(h->messages, (h->n + 1) * sizeof(h->messages[0]));
    h->messages[h->n++] = mem_strdup(message);
}

static bool is_stream(const struct raw *r)
{
    char *type = raw_field(r, "Content-Type", 0);
    bool is = type && strcmp(type, "text/event-stream") == 0;

    mem_free(type);
    return is;
}

bool talk_hear_one(struct raw *r, struct heard *h)
{
    struct raw_event event;

    if (raw_status(r) == 0) {
        return false;
    }
    if (r->status != 200) {
        fail_msg("%s%s", r->head.data, raw_body(r));
    }
    if (!is_stream(r)) {
        if (r->body.len > 0 || !raw_try_body(r)) {
            return false; /* taken already, or broken off */
        }
        keep(h, raw_body(r));
        return true;
    }
    if (!raw_event(r, &event)) {
        return false;
    }
    if (event.id) {
        mem_free(h->last_id);
        h->last_id = mem_strdup(event.id);
    }
    if (event.data && event.data[0]) {
        keep(h, event.data);
    }
    return true;
}

bool talk_hear(struct raw *r, struct heard *h, size_t n)
{
    while (h->n < n) {
        if (h->answer || !talk_hear_one(r, h)) {
            return false;
        }
    }
    return true;
}

/* ---- calls ---- */

void ask_begin(struct ask *a, const struct talk *t, int id, const char *tool, const char *fmt, ...)
{
    struct buf body;
    char *arguments = NULL;
    va_list ap;

    va_start(ap, fmt);
    assert_true(vasprintf(&arguments, fmt, ap) >= 0);
    va_end(ap);
    buf_init(&body, SIZE_MAX / 2);
    buf_addf(&body,
             "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\","
             "\"arguments\":%s,\"_meta\":{\"progressToken\":%d}}}",
             id, tool, arguments, id);
    free(arguments);
    *a = (struct ask){ .t = t, .n_posts = 1 };
    a->body = buf_take(&body, NULL);
    a->raw = raw_try_open(t->port);
    if (a->raw) {
        send_post(a->raw, t, a->body);
    }
    heard_init(&a->heard);
}

void ask_hang_up(struct ask *a)
{
    raw_close(a->raw);
    a->raw = NULL;
}

void ask_end(struct ask *a)
{
    ask_hang_up(a);
    heard_fini(&a->heard);
    mem_free(a->body);
}

bool ask_again(struct ask *a)
{
    struct raw *r;
    int status;

    ask_hang_up(a);
    r = raw_try_open(a->t->port);
    if (!r) {
        return false;
    }
    if (a->heard.last_id) {
        a->n_gets++;
        send_get(r, a->t, a->heard.last_id);
    } else {
        a->n_posts++;
        send_post(r, a->t, a->body);
    }
    status = raw_status(r);
    if (status == 0 || status == 503) {
        raw_close(r);
        return false;
    }
    if (status != 200) {
        fail_msg("coming back behind %s: %s%s", a->heard.last_id ? a->heard.last_id : "nothing",
                 r->head.data, raw_body(r));
    }
    a->raw = r;
    return true;
}

bool ask_hear(struct ask *a, size_t n)
{
    return talk_hear(a->raw, &a->heard, n);
}

void ask_hear_id(struct ask *a)
{
    while (!a->heard.last_id) {
        assert_true(talk_hear_one(a->raw, &a->heard));
    }
}

void ask_answer(const struct ask *a, const char *message, const char *says)
{
    const char *id = strstr(message, "\"id\":");
    struct raw *r = raw_try_open(a->t->port);
    char text[512];

    assert_non_null(id);
    id += strlen("\"id\":");
    snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%.*s,%s}", (int)strcspn(id, ",}"), id,
             says);
    if (r) {
        send_post(r, a->t, text);
        assert_true(raw_status(r) == 202 || r->status == 0 || r->status == 503);
        raw_close(r);
    }
}

static void answer_all(struct ask *a)
{
    for (; a->says && a->n_looked < a->heard.n; a->n_looked++) {
        const char *message = a->heard.messages[a->n_looked];

        if (strstr(message, "\"method\":\"elicitation/create\"")) {
            ask_answer(a, message, a->says);
        }
    }
}

bool ask_finish(struct ask *a)
{
    answer_all(a);
    while (!a->heard.answer) {
        if (!a->raw || !talk_hear_one(a->raw, &a->heard)) {
            return false;
        }
        answer_all(a);
    }
    return true;
}

static bool is_finished(void *arg)
{
    struct ask *a = arg;

    return ask_finish(a) || (ask_again(a) && ask_finish(a));
}

void ask_finish_anyhow(struct ask *a)
{
    if (!wait_until(is_finished, a, WAIT_MS)) {
        fail_msg("no answer after %d POSTs and %d GETs to %s", a->n_posts, a->n_gets, a->body);
    }
}

void ask_expect(const struct ask *a, const char *part)
{
    if (!a->heard.answer || !strstr(a->heard.answer, part)) {
        fail_msg("\"%s\" is not in %s", part, a->heard.answer ? a->heard.answer : "no answer");
    }
}
