/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dmcp_pack: a value from a format and its arguments. The format is the author's, so a bad one
 * ends the process, with a line that says what is wrong; raw JSON text may come from elsewhere
 * and gets an error.
 */
#include <stdlib.h>

#include "base/log.h"
#include "call/internal.h"

struct packer {
    dmcp_call *call;
    const char *fmt, *at;
    va_list args;
    unsigned depth; /* of the containers that are open */
    int rc;         /* sticky; values after the first error are nulls */
};

__attribute__((noreturn)) static void bad_format(const struct packer *p, const char *what)
{
    log_error("dmcp_pack: %s at \"%s\" in the format \"%s\"", what, p->at, p->fmt);
    abort();
}

static char next_char(struct packer *p)
{
    while (*p->at && strchr(" \t\n,", *p->at)) {
        p->at++;
    }
    return *p->at;
}

static yyjson_mut_val *null_value(struct packer *p)
{
    return yyjson_mut_null(p->call->doc);
}

static yyjson_mut_val *pack_string(struct packer *p, char letter)
{
    struct str s = STR_NONE;

    s.p = va_arg(p->args, const char *);
    if (letter == 'S') {
        s.len = va_arg(p->args, size_t);
    } else if (s.p) {
        s.len = strlen(s.p);
    }
    return s.p ? value_string(p->call, s) : null_value(p);
}

/* A value from elsewhere, in so many containers of this one. */
static yyjson_mut_val *fit(struct packer *p, yyjson_mut_val *v)
{
    if (p->depth + value_depth(v) > LIMIT_JSON_DEPTH) {
        p->rc = call_fail(p->call, DMCP_E_TOOBIG, "the value would be nested more than %d deep",
                          LIMIT_JSON_DEPTH);
        return null_value(p);
    }
    return v;
}

static yyjson_mut_val *pack_json(struct packer *p)
{
    const char *text = va_arg(p->args, const char *);
    yyjson_mut_val *v;

    if (!text || p->rc != DMCP_OK) {
        return null_value(p);
    }
    p->rc = value_parse(p->call, str_of(text), &v);
    return p->rc == DMCP_OK ? fit(p, v) : null_value(p);
}

static yyjson_mut_val *pack_value_of(struct packer *p)
{
    const dmcp_value *value = va_arg(p->args, const dmcp_value *);

    return fit(p, value_copy(p->call, value));
}

static yyjson_mut_val *pack(struct packer *p);

static yyjson_mut_val *pack_array(struct packer *p)
{
    yyjson_mut_val *array = yyjson_mut_arr(p->call->doc);

    while (next_char(p) != ']') {
        yyjson_mut_arr_append(array, pack(p));
    }
    p->at++;
    return array;
}

static yyjson_mut_val *pack_object(struct packer *p)
{
    yyjson_mut_val *object = yyjson_mut_obj(p->call->doc), *key;
    char letter;

    while ((letter = next_char(p)) != '}') {
        if (letter != 's' && letter != 'S') {
            bad_format(p, "a name must be s or S");
        }
        p->at++;
        key = pack_string(p, letter);
        if (!yyjson_mut_is_str(key)) {
            bad_format(p, "a name is NULL just before");
        }
        if (next_char(p) != ':') {
            bad_format(p, "a colon is missing");
        }
        p->at++;
        value_put(object, key, pack(p));
    }
    p->at++;
    return object;
}

static yyjson_mut_val *pack_container(struct packer *p, char bracket)
{
    yyjson_mut_val *v;

    if (++p->depth > LIMIT_JSON_DEPTH) {
        bad_format(p, "nested too deep");
    }
    v = bracket == '{' ? pack_object(p) : pack_array(p);
    p->depth--;
    return v;
}

static yyjson_mut_val *pack(struct packer *p)
{
    char letter = next_char(p);

    if (!letter || !strchr("{[sSiIfbnvj", letter)) {
        bad_format(p, "no value");
    }
    p->at++;
    switch (letter) {
    case '{':
    case '[':
        return pack_container(p, letter);
    case 's':
    case 'S':
        return pack_string(p, letter);
    case 'i':
        return value_integer(p->call, va_arg(p->args, int));
    case 'I':
        return value_integer(p->call, va_arg(p->args, int64_t));
    case 'f':
        return value_number(p->call, va_arg(p->args, double));
    case 'b':
        return yyjson_mut_bool(p->call->doc, va_arg(p->args, int) != 0);
    case 'v':
        return pack_value_of(p);
    case 'j':
        return pack_json(p);
    default:
        return null_value(p);
    }
}

int value_pack(dmcp_call *call, const char *fmt, va_list ap, yyjson_mut_val **v_out)
{
    struct packer p = { .call = call, .fmt = fmt, .at = fmt };
    yyjson_mut_val *v;

    va_copy(p.args, ap);
    v = pack(&p);
    if (next_char(&p)) {
        bad_format(&p, "more than one value");
    }
    va_end(p.args);
    if (p.rc == DMCP_OK) {
        *v_out = v;
    }
    return p.rc;
}

dmcp_value *dmcp_pack(dmcp_call *call, const char *fmt, ...)
{
    yyjson_mut_val *v = NULL;
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = value_pack(call, fmt, ap, &v);
    va_end(ap);
    return rc == DMCP_OK ? value_of(v) : NULL;
}
