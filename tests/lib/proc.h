/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real server in a process of its own: started, awaited, killed, started again with the same
 * store and on the same port.
 *
 *     struct proc *p = proc_new("tests/gates");
 *
 *     proc_option(p, "--max-calls", "1");
 *     proc_start(p);
 *     ... p->port ...
 *     proc_kill(p);
 *     proc_start(p);
 *     proc_free(p);
 *
 * Whatever does not come within WAIT_MS fails the test. A server dies with the thread that started
 * it.
 *
 * The port is the test's: a socket that is bound and never listens keeps the kernel from giving it
 * to anybody else while the server is down.
 */
#ifndef TESTS_PROC_H
#define TESTS_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc {
    char *program; /* its path */
    char *dir;     /* test_dir(): the store, what the server says, and what the test puts there */
    char *store;   /* in dir, unless changed before the start */
    char *log;     /* what it said since the last start */
    char *args[40];
    int n_args;
    char *env[8]; /* NAME=value */
    int n_env;
    pid_t pid; /* the supervisor; 0: not running */
    uint16_t port;
    int port_fd;
    bool is_stdio; /* started with --stdio, on these: */
    int to, from;  /* its stdin and stdout; -1: closed */
    char url[64];
};

/* `program` lies in $BUILD, e.g. "tests/torture". Nothing is started. */
struct proc *proc_new(const char *program);
void proc_free(struct proc *p); /* kills it, and shows what it said */

void proc_option(struct proc *p, const char *name, const char *value); /* value may be NULL */
void proc_env(struct proc *p, const char *name, const char *value);    /* NULL: not any more */
/* From its next start on it is spoken to by p->to and p->from (host.h), and not by its port. */
void proc_stdio(struct proc *p);
void proc_fault(struct proc *p, const char *fault);                    /* DMCP_FAULT; NULL */

/* Without waiting for anything. */
void proc_launch(struct proc *p);

/* Until it listens. One that ends before fails the test; with proc_try_start it gives false. */
void proc_start(struct proc *p);
bool proc_try_start(struct proc *p);

/* The same for one that is not to get that far: its exit status, or -signal. */
int proc_run(struct proc *p);

void proc_kill(struct proc *p); /* kill -9 */
void proc_signal(struct proc *p, int signal_number);
int proc_wait(struct proc *p); /* for its end: exit status, or -signal */
int proc_stop(struct proc *p); /* SIGTERM, and wait */
bool proc_is_running(struct proc *p);

/* The child that does the work; 0 when there is none now. */
pid_t proc_worker(const struct proc *p);
/* Waits until there is another worker than that one, and it listens. */
void proc_await_other_worker(struct proc *p, pid_t worker);

/* What it said since the last start; the caller frees it with mem_free. */
char *proc_said(const struct proc *p);
bool proc_has_said(const struct proc *p, const char *text);
void proc_await_said(const struct proc *p, const char *text);

/* Its worker's memory in KiB: now, and the most that it ever had. */
long proc_rss_kib(const struct proc *p);
long proc_peak_kib(const struct proc *p);

/* A path in p->dir; the caller frees it with mem_free. */
char *proc_path(const struct proc *p, const char *name);

#endif
