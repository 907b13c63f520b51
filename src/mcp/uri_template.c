/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URI templates. See uri_template.h. Matching is by backtracking over the end of each variable,
 * with the number of variables bounded, so its work is bounded too.
 */
#include "mcp/uri_template.h"

#include "base/limits.h"
#include "json/writer.h"

#define MAX_VARIABLES 8

struct binding {
    struct str name, value;
};

struct match {
    struct binding bound[MAX_VARIABLES];
    size_t n;
    size_t steps; /* left before the match is given up */
};

bool uri_template_is(struct str text)
{
    return text.len > 0 && memchr(text.p, '{', text.len);
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '.')) {
            return false;
        }
    }
    return name.len > 0;
}

/* The expression at the start of the text, without its braces; false when there is none. */
static bool take_expression(struct str *text, struct str *expression_out)
{
    const char *end = text->len > 0 ? memchr(text->p, '}', text->len) : NULL;
    size_t n;

    if (!end || text->p[0] != '{') {
        return false;
    }
    n = (size_t)(end - text->p);
    *expression_out = str_make(text->p + 1, n - 1);
    *text = str_make(end + 1, text->len - n - 1);
    return true;
}

struct names {
    struct str all[MAX_VARIABLES];
    size_t n;
};

static int check_name(struct names *seen, struct str name, struct err *e)
{
    if (!is_name(name)) {
        return err_set(e, DMCP_E_INVALID, "\"%.*s\" is no name of a variable", STR_FMT(name));
    }
    for (size_t i = 0; i < seen->n; i++) {
        if (str_eq(seen->all[i], name)) {
            return err_set(e, DMCP_E_INVALID, "the variable %.*s stands there twice",
                           STR_FMT(name));
        }
    }
    if (seen->n == MAX_VARIABLES) {
        return err_set(e, DMCP_E_INVALID, "more than %d variables", MAX_VARIABLES);
    }
    seen->all[seen->n++] = name;
    return DMCP_OK;
}

static int check_expression(struct names *seen, struct str expression, struct str rest,
                            struct err *e)
{
    struct str names = expression, name;
    bool is_query = expression.len > 0 && expression.p[0] == '?';
    bool is_list = expression.len > 0 && memchr(expression.p, ',', expression.len);
    int rc;

    if (expression.len > 0 && (is_query || expression.p[0] == '+')) {
        names = str_make(expression.p + 1, expression.len - 1);
    }
    if ((is_list && !is_query) || (is_query && rest.len > 0) ||
        (names.len > 0 && memchr(names.p, ' ', names.len))) {
        return err_set(e, DMCP_E_INVALID,
                       "{%.*s}: only {name}, {+name}, and {?a,b} at the end are understood",
                       STR_FMT(expression));
    }
    while (str_next_element(&names, &name)) {
        rc = check_name(seen, name, e);
        if (rc != DMCP_OK) {
            return err_wrap(e, rc, "{%.*s}", STR_FMT(expression));
        }
    }
    return DMCP_OK;
}

int uri_template_check(struct str text, struct err *e)
{
    struct str rest = text, expression;
    struct names seen = { .n = 0 };
    int rc;

    while (rest.len > 0) {
        if (rest.p[0] == '}') {
            return err_set(e, DMCP_E_INVALID, "a } without its {");
        }
        if (rest.p[0] != '{') {
            rest = str_make(rest.p + 1, rest.len - 1);
            continue;
        }
        if (!take_expression(&rest, &expression)) {
            return err_set(e, DMCP_E_INVALID, "a { without its }");
        }
        rc = check_expression(&seen, expression, rest, e);
        if (rc != DMCP_OK) {
            return rc;
        }
        if (rest.len > 0 && rest.p[0] == '{' && (rest.len < 2 || rest.p[1] != '?')) {
            return err_set(e, DMCP_E_INVALID, "two variables with nothing between them");
        }
    }
    return DMCP_OK;
}

/* ---- matching ---- */

