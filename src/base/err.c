/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors with text, and the names of the codes. See err.h and dmcp_error.h.
 */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

int err_set(struct err *e, int code, const char *fmt, ...)
{
    va_list ap;

    if (e) {
        e->code = code;
        va_start(ap, fmt);
        vsnprintf(e->text, sizeof(e->text), fmt, ap);
        va_end(ap);
    }
    return code;
}

int err_wrap(struct err *e, int code, const char *fmt, ...)
{
    char inner[sizeof(e->text)];
    va_list ap;
    size_t n;

    if (e) {
        memcpy(inner, e->text, sizeof(inner));
        e->code = code;
        va_start(ap, fmt);
        vsnprintf(e->text, sizeof(e->text), fmt, ap);
        va_end(ap);
        n = strlen(e->text);
        snprintf(e->text + n, sizeof(e->text) - n, ": %s", inner);
    }
    return code;
}

const char *dmcp_strerror(int code)
{
    switch (code) {
    case DMCP_OK:
        return "ok";
#define X(name, value, text)                                                                       \
    case value:                                                                                    \
        return text;
        DMCP_ERRORS(X)
#undef X
    default:
        return "unknown error";
    }
}
