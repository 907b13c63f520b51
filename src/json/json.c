/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing JSON with yyjson. See json.h.
 *
 * yyjson checks the grammar; afterwards one pass over its values, which lie in the order of the
 * text, settles numbers and checks depth and duplicate keys.
 */
#include "json/json.h"

#include <assert.h>

#include "base/hmap.h"
#include "base/limits.h"
#include "json/number.h"

/* ---- Memory for yyjson ---- */

static void *alc_malloc(void *ctx, size_t size)
{
    (void)ctx;
    return mem_alloc(size);
}

static void *alc_realloc(void *ctx, void *p, size_t old_size, size_t size)
{
    (void)ctx;
    (void)old_size;
    return mem_realloc(p, size);
}

static void alc_free(void *ctx, void *p)
{
    (void)ctx;
    mem_free(p);
}

static const yyjson_alc heap_alc = { alc_malloc, alc_realloc, alc_free, NULL };

/* For text that is copied out at once: small ones need no allocation. */
struct scratch {
    _Alignas(max_align_t) char data[4096];
};

static void *scratch_malloc(void *ctx, size_t size)
{
    struct scratch *s = ctx;

    return size <= sizeof(s->data) ? s->data : mem_alloc(size);
}

static void scratch_free(void *ctx, void *p)
{
    struct scratch *s = ctx;

    if (p != s->data) {
        mem_free(p);
    }
}

static void *scratch_realloc(void *ctx, void *p, size_t old_size, size_t size)
{
    struct scratch *s = ctx;
    void *q;

    if (p != s->data) {
        return mem_realloc(p, size);
    }
    if (size <= sizeof(s->data)) {
        return p;
    }
    q = mem_alloc(size);
    memcpy(q, p, old_size < sizeof(s->data) ? old_size : sizeof(s->data));
    return q;
}

/* ---- Reading ---- */

/* Where the containers of a well-formed text get deeper than allowed. */
static size_t too_deep_at(struct str text)
{
    unsigned depth = 0;
    bool in_string = false;
    size_t i;

    for (i = 0; i < text.len; i++) {
        char c = text.p[i];

        if (in_string && c == '\\') {
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '[' || c == '{') && ++depth > LIMIT_JSON_DEPTH) {
            break;
        } else if (!in_string && (c == ']' || c == '}')) {
            depth--;
        }
    }
    return i;
}

static bool is_same_key(yyjson_val *a, yyjson_val *b)
{
    return yyjson_get_len(a) == yyjson_get_len(b) &&
           memcmp(yyjson_get_str(a), yyjson_get_str(b), yyjson_get_len(a)) == 0;
}

/* The second of two equal keys, by comparing all pairs: fastest for the usual few. */
static yyjson_val *find_duplicate_of_few(yyjson_val *obj, size_t n)
{
    yyjson_val *key = unsafe_yyjson_get_first(obj);

    for (size_t i = 0; i < n; i++, key = unsafe_yyjson_get_next(key + 1)) {
        yyjson_val *other = unsafe_yyjson_get_first(obj);

        for (size_t k = 0; k < i; k++, other = unsafe_yyjson_get_next(other + 1)) {
            if (is_same_key(key, other)) {
                return key;
            }
        }
    }
    return NULL;
}

/* The same with a table of slots, at most half full. The hash is keyed, so a peer cannot choose
 * keys that meet in one slot. */
static yyjson_val *find_duplicate_of_many(yyjson_val *obj, size_t n)
{
    yyjson_val *key = unsafe_yyjson_get_first(obj), *duplicate = NULL, **slots;
    size_t n_slots = 64;

    while (n_slots < 2 * n) {
        n_slots *= 2;
    }
    slots = mem_zalloc_n(n_slots, sizeof(*slots));
    for (size_t i = 0; i < n && !duplicate; i++, key = unsafe_yyjson_get_next(key + 1)) {
        struct str name = str_make(yyjson_get_str(key), yyjson_get_len(key));
        size_t slot = hmap_hash(name) & (n_slots - 1);

        while (slots[slot] && !is_same_key(slots[slot], key)) {
            slot = (slot + 1) & (n_slots - 1);
        }
        if (slots[slot]) {
            duplicate = key;
        }
        slots[slot] = key;
    }
    mem_free(slots);
    return duplicate;
}

