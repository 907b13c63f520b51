/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noting crashes. See crash.h. The handler does only what a signal handler may: it reads a
 * thread-local id and writes shared memory; then the signal takes its course, by the action that
 * was there before (a sanitizer's report, or the end of the process).
 */
#include "server/crash.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "call/call.h"

#define STACK_BYTES (64 * KIB)

static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

static struct crash_note *note; /* set once, before any handler runs */
static struct sigaction before[COUNT_OF(fatal)];

struct crash_note *crash_note_new(void)
{
    void *p = mmap(NULL, sizeof(struct crash_note), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static void write_note(int signal_number)
{
    struct id call;
    int unset = 0;

    if (note && call_current(&call) && atomic_compare_exchange_strong(&note->is_set, &unset, -1)) {
        note->signal = signal_number;
        note->call = call;
        atomic_store(&note->is_set, 1);
    }
}

static void on_fatal(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    write_note(signal_number);
    for (size_t i = 0; i < COUNT_OF(fatal); i++) {
        if (fatal[i] == signal_number) {
            sigaction(signal_number, &before[i], NULL);
        }
    }
    /* A fault happens again on return; what was sent by kill or raise must be sent again. */
    if (info->si_code <= 0) {
        raise(signal_number);
    }
}

static void on_exit_call(void)
{
    struct id call;

    if (call_current(&call)) { /* in a handler's thread: its tool called exit */
        write_note(0);
        _exit(EXIT_FAILURE);
    }
}

void crash_watch(struct crash_note *shared)
{
    struct sigaction action = { .sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK };

    note = shared;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < COUNT_OF(fatal); i++) {
        sigaction(fatal[i], &action, &before[i]);
    }
    atexit(on_exit_call);
}

void crash_stack_init(struct crash_stack *s)
{
    stack_t stack = { .ss_size = STACK_BYTES };
    void *p = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    s->memory = p == MAP_FAILED ? NULL : p;
    if (s->memory) {
        stack.ss_sp = s->memory;
        sigaltstack(&stack, NULL);
    }
}

void crash_stack_fini(struct crash_stack *s)
{
    const stack_t none = { .ss_flags = SS_DISABLE };

    if (s->memory) {
        sigaltstack(&none, NULL);
        munmap(s->memory, STACK_BYTES);
    }
}
