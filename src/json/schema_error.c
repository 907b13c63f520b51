/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words for a value that does not fit. See schema_impl.h.
 */
#include <stdio.h>

#include "base/utf8.h"
#include "json/schema_impl.h"

/* ---- Where ---- */

/* One segment, in front of *start; false when there is no room. As in a JSON Pointer, but for
 * control characters, which no path needs to show. */
static bool prepend_key(char *text, size_t *start, struct str key)
{
    for (size_t i = key.len; i > 0; i--) {
        char c = key.p[i - 1];
        const char *as = c == '~' ? "~0" : c == '/' ? "~1" : NULL;
        size_t n = as ? 2 : 1;

        if (*start < n) {
            return false;
        }
        *start -= n;
        if (as) {
            memcpy(text + *start, as, n);
        } else {
            text[*start] = (unsigned char)c < 0x20 || c == 0x7f ? '?' : c;
        }
    }
    return true;
}

/* From the inside out, so that a path that is too long loses its beginning. */
static void write_path(const struct path *path, struct schema_error *error)
{
    char text[sizeof(error->path)], number[24];
    size_t start = sizeof(text) - 1;
    bool fits = true;

    text[start] = '\0';
    for (; path && fits; path = path->up) {
        struct str key = path->key;

        if (!key.p) {
            key = str_make(number, (size_t)snprintf(number, sizeof(number), "%zu", path->index));
        }
        fits = prepend_key(text, &start, key) && (!path->up || start > 0);
        if (fits && path->up) {
            text[--start] = '/';
        }
    }
    if (!fits) {
        start = sizeof("...") - 1;
        while (((unsigned char)text[start] & 0xC0) == 0x80) { /* begin with a whole character */
            start++;
        }
    }
    snprintf(error->path, sizeof(error->path), "%s%s", fits ? "" : "...", text + start);
}

static void begin_finding(struct check *c, enum finding_weight weight)
{
    struct finding *f = &c->finding;

    f->is_set = true;
    f->weight = weight;
    f->depth = c->path ? c->path->depth : 0;
    f->expected[0] = '\0';
    f->got[0] = '\0';
    write_path(c->path, &f->error);
}

/* ---- What ---- */

/* Cuts what vsnprintf may have cut inside a character. */
static void end_whole(char *text)
{
    size_t n = strlen(text), back = 0;
    uint32_t cp;

    while (back < 3 && back < n && ((unsigned char)text[n - 1 - back] & 0xC0) == 0x80) {
        back++;
    }
    if (back < n) {
        const char *last = text + n - 1 - back;

        utf8_decode(str_make(last, back + 1), &cp);
        if (cp == UTF8_INVALID) {
            text[n - 1 - back] = '\0';
        }
    }
}

int schema_fail(struct check *c, const char *fmt, ...)
{
    struct schema_error *error = &c->finding.error;
    va_list ap;

    if (c->is_explaining) {
        begin_finding(c, FINDING_OTHER);
        va_start(ap, fmt);
        vsnprintf(error->text, sizeof(error->text), fmt, ap);
        va_end(ap);
        end_whole(error->text);
    }
    return SCHEMA_MISMATCH;
}

static void write_expected(struct finding *f)
{
    snprintf(f->error.text, sizeof(f->error.text), "expected %s, got %s", f->expected, f->got);
    end_whole(f->error.text);
}

int schema_fail_expected(struct check *c, enum finding_weight weight, const yyjson_val *got,
                         const char *fmt, ...)
{
    struct finding *f = &c->finding;
    va_list ap;

    if (c->is_explaining) {
        begin_finding(c, weight);
        va_start(ap, fmt);
        vsnprintf(f->expected, sizeof(f->expected), fmt, ap);
        va_end(ap);
        end_whole(f->expected);
        json_describe(got, f->got, sizeof(f->got));
        write_expected(f);
    }
    return SCHEMA_MISMATCH;
}

/* ---- Which ---- */

/* Where the type is wrong at once, or a member that tells the alternatives apart, another
 * alternative was meant; else the one that fits furthest down was. */
static unsigned rank(const struct finding *f, unsigned depth)
{
    if (f->weight == FINDING_TYPE && f->depth == depth) {
        return 0;
    }
    if (f->weight == FINDING_CONSTANT && f->depth <= depth + 1) {
        return 1;
    }
    return 2 + f->depth;
}

static bool can_join(const struct finding *a, const struct finding *b)
{
    return a->weight != FINDING_OTHER && b->weight != FINDING_OTHER && a->expected[0] &&
           b->expected[0] && strcmp(a->error.path, b->error.path) == 0;
}

static void join(struct finding *into, const struct finding *from)
{
    size_t n = strlen(into->expected), n_more = strlen(from->expected);

    if (strstr(into->expected, from->expected) || n + n_more + 5 > sizeof(into->expected)) {
        return;
    }
    memcpy(into->expected + n, " or ", 4);
    memcpy(into->expected + n + 4, from->expected, n_more + 1);
    write_expected(into);
}

void schema_choose_finding(struct finding *best, const struct finding *other, unsigned depth)
{
    if (!best->is_set) {
        *best = *other;
    } else if (can_join(best, other)) {
        join(best, other);
        if (other->weight > best->weight) {
            best->weight = other->weight;
        }
    } else if (rank(other, depth) > rank(best, depth)) {
        *best = *other;
    }
}

/* ---- For the user ---- */

void schema_error_write(struct buf *b, const char *root, const struct schema_error *error)
{
    buf_addz(b, root);
    if (root[0] && error->path[0]) {
        buf_addc(b, '/');
    }
    buf_addz(b, error->path);
    if (root[0] || error->path[0]) {
        buf_addz(b, ": ");
    }
    buf_addz(b, error->text);
}
