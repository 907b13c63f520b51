/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fibers on ucontext, with what the sanitizers want to be told. See sim_fiber.h.
 */
#include "sim_fiber.h"

#include <assert.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/mem.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

#define STACK_BYTES (1024 * 1024) /* of which the kernel gives what is used */

struct fiber {
    ucontext_t inside, outside;
    void *stack;
    void (*run)(void *arg);
    void *arg;
    bool is_over;
    struct fiber *next; /* in `spare` */
    void *fake_inside, *fake_outside;
    const void *outside_stack;
    size_t outside_bytes;
    void *tsan_inside, *tsan_outside;
};

static struct fiber *current, *spare;

/* ---- what the sanitizers are told ---- */

static void leave(void **fake, const void *stack, size_t bytes, void *to)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(fake, stack, bytes);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(to, 0);
#endif
    (void)fake;
    (void)stack;
    (void)bytes;
    (void)to;
}

static void arrive(void *fake, const void **stack_out, size_t *bytes_out)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fake, stack_out, bytes_out);
#endif
    (void)fake;
    (void)stack_out;
    (void)bytes_out;
}

/* ---- switching ---- */

static void begin(void)
{
    struct fiber *f = current;

    arrive(NULL, &f->outside_stack, &f->outside_bytes);
    f->run(f->arg);
    f->is_over = true;
    leave(NULL, f->outside_stack, f->outside_bytes, f->tsan_outside);
    swapcontext(&f->inside, &f->outside);
}

void fiber_resume(struct fiber *f)
{
    assert(!current && !f->is_over);
    current = f;
#ifdef __SANITIZE_THREAD__
    f->tsan_outside = __tsan_get_current_fiber();
#endif
    leave(&f->fake_outside, f->stack, STACK_BYTES, f->tsan_inside);
    swapcontext(&f->outside, &f->inside);
    arrive(f->fake_outside, NULL, NULL);
    current = NULL;
}

void fiber_yield(void)
{
    struct fiber *f = current;

    assert(f);
    leave(&f->fake_inside, f->outside_stack, f->outside_bytes, f->tsan_outside);
    swapcontext(&f->inside, &f->outside);
    arrive(f->fake_inside, &f->outside_stack, &f->outside_bytes);
}

bool fiber_is_inside(void)
{
    return current;
}

bool fiber_is_over(const struct fiber *f)
{
    return f->is_over;
}

/* ---- life ---- */

/* Stacks are used again: making one takes longer than most fibers live. */
static struct fiber *take_spare(void)
{
    struct fiber *f = spare;

    if (f) {
        spare = f->next;
        return f;
    }
    f = mem_zalloc(sizeof(*f));
    f->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(f->stack != MAP_FAILED);
    return f;
}

static void prepare(struct fiber *f)
{
    getcontext(&f->inside);
    f->inside.uc_stack.ss_sp = f->stack;
    f->inside.uc_stack.ss_size = STACK_BYTES;
    f->inside.uc_link = NULL;
    makecontext(&f->inside, begin, 0);
}

struct fiber *fiber_new(void (*run)(void *arg), void *arg)
{
    struct fiber *f = take_spare();

    f->run = run;
    f->arg = arg;
    f->is_over = false;
    prepare(f);
#ifdef __SANITIZE_THREAD__
    f->tsan_inside = __tsan_create_fiber(0);
#endif
    return f;
}

void fiber_free(struct fiber *f)
{
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(f->tsan_inside);
#endif
    f->next = spare;
    spare = f;
}
