/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervision. See supervisor.h.
 *
 *   fork --> child runs --+-- exit 0, or told to stop ------------> end
 *     ^                   +-- EXIT_CONFIG ------------------------> end with that
 *     +--- at once -------+-- EXIT_AGAIN (there is room again)
 *     +--- at once -------+-- EXIT_LOCKED, after a child that had the store; else end
 *     +--- backing off ---+-- any other death
 *
 * The child dies with its parent (PR_SET_PDEATHSIG), so that a kill -9 of the server leaves no
 * process that holds port and store.
 */
#include "server/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

#define STABLE_MS 1000 /* a child that lived so long was not crash-looping */

#define FIRST_PAUSE_MS 100
#define MAX_PAUSE_MS 2000
#define HOST_POLL_MS 1000 /* between two looks whether a host that left has been gone for long */

/* Doubling, and without jitter: there is one server, and somebody waits for it. */
static uint32_t backoff_ms(uint32_t n)
{
    uint32_t ms = FIRST_PAUSE_MS;

    while (n-- > 1 && ms < MAX_PAUSE_MS) {
        ms *= 2;
    }
    return ms < MAX_PAUSE_MS ? ms : MAX_PAUSE_MS;
}

struct supervisor {
    process_fn *run;
    void *arg;
    struct keeper *stdio; /* NULL: without --stdio */
    sigset_t signals, old;
    struct crash_note *note, last;
    bool is_stopping; /* told to, or the host has left */
};

void supervisor_signals(sigset_t *signals_out)
{
    sigemptyset(signals_out);
    sigaddset(signals_out, SIGTERM);
    sigaddset(signals_out, SIGINT);
    sigaddset(signals_out, SIGCHLD);
}

/* 0: the time is over; -1: no limit. */
static int next_signal(struct supervisor *s, int64_t ms)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    int signal_number;

    if (s->stdio) {
        return keeper_wait(s->stdio, ms);
    }
    signal_number = ms < 0 ? sigwaitinfo(&s->signals, NULL) : sigtimedwait(&s->signals, NULL, &t);
    return signal_number > 0 ? signal_number : 0;
}

static pid_t start_child(struct supervisor *s)
{
    pid_t parent = getpid(), pid;
    struct err e;
    int status;

    if (s->stdio && keeper_begin(s->stdio, &e) != DMCP_OK) {
        log_error("%s", e.text);
        return -1;
    }
    pid = fork();
    if (pid < 0) {
        log_error("fork: %s", strerror(errno));
    }
    if (s->stdio) {
        keeper_forked(s->stdio, pid == 0);
    }
    if (pid != 0) {
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(EXIT_FAILED); /* the parent died before the line above */
    }
    sigprocmask(SIG_SETMASK, &s->old, NULL);
    /* What tools print is not to be lost with the process. A buffer of its own makes the stream begin
     * anew: glibc goes on with the old one, as it was, until that is full. */
    setvbuf(stdout, mem_alloc(BUFSIZ), _IOLBF, BUFSIZ);
    status = s->run(s->arg, &s->last, s->note);
    fflush(stdout);
    _exit(status);
}

/* Waits for the child's end and passes SIGTERM and SIGINT on. A child that does not end by itself
 * when the host has left is told to. */
static int wait_child(struct supervisor *s, pid_t pid)
{
    int status;

    for (;;) {
        int signal_number = next_signal(s, s->stdio ? HOST_POLL_MS : -1);
        bool is_over = s->stdio && keeper_is_over(s->stdio);

        if (signal_number == SIGTERM || signal_number == SIGINT || (is_over && !s->is_stopping)) {
            s->is_stopping = true;
            kill(pid, SIGTERM);
        }
        if (waitpid(pid, &status, WNOHANG) == pid) {
            return status;
        }
    }
}

static void pause_ms(struct supervisor *s, uint32_t ms)
{
    int signal_number;

    do {
        signal_number = next_signal(s, ms);
    } while (signal_number == SIGCHLD);
    s->is_stopping = signal_number == SIGTERM || signal_number == SIGINT;
}

static void log_death(int status, const struct crash_note *note)
{
    char call[ID_HEX_BYTES + 1] = "none";

    if (note->is_set == 1) {
        id_to_hex(note->call, call);
    }
    if (WIFSIGNALED(status)) {
        log_error("the server process died of signal %d (%s), handler's call=%s; starting it again",
                  WTERMSIG(status), strsignal(WTERMSIG(status)), call);
    } else {
        log_error("the server process ended with status %d, handler's call=%s; starting it again",
                  WEXITSTATUS(status), call);
    }
}

/* Somebody took the store between two lives of the server, an operator's program that looks into
 * it for instance, and will give it back. The child has waited for a while before it said so. */
static bool is_lock_passing(int status, bool is_first)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_LOCKED && !is_first;
}

static bool is_end(int status, bool is_stopping, int *exit_out)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_LOCKED) {
        *exit_out = EXIT_CONFIG;
        return true;
    }
    if (WIFEXITED(status) &&
        (WEXITSTATUS(status) == EXIT_ENDED || WEXITSTATUS(status) == EXIT_CONFIG)) {
        *exit_out = WEXITSTATUS(status);
        return true;
    }
    *exit_out = EXIT_FAILED;
    return is_stopping;
}

/* Starts it and waits for its end. False: it could not be started. */
static bool run_child(struct supervisor *s, int *status_out)
{
    pid_t pid = start_child(s);

    if (pid < 0) {
        return false;
    }
    *status_out = wait_child(s, pid);
    if (s->stdio) {
        keeper_ended(s->stdio);
        s->is_stopping = s->is_stopping || keeper_is_over(s->stdio);
    }
    return true;
}

static int run_children(struct supervisor *s)
{
    bool is_first = true;
    uint32_t n_crashes = 0;

    for (;;) {
        uint64_t started_ms = clock_mono_ms();
        int status, exit_status;

        if (!run_child(s, &status)) {
            return EXIT_FAILED;
        }
        if (is_lock_passing(status, is_first) && !s->is_stopping) {
            continue;
        }
        if (is_end(status, s->is_stopping, &exit_status)) {
            return exit_status;
        }
        is_first = false;
        s->last = *s->note;
        memset(s->note, 0, sizeof(*s->note));
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_AGAIN) {
            continue;
        }
        log_death(status, &s->last);
        n_crashes = clock_mono_ms() - started_ms > STABLE_MS ? 1 : n_crashes + 1;
        if (n_crashes > LIMIT_CRASHES) {
            pause_ms(s, backoff_ms(n_crashes - LIMIT_CRASHES));
            if (s->is_stopping) {
                return EXIT_FAILED;
            }
        }
    }
}

int supervise(process_fn *run, void *arg, struct keeper *stdio)
{
    struct supervisor s = { .run = run, .arg = arg, .stdio = stdio, .note = crash_note_new() };
    int status;

    if (!s.note) {
        log_error("shared memory: %s", strerror(errno));
        return EXIT_FAILED;
    }
    fflush(stdout); /* else each child would print once more what the program has printed */
    supervisor_signals(&s.signals);
    sigprocmask(SIG_BLOCK, &s.signals, &s.old);
    status = run_children(&s);
    if (stdio) {
        keeper_flush(stdio);
    }
    return status;
}
