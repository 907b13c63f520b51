/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server processes. See proc.h.
 */
#include "proc.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "harness.h"
#include "memcheck.h"
#include "wait.h"

/* ---- making one ---- */

/* A port that nobody else gets as long as the socket is open (see proc.h). */
static int hold_port(uint16_t *port_out)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t n = sizeof(a);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *port_out = ntohs(a.sin_port);
    return fd;
}

static char *format(const char *fmt, ...) PRINTF(1, 2);
static char *format(const char *fmt, ...)
{
    struct buf b;
    va_list ap;
    char text[4096];

    va_start(ap, fmt);
    assert_in_range(vsnprintf(text, sizeof(text), fmt, ap), 0, sizeof(text) - 1);
    va_end(ap);
    buf_init(&b, sizeof(text));
    buf_addz(&b, text);
    return buf_take(&b, NULL);
}

char *proc_path(const struct proc *p, const char *name)
{
    return format("%s/%s", p->dir, name);
}

struct proc *proc_new(const char *program)
{
    struct proc *p = mem_zalloc(sizeof(*p));
    const char *build = getenv("BUILD");
    char *dir = test_dir();

    p->program = format("%s/%s", build ? build : "build", program);
    p->dir = mem_strdup(dir);
    free(dir);
    p->store = proc_path(p, "store");
    p->log = proc_path(p, "stderr");
    p->port_fd = hold_port(&p->port);
    p->to = p->from = -1;
    snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%u/mcp", p->port);
    return p;
}

static void show(const struct proc *p)
{
    char line[1024];
    FILE *f = fopen(p->log, "r");

    while (f && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        printf("# server: %s\n", line);
    }
    if (f) {
        fclose(f);
    }
}

static void close_stdio(struct proc *p)
{
    if (p->to >= 0) {
        close(p->to);
    }
    if (p->from >= 0) {
        close(p->from);
    }
    p->to = p->from = -1;
}

void proc_free(struct proc *p)
{
    if (p->pid) {
        proc_kill(p);
    }
    show(p);
    memcheck_expect_nothing(p->dir);
    close(p->port_fd);
    close_stdio(p);
    while (p->n_args > 0) {
        mem_free(p->args[--p->n_args]);
    }
    while (p->n_env > 0) {
        mem_free(p->env[--p->n_env]);
    }
    mem_free(p->program);
    mem_free(p->dir);
    mem_free(p->store);
    mem_free(p->log);
    mem_free(p);
}

void proc_option(struct proc *p, const char *name, const char *value)
{
    assert_true(p->n_args + 2 <= (int)COUNT_OF(p->args));
    p->args[p->n_args++] = mem_strdup(name);
    if (value) {
        p->args[p->n_args++] = mem_strdup(value);
    }
}

void proc_env(struct proc *p, const char *name, const char *value)
{
    size_t n = strlen(name);

    for (int i = 0; i < p->n_env; i++) {
        if (strncmp(p->env[i], name, n) == 0 && p->env[i][n] == '=') {
            mem_free(p->env[i]);
            p->env[i] = p->env[--p->n_env];
            break;
        }
    }
    if (value) {
        assert_true(p->n_env < (int)COUNT_OF(p->env));
        p->env[p->n_env++] = format("%s=%s", name, value);
    }
}

void proc_stdio(struct proc *p)
{
    p->is_stdio = true;
}

void proc_fault(struct proc *p, const char *fault)
{
    proc_env(p, "DMCP_FAULT", fault);
}

/* ---- starting ---- */

__attribute__((noreturn)) static void become(struct proc *p, pid_t parent, const int pipes[4])
{
    char address[32], by_stdio[] = "--stdio", by_port[] = "--listen";
    char *argv[COUNT_OF(p->args) + 8];
    int n = 0, fd = open(p->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || fd < 0 || dup2(fd, STDERR_FILENO) < 0) {
        _exit(126);
    }
    dup2(fd, STDOUT_FILENO); /* the test's own is for its report */
    snprintf(address, sizeof(address), "127.0.0.1:%u", p->port);
    argv[n++] = p->program;
    if (p->is_stdio) {
        dup2(pipes[0], STDIN_FILENO);
        dup2(pipes[3], STDOUT_FILENO);
        argv[n++] = by_stdio;
    } else {
        argv[n++] = by_port;
        argv[n++] = address;
    }
    argv[n++] = (char[]){ "--store" };
    argv[n++] = p->store;
    memcpy(argv + n, p->args, (size_t)p->n_args * sizeof(argv[0]));
    argv[n + p->n_args] = NULL;
    for (int i = 0; i < p->n_env; i++) {
        putenv(p->env[i]);
    }
    memcheck_exec(p->dir, argv);
    execv(p->program, argv);
    _exit(127);
}

void proc_launch(struct proc *p)
{
    pid_t parent = getpid();
    int pipes[4] = { -1, -1, -1, -1 };

    assert_int_equal(p->pid, 0);
    show(p);
    unlink(p->log);
    fflush(NULL);
    close_stdio(p);
    if (p->is_stdio) {
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        assert_int_equal(pipe2(pipes + 2, O_CLOEXEC), 0);
        p->to = pipes[1];
        p->from = pipes[2];
    }
    p->pid = fork();
    if (p->pid == 0) {
        become(p, parent, pipes);
    }
    assert_true(p->pid > 0);
    close(pipes[0]);
    close(pipes[3]);
}

