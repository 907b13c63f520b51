/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doubly linked list, the link inside the element. A state is a place: elements of one state
 * stand in one list.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *prev, *next;
};

struct list {
    struct link head; /* head.next is the first, head.prev the last */
    size_t n;
};

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
    l->head.prev = l->head.next = &l->head;
    l->n = 0;
}

static inline bool list_empty(const struct list *l)
{
    return l->n == 0;
}

static inline void list_append(struct list *l, struct link *k)
{
    k->prev = l->head.prev;
    k->next = &l->head;
    l->head.prev->next = k;
    l->head.prev = k;
    l->n++;
}

static inline void list_remove(struct list *l, struct link *k)
{
    k->prev->next = k->next;
    k->next->prev = k->prev;
    k->prev = k->next = NULL;
    l->n--;
}

/* NULL when empty. */
static inline struct link *list_first(const struct list *l)
{
    return l->n ? l->head.next : NULL;
}

/* NULL behind the last. */
static inline struct link *list_next(const struct list *l, const struct link *k)
{
    return k->next == &l->head ? NULL : k->next;
}

static inline struct link *list_pop(struct list *l)
{
    struct link *k = list_first(l);

    if (k) {
        list_remove(l, k);
    }
    return k;
}

#endif
