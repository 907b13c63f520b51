/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operator's desk. See desk.h.
 */
#include "desk.h"

#include <sys/wait.h>

#include "base/limits.h"
#include "wait.h"

struct desk *desk_new(const char *program)
{
    struct desk *d = mem_zalloc(sizeof(*d));

    d->server = proc_new(program);
    d->log = proc_path(d->server, "steps");
    buf_init(&d->said, 256 * MIB);
    return d;
}

void desk_free(struct desk *d)
{
    proc_free(d->server);
    mem_free(d->log);
    buf_fini(&d->said);
    mem_free(d);
}

void desk_begin(struct desk *d)
{
    proc_start(d->server);
    talk_begin(&d->talk, d->server->port, "2025-11-25");
}

int desk_setup(void **state)
{
    struct desk *d = desk_new("tests/torture");

    *state = d;
    desk_begin(d);
    return 0;
}

int desk_teardown(void **state)
{
    desk_free(*state);
    return 0;
}

/* ---- dmcp ---- */

static int run(struct desk *d, const char *fmt, va_list ap)
{
    const char *build = getenv("BUILD");
    char arguments[8192], line[4096];
    struct buf command;
    FILE *f;
    size_t n;
    int status;

    assert_in_range(vsnprintf(arguments, sizeof(arguments), fmt, ap), 0, sizeof(arguments) - 1);
    buf_init(&command, MIB);
    buf_addf(&command, "DMCP_STORE='%s' %s/dmcp %s 2>&1 </dev/null", d->server->store,
             build ? build : "build", arguments);
    buf_reset(&d->said);
    f = popen(command.data, "r");
    assert_non_null(f);
    while ((n = fread(line, 1, sizeof(line), f)) > 0) {
        buf_add(&d->said, line, n);
    }
    buf_addz(&d->said, "");
    status = pclose(f);
    buf_fini(&command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int desk_dmcp(struct desk *d, const char *fmt, ...)
{
    va_list ap;
    int status;

    va_start(ap, fmt);
    status = run(d, fmt, ap);
    va_end(ap);
    return status;
}

const char *desk_ask(struct desk *d, const char *fmt, ...)
{
    va_list ap;
    int status;

    va_start(ap, fmt);
    status = run(d, fmt, ap);
    va_end(ap);
    if (status != 0) {
        fail_msg("dmcp %s ended with %d: %s", fmt, status, buf_str(&d->said).p);
    }
    return buf_str(&d->said).p;
}

void desk_expect(const struct desk *d, const char *part)
{
    if (!strstr(buf_str(&d->said).p, part)) {
        fail_msg("not said: %s\nbut: %s", part, buf_str(&d->said).p);
    }
}

void desk_expect_not(const struct desk *d, const char *part)
{
    if (strstr(buf_str(&d->said).p, part)) {
        fail_msg("said: %s\nin: %s", part, buf_str(&d->said).p);
    }
}

struct awaited {
    struct desk *desk;
    const char *arguments, *part;
};

static bool is_said(void *arg)
{
    const struct awaited *a = arg;

    return strstr(desk_ask(a->desk, "%s", a->arguments), a->part) != NULL;
}

void desk_await(struct desk *d, const char *arguments, const char *part)
{
    struct awaited a = { d, arguments, part };

    if (!wait_until(is_said, &a, WAIT_MS)) {
        fail_msg("dmcp %s did not come to say: %s\nbut: %s", arguments, part, buf_str(&d->said).p);
    }
}

char *desk_member(const struct desk *d, const char *name)
{
    char key[64], text[256] = "";
    const char *at;

    snprintf(key, sizeof(key), "\"%s\":\"", name);
    at = strstr(buf_str(&d->said).p, key);
    if (!at || sscanf(at + strlen(key), "%255[^\"]", text) != 1) {
        fail_msg("no %s in: %s", name, buf_str(&d->said).p);
    }
    return mem_strdup(text);
}

/* ---- calls ---- */

void desk_run(struct desk *d, struct ask *a, int id, const char *steps)
{
    ask_begin(a, &d->talk, id, "run", "{\"id\":\"%d\",\"log\":\"%s\",\"steps\":%s}", id, d->log,
              steps);
}

char *desk_await_input(struct desk *d)
{
    desk_await(d, "inspect inputs --json", "\"call\":");
    return desk_member(d, "call");
}
