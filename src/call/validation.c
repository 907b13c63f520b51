/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all calls share when they are validated. See validation.h.
 */
#include "call/validation.h"

#include <pthread.h>

#include "base/hmap.h"
#include "base/mem.h"

#define AGAIN_MS 300000u
#define PLACES_MAX 1024 /* aliases may have an index in them; then all are forgotten */

struct validation {
    enum validation_mode mode;
    pthread_mutex_t lock;
    struct hmap logged; /* place -> uint64_t, when it was */
};

struct validation *validation_new(enum validation_mode mode)
{
    struct validation *v;

    if (mode == VALIDATE_OFF) {
        return NULL;
    }
    v = mem_zalloc(sizeof(*v));
    v->mode = mode;
    pthread_mutex_init(&v->lock, NULL);
    hmap_init(&v->logged);
    return v;
}

static void forget(struct validation *v)
{
    struct hmap_entry *cursor = NULL;
    void *at;

    while ((at = hmap_next(&v->logged, &cursor, NULL))) {
        mem_free(at);
    }
    hmap_clear(&v->logged);
}

void validation_free(struct validation *v)
{
    if (v) {
        forget(v);
        hmap_fini(&v->logged);
        pthread_mutex_destroy(&v->lock);
        mem_free(v);
    }
}

bool validation_is_fatal(const struct validation *v)
{
    return v->mode == VALIDATE_ON;
}

bool validation_may_log(struct validation *v, const char *place, uint64_t now_ms)
{
    uint64_t *at;
    bool may;

    pthread_mutex_lock(&v->lock);
    at = hmap_get(&v->logged, str_of(place));
    may = !at || now_ms - *at >= AGAIN_MS;
    if (!at) {
        if (v->logged.n >= PLACES_MAX) {
            forget(v);
        }
        at = mem_alloc(sizeof(*at));
        hmap_put(&v->logged, str_of(place), at);
    }
    if (may) {
        *at = now_ms;
    }
    pthread_mutex_unlock(&v->lock);
    return may;
}
