/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables for people: columns as wide as their widest cell. See cli.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define GAP 2 /* blanks between columns */

/* ---- clean text ---- */

/* The bytes of the character at p, 0 when it is not to be sent to a terminal: a control character
 * (also those of U+0080 to U+009F), or no UTF-8. */
static size_t printable(const unsigned char *p, size_t size)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;

    if (n == 0 || n > size || p[0] > 0xf4 || p[0] < 0x20 || p[0] == 0x7f ||
        (p[0] == 0xc2 && p[1] < 0xa0)) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

static void *must(void *p)
{
    if (!p) {
        fputs("dmcp: out of memory\n", stderr);
        abort();
    }
    return p;
}

char *cli_clean(const char *text, size_t size)
{
    const unsigned char *p = (const unsigned char *)text;
    char *clean = must(malloc(4 * size + 1)), *to = clean; /* \xNN for a byte */

    for (size_t at = 0; at < size;) {
        size_t n = printable(p + at, size - at);

        if (n) {
            memcpy(to, p + at, n);
            to += n;
            at += n;
        } else {
            to += snprintf(to, 5, "\\x%02x", p[at++]);
        }
    }
    *to = '\0';
    return clean;
}

/* ---- cells ---- */

static void add(struct table *t, char *cell)
{
    if (t->n_cells == t->room) {
        t->room = t->room ? 2 * t->room : 64;
        t->cells = must(realloc(t->cells, t->room * sizeof(*t->cells)));
    }
    t->cells[t->n_cells++] = cell;
}

void table_add_text(struct table *t, const char *text, size_t size)
{
    add(t, cli_clean(text, size));
}

void table_add(struct table *t, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    table_add_text(t, must(n < 0 ? NULL : text), (size_t)n);
    free(text);
}

void table_begin(struct table *t, const char *heads)
{
    *t = (struct table){ 0 };
    for (const char *head = heads;; head++) {
        size_t n = strcspn(head, "|");

        table_add_text(t, head, n);
        t->n_columns++;
        head += n;
        if (!*head) {
            return;
        }
    }
}

/* ---- printing ---- */

/* Characters; those that are two columns wide are counted as one. */
static size_t width(const char *cell)
{
    size_t n = 0;

    for (; *cell; cell++) {
        n += ((unsigned char)*cell & 0xc0) != 0x80;
    }
    return n;
}

static size_t column_width(const struct table *t, size_t column)
{
    size_t widest = 0;

    for (size_t i = column; i < t->n_cells; i += t->n_columns) {
        size_t w = width(t->cells[i]);

        widest = w > widest ? w : widest;
    }
    return widest;
}

/* Whether nothing stands behind this cell in its row. */
static bool is_row_over(const struct table *t, size_t i)
{
    for (i++; i % t->n_columns; i++) {
        if (t->cells[i][0]) {
            return false;
        }
    }
    return true;
}

void table_print(struct table *t)
{
    size_t *widths = must(calloc(t->n_columns, sizeof(*widths)));

    for (size_t i = 0; i < t->n_columns; i++) {
        widths[i] = column_width(t, i);
    }
    for (size_t i = 0; i < t->n_cells; i++) {
        size_t column = i % t->n_columns;

        fputs(t->cells[i], stdout);
        if (!is_row_over(t, i)) {
            printf("%*s", (int)(widths[column] - width(t->cells[i]) + GAP), "");
        }
        if (column + 1 == t->n_columns) {
            putchar('\n');
        }
    }
    for (size_t i = 0; i < t->n_cells; i++) {
        free(t->cells[i]);
    }
    free(widths);
    free(t->cells);
    *t = (struct table){ 0 };
}
