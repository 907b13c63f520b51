/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Playing cases. See case.h.
 */
#include "case.h"

#include <fnmatch.h>

#include "expand.h"
#include "harness.h"
#include "json/json.h"
#include "match.h"
#include "pool.h"
#include "talk.h"

#define MAX_CONNECTIONS 80

struct play {
    const char *path;
    int line;
    struct proc *server;
    struct talk talk;
    bool has_session;
    char *event_id, *asked;
    struct raw *raw[MAX_CONNECTIONS];
    size_t n_raw;

    /* The request that is being put together. */
    struct buf head, body;
    char method[16];
    bool is_open, is_in_body, is_on_same;
    bool has_expectation;
};

#define fail_case(play, ...)                                                     \
    do {                                                                         \
        printf("# %s:%d: not as expected\n", (play)->path, (play)->line);        \
        fail_msg(__VA_ARGS__);                                                   \
    } while (0)

static void need_server(struct play *p)
{
    if (!p->server) {
        p->server = pool_get("tests/everything");
    }
    if (!p->talk.port) {
        p->talk.port = p->server->port;
    }
}

/* With what the names in a line stand for now. */
static void expand(struct play *p, const char *text, struct buf *out)
{
    char port[8];
    const struct expand_name names[] = { { "$SESSION", p->talk.session },
                                         { "$PORT", port },
                                         { "$DIR", p->server->dir },
                                         { "$EVENT", p->event_id ? p->event_id : "" },
                                         { "$ASKED", p->asked ? p->asked : "" },
                                         { NULL, NULL } };

    snprintf(port, sizeof(port), "%u", p->talk.port);
    expand_text(text, names, out);
}

/* ---- sending ---- */

static struct raw *last(const struct play *p)
{
    assert_true(p->n_raw > 0);
    return p->raw[p->n_raw - 1];
}

static void open_connection(struct play *p)
{
    need_server(p);
    if (p->is_on_same) {
        raw_next(last(p));
    } else {
        assert_true(p->n_raw < MAX_CONNECTIONS);
        p->raw[p->n_raw++] = raw_open(p->server->port);
    }
    p->is_open = true;
    p->has_expectation = false;
}

/* Unless the case gave it, or took it away ("-Name" is kept in the head for that). */
static void add_default(struct play *p, const char *name, const char *value)
{
    char line[128];

    for (const char *prefix = "\n"; prefix; prefix = *prefix == '\n' && !prefix[1] ? "\n-" : NULL) {
        snprintf(line, sizeof(line), "%s%s%s", prefix, name, prefix[1] ? "\r" : ":");
        if (strcasestr(p->head.data, line)) {
            return;
        }
    }
    buf_addf(&p->head, "%s: %s\r\n", name, value);
}

static void add_defaults(struct play *p)
{
    char host[32];

    snprintf(host, sizeof(host), "127.0.0.1:%u", p->server->port);
    add_default(p, "Host", host);
    if (strcmp(p->method, "POST") == 0) {
        add_default(p, "Accept", "application/json, text/event-stream");
        add_default(p, "Content-Type", "application/json");
    } else if (strcmp(p->method, "GET") == 0) {
        add_default(p, "Accept", "text/event-stream");
    }
    if (p->has_session) {
        add_default(p, "Mcp-Session-Id", p->talk.session);
        add_default(p, "MCP-Protocol-Version", p->talk.version);
    }
    if (p->body.len > 0) {
        char length[32];

        snprintf(length, sizeof(length), "%zu", p->body.len);
        add_default(p, "Content-Length", length);
    }
}

/* The head without the lines that only took a default away. */
static void send_head(struct play *p)
{
    for (char *line = p->head.data, *end; *line; line = end + 2) {
        end = strstr(line, "\r\n");
        if (line[0] != '-') {
            raw_send(last(p), line, (size_t)(end + 2 - line));
        }
    }
    raw_sendf(last(p), "\r\n");
}

static void send_request(struct play *p)
{
    if (p->head.len > 0) {
        add_defaults(p);
        send_head(p);
        raw_send(last(p), p->body.data, p->body.len);
    }
    buf_reset(&p->head);
    buf_reset(&p->body);
    p->is_in_body = false;
    p->is_open = false;
}

