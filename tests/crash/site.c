/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scene of a crash. See site.h.
 */
#include "site.h"

#include <fcntl.h>

#include "harness.h"
#include "wait.h"
#include "lines.h"

struct site *site_new(const char *program)
{
    struct site *s = mem_zalloc(sizeof(*s));

    s->server = proc_new(program);
    s->gate = proc_path(s->server, "gate");
    s->log = proc_path(s->server, "log");
    return s;
}

void site_free(struct site *s)
{
    proc_free(s->server);
    mem_free(s->gate);
    mem_free(s->log);
    mem_free(s);
}

void site_begin(struct site *s)
{
    proc_start(s->server);
    talk_begin(&s->talk, s->server->port, "2025-11-25");
}

int site_setup(void **state)
{
    struct site *s = site_new("tests/gates");

    *state = s;
    site_begin(s);
    return 0;
}

int site_teardown(void **state)
{
    site_free(*state);
    return 0;
}

void site_open_gate(const struct site *s)
{
    int fd = open(s->gate, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
}

void site_close_gate(const struct site *s)
{
    assert_int_equal(unlink(s->gate), 0);
}

int site_count(const struct site *s, const char *wanted)
{
    return lines_count(s->log, wanted);
}

struct awaited {
    const struct site *site;
    const char *line;
    int n;
};

static bool is_there(void *arg)
{
    const struct awaited *a = arg;

    return site_count(a->site, a->line) >= a->n;
}

void site_await(const struct site *s, const char *line, int n)
{
    struct awaited a = { s, line, n };

    if (!wait_until(is_there, &a, WAIT_MS)) {
        fail_msg("\"%s\" stands %d times in the log, not %d", line, site_count(s, line), n);
    }
    assert_int_equal(site_count(s, line), n);
}

void site_crash(struct site *s)
{
    proc_kill(s->server);
    proc_start(s->server);
}

void site_walk(struct site *s, struct ask *a, int id, const char *guard)
{
    ask_begin(a, &s->talk, id, "walk",
              "{\"id\":\"%d\",\"log\":\"%s\",\"n\":3,\"guard\":\"%s\",\"at\":2,\"gate\":\"%s\"}", id,
              s->log, guard, s->gate);
}

void site_expect_steps(const struct site *s, int id, int first, int second, int third)
{
    const int n[] = { first, second, third };
    char line[32];

    for (int i = 0; i < 3; i++) {
        snprintf(line, sizeof(line), "%d %d", id, i + 1);
        assert_int_equal(site_count(s, line), n[i]);
    }
}
