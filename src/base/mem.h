/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: the only place that talks to malloc, and the arena of a message.
 *
 * Running out of memory aborts through one settable handler (a crash is the failure that this
 * project tests most; sizes that a peer chooses are refused by limits.h before they get here).
 * So no caller checks these results.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "dmcp_error.h"

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

void *mem_alloc(size_t size);           /* uninitialised */
void *mem_zalloc(size_t size);          /* zeroed */
void *mem_zalloc_n(size_t n, size_t size); /* zeroed array; aborts when n * size overflows */
void *mem_realloc(void *p, size_t size);
void *mem_dup(const void *p, size_t size); /* copy of size bytes, plus a NUL behind them */
char *mem_strdup(const char *s);
void mem_free(void *p);

/* Called once with the size that could not be had; must not return. NULL restores the default,
 * which writes one line to stderr and aborts. */
typedef void (*mem_oom_fn)(size_t size);
void mem_set_oom_handler(mem_oom_fn fn);

/* An arena hands out memory that is freed all at once. Not thread-safe. */
struct arena_block;
struct arena {
    struct arena_block *blocks;
};

void arena_init(struct arena *a);

/* A zeroed object that has an arena at this offset, with the arena's first block in the same piece
 * of memory: for commands, actions and the like, which one thread makes and another frees. All
 * such pieces have one size, small enough for malloc to keep freed ones at hand for each thread,
 * so that threads seldom meet at its locks. Free it with arena_fini and mem_free. */
void *arena_object(size_t size, size_t arena_offset);
void arena_fini(struct arena *a);
size_t arena_bytes(const struct arena *a); /* that it holds; takes a look at each block */
void *arena_alloc(struct arena *a, size_t size); /* aligned for any type, uninitialised */
void *arena_zalloc(struct arena *a, size_t size);
void *arena_dup(struct arena *a, const void *p, size_t size); /* with a NUL behind it */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF(2, 0);

#endif