static void take_sent(struct play *p, const char *line)
{
    struct buf text, bytes;
    bool is_raw = line[0] == '>';

    p->is_on_same = !p->is_open && line[0] == '+';
    line += is_raw || line[0] == '+';
    line += line[0] == ' ';
    if (!p->is_open) {
        open_connection(p);
        if (!is_raw) {
            snprintf(p->method, sizeof(p->method), "%.*s", (int)strcspn(line, " "), line);
        }
    }
    buf_init(&text, SIZE_MAX / 2);
    buf_init(&bytes, SIZE_MAX / 2);
    expand(p, line, &text);
    if (is_raw) {
        expand_escapes(buf_str(&text), &bytes);
        raw_send(last(p), bytes.data, bytes.len);
    } else if (p->is_in_body) {
        buf_add_str(&p->body, buf_str(&text));
    } else if (text.len == 0) {
        p->is_in_body = true;
    } else {
        buf_addf(&p->head, "%s%s\r\n", text.data, p->head.len == 0 ? " HTTP/1.1" : "");
    }
    buf_fini(&text);
    buf_fini(&bytes);
}

/* ---- expecting ---- */

static void expect_field(struct play *p, struct raw *r, const char *text)
{
    char name[64], *value;
    const char *colon = strstr(text, ": ");

    if (text[0] == '-') {
        value = raw_field(r, text + 1, 0);
        if (value) {
            fail_case(p, "%s: %s", text + 1, value);
        }
        return;
    }
    snprintf(name, sizeof(name), "%.*s", (int)(colon - text), text);
    value = raw_field(r, name, 0);
    if (!value || fnmatch(colon + 2, value, 0) != 0) {
        fail_case(p, "%s: %s\n%s", name, value ? value : "(none)", r->head.data);
    }
    assert_null(raw_field(r, name, 1));
    mem_free(value);
}

static void expect_json(struct play *p, const char *expected, const char *actual)
{
    struct buf why;

    buf_init(&why, 1 << 20);
    if (!match_json(expected, actual, &why)) {
        fail_case(p, "%s\nof %s", why.data, actual);
    }
    buf_fini(&why);
}

static void keep_id(struct play *p, const struct raw_event *event)
{
    mem_free(p->event_id);
    p->event_id = mem_strdup(event->id);
}

/* Of a request: what has a method and an id. */
static void keep_asked(struct play *p, const char *message)
{
    yyjson_doc *doc = message ? yyjson_read(message, strlen(message), 0) : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *id = yyjson_get_str(yyjson_obj_get(root, "id"));

    if (id && yyjson_obj_get(root, "method")) {
        mem_free(p->asked);
        p->asked = mem_strdup(id);
    }
    yyjson_doc_free(doc);
}

static struct raw_event next_event(struct play *p, struct raw *r)
{
    struct raw_event event;

    if (!raw_event(r, &event)) {
        fail_case(p, "the stream ended");
    }
    return event;
}

/* What clients are told to wait before they come back: an event of its own, which they only note. */
static void expect_retry(struct play *p, struct raw *r)
{
    struct raw_event event = next_event(p, r);

    if (event.id || event.data || event.retry_ms <= 0) {
        fail_case(p, "id %s, data %s, retry %ld", event.id ? event.id : "(none)",
                  event.data ? event.data : "(none)", event.retry_ms);
    }
}

static void expect_prime(struct play *p, struct raw *r)
{
    struct raw_event event;

    expect_retry(p, r);
    event = next_event(p, r);
    if (!event.id || !event.data || event.data[0]) {
        fail_case(p, "id %s, data %s", event.id ? event.id : "(none)",
                  event.data ? event.data : "(none)");
    }
    keep_id(p, &event);
}

static void expect_event(struct play *p, struct raw *r, const char *expected)
{
    struct raw_event event = next_event(p, r);

    if (!event.id) {
        fail_case(p, "an event without an id: %s", event.data);
    }
    keep_id(p, &event);
    keep_asked(p, event.data);
    expect_json(p, expected, event.data ? event.data : "(no data)");
}

static void expect_anonymous(struct play *p, struct raw *r, const char *expected)
{
    struct raw_event event = next_event(p, r);

    if (event.id) {
        fail_case(p, "an event with id %s", event.id);
    }
    expect_json(p, expected, event.data ? event.data : "(no data)");
}

static void expect_status(struct play *p, const char *text)
{
    int status = raw_status(last(p));

    if (status != (int)strtol(text, NULL, 10)) {
        fail_case(p, "status %d: %s%s", status, status ? last(p)->head.data : "no response",
                  status ? raw_body(last(p)) : "");
    }
}

