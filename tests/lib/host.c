/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts. See host.h.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "harness.h"
#include "json/json.h"
#include "json/rpc.h"
#include "wait.h"

struct host *host_new(const char *program)
{
    struct host *h = mem_zalloc(sizeof(*h));

    h->p = proc_new(program);
    h->version = "2025-11-25";
    h->capabilities = "{\"elicitation\":{},\"sampling\":{},\"roots\":{}}";
    buf_init(&h->heard, SIZE_MAX / 2);
    proc_stdio(h->p);
    signal(SIGPIPE, SIG_IGN);
    return h;
}

static void forget(struct host *h)
{
    while (h->n_lines > 0) {
        mem_free(h->lines[--h->n_lines]);
    }
    mem_free(h->lines);
    h->lines = NULL;
    h->is_end = false;
    buf_reset(&h->heard);
}

void host_free(struct host *h)
{
    proc_free(h->p);
    forget(h);
    buf_fini(&h->heard);
    mem_free(h);
}

/* ---- hearing ---- */

static bool is_message(struct str line)
{
    yyjson_doc *doc;
    yyjson_val *root, *one;
    size_t i, n;
    bool is_good;
    struct err e;

    if (json_read(line, &doc, &e) != DMCP_OK) {
        return false;
    }
    root = yyjson_doc_get_root(doc);
    is_good = yyjson_is_obj(root) && yyjson_obj_get(root, "jsonrpc") != NULL;
    yyjson_arr_foreach(root, i, n, one)
    {
        is_good = yyjson_obj_get(one, "jsonrpc") != NULL;
    }
    yyjson_doc_free(doc);
    return is_good;
}

static void add_line(struct host *h, struct str line)
{
    if (!is_message(line)) {
        fail_msg("stdout has what is no message: \"%.*s\"", STR_FMT(line));
    }
    h->lines = mem_realloc(h->lines, (h->n_lines + 1) * sizeof(h->lines[0]));
    h->lines[h->n_lines++] = mem_dup(line.p, line.len);
}

static void take_lines(struct host *h)
{
    size_t start = 0;
    const char *end;

    while ((end = memchr(h->heard.data + start, '\n', h->heard.len - start))) {
        size_t n = (size_t)(end - h->heard.data) - start;

        add_line(h, str_make(h->heard.data + start, n));
        start += n + 1;
    }
    buf_consume(&h->heard, start);
}

/* False: nothing came within so many milliseconds. */
static bool hear(struct host *h, int ms)
{
    struct pollfd fd = { .fd = h->p->from, .events = POLLIN };
    ssize_t n;

    if (h->is_end || poll(&fd, 1, ms) <= 0) {
        return false;
    }
    n = read(h->p->from, buf_reserve(&h->heard, 65536), 65536);
    assert_true(n >= 0);
    h->is_end = n == 0;
    buf_advance(&h->heard, (size_t)n);
    take_lines(h);
    return true;
}

void host_listen(struct host *h, int ms)
{
    (void)hear(h, ms);
}

static const char *find(const struct host *h, size_t from, const char *text)
{
    for (size_t i = from; i < h->n_lines; i++) {
        if (strstr(h->lines[i], text)) {
            return h->lines[i];
        }
    }
    return NULL;
}

const char *host_await(struct host *h, const char *text)
{
    uint64_t end = clock_mono_ms() + WAIT_MS;
    const char *line;
    size_t seen = 0;

    while (!(line = find(h, seen, text))) {
        seen = h->n_lines;
        (void)hear(h, 100);
        if (h->is_end || clock_mono_ms() > end) {
            line = find(h, 0, text);
            if (!line) {
                fail_msg("%s was not heard, but: %s", text,
                         h->n_lines ? h->lines[h->n_lines - 1] : "nothing");
            }
        }
    }
    return line;
}

size_t host_count(const struct host *h, const char *text)
{
    size_t n = 0;

    for (size_t i = 0; i < h->n_lines; i++) {
        n += strstr(h->lines[i], text) != NULL;
    }
    return n;
}

static const char *answer_text(int id, char text[64])
{
    snprintf(text, 64, "{\"jsonrpc\":\"2.0\",\"id\":%d,", id);
    return text;
}

const char *host_answer(struct host *h, int id)
{
    char text[64];

    return host_await(h, answer_text(id, text));
}

size_t host_answers(const struct host *h, int id)
{
    char text[64];

    return host_count(h, answer_text(id, text));
}

/* ---- saying ---- */

/* Goes on hearing, so that neither waits for the other. */
void host_write(struct host *h, const char *bytes, size_t n)
{
    struct pollfd fd = { .fd = h->p->to, .events = POLLOUT };

    while (n > 0) {
        ssize_t done;

        if (poll(&fd, 1, 10) == 1) {
            done = write(h->p->to, bytes, n < 4096 ? n : 4096);
            assert_true(done > 0);
            bytes += done;
            n -= (size_t)done;
        }
        if (!h->is_deaf) {
            (void)hear(h, 0);
        }
    }
}

static void say(struct host *h, const char *fmt, va_list ap)
{
    char *line;
    int n = vasprintf(&line, fmt, ap);

    assert_true(n >= 0);
    line[n] = '\n';
    host_write(h, line, (size_t)n + 1);
    free(line);
}

void host_say(struct host *h, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(h, fmt, ap);
    va_end(ap);
}

void host_call(struct host *h, int id, const char *tool, const char *fmt, ...)
{
    char *arguments;
    va_list ap;

    va_start(ap, fmt);
    assert_true(vasprintf(&arguments, fmt, ap) >= 0);
    va_end(ap);
    host_say(h,
             "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{"
             "\"name\":\"%s\",\"arguments\":%s,\"_meta\":{\"progressToken\":%d}}}",
             id, tool, arguments, id);
    free(arguments);
}

void host_ping(struct host *h, int id)
{
    host_say(h, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ping\"}", id);
    (void)host_answer(h, id);
}

/* ---- life ---- */

void host_launch(struct host *h)
{
    forget(h);
    proc_launch(h->p);
}

void host_start(struct host *h)
{
    host_launch(h);
    host_say(h,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
             "\"protocolVersion\":\"%s\",\"capabilities\":%s,"
             "\"clientInfo\":{\"name\":\"host\",\"version\":\"1\"}}}",
             h->version, h->capabilities);
    assert_non_null(strstr(host_answer(h, 1), "\"result\""));
    host_say(h, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
}

void host_close_input(struct host *h)
{
    close(h->p->to);
    h->p->to = -1;
}

void host_read_to_end(struct host *h)
{
    uint64_t end = clock_mono_ms() + WAIT_MS;

    while (!h->is_end && clock_mono_ms() < end) {
        (void)hear(h, 100);
    }
    assert_true(h->is_end);
    assert_int_equal(h->heard.len, 0); /* no piece of a line */
}

int host_leave(struct host *h)
{
    host_close_input(h);
    host_read_to_end(h);
    return proc_wait(h->p);
}

void host_crash(struct host *h)
{
    pid_t worker = proc_worker(h->p);

    assert_true(worker > 0);
    kill(worker, SIGKILL);
    proc_await_other_worker(h->p, worker);
}
