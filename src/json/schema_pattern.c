/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling and matching patterns with PCRE2. See schema_pattern.h; the translation is in
 * pattern_translate.c.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <assert.h>

#include "json/schema_pattern.h"

struct pattern {
    struct pattern *next;
    struct str source;
    pcre2_code *code;
};

struct matcher {
    pcre2_match_context *context;
    pcre2_match_data *data;
};

static void *pcre_malloc(size_t size, void *arg)
{
    (void)arg;
    return mem_alloc(size);
}

static void pcre_free(void *p, void *arg)
{
    (void)arg;
    mem_free(p);
}

static int compile(struct str translated, pcre2_code **code_out, int *error_out)
{
    uint32_t options = PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY |
                       PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_UCP;
    pcre2_general_context *memory = pcre2_general_context_create(pcre_malloc, pcre_free, NULL);
    pcre2_compile_context *context = pcre2_compile_context_create(memory);
    size_t offset;

    *code_out = pcre2_compile((PCRE2_SPTR)translated.p, translated.len, options, error_out, &offset,
                              context);
    pcre2_compile_context_free(context);
    pcre2_general_context_free(memory);
    return *code_out ? 0 : DMCP_E_INVALID;
}

int pattern_compile(struct compiler *c, const yyjson_val *value, struct str source,
                    const struct pattern **out)
{
    struct pattern *p = schema_alloc(c, sizeof(*p));
    const char *what;
    char quoted[80], message[120];
    struct buf translated;
    int rc, error;

    json_quote(source, quoted, sizeof(quoted));
    buf_init(&translated, 16 * LIMIT_SCHEMA_BYTES);
    rc = pattern_translate(&translated, source, &what);
    if (!rc && !buf_ok(&translated)) {
        rc = schema_refuse_as(c, DMCP_E_TOOBIG, value, "the pattern %s is too long", quoted);
        goto out;
    }
    if (rc) {
        rc = schema_refuse(c, value, "the pattern %s is not of ECMA-262: %s", quoted, what);
        goto out;
    }
    rc = compile(buf_str(&translated), &p->code, &error);
    if (rc) {
        pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof(message));
        rc = schema_refuse(c, value, "the pattern %s cannot be used: %s", quoted, message);
        goto out;
    }
    p->source = source;
    p->next = c->schema->patterns;
    c->schema->patterns = p;
    *out = p;
out:
    buf_fini(&translated);
    return rc;
}

void pattern_free_all(struct pattern *first)
{
    for (struct pattern *p = first; p; p = p->next) {
        pcre2_code_free(p->code);
    }
}

struct str pattern_source(const struct pattern *p)
{
    return p->source;
}

static struct matcher *matcher_new(void)
{
    struct matcher *m = mem_alloc(sizeof(*m));
    pcre2_general_context *memory = pcre2_general_context_create(pcre_malloc, pcre_free, NULL);

    m->context = pcre2_match_context_create(memory);
    pcre2_set_heap_limit(m->context, LIMIT_PATTERN_KIB);
    m->data = pcre2_match_data_create(1, memory);
    pcre2_general_context_free(memory);
    return m;
}

void matcher_free(struct matcher *m)
{
    if (m) {
        pcre2_match_data_free(m->data);
        pcre2_match_context_free(m->context);
        mem_free(m);
    }
}

static int give_up(struct check *c, const struct pattern *p)
{
    char quoted[80];

    json_quote(p->source, quoted, sizeof(quoted));
    return schema_give_up(c, "matching a string with the pattern %s takes too much work", quoted);
}

/* PCRE2 does not tell how many steps it took, only that a limit was reached. So the limit starts
 * low and grows, and every try is charged as if it had reached its limit. Some steps for every
 * byte are always allowed: long strings need them. */
int pattern_check(struct check *c, const struct pattern *p, struct str subject)
{
    static const uint32_t steps[] = { 64, 2048, LIMIT_PATTERN_STEPS }, per_byte[] = { 1, 2, 8 };
    int found = PCRE2_ERROR_MATCHLIMIT;

    if (!c->matcher) {
        c->matcher = matcher_new();
    }
    for (size_t i = 0; i < COUNT_OF(steps) && found == PCRE2_ERROR_MATCHLIMIT; i++) {
        size_t limit = steps[i] + subject.len * per_byte[i];
        int rc = schema_work(c, steps[i] / 8 + subject.len / 32);

        if (rc) {
            return rc;
        }
        pcre2_set_match_limit(c->matcher->context,
                              limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX);
        found = pcre2_match(p->code, (PCRE2_SPTR)subject.p, subject.len, 0, PCRE2_NO_UTF_CHECK,
                            c->matcher->data, c->matcher->context);
    }
    if (found == PCRE2_ERROR_NOMATCH) {
        return SCHEMA_MISMATCH;
    }
    if (found < 0) {
        return give_up(c, p);
    }
    return SCHEMA_VALID;
}