static void expect_end(struct play *p, struct raw *r)
{
    struct raw_event event;

    if (raw_event(r, &event) || !r->is_over) {
        fail_case(p, "%s", r->is_over ? "one more event" : "the stream broke off");
    }
}

/* The body; of a stream, the last message. */
static void expect_answer(struct play *p, struct raw *r, const char *expected)
{
    char *type = raw_field(r, "Content-Type", 0), *answer = mem_strdup(raw_body(r));
    const char *from = answer;

    if (type && strcmp(type, "text/event-stream") == 0) {
        for (const char *data = from; (data = strstr(data, "\ndata: {")); data++) {
            from = data + strlen("\ndata: ");
        }
        answer[(size_t)(from - answer) + strcspn(from, "\n")] = '\0';
    }
    expect_json(p, expected, from);
    mem_free(answer);
    mem_free(type);
}

static void expect_of(struct play *p, struct raw *r, const char *text)
{
    if (strncmp(text, "json ", 5) == 0) {
        expect_answer(p, r, text + 5);
    } else if (strcmp(text, "empty") == 0) {
        assert_string_equal(raw_body(r), "");
    } else if (strcmp(text, "retry") == 0) {
        expect_retry(p, r);
    } else if (strcmp(text, "prime") == 0) {
        expect_prime(p, r);
    } else if (strncmp(text, "event ", 6) == 0) {
        expect_event(p, r, text + 6);
    } else if (strncmp(text, "anonymous ", 10) == 0) {
        expect_anonymous(p, r, text + 10);
    } else if (strcmp(text, "end") == 0) {
        expect_end(p, r);
    } else if (strcmp(text, "close") == 0) {
        raw_await_close(r);
    } else if (text[0] == '-' || strstr(text, ": ")) {
        expect_field(p, r, text);
    } else {
        fail_case(p, "what is \"%s\"?", text);
    }
}

static void expect(struct play *p, const char *text)
{
    if (text[0] >= '1' && text[0] <= '9' && text[1] == ' ') {
        assert_true((size_t)(text[0] - '0') <= p->n_raw);
        expect_of(p, p->raw[text[0] - '1'], text + 2);
    } else if (!p->has_expectation) {
        expect_status(p, text);
        p->has_expectation = true;
    } else {
        expect_of(p, last(p), text);
    }
}

/* ---- a whole case ---- */

/* "2025-11-25", "2025-11-25 {"roots":{}}" */
static void begin_session(struct play *p, char *text)
{
    char *capabilities = strchr(text, ' ');

    if (capabilities) {
        *capabilities++ = '\0';
    }
    need_server(p);
    talk_begin_as(&p->talk, p->server->port, text, capabilities ? capabilities : "{}");
    p->has_session = true;
}

static void play_line(struct play *p, char *line)
{
    struct buf text;

    buf_init(&text, SIZE_MAX / 2);
    if (line[0] == '>') {
        take_sent(p, line + 1);
    } else if (line[0] == '<') {
        if (p->is_open) {
            send_request(p);
        }
        expand(p, line + 1 + strspn(line + 1, " "), &text);
        expect(p, text.data);
    } else if (strncmp(line, "server ", 7) == 0) {
        p->server = pool_get(line + 7);
    } else if (strncmp(line, "session ", 8) == 0) {
        begin_session(p, line + 8);
    } else if (line[0] && line[0] != '#') {
        fail_case(p, "what is \"%s\"?", line);
    }
    buf_fini(&text);
}

static void play_fini(struct play *p)
{
    while (p->n_raw > 0) {
        raw_close(p->raw[--p->n_raw]);
    }
    buf_fini(&p->head);
    buf_fini(&p->body);
    mem_free(p->event_id);
    mem_free(p->asked);
}

void case_run(const char *path)
{
    struct play p = { .path = path };
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;

    assert_non_null(f);
    buf_init(&p.head, SIZE_MAX / 2);
    buf_init(&p.body, SIZE_MAX / 2);
    while (getline(&line, &size, f) > 0) {
        p.line++;
        line[strcspn(line, "\n")] = '\0';
        play_line(&p, line);
    }
    free(line);
    fclose(f);
    assert_true(p.has_expectation);
    assert_false(p.is_open);
    play_fini(&p);
}

char *case_sentence(const char *path)
{
    char line[256];
    FILE *f = fopen(path, "r");

    assert(f && fgets(line, sizeof(line), f) && strncmp(line, "# ", 2) == 0);
    fclose(f);
    line[strcspn(line, "\n")] = '\0';
    return mem_strdup(line + 2);
}
