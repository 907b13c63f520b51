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
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

#define STABLE_MS 1000 /* a child that lived so long was not crash-looping */

#define FIRST_PAUSE_MS 100
#define MAX_PAUSE_MS 2000

/* Doubling, and without jitter: there is one server, and somebody waits for it. */
static uint32_t backoff_ms(uint32_t n)
{
    uint32_t ms = FIRST_PAUSE_MS;

    while (n-- > 1 && ms < MAX_PAUSE_MS) {
        ms *= 2;
    }
    return ms < MAX_PAUSE_MS ? ms : MAX_PAUSE_MS;
}

static pid_t start_child(process_fn *run, void *arg, const struct crash_note *crash,
                         struct crash_note *note, const sigset_t *mask)
{
    pid_t parent = getpid(), pid = fork();

    if (pid != 0) {
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(EXIT_FAILED); /* the parent died before the line above */
    }
    sigprocmask(SIG_SETMASK, mask, NULL);
    _exit(run(arg, crash, note));
}

/* Waits for the child's end and passes SIGTERM and SIGINT on. */
static int wait_child(pid_t pid, const sigset_t *signals, bool *is_stopping)
{
    int status;

    for (;;) {
        siginfo_t info;
        int signal_number = sigwaitinfo(signals, &info);

        if (signal_number == SIGTERM || signal_number == SIGINT) {
            *is_stopping = true;
            kill(pid, SIGTERM);
        }
        if (waitpid(pid, &status, WNOHANG) == pid) {
            return status;
        }
    }
}

static void pause_ms(uint32_t ms, const sigset_t *signals, bool *is_stopping)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    int signal_number;

    do {
        signal_number = sigtimedwait(signals, NULL, &t);
    } while (signal_number == SIGCHLD);
    *is_stopping = signal_number == SIGTERM || signal_number == SIGINT;
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

int supervise(process_fn *run, void *arg)
{
    struct crash_note *note = crash_note_new(), last = { 0 };
    sigset_t signals, old;
    bool is_stopping = false, is_first = true;
    uint32_t n_crashes = 0;

    if (!note) {
        log_error("shared memory: %s", strerror(errno));
        return EXIT_FAILED;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, &old);
    for (;;) {
        uint64_t started_ms = clock_mono_ms();
        pid_t pid = start_child(run, arg, &last, note, &old);
        int status, exit_status;

        if (pid < 0) {
            log_error("fork: %s", strerror(errno));
            return EXIT_FAILED;
        }
        status = wait_child(pid, &signals, &is_stopping);
        if (is_lock_passing(status, is_first) && !is_stopping) {
            continue;
        }
        if (is_end(status, is_stopping, &exit_status)) {
            return exit_status;
        }
        is_first = false;
        last = *note;
        memset(note, 0, sizeof(*note));
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_AGAIN) {
            continue;
        }
        log_death(status, &last);
        n_crashes = clock_mono_ms() - started_ms > STABLE_MS ? 1 : n_crashes + 1;
        if (n_crashes > LIMIT_CRASHES) {
            pause_ms(backoff_ms(n_crashes - LIMIT_CRASHES), &signals, &is_stopping);
            if (is_stopping) {
                return EXIT_FAILED;
            }
        }
    }
}