static int status_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool proc_is_running(struct proc *p)
{
    siginfo_t info = { 0 };

    return p->pid && waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

/* Its first line names the address that it got. */
static bool has_started(const struct proc *p)
{
    char text[64];

    if (p->is_stdio) {
        return proc_has_said(p, " speaks by stdin and stdout, ");
    }
    snprintf(text, sizeof(text), " listens on http://127.0.0.1:%u/", p->port);
    return proc_has_said(p, text);
}

static bool listens_or_ended(void *arg)
{
    struct proc *p = arg;

    return has_started(p) || !proc_is_running(p);
}

bool proc_try_start(struct proc *p)
{
    proc_launch(p);
    wait_until(listens_or_ended, p, WAIT_MS);
    if (!has_started(p) && proc_is_running(p)) {
        fail_msg("%s does not listen, saying: %s", p->program, proc_said(p));
    }
    return has_started(p);
}

void proc_start(struct proc *p)
{
    if (!proc_try_start(p)) {
        char *said = proc_said(p);

        fail_msg("%s ended at its start with %d, saying: %s", p->program, proc_wait(p), said);
    }
}

int proc_run(struct proc *p)
{
    proc_launch(p);
    return proc_wait(p);
}

/* ---- ending ---- */

static bool has_ended(void *arg)
{
    return !proc_is_running(arg);
}

int proc_wait(struct proc *p)
{
    int status;

    if (!wait_until(has_ended, p, WAIT_MS)) {
        fail_msg("%s does not end, having said: %s", p->program, proc_said(p));
    }
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    p->pid = 0;
    return status_of(status);
}

void proc_signal(struct proc *p, int signal_number)
{
    assert_true(p->pid > 0);
    assert_int_equal(kill(p->pid, signal_number), 0);
}

void proc_kill(struct proc *p)
{
    int status;

    assert_true(p->pid > 0); /* 0 would be this process and all its children */
    kill(p->pid, SIGKILL); /* it may be dead already, of a fault point */
    waitpid(p->pid, &status, 0);
    p->pid = 0;
}

int proc_stop(struct proc *p)
{
    proc_signal(p, SIGTERM);
    return proc_wait(p);
}

/* ---- looking at it ---- */

static char *read_file(const char *path)
{
    struct buf b;
    FILE *f = fopen(path, "r");
    size_t n;

    buf_init(&b, SIZE_MAX / 2);
    while (f && (n = fread(buf_reserve(&b, 4096), 1, 4096, f)) > 0) {
        buf_advance(&b, n);
    }
    if (f) {
        fclose(f);
    }
    buf_add(&b, "", 1);
    return buf_take(&b, NULL);
}

char *proc_said(const struct proc *p)
{
    return read_file(p->log);
}

bool proc_has_said(const struct proc *p, const char *text)
{
    char *said = proc_said(p);
    bool has = strstr(said, text) != NULL;

    mem_free(said);
    return has;
}

struct said {
    const struct proc *p;
    const char *text;
};

static bool was_said(void *arg)
{
    const struct said *s = arg;

    return proc_has_said(s->p, s->text);
}

void proc_await_said(const struct proc *p, const char *text)
{
    struct said s = { p, text };

    if (!wait_until(was_said, &s, WAIT_MS)) {
        fail_msg("the server did not say \"%s\", but: %s", text, proc_said(p));
    }
}

/* The parent of a process, from the third field behind its name in parentheses. */
static pid_t parent_of(const char *pid)
{
    char path[64], *stat, *end;
    pid_t parent = 0;

    snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    stat = read_file(path);
    end = strrchr(stat, ')');
    if (end && end[1] && end[2] && end[2] != 'Z') {
        parent = (pid_t)strtol(end + 3, NULL, 10);
    }
    mem_free(stat);
    return parent;
}

pid_t proc_worker(const struct proc *p)
{
    DIR *all = opendir("/proc");
    struct dirent *d;
    pid_t worker = 0;

    assert_non_null(all);
    while (!worker && (d = readdir(all))) {
        if (d->d_name[0] >= '1' && d->d_name[0] <= '9' && parent_of(d->d_name) == p->pid) {
            worker = (pid_t)strtol(d->d_name, NULL, 10);
        }
    }
    closedir(all);
    return worker;
}

struct worker {
    struct proc *p;
    pid_t not_this;
};

static bool is_other(void *arg)
{
    const struct worker *w = arg;
    pid_t now = proc_worker(w->p);

    return now && now != w->not_this;
}

void proc_await_other_worker(struct proc *p, pid_t worker)
{
    struct worker w = { p, worker };

    if (!wait_until(is_other, &w, WAIT_MS)) {
        fail_msg("the server process was not started again; it said: %s", proc_said(p));
    }
}

static long status_number(const struct proc *p, const char *field)
{
    char path[64], *status, *at;
    long value;

    snprintf(path, sizeof(path), "/proc/%d/status", proc_worker(p));
    status = read_file(path);
    at = strstr(status, field);
    value = at ? strtol(at + strlen(field), NULL, 10) : -1;
    mem_free(status);
    return value;
}

long proc_rss_kib(const struct proc *p)
{
    return status_number(p, "\nVmRSS:");
}

long proc_peak_kib(const struct proc *p)
{
    return status_number(p, "\nVmHWM:");
}