static int check_keys(const yyjson_doc *doc, yyjson_val *obj, struct err *e)
{
    size_t n = unsafe_yyjson_get_len(obj);
    yyjson_val *key = n <= 16 ? find_duplicate_of_few(obj, n) : find_duplicate_of_many(obj, n);
    char quoted[100];

    if (!key) {
        return 0;
    }
    /* The strings lie unescaped where they stood in yyjson's copy of the text, so the key's
     * place there is its place in the text, behind the quotation mark. */
    json_quote(json_str(key), quoted, sizeof(quoted));
    return err_set(e, DMCP_E_INVALID, "at byte %zu: the key %s is there twice",
                   (size_t)(yyjson_get_str(key) - doc->str_pool) - 1, quoted);
}

static int check_values(yyjson_doc *doc, struct str text, struct err *e)
{
    yyjson_val *ends[LIMIT_JSON_DEPTH]; /* of the containers around v */
    yyjson_val *v = doc->root, *end = unsafe_yyjson_get_next(doc->root);
    unsigned depth = 0;

    for (; v < end; v++) {
        while (depth > 0 && v == ends[depth - 1]) {
            depth--;
        }
        if (yyjson_is_raw(v)) {
            number_settle(v);
        }
        if (!yyjson_is_ctn(v)) {
            continue;
        }
        if (depth == LIMIT_JSON_DEPTH) {
            return err_set(e, DMCP_E_TOOBIG, "at byte %zu: nested more than %d deep",
                           too_deep_at(text), LIMIT_JSON_DEPTH);
        }
        ends[depth++] = unsafe_yyjson_get_next(v);
        if (yyjson_is_obj(v)) {
            int rc = check_keys(doc, v, e);

            if (rc) {
                return rc;
            }
        }
    }
    return 0;
}

int json_read(struct str text, yyjson_doc **doc_out, struct err *e)
{
    yyjson_read_err read_err;
    yyjson_doc *doc;
    int rc;

    if (text.len == 0) {
        return err_set(e, DMCP_E_INVALID, "at byte 0: there is no text");
    }
    /* Not in situ, so yyjson takes a copy and does not write to the text. */
    doc = yyjson_read_opts((char *)text.p, text.len, YYJSON_READ_NUMBER_AS_RAW, &heap_alc,
                           &read_err);
    if (!doc) {
        return err_set(e, DMCP_E_INVALID, "at byte %zu: %s", read_err.pos, read_err.msg);
    }
    rc = check_values(doc, text, e);
    if (rc) {
        yyjson_doc_free(doc);
        return rc;
    }
    *doc_out = doc;
    return 0;
}

/* ---- Writing ---- */

void json_write(struct buf *b, const yyjson_val *v)
{
    struct scratch scratch;
    yyjson_alc alc = { scratch_malloc, scratch_realloc, scratch_free, &scratch };
    size_t n;
    char *text = yyjson_val_write_opts(v, YYJSON_WRITE_INF_AND_NAN_AS_NULL, &alc, &n, NULL);

    assert(text); /* what json_read lets in can be written */
    buf_add(b, text, n);
    scratch_free(&scratch, text);
}

static void write_mut(struct buf *b, const yyjson_mut_val *v, yyjson_write_flag flags)
{
    struct scratch scratch;
    yyjson_alc alc = { scratch_malloc, scratch_realloc, scratch_free, &scratch };
    size_t n;
    char *text = yyjson_mut_val_write_opts(v, flags | YYJSON_WRITE_INF_AND_NAN_AS_NULL, &alc, &n,
                                           NULL);

    if (!text) {
        buf_fail(b);
        return;
    }
    buf_add(b, text, n);
    scratch_free(&scratch, text);
}

void json_write_mut(struct buf *b, const yyjson_mut_val *v)
{
    write_mut(b, v, 0);
}

void json_write_indented(struct buf *b, const yyjson_mut_val *v)
{
    write_mut(b, v, YYJSON_WRITE_PRETTY_TWO_SPACES);
}

yyjson_mut_doc *json_doc_new(void)
{
    return yyjson_mut_doc_new(&heap_alc);
}

size_t json_doc_bytes(const yyjson_mut_doc *doc)
{
    size_t n = 0;

    for (const yyjson_str_chunk *c = doc->str_pool.chunks; c; c = c->next) {
        n += c->chunk_size;
    }
    for (const yyjson_val_chunk *c = doc->val_pool.chunks; c; c = c->next) {
        n += c->chunk_size;
    }
    return n;
}
