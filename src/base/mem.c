/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: malloc behind an abort handler, and arenas. See mem.h.
 */
#include "base/mem.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

static mem_oom_fn oom_handler; /* set once at start-up */

static void out_of_memory(size_t size)
{
    if (oom_handler) {
        oom_handler(size);
    }
    fprintf(stderr, "out of memory: %zu bytes wanted\n", size);
    abort();
}

void mem_set_oom_handler(mem_oom_fn fn)
{
    oom_handler = fn;
}

/* For the tests of what follows. */
static bool is_to_fail(void)
{
    return FAULT_ERROR("mem.alloc") != 0;
}

void *mem_alloc(size_t size)
{
    void *p = is_to_fail() ? NULL : malloc(size ? size : 1);

    if (!p) {
        out_of_memory(size);
    }
    return p;
}

void *mem_zalloc(size_t size)
{
    return mem_zalloc_n(1, size ? size : 1);
}

void *mem_zalloc_n(size_t n, size_t size)
{
    void *p = is_to_fail() ? NULL : calloc(n ? n : 1, size ? size : 1);

    if (!p) {
        out_of_memory(size);
    }
    return p;
}

void *mem_realloc(void *p, size_t size)
{
    void *q = is_to_fail() ? NULL : realloc(p, size ? size : 1);

    if (!q) {
        out_of_memory(size);
    }
    return q;
}

void *mem_dup(const void *p, size_t size)
{
    char *q = mem_alloc(size + 1);

    if (size) {
        memcpy(q, p, size);
    }
    q[size] = '\0';
    return q;
}

char *mem_strdup(const char *s)
{
    return mem_dup(s, strlen(s));
}

void mem_free(void *p)
{
    free(p);
}

/* ---- arena ---- */

struct arena_block {
    struct arena_block *next; /* in one that is part of an object: itself */
    size_t used, size;
    _Alignas(max_align_t) unsigned char data[];
};

#define ARENA_BLOCK_BYTES 2000 /* with its header and malloc's, just under 2 KiB */
#define OBJECT_BYTES 1008      /* glibc keeps up to 1032 at hand */

void arena_init(struct arena *a)
{
    a->blocks = NULL;
}

void arena_fini(struct arena *a)
{
    struct arena_block *b = a->blocks;

    while (b && b->next != b) {
        struct arena_block *next = b->next;

        mem_free(b);
        b = next;
    }
    a->blocks = NULL;
}

size_t arena_bytes(const struct arena *a)
{
    size_t n = 0;

    for (const struct arena_block *b = a->blocks; b; b = b->next == b ? NULL : b->next) {
        n += sizeof(*b) + b->size;
    }
    return n;
}

void *arena_object(size_t size, size_t arena_offset)
{
    const size_t align = _Alignof(max_align_t), at = (size + align - 1) & ~(align - 1);
    char *object = mem_alloc(OBJECT_BYTES);
    struct arena *a = (struct arena *)(void *)(object + arena_offset);
    struct arena_block *b = (struct arena_block *)(void *)(object + at);

    assert(at + sizeof(*b) < OBJECT_BYTES);
    memset(object, 0, size);
    b->used = 0;
    b->size = OBJECT_BYTES - at - sizeof(*b);
    b->next = b;
    a->blocks = b;
    return object;
}

void *arena_alloc(struct arena *a, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    struct arena_block *b = a->blocks;
    size_t rounded = (size + align - 1) & ~(align - 1);
    void *p;

    assert(rounded >= size);
    if (!b || b->size - b->used < rounded) {
        size_t want = rounded > ARENA_BLOCK_BYTES ? rounded : ARENA_BLOCK_BYTES;

        b = mem_alloc(sizeof(*b) + want);
        b->used = 0;
        b->size = want;
        b->next = a->blocks;
        a->blocks = b;
    }
    p = b->data + b->used;
    b->used += rounded;
    return p;
}

void *arena_zalloc(struct arena *a, size_t size)
{
    return memset(arena_alloc(a, size), 0, size);
}

void *arena_dup(struct arena *a, const void *p, size_t size)
{
    char *q = arena_alloc(a, size + 1);

    if (size) {
        memcpy(q, p, size);
    }
    q[size] = '\0';
    return q;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;
    int n;
    char *s;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    assert(n >= 0);
    s = arena_alloc(a, (size_t)n + 1);
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    return s;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    char *s;

    va_start(ap, fmt);
    s = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}
