/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Icons. See icons.h.
 */
#include "call/icons.h"

#include "json/writer.h"

/* Clients refuse anything else: a source is fetched, or is the picture itself. */
static bool is_good_source(struct str src)
{
    return str_starts(src, STR("https:")) || str_starts(src, STR("http:")) ||
           str_starts(src, STR("data:"));
}

/* The next of *sizes, which blanks separate; false at the end. */
static bool next_size(struct str *sizes, struct str *size_out)
{
    size_t n = 0;

    *sizes = str_trim(*sizes);
    while (n < sizes->len && sizes->p[n] != ' ') {
        n++;
    }
    *size_out = str_make(sizes->p, n);
    *sizes = str_make(sizes->p + n, sizes->len - n);
    return n > 0;
}

/* "48x48", or "any". */
static bool is_good_size(struct str size)
{
    const char *x = memchr(size.p, 'x', size.len);
    size_t n = x ? (size_t)(x - size.p) : 0;
    uint64_t ignored;

    return str_eqz(size, "any") ||
           (x && str_to_u64(str_make(size.p, n), UINT32_MAX, &ignored) == DMCP_OK &&
            str_to_u64(str_make(x + 1, size.len - n - 1), UINT32_MAX, &ignored) == DMCP_OK);
}

static int check_icon(const dmcp_icon *icon, struct err *e)
{
    struct str sizes = icon->sizes ? str_of(icon->sizes) : STR(""), size;

    if (!is_good_source(str_of(icon->src))) {
        return err_set(e, DMCP_E_INVALID, "src must be an http:, https: or data: URI");
    }
    while (next_size(&sizes, &size)) {
        if (!is_good_size(size)) {
            return err_set(e, DMCP_E_INVALID, "sizes: \"%.*s\" is neither like 48x48 nor any",
                           STR_FMT(size));
        }
    }
    if (icon->theme && strcmp(icon->theme, "light") != 0 && strcmp(icon->theme, "dark") != 0) {
        return err_set(e, DMCP_E_INVALID, "theme must be light or dark");
    }
    return DMCP_OK;
}

int icons_check(const dmcp_icon *icons, struct err *e)
{
    for (size_t i = 0; icons && icons[i].src; i++) {
        if (check_icon(&icons[i], e) != DMCP_OK) {
            return err_wrap(e, DMCP_E_INVALID, "icon %zu", i + 1);
        }
    }
    return DMCP_OK;
}

static void write_icon(struct json_writer *w, const dmcp_icon *icon)
{
    struct str sizes = icon->sizes ? str_of(icon->sizes) : STR(""), size;

    jw_object(w);
    jw_key(w, "src");
    jw_strz(w, icon->src);
    if (icon->mime) {
        jw_key(w, "mimeType");
        jw_strz(w, icon->mime);
    }
    if (icon->sizes) {
        jw_key(w, "sizes");
        jw_array(w);
        while (next_size(&sizes, &size)) {
            jw_str(w, size);
        }
        jw_array_end(w);
    }
    if (icon->theme) {
        jw_key(w, "theme");
        jw_strz(w, icon->theme);
    }
    jw_object_end(w);
}

void icons_write(struct json_writer *w, const dmcp_icon *icons)
{
    jw_array(w);
    for (; icons->src; icons++) {
        write_icon(w, icons);
    }
    jw_array_end(w);
}