/* The first value of a name counts. */
static void bind(struct match *m, struct str name, struct str value)
{
    for (size_t i = 0; i < m->n; i++) {
        if (str_eq(m->bound[i].name, name)) {
            return;
        }
    }
    if (m->n < COUNT_OF(m->bound)) {
        m->bound[m->n++] = (struct binding){ name, value };
    }
}

static bool is_asked_for(struct str names, struct str name)
{
    struct str element;

    while (str_next_element(&names, &element)) {
        if (str_eq(element, name)) {
            return true;
        }
    }
    return false;
}

/* "?a=1&b=2", or nothing. Parameters that the template does not name are none of its URIs'. */
static bool match_query(struct match *m, struct str names, struct str uri)
{
    if (uri.len == 0) {
        return true;
    }
    if (uri.p[0] != '?') {
        return false;
    }
    uri = str_make(uri.p + 1, uri.len - 1);
    while (uri.len > 0) {
        const char *amp = memchr(uri.p, '&', uri.len);
        struct str pair = str_make(uri.p, amp ? (size_t)(amp - uri.p) : uri.len);
        const char *equals = pair.len ? memchr(pair.p, '=', pair.len) : NULL;
        struct str name = str_make(pair.p, equals ? (size_t)(equals - pair.p) : pair.len);

        if (!is_asked_for(names, name)) {
            return false;
        }
        bind(m, name, equals ? str_make(equals + 1, pair.len - name.len - 1) : STR(""));
        uri = amp ? str_make(amp + 1, uri.len - pair.len - 1) : STR("");
    }
    return true;
}

static bool ends_variable(char c, bool is_reserved)
{
    return c == '?' || c == '#' || (c == '/' && !is_reserved);
}

static bool match_rest(struct match *m, struct str text, struct str uri);

static bool match_variable(struct match *m, struct str expression, struct str text, struct str uri)
{
    bool is_reserved = expression.p[0] == '+';
    struct str name = is_reserved ? str_make(expression.p + 1, expression.len - 1) : expression;
    size_t n_before = m->n;

    for (size_t n = 1; n <= uri.len && !ends_variable(uri.p[n - 1], is_reserved); n++) {
        bind(m, name, str_make(uri.p, n));
        if (match_rest(m, text, str_make(uri.p + n, uri.len - n))) {
            return true;
        }
        m->n = n_before;
    }
    return false;
}

static bool match_rest(struct match *m, struct str text, struct str uri)
{
    struct str expression;

    if (m->steps == 0) {
        return false;
    }
    m->steps--;
    while (text.len > 0 && text.p[0] != '{') {
        if (uri.len == 0 || uri.p[0] != text.p[0]) {
            return false;
        }
        text = str_make(text.p + 1, text.len - 1);
        uri = str_make(uri.p + 1, uri.len - 1);
    }
    if (text.len == 0) {
        return uri.len == 0;
    }
    if (!take_expression(&text, &expression)) {
        return false;
    }
    if (expression.p[0] == '?') {
        return match_query(m, str_make(expression.p + 1, expression.len - 1), uri);
    }
    return match_variable(m, expression, text, uri);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* RFC 3986 section 2.1. A % that begins no pair of digits stands for itself. */
static void decode(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        int hi = s.p[i] == '%' && s.len - i > 2 ? hex_digit(s.p[i + 1]) : -1;
        int lo = hi >= 0 ? hex_digit(s.p[i + 2]) : -1;

        if (lo >= 0) {
            buf_addc(out, (char)(hi << 4 | lo));
            i += 2;
        } else {
            buf_addc(out, s.p[i]);
        }
    }
}

bool uri_template_match(struct str text, struct str uri, struct json_writer *w)
{
    struct match m = { .steps = 100 * KIB };
    struct buf value;

    if (!match_rest(&m, text, uri)) {
        return false;
    }
    for (size_t i = 0; i < m.n; i++) {
        buf_init(&value, SIZE_MAX / 2);
        decode(m.bound[i].value, &value);
        jw_key_str(w, m.bound[i].name);
        jw_str(w, buf_str(&value));
        buf_fini(&value);
    }
    return true;
}
