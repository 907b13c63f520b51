/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replacing. See expand.h.
 */
#include "expand.h"

#include "harness.h"

static bool expand_name(const char **at, const struct expand_name *names, struct buf *out)
{
    for (const struct expand_name *n = names; n->name; n++) {
        if (strncmp(*at, n->name, strlen(n->name)) == 0) {
            buf_addz(out, n->value);
            *at += strlen(n->name);
            return true;
        }
    }
    return false;
}

static bool expand_repeat(const char **at, struct buf *out)
{
    const char *text = *at + 2, *star, *end;
    char *number_end;
    unsigned long n;

    if (strncmp(*at, "${", 2) != 0) {
        return false;
    }
    end = strchr(text, '}');
    if (end && end[1] == '*') { /* the text itself ends in a brace */
        end = strchr(end + 1, '}');
    }
    star = end ? memrchr(text, '*', (size_t)(end - text)) : NULL;
    assert_non_null(star);
    n = strtoul(star + 1, &number_end, 10);
    assert_ptr_equal(number_end, end);
    while (n-- > 0) {
        buf_add(out, text, (size_t)(star - text));
    }
    *at = end + 1;
    return true;
}

void expand_text(const char *text, const struct expand_name *names, struct buf *out)
{
    buf_reset(out);
    while (*text) {
        if (!expand_name(&text, names, out) && !expand_repeat(&text, out)) {
            buf_addc(out, *text++);
        }
    }
}

static char escaped(struct str text, size_t *at)
{
    static const char names[] = "rnt0\\", values[] = "\r\n\t\0\\";
    const char *name;
    unsigned value;

    (*at)++;
    assert_true(*at < text.len);
    name = memchr(names, text.p[*at], sizeof(names) - 1);
    if (name) {
        return values[name - names];
    }
    assert_int_equal(text.p[*at], 'x');
    assert_int_equal(sscanf(text.p + *at + 1, "%2x", &value), 1);
    *at += 2;
    return (char)value;
}

void expand_escapes(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        buf_addc(out, text.p[i] == '\\' ? escaped(text, &i) : text.p[i]);
    }
}
