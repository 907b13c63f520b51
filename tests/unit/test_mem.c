/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arenas, and what happens without memory. That nothing leaks and nothing is written past its end
 * is for the sanitizers to see.
 */
#include "base/mem.h"
#include "harness.h"

#include <sys/wait.h>

struct parcel {
    char label[40];
    struct arena arena;
};

static struct parcel *parcel_new(void)
{
    return arena_object(sizeof(struct parcel), offsetof(struct parcel, arena));
}

static void parcel_free(struct parcel *p)
{
    arena_fini(&p->arena);
    mem_free(p);
}

TEST(arena, what_it_hands_out_is_aligned_for_any_type_and_does_not_overlap)
{
    struct arena a;
    unsigned char *all[200];

    arena_init(&a);
    for (size_t i = 0; i < 200; i++) {
        all[i] = arena_alloc(&a, i);
        assert_int_equal((uintptr_t)all[i] % _Alignof(max_align_t), 0);
        memset(all[i], (int)i, i);
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_int_equal(all[i][k], (unsigned char)i);
        }
    }
    arena_fini(&a);
}

TEST(arena, an_object_begins_zeroed_whatever_its_memory_held_before)
{
    struct parcel *p = parcel_new();

    memset(p->label, 'x', sizeof(p->label));
    parcel_free(p);
    p = parcel_new();
    for (size_t i = 0; i < sizeof(p->label); i++) {
        assert_int_equal(p->label[i], 0);
    }
    parcel_free(p);
}

TEST(arena, small_things_lie_in_the_object_itself)
{
    struct parcel *p = parcel_new();
    char *text = arena_dup(&p->arena, "abc", 3);

    assert_true(text > (char *)p && text < (char *)p + 1024);
    assert_string_equal(text, "abc");
    parcel_free(p);
}

TEST(arena, an_object_holds_more_than_fits_into_its_own_memory)
{
    struct parcel *p = parcel_new();
    char *texts[100];
    char *big = arena_zalloc(&p->arena, 100000);

    for (int i = 0; i < 100; i++) {
        texts[i] = arena_printf(&p->arena, "this is the text number %d", i);
    }
    memset(big, 'b', 100000);
    for (int i = 0; i < 100; i++) {
        char expected[64];

        snprintf(expected, sizeof(expected), "this is the text number %d", i);
        assert_string_equal(texts[i], expected);
    }
    parcel_free(p);
}

/* ---- when there is none ---- */

__attribute__((noreturn)) static void end_with_seven(size_t size)
{
    _exit(size == SIZE_MAX / 2 ? 7 : 1);
}

TEST(mem, the_handler_is_told_what_could_not_be_had_and_ends_the_process)
{
    volatile size_t too_much = SIZE_MAX / 2;
    int status;
    pid_t pid;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    test_skip("a build without sanitizers");
#endif
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        mem_set_oom_handler(end_with_seven);
        mem_free(mem_alloc(too_much));
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

RUN_TESTS()
