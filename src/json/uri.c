/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolving URI references. See uri.h.
 */
#include "json/uri.h"

struct uri {
    struct str scheme, authority, path, query, fragment; /* p is NULL where there is none */
};

static struct str take_until(struct str *rest, const char *stops)
{
    size_t n = 0;
    struct str taken;

    while (n < rest->len && (rest->p[n] == '\0' || !strchr(stops, rest->p[n]))) {
        n++;
    }
    taken = str_make(rest->p, n);
    *rest = str_make(rest->p + n, rest->len - n);
    return taken;
}

static bool starts_with(struct str s, char c)
{
    return s.len > 0 && s.p[0] == c;
}

static struct str without(struct str s, size_t n)
{
    return str_make(s.p + n, s.len - n);
}

/* The regular expression of RFC 3986 appendix B, by hand. */
static struct uri parse(struct str text)
{
    struct uri u = { STR_NONE, STR_NONE, STR_NONE, STR_NONE, STR_NONE };
    struct str rest = text, scheme = take_until(&rest, ":/?#");

    if (scheme.len > 0 && starts_with(rest, ':')) {
        u.scheme = scheme;
        rest = without(rest, 1);
    } else {
        rest = text;
    }
    if (str_starts(rest, STR("//"))) {
        rest = without(rest, 2);
        u.authority = take_until(&rest, "/?#");
    }
    u.path = take_until(&rest, "?#");
    if (starts_with(rest, '?')) {
        rest = without(rest, 1);
        u.query = take_until(&rest, "#");
    }
    if (starts_with(rest, '#')) {
        u.fragment = without(rest, 1);
    }
    return u;
}

static bool is_segment(struct str segment, const char *name)
{
    return str_eqz(segment, name);
}

/* RFC 3986 section 5.2.4, for a path whose first `root` bytes stay. */
static void remove_dot_segments(struct buf *out, struct str path)
{
    size_t root = out->len;

    while (path.len > 0) {
        bool has_slash = starts_with(path, '/');
        struct str rest = without(path, has_slash ? 1 : 0);
        struct str segment = take_until(&rest, "/");
        bool is_last = rest.len == 0;

        if (is_segment(segment, ".") || is_segment(segment, "..")) {
            if (segment.len == 2) {
                while (out->len > root && out->data[--out->len] != '/') {
                }
            }
            if (is_last && has_slash) {
                buf_addc(out, '/');
            }
        } else {
            if (has_slash) {
                buf_addc(out, '/');
            }
            buf_add_str(out, segment);
        }
        path = rest;
    }
}

/* RFC 3986 section 5.2.3. */
static void merge_paths(struct buf *out, const struct uri *base, struct str path)
{
    size_t n = base->path.len;

    if (base->authority.p && n == 0) {
        buf_addc(out, '/');
    }
    while (n > 0 && base->path.p[n - 1] != '/') {
        n--;
    }
    buf_add(out, base->path.p, n);
    buf_add_str(out, path);
}

static void write_path(struct buf *out, const struct uri *base, const struct uri *ref)
{
    struct buf merged;

    if (ref->scheme.p || ref->authority.p || starts_with(ref->path, '/')) {
        remove_dot_segments(out, ref->path);
    } else if (ref->path.len == 0) {
        buf_add_str(out, base->path);
    } else {
        buf_init(&merged, base->path.len + ref->path.len + 1);
        merge_paths(&merged, base, ref->path);
        remove_dot_segments(out, buf_str(&merged));
        buf_fini(&merged);
    }
}

struct str uri_resolve(struct buf *out, struct str base_text, struct str reference)
{
    struct uri base = parse(base_text), ref = parse(reference);
    struct str scheme = ref.scheme.p ? ref.scheme : base.scheme;
    struct str authority = ref.scheme.p || ref.authority.p ? ref.authority : base.authority;
    bool is_same_path = !ref.scheme.p && !ref.authority.p && ref.path.len == 0;
    struct str query = is_same_path && !ref.query.p ? base.query : ref.query;

    if (scheme.p) {
        buf_add_str(out, scheme);
        buf_addc(out, ':');
    }
    if (authority.p) {
        buf_addz(out, "//");
        buf_add_str(out, authority);
    }
    write_path(out, &base, &ref);
    if (query.p) {
        buf_addc(out, '?');
        buf_add_str(out, query);
    }
    return ref.fragment;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void uri_decode(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        int high = -1, low = -1;

        if (text.p[i] == '%' && text.len - i > 2) {
            high = hex_value(text.p[i + 1]);
            low = hex_value(text.p[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            buf_addc(out, (char)(high << 4 | low));
            i += 2;
        } else {
            buf_addc(out, text.p[i]);
        }
    }
}
